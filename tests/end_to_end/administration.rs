//! The administration API while the service runs: what is changed is what the next request meets.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use end_to_end::{Demo, output, peer, percent, program, python};
use roxmltree::Document;
use serde_json::{Value, json};

use crate::shared::{CLAIM_UPN, PASSWORD, WSFED, claim_values, demo};

const TRUSTS: &str = "/configuration/relying-party-trust";
const FARM: &str = "/configuration/service-properties/farm";
const CMDLET: &str = "Sekisho-Cmdlet: Set-AdfsRelyingPartyTrust";

/// A trust that lets everybody in and passes the UPN on.
fn trust(name: &str) -> Value {
    json!({
        "Name": name,
        "Identifier": [format!("urn:admin:{name}")],
        "WSFedEndpoint": format!("https://localhost:9443/{name}"),
        "IssuanceAuthorizationRules":
            "=> issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");",
        "IssuanceTransformRules": format!("c:[Type == \"{CLAIM_UPN}\"]\n => issue(claim = c);"),
    })
}

/// Creates a trust: its address.
fn create(demo: &Demo, name: &str) -> String {
    let made = demo.api("POST", TRUSTS, &[], Some(&trust(name)));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("etag"), Some("\"1\""));
    format!("{TRUSTS}/{}", made.json()["id"].as_str().unwrap())
}

fn serial(demo: &Demo) -> u64 {
    demo.api_get("/node")["serial"].as_u64().unwrap()
}

#[test]
fn a_new_trust_signs_in_and_its_new_rules_hold_for_the_next_token() {
    let demo = Demo::plain();
    let address = create(&demo, "orders");
    let url = demo.wsignin("urn:admin:orders", "");
    let (curl, page) = demo.signed_in("alice", &url);
    assert_eq!(page.response_action().unwrap(), "https://localhost:9443/orders");
    let token = page.field("wresult").unwrap();
    assert_eq!(claim_values(&Document::parse(&token).unwrap(), CLAIM_UPN), ["alice@contoso.lab"]);

    let rules = "=> issue(Type = \"http://example.com/shift\", Value = \"night\");";
    let answer = demo.api(
        "PATCH",
        &address,
        &["If-Match: \"1\"", CMDLET],
        Some(&json!({ "IssuanceTransformRules": rules })),
    );
    assert_eq!((answer.status, answer.json()["version"].as_u64()), (200, Some(2)), "{}", answer.body);
    let token = curl.get(&url).field("wresult").expect("the session goes on");
    let document = Document::parse(&token).unwrap();
    assert_eq!(claim_values(&document, "http://example.com/shift"), ["night"]);
    assert!(claim_values(&document, CLAIM_UPN).is_empty());
    // Other trusts are as they were.
    assert!(curl.get(&demo.wsignin(WSFED, "")).field("wresult").is_some());

    demo.api_patch(&address, &json!({ "Enabled": false }));
    assert!(!curl.get(&url).issues_something(), "a disabled trust gets nothing");
    assert_eq!(demo.api("DELETE", &address, &["If-Match: \"3\""], None).status, 200);
    assert!(!curl.get(&url).issues_something());
    assert_eq!(demo.api("GET", &address, &[], None).status, 404);
}

#[test]
fn properties_hold_for_the_next_request_and_for_the_next_start() {
    let demo = Demo::plain();
    let url = demo.wsignin(WSFED, "");
    let metadata = demo.curl().get(demo.fact("metadata_url")).body;
    demo.api_patch(FARM, &json!({ "DisplayName": "Contoso 関所", "SsoLifetime": 77 }));
    assert!(demo.curl().get(&url).body.contains("Contoso 関所"));
    let changed = demo.curl().get(demo.fact("metadata_url")).body;
    assert_ne!(changed, metadata, "signed anew");
    assert!(changed.contains("Contoso 関所"));
    let xray = "/configuration/relying-party-trust?identifier=urn%3Amicrosoft%3Aadfs%3Aclaimsxray";
    let id = demo.api_get(xray)["objects"][0]["id"].as_str().unwrap().to_owned();
    demo.api_patch(&format!("{TRUSTS}/{id}"), &json!({ "TokenLifetime": 7 }));
    let before = serial(&demo);

    let demo = demo.restart();
    assert_eq!(serial(&demo), before, "a start changes nothing");
    let properties = demo.api_get(FARM)["body"].clone();
    assert_eq!(
        (&properties["DisplayName"], &properties["SsoLifetime"]),
        (&json!("Contoso 関所"), &json!(77))
    );
    assert!(demo.curl().get(&url).body.contains("Contoso 関所"));
    assert_eq!(demo.api_get(xray)["objects"][0]["body"]["TokenLifetime"], 7);
    let (_, page) = demo.signed_in("alice", &url);
    assert!(page.field("wresult").is_some());
}

#[test]
fn bad_rules_are_refused_with_line_and_column_and_nothing_changes() {
    let demo = Demo::plain();
    let address = create(&demo, "orders");
    let (before, stored) = (serial(&demo), demo.api_get(&address));
    let patch = json!({ "Notes": "half", "IssuanceTransformRules": "c:[]\n => issue(claim = d);" });
    let answer = demo.api("PATCH", &address, &["If-Match: *"], Some(&patch));
    assert_eq!(answer.status, 422, "{}", answer.body);
    let problem = &answer.error()["problems"][0];
    assert_eq!(problem["field"], "IssuanceTransformRules");
    let expected = problem["expected"].as_str().unwrap();
    assert!(expected.contains("line 2, column 19") && expected.contains("POLICY0002"), "{expected}");
    let mut bad = trust("bad");
    bad["IssuanceAuthorizationRules"] = json!("=> isue();");
    assert_eq!(demo.api("POST", TRUSTS, &[], Some(&bad)).status, 422);
    assert_eq!((serial(&demo), demo.api_get(&address)), (before, stored));

    let misspelt = demo.api("PATCH", &address, &["If-Match: *"], Some(&json!({ "TokenLifetme": 5 })));
    assert_eq!(misspelt.status, 422);
    assert!(misspelt.error()["problems"][0]["expected"].as_str().unwrap().contains("'TokenLifetime'"));
    let mut taken = trust("second");
    taken["Identifier"] = json!(["urn:admin:orders"]);
    let taken = demo.api("POST", TRUSTS, &[], Some(&taken));
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert!(taken.error()["message"].as_str().unwrap().contains("'orders'"), "{}", taken.body);
}

/// Security case 85, the race of two administrators.
#[test]
fn of_two_administrators_the_later_one_is_shown_what_the_other_did() {
    let demo = Demo::plain();
    let address = create(&demo, "orders");
    let first = demo.api("PATCH", &address, &["If-Match: \"1\""], Some(&json!({ "TokenLifetime": 10 })));
    assert_eq!(first.status, 200, "{}", first.body);
    let second = demo.api("PATCH", &address, &["If-Match: \"1\""], Some(&json!({ "TokenLifetime": 20 })));
    assert_eq!(second.status, 412, "{}", second.body);
    let error = second.error();
    assert_eq!(
        (&error["stored"]["version"], &error["stored"]["body"]["TokenLifetime"]),
        (&json!(2), &json!(10))
    );
    assert_eq!(error["yours"], json!({ "TokenLifetime": 20 }));
    let again = demo.api("PUT", &address, &["If-None-Match: *"], Some(&trust("orders")));
    assert_eq!(again.status, 412, "{}", again.body);
    let without = demo.api("PATCH", &address, &[], Some(&json!({ "TokenLifetime": 20 })));
    assert_eq!(without.status, 400);
    assert!(without.error()["message"].as_str().unwrap().contains("If-Match"));

    // A storm: every change is made one time, and each of those refused knows it.
    let made: usize = std::thread::scope(|scope| {
        let storm: Vec<_> = (0..8)
            .map(|n| {
                let (demo, address) = (&demo, &address);
                scope.spawn(move || {
                    let patch = json!({ "Notes": format!("storm {n}") });
                    demo.api("PATCH", address, &["If-Match: \"2\""], Some(&patch)).status == 200
                })
            })
            .collect();
        storm.into_iter().filter(|_| true).map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(demo.api_get(&address)["version"], 3);
}

#[test]
fn what_if_changes_nothing_and_an_undo_can_be_undone() {
    let demo = Demo::plain();
    let address = create(&demo, "orders");
    let before = serial(&demo);
    let patch = json!({ "TokenLifetime": 30 });
    let would = demo.api("PATCH", &format!("{address}?whatif=true"), &["If-Match: \"1\""], Some(&patch));
    assert_eq!((would.status, &would.json()["body"]["TokenLifetime"]), (200, &json!(30)), "{}", would.body);
    assert_eq!(would.json()["serial"], Value::Null);
    assert_eq!(serial(&demo), before);

    let made = demo.api_patch(&address, &patch)["serial"].as_u64().unwrap();
    let undone = demo.api("POST", &format!("/changes/{made}/undo"), &[], None);
    assert_eq!(undone.status, 200, "{}", undone.body);
    assert_eq!(demo.api_get(&address)["body"]["TokenLifetime"], 0);
    let undo = undone.json()["serial"].as_u64().unwrap();
    assert_eq!(demo.api("POST", &format!("/changes/{undo}/undo"), &[], None).status, 200);
    assert_eq!(demo.api_get(&address)["body"]["TokenLifetime"], 30);

    // Others came after it: only by force.
    let late = demo.api("POST", &format!("/changes/{made}/undo"), &[], None);
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.error()["stored"].is_object() && late.error()["yours"].is_object(), "{}", late.body);
    assert_eq!(demo.api("POST", &format!("/changes/{made}/undo?force=true"), &[], None).status, 200);

    let removed = demo.api("DELETE", &address, &["If-Match: *"], None).json()["serial"].as_u64().unwrap();
    assert_eq!(demo.api("POST", &format!("/changes/{removed}/undo"), &[], None).status, 200);
    let (_, page) = demo.signed_in("alice", &demo.wsignin("urn:admin:orders", ""));
    assert!(page.field("wresult").is_some(), "the trust is back");
}

#[test]
fn history_and_journal_tell_who_changed_what() {
    let demo = Demo::plain();
    let before = serial(&demo);
    let address = create(&demo, "orders");
    let patch = json!({ "TokenLifetime": 30 });
    assert_eq!(demo.api("PATCH", &address, &["If-Match: *", CMDLET], Some(&patch)).status, 200);
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let who = format!("{} (Set-AdfsRelyingPartyTrust)", user.trim());

    let page = demo.api_get(&format!("/changes?after={before}"));
    let changes = page["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &page["next"]), (2, &Value::Null));
    assert_eq!(
        (changes[0]["by"].as_str().unwrap(), &changes[0]["kind"]),
        (user.trim(), &json!("relying-party-trust"))
    );
    assert_eq!((changes[1]["by"].as_str().unwrap(), &changes[1]["version"]), (who.as_str(), &json!(2)));
    assert_eq!(changes[1]["body"]["TokenLifetime"], 30);
    let first = demo.api_get(&format!("/changes?after={before}&limit=1"));
    assert_eq!(first["next"], changes[0]["serial"]);

    let audits = demo.events(307, 2);
    assert_eq!(audits[1]["data"][0], who.as_str());
    let change = audits[1]["data"][1].as_str().unwrap();
    assert!(change.contains("relying party trust 'orders'"), "{change}");
    assert!(change.contains("TokenLifetime: '0' -> '30'"), "{change}");

    // Keys, wrapped or not, and the users' password hashes are not part of this.
    let all = demo.api("GET", "/changes?limit=1000", &[], None).body
        + &demo.api("GET", "/configuration/certificate", &[], None).body;
    for secret in ["SealedKey", "argon2", "directory-user", "farm-key"] {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(all.contains("Token-Signing"));
}

#[test]
fn this_node_is_the_primary_and_ready() {
    let node = demo().api_get("/node");
    assert_eq!((&node["role"], &node["primary"]), (&json!("PrimaryComputer"), &Value::Null));
    assert_eq!(
        (&node["ready"], &node["host_name"], &node["epoch"]),
        (&json!(true), &json!("localhost"), &json!(1))
    );
    let status = demo().api_get("/status");
    assert_eq!(status["ready"], true);
}

#[test]
fn objects_come_in_pages_and_by_their_names() {
    let demo = demo();
    let (mut names, mut address) = (Vec::new(), format!("{TRUSTS}?limit=2"));
    loop {
        let page = demo.api_get(&address);
        let objects = page["objects"].as_array().unwrap();
        assert!(objects.len() <= 2);
        names.extend(objects.iter().map(|object| object["body"]["Name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => address = format!("{TRUSTS}?limit=2&after={}", percent(next)),
            None => break,
        }
    }
    assert!(names.len() >= 6 && names.contains(&"Claims X-Ray".to_owned()), "{names:?}");
    let found = demo.api_get(&format!("{TRUSTS}?name=Claims%20X-Ray"));
    assert_eq!(found["objects"].as_array().unwrap().len(), 1);
    assert_eq!(demo.api_get(&format!("{TRUSTS}?name=nobody"))["objects"], json!([]));
}

/// Security case 85: only the service's own user and root may administer.
#[test]
fn another_user_of_the_machine_cannot_open_the_socket() {
    let demo = Demo::plain();
    let socket = demo.fact("admin_socket");
    let mode = std::fs::metadata(socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let folder = std::fs::metadata(&demo.data).unwrap().permissions().mode();
    assert_eq!(folder & 0o077, 0);
    let i_am_root = output(Command::new("id").arg("-u")).trim() == "0";
    if !i_am_root || program("setpriv").is_err() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    let ask = || {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "curl",
            "-sS",
            "--max-time",
            "10",
        ]);
        command.args(["--unix-socket", socket, "http://sekisho/node"]).output().unwrap()
    };
    assert!(!ask().status.success());
    // Even where somebody opened the way to it, the peer's user counts.
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for folder in demo.data.ancestors().take_while(|folder| folder.starts_with(demo.folder())) {
        open(folder, 0o755);
    }
    open(socket.as_ref(), 0o777);
    let answer = ask();
    assert!(!answer.status.success() && answer.stdout.is_empty(), "{answer:?}");
    assert_eq!(demo.api_get("/node")["ready"], true, "its owner still may");
}

/// Nothing that is sent stops the service, changes something or is passed over in silence.
#[test]
fn garbage_is_refused_in_the_one_shape_of_errors() {
    let demo = Demo::plain();
    let before = serial(&demo);
    let deep = "[".repeat(200_000);
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"Name\":\"a\",\"Name\":\"b\"}",
        b"\xff\xfe",
        b"{\"Name\":1e999}",
        b"{\"Name\":null,\"Identifier\":{}}",
        b"{\"SamlEndpoints\":[[[[]]]]}",
        b"<xml/>",
        deep.as_bytes(),
    ];
    for body in bodies {
        for (method, path) in [("POST", TRUSTS), ("PATCH", FARM), ("PUT", FARM), ("POST", "/actions/none")] {
            let answer = demo.api_raw(method, path, &["If-Match: *"], Some(body));
            let harmless = answer.status == 200 && answer.json()["serial"].is_null();
            if !harmless {
                assert!([400, 403, 404, 422].contains(&answer.status), "{method} {path}: {}", answer.body);
                answer.error();
            }
        }
    }
    let large = vec![b' '; 2 * 1024 * 1024];
    assert_eq!(demo.api_raw("POST", TRUSTS, &[], Some(&large)).status, 413);
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "//node", 404),
        ("GET", "/configuration/", 404),
        ("GET", "/configuration/nonsense", 404),
        ("GET", "/configuration/farm-key", 404),
        ("GET", "/configuration/relying-party-trust/..%2f..%2fetc", 404),
        ("GET", "/configuration/relying-party-trust/%ff", 400),
        ("GET", "/configuration/relying-party-trust?nmae=x", 400),
        ("GET", "/configuration/relying-party-trust?limit=-1", 400),
        ("GET", "/configuration/relying-party-trust?limit=1&limit=2", 400),
        ("GET", "/changes?after=x", 400),
        ("GET", "/explain/x", 400),
        ("POST", "/changes/x/undo", 400),
        ("POST", "/changes/99999/undo", 404),
        ("POST", "/changes/1/undo?force=maybe", 400),
        ("POST", "/actions/none", 404),
        ("DELETE", FARM, 403),
        ("DELETE", "/node", 405),
        ("BREW", "/node", 405),
    ] {
        let answer = demo.api(method, path, &["If-Match: *"], None);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.error();
    }
    for header in
        ["Sekisho-Cmdlet: Set-Adfs Properties", "Sekisho-Cmdlet: ;", "If-Match: W/\"1\"", "If-Match: 1"]
    {
        let answer = demo.api("PATCH", FARM, &[header], Some(&json!({ "SsoLifetime": 99 })));
        assert_eq!(answer.status, 400, "{header}: {}", answer.body);
    }
    for raw in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/9\r\n\r\n",
        b"\r\n\r\n\r\n",
        &[0; 4_096],
        &[b'A'; 200_000],
    ] {
        let mut stream = UnixStream::connect(demo.fact("admin_socket")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(raw);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    assert_eq!(serial(&demo), before);
    assert_eq!(demo.curl().sign_in(&demo.wsignin(WSFED, ""), "alice@contoso.lab", PASSWORD).status, 200);
}

/// Connections that say nothing are ended; more than the socket takes at once wait their turn.
#[test]
fn silent_connections_do_not_keep_administrators_out() {
    let demo = Demo::plain();
    let silent: Vec<_> = (0..40).map(|_| UnixStream::connect(demo.fact("admin_socket")).unwrap()).collect();
    assert_eq!(demo.api_get("/node")["ready"], true);
    drop(silent);
}

#[test]
fn the_openapi_document_is_valid_and_describes_what_is_served() {
    let demo = demo();
    let document = demo.api_get("/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = item.get("get").filter(|_| !path.contains('{'));
        if operation.is_some() {
            demo.api_get(path);
        }
    }
    let Ok(mut python) = python() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document.to_string()).unwrap();
    let trust = tempfile::NamedTempFile::new().unwrap();
    let found = demo.api_get(&format!("{TRUSTS}?name=Claims%20X-Ray"));
    std::fs::write(trust.path(), found["objects"][0]["body"].to_string()).unwrap();
    let said = output(python.arg(peer("openapi.py")).arg(file.path()).arg(trust.path()));
    assert_eq!(said.trim(), "valid", "{said}");
}
