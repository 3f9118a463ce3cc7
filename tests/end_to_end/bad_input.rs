//! What nobody should send: the page that a person can act on, the event that an administrator finds, and nothing
//! issued.

use end_to_end::{AuthnRequest, Curl, Demo, Response, encode_base64, percent, sekisho};

use crate::shared::{PASSWORD, SAML, WSFED, assert_refused, demo};

/// A client with a session: with one, only the checks stand between a request and a token.
fn signed_in(demo: &Demo) -> Curl {
    let (curl, page) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    assert!(page.field("wresult").is_some());
    curl
}

fn get(curl: &Curl, demo: &Demo, query: &str) -> Response {
    curl.get(&format!("{}{query}", demo.passive()))
}

fn saml(curl: &Curl, demo: &Demo, xml: &[u8]) -> Response {
    get(curl, demo, &format!("?{}", AuthnRequest::query_of(xml, None)))
}

#[test]
fn a_request_without_a_message_has_no_handler() {
    let demo = demo();
    let curl = signed_in(demo);
    let text = "MSIS7065: There are no registered protocol handlers on path /adfs/ls/ to process the incoming request.";
    for query in [
        "",
        "?",
        "?wtrealm=urn%3Ademo%3Awsfed",
        "?wa=",
        "?wa=wattr1.0&wtrealm=urn%3Ademo%3Awsfed",
        "?wa=WSIGNIN1.0",
    ] {
        assert_refused(demo, &get(&curl, demo, query), text, &[]);
    }
}

#[test]
fn an_unknown_party_is_named_and_gets_nothing() {
    let demo = demo();
    let curl = signed_in(demo);
    for realm in ["urn:nobody", "URN:DEMO:WSFED", "urn:demo:wsfed/", "urn:demo:wsfed ", "urn:demo", ""] {
        let page = get(&curl, demo, &format!("?wa=wsignin1.0&wtrealm={}", percent(realm)));
        let text =
            format!("MSIS7007: The requested relying party trust '{realm}' is unspecified or unsupported.");
        let answered = assert_refused(demo, &page, &text, &[]);
        assert_eq!(answered.item(364, 1), "wsfed");
        let page = saml(&curl, demo, AuthnRequest::new(realm).xml().as_bytes());
        // Blanks around an issuer are no part of it.
        if !realm.trim().is_empty() && !realm.ends_with(' ') {
            let answered = assert_refused(
                demo,
                &page,
                &format!("MSIS7007: The requested relying party trust '{}'", realm),
                &[],
            );
            assert_eq!(answered.item(364, 1), "Saml");
        }
    }
    // No sign-in page either: nobody types a password for an unknown party.
    let page = demo.curl().get(&demo.wsignin("urn:nobody", ""));
    assert_refused(demo, &page, "MSIS7007", &[]);
}

/// Security case 37.
#[test]
fn a_reply_address_is_one_of_the_trusts_or_the_request_is_refused() {
    let demo = demo();
    let curl = signed_in(demo);
    for reply in [
        "https://evil.example/wsfed",
        "https://localhost:9443/wsfed/",
        "https://localhost:9443/wsfed/more",
        "https://localhost:9443/wsfedx",
        "https://localhost:9443/wsfed?x=1",
        "https://localhost:9443/wsfed#x",
        "https://localhost:9443/wsfed/../evil",
        "https://localhost:9443/WSFED",
        "https://LOCALHOST:9443/wsfed",
        "https://localhost:9443@evil.example/wsfed",
        "https://evil.example@localhost:9443/wsfed",
        "https://localhost:9443.evil.example/wsfed",
        "https://localhost.evil.example:9443/wsfed",
        "https://xn--localhost-9db:9443/wsfed",
        "https://localhost\u{ff1a}9443/wsfed",
        "https://localhost:9443\\wsfed",
        "https://localhost:9443/%77sfed",
        "https://localhost:09443/wsfed",
        "http://localhost:9443/wsfed",
        "//localhost:9443/wsfed",
        "/wsfed",
        "javascript:alert(1)",
        "https://localhost:9443/wsfed\r\nLocation: https://evil.example",
        " https://localhost:9443/wsfed",
        "https://localhost:9443/wsfed20",
    ] {
        let page = curl.get(&demo.wsignin(WSFED, &format!("&wreply={}", percent(reply))));
        assert!(page.response_action().is_none(), "{reply}");
        assert_refused(demo, &page, "is not registered on the relying party trust 'urn:demo:wsfed'", &[]);
        assert!(
            !page.body.contains("href=\"https://evil") && !page.body.contains("href=\"javascript"),
            "{reply}"
        );
    }
    let page = curl.get(&demo.wsignin(WSFED, "&wreply=https%3A%2F%2Flocalhost%3A9443%2Fwsfed%00"));
    assert_refused(demo, &page, "expected UTF-8 text without U+0000", &[]);
    let right = demo.wsignin(WSFED, &format!("&wreply={}", percent("https://localhost:9443/wsfed")));
    assert!(curl.get(&right).field("wresult").is_some());
}

/// Security case 28.
#[test]
fn a_parameter_that_steers_the_answer_comes_once() {
    let demo = demo();
    let curl = signed_in(demo);
    for (first, second) in [
        ("wa=wsignin1.0", "wa=wsignin1.0"),
        ("wtrealm=urn%3Ademo%3Awsfed", "wtrealm=urn%3Ademo%3Asaml"),
        ("wreply=https%3A%2F%2Flocalhost%3A9443%2Fwsfed", "wreply=https%3A%2F%2Fevil.example"),
        ("wctx=1", "wctx=2"),
        ("wfresh=0", "wfresh=60"),
    ] {
        let name = first.split_once('=').unwrap().0;
        for pair in [format!("{first}&{second}"), format!("{second}&{first}")] {
            let others = ["wa=wsignin1.0", "wtrealm=urn%3Ademo%3Awsfed"];
            let others = others.into_iter().filter(|other| !other.starts_with(&format!("{name}=")));
            let query = others.chain([pair.as_str()]).collect::<Vec<_>>().join("&");
            let page = curl.get(&format!("{}?{query}", demo.passive()));
            assert_refused(demo, &page, &format!("The parameter '{name}' came more than once."), &[]);
        }
    }
    // A password that came twice is none.
    let form = format!("UserName=alice%40contoso.lab&Password={PASSWORD}&Password=x");
    let page = demo.curl().post_raw(&demo.wsignin(WSFED, ""), &form);
    assert_ne!(page.status, 302);
    assert!(page.cookies().is_empty());
}

/// Security cases 7, 9 and 10.
#[test]
fn xml_that_is_none_is_refused_by_code_and_event() {
    let demo = demo();
    let curl = signed_in(demo);
    let right = AuthnRequest::new(SAML).xml();
    let mut prolog = AuthnRequest::new(SAML);
    prolog.prolog = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let mut laughs = AuthnRequest::new("&i;");
    laughs.prolog =
        "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY i \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>".to_owned();
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    let wide =
        right.replace("</samlp:AuthnRequest>", &format!("{}</samlp:AuthnRequest>", "<a/>".repeat(50_000)));
    let attributes: String = (0..8_000).map(|n| format!(" a{n}=\"\"")).collect();
    let broken: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("text", b"hello".to_vec()),
        ("another document", b"<html/>".to_vec()),
        ("cut off", right.as_bytes()[..right.len() / 2].to_vec()),
        ("two roots", format!("{right}{right}").into_bytes()),
        ("a DTD", prolog.xml().into_bytes()),
        ("entities", laughs.xml().into_bytes()),
        ("depth", deep.into_bytes()),
        ("nodes", wide.into_bytes()),
        ("attributes", right.replacen(" Version=", &format!("{attributes} Version="), 1).into_bytes()),
        ("an undeclared prefix", right.replace("xmlns:saml=", "xmlns:other=").into_bytes()),
        ("the prefix xml", right.replacen(" Version=", " xmlns:xml=\"urn:evil\" Version=", 1).into_bytes()),
        ("not UTF-8", [right.as_bytes(), &[0xff, 0xfe]].concat()),
        ("NUL", right.replace(SAML, "urn:demo:saml\0").into_bytes()),
        (
            "a twin of ID",
            right
                .replacen(" Version=", " samlp:ID=\"_x\" Version=", 1)
                .replacen(" ID=", " x=", 1)
                .into_bytes(),
        ),
        ("no version", right.replace(" Version=\"2.0\"", "").into_bytes()),
        ("version 1.1", right.replace(" Version=\"2.0\"", " Version=\"1.1\"").into_bytes()),
        ("no id", right.replacen(" ID=", " x=", 1).into_bytes()),
        ("no time", right.replacen(" IssueInstant=", " y=", 1).into_bytes()),
        ("a bad time", right.replacen(" IssueInstant=\"", " IssueInstant=\"x", 1).into_bytes()),
        ("a LogoutRequest", right.replace("AuthnRequest", "LogoutRequest").into_bytes()),
        ("no issuer", right.replace("<saml:Issuer>urn:demo:saml</saml:Issuer>", "").into_bytes()),
    ];
    for (what, xml) in broken {
        let page = saml(&curl, demo, &xml);
        assert_eq!(page.status, 200, "{what}: {}", page.head);
        let details = page.error_details();
        let expected = details.starts_with("MSIS7015: ")
            || details.starts_with("MSIS7007: ")
            || details.contains("is too long");
        assert!(expected, "{what}: {details}");
        assert!(!details.contains("root:"), "{what}: {details}");
        assert_refused(demo, &page, &details, &[]);
    }
    for query in [
        "?SAMLRequest=",
        "?SAMLRequest=%25%25",
        "?SAMLRequest=AAAA",
        "?SAMLRequest=a&SAMLResponse=b",
        "?SAMLRequest=PGEvPg==",
    ] {
        assert_refused(demo, &get(&curl, demo, query), "MSIS7015: ", &[303]);
    }
    let page = demo.curl().post(&demo.passive(), &[("SAMLRequest", "%%%")]);
    assert_refused(demo, &page, "MSIS7015: ", &[303]);
}

/// Security cases 6 and 11: a comment in a name splits nothing.
#[test]
fn a_comment_or_a_character_reference_in_the_issuer_makes_no_other_party() {
    let demo = demo();
    let curl = signed_in(demo);
    for issuer in [
        "urn:demo:saml<!-- -->.evil",
        "urn:demo:saml<?x?>.evil",
        "<![CDATA[urn:demo:saml]]>.evil",
        "urn:demo:saml&#10;.evil",
    ] {
        let page = saml(&curl, demo, AuthnRequest::new(issuer).xml().as_bytes());
        let details = page.error_details();
        assert!(details.starts_with("MSIS7007") || details.starts_with("MSIS7015"), "{issuer}: {details}");
        assert!(!page.issues_something());
    }
}

/// Security case 29.
#[test]
fn bodies_and_heads_are_bounded() {
    let demo = demo();
    // By HTTP/1.1 and with leave asked first: the answer comes before the body has left, and some versions of curl
    // lose it when they are still sending.
    let curl = demo.curl().with(&["--http1.1", "-H", "Expect: 100-continue", "--expect100-timeout", "30"]);
    for path in [
        "/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Ademo%3Awsfed",
        "/adfs/ls/",
        "/claimsxray/wsfed",
        "/claimsxray/saml",
    ] {
        let page =
            curl.post_raw(&format!("{}{path}", demo.base()), &format!("wresult={}", "x".repeat(3_000_000)));
        assert_eq!(page.status, 413, "{path}: {}", page.head);
        assert!(!page.issues_something());
    }
    let page = curl.get(&format!("{}?x={}", demo.passive(), "x".repeat(80_000)));
    assert!(matches!(page.status, 414 | 431), "{}", page.head);
    let many: String = (0..20_000).map(|n| format!("&p{n}=1")).collect();
    let page = curl.post_raw(&demo.passive(), &format!("wa=wsignin1.0&wtrealm=urn%3Ademo%3Awsfed{many}"));
    assert!(page.status < 500, "{}", page.head);
    assert!(!page.issues_something());
    // A posted request too large for the cookie in which it has to wait says so.
    let large = AuthnRequest::new(SAML)
        .element(&format!("<samlp:Extensions><x xmlns=\"urn:x\">{}</x></samlp:Extensions>", noise(60_000)));
    let page = curl.post(&demo.passive(), &[("SAMLRequest", &encode_base64(large.xml()))]);
    assert!(page.error_details().contains("too large to wait"), "{}", page.error_details());
}

/// Text that can't be packed.
fn noise(length: u64) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    };
    (0..length).map(next).collect()
}

/// Cookies that this farm did not make are no cookies.
#[test]
fn garbage_and_changed_cookies_are_no_session() {
    let demo = demo();
    let curl = signed_in(demo);
    let url = demo.wsignin(WSFED, "");
    let jar = curl.jar();
    let value = jar.lines().find_map(|line| line.split_once("\tMSISAuth\t")).unwrap().1.to_owned();
    let shows_page = |cookie: &str| {
        let page = demo.curl().run(&url, &["-H", &format!("Cookie: {cookie}")]);
        assert_eq!(page.status, 200, "{cookie}: {}", page.head);
        page.login_action().is_some() && !page.issues_something()
    };
    let last = value.chars().last().unwrap();
    let other = if last == 'A' { 'B' } else { 'A' };
    let middle = value.len() / 2;
    let changed = if value.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    for cookie in [
        "MSISAuth=".to_owned(),
        "MSISAuth=garbage".to_owned(),
        format!("MSISAuth={}", "A".repeat(4_000)),
        format!("MSISAuth={}", &value[..middle]),
        format!("MSISAuth={}{changed}{}", &value[..middle], &value[middle + 1..]),
        format!("MSISAuth={}{}", &value[..value.len() - 8], other.to_string().repeat(8)),
        format!("MSISAuth={value}; MSISAuth={value}"),
        format!("MSISAuth={value}; MSISAuth1=AAAA"),
        format!("MSISSamlRequest={value}"),
        "MSISAuth=\u{4e0a}".to_owned(),
    ] {
        assert!(shows_page(&cookie), "{cookie}");
    }
    assert!(!shows_page(&format!("x=y; MSISAuth={value}; z")), "the cookie itself is good");
    // A sealed value of another purpose is not a session.
    let waiting = demo.curl();
    let page =
        waiting.post(&demo.passive(), &[("SAMLRequest", &encode_base64(AuthnRequest::new(SAML).xml()))]);
    let sealed = page.cookie("MSISSamlRequest").unwrap().to_owned();
    assert!(shows_page(&format!("MSISAuth={sealed}")));
    let page = demo.curl().run(&demo.passive(), &["-H", "Cookie: MSISSamlRequest=garbage"]);
    assert_refused(demo, &page, "MSIS7065", &[]);
}

/// A cookie of one farm is nothing to another.
#[test]
fn a_session_of_another_farm_is_no_session() {
    let other = Demo::plain();
    let (curl, _) = other.signed_in("alice", &other.wsignin(WSFED, ""));
    let value = curl.jar().lines().find_map(|line| line.split_once("\tMSISAuth\t")).unwrap().1.to_owned();
    let cookie = format!("Cookie: MSISAuth={value}");
    assert!(other.curl().run(&other.wsignin(WSFED, ""), &["-H", &cookie]).field("wresult").is_some());
    let demo = demo();
    assert!(demo.curl().run(&demo.wsignin(WSFED, ""), &["-H", &cookie]).login_action().is_some());
}

/// Security case 36.
#[test]
fn nothing_that_is_sent_can_forge_a_line_or_a_tag() {
    let demo = demo();
    let curl = signed_in(demo);
    let realm = "urn:x</li><script>alert(1)</script>\r\n2026-01-01 forged\u{202E}\u{2028}";
    let page = get(&curl, demo, &format!("?wa=wsignin1.0&wtrealm={}", percent(realm)));
    assert!(!page.body.contains("<script>alert"), "{}", page);
    let activity = page.activity();
    let answered = assert_refused(demo, &page, "MSIS7007", &[]);
    let shown = answered.first(364).to_string();
    assert!(!shown.contains("\\n2026") && !shown.contains('\u{202E}'), "{shown}");
    let explained = sekisho().args(["explain", &activity, "--data"]).arg(&demo.data).output().unwrap();
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(!text.lines().any(|line| line.starts_with("2026-01-01 forged")), "{text}");
}

#[test]
fn paths_that_are_none_are_not_found() {
    let demo = demo();
    for path in [
        "/",
        "/adfs",
        "/adfs/",
        "/adfs/ls/x",
        "/adfs/lsx",
        "/adfs/portal/../ls/",
        "/adfs/portal/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let page = demo.curl().run(&format!("{}{path}", demo.base()), &["--path-as-is"]);
        assert_eq!(page.status, 404, "{path}");
    }
}
