//! Apache's mod_auth_mellon and the Shibboleth SP of the lab as service providers: their metadata makes the trusts,
//! ours makes theirs, and a client without a browser walks between them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::{Demo, output, peers_required};
use serde_json::Value;

use crate::shared::{CLAIM_SURNAME, CLAIM_UPN};

/// The lab's Apache, up, and the lab's variables. None when there is no lab.
fn lab() -> Option<HashMap<String, String>> {
    let Some(folder) = std::env::var_os("SEKISHO_LAB").map(PathBuf::from) else {
        assert!(!peers_required(), "SEKISHO_LAB, the folder of the lab, is missing, and peers are required");
        eprintln!("skipped: SEKISHO_LAB, the folder of the lab, is missing; `cargo xtask test` sets it");
        return None;
    };
    output(Command::new(folder.join("lab.sh")).args(["up", "pki", "apache-sp"]));
    let variables = output(Command::new(folder.join("lab.sh")).arg("env"));
    let variables = variables.split('\0').filter_map(|pair| pair.split_once('='));
    let mut variables: HashMap<String, String> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    variables.insert("folder".to_owned(), folder.display().to_string());
    Some(variables)
}

/// What the module behind `url` handed to the application.
fn visit(lab: &HashMap<String, String>, demo: &Demo, ca: &Path, url: &str) -> Value {
    let user = demo.user("hanako");
    let mut command = Command::new(Path::new(&lab["folder"]).join("tools/weblogin.py"));
    command.args([url, "--user", &user.upn, "--password", &user.password, "--ca"]).arg(ca);
    let said = output(&mut command);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// The variable in which mod_auth_mellon hands a claim on.
fn mellon(claim_type: &str) -> String {
    let name = claim_type.replace(|character: char| !character.is_ascii_alphanumeric(), "_");
    format!("MELLON_{name}")
}

/// One test, because there is one Apache and it has one identity provider.
#[test]
fn mod_auth_mellon_and_shibboleth_take_our_responses() {
    let Some(lab) = lab() else { return };
    let seed = format!(
        "[[relying_party]]\nname = \"mellon\"\nmetadata_file = \"{}\"\n\
         [[relying_party]]\nname = \"shibboleth\"\nmetadata_file = \"{}\"\n",
        lab["LAB_MELLON_METADATA"], lab["LAB_SHIB_METADATA"]
    );
    // mod_auth_mellon asks for a transient name identifier by itself; AD FS gives none that no rule makes.
    let rules = r#"rules = '''
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] => issue(claim = c);
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => issue(store = "Active Directory", types = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"),
          query = ";sn;{0}", param = c.Value);
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Value = "opaque-" + c.Value,
          Properties["http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] =
              "urn:oasis:names:tc:SAML:2.0:nameid-format:transient");
'''
"#;
    let seed = seed.replace("name = \"mellon\"\n", &format!("name = \"mellon\"\n{rules}"));
    let demo = Demo::seeded(&seed);
    let metadata = demo.folder().join("idp.xml");
    std::fs::write(&metadata, demo.curl().get(demo.fact("metadata_url")).body).unwrap();
    output(Command::new(Path::new(&lab["folder"]).join("apache-sp.sh")).arg("idp").arg(&metadata));
    let ca = demo.folder().join("both.pem");
    let both = [demo.ca(), &lab["LAB_CA"]].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(&ca, both).unwrap();

    let seen = visit(&lab, &demo, &ca, &lab["LAB_MELLON_URL"]);
    assert_eq!(seen["auth_type"], "Mellon", "{seen}");
    assert_eq!(seen["attributes"]["NAME_ID"], "opaque-hanako@contoso.lab", "{seen}");
    assert_eq!(seen["attributes"][mellon(CLAIM_UPN)], "hanako@contoso.lab", "{seen}");
    assert_eq!(seen["attributes"][mellon(CLAIM_SURNAME)], "山田", "{seen}");

    // It signs its requests; its metadata brought the certificate, so the signature was checked.
    let audits = demo.events(1200, 1);
    assert!(audits.iter().any(|audit| audit["data"][1].as_str().unwrap().contains("mellon.contoso.lab")));

    // Asks for a class of authentication.
    let step_up = lab["LAB_MELLON_URL"].replace("/auth", "/step-up");
    let seen = visit(&lab, &demo, &ca, &step_up);
    assert_eq!(seen["attributes"]["NAME_ID"], "opaque-hanako@contoso.lab", "{seen}");

    let seen = visit(&lab, &demo, &ca, &lab["LAB_SHIB_URL"]);
    assert_eq!(seen["auth_type"], "shibboleth", "{seen}");
    assert_eq!(seen["attributes"]["upn"], "hanako@contoso.lab", "{seen}");
    assert_eq!(seen["attributes"]["surname"], "山田", "{seen}");
    assert_eq!(
        seen["attributes"]["Shib_AuthnContext_Class"],
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "{seen}"
    );
}
