//! The token that Claims X-Ray was given, and what its validation said.

use askama::Template;
use base::Timestamp;

use super::claim_names::{ClaimGroup, claim_name, short_name};
use super::start::XRayProtocol;
use super::xml_view;
use crate::pages::frame::Frame;
use crate::pages::render;
use crate::pages::texts::{Texts, XRay};

/// What the result page shows.
#[derive(Debug, Clone, Copy)]
pub struct XRayResultPage<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// The start page, for another sign-in.
    pub home: &'a str,
    /// Every check that failed; none means that the token is accepted.
    pub problems: &'a [XRayProblem<'a>],
    /// What the token says; absent when nothing vouches for it.
    pub token: Option<&'a XRayToken<'a>>,
    /// `RelayState` or `wctx` that came back.
    pub relay_state: Option<&'a str>,
    /// The message as received.
    pub raw_xml: &'a str,
    /// The present moment, for the remaining times.
    pub now: Timestamp,
}

/// A failed check.
#[derive(Debug, Clone, Copy)]
pub struct XRayProblem<'a> {
    /// Stable name of the check, `audience_is_ours`.
    pub check: &'a str,
    /// What was found and what was expected.
    pub message: &'a str,
}

/// A token as the validation read it.
#[derive(Debug, Clone)]
pub struct XRayToken<'a> {
    /// How it came and what it is.
    pub protocol: XRayProtocol,
    /// `AssertionID` or `ID`.
    pub id: &'a str,
    /// Who issued it.
    pub issuer: &'a str,
    /// For whom.
    pub audiences: Vec<&'a str>,
    /// Address of the subject confirmation or of the response.
    pub recipient: Option<&'a str>,
    /// Id of the request it answers.
    pub in_response_to: Option<&'a str>,
    /// The subject's name.
    pub name_id: Option<&'a str>,
    /// Its format, a URI.
    pub name_id_format: Option<&'a str>,
    /// How the person signed in, a URI.
    pub authentication_method: Option<&'a str>,
    /// When.
    pub authentication_instant: Option<Timestamp>,
    /// Every span the token states.
    pub lifetimes: Vec<XRayLifetime>,
    /// Its claims, in order.
    pub claims: Vec<XRayClaim<'a>>,
    /// Its signatures, outermost first.
    pub signatures: Vec<XRaySignature<'a>>,
}

/// A span of time that the token states.
#[derive(Debug, Clone, Copy)]
pub struct XRayLifetime {
    /// What it bounds.
    pub span: XRaySpan,
    /// First moment, when stated.
    pub not_before: Option<Timestamp>,
    /// First moment after it, when stated.
    pub not_on_or_after: Option<Timestamp>,
}

/// What a span bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XRaySpan {
    /// `Conditions`: use of the token.
    Token,
    /// `SubjectConfirmationData`: its delivery.
    SubjectConfirmation,
    /// `Lifetime` of the WS-Trust response.
    Response,
    /// `SessionNotOnOrAfter`.
    Session,
}

/// One claim.
#[derive(Debug, Clone, Copy)]
pub struct XRayClaim<'a> {
    /// Its type, usually a URI.
    pub claim_type: &'a str,
    /// Its value.
    pub value: &'a str,
    /// Who asserts it.
    pub issuer: &'a str,
    /// Who asserted it first.
    pub original_issuer: &'a str,
}

/// A signature that was found.
#[derive(Debug, Clone, Copy)]
pub struct XRaySignature<'a> {
    /// What it covers.
    pub signed: XRaySigned,
    /// Signature algorithm, a URI.
    pub algorithm: &'a str,
    /// Digest algorithm, a URI.
    pub digest: &'a str,
    /// Subject of the certificate.
    pub certificate_subject: &'a str,
    /// SHA-1 thumbprint of the certificate, hex.
    pub thumbprint: &'a str,
    /// Why the key may be believed.
    pub key_source: XRayKeySource,
}

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XRaySigned {
    /// The assertion.
    Assertion,
    /// The whole SAML response.
    Response,
}

/// Why a key may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XRayKeySource {
    /// It belongs to the configured federation service.
    Trusted,
    /// It only came with the message.
    Unknown,
}

impl XRayKeySource {
    fn is_trusted(self) -> bool {
        self == Self::Trusted
    }
}

/// Values of one claim type that are shown at once; the others open on demand.
const SHOWN_VALUES: usize = 10;

#[derive(Template)]
#[template(path = "xray_result.html")]
struct XRayResult<'a> {
    frame: &'a Frame<'a>,
    t: &'static Texts,
    page: &'a XRayResultPage<'a>,
    home: &'a str,
    lifetimes: Vec<Span>,
    groups: Vec<Group<'a>>,
    xml_view: String,
    raw_xml: String,
}

struct Span {
    name: &'static str,
    alive: bool,
    state: String,
    begin: Option<Timestamp>,
    end: Option<Timestamp>,
    /// Seconds left, of seconds altogether.
    meter: Option<(u64, u64)>,
}

struct Group<'a> {
    title: &'static str,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    name: &'a str,
    claim_type: &'a str,
    values: Vec<&'a str>,
    more: Vec<&'a str>,
    issuer: &'a str,
    original_issuer: Option<&'a str>,
}

/// The page as HTML.
pub fn xray_result(page: &XRayResultPage<'_>) -> String {
    let t = page.frame.texts();
    let token = page.token;
    render(&XRayResult {
        frame: &page.frame,
        t,
        page,
        home: page.home,
        lifetimes: token
            .map(|token| token.lifetimes.iter().map(|span| lifetime(span, page.now, &t.xray)).collect())
            .unwrap_or_default(),
        groups: token.map(|token| groups(&token.claims, page)).unwrap_or_default(),
        xml_view: xml_view::indented(page.raw_xml),
        raw_xml: xml_view::exact(page.raw_xml),
    })
}

fn lifetime(of: &XRayLifetime, now: Timestamp, t: &XRay) -> Span {
    let seconds = |from: Timestamp, to: Timestamp| to.since(from).as_secs();
    let (begin, end) = (of.not_before, of.not_on_or_after);
    let (alive, state) = match (begin, end) {
        (Some(begin), _) if now < begin => (false, (t.begins_in)(&(t.duration)(seconds(now, begin)))),
        (_, Some(end)) if now >= end => (false, (t.ended)(&(t.duration)(seconds(end, now)))),
        (_, Some(end)) => (true, (t.valid_for)(&(t.duration)(seconds(now, end)))),
        (_, None) => (true, t.without_end.to_owned()),
    };
    let meter = begin
        .zip(end)
        .map(|(begin, end)| (seconds(now, end), seconds(begin, end)))
        .filter(|(left, total)| left <= total && *total > 0);
    Span { name: (t.lifetime)(of.span), alive, state, begin, end, meter }
}

/// Claims in groups of one subject matter, one row for each type and issuer, in the token's order.
fn groups<'a>(claims: &[XRayClaim<'a>], page: &XRayResultPage<'a>) -> Vec<Group<'a>> {
    let t = &page.frame.texts().xray.groups;
    let mut groups: Vec<(ClaimGroup, Group<'a>)> = [
        (ClaimGroup::Identity, t.identity),
        (ClaimGroup::Groups, t.groups),
        (ClaimGroup::Authentication, t.authentication),
        (ClaimGroup::Request, t.request),
        (ClaimGroup::Other, t.other),
    ]
    .map(|(kind, title)| (kind, Group { title, rows: Vec::new() }))
    .into();
    let mut places = std::collections::HashMap::new();
    for claim in claims {
        let (name, kind) = claim_name(claim.claim_type, page.frame.language);
        let Some((_, group)) = groups.iter_mut().find(|(k, _)| *k == kind) else { continue };
        let place =
            *places.entry((claim.claim_type, claim.issuer, claim.original_issuer)).or_insert_with(|| {
                group.rows.push(Row {
                    name,
                    claim_type: claim.claim_type,
                    values: Vec::new(),
                    more: Vec::new(),
                    issuer: claim.issuer,
                    original_issuer: (claim.original_issuer != claim.issuer).then_some(claim.original_issuer),
                });
                group.rows.len() - 1
            });
        if let Some(row) = group.rows.get_mut(place) {
            let values = if row.values.len() < SHOWN_VALUES { &mut row.values } else { &mut row.more };
            values.push(claim.value);
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| !group.rows.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Language;
    use crate::pages::test_support::{Page, XML, frame, nonce, text, xray_result_page, xray_token};

    fn groups_of(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("Group {n}")).collect()
    }

    #[test]
    fn an_accepted_token_shows_its_facts() {
        let nonce = nonce();
        let token = xray_token(&[]);
        let page =
            Page::parse(&xray_result(&xray_result_page(frame(Language::English, &nonce), Some(&token), &[])));
        assert_eq!(page.id("verdict").attribute("data-verdict"), Some("accepted"));
        assert!(page.find("problems").is_none());
        for (id, value) in [
            ("protocol", "WS-Federation"),
            ("tokenKind", "SAML 1.1"),
            ("issuer", "http://fs.contoso.com/adfs/services/trust"),
            ("nameId", "aiko@contoso.com"),
            ("authenticationInstant", "2026-11-24 08:00:00 UTC"),
            ("relayState", "rm=0"),
            ("rawXml", XML),
        ] {
            assert_eq!(page.text(id), value, "{id}");
        }
        let states: Vec<String> = page.all("strong").map(text).collect();
        for state in ["valid for another 59 min 50 s", "valid for another 4 min 50 s", "ended 5 s ago"] {
            assert!(states.iter().any(|s| s == state), "{state} in {states:?}");
        }
    }

    #[test]
    fn a_refused_token_lists_every_problem() {
        let nonce = nonce();
        let problems = [
            XRayProblem { check: "signature_is_valid", message: "The digest differs." },
            XRayProblem { check: "audience_is_ours", message: "The token is for 'urn:other'." },
        ];
        let page =
            Page::parse(&xray_result(&xray_result_page(frame(Language::English, &nonce), None, &problems)));
        assert_eq!(page.id("verdict").attribute("data-verdict"), Some("refused"));
        let checks: Vec<_> = page.all("li").filter_map(|item| item.attribute("data-check")).collect();
        assert_eq!(checks, ["signature_is_valid", "audience_is_ours"]);
        assert!(page.find("claims").is_none());
        assert!(page.find("noToken").is_some());
    }

    #[test]
    fn values_of_one_type_share_a_row_and_long_lists_open_on_demand() {
        let nonce = nonce();
        let groups = groups_of(160);
        let token = xray_token(&groups);
        let page =
            Page::parse(&xray_result(&xray_result_page(frame(Language::English, &nonce), Some(&token), &[])));
        let rows: Vec<_> =
            page.all("tr").filter(|row| row.attribute("data-type") == Some(claims::types::GROUP)).collect();
        assert_eq!(rows.len(), 1);
        let items = rows[0].descendants().filter(|node| node.has_tag_name("li")).count();
        assert_eq!(items, 160);
        let summary = rows[0].descendants().find(|node| node.has_tag_name("summary")).unwrap();
        assert_eq!(text(summary), "Show 150 more");
        let titles: Vec<_> =
            page.all("tr").filter(|row| row.attribute("class") == Some("group")).map(text).collect();
        assert_eq!(
            titles.iter().map(|title| title.trim()).collect::<Vec<_>>(),
            ["Identity", "Groups and roles", "Authentication", "Request and device", "Other"]
        );
    }

    #[test]
    fn another_original_issuer_is_named_and_the_same_is_not() {
        let nonce = nonce();
        let token = xray_token(&[]);
        let page =
            Page::parse(&xray_result(&xray_result_page(frame(Language::English, &nonce), Some(&token), &[])));
        let row =
            |of: &str| page.all("tr").find(|row| row.attribute("data-type") == Some(of)).map(text).unwrap();
        assert!(row(claims::types::UPN).contains("originally AD AUTHORITY"));
        assert!(!row(claims::types::GIVEN_NAME).contains("originally"));
    }

    #[test]
    fn a_span_that_has_not_begun_or_has_no_end_says_so() {
        let t = &Language::English.texts().xray;
        let now = Timestamp::from_seconds(1_000);
        let span = |not_before: Option<i64>, not_on_or_after: Option<i64>| {
            let at = |seconds: Option<i64>| seconds.map(Timestamp::from_seconds);
            lifetime(
                &XRayLifetime {
                    span: XRaySpan::Token,
                    not_before: at(not_before),
                    not_on_or_after: at(not_on_or_after),
                },
                now,
                t,
            )
        };
        assert_eq!(
            (span(Some(1_060), Some(2_000)).state.as_str(), span(Some(1_060), None).alive),
            ("begins in 1 min", false)
        );
        assert_eq!(
            (span(Some(0), None).state.as_str(), span(Some(0), None).alive),
            ("no end is stated", true)
        );
        // Not on or after: the end itself is outside.
        assert_eq!(
            (span(Some(0), Some(1_000)).state.as_str(), span(Some(0), Some(1_000)).alive),
            ("ended 0 s ago", false)
        );
        assert_eq!(span(Some(500), Some(1_500)).meter, Some((500, 1_000)));
        assert_eq!(span(Some(1_500), Some(500)).meter, None);
    }
}
