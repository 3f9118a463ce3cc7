//! The language as its users see it: published rules, worked examples, attacks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod attacks;
mod corpus;
mod diagnostics;
mod directory;
mod evaluation;
mod examples;
mod printing;
