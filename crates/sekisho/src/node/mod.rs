//! A node: what `serve` and `demo` have in common.
//!
//! ```text
//! data directory → store → node key, master key → catalog, keys, directory, journal → service
//!                                                   listeners → ready → … → drained
//! ```

pub(crate) mod certificates;
pub(crate) mod check;
pub(crate) mod farm;
pub(crate) mod fetch;
pub(crate) mod install;
pub(crate) mod listeners;
pub(crate) mod move_store;
pub(crate) mod node_store;
mod open;
mod ports;
mod readiness;
mod run;
pub(crate) mod settings;
mod ssl_certificate;
pub(crate) mod users;

pub(crate) use open::{Assembly, assemble, certificates};
pub(crate) use readiness::record;
pub(crate) use run::{asked_to_end, run};
