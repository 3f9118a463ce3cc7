//! Chromium walks through the whole demo, in both languages.

use std::path::PathBuf;

use end_to_end::{Demo, node, peer};
use serde_json::{Value, json};

use crate::shared::PASSWORD;

/// What each page said. None when there is no browser.
fn walk(language: &str) -> Option<Value> {
    let mut command = node("playwright-core").ok()?;
    let demo = Demo::plain();
    // Pictures stay where somebody can look at them.
    let pictures = std::env::var_os("SEKISHO_PICTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pictures"), PathBuf::from);
    std::fs::create_dir_all(&pictures).unwrap();
    command.arg(peer("browser.mjs"));
    command
        .args([demo.base(), "hanako@contoso.lab", PASSWORD, language])
        .arg(&pictures)
        .arg("frank@contoso.lab");
    let run = command.output().expect("node runs");
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}\n{}", String::from_utf8_lossy(&run.stderr));
    for picture in ["1-xray-start", "2-sign-in", "3-wrong-password", "4-xray-wsfed-saml11", "6-error"] {
        let path = pictures.join(format!("{language}-{picture}.png"));
        assert!(std::fs::metadata(&path).is_ok_and(|file| file.len() > 5_000), "{}", path.display());
    }
    let said: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(said["problems"], json!([]), "the console of the browser");
    Some(said)
}

fn assert_says(said: &Value, page: &str, texts: &[&str]) {
    for text in texts {
        let shown = said[page].as_str().unwrap_or_else(|| panic!("no {page}: {said}"));
        assert!(shown.contains(text), "{page} does not say {text:?}: {shown}");
    }
}

#[test]
fn the_demo_in_english() {
    let Some(said) = walk("en-US") else { return };
    assert_eq!(said["lang"], "en-US");
    assert_eq!(said["signIn"], "Sign In");
    assert_says(&said, "badName", &["someone@example.com"]);
    assert_says(&said, "emptyPassword", &["Type your password"]);
    assert_says(&said, "wrongPassword", &["Incorrect user ID or password"]);
    assert_eq!(said["keptUser"], "hanako@contoso.lab");
    assert_says(&said, "wsfed", &["Token accepted", "SAML 1.1", "hanako@contoso.lab", "山田", "営業部"]);
    assert_says(&said, "wsfed20", &["Token accepted", "WS-Federation", "SAML 2.0"]);
    assert_says(&said, "saml", &["Token accepted", "SAML 2.0", "hanako@contoso.lab"]);
    assert_eq!(said["fresh"], "Sign In");
    assert_says(&said, "error", &["An error occurred. Contact your administrator"]);
    assert_says(
        &said,
        "errorDetails",
        &["MSIS7007", "urn:nobody", "Cookie: enabled", "User agent string: Mozilla"],
    );
    assert_says(&said, "mismatch", &["differ"]);
    assert_says(&said, "changed", &["Token accepted", "frank@contoso.lab"]);
    assert_says(&said, "reload", &["Token refused", "token_is_taken_once"]);
    assert_eq!(said["withoutScripts"], "hanako@contoso.lab");
    assert_eq!(said["keptPassword"], "");
    assert_eq!(said["focus"], "userNameInput");
    assert_eq!(said["overflow"], 0, "the page fits on a telephone");
}

#[test]
fn the_demo_in_japanese() {
    let Some(said) = walk("ja-JP") else { return };
    assert_eq!(said["lang"], "ja-JP");
    for page in
        ["signIn", "emptyPassword", "wrongPassword", "wsfed", "saml", "fresh", "error", "mismatch", "changed"]
    {
        let shown = said[page].as_str().unwrap_or_else(|| panic!("no {page}: {said}"));
        let japanese = |c: char| matches!(c, '\u{3040}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}');
        assert!(shown.chars().any(japanese), "{page} is not in Japanese: {shown}");
    }
    assert_says(&said, "wsfed", &["hanako@contoso.lab", "山田", "営業部", "SAML 1.1"]);
    assert_says(&said, "errorDetails", &["Activity ID: ", "MSIS7007"]);
}
