//! Fuzz targets: one function for each decoder of what a peer, a browser or a file says.
//!
//! A target ends by a panic when something is wrong: the decoder panicked, or it believed or changed what it must
//! not. Two callers share the functions: `fuzz/libfuzzer` looks for new inputs on nightly Rust, and the test
//! `replay` runs the committed `corpus/` and thousands of seeded mutations of it on stable, everywhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a target reports by a panic")]

mod mutate;
mod private;
mod targets;

// What the readers in `private` name by `crate::`.
use directory::DirectoryError;

pub use mutate::Mutator;
use targets::{browser, claim_rules, files, messages, signed, xml_text};

/// A decoder under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the folder in `corpus/`, and of the program in `fuzz/libfuzzer`.
    pub name: &'static str,
    /// Runs the decoder; whether it took the input. Both answers are right, unless it panics.
    pub run: fn(&[u8]) -> bool,
    /// Pieces that mean something to the decoder.
    pub pieces: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "xml_read", run: xml_text::read, pieces: xml_text::PIECES },
    Target { name: "xml_canonical_form", run: xml_text::canonical_form, pieces: xml_text::PIECES },
    Target { name: "xml_verify", run: signed::verify, pieces: xml_text::PIECES },
    Target { name: "token", run: signed::token, pieces: xml_text::PIECES },
    Target { name: "saml_response", run: signed::saml_response, pieces: xml_text::PIECES },
    Target { name: "ws_federation_response", run: signed::ws_federation_response, pieces: xml_text::PIECES },
    Target { name: "ws_federation_request", run: messages::ws_federation_request, pieces: messages::PIECES },
    Target { name: "saml_redirect", run: messages::saml_redirect, pieces: messages::PIECES },
    Target { name: "saml_post", run: messages::saml_post, pieces: messages::PIECES },
    Target { name: "saml_deflated", run: messages::saml_deflated, pieces: &[] },
    Target { name: "saml_request", run: messages::saml_request, pieces: xml_text::PIECES },
    Target { name: "metadata", run: messages::metadata, pieces: xml_text::PIECES },
    Target { name: "claim_rules", run: claim_rules::rules, pieces: claim_rules::RULE_PIECES },
    Target { name: "claim_pattern", run: claim_rules::pattern, pieces: claim_rules::PATTERN_PIECES },
    Target { name: "store_query", run: claim_rules::store_query, pieces: claim_rules::QUERY_PIECES },
    Target { name: "form", run: browser::form, pieces: messages::PIECES },
    Target { name: "cookies", run: browser::cookies, pieces: browser::COOKIE_PIECES },
    Target { name: "sealed_cookie", run: browser::sealed_cookie, pieces: &[] },
    Target { name: "session", run: browser::session, pieces: &[] },
    Target { name: "request_head", run: browser::request_head, pieces: browser::HEADER_PIECES },
    Target { name: "journal", run: files::journal, pieces: &[] },
    Target { name: "seed_file", run: files::seed, pieces: files::SEED_PIECES },
    Target { name: "pfx", run: files::pfx, pieces: &[] },
    Target { name: "pem", run: files::pem, pieces: files::PEM_PIECES },
];

/// Runs the target of a name, which must be one of [`TARGETS`].
pub fn run(name: &str, input: &[u8]) -> bool {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target's name");
    (target.run)(input)
}
