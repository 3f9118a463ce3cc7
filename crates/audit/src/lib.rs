//! What happened: the event catalogue of AD FS as types, and the journal that keeps every request's ending.
//!
//! - [`Event`] is one event of the catalogue with named fields; it knows its id, level, channel, the items in
//!   AD FS's order and its English text. [`catalogue`] is the same as data.
//! - [`Journal`] makes records durable before an answer leaves; [`verify()`] checks its chain; [`render`] tells a
//!   person what happened under an activity id.
//! - [`Record`] is the ending of one request: its events and the steps that led there.
//! - [`Text`] is the only way for a peer's words to get into either: control characters are made visible and
//!   the length is bounded, so that no peer can forge a line or fill the disk.

pub mod catalogue;
pub mod event;
mod explain;
mod headers;
mod journal;
mod record;
mod text;

pub use catalogue::{Channel, Definition, Level};
pub use event::{
    AuthProtocol, AuthnAudit, BasicAudit, CallerIdentity, ClaimPairs, Event, ExtranetLockoutAudit,
    FailureType, NetworkLocation, OAuthAudit, RequestAudit, RequestContextHeaders, RequestFacts,
    ResourceAudit, SsoBinding, WRONG_PASSWORD, token_types,
};
pub use explain::render;
pub use headers::{HeadersText, Query};
pub use journal::{
    Journal, JournalError, JournalOptions, JournalReader, JournalStatus, Problem, Verification,
    WhenUnwritable, verify,
};
pub use record::{Outcome, Record, RefusalCount, RequestLine, RuleFired, Step};
pub use text::Text;
