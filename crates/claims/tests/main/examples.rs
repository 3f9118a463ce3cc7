//! The worked examples of the reference, by their numbers.

use std::sync::Arc;

use claims::claim::{AD_AUTHORITY, LOCAL_AUTHORITY};
use claims::types::{DENY, PERMIT};
use claims::{Claim, Decision};

use crate::directory::{Stores, claims, evaluate, issue, rules, shown};

type Example = (u8, &'static [&'static str], &'static str, &'static [&'static str]);

fn check(examples: &[Example]) {
    for (number, input, text, expected) in examples {
        assert_eq!(issue(text, input), *expected, "example {number}");
    }
}

const NAMES: &str =
    r#"c1:[Type == "f"] && c2:[Type == "l"] => issue(Type = "n", Value = c1.Value + " " + c2.Value);"#;
const NOT_B: &str = r#"NOT EXISTS([Type == "b"]) => issue(Type = "x", Value = "1");"#;
const MANY_R: &str = r#"count([Type == "r"]) > 1 => issue(Type = "m", Value = "true");"#;

#[test]
fn sets_order_and_copies_1_to_13() {
    check(&[
        (1, &["a=1"], "", &[]),
        (2, &["a=1"], r#"c:[Type == "a"] => issue(claim = c);"#, &["a=1"]),
        (3, &["a=1", "b=2"], "c:[] => issue(claim = c);", &["a=1", "b=2"]),
        (4, &[], "c:[] => issue(claim = c);", &[]),
        (5, &[], r#"=> issue(Type = "x", Value = "1");"#, &["x=1"]),
        (6, &["a=1", "a=2"], r#"=> issue(Type = "x", Value = "1");"#, &["x=1"]),
        (7, &["a=1", "a=2"], r#"[Type == "a"] => issue(Type = "x", Value = "1");"#, &["x=1"]),
        (
            8,
            &["a=1"],
            r#"c:[Type == "a"] => add(Type = "t", Value = c.Value);
               c:[Type == "t"] => issue(Type = "b", Value = c.Value);"#,
            &["b=1"],
        ),
        (
            9,
            &["a=1"],
            r#"c:[Type == "t"] => issue(Type = "b", Value = c.Value);
               c:[Type == "a"] => add(Type = "t", Value = c.Value);"#,
            &[],
        ),
        (
            10,
            &["a=1"],
            r#"c:[Type == "a"] => issue(Type = "b", Value = c.Value);
               c:[Type == "b"] => issue(Type = "c", Value = c.Value);"#,
            &["b=1", "c=1"],
        ),
        (11, &["a=1"], r#"c:[Type == "a"] => add(claim = c);"#, &[]),
        (12, &["a=1"], r#"c:[Type == "a"] => issue(Type = "a", Value = c.Value + "x");"#, &["a=1x"]),
        (
            13,
            &["a=1"],
            r#"c:[Type == "a"] => issue(claim = c); c:[Type == "a"] => issue(claim = c);"#,
            &["a=1"],
        ),
    ]);
}

#[test]
fn issuers_of_copies_and_of_new_claims_2_and_5() {
    let mut stores = Stores::default();
    let copy =
        evaluate(&rules(r#"c:[Type == "a"] => issue(claim = c);"#), claims(&["a=1"]), &mut stores).unwrap();
    assert_eq!(copy.issued, claims(&["a=1"]));
    let new = evaluate(&rules(r#"=> issue(Type = "x", Value = "1");"#), vec![], &mut stores).unwrap();
    assert_eq!(new.issued, [Claim::new("x", "1", LOCAL_AUTHORITY)]);
}

#[test]
fn a_new_claim_has_only_what_is_assigned_14_to_17() {
    let mut given = Claim::new("a", "1", "P");
    given.original_issuer = "Q".into();
    given.value_type = "V".into();
    given.properties.insert(Arc::from("k"), Arc::from("v"));
    let issued =
        |text: &str| evaluate(&rules(text), vec![given.clone()], &mut Stores::default()).unwrap().issued;

    let example14 = issued(r#"c:[Type == "a"] => issue(Type = "b", Value = c.Value);"#);
    assert_eq!(example14, [Claim::new("b", "1", LOCAL_AUTHORITY)]);
    let example15 = issued(
        r#"c:[Type == "a"] => issue(Type = "b", Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, Value = c.Value, ValueType = c.ValueType);"#,
    );
    let mut expected = Claim::new("b", "1", "P");
    expected.original_issuer = "Q".into();
    expected.value_type = "V".into();
    assert_eq!(example15, [expected]);
    let example16 =
        issued(r#"c:[Type == "a"] => issue(Type = "b", Value = c.Properties["k"] + c.Properties["none"]);"#);
    assert_eq!(shown(&example16), ["b=v"]);
    let example17 = issued(r#"c:[Type == "a"] => issue(Type = "b", Value = c.Properties["none"]);"#);
    assert_eq!(example17, []);
}

#[test]
fn joins_and_aggregates_18_to_32() {
    check(&[
        (
            18,
            &["f=Frank", "f=Alan", "l=Miller", "l=Shen"],
            NAMES,
            &["n=Frank Miller", "n=Frank Shen", "n=Alan Miller", "n=Alan Shen"],
        ),
        (19, &["f=Frank"], NAMES, &[]),
        (
            20,
            &["a=1", "a=2"],
            r#"c1:[Type == "a"] && c2:[Type == "a"] => issue(Type = "p", Value = c1.Value + c2.Value);"#,
            &["p=11", "p=12", "p=21", "p=22"],
        ),
        (
            21,
            &["a=1", "b=1", "b=2"],
            r#"c1:[Type == "a"] && c2:[Type == "b", Value == c1.Value] => issue(claim = c2);"#,
            &["b=1"],
        ),
        (23, &["a=1"], NOT_B, &["x=1"]),
        (24, &["b=1"], NOT_B, &[]),
        (25, &["r=1", "r=2"], MANY_R, &["m=true"]),
        (26, &["r=1"], MANY_R, &[]),
        (27, &[], r#"count([Type == "r"]) == 0 => issue(Type = "m", Value = "none");"#, &["m=none"]),
        (
            28,
            &["p=x", "e=y"],
            r#"EXISTS([Type == "p"]) && NOT EXISTS([Type == "q"]) => issue(Type = "d", Value = "1");"#,
            &["d=1"],
        ),
        (
            29,
            &["o=true", "g=S-1"],
            r#"c1:[Type == "o", Value == "true"] && NOT EXISTS([Type == "g", Value == "S-2"]) => issue(Type = "d", Value = "1");"#,
            &["d=1"],
        ),
        (30, &["a=1", "a=2"], r#"c:[Type == "a", Value != "1"] => issue(claim = c);"#, &["a=2"]),
        (31, &["a=1"], r#"c:[Type != "b"] => issue(claim = c);"#, &["a=1"]),
        (
            32,
            &["UPN=joe@contoso.com"],
            r#"NOT EXISTS([Type == "acct", Value == "DJ"]) => add(Type = "acct", Value = "User");
               c1:[Type == "UPN"] && c2:[Type == "acct", Value == "User"]
               => issue(Type = "iid", Value = regexreplace(c1.Value, ".+@(?<domain>.+)", "http://${domain}/adfs/services/trust/"));"#,
            &["iid=http://contoso.com/adfs/services/trust/"],
        ),
    ]);
}

#[test]
fn an_issuer_can_be_asked_for_22() {
    let input = vec![Claim::new("a", "1", "MSFT"), Claim::new("b", "2", "MSFT")];
    let text = r#"exists([Issuer == "MSFT"]) => issue(Type = "o", Value = "M");"#;
    assert_eq!(shown(&evaluate(&rules(text), input, &mut Stores::default()).unwrap().issued), ["o=M"]);
}

const LOOKAHEAD: &str = r#"c:[Type == "ip", Value =~ "^(?!192\.168\.1\.77|10\.83\.118\.23)"] => issue(Type = "out", Value = "true");"#;
const FABRIKAM: &str = r#"c:[Type == "win"] => issue(Type = "u", Value = RegExReplace(c.Value, "(?<domain>[^\\]+)\\(?<user>.+)", "FABRIKAM\${user}"));"#;

#[test]
fn comparison_and_patterns_33_to_50() {
    check(&[
        (33, &["role=Director"], r#"c:[Type == "role", Value == "director"] => issue(claim = c);"#, &[]),
        (
            34,
            &["role=Director"],
            r#"C:[TYPE == "role", VALUE =~ "(?i)^director$"] => ISSUE(CLAIM = c);"#,
            &["role=Director"],
        ),
        (35, &["Role=x"], r#"c:[Type == "role"] => issue(claim = c);"#, &[]),
        (36, &["ip=10.1.1.9"], LOOKAHEAD, &["out=true"]),
        (37, &["ip=192.168.1.77"], LOOKAHEAD, &[]),
        (
            38,
            &["ip=192.168.1.77"],
            r#"c:[Type == "ip", Value =~ "^(?!192\.168\.1\.7)"] => issue(Type = "out", Value = "true");"#,
            &[],
        ),
        (
            39,
            &["path=/adfs/ls/"],
            r#"c:[Type == "path", Value != "(/adfs/ls/)|(/adfs/x)"] => issue(Type = "d", Value = "1");"#,
            &["d=1"],
        ),
        (
            41,
            &[r"win=CONTOSO\joe"],
            r#"c:[Type == "win"] => issue(Type = "u", Value = RegExReplace(c.Value, ".*\\", ""));"#,
            &["u=joe"],
        ),
        (42, &[r"win=CONTOSO\joe"], FABRIKAM, &[r"u=FABRIKAM\joe"]),
        (43, &["win=joe"], FABRIKAM, &["u=joe"]),
        (
            44,
            &["en=123"],
            r#"=> add(Type = "buf", Value = "0000000");
               c1:[Type == "buf"] && c2:[Type == "en"] => issue(Type = "id", Value = RegExReplace(c1.Value + c2.Value, ".*(?=.{7}$)", ""));"#,
            &["id=0000123"],
        ),
        (
            45,
            &["s=123456789012345678901234567890123456789012345678901234567890"],
            r#"c:[Type == "s"] => issue(Type = "t", Value = regexreplace(c.Value, "(?<start>^.{1,50}).+$", "${start}"));"#,
            &["t=12345678901234567890123456789012345678901234567890"],
        ),
        (
            46,
            &["g=AWS-123456789012-ADFS-Dev"],
            r#"c:[Type == "g", Value =~ "(?i)^AWS-(\d{12})-"] => issue(Type = "r", Value = RegExReplace(c.Value, "AWS-(\d{12})-", "arn:aws:iam::$1:saml-provider/A,arn:aws:iam::$1:role/"));"#,
            &["r=arn:aws:iam::123456789012:saml-provider/A,arn:aws:iam::123456789012:role/ADFS-Dev"],
        ),
        (
            47,
            &["a=x"],
            r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace(c.Value, "x", "$9-$$"));"#,
            &["b=$9-$"],
        ),
        (
            48,
            &["a=aaa"],
            r#"c:[Type == "a"] => issue(Type = "b", Value = RegExReplace(c.Value, "a", "b"));"#,
            &["b=bbb"],
        ),
        (
            49,
            &["grp=CN=Ops,OU=G,DC=c"],
            r#"c:[Type == "grp"] => add(Type = "t", Value = RegExReplace(c.Value, ",[^\n]*", ""));
               c:[Type == "t"] => issue(Type = "role", Value = RegExReplace(c.Value, "^CN=", ""));"#,
            &["role=Ops"],
        ),
        (
            50,
            &[],
            r#"=> issue(Type = "j", ValueType = "http://www.w3.org/2001/XMLSchema#json", Value = "{\x22a\x22:[1,2]}");"#,
            &[r#"j={"a":[1,2]}"#],
        ),
    ]);
}

#[test]
fn the_issuer_can_exclude_40() {
    let text = r#"c:[Type == "mail", Value =~ "^.*@boeing\.com$", Issuer != "LOCAL AUTHORITY"] => issue(claim = c);"#;
    let issued = |issuer: &str| {
        let input = vec![Claim::new("mail", "a@boeing.com", issuer)];
        shown(&evaluate(&rules(text), input, &mut Stores::default()).unwrap().issued)
    };
    assert!(issued(LOCAL_AUTHORITY).is_empty());
    assert_eq!(issued(AD_AUTHORITY), ["mail=a@boeing.com"]);
}

/// A rule that asks Active Directory for the account in the Windows account name.
fn ask(types: &str, query: &str) -> String {
    format!(
        r#"c:[Type == "win"] => issue(store = "Active Directory", types = ({types}), query = "{query}", param = c.Value);"#
    )
}

#[test]
fn active_directory_51_to_58() {
    for (number, input, text, expected) in [
        (51, r"win=CONTOSO\joe", ask(r#""m", "t""#, ";mail,title;{0}"), vec!["m=joe@c.com"]),
        (52, r"win=CONTOSO\joe", ask(r#""p""#, ";proxyAddresses;{0}"), vec!["p=p1", "p=p2"]),
        (53, r"win=CONTOSO\joe", ask(r#""x", "y""#, ";mail,mail;{0}"), vec!["x=joe@c.com", "y=joe@c.com"]),
        (54, r"win=CONTOSO\joe", ask(r#""g""#, ";tokenGroups;{0}"), vec!["g=Ops", "g=AWS-Dev"]),
        (
            55,
            r"win=CONTOSO\joe",
            ask(r#""g""#, ";tokenGroups(domainQualifiedName);{0}"),
            vec![r"g=CONTOSO\Ops", r"g=CONTOSO\AWS-Dev"],
        ),
        (56, r"win=CONTOSO\joe", ask(r#""id""#, ";objectGUID;{0}"), vec!["id=AAECAwQFBgcICQoLDA0ODw=="]),
        (
            57,
            r"win=CONTOSO\joe",
            r#"c:[Type == "win"] => issue(store = "Active Directory", types = ("m"), query = "samAccountName={0};mail;{1}", param = regexreplace(c.Value, "(?<domain>[^\\]+)\\(?<user>.+)", "${user}"), param = c.Value);"#.to_owned(),
            vec!["m=joe@c.com"],
        ),
        (
            58,
            "mail=joe@c.com",
            r#"c:[Type == "mail"] => issue(store = "Active Directory", types = ("w"), query = "(mail={0});sAMAccountName;CONTOSO\any", param = c.Value);"#.to_owned(),
            vec!["w=joe"],
        ),
    ] {
        let outcome = evaluate(&rules(&text), claims(&[input]), &mut Stores::default()).unwrap();
        assert_eq!(shown(&outcome.issued), expected, "example {number}");
        assert!(outcome.issued.iter().all(|claim| &*claim.issuer == AD_AUTHORITY), "example {number}");
        assert!(outcome.issued.iter().all(|claim| &*claim.original_issuer == AD_AUTHORITY), "example {number}");
    }
}

#[test]
fn bad_queries_59_and_60() {
    let text = r#"c:[Type == "upn"] => issue(store = "Active Directory", types = ("m"), query = ";mail;{0}", param = c.Value);"#;
    let example59 = evaluate(&rules(text), claims(&["upn=joe@c.com"]), &mut Stores::default()).unwrap_err();
    assert!(
        example59.contains(
            "POLICY0018: Query ';mail;{0}' to attribute store 'Active Directory' failed: 'POLICY3826: "
        ),
        "{example59}"
    );
    let two_parts = ask(r#""m""#, "mail;{0}");
    let example60 =
        evaluate(&rules(&two_parts), claims(&[r"win=CONTOSO\joe"]), &mut Stores::default()).unwrap_err();
    assert!(example60.contains("POLICY0018") && example60.contains("POLICY3824"), "{example60}");
}

#[test]
fn fallback_for_a_missing_attribute_61() {
    let text = r#"
        c:[Type == "win"] => add(store = "Active Directory", types = ("tmp"), query = ";title;{0}", param = c.Value);
        NOT EXISTS([Type == "tmp"]) => issue(Type = "title", Value = "none");"#;
    let outcome = evaluate(&rules(text), claims(&[r"win=CONTOSO\joe"]), &mut Stores::default()).unwrap();
    assert_eq!(shown(&outcome.issued), ["title=none"]);
}

#[test]
fn sql_parameters_are_bound_62_and_63() {
    let text = r#"c:[Type == "n"] => issue(store = "Sql", types = ("e", "d"), query = "SELECT mail, dn FROM users WHERE name = {0}", param = c.Value);"#;
    let example62 = evaluate(&rules(text), claims(&["n=Terry"]), &mut Stores::default()).unwrap();
    assert_eq!(example62.issued, [Claim::new("e", "t@x.com", LOCAL_AUTHORITY)]);
    let mut stores = Stores::default();
    let example63 = evaluate(&rules(text), claims(&["n=x' OR '1'='1"]), &mut stores).unwrap();
    assert_eq!(example63.issued, []);
    assert_eq!(&*stores.asked[0].query, "SELECT mail, dn FROM users WHERE name = {0}");
    assert_eq!(stores.asked[0].params, ["x' OR '1'='1"]);
}

#[test]
fn opaque_identifiers_64_and_65() {
    let persistent = rules(
        r#"c:[Type == "win"] => issue(store = "_OpaqueIdStore", types = ("id"), query = "{0};{1};{2}", param = "ppid", param = c.Value, param = c.OriginalIssuer);"#,
    );
    let id = |relying_party: &'static str| {
        let mut stores = Stores { relying_party, ..Stores::default() };
        evaluate(&persistent, claims(&[r"win=CONTOSO\joe"]), &mut stores).unwrap().issued
    };
    assert_eq!(id("one"), id("one"));
    assert_ne!(id("one"), id("two"));

    let transient = rules(
        r#"c1:[Type == "win"] && c2:[Type == "instant"] => issue(store = "_OpaqueIdStore", types = ("id"), query = "{0};{1};{2};{3};{4}", param = "useEntropy", param = c1.Value, param = c1.OriginalIssuer, param = "", param = c2.Value);"#,
    );
    let id = |instant: &str| {
        let input = claims(&[r"win=CONTOSO\joe", instant]);
        evaluate(&transient, input, &mut Stores::default()).unwrap().issued
    };
    assert_ne!(id("instant=2026-01-01T00:00:00.000Z"), id("instant=2026-01-01T00:00:01.000Z"));
}

#[test]
fn one_query_for_each_combination_66() {
    let mut stores = Stores::default();
    let text = r#"c:[Type == "v"] => issue(store = "S", types = ("r"), query = "q {0}", param = c.Value);"#;
    let outcome = evaluate(&rules(text), claims(&["v=1", "v=2"]), &mut stores).unwrap();
    assert_eq!(shown(&outcome.issued), ["r=answer to 1", "r=answer to 2"]);
    assert_eq!(stores.asked.len(), 2);
}

#[test]
fn an_unknown_store_fails_everything_67() {
    let text =
        r#"=> issue(Type = "x", Value = "1"); => issue(store = "Nowhere", types = ("r"), query = "q");"#;
    let error = evaluate(&rules(text), vec![], &mut Stores::default()).unwrap_err();
    assert!(error.contains("POLICY0018: Query 'q' to attribute store 'Nowhere' failed"), "{error}");
}

#[test]
fn authorization_68_to_75() {
    let permit = format!(r#"=> issue(Type = "{PERMIT}", Value = "true");"#);
    let proxy = format!(
        r#"exists([Type == "x-ms-proxy"]) => issue(Type = "{DENY}", Value = "DenyUsersWithClaim"); {permit}"#
    );
    let group = |scheme: &str| {
        format!(
            r#"c:[Type == "{scheme}://schemas.microsoft.com/groupsid", Value =~ "^(?i)s-1-5-21-1-512$"] => issue(Type = "{PERMIT}", Value = "PermitUsersWithClaim");"#
        )
    };
    let sid = "http://schemas.microsoft.com/groupsid=S-1-5-21-1-512";
    for (number, input, text, expected) in [
        (68, vec!["a=1"], String::new(), Decision::NotPermitted),
        (69, vec!["a=1"], permit.clone(), Decision::Permitted),
        (
            70,
            vec!["a=1"],
            format!(r#"{permit} => issue(Type = "{DENY}", Value = "false");"#),
            Decision::DeniedByRule,
        ),
        (71, vec!["a=1"], permit.replace("issue", "add"), Decision::NotPermitted),
        (72, vec![sid], group("http"), Decision::Permitted),
        (73, vec!["a=1"], proxy.clone(), Decision::Permitted),
        (74, vec!["x-ms-proxy=wap1"], proxy, Decision::DeniedByRule),
        (75, vec![sid], group("https"), Decision::NotPermitted),
    ] {
        let outcome = evaluate(&rules(&text), claims(&input), &mut Stores::default()).unwrap();
        let decision = Decision::of(&outcome.issued);
        assert_eq!(decision, expected, "example {number}");
        assert_eq!(decision.is_permitted(), expected == Decision::Permitted);
    }
}

#[test]
fn a_second_factor_is_asked_76() {
    let text = r#"c:[Type == "inside", Value == "false"] => issue(Type = "authenticationmethod", Value = "http://schemas.microsoft.com/claims/multipleauthn");"#;
    let expected = ["authenticationmethod=http://schemas.microsoft.com/claims/multipleauthn"];
    assert_eq!(issue(text, &["inside=false"]), expected);
    assert!(issue(text, &["inside=true"]).is_empty());
}

#[test]
fn authorization_output_stays_out_of_the_token_77() {
    let authorization =
        format!(r#"=> issue(Type = "x", Value = "1"); => issue(Type = "{PERMIT}", Value = "true");"#);
    let input = ["a=1"];
    assert_eq!(issue(&authorization, &input).len(), 2);
    assert!(issue(r#"c:[Type == "x"] => issue(claim = c);"#, &input).is_empty());
}
