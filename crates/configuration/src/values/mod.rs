//! Values that several objects use: names with numbers, durations, dates.

pub(crate) mod date_time;
mod flags;
#[macro_use]
pub(crate) mod named;
mod time_span;

pub use flags::Flags;
pub use named::Named;
pub use time_span::{TimeSpan, TimeSpanError};
