//! The process: how it starts, what it says, how it ends, and what it keeps.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use end_to_end::{Demo, Options, free_port, sekisho, start};
use serde_json::Value;

use crate::shared::{PASSWORD, WSFED, demo};

/// Asks the administration socket.
fn socket_curl(demo: &Demo, path: &str) -> (u16, Value) {
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "--max-time",
        "20",
        "-w",
        "\n%{http_code}",
        "--unix-socket",
        demo.fact("admin_socket"),
    ]);
    let run = command.arg(format!("http://localhost{path}")).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn demo_json_holds_what_scripts_need() {
    let demo = demo();
    let file: Value = serde_json::from_slice(&std::fs::read(demo.data.join("demo.json")).unwrap()).unwrap();
    assert_eq!(file, demo.facts, "--json prints the same");
    assert_eq!(file["federation_service"], "localhost");
    assert_eq!(file["base_url"], format!("https://localhost:{}", demo.port()));
    assert_eq!(file["entity_id"], "http://localhost/adfs/services/trust");
    assert_eq!(file["pid"], demo.pid());
    for name in ["metadata_url", "claims_xray_url", "probe_url", "ca_file", "admin_socket"] {
        assert!(file[name].is_string(), "{name}");
    }
    let users = file["users"].as_array().unwrap();
    assert!(users.len() >= 5);
    for name in ["upn", "sam", "password", "display_name", "mail", "groups"] {
        assert!(users.iter().all(|user| !user[name].is_null()), "{name}");
    }
    assert!(users.iter().any(|user| user["display_name"] == "山田 花子"));
    assert!(users.iter().any(|user| user["groups"].as_array().unwrap().len() == 160));
    let parties = file["relying_parties"].as_array().unwrap();
    for identifier in ["urn:microsoft:adfs:claimsxray", "urn:demo:saml", WSFED] {
        let party = parties
            .iter()
            .find(|party| party["identifiers"].as_array().unwrap().iter().any(|id| id == identifier));
        let party = party.unwrap_or_else(|| panic!("no {identifier}"));
        assert!(party["name"].is_string() && !party["endpoints"].as_array().unwrap().is_empty());
    }
}

/// The first start of a person: text, with what to do next.
#[test]
fn the_banner_says_where_to_go_and_whom_to_sign_in_as() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = sekisho();
    command.args(["demo", "--port", &port.to_string(), "--data"]).arg(folder.path().join("data"));
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut banner = String::new();
    while !banner.contains("Ctrl-C") {
        banner.push_str(&lines.next().expect("a line").unwrap());
        banner.push('\n');
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success());
    for text in [
        &format!("https://localhost:{port}/claimsxray"),
        "alice@contoso.lab",
        "山田 花子",
        PASSWORD,
        "urn:demo:saml",
        "curl --cacert",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "certutil",
        "sekisho explain",
    ] {
        assert!(banner.contains(text), "{text} is not in {banner}");
    }
}

#[test]
fn the_probe_answers_on_plain_http_and_nothing_else_does() {
    let demo = demo();
    let probe = demo.fact("probe_url");
    assert!(probe.starts_with("http://"), "{probe}");
    assert_eq!(demo.curl().get(probe).status, 200);
    assert_eq!(demo.curl().get(&format!("{}/adfs/probe", demo.base())).status, 200);
    for path in [
        "/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Ademo%3Awsfed",
        "/FederationMetadata/2007-06/FederationMetadata.xml",
        "/claimsxray",
    ] {
        let page = demo.curl().get(&format!("{}{path}", probe.strip_suffix("/adfs/probe").unwrap()));
        assert_eq!(page.status, 404, "{path}");
        assert!(page.cookies().is_empty() && !page.body.contains("Password"));
    }
}

#[test]
fn metadata_is_kept_by_etag_and_names_this_service() {
    let demo = demo();
    let url = demo.fact("metadata_url");
    let page = demo.curl().get(url);
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().contains("xml"), "{}", page.head);
    let etag = page.header("etag").expect("an ETag").to_owned();
    assert_eq!(demo.curl().run(url, &["-H", &format!("If-None-Match: {etag}")]).status, 304);
    assert_eq!(demo.curl().run(url, &["-H", "If-None-Match: \"other\""]).status, 200);
    assert_eq!(
        demo.curl().get(&url.to_lowercase()).body,
        page.body,
        "paths are compared without regard to case"
    );
    let document = roxmltree::Document::parse(&page.body).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("entityID"), Some(demo.fact("entity_id")));
    let expected = [
        "Signature",
        "RoleDescriptor",
        "RoleDescriptor",
        "SPSSODescriptor",
        "IDPSSODescriptor",
        "ContactPerson",
    ];
    assert_eq!(crate::shared::names(root), expected);
    assert!(
        page.body.contains("xsi:type=\"fed:SecurityTokenServiceType\""),
        "django-auth-adfs reads it literally"
    );
    assert!(page.body.contains(&format!("https://localhost:{}/adfs/ls/", demo.port())));
    assert!(!page.body.contains(['\n', '\r']), "one line");
}

#[test]
fn the_same_data_serves_again_and_sessions_live_on() {
    let demo = Demo::plain();
    let (curl, _) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let (facts, metadata) = (demo.facts.clone(), demo.curl().get(demo.fact("metadata_url")).body);
    let demo = demo.restart();
    for name in ["users", "relying_parties", "entity_id", "base_url", "ca_file"] {
        assert_eq!(demo.facts[name], facts[name], "{name}");
    }
    assert!(
        curl.get(&demo.wsignin(WSFED, "")).field("wresult").is_some(),
        "the session, and the authority, are the same"
    );
    let certificate =
        |text: &str| text.split_once("<X509Certificate>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let now = demo.curl().get(demo.fact("metadata_url")).body;
    let signing = |text: &str| certificate(text.split_once("use=\"signing\"").unwrap().1);
    assert_eq!(signing(&now), signing(&metadata));
}

/// A crash leaves old or new, never half.
#[test]
fn a_killed_service_starts_again_with_its_users_and_trusts() {
    let seed = "[[user]]\nupn = \"kim@contoso.lab\"\npassword = \"Kim-Secret-1\"\n\
                [[relying_party]]\nname = \"Kim's\"\nidentifiers = [\"urn:kim\"]\nws_fed_endpoint = \"https://localhost:9443/kim\"\n";
    let mut demo = Demo::seeded(seed);
    let (kept, _) = demo.signed_in("kim", &demo.wsignin("urn:kim", ""));
    for round in 0..3 {
        let url = demo.wsignin("urn:kim", "");
        // Killed while sign-ins and wrong passwords are being written.
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (url, ca) = (&url, demo.ca().to_owned());
                scope.spawn(move || {
                    let form = format!("UserName=user-{round}-{n}%40contoso.lab&Password=wrong");
                    for _ in 0..20 {
                        let run = Command::new("curl")
                            .args(["-s", "--cacert", &ca, "--data", &form, url])
                            .output()
                            .unwrap();
                        if !run.status.success() {
                            return;
                        }
                    }
                });
            }
            demo.events(411, 5 * (round + 1));
            demo.kill();
        });
        demo = demo.crash_and_restart();
        assert!(kept.get(&demo.wsignin("urn:kim", "")).field("wresult").is_some(), "round {round}");
        let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
        assert!(page.field("wresult").is_some());
        assert_eq!(demo.user("kim").password, "Kim-Secret-1");
    }
}

#[test]
fn sigterm_lets_a_request_in_progress_end_and_exits_with_0() {
    let mut demo = Demo::plain();
    // A request whose body is not complete yet is in progress.
    let mut client = slow_post(&demo);
    demo.ask_to_end();
    client.finish();
    let status = demo.wait();
    assert!(status.success(), "{status}: {}", demo.stderr());
    assert!(!demo.data.join("admin.sock").exists(), "the socket is removed");
    assert_eq!(demo.events(103, 1).len(), 1);
    let answered = client.answer();
    assert!(answered.contains("302"), "the sign-in that was under way got its answer: {answered}");
}

/// A script that starts the demo, does nothing and ends it.
#[test]
fn sigterm_right_after_ready_exits_with_0_as_well() {
    let mut demo = Demo::plain();
    for _ in 0..10 {
        demo = demo.restart();
    }
    demo.stop();
}

/// A sign-in whose body comes in two pieces, through openssl's client.
struct SlowPost {
    child: std::process::Child,
}

impl SlowPost {
    const BODY: &'static str = "UserName=alice%40contoso.lab&Password=Sekisho-Demo-1";

    fn finish(&mut self) {
        let mut input = self.child.stdin.take().unwrap();
        input.write_all(&Self::BODY.as_bytes()[10..]).unwrap();
        input.flush().unwrap();
    }

    fn answer(mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let _ = self.child.kill();
        let _ = self.child.wait();
        text
    }
}

fn slow_post(demo: &Demo) -> SlowPost {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_quiet", "-connect", &format!("localhost:{}", demo.port())]);
    command.args(["-servername", "localhost", "-CAfile", demo.ca()]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let path = demo.wsignin(WSFED, "").strip_prefix(demo.base()).unwrap().to_owned();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n",
        demo.port(),
        SlowPost::BODY.len()
    );
    let input = child.stdin.as_mut().unwrap();
    input.write_all(head.as_bytes()).unwrap();
    input.flush().unwrap();
    // "100 Continue" says that the service is at this request.
    let mut seen = Vec::new();
    let output = child.stdout.as_mut().unwrap();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        output.read_exact(&mut octet).expect("100 Continue");
        seen.push(octet[0]);
    }
    assert!(seen.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&seen));
    let input = child.stdin.as_mut().unwrap();
    input.write_all(&SlowPost::BODY.as_bytes()[..10]).unwrap();
    input.flush().unwrap();
    SlowPost { child }
}

#[test]
fn a_second_demo_on_the_same_data_is_refused_and_names_the_first() {
    let demo = Demo::plain();
    let second = Options { data: Some(demo.data.clone()), ..Options::default() };
    let ended = start(&second).err().expect("the second does not start");
    assert!(!ended.status.success());
    let pid = demo.pid().to_string();
    assert!(
        ended.error.contains(&pid) || ended.error.contains(demo.base()),
        "names the first: {}",
        ended.error
    );
    // The first goes on undisturbed.
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    assert!(page.field("wresult").is_some());
    let file: Value = serde_json::from_slice(&std::fs::read(demo.data.join("demo.json")).unwrap()).unwrap();
    assert_eq!(file["pid"], demo.pid());
    assert_eq!(socket_curl(&demo, "/status").0, 200);
}

#[test]
fn a_taken_port_names_its_holder_and_leaves_event_102() {
    let port = free_port();
    let holder = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ended = start(&Options { port, ..Options::default() }).err().expect("it does not start");
    assert!(!ended.status.success());
    let me = format!("process {}", std::process::id());
    for text in [me.as_str(), &port.to_string()] {
        assert!(ended.error.contains(text), "{text} is not in {}", ended.error);
    }
    let lines = std::fs::read_to_string(ended.data.join("journal/events.jsonl")).unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(end_to_end::ids(&events), [102], "not ready, so no 100");
    assert!(events[0]["data"][0].as_str().unwrap().contains(&port.to_string()));
    assert!(!ended.data.join("demo.json").exists(), "no facts of a service that is not there");
    drop(holder);
    // Nothing is broken: the same data serves once the port is free.
    let demo = Demo::start(&Options { port, data: Some(ended.data.clone()), ..Options::default() });
    assert_eq!(demo.curl().get(demo.fact("probe_url")).status, 200);
}

/// The path, and what is wrong with it: not the words of a system call alone.
#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let long = folder.path().join("l".repeat(120));
    for data in [file.clone(), file.join("below"), long] {
        let ended = start(&Options { data: Some(data.clone()), ..Options::default() }).err();
        let ended = ended.unwrap_or_else(|| panic!("{} was taken", data.display()));
        assert!(!ended.status.success());
        assert!(
            ended.error.contains(&data.display().to_string()),
            "{} is not in {}",
            data.display(),
            ended.error
        );
    }
}

#[test]
fn reset_refuses_a_directory_that_no_demo_made() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("thesis.txt");
    std::fs::write(&precious, "years of work").unwrap();
    let options = Options {
        data: Some(folder.path().to_owned()),
        arguments: vec!["--reset".to_owned()],
        ..Options::default()
    };
    let ended = start(&options).err().expect("it does not start");
    assert!(!ended.status.success());
    assert!(ended.error.contains("was not made by a demo"), "{}", ended.error);
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "years of work");
}

#[test]
fn reset_forgets_what_was() {
    let mut demo = Demo::seeded("[[user]]\nupn = \"kim@contoso.lab\"\npassword = \"Kim-Secret-1\"\n");
    assert_eq!(demo.user("kim").password, "Kim-Secret-1");
    demo.stop();
    let options = Options {
        data: Some(demo.data.clone()),
        arguments: vec!["--reset".to_owned()],
        ..Options::default()
    };
    let again = Demo::start(&options);
    assert!(again.facts["users"].as_array().unwrap().iter().all(|user| user["sam"] != "kim"));
}

/// A person in trouble must not lose the running demo's data.
#[test]
fn reset_refuses_the_data_of_a_running_demo() {
    let demo = Demo::plain();
    let options = Options {
        data: Some(demo.data.clone()),
        arguments: vec!["--reset".to_owned()],
        ..Options::default()
    };
    let ended = start(&options).err().expect("it does not start");
    assert!(!ended.status.success(), "{}", ended.error);
    assert!(demo.data.join("configuration.db").exists());
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    assert!(page.field("wresult").is_some());
}

#[test]
fn the_administration_socket_answers_status_and_explain() {
    let demo = demo();
    let (code, body) = socket_curl(demo, "/status");
    assert_eq!(code, 200);
    assert_eq!(body["ready"], true);
    assert_eq!(body["host_name"], "localhost");
    assert_eq!(body["identifier"], demo.fact("entity_id"));
    let (code, body) = socket_curl(demo, "/explain/5f1b9a60-7c3b-4d83-9a52-000000000000");
    assert_eq!(code, 404);
    assert!(body["error"]["message"].as_str().unwrap().contains("no request with the activity id"));
    let (code, body) = socket_curl(demo, "/explain/x");
    assert_eq!(code, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("GUID"));
    assert_eq!(socket_curl(demo, "/other").0, 404);
}

#[test]
fn another_host_name_is_served_under_its_name() {
    let host = "fs.sekisho.localhost";
    let demo = Demo::start(&Options { host: host.to_owned(), ..Options::default() });
    assert_eq!(demo.fact("entity_id"), format!("http://{host}/adfs/services/trust"));
    let resolve = format!("{host}:{}:127.0.0.1", demo.port());
    let curl = demo.curl().with(&["--resolve", &resolve]);
    let page = curl.sign_in(&demo.wsignin(WSFED, ""), "alice@contoso.lab", PASSWORD);
    assert!(
        page.field("wresult").unwrap().contains(&format!("Issuer=\"http://{host}/adfs/services/trust\""))
    );
}

/// Security case 46: addresses in answers are made of the configuration, never of what a request calls us.
#[test]
fn another_hosts_name_in_a_request_is_misdirected() {
    let demo = demo();
    for version in ["--http1.1", "--http2"] {
        let page = demo.curl().run(&demo.wsignin(WSFED, ""), &[version, "-H", "Host: evil.example"]);
        assert_eq!(page.status, 421, "{page}");
        assert!(!page.body.contains("evil.example") && page.login_action().is_none(), "{page}");
    }
    let page = demo.curl().run(demo.fact("probe_url"), &["-H", "Host: 10.0.0.1"]);
    assert_eq!(page.status, 200, "load balancers ask by address");
}

#[test]
fn http_1_and_2_answer_alike_and_old_tls_does_not() {
    let demo = demo();
    for (argument, version) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let page = demo.curl().run(&demo.wsignin(WSFED, ""), &[argument]);
        assert!(page.head.starts_with(version), "{}", page.head);
        assert!(page.login_action().is_some());
    }
    let mut command = Command::new("curl");
    command.args(["-sS", "--noproxy", "*", "--cacert", demo.ca(), "--tls-max", "1.1", demo.base()]);
    assert!(!command.output().unwrap().status.success());
}
