//! The built binary, as its users meet it: one module for each subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod administration;
mod apache;
mod bad_input;
mod browser;
mod certificates;
mod claims_xray;
mod cmdlets;
mod events;
mod farm;
mod passport_wsfed_saml2;
mod passwords;
mod postgresql;
mod process;
mod python3_saml;
mod runbook_49443;
mod saml;
mod secrets;
mod seed;
mod seed_certificates;
mod shared;
mod signatures;
mod ws_federation;
