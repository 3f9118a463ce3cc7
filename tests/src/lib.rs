//! What end-to-end tests stand on: the built `sekisho` as a process, a visitor with cookies, and the peers of
//! the lab. No crate of the house is used here: the tests see what a user sees.

mod form;
mod peers;
mod service;
mod visitor;

pub use form::Form;
pub use peers::{needs, skip};
pub use service::{Facts, RelyingParty, Service, User};
pub use visitor::{Answer, Visitor};
