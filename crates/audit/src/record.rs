//! The ending of one request, and the steps that led there.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use base::{ActivityId, Guid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Event, Query, Text};

/// What the journal keeps of one request, or of one turn in the life of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Correlation id, which the error page shows too; [`ActivityId`] of zeros when there is no request.
    pub activity: ActivityId,
    /// When the record was made.
    pub at: Timestamp,
    /// Host name of the node.
    pub node: Arc<str>,
    /// The request in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestLine>,
    /// How it ended.
    pub outcome: Outcome,
    /// Events in the order in which they were raised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What led to the outcome, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

impl Record {
    /// A record without events and steps.
    pub fn new(activity: ActivityId, at: Timestamp, node: Arc<str>, outcome: Outcome) -> Self {
        Self { activity, at, node, request: None, outcome, events: Vec::new(), steps: Vec::new() }
    }

    /// A record of the service itself: no request, no activity.
    pub fn service(at: Timestamp, node: Arc<str>, event: Event) -> Self {
        let mut record = Self::new(ActivityId(Guid::NIL), at, node, Outcome::Service);
        record.events.push(event);
        record
    }
}

/// A request in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// HTTP method.
    pub method: Text,
    /// Path.
    pub path: Text,
    /// Query string, secrets masked.
    #[serde(default)]
    pub query: Query,
    /// Address of the client.
    pub client: IpAddr,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A token left.
    Token {
        /// For whom.
        user: Text,
        /// To which relying party.
        relying_party: Text,
    },
    /// A page that asks for something was shown.
    Page {
        /// Which, such as `forms sign-in`.
        page: Cow<'static, str>,
        /// Why.
        reason: Text,
    },
    /// The browser was sent elsewhere, without a token.
    Redirect {
        /// Where to, and why.
        reason: Text,
    },
    /// The request was refused.
    Refused {
        /// Name of the refusal, such as `reply_is_registered`.
        reason: Cow<'static, str>,
        /// The text that an administrator reads (MSIS code first, where there is one).
        message: Text,
    },
    /// Another answer, such as metadata or a style sheet.
    Answered {
        /// HTTP status.
        status: u16,
    },
    /// The service began, stopped or changed; no request.
    Service,
    /// Requests refused before any trust or account was known, in one minute.
    Refusals {
        /// Beginning of the minute.
        minute: Timestamp,
        /// Counts by source and reason.
        counts: Vec<RefusalCount>,
        /// Refusals from sources that the table had no room for.
        others: u64,
    },
    /// A note of the journal about itself.
    Note {
        /// What happened.
        text: Text,
    },
}

/// Refusals of one source for one reason in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalCount {
    /// The source: an IPv4 address, or the first address of an IPv6 network of 64 bits.
    pub source: IpAddr,
    /// Why.
    pub reason: Cow<'static, str>,
    /// How many.
    pub count: u64,
}

/// One step of the way to an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A named check of a request against its trust, its session or the service.
    Check {
        /// Name of the check, as in the list of its step.
        name: Cow<'static, str>,
        /// Whether the request passed.
        passed: bool,
        /// What was found; empty when there is nothing to add.
        #[serde(default, skip_serializing_if = "Text::is_empty")]
        verdict: Text,
    },
    /// A set of claim rules ran.
    Rules {
        /// Which set, such as `issuance transform rules of Claims X-Ray`.
        set: Text,
        /// Rules that fired, in order.
        fired: Vec<RuleFired>,
        /// Claims that came out.
        claims: u32,
    },
    /// An attribute store answered.
    Query {
        /// Name of the store.
        store: Text,
        /// The query with its parameters.
        query: Text,
        /// Rows found.
        rows: u32,
        /// The first rows, values in order of the attributes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<Text>,
    },
    /// Something else that a reader of the explanation wants to know.
    Note {
        /// The text.
        text: Text,
    },
}

impl Step {
    /// A check that was passed.
    pub fn passed(name: &'static str) -> Self {
        Self::Check { name: name.into(), passed: true, verdict: Text::default() }
    }

    /// A check that refused.
    pub fn refused(name: &'static str, verdict: impl Into<Text>) -> Self {
        Self::Check { name: name.into(), passed: false, verdict: verdict.into() }
    }

    /// A note.
    pub fn note(text: impl Into<Text>) -> Self {
        Self::Note { text: text.into() }
    }
}

/// A claim rule that fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFired {
    /// Position in the set, from 1.
    pub number: u32,
    /// Name of the rule; empty when it has none.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub name: Text,
    /// Claims it added or issued.
    pub claims: u32,
}
