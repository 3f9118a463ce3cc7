//! Values that several objects use: names with numbers, durations, dates, contacts.

pub mod date_time;
mod enumerations;
mod flags;
#[macro_use]
pub(crate) mod named;
mod organization;
mod time_span;

pub use enumerations::{
    AdditionalErrorPageInfo, AllowedClientTypes, AuditLevel, ClientAuthenticationMethod, ContactType,
    DeviceAuthenticationMethod, ExtendedProtectionTokenCheck, ExtranetLockoutMode, LogLevel,
    PromptLoginFederation, ProtocolProfile, RefreshTokenIssuanceDeviceTypes, RevocationSetting,
    SamlAuthenticationRequestParameters, SyncRole, WiaEvaluationMethod, WindowsHelloKeyVerification,
};
pub use flags::Flags;
pub use named::Named;
pub use organization::{ContactPerson, Organization};
pub use time_span::{TimeSpan, TimeSpanError};
