//! Drives the built binary as its users do: starts `sekisho demo`, and programs that others wrote against it.
//!
//! Everything here ends a test by a panic that shows what was said, which is what a test wants.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod api;
mod authn_request;
mod curl;
mod demo;
mod events;
mod html;
pub mod node;
pub mod postgres;
pub mod runbook;
mod tools;

pub use authn_request::{AuthnRequest, decode_base64, encode_base64, percent};
pub use curl::{Curl, Response};
pub use demo::{Demo, Ended, Options, Ran, User, free_port, sekisho, start};
pub use events::{Answered, ids};
pub use html::unescape;
pub use tools::{
    SigningPair, Skip, node, output, peer, peers_required, program, python, repository, signing_pair,
};
