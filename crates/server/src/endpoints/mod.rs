//! One file an endpoint.

pub(crate) mod claims_xray;
pub(crate) mod metadata;
pub(crate) mod passive;
pub(crate) mod passive_plan;
pub(crate) mod portal;
pub(crate) mod probe;
