//! Readers that their crates do not publish, and that have no other way in: the same source files.

#![allow(dead_code, missing_docs, reason = "only the readers of these files are called here")]

#[path = "../../crates/server/src/cookies.rs"]
pub(crate) mod cookies;
#[path = "../../crates/directory/src/filter.rs"]
pub(crate) mod filter;
#[path = "../../crates/server/src/form.rs"]
pub(crate) mod form;
#[path = "../../crates/sekisho/src/demo/seed.rs"]
pub(crate) mod seed;
