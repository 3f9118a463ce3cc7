//! Clock, randomness, identifiers and secrets: the few types that every other crate shares.
//!
//! Time and randomness are parameters everywhere else. This crate holds the traits, the implementation that
//! reads the machine, and the ones that tests move by hand.

mod answer;
mod clock;
mod guid;
mod random;
mod secret;
mod timestamp;

pub use answer::Answer;
pub use clock::{Clock, ManualClock, SystemClock};
pub use guid::{ActivityId, Guid, GuidError};
pub use random::{Random, SeededRandom, SystemRandom};
pub use secret::Secret;
pub use timestamp::{Timestamp, TimestampError};
