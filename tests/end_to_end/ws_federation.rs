//! WS-Federation passive sign-in, on the wire.

use end_to_end::{Demo, Response, ids, percent};
use roxmltree::Document;

use crate::shared::{
    CLAIM_GIVEN_NAME, CLAIM_GROUP, CLAIM_SURNAME, CLAIM_UPN, DSIG, PASSWORD, SAML11, SAML20, WS_TRUST, WSFED,
    assert_refused, child, claim_values, demo, names,
};

const ENDPOINT: &str = "https://localhost:9443/wsfed";
const FORMS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const WAUTH_PASSWORD: &str = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password";

fn shows_sign_in(page: &Response) -> bool {
    page.status == 200 && page.login_action().is_some() && !page.issues_something()
}

#[test]
fn a_saml_11_token_arrives_in_the_response_of_february_2005() {
    let demo = demo();
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, "&wctx=rm%3D0"));
    assert_eq!(page.response_action().unwrap(), ENDPOINT);
    assert_eq!(page.field_names(), ["wa", "wresult", "wctx"]);
    assert_eq!(page.field("wa").unwrap(), "wsignin1.0");
    assert_eq!(page.field("wctx").unwrap(), "rm=0");

    let wresult = page.field("wresult").unwrap();
    assert!(!wresult.contains(['\r', '\n']), "one line");
    assert!(wresult.contains("<t:RequestedSecurityToken><saml:Assertion "), "nothing before the assertion");
    assert!(wresult.contains("</saml:Assertion></t:RequestedSecurityToken>"), "nothing behind it");
    let document = Document::parse(&wresult).unwrap();
    let response = document.root_element();
    assert!(response.has_tag_name((WS_TRUST, "RequestSecurityTokenResponse")));
    let expected = ["Lifetime", "AppliesTo", "RequestedSecurityToken", "TokenType", "RequestType", "KeyType"];
    assert_eq!(names(response), expected);
    assert_eq!(child(response, WS_TRUST, "TokenType").text(), Some(SAML11));
    assert_eq!(
        child(response, WS_TRUST, "KeyType").text(),
        Some("http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey")
    );
    let applies_to = document.descendants().find(|node| node.tag_name().name() == "Address").unwrap();
    assert_eq!(applies_to.text(), Some(WSFED));

    let assertion = child(child(response, WS_TRUST, "RequestedSecurityToken"), SAML11, "Assertion");
    assert_eq!(
        names(assertion),
        ["Conditions", "AttributeStatement", "AuthenticationStatement", "Signature"]
    );
    assert_eq!(assertion.attribute("Issuer"), Some(demo.fact("entity_id")));
    assert_eq!(assertion.attribute("MajorVersion"), Some("1"));
    let conditions = child(assertion, SAML11, "Conditions");
    let lifetime = child(response, WS_TRUST, "Lifetime");
    let times: Vec<_> = lifetime.children().map(|time| time.text().unwrap()).collect();
    assert_eq!(
        times,
        [conditions.attribute("NotBefore").unwrap(), conditions.attribute("NotOnOrAfter").unwrap()]
    );
    let audience = conditions.descendants().find(|node| node.has_tag_name((SAML11, "Audience"))).unwrap();
    assert_eq!(audience.text(), Some(WSFED));
    let statement = child(assertion, SAML11, "AuthenticationStatement");
    assert_eq!(statement.attribute("AuthenticationMethod"), Some(FORMS));
    let key_info = assertion.descendants().find(|node| node.has_tag_name((DSIG, "KeyInfo"))).unwrap();
    assert_eq!(key_info.descendants().filter(|node| node.has_tag_name((DSIG, "X509Certificate"))).count(), 1);
    assert_eq!(claim_values(&document, CLAIM_UPN), ["alice@contoso.lab"]);
    assert_eq!(claim_values(&document, CLAIM_GIVEN_NAME), ["Alice"]);
}

#[test]
fn a_party_that_wants_saml_20_tokens_gets_them() {
    let demo = demo();
    let (_, page) = demo.signed_in("alice", &demo.wsignin("urn:e2e:wsfed-saml20", ""));
    assert_eq!(page.response_action().unwrap(), "https://localhost:9443/wsfed20");
    assert_eq!(page.field_names(), ["wa", "wresult"], "no wctx was sent, so none comes back");
    let wresult = page.field("wresult").unwrap();
    assert!(wresult.contains("<t:RequestedSecurityToken><Assertion "), "nothing before the assertion");
    let document = Document::parse(&wresult).unwrap();
    let response = document.root_element();
    assert_eq!(child(response, WS_TRUST, "TokenType").text(), Some(SAML20));
    let assertion = child(child(response, WS_TRUST, "RequestedSecurityToken"), SAML20, "Assertion");
    let expected = ["Issuer", "Signature", "Subject", "Conditions", "AttributeStatement", "AuthnStatement"];
    assert_eq!(names(assertion), expected);
    assert_eq!(claim_values(&document, CLAIM_UPN), ["alice@contoso.lab"]);
}

/// The page is cut up by its spelling by scripts; wctx is the relying party's, whatever is in it.
#[test]
fn wctx_comes_back_byte_for_byte() {
    let demo = demo();
    let odd = [
        "rm=0&id=passive&ru=%2fsites%2f%25a",
        "LoginOptions=3&estsredirect=2&estsrequest=rQIIAX-_.~",
        "\"/><script>alert(1)</script>'`&amp;&lt;&#39;",
        "上杉 謙信\u{1F511}\u{202E}",
        "tab\there\r\nand lines\n",
        " blank + plus %20 ",
        "%",
        "",
    ];
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    for wctx in odd {
        let page = curl.get(&demo.wsignin(WSFED, &format!("&wctx={}", percent(wctx))));
        assert_eq!(page.field("wctx").as_deref(), Some(wctx));
    }
    // The same through the sign-in: the query survives in the address of the form.
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, &format!("&wctx={}", percent(odd[2]))));
    assert_eq!(page.field("wctx").as_deref(), Some(odd[2]));
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, "&wctx=a%2fb%2Fc+d"));
    assert_eq!(page.field("wctx").as_deref(), Some("a/b/c d"));
}

/// Security case 37.
#[test]
fn a_wctx_of_64_kilobytes_comes_back_and_a_longer_one_is_refused() {
    let demo = demo();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let post = |length: usize| {
        let wctx = "x".repeat(length);
        let page = curl.post(&demo.passive(), &[("wa", "wsignin1.0"), ("wtrealm", WSFED), ("wctx", &wctx)]);
        (page, wctx)
    };
    let (page, wctx) = post(64 * 1024);
    assert_eq!(page.field("wctx"), Some(wctx));
    let (page, _) = post(64 * 1024 + 1);
    assert_refused(demo, &page, "'wctx' is too long", &[]);
}

#[test]
fn a_right_password_is_answered_by_a_302_with_both_cookies_and_an_absolute_location() {
    let demo = demo();
    let curl = demo.curl();
    let user = demo.user("alice");
    let url = demo.wsignin(WSFED, "&wctx=a%26b&mkt=ja&vv=1");
    let posted = curl.post_password(&url, &user.upn, &user.password);
    assert_eq!(posted.status, 302);
    for name in ["MSISAuth", "MSISAuthenticated"] {
        let line = posted.cookies().into_iter().find(|line| line.starts_with(&format!("{name}="))).unwrap();
        let attributes: Vec<String> =
            line.split(';').skip(1).map(|part| part.trim().to_lowercase()).collect();
        for attribute in ["path=/adfs", "secure", "httponly", "samesite=none"] {
            assert!(attributes.iter().any(|known| known == attribute), "{attribute} in {line}");
        }
        assert!(!attributes.iter().any(|known| known.starts_with("expires") || known.starts_with("max-age")));
    }
    let time = end_to_end::decode_base64(&percent_decoded(posted.cookie("MSISAuthenticated").unwrap()));
    assert!(time.ends_with(" AM") || time.ends_with(" PM"), "{time}");
    let location = posted.header("location").unwrap();
    assert!(location.starts_with(&format!("{url}&client-request-id=")), "{location}");
    assert_eq!(location.matches("client-request-id=").count(), 1);
    assert!(
        location.starts_with(&format!("https://localhost:{}/", demo.port())),
        "the port is in it: {location}"
    );
    for (name, value) in [("cache-control", "no-cache,no-store"), ("x-frame-options", "DENY")] {
        assert_eq!(posted.header(name), Some(value));
    }
    let page = curl.get(location);
    assert_eq!(page.status, 200);
    assert!(page.cookie("MSISAuth").is_some(), "{}", page.head);
    assert!(page.cookie("MSISAuthenticated").is_some(), "{}", page.head);
    assert_eq!(page.field("wctx").unwrap(), "a&b");
}

fn percent_decoded(value: &str) -> String {
    value.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/")
}

#[test]
fn a_second_request_gets_a_token_without_a_page() {
    let demo = demo();
    let (curl, first) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let second = curl.get(&demo.wsignin("urn:e2e:wsfed-saml20", "&wctx=2"));
    assert_eq!(second.status, 200);
    assert_eq!(second.field("wctx").unwrap(), "2");
    let id = |page: &Response| {
        let wresult = page.field("wresult").unwrap();
        let document = Document::parse(&wresult).unwrap();
        let assertion = document.descendants().find(|node| node.tag_name().name() == "Assertion").unwrap();
        assertion.attribute("AssertionID").or(assertion.attribute("ID")).unwrap().to_owned()
    };
    assert_ne!(id(&first), id(&second));
}

#[test]
fn wfresh_0_asks_again_although_there_is_a_session_and_serves_one_token() {
    let demo = demo();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let user = demo.user("alice");
    let fresh = demo.wsignin(WSFED, "&wfresh=0&wctx=1");
    assert!(shows_sign_in(&curl.get(&fresh)));
    let posted = curl.post_password(&fresh, &user.upn, &user.password);
    let location = posted.header("location").unwrap().to_owned();
    let page = curl.get(&location);
    assert!(page.field("wresult").is_some(), "{}", page);
    // The fresh sign-in is used up: neither the same address again nor another request with wfresh=0 is served.
    assert!(shows_sign_in(&curl.get(&location)));
    assert!(shows_sign_in(&curl.get(&fresh)));
    assert!(shows_sign_in(&curl.get(&demo.wsignin("urn:e2e:wsfed-saml20", "&wfresh=0"))));
    // The session itself lives on.
    assert!(curl.get(&demo.wsignin(WSFED, "")).field("wresult").is_some());
    assert!(curl.get(&demo.wsignin(WSFED, "&wfresh=60")).field("wresult").is_some());
    assert!(shows_sign_in(&curl.get(&demo.wsignin(WSFED, "&prompt=login"))));
}

/// A fresh sign-in belongs to the request that asked for it, not to the next one that comes along.
#[test]
fn a_fresh_sign_in_for_one_request_does_not_serve_another() {
    let demo = demo();
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let posted = curl.post_password(&demo.wsignin(WSFED, "&wfresh=0&wctx=1"), &user.upn, &user.password);
    assert_eq!(posted.status, 302);
    assert!(shows_sign_in(&curl.get(&demo.wsignin(WSFED, "&wfresh=0&wctx=2"))));
}

#[test]
fn wauth_password_is_served_and_another_method_is_not_known() {
    let demo = demo();
    let wauth = |method: &str| demo.wsignin(WSFED, &format!("&wauth={}", percent(method)));
    let (curl, page) = demo.signed_in("alice", &wauth(WAUTH_PASSWORD));
    assert!(page.field("wresult").is_some());
    assert!(curl.get(&wauth("urn:oasis:names:tc:SAML:1.0:am:password")).field("wresult").is_some());
    let page = curl.get(&wauth("http://schemas.microsoft.com/claims/multipleauthn"));
    let text = "MSIS7102: Requested Authentication Method is not supported on the STS.";
    assert_refused(demo, &page, text, &[]);
}

#[test]
fn the_clients_request_id_is_echoed_to_form_redirect_and_error_page() {
    let demo = demo();
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let id = "5f1b9a60-7c3b-4d83-9a52-1e9c8f8d2b01";
    let url = demo.wsignin(WSFED, &format!("&client-request-id={id}"));
    let action = curl.get(&url).login_action().unwrap();
    assert!(action.ends_with(&format!("&client-request-id={id}")), "{action}");
    assert_eq!(action.matches("client-request-id").count(), 1);
    let posted = curl.post_password(&url, &user.upn, &user.password);
    assert!(posted.header("location").unwrap().ends_with(&format!("client-request-id={id}")));

    let header = "5f1b9a60-7c3b-4d83-9a52-1e9c8f8d2b02";
    let sent = ["-H", &format!("client-request-id: {header}")];
    let error = demo.curl().run(&demo.wsignin("urn:nobody", ""), &sent);
    assert_eq!(error.activity(), header);
    let form = demo.curl().run(&demo.wsignin(WSFED, ""), &sent);
    assert!(form.login_action().unwrap().ends_with(&format!("client-request-id={header}")));

    let page = demo.curl().get(&demo.wsignin("urn:nobody", &format!("&client-request-id={id}")));
    assert_eq!(page.activity(), id);
    let page = demo.curl().get(&demo.wsignin("urn:nobody", "&client-request-id=%3Cscript%3E"));
    assert!(!page.body.contains("<script>&"), "{}", page);
    assert_eq!(
        page.activity().len(),
        36,
        "an id of our own, since the one sent is none: {}",
        page.activity()
    );
}

/// Microsoft's tools and cloud command lines post a password without ever asking for the page.
#[test]
fn one_post_without_an_earlier_page_signs_in() {
    let demo = demo();
    let user = demo.user("alice");
    for path in ["/adfs/ls", "/adfs/ls/", "/ADFS/LS/", "/adfs/LS"] {
        let curl = demo.curl();
        let url = format!("{}{path}?wa=wsignin1.0&wtrealm={}", demo.base(), percent(WSFED));
        let fields = [
            ("UserName", user.upn.as_str()),
            ("Password", &user.password),
            ("AuthMethod", "FormsAuthentication"),
        ];
        let posted = curl.post(&url, &fields);
        assert_eq!(posted.status, 302, "{path}: {}", posted);
        let page = curl.follow(posted);
        assert!(page.field("wresult").is_some(), "{path}: {}", page);
        assert!(page.body.contains(" /><noscript>"), "the last input is followed by noscript at once");
    }
}

/// The password was typed for this very request, whatever the service adds to the address on the way.
#[test]
fn one_post_satisfies_a_request_for_fresh_credentials() {
    let demo = demo();
    let user = demo.user("alice");
    let credentials = [("UserName", user.upn.as_str()), ("Password", &user.password)];
    let curl = demo.curl();
    let url = demo.wsignin(WSFED, "&wfresh=0");
    let page = curl.follow(curl.post(&url, &credentials));
    assert!(page.field("wresult").is_some(), "{}", page);
    assert!(shows_sign_in(&curl.get(&url)), "once is enough for one request only");

    let curl = demo.curl();
    let message = [("wa", "wsignin1.0"), ("wtrealm", WSFED), ("wfresh", "0"), ("wctx", "x")];
    let posted = curl.post(&demo.passive(), &[&message[..], &credentials[..]].concat());
    let location = posted.header("location").unwrap();
    assert!(!location.contains("assword") && !location.contains("UserName"), "{location}");
    assert_eq!(curl.follow(posted).field("wctx").as_deref(), Some("x"));
}

#[test]
fn the_account_name_with_its_domain_signs_in_too() {
    let demo = demo();
    for name in ["CONTOSO\\alice", "contoso\\ALICE", "Alice@Contoso.Lab", " alice@contoso.lab "] {
        let curl = demo.curl();
        let page = curl.sign_in(&demo.wsignin(WSFED, ""), name, PASSWORD);
        assert!(page.field("wresult").is_some(), "{name}: {:?}", page.sign_in_error());
    }
}

#[test]
fn the_parameters_may_be_posted() {
    let demo = demo();
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let message = [("wa", "wsignin1.0"), ("wtrealm", WSFED), ("wctx", "a&b=%2f")];
    let page = curl.post(&demo.passive(), &message);
    assert!(shows_sign_in(&page), "{}", page);
    let action = format!("{}{}", demo.base(), page.login_action().unwrap());
    let posted = curl.post(&action, &[("UserName", &user.upn), ("Password", &user.password)]);
    assert_eq!(posted.status, 302);
    let page = curl.follow(posted);
    assert_eq!(page.field("wctx").as_deref(), Some("a&b=%2f"));
    // With a session the post is answered at once.
    assert!(curl.post(&demo.passive(), &message).field("wresult").is_some());
}

#[test]
fn a_user_name_in_the_request_stands_in_the_form() {
    let demo = demo();
    for parameter in ["username", "login_hint"] {
        let page = demo.curl().get(&demo.wsignin(WSFED, &format!("&{parameter}=kim%22%3E%40contoso.lab")));
        assert!(page.body.contains("value=\"kim&quot;&gt;@contoso.lab\""), "{parameter}: {}", page);
    }
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let demo = demo();
    for url in
        [demo.wsignin(WSFED, ""), demo.fact("metadata_url").to_owned(), format!("{}/claimsxray", demo.base())]
    {
        let (get, head) = (demo.curl().get(&url), demo.curl().run(&url, &["--head", "-o", "/dev/null"]));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{url}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
}

#[test]
fn other_methods_are_refused() {
    let demo = demo();
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE"] {
        assert_eq!(demo.curl().run(&demo.wsignin(WSFED, ""), &["-X", method]).status, 405, "{method}");
    }
}

#[test]
fn a_user_of_160_groups_gets_them_all_and_small_cookies() {
    let demo = demo();
    let (curl, page) = demo.signed_in("trent", &demo.wsignin(WSFED, ""));
    let wresult = page.field("wresult").unwrap();
    let document = Document::parse(&wresult).unwrap();
    let mut groups = claim_values(&document, CLAIM_GROUP);
    groups.retain(|group| group.contains("Project-"));
    groups.sort();
    let expected: Vec<String> = (1..=160).map(|n| format!("Project-{n:03}")).collect();
    let plain: Vec<String> =
        groups.iter().map(|group| group.rsplit('\\').next().unwrap().to_owned()).collect();
    assert_eq!(plain, expected);
    // The jar's lines: domain, subdomains, path, secure, expiry, name, value.
    let cookies: usize = curl
        .jar()
        .lines()
        .filter(|line| line.contains("\tMSIS"))
        .map(|line| line.split('\t').skip(5).map(str::len).sum::<usize>() + 1)
        .sum();
    assert!((1..=4096).contains(&cookies), "{cookies} octets of cookies");
}

#[test]
fn japanese_names_arrive_as_they_are() {
    let demo = demo();
    let (_, page) = demo.signed_in("hanako", &demo.wsignin(WSFED, ""));
    let wresult = page.field("wresult").unwrap();
    let document = Document::parse(&wresult).unwrap();
    assert_eq!(claim_values(&document, CLAIM_SURNAME), ["山田"]);
    assert_eq!(claim_values(&document, CLAIM_GIVEN_NAME), ["花子"]);
    assert!(claim_values(&document, CLAIM_GROUP).iter().any(|group| group.ends_with("営業部")));
}

#[test]
fn the_page_speaks_the_browsers_language() {
    let demo = demo();
    for (accept, lang) in [
        ("ja", "ja-JP"),
        ("ja-JP,en;q=0.5", "ja-JP"),
        ("en", "en-US"),
        ("fr", "en-US"),
        ("en;q=0.1, ja;q=0.9", "ja-JP"),
    ] {
        let page = demo.curl().run(&demo.wsignin(WSFED, ""), &["-H", &format!("Accept-Language: {accept}")]);
        assert!(page.body.contains(&format!("<html lang=\"{lang}\"")), "{accept}");
    }
    let page = demo.curl().run(&demo.wsignin(WSFED, ""), &["-H", "Accept-Language: en"]);
    assert!(page.body.contains("<title>Sign In</title>"));
}

/// Security case 37.
#[test]
fn a_registered_reply_address_is_taken_as_it_is() {
    let demo = demo();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let other = demo.wsignin("urn:e2e:wsfed-saml20", "&wreply=https%3A%2F%2Flocalhost%3A9443%2Fother");
    assert_eq!(curl.get(&other).response_action().unwrap(), "https://localhost:9443/other");
}

#[test]
fn a_person_whom_the_rules_do_not_permit_gets_no_token() {
    let demo = demo();
    let (_, page) = demo.signed_in("alice", &demo.wsignin("urn:e2e:nobody", ""));
    assert!(!page.issues_something(), "{}", page);
    assert!(page.text_of("errorMessage").unwrap().contains("you may not use this application"));
    assert!(page.body.contains("Relying party: Nobody may"), "{}", page);
    let answered = demo.answered(&page.activity(), 3);
    for id in [324, 325, 364, 1201] {
        assert!(answered.ids().contains(&id), "{:?}", answered.ids());
    }
    assert!(answered.item(364, 3).starts_with("MSIS5007: "), "{}", answered.item(364, 3));
    assert!(!answered.issued_a_token());
}

/// Security case 79.
#[test]
fn two_tabs_keep_their_own_wctx() {
    let demo = demo();
    let (curl, user) = (demo.curl(), demo.user("alice"));
    let tab = |n: u32| demo.wsignin(WSFED, &format!("&wctx=tab-{n}"));
    let actions = [1, 2].map(|n| format!("{}{}", demo.base(), curl.get(&tab(n)).login_action().unwrap()));
    for (n, action) in [(2, &actions[1]), (1, &actions[0])] {
        let fields = [("UserName", user.upn.as_str()), ("Password", &user.password)];
        let page = curl.follow(curl.post(action, &fields));
        assert_eq!(page.field("wctx"), Some(format!("tab-{n}")));
        // A second click on the button, or a reload of the post.
        let again = curl.follow(curl.post(action, &fields));
        assert_eq!(again.field("wctx"), Some(format!("tab-{n}")));
    }
}

/// Security case 79: a password that another site posts makes no token leave for anywhere but the party's own
/// endpoint, and pages can't be framed.
#[test]
fn pages_forbid_frames_and_foreign_code() {
    let demo = demo();
    for page in [demo.curl().get(&demo.wsignin(WSFED, "")), demo.curl().get(&demo.wsignin("urn:nobody", ""))]
    {
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("form-action") && !policy.contains("unsafe"), "{policy}");
        let nonce = policy.split_once("script-src 'nonce-").unwrap().1.split_once('\'').unwrap().0;
        for script in page.body.split("<script").skip(1) {
            assert!(script.starts_with(&format!(" nonce=\"{nonce}\"")), "{script}");
        }
        assert!(
            !page.body.contains(" onclick=") && !page.body.contains(" onload="),
            "handlers come from the script"
        );
        assert!(page.header("strict-transport-security").is_none(), "a loopback name");
    }
    let nonces = [1, 2].map(|_| {
        demo.curl().get(&demo.wsignin(WSFED, "")).header("content-security-policy").unwrap().to_owned()
    });
    assert_ne!(nonces[0], nonces[1]);
}

/// A token is journalled before it leaves, once.
#[test]
fn every_token_has_its_audit() {
    let demo = Demo::plain();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    for _ in 0..3 {
        assert!(curl.get(&demo.wsignin(WSFED, "")).field("wresult").is_some());
    }
    assert_eq!(ids(&demo.events(1200, 4)), [1200; 4]);
}
