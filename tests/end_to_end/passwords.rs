//! Passwords: wrong ones, too many of them, disabled accounts, and the change of one that must be changed.

use std::collections::BTreeMap;

use end_to_end::{Curl, Demo, Response};
use roxmltree::Document;

use crate::shared::{CLAIM_UPN, PASSWORD, WSFED, claim_values, demo};

const INCORRECT: &str = "Incorrect user ID or password";

/// `ExtranetLockoutThreshold` of the demo.
const THRESHOLD: usize = 10;
/// Password attempts of one address in a minute.
const RATE: usize = 60;

fn attempt(demo: &Demo, curl: &Curl, user: &str, password: &str) -> Response {
    let fields = [("UserName", user), ("Password", password), ("AuthMethod", "FormsAuthentication")];
    curl.post(&demo.wsignin(WSFED, "&client-request-id=5f1b9a60-7c3b-4d83-9a52-1e9c8f8d2b11"), &fields)
}

/// The page without what differs between any two pages.
fn without_nonce(page: &Response) -> String {
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split_once("script-src 'nonce-").unwrap().1.split_once('\'').unwrap().0;
    page.body.replace(nonce, "")
}

/// Nobody learns which accounts exist.
#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_octets() {
    let demo = demo();
    let curl = demo.curl();
    let wrong = attempt(demo, &curl, "alice@contoso.lab", "wrong");
    let unknown = attempt(demo, &curl, "alicf@contoso.lab", "wrong");
    let elsewhere = attempt(demo, &curl, "alice@fabrikam.lab", "wrong");
    for page in [&wrong, &unknown, &elsewhere] {
        assert_eq!(page.status, 200);
        assert!(page.sign_in_error().unwrap().starts_with(INCORRECT), "{:?}", page.sign_in_error());
        assert!(!page.body.contains("wrong\""), "the password is not kept");
        assert!(page.cookies().is_empty());
    }
    assert!(wrong.body.contains("value=\"alice@contoso.lab\""), "the name is kept");
    assert_eq!(without_nonce(&wrong), without_nonce(&unknown).replace("alicf", "alice"));
    assert_eq!(without_nonce(&wrong), without_nonce(&elsewhere).replace("fabrikam", "contoso"));
    let headers = |page: &Response| -> BTreeMap<String, usize> {
        let lines = page.head.lines().filter_map(|line| line.split_once(": "));
        lines.map(|(name, value)| (name.to_lowercase(), value.len())).collect()
    };
    assert_eq!(headers(&wrong), headers(&unknown));
}

#[test]
fn a_disabled_user_learns_it_only_with_the_right_password() {
    let demo = demo();
    let curl = demo.curl();
    let right = attempt(demo, &curl, "carol@contoso.lab", PASSWORD);
    assert_eq!(right.status, 200);
    assert!(right.sign_in_error().unwrap().contains("turned off"), "{:?}", right.sign_in_error());
    assert!(right.cookies().is_empty());
    let wrong = attempt(demo, &curl, "carol@contoso.lab", "wrong");
    assert!(wrong.sign_in_error().unwrap().starts_with(INCORRECT));
}

#[test]
fn after_too_many_wrong_passwords_the_right_one_is_refused_too() {
    let demo = Demo::plain();
    let curl = demo.curl();
    let mut wrong = None;
    for _ in 0..THRESHOLD {
        wrong = Some(attempt(&demo, &curl, "alice@contoso.lab", "wrong"));
    }
    // Another address changes nothing: the account is locked, not the address.
    let locked = attempt(&demo, &demo.curl(), "alice@contoso.lab", PASSWORD);
    assert_eq!(locked.status, 200);
    assert!(locked.cookies().is_empty());
    assert_eq!(
        without_nonce(&locked),
        without_nonce(&wrong.unwrap()),
        "the same page as for a wrong password"
    );

    let restricted = demo.events(516, 1);
    assert_eq!(restricted[0]["data"][1], "alice@contoso.lab");
    assert_eq!(restricted[0]["data"][3], THRESHOLD.to_string());
    let audit = &demo.events(1210, 1)[0]["data"][1];
    assert!(audit.as_str().unwrap().contains(&format!("{THRESHOLD}")), "{audit}");
    assert_eq!(demo.events(411, 1).len(), THRESHOLD, "the directory was not asked when it was locked");

    // Other accounts go on, and the lock survives a restart.
    assert_eq!(attempt(&demo, &demo.curl(), "hanako@contoso.lab", PASSWORD).status, 302);
    let demo = demo.restart();
    assert_eq!(attempt(&demo, &demo.curl(), "alice@contoso.lab", PASSWORD).status, 200);
}

/// Spellings of one account are one account.
#[test]
fn other_spellings_do_not_get_more_attempts() {
    let demo = Demo::plain();
    let curl = demo.curl();
    let names =
        ["alice@contoso.lab", "ALICE@contoso.lab", "CONTOSO\\alice", " alice@CONTOSO.LAB", "contoso\\Alice"];
    for name in names.iter().cycle().take(THRESHOLD) {
        attempt(&demo, &curl, name, "wrong");
    }
    for name in names {
        assert_eq!(attempt(&demo, &demo.curl(), name, PASSWORD).status, 200, "{name}");
    }
}

#[test]
fn a_right_password_starts_the_count_again() {
    let demo = Demo::plain();
    let curl = demo.curl();
    for _ in 0..2 {
        for _ in 1..THRESHOLD {
            attempt(&demo, &curl, "alice@contoso.lab", "wrong");
        }
        assert_eq!(attempt(&demo, &curl, "alice@contoso.lab", PASSWORD).status, 302);
    }
}

/// Unknown accounts are counted like others, or the answer would tell which exist.
#[test]
fn an_unknown_account_is_locked_as_well() {
    let demo = Demo::plain();
    let curl = demo.curl();
    for _ in 0..THRESHOLD {
        attempt(&demo, &curl, "nobody@contoso.lab", "wrong");
    }
    let locked = attempt(&demo, &curl, "nobody@contoso.lab", "wrong");
    assert!(locked.sign_in_error().unwrap().starts_with(INCORRECT));
    assert_eq!(demo.events(516, 1)[0]["data"][1], "nobody@contoso.lab");
}

#[test]
fn an_address_that_tries_too_often_is_slowed_and_others_are_not() {
    let demo = Demo::plain();
    let curl = demo.curl();
    let refused =
        |page: &Response| page.sign_in_error().is_some_and(|text| text.contains("too many attempts"));
    // The rate fills up again while the attempts run, so a few more than RATE may pass.
    let first =
        (0..3 * RATE).find(|n| refused(&attempt(&demo, &curl, &format!("user-{n}@contoso.lab"), "wrong")));
    let first = first.expect("an attempt that is refused");
    assert!(first >= RATE, "refused after {first}");
    // Even a right password has to wait; a client of another address has not.
    let mine = attempt(&demo, &curl, "alice@contoso.lab", PASSWORD);
    assert!(mine.status == 302 || refused(&mine), "{}", mine.head);
    assert_eq!(attempt(&demo, &demo.curl(), "alice@contoso.lab", PASSWORD).status, 302);
    let throttled = demo.events(364, first + 1);
    let text = throttled.last().unwrap()["data"][2].as_str().unwrap();
    assert!(text.contains("Too many password attempts"), "{text}");
}

/// A password is expensive while it is checked, not for ever after.
#[test]
fn checked_passwords_leave_no_memory_behind() {
    let demo = Demo::plain();
    let before = demo.resident_kilobytes();
    for n in 0..60 {
        attempt(&demo, &demo.curl(), &format!("user-{n}@contoso.lab"), "wrong");
    }
    let grown = demo.resident_kilobytes().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more than the {before} KiB before");
}

/// Headers of a proxy count only when they come from a trusted one, or everybody could choose an address.
#[test]
fn forged_addresses_in_headers_are_not_believed() {
    let demo = Demo::plain();
    let curl = demo.curl();
    let headers = [
        "X-MS-Forwarded-Client-IP",
        "X-Forwarded-For",
        "X-MS-ADFS-Proxy-Client-IP",
        "X-Real-IP",
        "X-ARR-ClientIP",
    ];
    let attempt = |n: usize, password: &str| {
        let mut arguments = vec![
            "-H".to_owned(),
            "X-MS-Proxy: evil".to_owned(),
            "-H".to_owned(),
            format!("Forwarded: for=198.51.100.{n}"),
        ];
        for header in headers {
            arguments.extend(["-H".to_owned(), format!("{header}: 198.51.100.{n}")]);
        }
        arguments
            .extend(["--data".to_owned(), format!("UserName=user-{n}%40contoso.lab&Password={password}")]);
        let borrowed: Vec<&str> = arguments.iter().map(String::as_str).collect();
        curl.run(&demo.wsignin(WSFED, ""), &borrowed)
    };
    attempt(0, "wrong");
    assert_eq!(demo.events(411, 1)[0]["data"][4], curl.address());
    let slowed = (1..3 * RATE)
        .any(|n| attempt(n, "wrong").sign_in_error().is_some_and(|text| text.contains("too many attempts")));
    assert!(slowed, "another address in a header is not another rate");
}

#[test]
fn a_user_who_must_change_the_password_does_it_and_goes_on() {
    let demo = Demo::plain();
    let curl = demo.curl();
    let user = demo.user("frank");
    let page = curl.post_password(&demo.wsignin(WSFED, "&wctx=kept"), &user.upn, &user.password);
    assert_eq!(page.status, 200);
    assert!(page.cookie("MSISAuth").is_none(), "no session before the change");
    let action =
        format!("{}{}", demo.base(), page.form_action("updatePasswordForm").expect("the change page"));
    let change = |old: &str, new: &str, again: &str| {
        let fields = [
            ("UserName", user.upn.as_str()),
            ("OldPassword", old),
            ("NewPassword", new),
            ("ConfirmNewPassword", again),
        ];
        curl.post(&action, &fields)
    };
    for (old, new, again, text) in [
        (user.password.as_str(), "New-Secret-99", "New-Secret-98", "differ"),
        ("wrong", "New-Secret-99", "New-Secret-99", INCORRECT),
        (&user.password, "short", "short", "does not meet the rules"),
    ] {
        let refused = change(old, new, again);
        assert_eq!(refused.status, 200);
        assert!(refused.form_action("updatePasswordForm").is_some(), "{}", refused);
        let error = refused.sign_in_error().unwrap_or_default();
        assert!(error.contains(text), "{text:?} is not in {error:?}");
        assert!(refused.cookie("MSISAuth").is_none());
    }
    let changed = change(&user.password, "New-Secret-99", "New-Secret-99");
    assert_eq!(changed.status, 302, "{:?}", changed.sign_in_error());
    let page = curl.follow(changed);
    assert_eq!(page.field("wctx").unwrap(), "kept");
    let wresult = page.field("wresult").unwrap();
    assert_eq!(claim_values(&Document::parse(&wresult).unwrap(), CLAIM_UPN), [user.upn.as_str()]);

    assert_eq!(attempt(&demo, &demo.curl(), &user.upn, &user.password).status, 200, "the old one is gone");
    assert_eq!(attempt(&demo, &demo.curl(), &user.upn, "New-Secret-99").status, 302);
    demo.events(405, 1);
    demo.events(1204, 1);
    // The demo does not print a password that it does not know any more.
    let demo = demo.restart();
    assert_eq!(demo.user("frank").password, "");
    assert_eq!(attempt(&demo, &demo.curl(), &user.upn, "New-Secret-99").status, 302);
}

#[test]
fn odd_passwords_are_wrong_and_nothing_worse() {
    let demo = demo();
    let curl = demo.curl();
    let long = "x".repeat(100_000);
    for password in ["", " ", "\0", "上", &long, "Sekisho-Demo-1 ", "sekisho-demo-1"] {
        let page = attempt(demo, &curl, "kenshin@contoso.lab", password);
        assert_eq!(page.status, 200);
        assert!(page.sign_in_error().is_some(), "{:?}", &password[..password.len().min(20)]);
        assert!(page.cookies().is_empty());
    }
    let long_name = format!("{long}@contoso.lab");
    for name in ["", "@", "\\", "CONTOSO\\", "alice\0@contoso.lab", "*", "alice)(objectClass=*", &long_name] {
        let page = attempt(demo, &curl, name, PASSWORD);
        assert_eq!(page.status, 200);
        assert!(page.sign_in_error().is_some(), "{:?}", &name[..name.len().min(20)]);
    }
}
