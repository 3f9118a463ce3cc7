//! Passwords, cookies, tokens and keys stay where they belong.

use std::path::{Path, PathBuf};

use end_to_end::{AuthnRequest, Demo, encode_base64, sekisho};

use crate::shared::{SAML, WSFED};

/// Every file below a directory.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else if entry.file_type().unwrap().is_file() {
            found.push(entry.path());
        }
    }
}

fn holds(bytes: &[u8], canary: &str) -> bool {
    bytes.windows(canary.len()).any(|window| window == canary.as_bytes())
}

/// Security case 86: words that stand nowhere else are sent through every flow, then looked for everywhere.
#[test]
fn no_password_cookie_or_token_is_left_in_journal_log_or_page() {
    const PASSWORD: &str = "Canary-Password-51c4";
    const WRONG: &str = "Canary-Wrong-9d21";
    const NEW: &str = "Canary-New-77e0";
    let seed = format!(
        "[[user]]\nupn = \"kim@contoso.lab\"\npassword = \"{PASSWORD}\"\n\
         [[user]]\nupn = \"lee@contoso.lab\"\npassword = \"{PASSWORD}\"\nmust_change_password = true\n"
    );
    let mut demo = Demo::seeded(&seed);
    let mut pages = Vec::new();
    let mut canaries = vec![PASSWORD.to_owned(), WRONG.to_owned(), NEW.to_owned()];

    let curl = demo.curl();
    let url = demo.wsignin(WSFED, "");
    pages.push(curl.post_password(&url, "kim@contoso.lab", WRONG));
    pages.push(curl.post_password(&url, "nobody@contoso.lab", WRONG));
    let posted = curl.post_password(&url, "kim@contoso.lab", PASSWORD);
    let token = curl.follow(posted).field("wresult").unwrap();
    // A password in the address, as careless scripts have it; and a form of the wrong type.
    pages.push(curl.get(&format!("{url}&Password={WRONG}&UserName=kim")));
    pages.push(curl.run(&demo.wsignin("urn:nobody", ""), &["-H", &format!("Authorization: Basic {WRONG}")]));
    pages.push(
        curl.post(
            &demo.wsignin("urn:nobody", ""),
            &[("UserName", "kim@contoso.lab"), ("Password", PASSWORD)],
        ),
    );
    let waiting = demo.curl();
    pages.push(
        waiting.post(&demo.passive(), &[("SAMLRequest", &encode_base64(AuthnRequest::new(SAML).xml()))]),
    );

    let lee = demo.curl();
    let page = lee.post_password(&url, "lee@contoso.lab", PASSWORD);
    let action = format!("{}{}", demo.base(), page.form_action("updatePasswordForm").unwrap());
    for new in ["x", NEW] {
        let fields = [
            ("UserName", "lee@contoso.lab"),
            ("OldPassword", PASSWORD),
            ("NewPassword", new),
            ("ConfirmNewPassword", new),
        ];
        pages.push(lee.post(&action, &fields));
    }
    let xray = curl.get(&format!("{}/claimsxray/start?protocol=wsfed-saml11", demo.base()));
    let response = curl.follow(xray);
    let shown = curl.deliver(&response);
    assert!(shown.body.contains("data-verdict=\"accepted\""));

    for client in [&curl, &waiting, &lee] {
        for line in client.jar().lines().filter(|line| line.contains("MSIS") || line.contains("SekishoXRay"))
        {
            let value = line.split('\t').next_back().unwrap();
            if !line.contains("MSISAuthenticated") && value.len() > 40 {
                canaries.push(value[value.len() - 40..].to_owned());
            }
        }
    }
    for wresult in [&token, &response.field("wresult").unwrap()] {
        let signature = wresult.split_once("SignatureValue>").unwrap().1;
        canaries.push(signature[..60].to_owned());
    }
    assert!(canaries.len() >= 8, "{canaries:?}");

    demo.stop();
    let mut journal = Vec::new();
    files(&demo.data.join("journal"), &mut journal);
    assert!(journal.len() >= 2, "{journal:?}");
    for path in journal {
        let bytes = std::fs::read(&path).unwrap();
        for canary in &canaries {
            assert!(!holds(&bytes, canary), "{canary} is in {}", path.display());
        }
    }
    for canary in &canaries {
        assert!(!demo.stderr().contains(canary), "{canary} is in the log");
        for page in &pages {
            // The browser that asked gets its own cookie.
            assert!(!page.body.contains(canary), "{canary} is in a page: {}", page);
        }
    }
    // The database has hashes; only what the demo prints anyway is in it as text.
    let database = std::fs::read(demo.data.join("configuration.db")).unwrap();
    assert!(!holds(&database, NEW) && !holds(&database, WRONG));
    assert!(!holds(&database, "PRIVATE KEY"));
    let page = pages.iter().find(|page| page.body.contains("activityID")).unwrap();
    let explained = sekisho().args(["explain", &page.activity(), "--data"]).arg(&demo.data).output().unwrap();
    assert!(explained.status.success());
    for canary in &canaries {
        assert!(!holds(&explained.stdout, canary));
    }
}

#[test]
fn files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let demo = Demo::plain();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&demo.data), 0o700);
    assert_eq!(mode(&demo.data.join("admin.sock")), 0o600);
    assert_eq!(mode(&demo.data.join("demo.json")), 0o600);
    let mut found = Vec::new();
    files(&demo.data, &mut found);
    for path in found.iter().filter(|path| !path.ends_with("ca.pem")) {
        assert_eq!(mode(path) & 0o077, 0, "{} is open to others: {:o}", path.display(), mode(path));
    }
}
