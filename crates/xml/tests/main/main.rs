//! What the crate promises to its callers, tested from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod canonical;
mod captures;
mod generator;
mod interop;
mod profile;
mod signer;
mod support;
mod wrapping;
