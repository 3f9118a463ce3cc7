//! See ARCHITECTURE.md.

pub mod pages;
