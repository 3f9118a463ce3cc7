//! What the tests of the pages share: view models with everything in them, and a strict reader.
//!
//! The pages are written so that they are well-formed XML too; reading them as XML finds every tag that is not
//! closed and every value that is not quoted.

use base::{ActivityId, SeededRandom, Timestamp};

use super::*;

/// Tries to leave an attribute, an element and a comment.
pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script>'&lt;x=<!-- </style>{{7*7}}";

pub(crate) fn nonce() -> Nonce {
    Nonce::random(&SeededRandom::new(42))
}

pub(crate) fn activity_id() -> ActivityId {
    ActivityId("3f9a51c7-2f0e-4b13-8d2e-0080000000e3".parse().unwrap())
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_xml("2026-11-24T08:00:10Z").unwrap()
}

pub(crate) fn frame(language: Language, nonce: &Nonce) -> Frame<'_> {
    Frame { language, display_name: "Contoso 株式会社", nonce, activity_id: activity_id() }
}

pub(crate) const ACTION: &str =
    "/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3aapp&client-request-id=3f9a51c7-2f0e-4b13-8d2e-0080000000e3";

pub(crate) fn sign_in_page(frame: Frame<'_>) -> SignInPage<'_> {
    SignInPage {
        frame,
        action: ACTION,
        options_action: "https://fs.contoso.com:443/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3aapp",
        user_name: "",
        error: None,
        kmsi_visible: false,
        change_password_url: Some("/adfs/portal/updatepassword/?username=aiko%40contoso.com"),
    }
}

pub(crate) fn error_page(frame: Frame<'_>) -> ErrorPage<'_> {
    ErrorPage {
        frame,
        message: ErrorMessage::Generic,
        relying_party: Some("Expense reports"),
        error_details: Some(
            "MSIS7007: The requested relying party trust 'urn:unknown' is unspecified or unsupported.",
        ),
        node: "7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11".parse().unwrap(),
        time: now(),
    }
}

pub(crate) fn change_password_page(frame: Frame<'_>) -> ChangePasswordPage<'_> {
    ChangePasswordPage {
        frame,
        action: "/adfs/portal/updatepassword/?username=aiko%40contoso.com",
        user_name: "aiko@contoso.com",
        reason: ChangePasswordReason::Chosen,
        error: None,
        changed: false,
        cancel_url: Some("/adfs/ls/?wa=wsignin1.0"),
    }
}

pub(crate) fn xray_start_page(frame: Frame<'_>) -> XRayStartPage<'_> {
    XRayStartPage { frame, home: "/claimsxray", action: "/claimsxray/signin" }
}

/// A token with two claims in the group of groups more than are shown at once.
pub(crate) fn xray_token<'a>(groups: &'a [String]) -> XRayToken<'a> {
    let claim =
        |claim_type, value, issuer, original_issuer| XRayClaim { claim_type, value, issuer, original_issuer };
    let fs = "http://fs.contoso.com/adfs/services/trust";
    let mut claims = vec![
        claim(claims::types::UPN, "aiko@contoso.com", fs, "AD AUTHORITY"),
        claim(claims::types::EMAIL, "aiko.sato@contoso.com", fs, "AD AUTHORITY"),
        claim(claims::types::GIVEN_NAME, "愛子", fs, fs),
        claim(
            claims::types::AUTHENTICATION_METHOD,
            claims::types::METHOD_PASSWORD_PROTECTED_TRANSPORT,
            fs,
            fs,
        ),
        claim(claims::types::INSIDE_CORPORATE_NETWORK, "true", fs, fs),
        claim("https://contoso.example/claims/costcenter", "4711", fs, fs),
    ];
    claims.extend(groups.iter().map(|group| claim(claims::types::GROUP, group.as_str(), fs, fs)));
    let at = |seconds| {
        Some(now().minus(std::time::Duration::from_secs(10)).plus(std::time::Duration::from_secs(seconds)))
    };
    XRayToken {
        protocol: XRayProtocol::WsFederationSaml11,
        id: "_2c5a2f0e-3d7b-4a0e-9f43-5b1d4f6f9c11",
        issuer: fs,
        audiences: vec!["urn:microsoft:adfs:claimsxray"],
        recipient: Some("https://fs.contoso.com/claimsxray"),
        in_response_to: None,
        name_id: Some("aiko@contoso.com"),
        name_id_format: Some("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
        authentication_method: Some(claims::types::METHOD_PASSWORD_PROTECTED_TRANSPORT),
        authentication_instant: at(0),
        lifetimes: vec![
            XRayLifetime { span: XRaySpan::Token, not_before: at(0), not_on_or_after: at(3_600) },
            XRayLifetime { span: XRaySpan::SubjectConfirmation, not_before: None, not_on_or_after: at(300) },
            XRayLifetime { span: XRaySpan::Response, not_before: at(0), not_on_or_after: at(5) },
        ],
        claims,
        signatures: vec![XRaySignature {
            signed: XRaySigned::Assertion,
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
            certificate_subject: "CN=ADFS Signing - fs.contoso.com",
            thumbprint: "9F2C1E0B7A6D5C4B3A29181716151413120F0E0D",
            key_source: XRayKeySource::Trusted,
        }],
    }
}

pub(crate) const XML: &str = "<t:RequestSecurityTokenResponse xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"><t:Lifetime><wsu:Created>2026-11-24T08:00:00.000Z</wsu:Created></t:Lifetime><t:RequestedSecurityToken><saml:Assertion MajorVersion=\"1\" MinorVersion=\"1\" AssertionID=\"_2c5a2f0e-3d7b-4a0e-9f43-5b1d4f6f9c11\"><saml:Conditions/><saml:AttributeStatement><saml:Attribute AttributeName=\"upn\"><saml:AttributeValue>aiko@contoso.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></t:RequestedSecurityToken></t:RequestSecurityTokenResponse>";

pub(crate) fn xray_result_page<'a>(
    frame: Frame<'a>,
    token: Option<&'a XRayToken<'a>>,
    problems: &'a [XRayProblem<'a>],
) -> XRayResultPage<'a> {
    XRayResultPage {
        frame,
        home: "/claimsxray",
        problems,
        token,
        relay_state: Some("rm=0"),
        raw_xml: XML,
        now: now(),
    }
}

/// Every page in every state that has markup of its own.
pub(crate) fn every_page(language: Language) -> Vec<(&'static str, String)> {
    let nonce = nonce();
    let frame = frame(language, &nonce);
    let groups: Vec<String> = (1..=24).map(|n| format!("CONTOSO\\Group {n}")).collect();
    let token = xray_token(&groups);
    let problems = [
        XRayProblem {
            check: "audience_is_ours",
            message: "The token is for 'urn:other'; expected 'urn:microsoft:adfs:claimsxray'.",
        },
        XRayProblem {
            check: "token_is_within_its_lifetime",
            message: "The token ended at 2026-11-24T07:00:00.000Z.",
        },
    ];
    let sign_in_page = sign_in_page(frame);
    let change = change_password_page(frame);
    vec![
        ("sign-in", sign_in(&sign_in_page)),
        (
            "sign-in-refused",
            sign_in(&SignInPage {
                user_name: "aiko@contoso.com",
                error: Some(SignInError::IncorrectCredentials),
                kmsi_visible: true,
                ..sign_in_page
            }),
        ),
        (
            "sign-in-expired",
            sign_in(&SignInPage { error: Some(SignInError::PasswordExpired), ..sign_in_page }),
        ),
        ("error", error(&error_page(frame))),
        ("error-bare", error(&ErrorPage { relying_party: None, error_details: None, ..error_page(frame) })),
        ("change-password", change_password(&change)),
        (
            "change-password-refused",
            change_password(&ChangePasswordPage {
                reason: ChangePasswordReason::Required,
                error: Some(ChangePasswordError::PolicyNotMet),
                cancel_url: None,
                ..change
            }),
        ),
        ("change-password-done", change_password(&ChangePasswordPage { changed: true, ..change })),
        ("xray-start", xray_start(&xray_start_page(frame))),
        ("xray-accepted", xray_result(&xray_result_page(frame, Some(&token), &[]))),
        ("xray-refused", xray_result(&xray_result_page(frame, Some(&token), &problems))),
        ("xray-unreadable", xray_result(&xray_result_page(frame, None, &problems))),
        (
            "auto-submit",
            auto_submit(
                language,
                &nonce,
                "https://rp.example.com/",
                &[("wa", "wsignin1.0"), ("wresult", XML)],
            ),
        ),
    ]
}

/// The first group of `pattern` in `text`.
pub(crate) fn captures(pattern: &str, text: &str) -> Option<String> {
    let regex = fancy_regex::Regex::new(pattern).unwrap();
    regex.captures(text).unwrap().and_then(|found| found.get(1)).map(|group| group.as_str().to_owned())
}

pub(crate) type Node = roxmltree::Node<'static, 'static>;

/// A page read strictly. Memory is leaked; it is a test.
pub(crate) struct Page(&'static roxmltree::Document<'static>);

impl Page {
    pub(crate) fn parse(html: &str) -> Self {
        let mut text = String::new();
        let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap_or(html);
        while let Some((before, script)) = rest.split_once("<script") {
            let (attributes, code) = script.split_once('>').unwrap();
            let (_, after) = code.split_once("</script>").unwrap();
            text.push_str(&format!("{before}<script{attributes}></script>"));
            rest = after;
        }
        text.push_str(rest);
        let text: &'static str = text.leak();
        let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self(Box::leak(Box::new(document)))
    }

    pub(crate) fn all(&self, tag: &'static str) -> impl Iterator<Item = Node> {
        self.0.descendants().filter(move |node| node.has_tag_name(tag))
    }

    pub(crate) fn one(&self, tag: &'static str) -> Node {
        let found: Vec<Node> = self.all(tag).collect();
        assert_eq!(found.len(), 1, "<{tag}>");
        found[0]
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = Node> {
        self.0.descendants().filter(roxmltree::Node::is_element)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Node> {
        let mut found = self.elements().filter(|node| node.attribute("id") == Some(id));
        let first = found.next();
        assert!(found.next().is_none(), "#{id} twice");
        first
    }

    pub(crate) fn id(&self, id: &str) -> Node {
        self.find(id).unwrap_or_else(|| panic!("no #{id}"))
    }

    pub(crate) fn named(&self, name: &str) -> Node {
        self.elements()
            .find(|node| node.attribute("name") == Some(name))
            .unwrap_or_else(|| panic!("no {name}"))
    }

    /// All text of an element.
    pub(crate) fn text(&self, id: &str) -> String {
        text(self.id(id))
    }

    /// The ids (or, without one, the tags) from the body down to the element.
    pub(crate) fn way_to(&self, id: &str) -> String {
        let mut way: Vec<&str> = self
            .id(id)
            .ancestors()
            .filter(roxmltree::Node::is_element)
            .map(|node| node.attribute("id").unwrap_or(node.tag_name().name()))
            .take_while(|name| *name != "body")
            .collect();
        way.reverse();
        way.join(" ")
    }
}

pub(crate) fn text(node: Node) -> String {
    node.descendants().filter(roxmltree::Node::is_text).filter_map(|text| text.text()).collect()
}
