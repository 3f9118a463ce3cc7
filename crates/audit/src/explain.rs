//! Tells a person what happened under an activity id.

use std::fmt::Write;

use crate::{Channel, Event, Outcome, Record, RuleFired, Step, Text};

/// The records of an activity as text: each request with its checks in order, rules that fired, rows of the
/// stores, events and outcome.
///
/// Nothing that a peer sent can begin a line: texts of records hold no line breaks, and what has some by its
/// nature (audit documents, addresses of event 100) is indented.
pub fn render(records: &[Record]) -> String {
    let mut text = String::new();
    let Some(first) = records.first() else {
        return "No record has this activity id. It may be older than the journal's retention, or belong to another node.\n"
            .to_owned();
    };
    let _ = writeln!(text, "Activity {} on {}: {} records", first.activity, first.node, records.len());
    for (index, record) in records.iter().enumerate() {
        let _ = writeln!(text, "\n{}. {} UTC", index.saturating_add(1), record.at.to_audit());
        if let Some(request) = &record.request {
            let query = request.query.as_str();
            let _ = writeln!(
                text,
                "   Request  {} {}{query} from {}",
                request.method, request.path, request.client
            );
        }
        section(&mut text, "Steps", record.steps.iter().map(step_lines));
        section(&mut text, "Events", record.events.iter().map(|event| event_lines(record, event)));
        let _ = writeln!(text, "   Outcome  {}", outcome_line(&record.outcome));
    }
    text
}

fn section(text: &mut String, title: &str, entries: impl Iterator<Item = Vec<String>>) {
    let mut title = Some(title);
    for lines in entries {
        for (index, line) in lines.iter().enumerate() {
            let indent = if index == 0 { "" } else { "  " };
            let _ = writeln!(text, "   {:<8} {indent}{line}", title.take().unwrap_or_default());
        }
    }
}

fn step_lines(step: &Step) -> Vec<String> {
    match step {
        Step::Check { name, passed, verdict } => {
            let mark = if *passed { "passed " } else { "REFUSED" };
            vec![if verdict.is_empty() {
                format!("{mark} {name}")
            } else {
                format!("{mark} {name}: {verdict}")
            }]
        }
        Step::Rules { set, fired, claims } => {
            let mut lines = vec![format!("rules   {set}: {} fired, {claims} claims came out", fired.len())];
            lines.extend(fired.iter().map(|RuleFired { number, name, claims }| {
                let name = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
                format!("rule {number}{name}: {claims} claims")
            }));
            lines
        }
        Step::Query { store, query, rows, values } => {
            let mut lines = vec![format!("store   {store}: {rows} rows for {query}")];
            lines.extend(values.iter().map(Text::to_string));
            lines
        }
        Step::Note { text } => vec![format!("note    {text}")],
    }
}

fn event_lines(record: &Record, event: &Event) -> Vec<String> {
    let definition = event.definition();
    let log = match definition.channel {
        Channel::Admin => "Admin",
        Channel::Security => "Security",
    };
    let mut lines =
        vec![format!("{} {log}, {}: {}", definition.id, definition.level.name(), definition.name)];
    for items in event.fields(record.activity) {
        for (index, item) in items.iter().enumerate() {
            if item.is_empty() || item == "-" {
                continue;
            }
            let label = definition.fields.get(index).copied().unwrap_or_default();
            let mut parts = item.lines();
            lines.push(format!("{label}: {}", parts.next().unwrap_or_default()));
            lines.extend(parts.map(|part| format!("  {part}")));
        }
    }
    lines
}

fn outcome_line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Token { user, relying_party } => format!("token for {user} to {relying_party}"),
        Outcome::Page { page, reason } => format!("page \"{page}\": {reason}"),
        Outcome::Redirect { reason } => format!("redirect: {reason}"),
        Outcome::Refused { reason, message } => format!("refused, {reason}: {message}"),
        Outcome::Answered { status } => format!("answered with {status}"),
        Outcome::Service => "the service itself".to_owned(),
        Outcome::Refusals { minute, counts, others } => {
            let total = counts.iter().fold(*others, |sum, count| sum.saturating_add(count.count));
            format!("{total} requests refused early in the minute of {}", minute.to_audit())
        }
        Outcome::Note { text } => format!("note: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{ActivityId, Timestamp};

    use super::*;
    use crate::{Query, RequestLine};

    #[test]
    fn a_refused_sign_in_is_told_from_the_request_to_the_outcome() {
        let record = Record {
            activity: ActivityId("0d0d0d0d-1111-4222-8333-444444444444".parse().unwrap()),
            at: Timestamp::parse_xml("2030-01-02T03:04:05Z").unwrap(),
            node: Arc::from("fs01"),
            request: Some(RequestLine {
                method: "GET".into(),
                path: "/adfs/ls/".into(),
                query: Query::new("wa=wsignin1.0&wtrealm=urn:app&Password=x"),
                client: "198.51.100.7".parse().unwrap(),
            }),
            outcome: Outcome::Refused {
                reason: "wreply_is_registered".into(),
                message: "MSIS7042: not a reply address\n9. forged".into(),
            },
            events: vec![Event::WsFederationPassiveRequestFailedError {
                protocol: "wsfed".into(),
                relying_party: "urn:app".into(),
                exception: "MSIS7042".into(),
            }],
            steps: vec![
                Step::passed("trust_is_enabled"),
                Step::refused("wreply_is_registered", "https://evil.example is not registered"),
                Step::Rules {
                    set: "acceptance transform rules".into(),
                    fired: vec![RuleFired { number: 2, name: "Pass UPN".into(), claims: 1 }],
                    claims: 1,
                },
                Step::Query {
                    store: "Active Directory".into(),
                    query: "(samAccountName=kim);mail".into(),
                    rows: 1,
                    values: vec!["kim@example.com".into()],
                },
                Step::note("no session"),
            ],
        };
        assert_eq!(
            render(&[record]),
            "Activity 0d0d0d0d-1111-4222-8333-444444444444 on fs01: 1 records\n\
             \n\
             1. 2030-01-02 03:04:05 UTC\n\
             \x20  Request  GET /adfs/ls/?wa=wsignin1.0&wtrealm=urn:app&Password=**** from 198.51.100.7\n\
             \x20  Steps    passed  trust_is_enabled\n\
             \x20           REFUSED wreply_is_registered: https://evil.example is not registered\n\
             \x20           rules   acceptance transform rules: 1 fired, 1 claims came out\n\
             \x20             rule 2 \"Pass UPN\": 1 claims\n\
             \x20           store   Active Directory: 1 rows for (samAccountName=kim);mail\n\
             \x20             kim@example.com\n\
             \x20           note    no session\n\
             \x20  Events   364 Admin, Error: WSFederationPassiveRequestFailedError\n\
             \x20             Protocol Name: wsfed\n\
             \x20             Relying Party: urn:app\n\
             \x20             Exception details: MSIS7042\n\
             \x20  Outcome  refused, wreply_is_registered: MSIS7042: not a reply address\\u000a9. forged\n"
        );
        assert!(render(&[]).starts_with("No record"));
    }
}
