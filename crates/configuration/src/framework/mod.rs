//! What every configuration object has in common: one trait, one table, strict input, merge patches.
//!
//! patch → [`strict`] → RFC 7396 merge onto the stored body → [`ObjectType::check`] → effect rules → [`Checked`]

mod effect;
mod nearest;
mod object;
mod patch;
mod problem;
mod schema;
mod strict;

#[cfg(test)]
mod tests;

pub use effect::Effect;
pub use nearest::nearest;
pub use object::{Checked, OBJECTS, Object, ObjectType, object_type, without_secrets};
pub use patch::apply_patch;
pub use problem::Problem;
pub(crate) use problem::check_uris;
pub use strict::strict;
