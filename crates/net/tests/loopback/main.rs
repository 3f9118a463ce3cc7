//! Real sockets on loopback, real clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    missing_docs
)]

mod client_certificates;
mod ephemeral;
mod holder;
mod lifecycle;
mod limits;
mod listeners;
mod openssl;
mod proxy_protocol;
mod requests;
mod smuggling;
mod support;
