//! Claims, claim types and the claim rule language of AD FS.
//!
//! Pure: no clock, no randomness, no I/O. An evaluation that needs an attribute store stops and hands its
//! queries to the caller, who resumes it with the rows.

pub mod claim;
pub mod types;

pub use claim::Claim;
