//! A node whose store is a PostgreSQL database: installed there, or moved there.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

use end_to_end::Response;
use end_to_end::node::Node;
use end_to_end::postgres::Postgres;

const HOST: &str = "fs.contoso.com";
const USER: &str = "kim@contoso.com";
const USER_PASSWORD: &str = "Correct-Horse-7";
const PERMIT: &str =
    "=> issue(Type = \"http://schemas.microsoft.com/authorization/claims/permit\", Value = \"true\");";
/// Longest wait for a node to heal.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sign-in from the password to the token, from an address of its own: the rate of one address is limited.
fn sign_in(node: &Node) -> Response {
    static ADDRESS: AtomicU8 = AtomicU8::new(2);
    let address = format!("127.78.0.{}", ADDRESS.fetch_add(1, Ordering::Relaxed).max(2));
    let form = format!("UserName={USER}&Password={USER_PASSWORD}&AuthMethod=FormsAuthentication");
    let url = format!("https://{HOST}/adfs/ls/?wa=wsignin1.0&wtrealm=urn%3Aapp");
    let ca = node.path("ca.pem");
    let mut command = node.network.command("curl");
    command.args([
        "--silent",
        "--max-time",
        "30",
        "--cacert",
        &ca,
        "--connect-to",
        "::127.0.0.1",
        "--http1.1",
    ]);
    command.args(["--interface", &address, "--cookie", "", "--location", "--include", "--data", &form, &url]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The answer after the redirect, if there was one.
    let last = text.rfind("HTTP/1.1 ").unwrap_or_else(|| panic!("no answer: {output:?}"));
    let (head, body) = text[last..].split_once("\r\n\r\n").unwrap_or((&text[last..], ""));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

fn signs_in(node: &Node) -> bool {
    sign_in(node).body.contains("\"wresult\"")
}

fn make_user_and_trust(node: &Node) {
    node.json(&["New-SekishoUser", "-UserPrincipalName", USER, "-Password", USER_PASSWORD]);
    let (name, endpoint) = ("App", "https://app.contoso.com/");
    let arguments =
        ["Add-AdfsRelyingPartyTrust", "-Name", name, "-Identifier", "urn:app", "-WSFedEndpoint", endpoint];
    let output = node.output(&[&arguments[..], &["-IssuanceAuthorizationRules", PERMIT]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether the change was acknowledged.
fn note(node: &Node, number: u64) -> bool {
    let text = number.to_string();
    node.output(&["Set-AdfsRelyingPartyTrust", "-TargetName", "App", "-Notes", &text]).status.success()
}

fn noted(node: &Node) -> u64 {
    let trust = node.json(&["Get-AdfsRelyingPartyTrust", "-Name", "App"]);
    trust["Notes"].as_str().unwrap().parse().unwrap()
}

fn holds(folder: &Path, text: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(found) = holds(&path, text) {
                return Some(found);
            }
        } else if let Ok(content) = std::fs::read(&path)
            && content.windows(text.len()).any(|part| part == text.as_bytes())
        {
            return Some(path.display().to_string());
        }
    }
    None
}

fn assert_no_password(node: &Node) {
    assert_eq!(holds(&node.data(), Postgres::PASSWORD), None);
    assert!(!node.errors().contains(Postgres::PASSWORD), "{}", node.errors());
}

/// A refusal that names what was wrong, and no password.
fn assert_refused(output: &std::process::Output, words: &str) {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains(words), "{error}");
    assert!(!error.contains("fs-lab") && !error.contains("hunter"), "{error}");
}

fn prepared() -> Option<(Node, Postgres)> {
    let Some(node) = Node::prepare(HOST) else {
        eprintln!("SKIPPED: networks of one's own cannot be made here (unshare --net)");
        return None;
    };
    let server = Postgres::start(&node.network)?;
    Some((node, server))
}

/// Everything that a farm in a database does, with its server killed under load and while the node starts.
#[test]
fn a_farm_in_a_database_heals_and_loses_nothing_that_was_acknowledged() {
    let Some((mut node, mut server)) = prepared() else { return };
    let install = |connection: &str| node.install_farm(&["-SQLConnectionString", connection]);
    assert_refused(&install(&Postgres::CONNECTION.replace("fs-lab", "hunter-2")), "28P01");
    assert_refused(&install("Host=127.0.0.1;Password=hunter-2;Username=fs"), "Database");
    let installed = install(Postgres::CONNECTION);
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    assert!(!node.data().join("configuration.db").exists());
    let again = node.install_farm(&["-SQLConnectionString", Postgres::CONNECTION, "-OverwriteConfiguration"]);
    assert_refused(&again, "holds the configuration of a farm already");
    assert!(node.data().join("node.json").exists(), "a refusal puts nothing aside");
    assert_no_password(&node);

    node.start();
    node.wait_until_told(|line| line == "READY=1");
    make_user_and_trust(&node);
    let first = sign_in(&node);
    assert!(first.body.contains("\"wresult\""), "{first}");

    let (stop, acknowledged, signed_in) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    scope(|threads| {
        threads.spawn(|| {
            for number in 1.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                if note(&node, number) {
                    acknowledged.store(number, Ordering::Relaxed);
                }
            }
        });
        for _ in 0..2 {
            threads.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = sign_in(&node);
                    match answer.status {
                        200 if answer.body.contains("\"wresult\"") => {
                            signed_in.fetch_add(1, Ordering::Relaxed);
                        }
                        503 => assert!(answer.header("retry-after").is_some(), "{answer}"),
                        _ => panic!("{answer}"),
                    }
                }
            });
        }
        let begun = Instant::now();
        while (signed_in.load(Ordering::Relaxed) < 5 || acknowledged.load(Ordering::Relaxed) == 0)
            && begun.elapsed() < PATIENCE
        {
            sign_in(&node);
        }
        server.kill();
        let away = sign_in(&node);
        assert_eq!((away.status, away.header("retry-after")), (503, Some("1")), "{away}");
        assert_eq!(node.probe(), 200, "the probe asks no other server");
        let check = node.output(&["serve", "--check"]);
        assert_eq!(check.status.code(), Some(1), "{}", String::from_utf8_lossy(&check.stdout));
        server.start_again();
        let before = signed_in.load(Ordering::Relaxed);
        let begun = Instant::now();
        while signed_in.load(Ordering::Relaxed) < before + 3 && begun.elapsed() < PATIENCE {
            sign_in(&node);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(begun.elapsed() < PATIENCE, "nobody signs in after the server is back: {}", node.errors());
    });
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    assert!(acknowledged > 0);
    assert!(noted(&node) >= acknowledged, "change {acknowledged} was acknowledged and is lost");
    assert!(note(&node, 1_000_000) && noted(&node) == 1_000_000);
    assert_eq!(node.output(&["serve", "--check"]).status.code(), Some(0));
    assert!(!node.wait_for_events(364).is_empty(), "each refusal is in the journal");

    // The node starts before its database does.
    node.stop();
    server.kill();
    node.start();
    node.wait_until_told(|line| line.starts_with("STATUS=not ready: PostgreSQL database 'postgres'"));
    server.start_again();
    node.wait_until_told(|line| line == "READY=1");
    assert!(signs_in(&node));
    assert_eq!(noted(&node), 1_000_000);
    node.stop();
    assert_no_password(&node);
}

/// Trusts, users and history come along; the files stay for whoever wants to go back.
#[test]
fn an_embedded_store_is_moved_into_a_database_with_nothing_lost() {
    let Some((mut node, _server)) = prepared() else { return };
    assert!(node.install_farm(&[]).status.success());
    node.start();
    node.wait_until_told(|line| line == "READY=1");
    make_user_and_trust(&node);
    assert!(note(&node, 1) && note(&node, 2));
    assert!(signs_in(&node));
    let history = node.run_commands("Get-SekishoChange 1000");
    assert!(history.len() > 5, "{history:?}");
    let users = node.run_commands("Get-SekishoUser");

    let move_store = ["Move-SekishoStore", "-SQLConnectionString", Postgres::CONNECTION];
    assert_refused(&node.output(&move_store), "is in use by process");
    node.stop();
    let only_told = node.output(&[&move_store[..], &["-WhatIf"]].concat());
    assert!(only_told.status.success(), "{}", String::from_utf8_lossy(&only_told.stderr));
    assert!(node.data().join("configuration.db").exists());
    let moved = node.output(&move_store);
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    assert!(!node.data().join("configuration.db").exists());
    let folders = std::fs::read_dir(node.data()).unwrap();
    let kept =
        folders.map(|entry| entry.unwrap().path()).filter(|path| path.join("configuration.db").exists());
    assert_eq!(kept.count(), 1, "the files are kept aside");
    assert_refused(&node.output(&move_store), "already");

    node.start();
    node.wait_until_told(|line| line == "READY=1");
    assert!(signs_in(&node));
    assert_eq!(noted(&node), 2);
    assert_eq!(node.run_commands("Get-SekishoChange 1000"), history);
    assert_eq!(node.run_commands("Get-SekishoUser"), users);
    let last = history.iter().filter_map(|change| change["Serial"].as_u64()).max().unwrap();
    node.run_commands(&format!("Undo-SekishoChange -Serial {last}"));
    assert_eq!(noted(&node), 1, "a change from before the move is taken back");
    node.stop();
    assert_no_password(&node);
}
