//! Certificates replaced while the service runs: the first steps of the runbook "Replacing the SSL certificate", and
//! the token certificates from a new one to its promotion.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use end_to_end::node::{Node, make_pfx};
use end_to_end::{Demo, Ran};
use serde_json::Value;

use crate::shared::WSFED;
use crate::signatures::{assertion, verify_with_xmlsec1_and};

const HOST: &str = "fs.contoso.com";

/// A TLS connection that stays open.
struct Kept {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Kept {
    fn open(node: &Node) -> Self {
        let script = "import http.client, ssl, sys\n\
            context = ssl.create_default_context(cafile=sys.argv[1])\n\
            connection = http.client.HTTPSConnection('127.0.0.1', 443, context=context)\n\
            context.check_hostname = False\n\
            for line in sys.stdin:\n\
            \x20   connection.request('GET', '/adfs/probe', headers={'Host': sys.argv[2]})\n\
            \x20   answer = connection.getresponse()\n\
            \x20   answer.read()\n\
            \x20   print(answer.status, connection.sock.getsockname()[1], flush=True)";
        let mut command = node.network.command("python3");
        command.args(["-c", script, &node.path("ca.pem"), node.host]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (ask, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, ask, answers }
    }

    /// Status of a request, and the connection's own port.
    fn request(&mut self) -> (u16, u16) {
        writeln!(self.ask, "again").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (status, port) = line.trim().split_once(' ').expect("an answer");
        (status.parse().unwrap(), port.parse().unwrap())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Thumbprint of the certificate that a client with this server name, or without one, is shown.
fn served(node: &Node, server_name: Option<&str>) -> String {
    let name = server_name.map_or("-noservername".to_owned(), |name| format!("-servername {name}"));
    let script = format!(
        "openssl s_client -connect 127.0.0.1:443 {name} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha1"
    );
    let printed = node.network.run("sh", &["-c", &script]);
    printed.trim().rsplit('=').next().unwrap().replace(':', "")
}

/// As the certificate dialog of Windows shows it: small letters, in pairs.
fn spaced(thumbprint: &str) -> String {
    let lower = thumbprint.to_lowercase();
    let pairs: Vec<&str> =
        lower.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    pairs.join(" ")
}

#[test]
fn the_tls_certificate_is_replaced_as_printed_and_living_connections_go_on() {
    let Some(mut node) = Node::install(HOST) else {
        eprintln!("SKIPPED: networks of one's own cannot be made here (unshare --net)");
        return;
    };
    node.start();
    node.wait_until_told(|line| line == "READY=1");
    let old = served(&node, Some(HOST));
    let mut kept = Kept::open(&node);
    let (status, port) = kept.request();
    assert_eq!(status, 200);

    let folder = tempfile::tempdir().unwrap();
    make_pfx(folder.path(), HOST);
    let pfx = folder.path().join("tls.pfx").display().to_string();
    let imported = node.json(&["Import-PfxCertificate", "-FilePath", &pfx, "-Password", "secret"]);
    let new = imported["Thumbprint"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(served(&node, Some(HOST)), old, "an import alone changes nothing");

    let listed = node.output(&["-Command", "Get-ChildItem cert:\\LocalMachine\\My\\ | FL"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&new) && listed.contains(&old), "{listed}");
    let thumbprint = spaced(&new);
    let printed = node.run_commands(&format!(
        "Set-AdfsSslCertificate -Thumbprint '{thumbprint}'\n\
         Set-AdfsCertificate -CertificateType Service-Communications -Thumbprint '{thumbprint}'\n\
         Get-AdfsCertificate -CertificateType Service-Communications\n\
         Get-AdfsSslCertificate\n"
    ));
    let [service, bindings @ ..] = printed.as_slice() else { panic!("nothing is printed") };
    assert_eq!((&service["Thumbprint"], &service["IsPrimary"]), (&Value::from(&*new), &Value::Bool(true)));
    assert!(bindings.iter().any(|one| one["HostName"] == HOST && one["PortNumber"] == 443), "{bindings:?}");
    assert!(bindings.iter().all(|one| one["CertificateHash"] == *new), "{bindings:?}");

    assert_eq!((served(&node, Some(HOST)), served(&node, None)), (new.clone(), new.clone()));
    assert_eq!(kept.request(), (200, port), "the connection of before is the same one");

    // What is not here, or is for other names, leaves what there is.
    let nobody = "00".repeat(20);
    for command in [
        &["Set-AdfsSslCertificate", "-Thumbprint", &nobody][..],
        &["Set-AdfsCertificate", "-CertificateType", "Service-Communications", "-Thumbprint", &nobody],
        &["Set-AdfsSslCertificate", "-Thumbprint", "12 34"],
    ] {
        let refused = node.output(command);
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains(command[command.len() - 1]), "{error}");
    }
    // The key of a certificate is not readable: said as event 133 does, with the certificate's name.
    let other = tempfile::tempdir().unwrap();
    make_pfx(other.path(), HOST);
    let pfx = other.path().join("tls.pfx").display().to_string();
    let imported = node.json(&["Import-PfxCertificate", "-FilePath", &pfx, "-Password", "secret"]);
    let keyless = imported["Thumbprint"].as_str().unwrap().to_owned();
    std::fs::remove_file(node.path(&format!("data/certificates/my/{keyless}.key"))).unwrap();
    let refused = node.output(&[
        "Set-AdfsCertificate",
        "-CertificateType",
        "Service-Communications",
        "-Thumbprint",
        &keyless,
    ]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains(&keyless), "{error}");
    assert_eq!(served(&node, None), new);

    node.stop();
    node.start();
    node.wait_until_told(|line| line == "READY=1");
    assert_eq!((served(&node, Some(HOST)), served(&node, None)), (new.clone(), new));
}

/// Certificates of the metadata in which tokens can be signed, the primary one first.
fn published(demo: &Demo) -> Vec<String> {
    let metadata = demo.curl().get(demo.fact("metadata_url")).body;
    let document = roxmltree::Document::parse(&metadata).unwrap();
    let role =
        document.descendants().find(|node| node.has_tag_name("IDPSSODescriptor")).unwrap_or_else(|| {
            let named = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == "IDPSSODescriptor";
            document.descendants().find(named).expect("the role")
        });
    let keys = role.children().filter(|node| node.attribute("use") == Some("signing"));
    let certificate = |node: roxmltree::Node<'_, '_>| {
        let named = |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == "X509Certificate";
        node.descendants().find(named).and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    keys.map(certificate).collect()
}

fn signing(demo: &Demo) -> Vec<Value> {
    demo.command(&["Get-AdfsCertificate", "-CertificateType", "Token-Signing"]).objects()
}

/// Signs in; the token verifies with the certificate that metadata names first.
fn token_verifies(demo: &Demo) {
    let (_, page) = demo.signed_in("alice", &demo.wsignin(WSFED, ""));
    let token = assertion(&page.field("wresult").unwrap());
    let (element, id) = ("urn:oasis:names:tc:SAML:1.0:assertion:Assertion", "AssertionID");
    verify_with_xmlsec1_and(&demo.signing_certificate(), &token, element, id);
    assert!(token.contains(&published(demo)[0]), "the token names the primary certificate");
}

#[test]
fn a_new_token_signing_certificate_waits_and_signs_once_it_is_promoted_without_a_restart() {
    let demo = Demo::plain();
    let refused = |ran: Ran, wanted: &str| assert!(ran.code != 0 && ran.errors.contains(wanted), "{ran:?}");
    let old = signing(&demo)[0].clone();
    token_verifies(&demo);

    demo.command(&["Update-AdfsCertificate", "-CertificateType", "Token-Signing"]).objects();
    let two = signing(&demo);
    let new = two.iter().find(|one| one["IsPrimary"] == false).expect("a secondary one").clone();
    assert_eq!(two.len(), 2);
    let certificate = |value: &Value| value["Certificate"].as_str().unwrap().to_owned();
    assert_eq!(published(&demo), [certificate(&old), certificate(&new)]);
    token_verifies(&demo);
    refused(demo.command(&["Update-AdfsCertificate", "-CertificateType", "Token-Signing"]), "PS0139");

    let thumbprint = new["Thumbprint"].as_str().unwrap();
    let promote =
        ["Set-AdfsCertificate", "-CertificateType", "Token-Signing", "-Thumbprint", thumbprint, "-IsPrimary"];
    refused(demo.command(&promote), "AutoCertificateRollover");
    demo.command(&["Set-AdfsProperties", "-AutoCertificateRollover", "$false"]).objects();
    let nobody = "00".repeat(20);
    let mut unknown = promote;
    unknown[4] = &nobody;
    refused(demo.command(&unknown), "PS0010");
    demo.command(&promote).objects();
    assert_eq!(published(&demo), [certificate(&new), certificate(&old)]);
    token_verifies(&demo);

    // Exactly one is primary, and that one stays.
    let primaries = signing(&demo).iter().filter(|one| one["IsPrimary"] == true).count();
    assert_eq!(primaries, 1);
    let remove = |which: &Value| {
        let thumbprint = which["Thumbprint"].as_str().unwrap().to_owned();
        demo.command(&[
            "Remove-AdfsCertificate",
            "-CertificateType",
            "Token-Signing",
            "-Thumbprint",
            &thumbprint,
        ])
    };
    refused(remove(&new), "primary");
    remove(&old).objects();
    assert_eq!(published(&demo), [certificate(&new)]);

    let demo = demo.restart();
    assert_eq!(published(&demo), [certificate(&new)]);
    token_verifies(&demo);
    // At once, for both types: what was there is gone.
    demo.command(&["Update-AdfsCertificate", "-Urgent"]).objects();
    let all = demo.command(&["Get-AdfsCertificate"]).objects();
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|one| one["IsPrimary"] == true), "{all:?}");
    assert_eq!(published(&demo), [certificate(&signing(&demo)[0])]);
    assert_ne!(signing(&demo)[0]["Thumbprint"], new["Thumbprint"]);
    token_verifies(&demo);
}

#[test]
fn a_certificate_of_ones_own_is_added_from_the_store_of_the_node_and_promoted() {
    let demo = Demo::plain();
    let folder = tempfile::tempdir().unwrap();
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -subj '/CN=Own signing' -days 30 -out own.pem \
                  && openssl pkcs12 -export -inkey own.key -in own.pem -passout pass:secret -out own.pfx";
    let made =
        std::process::Command::new("sh").args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pfx = folder.path().join("own.pfx").display().to_string();
    let imported =
        demo.command(&["Import-PfxCertificate", "-FilePath", &pfx, "-Password", "secret"]).objects();
    let thumbprint = imported[0]["Thumbprint"].as_str().unwrap();
    let add = ["Add-AdfsCertificate", "-CertificateType", "Token-Signing", "-Thumbprint", thumbprint];
    let refused = demo.command(&add);
    assert!(refused.code != 0 && refused.errors.contains("AutoCertificateRollover"), "{refused:?}");
    demo.command(&["Set-AdfsProperties", "-AutoCertificateRollover", "$false"]).objects();
    demo.command(&add).objects();
    let again = demo.command(&add);
    assert!(again.code != 0 && again.errors.contains(thumbprint), "{again:?}");
    let promote =
        ["Set-AdfsCertificate", "-CertificateType", "Token-Signing", "-Thumbprint", thumbprint, "-IsPrimary"];
    demo.command(&promote).objects();
    let own = std::fs::read_to_string(folder.path().join("own.pem")).unwrap();
    let own: String = own.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(published(&demo)[0], own);
    token_verifies(&demo);
}
