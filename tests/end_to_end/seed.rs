//! The seed file: how a developer's own application gets in, and what is said when something in it is wrong.

use end_to_end::{AuthnRequest, Demo, Options, decode_base64, start};
use roxmltree::Document;

use crate::shared::{CLAIM_UPN, claim_values};

/// What the demo says about a seed it does not take.
fn refused(seed: &str) -> String {
    let ended = start(&Options { seed: Some(seed.to_owned()), ..Options::default() });
    let ended = ended.err().unwrap_or_else(|| panic!("it was taken: {seed}"));
    assert!(!ended.status.success());
    assert!(!ended.data.join("demo.json").exists());
    ended.error
}

#[test]
fn users_trusts_and_rules_get_in() {
    let seed = r#"
[[user]]
upn = "kim@contoso.lab"
password = "Kim-Secret-1"
display_name = "Kim Lee"
groups = ["Builders"]
attributes = { title = ["Carpenter"] }

[[relying_party]]
name = "Kim's application"
identifiers = ["https://kim.example/sp", "urn:kim"]
saml_acs = "https://kim.example/acs"
token_lifetime = 5
rules = """
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"]
 => issue(store = "Active Directory", types = ("urn:title"), query = ";title;{0}", param = c.Value);
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => issue(Type = "urn:local", Value = RegExReplace(c.Value, "@.*$", ""));
"""
"#;
    let demo = Demo::seeded(seed);
    let url = format!("{}?{}", demo.passive(), AuthnRequest::new("urn:kim").query(None));
    let (_, page) = demo.signed_in("kim", &url);
    let xml = decode_base64(&page.field("SAMLResponse").unwrap());
    let document = Document::parse(&xml).unwrap();
    assert_eq!(page.response_action().unwrap(), "https://kim.example/acs");
    let values = |name: &str| {
        let attribute = document.descendants().find(|node| node.attribute("Name") == Some(name)).unwrap();
        attribute.descendants().filter_map(|node| node.text()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values("urn:title")[0], "Carpenter");
    assert_eq!(values("urn:local")[0], "kim");
    assert!(claim_values(&document, CLAIM_UPN).is_empty(), "only what the rules issue");
    let conditions = document.descendants().find(|node| node.tag_name().name() == "Conditions").unwrap();
    let minutes = |name: &str| conditions.attribute(name).unwrap()[14..16].parse::<i32>().unwrap();
    assert_eq!((minutes("NotOnOrAfter") - minutes("NotBefore")).rem_euclid(60), 5);
    // The users of the seed stand first.
    assert_eq!(demo.facts["users"][0]["upn"], "kim@contoso.lab");
}

#[test]
fn a_misspelt_key_is_answered_by_the_nearest_name() {
    let error = refused("[[user]]\nupn = \"kim@contoso.lab\"\npasword = \"x\"\n");
    assert!(
        error.contains("user[0].pasword: there is no key 'pasword'; did you mean 'password'?"),
        "{error}"
    );
    let error = refused("[[relying-party]]\nname = \"x\"\n");
    assert!(error.contains("did you mean 'relying_party'?"), "{error}");
}

#[test]
fn a_rule_that_is_wrong_is_shown_with_line_and_column() {
    let party = |rules: &str| {
        format!(
            "[[relying_party]]\nname = \"App\"\nidentifiers = [\"urn:app\"]\nws_fed_endpoint = \"https://app.example/\"\nrules = '''\n{rules}\n'''\n"
        )
    };
    let error = refused(&party("c:[Type == \"urn:x\"]\n => isue(claim = c);"));
    assert!(error.contains("relying party 'App'") && error.contains("rules"), "{error}");
    // AD FS counts columns from 0.
    assert!(error.contains("POLICY0030 at line 2, column 4"), "{error}");
    // What the evaluator can't do is refused here, not at somebody's sign-in.
    let error = refused(&party(
        "c:[] => issue(store = \"_NoSuchStore\", types = (\"urn:x\"), query = \"x\", param = c.Value);",
    ));
    assert!(error.contains("_NoSuchStore"), "{error}");
}

#[test]
fn an_address_that_is_none_is_refused() {
    for address in ["app.example/acs", "http://app.example/acs", "javascript:alert(1)", "https://"] {
        let error = refused(&format!(
            "[[relying_party]]\nname = \"App\"\nidentifiers = [\"urn:app\"]\nsaml_acs = \"{address}\"\n"
        ));
        assert!(error.contains(address) && error.contains("App"), "{address}: {error}");
    }
}

#[test]
fn files_that_are_not_there_or_not_readable_are_named() {
    let error = refused("[[relying_party]]\nname = \"App\"\nmetadata_file = \"nothing.xml\"\n");
    assert!(error.contains("nothing.xml"), "{error}");
    let error = refused(
        "[[relying_party]]\nname = \"App\"\nidentifiers = [\"urn:a\"]\nsaml_acs = \"https://a.example/\"\nrequest_signing_certificate_files = [\"seed.toml\"]\n",
    );
    assert!(error.contains("seed.toml"), "{error}");
    let error = refused("[[user]\nupn = 1\n");
    assert!(error.contains("line 1"), "{error}");
}

#[test]
fn two_parties_cannot_share_an_identifier() {
    let error = refused(
        "[[relying_party]]\nname = \"Thief\"\nidentifiers = [\"urn:demo:saml\"]\nsaml_acs = \"https://thief.example/acs\"\n",
    );
    assert!(error.contains("urn:demo:saml"), "{error}");
}

/// The same seed at every start changes nothing; a changed one changes its trust.
#[test]
fn a_seed_is_applied_again_at_each_start() {
    let folder = tempfile::tempdir().unwrap();
    for endpoint in ["https://app.example/one", "https://app.example/one", "https://app.example/two"] {
        let seed = format!(
            "[[relying_party]]\nname = \"App\"\nidentifiers = [\"urn:app\"]\nws_fed_endpoint = \"{endpoint}\"\n"
        );
        let data = Some(folder.path().join("data"));
        let mut demo = Demo::start(&Options { seed: Some(seed), data, ..Options::default() });
        let parties = demo.facts["relying_parties"].as_array().unwrap();
        let mine: Vec<_> = parties.iter().filter(|party| party["name"] == "App").collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0]["endpoints"][0], endpoint);
        let (_, page) = demo.signed_in("alice", &demo.wsignin("urn:app", ""));
        assert_eq!(page.response_action().unwrap(), endpoint);
        demo.stop();
    }
}
