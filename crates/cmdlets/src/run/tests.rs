use std::cell::RefCell;
use std::path::{Path, PathBuf};

use base::{ManualClock, SeededRandom, Timestamp};
use serde_json::{Map, Value, json};

use super::*;
use crate::administration::testing::Fake;
use crate::bind::{Content, Style, Word};
use crate::error::CmdletError;
use crate::language::{parse, words_of_arguments};
use crate::output::Target;
use crate::signatures::cmdlets;

#[derive(Default)]
struct Person {
    out: String,
    messages: String,
    answers: Vec<&'static str>,
}

impl Console for Person {
    fn out(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn message(&mut self, text: &str) {
        self.messages.push_str(text);
        self.messages.push('\n');
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        self.messages.push_str(question);
        self.answers.pop().map(str::to_owned)
    }
}

#[derive(Default)]
struct Machine {
    done: RefCell<Vec<String>>,
}

impl Local for Machine {
    fn install_farm(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>, String> {
        self.done.borrow_mut().push(format!("install {} {what_if}", Value::Object(parameters.clone())));
        Ok(vec!["installed".to_owned()])
    }

    fn join_farm(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>, String> {
        self.done.borrow_mut().push(format!("join {} {what_if}", Value::Object(parameters.clone())));
        Ok(vec!["joined".to_owned()])
    }

    fn move_store(&self, connection: &str, what_if: bool) -> Result<String, String> {
        self.done.borrow_mut().push(format!("move {connection} {what_if}"));
        Ok("moved".to_owned())
    }

    fn import_pfx(&self, file: &Path, password: Option<&str>) -> Result<Value, String> {
        self.done.borrow_mut().push(format!("import {} {password:?}", file.display()));
        Ok(json!({ "Thumbprint": "A", "Subject": "CN=a" }))
    }

    fn certificates(&self) -> Result<Vec<Value>, String> {
        Ok(vec![
            json!({ "Thumbprint": "ABCDEF0123456789ABCDEF0123456789ABCDEF01", "Subject": "CN=fs.example.com" }),
        ])
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        match url.ends_with("metadata") {
            true => Ok(METADATA.as_bytes().to_vec()),
            false => Err("not found".to_owned()),
        }
    }

    fn command_directory(&self) -> Result<(PathBuf, PathBuf), String> {
        Err("not in tests".to_owned())
    }
}

const METADATA: &str = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sp.example.com/"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sp.example.com/acs" index="0" isDefault="true"/></SPSSODescriptor></EntityDescriptor>"#;

/// What a run printed, and its error.
struct Ran {
    out: String,
    messages: String,
    error: Option<CmdletError>,
}

impl Ran {
    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn text(&self) -> String {
        self.error.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

struct Scene {
    fake: Fake,
    machine: Machine,
    answers: Vec<&'static str>,
    terminal: bool,
    random: SeededRandom,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            fake: Fake::default(),
            machine: Machine::default(),
            answers: Vec::new(),
            terminal: false,
            random: SeededRandom::new(4),
        }
    }
}

impl Scene {
    fn with<T>(&self, run: impl FnOnce(Environment<'_>) -> Result<T, CmdletError>) -> Ran {
        let mut person = Person { answers: self.answers.clone(), ..Person::default() };
        let clock = ManualClock::new(Timestamp::parse_xml("2026-11-24T08:00:00Z").unwrap());
        let environment = Environment {
            administration: &self.fake,
            local: &self.machine,
            clock: &clock,
            random: &self.random,
            console: &mut person,
            target: if self.terminal { Target::Terminal(80) } else { Target::Pipe },
            messages_on_terminal: self.terminal,
        };
        let error = run(environment).err();
        Ran { out: person.out, messages: person.messages, error }
    }

    /// Runs a script.
    fn run(&self, text: &str) -> Ran {
        self.with(|environment| Interpreter::new(environment, Style::Script).run(&parse(text)?, None))
    }

    /// Runs a command of a Unix shell.
    fn shell(&self, words: &[&str], input: Option<Vec<Value>>) -> Ran {
        let arguments: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
        self.with(|environment| {
            Interpreter::new(environment, Style::Shell).run_words(
                words[0],
                &words_of_arguments(&arguments),
                input,
            )
        })
    }

    fn properties(&self) -> Value {
        self.fake.body("service-properties", "farm").unwrap()
    }
}

#[test]
fn the_runbook_of_a_taken_port_runs_as_printed() {
    let scene = Scene::default();
    let ran = scene.run("Import-Module ADFS\nGet-AdfsProperties\nSet-AdfsProperties -TlsClientPort 32443\nnet stop adfssrv\nnet start adfssrv\nGet-AdfsProperties");
    assert_eq!(ran.text(), "");
    assert_eq!(scene.properties()["TlsClientPort"], 32_443);
    let lines = ran.lines();
    assert_eq!(
        (lines[0]["TlsClientPort"].clone(), lines[1]["TlsClientPort"].clone()),
        (json!(49_443), json!(32_443))
    );
    assert!(ran.messages.contains("systemctl stop sekisho"), "{}", ran.messages);
}

#[test]
fn the_runbook_of_a_switch_over_asks_the_node_for_each_step() {
    let scene = Scene::default();
    let ran = scene.run(
        "fs01>  Set-AdfsSyncProperties -Role SecondaryComputer -PrimaryComputerName fs02.contoso.com\nfs01>  Set-AdfsSyncProperties -Role PrimaryComputer",
    );
    assert_eq!(ran.text(), "");
    let actions = scene.fake.actions.borrow();
    let expected = json!({ "Role": "SecondaryComputer", "PrimaryComputerName": "fs02.contoso.com" });
    assert_eq!(actions[0], ("set-sync-properties".to_owned(), expected));
    assert_eq!(actions[1].1, json!({ "Role": "PrimaryComputer" }));
}

/// A pasted line says which node it is for; on another node it does nothing.
#[test]
fn a_line_for_another_node_is_refused_here() {
    let scene = Scene::default();
    for line in [
        "fs02>  Set-AdfsSyncProperties -Role PrimaryComputer",
        "Set-AdfsProperties -TlsClientPort 1 -Server fs02",
        "Get-AdfsProperties -Server fs01.other.com",
    ] {
        let ran = scene.run(line);
        assert!(
            ran.text().contains("commands reach this node only, which is 'fs01.example.com'"),
            "{}",
            ran.text()
        );
    }
    assert!(scene.fake.actions.borrow().is_empty());
    for server in ["fs01", "FS01.example.com", "localhost", "."] {
        assert_eq!(scene.run(&format!("Get-AdfsProperties -Server {server}")).text(), "");
    }
}

/// Every command line that runbooks print runs, or says in one line what is not there.
#[test]
fn every_printed_line_runs_or_names_what_does_not_exist() {
    for line in include_str!("../../golden/runbooks.txt").lines().filter(|line| !line.starts_with('#')) {
        let scene = Scene::default();
        let line = line.split_once("> ").map_or(line, |(_, command)| command);
        let ran = scene.run(&line.replace(" T ", " ABCDEF0123456789ABCDEF0123456789ABCDEF01 "));
        let Some(error) = ran.error else { continue };
        let known = ["CmdletNotSupported", "CommandNotFoundException", "InvalidThumbprint"];
        assert!(known.contains(&error.id.as_str()), "{line}: {error}");
        assert!(!error.message.contains('\n'), "{line}: {error}");
    }
}

#[test]
fn a_terminal_is_told_once_a_line_which_node_answered() {
    let scene = Scene { terminal: true, ..Scene::default() };
    let ran = scene.run("Get-AdfsProperties | Select-Object TlsClientPort; Get-AdfsSyncProperties");
    let notes: Vec<&str> = ran.messages.lines().collect();
    assert_eq!(notes, ["\u{1b}[2mfs01.example.com (PrimaryComputer)\u{1b}[0m"; 2]);
    assert_eq!(
        ran.out,
        "\nTlsClientPort\n-------------\n        49443\n\n\n\nRole\n----\nPrimaryComputer\n\n\n"
    );
    let ran = scene
        .run("New-AdfsOrganization -DisplayName a -OrganizationUrl https://a/ | Out-String | Out-String");
    assert_eq!((ran.messages.as_str(), ran.text().as_str()), ("", ""));
}

#[test]
fn trusts_are_added_changed_and_removed() {
    let scene = Scene::default();
    let script = r#"
$acs = New-AdfsSamlEndpoint -Binding POST -Protocol SAMLAssertionConsumer -Uri 'https://b.example.com/acs' -IsDefault $true
$rules = New-AdfsClaimRuleSet -ClaimRule @"
@RuleName = "Name"
c:[Type == "urn:upn"] => issue(Type = "urn:name", Value = c.Value);
"@
Add-AdfsRelyingPartyTrust -Name 'B' -Identifier 'urn:b', 'urn:b2' -SamlEndpoint $acs -IssuanceTransformRules $rules.ClaimRulesString -PassThru
Get-AdfsRelyingPartyTrust -Name B | Set-AdfsRelyingPartyTrust -TokenLifetime 600
(Get-AdfsRelyingPartyTrust -Identifier urn:b2).TokenLifetime
Disable-AdfsRelyingPartyTrust -TargetName B
Get-AdfsRelyingPartyTrust | Where-Object { $_.Enabled -eq $false } | Select-Object -ExpandProperty Name
Get-AdfsRelyingPartyTrust | Where-Object Enabled -eq $true | Select-Object Name, TokenLifetime
Remove-AdfsRelyingPartyTrust -TargetIdentifier urn:b
Get-AdfsRelyingPartyTrust -PrefixIdentifier URN:
Get-AdfsRelyingPartyTrust -Name nobody
"#;
    let ran = scene.run(script);
    assert_eq!(ran.text(), "");
    let lines = ran.lines();
    assert_eq!(lines[0]["Identifier"], json!(["urn:b", "urn:b2"]));
    assert_eq!(lines[0]["SamlEndpoints"][0]["Location"], "https://b.example.com/acs");
    assert!(lines[0]["IssuanceTransformRules"].as_str().unwrap().starts_with("@RuleName"));
    assert_eq!(lines[1..4], [json!(600), json!("B"), json!({ "Name": "App", "TokenLifetime": 0 })]);
    assert_eq!(lines[4]["Name"], "App");
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_rule_set_object_is_taken_where_rules_are_wanted() {
    let scene = Scene::default();
    let ran = scene.run("$r = New-AdfsClaimRuleSet -ClaimRule '=> a;', '=> b;'\nSet-AdfsRelyingPartyTrust -TargetName App -IssuanceTransformRules $r");
    assert_eq!(ran.text(), "");
    let trust = scene.fake.body("relying-party-trust", "11111111-1111-4111-8111-111111111111").unwrap();
    assert_eq!(trust["IssuanceTransformRules"], "=> a;\n=> b;");
}

#[test]
fn metadata_makes_and_renews_a_trust() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sp.xml");
    std::fs::write(&file, METADATA).unwrap();
    let scene = Scene::default();
    let file = file.to_str().unwrap();
    let ran = scene.shell(
        &[
            "Add-AdfsRelyingPartyTrust",
            "-Name",
            "SP",
            "-MetadataFile",
            file,
            "-PassThru",
            "-TokenLifetime",
            "30",
        ],
        None,
    );
    assert_eq!(ran.text(), "");
    let trust = ran.lines().remove(0);
    assert_eq!(
        (trust["Identifier"].clone(), trust["TokenLifetime"].clone()),
        (json!(["https://sp.example.com/"]), json!(30))
    );
    let ran = scene.run("Add-AdfsRelyingPartyTrust -Name U -MetadataUrl https://sp.example.com/metadata; Update-AdfsRelyingPartyTrust -TargetName U; Update-AdfsRelyingPartyTrust -TargetName App");
    assert!(ran.text().contains("The trust has no MetadataUrl"), "{}", ran.text());
    let ran = scene.run("Add-AdfsRelyingPartyTrust -Name V -MetadataUrl https://sp.example.com/x");
    assert!(ran.text().contains("https://sp.example.com/x': not found"), "{}", ran.text());
    let ran = scene.run("Add-AdfsRelyingPartyTrust -Name V -MetadataFile /nonexistent.xml");
    assert!(ran.text().contains("/nonexistent.xml"), "{}", ran.text());
}

#[test]
fn switches_set_the_properties_that_are_read_under_other_names() {
    let scene = Scene::default();
    let ran = scene.run("Set-AdfsProperties -EnableKmsi $true -LogLevel Errors, SuccessAudits -AddBannedIps 192.0.2.2 -RemoveBannedIps 192.0.2.1");
    assert_eq!(ran.text(), "");
    let properties = scene.properties();
    assert_eq!(properties["KmsiEnabled"], true);
    assert_eq!(properties["LogLevel"], json!(["Errors", "SuccessAudits"]));
    assert_eq!(properties["BannedIpList"], json!(["192.0.2.2"]));
    assert!(properties.get("EnableKmsi").is_none());
}

#[test]
fn what_if_says_what_would_be_done_and_changes_nothing() {
    let scene = Scene::default();
    let before = scene.fake.snapshot();
    let ran = scene.run("Set-AdfsProperties -TlsClientPort 1 -WhatIf; Remove-AdfsRelyingPartyTrust -TargetName App -WhatIf; Update-AdfsCertificate -WhatIf");
    assert_eq!(ran.text(), "");
    assert_eq!(
        ran.messages,
        "What if: Performing the operation \"Set-AdfsProperties\" on target \"fs.example.com\".\nWhat if: Performing the operation \"Remove-AdfsRelyingPartyTrust\" on target \"App\".\nWhat if: Performing the operation \"Update-AdfsCertificate\" on target \"Token-Signing, Token-Decrypting\".\n"
    );
    assert_eq!(scene.fake.snapshot(), before);
    assert!(scene.fake.actions.borrow().is_empty());
}

#[test]
fn a_confirmation_is_asked_for_and_its_answer_counts() {
    let refused = Scene { answers: vec!["n"], ..Scene::default() };
    let ran = refused.run("Remove-AdfsRelyingPartyTrust -TargetName App -Confirm");
    assert!(ran.messages.contains("Are you sure you want to perform this action?"), "{}", ran.messages);
    assert!(refused.fake.list_names().contains(&"App".to_owned()));
    let nobody = Scene::default();
    let ran = nobody.run("Remove-AdfsRelyingPartyTrust -TargetName App -Confirm");
    assert!(ran.text().contains("Add -Confirm:$false"), "{}", ran.text());
    let all = Scene { answers: vec!["a"], ..Scene::default() };
    let ran = all.run("Get-AdfsRelyingPartyTrust | Remove-AdfsRelyingPartyTrust -Confirm");
    assert_eq!((ran.text().as_str(), all.fake.list_names().len()), ("", 0));
}

/// Security case 85. A change that was made between reading and writing is shown beside the own one, and nothing is written.
#[test]
fn a_lost_update_shows_both_versions() {
    let scene = Scene { fake: Fake { contended: true, ..Fake::default() }, ..Scene::default() };
    let before = scene.fake.snapshot();
    let ran = scene.run("Set-AdfsProperties -TlsClientPort 32443");
    assert!(ran.text().contains("TlsClientPort: stored 1, yours 32443"), "{}", ran.text());
    assert!(ran.text().contains("FullyQualifiedErrorId : LostUpdate"), "{}", ran.text());
    assert_eq!(scene.fake.snapshot(), before);
}

#[test]
fn a_secondary_refuses_with_the_code_of_the_product() {
    let scene = Scene { fake: Fake { role: "SecondaryComputer", ..Fake::default() }, ..Scene::default() };
    let ran = scene.run("Set-AdfsProperties -TlsClientPort 1");
    assert!(
        ran.text().contains("PS0033,Microsoft.IdentityServer.Management.Commands.PropertiesCommand"),
        "{}",
        ran.text()
    );
    assert_eq!(scene.run("Get-AdfsProperties").text(), "");
}

#[test]
fn the_first_error_ends_a_script_and_names_its_place() {
    let scene = Scene::default();
    let ran = scene.run("Set-AdfsProperties -HttpsPort 8443\n  Set-AdfsRelyingPartyTrust -TargetName Nobody -TokenLifetime 1\nSet-AdfsProperties -TlsClientPort 1");
    let text = ran.text();
    assert!(
        text.starts_with(
            "Set-AdfsRelyingPartyTrust : There is no relying party trust with -TargetName 'Nobody'."
        ),
        "{text}"
    );
    assert!(text.contains("At line:2 char:3"), "{text}");
    let properties = scene.properties();
    assert_eq!(
        (properties["HttpsPort"].clone(), properties["TlsClientPort"].clone()),
        (json!(8443), json!(49443))
    );
    let ran = scene.run("Set-AdfsRelyingPartyTrust -TargetName Nobody -TokenLifetime 1 -ErrorAction SilentlyContinue\nSet-AdfsProperties -TlsClientPort 1");
    assert_eq!((ran.text().as_str(), scene.properties()["TlsClientPort"].clone()), ("", json!(1)));
}

#[test]
fn unknown_and_missing_commands_and_parameters_are_told_in_one_line() {
    let scene = Scene::default();
    for (line, part) in [
        ("Set-AdfsPropertys -A 1", "Did you mean Set-AdfsProperties?"),
        ("Get-AdfsWebTheme", "Get-AdfsWebTheme (ADFS) does not exist here yet."),
        ("Get-WebApplicationProxyApplication", "does not exist here yet."),
        (
            "Set-AdfsSslCertificate -Thumbprint ABCDEF0123456789ABCDEF0123456789ABCDEF01 -RemoteCredential x",
            "-RemoteCredential has no effect here yet. Nothing was done.",
        ),
        ("Set-AdfsSslCertificate -Thumbprint T", "'T' is not a thumbprint"),
        ("Set-AdfsRelyingPartyTrust -TokenLifetime 5", "missing mandatory parameters: Target"),
        ("$x", "The variable '$x' has no value."),
        ("X | ForEach-Object { $_ }", "'ForEach-Object' is not supported"),
    ] {
        let ran = scene.run(line);
        let error = ran.error.unwrap_or_else(|| panic!("{line}"));
        assert!(error.message.contains(part), "{line}: {error}");
    }
}

#[test]
fn objects_of_another_process_are_taken_from_standard_input() {
    let scene = Scene::default();
    let objects = scene.shell(&["Get-AdfsRelyingPartyTrust"], None).lines();
    let ran = scene.shell(&["Set-AdfsRelyingPartyTrust", "-TokenLifetime", "15", "-PassThru"], Some(objects));
    assert_eq!((ran.text().as_str(), ran.lines()[0]["TokenLifetime"].clone()), ("", json!(15)));
    let names = scene.shell(&["Get-AdfsRelyingPartyTrust"], Some(vec![json!("App")]));
    assert_eq!(names.lines().len(), 1);
}

#[test]
fn certificates_of_the_node_and_thumbprints_as_they_are_copied() {
    let scene = Scene { terminal: false, ..Scene::default() };
    let ran = scene.run("Get-ChildItem cert:\\LocalMachine\\My\\ | FL");
    assert!(ran.out.contains("Subject    : CN=fs.example.com"), "{}", ran.out);
    assert!(scene.run("Get-ChildItem C:\\").text().contains("Cert:\\LocalMachine\\My"));
    let ran = scene.run(
        "Set-AdfsSslCertificate -Thumbprint 'ab cd ef 01 23 45 67 89 ab cd ef 01 23 45 67 89 ab cd ef 01'",
    );
    assert_eq!(ran.text(), "");
    assert_eq!(scene.fake.actions.borrow()[0].1["Thumbprint"], "ABCDEF0123456789ABCDEF0123456789ABCDEF01");
    let ran = scene.run(
        "Import-PfxCertificate -FilePath a.pfx -CertStoreLocation Cert:\\LocalMachine\\My -Password secret",
    );
    assert_eq!(ran.lines(), [json!({ "Thumbprint": "A", "Subject": "CN=a" })]);
    assert_eq!(scene.machine.done.borrow()[0], "import a.pfx Some(\"secret\")");
    let ran = scene.run("$p = ConvertTo-SecureString 'hush' -AsPlainText -Force\n$p\nImport-PfxCertificate a.pfx -Password $p");
    assert_eq!((ran.text().as_str(), ran.lines()[0].clone()), ("", json!("System.Security.SecureString")));
    assert!(!ran.out.contains("hush"), "{}", ran.out);
    assert_eq!(scene.machine.done.borrow()[1], "import a.pfx Some(\"hush\")");
}

#[test]
fn a_farm_is_installed_without_the_accounts_of_windows() {
    let scene = Scene::default();
    let ran = scene.run("Install-AdfsFarm -FederationServiceName fs.example.com -GroupServiceAccountIdentifier 'CONTOSO\\gmsa$'");
    assert_eq!(ran.text(), "");
    assert!(
        ran.messages.contains("-GroupServiceAccountIdentifier is accepted and has no effect"),
        "{}",
        ran.messages
    );
    assert_eq!(ran.lines()[0]["Status"], "Success");
    assert_eq!(
        scene.machine.done.borrow()[0],
        "install {\"FederationServiceName\":\"fs.example.com\"} false"
    );
}

#[test]
fn a_machine_joins_with_a_token_in_place_of_the_service_account() {
    let scene = Scene::default();
    let ran = scene.run("Add-AdfsFarmNode -PrimaryComputerName fs01.contoso.com -JoinToken 'sekisho-join-x' -CertificateThumbprint 'ab cdef0123456789abcdef0123456789abcdef01'");
    assert_eq!((ran.text().as_str(), &ran.lines()[0]["Status"]), ("", &json!("Success")));
    let done = scene.machine.done.borrow()[0].clone();
    assert!(
        done.contains("\"CertificateThumbprint\":\"ABCDEF0123456789ABCDEF0123456789ABCDEF01\""),
        "{done}"
    );
    assert!(done.contains("\"JoinToken\":\"sekisho-join-x\"") && done.ends_with("false"), "{done}");
}

#[test]
fn claim_descriptions_are_found_by_each_of_their_names() {
    let scene = Scene::default();
    for line in ["-Name x", "x", "-ClaimType urn:x", "-ShortName X"] {
        assert_eq!(scene.run(&format!("Get-AdfsClaimDescription {line}")).lines().len(), 1, "{line}");
    }
    let ran = scene.run("Add-AdfsClaimDescription -Name Y -ClaimType urn:y -IsOffered $true; Get-AdfsClaimDescription -ShortName x | Remove-AdfsClaimDescription; Get-AdfsClaimDescription | Select-Object -ExpandProperty ClaimType");
    assert_eq!((ran.text().as_str(), ran.lines()), ("", vec![json!("urn:y")]));
}

#[test]
fn the_history_is_shown_and_a_change_taken_back() {
    let scene = Scene::default();
    let ran = scene.run("Get-SekishoChange 2; Undo-SekishoChange -Serial 3");
    assert_eq!(ran.text(), "");
    let serials: Vec<_> = ran.lines().iter().map(|line| line["Serial"].clone()).collect();
    assert_eq!(serials, [json!(2), json!(3)]);
    assert_eq!(ran.messages, "WARNING: undone\n");
}

#[test]
fn help_and_commands_are_found() {
    let scene = Scene::default();
    assert!(scene.run("Set-AdfsProperties -?").out.contains("\nSYNTAX\n"));
    assert_eq!(
        scene.run("Get-AdfsProperties | Select-Object HttpsPort | ConvertTo-Json -Compress").out,
        "{\"HttpsPort\":443}\n"
    );
    assert!(scene.run("Get-Help Get-AdfsEndpoint").out.contains("Get-AdfsEndpoint"));
    assert!(scene.run("Get-Help *claimdesc*").lines().len() >= 4);
    assert_eq!(scene.run("Get-Command -Verb Get -Noun AdfsProperties").lines()[0]["Exists"], true);
    let ran = scene.run("Get-AdfsRelyingPartyTrust App | ConvertTo-Json -Compress | ConvertFrom-Json");
    assert_eq!(ran.text(), "");
}

/// Garbage to every command: an answer or an error, no panic, and what is refused changed nothing.
#[test]
fn garbage_to_every_command_panics_nowhere_and_leaves_nothing_half_done() {
    let random = SeededRandom::new(2_026);
    let below = |limit: u64| random.next_u64() % limit;
    let texts = [
        "",
        "App",
        "urn:app",
        "-1",
        "99999999999999999999",
        "true",
        "$true",
        "a,b",
        "{",
        "{\"A\":1}",
        "[1,[2]]",
        "\u{0}",
        "\u{202e}x",
        "cert:\\",
        "1/1/0001",
        "00:00:61",
        "Token-Signing",
        "PrimaryComputer",
        "=> issue(",
        "/dev/null",
        "*",
        "'\"`$(",
        "ABCDEF0123456789ABCDEF0123456789ABCDEF01",
        "関所",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(1.5),
        json!([]),
        json!([null, {}]),
        json!({}),
        json!({ "ObjectIdentifier": "x", "Name": [], "Identifier": 7 }),
        json!([["a"]]),
    ];
    for cmdlet in cmdlets().iter().filter(|cmdlet| cmdlet.name != "Install-Cmdlets") {
        for _ in 0..60 {
            let scene = Scene::default();
            let before = scene.fake.snapshot();
            let count = below(6);
            let words: Vec<Word> = (0..count)
                .map(|_| {
                    let value = |()| match below(3) {
                        0 => values[usize::try_from(below(values.len() as u64)).unwrap()].clone(),
                        _ => json!(texts[usize::try_from(below(texts.len() as u64)).unwrap()]),
                    };
                    let content = match (below(3), cmdlet.parameters.len()) {
                        (0, _) | (_, 0) => Content::Value(value(())),
                        (_, known) => {
                            let at = usize::try_from(below(known as u64)).unwrap();
                            let name = cmdlet.parameters[at].name.to_owned();
                            Content::Parameter { name, value: (below(2) == 0).then(|| value(())) }
                        }
                    };
                    Word { at: None, content }
                })
                .collect();
            let input = (below(4) == 0).then(|| values.to_vec());
            let style = if below(2) == 0 { Style::Shell } else { Style::Script };
            let many = input.is_some();
            let ran = scene.with(|environment| {
                Interpreter::new(environment, style).run_words(cmdlet.name, &words, input)
            });
            if let Some(error) = &ran.error {
                assert!(!error.message.is_empty() && !error.id.is_empty(), "{words:?}");
                // Of several objects in the pipeline the first ones may have been done.
                assert!(many || scene.fake.snapshot() == before, "{} {words:?}: {error}", cmdlet.name);
            }
        }
    }
}

/// The same as text: random pieces of the syntax are read or refused, and never run into a panic.
#[test]
fn garbage_as_a_script_is_read_or_refused() {
    let random = SeededRandom::new(7);
    let pieces = [
        "Get-AdfsProperties",
        "Set-AdfsProperties",
        " -TlsClientPort ",
        "1",
        "$x",
        "=",
        "|",
        "(",
        ")",
        "@(",
        "@{",
        "}",
        "{",
        "\"",
        "'",
        "@\"\n",
        "\n\"@",
        "`",
        "\n",
        ";",
        ",",
        "$_",
        ".",
        "[0]",
        "#",
        "<#",
        "#>",
        "-eq",
        "$(",
        "Where-Object",
        "FL",
        " ",
        ":",
        "\u{201c}",
        "–",
    ];
    for _ in 0..4_000 {
        let count = random.next_u64() % 24;
        let text: String = (0..count)
            .map(|_| pieces[usize::try_from(random.next_u64() % pieces.len() as u64).unwrap()])
            .collect();
        let scene = Scene::default();
        let _ = scene.run(&text).text();
    }
}

/// Objects in a pipe are read when a command can't do without them, and only then.
#[test]
fn standard_input_is_read_only_when_it_is_needed() {
    struct Untouched;
    impl std::io::Read for Untouched {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("nobody needs the input")
        }
    }
    let scene = Scene::default();
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let code = |words: &[String], stream: &mut dyn std::io::Read| {
        let mut code = 9;
        let ran = scene.with(|environment| {
            code = crate::run_argv(words, environment, Some(stream));
            Ok(())
        });
        (code, ran)
    };
    assert_eq!(code(&words(&["Get-AdfsProperties"]), &mut Untouched).0, 0);
    assert_eq!(code(&words(&["Set-AdfsRelyingPartyTrust", "-?"]), &mut Untouched).0, 0);
    let set = words(&["Set-AdfsRelyingPartyTrust", "-TokenLifetime", "9", "-PassThru"]);
    let trust = scene.run("Get-AdfsRelyingPartyTrust").out;
    let (exit, ran) = code(&set, &mut trust.as_bytes());
    assert_eq!((exit, ran.lines()[0]["TokenLifetime"].clone()), (0, json!(9)));
    for (input, part) in
        [("", "missing mandatory parameters"), ("{\"Name\":", "Standard input holds no objects")]
    {
        let (exit, ran) = code(&set, &mut input.as_bytes());
        assert!(exit == 1 && ran.messages.contains(part), "{}", ran.messages);
    }
    let (exit, ran) = code(&words(&["Select-Object", "-ExpandProperty", "Name"]), &mut trust.as_bytes());
    assert_eq!((exit, ran.lines()), (0, vec![json!("App")]));
}

#[test]
fn a_prompt_goes_on_after_errors_and_over_lines() {
    let answers = vec!["exit", "$p.TlsClientPort", "", "Get-Nothing", "'x'", "$p = Get-AdfsProperties |"];
    let mut scene = Scene { answers, ..Scene::default() };
    scene.answers[4] = "  Select-Object TlsClientPort";
    let ran = scene.with(|environment| {
        assert_eq!(crate::shell(environment), 0);
        Ok(())
    });
    assert_eq!(ran.lines(), [json!(49_443)]);
    assert!(ran.messages.contains("sekisho> >> "), "{}", ran.messages);
    assert!(ran.messages.contains("The term 'Get-Nothing' is not recognized"), "{}", ran.messages);
}

#[test]
fn files_and_texts_are_run_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("runbook.ps1");
    let scene = Scene::default();
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut code = 9;
        let ran = scene.with(|environment| {
            code = crate::run_file(file.to_str().unwrap(), environment);
            Ok(())
        });
        (code, ran.messages)
    };
    let (code, messages) = run("Set-AdfsProperties -TlsClientPort 1\nSet-AdfsProperties -DisplayName 'open");
    assert!(code == 1 && messages.contains("At line:2 char:33"), "{messages}");
    assert_eq!(scene.properties()["TlsClientPort"], 49_443);
    assert_eq!(run("\u{feff}Set-AdfsProperties -TlsClientPort 1\r\n").0, 0);
    assert_eq!(scene.properties()["TlsClientPort"], 1);
    let mut code = 9;
    scene.with(|environment| {
        code = crate::run_command_text("Set-AdfsProperties -IgnoreTokenBinding $true", environment);
        Ok(())
    });
    assert_eq!((code, scene.properties()["IgnoreTokenBinding"].clone()), (0, json!(true)));
    for (word, is) in [
        ("Set-AdfsPropertys", true),
        ("get-adfsproperties", true),
        ("demo", false),
        ("--help", false),
        ("-Command", false),
        ("self-test", true),
    ] {
        assert_eq!(crate::is_command_name(word), is, "{word}");
    }
}
