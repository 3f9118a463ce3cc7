//! What the journal has of each flow: AD FS's events, in AD FS's order, and what `sekisho explain` makes of it.

use std::process::Command;

use end_to_end::{AuthnRequest, Demo, ids, percent, sekisho};

use crate::shared::{PASSWORD, SAML, WSFED, demo};

/// A GUID for a flow of its own.
fn activity(n: u32) -> String {
    format!("5f1b9a60-7c3b-4d83-9a52-1e9c8f8d3{n:03}")
}

/// The events of a flow without repeats: 500 and 501 continue in further events when there are many claims.
fn runs(ids: Vec<u64>) -> Vec<u64> {
    let mut ids = ids;
    ids.dedup_by(|a, b| a == b && [500, 501, 510].contains(a));
    ids
}

/// One activity, so one browser flow: first the page, then the password, then the token.
#[test]
fn a_good_sign_in_is_two_issues_each_with_its_audits() {
    let demo = demo();
    let (curl, id) = (demo.curl(), activity(1));
    let url = demo.wsignin(WSFED, &format!("&client-request-id={id}"));
    let page = curl.get(&url);
    assert_eq!(runs(demo.answered(&id, 1).ids()), [403, 510, 410, 404, 510]);
    let posted = curl.post(
        &format!("{}{}", demo.base(), page.login_action().unwrap()),
        &[("UserName", "alice@contoso.lab"), ("Password", PASSWORD)],
    );
    assert_eq!(posted.status, 302);
    let after_post = demo.answered(&id, 2);
    let expected = [403, 510, 410, 412, 501, 1202, 299, 500, 501, 404, 510];
    assert_eq!(runs(after_post.ids()[first_answer(&after_post.ids())..].to_vec()), expected);
    curl.follow(posted);
    let all = demo.answered(&id, 3);
    let expected = [403, 510, 410, 412, 501, 299, 500, 501, 1200, 404, 510];
    assert_eq!(runs(all.ids()[after_post.0.len()..].to_vec()), expected);

    // The first issue is for the service itself, the second for the party.
    let issued: Vec<_> =
        all.0.iter().filter(|event| event["id"] == 299).map(|event| event["data"][2].as_str()).collect();
    assert_eq!(issued, [Some(demo.fact("entity_id")), Some(WSFED)]);
    let accepted: Vec<_> = all
        .0
        .iter()
        .filter(|event| event["id"] == 412)
        .map(|event| event["data"][2].as_str().unwrap())
        .collect();
    assert!(
        accepted[0].ends_with("/UserName") && accepted[1].ends_with("/SecureConversation"),
        "{accepted:?}"
    );
    let statuses: Vec<_> = all
        .0
        .iter()
        .filter(|event| event["id"] == 404)
        .map(|event| event["data"][3].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["200", "302", "200"]);

    // 500 and 501 carry the instance of what they continue; each pair has its own.
    for (opening, continuing) in [(412, 501), (299, 500)] {
        let openings: Vec<_> =
            all.0.iter().filter(|event| event["id"] == opening).map(|event| &event["instance"]).collect();
        assert_ne!(openings[0], openings[1]);
        for instance in openings {
            assert!(all.0.iter().any(|event| event["id"] == continuing && &event["instance"] == instance));
        }
    }
    // A request's 510 has its 403's instance, a response's its 404's.
    let first = &all.0[..5];
    assert_eq!(first[0]["instance"], first[1]["instance"]);
    let last = &all.0[all.0.len() - 2..];
    assert_eq!(last[0]["instance"], last[1]["instance"]);
    assert_ne!(first[0]["instance"], last[0]["instance"]);
}

/// Where the second request's events begin.
fn first_answer(ids: &[u64]) -> usize {
    let answer = ids.iter().position(|id| *id == 404).unwrap();
    answer + ids[answer..].iter().position(|id| *id == 403).unwrap()
}

#[test]
fn a_wrong_password_writes_413_1203_411_1201_and_342_1000_364() {
    let demo = demo();
    let (curl, id) = (demo.curl(), activity(2));
    let url = demo.wsignin(WSFED, &format!("&client-request-id={id}"));
    curl.post(&url, &[("UserName", "hanako@contoso.lab"), ("Password", "wrong")]);
    let answered = demo.answered(&id, 1);
    assert_eq!(runs(answered.ids()), [403, 510, 410, 413, 1203, 411, 1201, 342, 1000, 364, 404, 510]);
    let channels: Vec<_> = answered.0.iter().map(|event| event["channel"].as_str().unwrap()).collect();
    for (event, channel) in answered.0.iter().zip(&channels) {
        let admin = [342, 1000, 364].contains(&event["id"].as_u64().unwrap());
        assert_eq!(channel.contains("Admin"), admin, "{event}");
    }
    assert!(answered.item(411, 3).starts_with("hanako@contoso.lab-"), "{}", answered.item(411, 3));
    assert_eq!(answered.item(411, 5), curl.address());
}

#[test]
fn a_locked_account_writes_516_1210_and_364_alone() {
    let demo = Demo::plain();
    let (curl, id) = (demo.curl(), activity(3));
    for _ in 0..10 {
        curl.post(&demo.wsignin(WSFED, ""), &[("UserName", "hanako@contoso.lab"), ("Password", "wrong")]);
    }
    let url = demo.wsignin(WSFED, &format!("&client-request-id={id}"));
    curl.post(&url, &[("UserName", "hanako@contoso.lab"), ("Password", PASSWORD)]);
    assert_eq!(runs(demo.answered(&id, 1).ids()), [403, 510, 410, 516, 1210, 364, 404, 510]);
}

#[test]
fn a_person_who_is_not_permitted_writes_324_and_325() {
    let demo = demo();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let id = activity(4);
    curl.get(&demo.wsignin("urn:e2e:nobody", &format!("&client-request-id={id}")));
    let ids = runs(demo.answered(&id, 1).ids());
    assert_eq!(ids, [403, 510, 410, 412, 501, 324, 501, 1201, 325, 364, 404, 510]);
}

#[test]
fn the_service_writes_100_at_its_start_and_103_at_its_end() {
    let mut demo = Demo::plain();
    let started = demo.events(100, 1);
    assert!(started[0]["data"][0].as_str().unwrap().contains(&demo.passive()), "{}", started[0]);
    assert_eq!(started[0]["activity"], "00000000-0000-0000-0000-000000000000");
    demo.stop();
    assert_eq!(ids(&demo.events(103, 1)), [103]);
}

/// What a person reads out on the telephone leads to the reason.
#[test]
fn the_id_on_an_error_page_leads_to_the_check_that_failed() {
    let demo = demo();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let explain = |activity: &str| {
        let run = sekisho().args(["explain", activity, "--data"]).arg(&demo.data).output().unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
        text
    };
    let acs = AuthnRequest::new(SAML).attribute("AssertionConsumerServiceURL", "https://evil.example/acs");
    for (url, check, text) in [
        (demo.wsignin("urn:nobody", ""), "relying_party_is_known", "MSIS7007"),
        (
            demo.wsignin(WSFED, "&wreply=https%3A%2F%2Fevil.example"),
            "wreply_is_registered",
            "https://evil.example",
        ),
        (demo.wsignin(WSFED, &format!("&wauth={}", percent("urn:x"))), "wauth_is_known", "MSIS7102"),
        (demo.wsignin(WSFED, "&wfresh=soon"), "wfresh_is_a_number", "'soon'"),
        (format!("{}?{}", demo.passive(), acs.query(None)), "assertion_consumer_is_registered", "MSIS3200"),
    ] {
        let page = curl.get(&url);
        let explained = explain(&page.activity());
        let refused =
            explained.lines().find(|line| line.contains("REFUSED")).unwrap_or_else(|| panic!("{explained}"));
        assert!(refused.contains(check) && refused.contains(text), "{explained}");
        assert!(explained.lines().last().unwrap().contains("Outcome  refused"), "{explained}");
        // The same through the socket of the running service.
        let socket = ["--unix-socket", demo.fact("admin_socket"), "-sS"];
        let url = format!("http://localhost/explain/{}", page.activity());
        let run = Command::new("curl").args(socket).arg(url).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(answer["explanation"], explained);
    }
    let id = activity(5);
    curl.get(&demo.wsignin(WSFED, &format!("&client-request-id={id}")));
    let explained = explain(&id);
    for text in [
        "passed  wreply_is_registered",
        "issuance transform rules",
        "Name, e-mail address and groups",
        "Active Directory",
        "1200 ",
    ] {
        assert!(explained.contains(text), "{text} is not in {explained}");
    }
    let run = sekisho().args(["explain", &activity(999), "--data"]).arg(&demo.data).output().unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("no request with the activity id"), "{run:?}");
    let run = sekisho().args(["explain", "not-a-guid", "--data"]).arg(&demo.data).output().unwrap();
    assert!(!run.status.success() && !run.stderr.is_empty());
}
