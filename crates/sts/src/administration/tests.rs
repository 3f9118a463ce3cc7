//! The way of a change, against a real store, journal and catalog.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base::{Clock, ManualClock, Random, SeededRandom, Timestamp};
use configuration::{Certificate, ServiceProperties, object_type};
use directory::embedded::{EmbeddedDirectory, EmbeddedOptions};
use keys::{CookieKeys, NodeKey, SigningQueue};
use serde_json::json;
use store::sqlite::SqliteStore;
use store::{Configuration, Kind, Write};
use tempfile::TempDir;

use super::*;
use crate::{AddressRate, Catalog, PROPERTIES_ID, Sts, install, put_certificate, put_properties};

const RULES: &str = "c:[] => issue(claim = c);";

/// A service without listeners.
struct Fixture {
    sts: Sts,
    store: Arc<SqliteStore>,
    administration: Administration,
    folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let node_key = NodeKey::create(folder.path(), random.as_ref()).unwrap();
        let properties = ServiceProperties {
            host_name: "fs.example.com".to_owned(),
            identifier: "http://fs.example.com/adfs/services/trust".to_owned(),
            display_name: "Contoso".to_owned(),
            ..ServiceProperties::default()
        };
        let installed = install(store.as_ref(), &node_key, &properties, clock.now(), &random).await.unwrap();
        let master = Arc::new(installed.master_key);
        let cookie_keys = CookieKeys::new(master.cookie_key(1).unwrap(), None);
        let options = EmbeddedOptions::new("CONTOSO", "contoso.lab");
        let directory =
            EmbeddedDirectory::new(store.clone(), clock.clone(), random.clone(), options).unwrap();
        let journal = audit::JournalOptions::default();
        let one = std::num::NonZeroUsize::MIN;
        let sts = Sts {
            catalog: Catalog::open(store.clone(), master).await.unwrap(),
            directory: Arc::new(directory),
            activity: store.clone(),
            once: store.clone(),
            signing_queue: SigningQueue::start(one, one).unwrap(),
            cookie_keys,
            journal: audit::Journal::open(&folder.path().join("journal"), journal, clock.clone()).unwrap(),
            node: "fs01".into(),
            address_rate: AddressRate::default(),
            clock,
            random,
        };
        Self { sts, store, administration: Administration::new(Arc::new(Role::Primary)), folder }
    }

    async fn try_change(&self, kind: &str, id: Option<&str>, edit: Edit) -> Result<Changed, ChangeError> {
        self.administration.change(&self.sts, request(kind, id, edit)).await
    }

    async fn change(&self, kind: &str, id: Option<&str>, edit: Edit) -> Changed {
        self.try_change(kind, id, edit).await.unwrap()
    }

    /// A trust; its identifier in the store.
    async fn trust(&self, name: &str) -> String {
        self.change(TRUST, None, Edit::Create(trust(name))).await.id
    }

    async fn undo(&self, serial: u64, force: bool) -> Result<Changed, ChangeError> {
        let request = UndoRequest { serial, force, by: "kim".to_owned(), what_if: false };
        self.administration.undo(&self.sts, request).await
    }

    async fn body(&self, kind: Kind, id: &str) -> Option<Value> {
        self.store.get(kind, id).await.unwrap().map(|document| document.body)
    }

    async fn serial(&self) -> u64 {
        self.store.head().await.unwrap().serial
    }

    /// Events in the journal with this id.
    fn events(&self, id: u64) -> Vec<Value> {
        self.sts.journal.derive_lines().unwrap();
        let lines = std::fs::read_to_string(self.folder.path().join("journal/events.jsonl")).unwrap();
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["id"] == id).collect()
    }

    /// Sets a property by the store's way.
    async fn set_property(&self, name: &str, value: Value) {
        let stored = self.store.get(Kind::ServiceProperties, PROPERTIES_ID).await.unwrap().unwrap();
        let mut operation = put_properties(&ServiceProperties::default(), stored.version).unwrap();
        if let store::Operation::Put { body, .. } = &mut operation {
            *body = stored.body;
            body[name] = value;
        }
        self.sts.catalog.write(self.write(vec![operation])).await.unwrap();
    }

    fn write(&self, operations: Vec<store::Operation>) -> Write {
        Write { epoch: 1, by: "test".to_owned(), at: self.sts.clock.now(), operations }
    }
}

const TRUST: &str = "relying-party-trust";

fn request(kind: &str, id: Option<&str>, edit: Edit) -> ChangeRequest {
    let object = object_type(kind).unwrap();
    ChangeRequest { object, id: id.map(str::to_owned), edit, by: "kim (test)".to_owned(), what_if: false }
}

fn trust(name: &str) -> Value {
    json!({
        "Name": name,
        "Identifier": [format!("urn:{name}")],
        "WSFedEndpoint": format!("https://{name}.example.com/"),
        "IssuanceTransformRules": RULES,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_is_created_with_an_identity_found_by_its_names_and_listed() {
    let fixture = Fixture::new().await;
    let made = fixture.change(TRUST, None, Edit::Create(trust("app"))).await;
    assert_eq!((made.version, made.head.unwrap().serial), (1, fixture.serial().await));
    let body = made.body.unwrap();
    assert_eq!(body["ObjectIdentifier"], made.id.as_str());
    assert_eq!(body["TokenLifetime"], 0, "what was not named has its default");

    let object = object_type(TRUST).unwrap();
    let by = Selection::By("identifier", "urn:app".to_owned());
    let page = fixture.administration.list(&fixture.sts, object, &by, 10).await.unwrap();
    assert_eq!(page.objects[0].id, made.id);
    assert_eq!(fixture.administration.get(&fixture.sts, object, &made.id).await.unwrap().body, body);

    for name in ["b", "c"] {
        fixture.trust(name).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page =
            fixture.administration.list(&fixture.sts, object, &Selection::After(after), 2).await.unwrap();
        seen.extend(page.objects.into_iter().map(|stored| stored.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted());
    let party = fixture.sts.catalog.relying_party("urn:app").await.unwrap().unwrap();
    assert_eq!(party.trust.name, "app", "requests see it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_trust_has_is_refused_with_the_name_of_that_trust() {
    let fixture = Fixture::new().await;
    fixture.trust("app").await;
    let mut second = trust("other");
    second["Identifier"] = json!(["urn:other", "urn:app"]);
    let serial = fixture.serial().await;
    let error = fixture.try_change(TRUST, None, Edit::Create(second)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ChangeError::Taken { .. }), "{text}");
    assert!(
        text.contains("Identifier: 'urn:app' is already used by the relying party trust 'app'"),
        "{text}"
    );
    let error = fixture.try_change(TRUST, None, Edit::Create(trust("app"))).await.unwrap_err();
    assert!(error.to_string().starts_with("Name: 'app' is already used"), "{error}");
    assert_eq!(fixture.serial().await, serial);
}

/// Security case 60: every write is checked, whatever was valid before.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_do_not_compile_are_refused_with_line_and_column_on_every_write() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let before = (fixture.serial().await, fixture.body(Kind::RelyingPartyTrust, &id).await);
    let bad = "c:[]\n => issue(claim = d);";
    let edits = [
        Edit::Patch(Expected::Any, json!({ "IssuanceTransformRules": bad })),
        Edit::Patch(Expected::Any, json!({ "Notes": "x", "IssuanceAuthorizationRules": bad })),
        Edit::Replace(Expected::Any, {
            let mut body = trust("app");
            body["IssuanceTransformRules"] = json!(bad);
            body
        }),
    ];
    for edit in edits {
        let error = fixture.try_change(TRUST, Some(&id), edit).await.unwrap_err();
        let [problem] = error.problems() else { panic!("{error}") };
        assert!(problem.field.starts_with("Issuance"), "{problem}");
        assert!(problem.expected.contains("line 2, column 19"), "{problem}");
        assert!(problem.expected.contains("POLICY0002"), "{problem}");
    }
    assert_eq!((fixture.serial().await, fixture.body(Kind::RelyingPartyTrust, &id).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_cannot_be_read_are_refused() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let good = fixture.sts.catalog.resident().token_keys.decrypting_certificate.clone();
    let set = |list: Value| Edit::Patch(Expected::Any, json!({ "RequestSigningCertificate": list }));
    for bad in ["%%%", "AAAA", good.get(..200).unwrap(), "aGVsbG8="] {
        let error = fixture.try_change(TRUST, Some(&id), set(json!([good, bad]))).await.unwrap_err();
        assert_eq!(error.problems()[0].field, "RequestSigningCertificate[1]", "{bad}: {error}");
    }
    let made = fixture.change(TRUST, Some(&id), set(json!([good]))).await;
    assert_eq!(made.warnings, Vec::<String>::new());
}

/// Security case 85, the race of two administrators.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_update_is_refused_and_shows_what_is_stored_and_what_was_wanted() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let patch = |minutes: u32| Edit::Patch(Expected::Version(1), json!({ "TokenLifetime": minutes }));
    let (one, two) = tokio::join!(
        fixture.try_change(TRUST, Some(&id), patch(10)),
        fixture.try_change(TRUST, Some(&id), patch(20))
    );
    let (made, refused) = if one.is_ok() { (one, two) } else { (two, one) };
    let stored_minutes = made.unwrap().body.unwrap()["TokenLifetime"].clone();
    let ChangeError::Conflict { stored, yours, .. } = refused.unwrap_err() else { panic!() };
    let stored = stored.unwrap();
    assert_eq!((stored.version, &stored.body["TokenLifetime"]), (2, &stored_minutes));
    assert_ne!(yours.unwrap()["TokenLifetime"], stored_minutes);

    let created = fixture.try_change(TRUST, Some(&id), Edit::Create(trust("app"))).await;
    assert!(matches!(created, Err(ChangeError::Conflict { stored: Some(_), .. })));
    let removed = fixture.try_change(TRUST, Some(&id), Edit::Remove(Expected::Version(1))).await;
    assert!(matches!(removed, Err(ChangeError::Conflict { yours: None, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_sets_what_it_does_not_name_to_its_default_and_keeps_the_identity() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let patch = json!({ "TokenLifetime": 30, "Notes": "mine" });
    let patched = fixture.change(TRUST, Some(&id), Edit::Patch(Expected::Version(1), patch)).await;
    assert_eq!(patched.body.as_ref().unwrap()["TokenLifetime"], 30);
    let replaced = fixture.change(TRUST, Some(&id), Edit::Replace(Expected::Version(2), trust("app"))).await;
    let body = replaced.body.unwrap();
    assert_eq!((&body["TokenLifetime"], &body["Notes"]), (&json!(0), &json!("")));
    assert_eq!(body["ObjectIdentifier"], id.as_str());
    // What was read can be sent back whole, and then changes nothing.
    let serial = fixture.serial().await;
    let same = fixture.change(TRUST, Some(&id), Edit::Replace(Expected::Version(3), body)).await;
    assert_eq!((same.version, same.head, fixture.serial().await), (3, None, serial));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_this_release_does_not_know_survive_a_patch_and_a_replacement() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let mut body = fixture.body(Kind::RelyingPartyTrust, &id).await.unwrap();
    body["OfTomorrow"] = json!({ "x": [1] });
    let keys = vec![("name", "app".to_owned()), ("identifier", "urn:app".to_owned())];
    let put =
        store::Operation::Put { kind: Kind::RelyingPartyTrust, id: id.clone(), expected: 1, body, keys };
    fixture.sts.catalog.write(fixture.write(vec![put])).await.unwrap();
    fixture.change(TRUST, Some(&id), Edit::Patch(Expected::Any, json!({ "Notes": "x" }))).await;
    fixture.change(TRUST, Some(&id), Edit::Replace(Expected::Any, trust("app"))).await;
    assert_eq!(fixture.body(Kind::RelyingPartyTrust, &id).await.unwrap()["OfTomorrow"], json!({ "x": [1] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_if_checks_everything_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let (serial, audits) = (fixture.serial().await, fixture.events(307).len());
    let what_if = |edit| ChangeRequest { what_if: true, ..request(TRUST, Some(&id), edit) };
    let patch = |patch: Value| what_if(Edit::Patch(Expected::Version(1), patch));
    let would =
        fixture.administration.change(&fixture.sts, patch(json!({ "TokenLifetime": 5 }))).await.unwrap();
    assert_eq!((would.version, would.head), (1, None));
    assert_eq!(would.body.unwrap()["TokenLifetime"], 5);
    let bad = patch(json!({ "IssuanceTransformRules": "nonsense" }));
    assert!(fixture.administration.change(&fixture.sts, bad).await.is_err());
    fixture.administration.change(&fixture.sts, what_if(Edit::Remove(Expected::Any))).await.unwrap();
    assert_eq!((fixture.serial().await, fixture.events(307).len()), (serial, audits));
    assert!(fixture.sts.catalog.relying_party("urn:app").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_change_can_be_taken_back_and_that_as_well() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let created = fixture.serial().await;
    let patch = Edit::Patch(Expected::Any, json!({ "TokenLifetime": 30 }));
    let patched = fixture.change(TRUST, Some(&id), patch).await.head.unwrap().serial;
    let minutes =
        async || fixture.body(Kind::RelyingPartyTrust, &id).await.map(|body| body["TokenLifetime"].clone());

    let undone = fixture.undo(patched, false).await.unwrap().head.unwrap().serial;
    assert_eq!(minutes().await, Some(json!(0)));
    fixture.undo(undone, false).await.unwrap();
    assert_eq!(minutes().await, Some(json!(30)), "an undo of the undo");

    let removed = fixture.change(TRUST, Some(&id), Edit::Remove(Expected::Any)).await;
    assert_eq!(removed.body, None);
    let back = fixture.undo(removed.head.unwrap().serial, false).await.unwrap();
    assert_eq!(minutes().await, Some(json!(30)), "what was removed is back");
    let party = fixture.sts.catalog.relying_party("urn:app").await.unwrap().unwrap();
    assert_eq!(party.trust.token_lifetime, 30, "with its names");
    let gone = fixture.undo(back.head.unwrap().serial, false).await.unwrap();
    assert_eq!((gone.body, minutes().await), (None, None), "the undo of a return removes");

    // The creation is long ago: other changes came after it.
    let error = fixture.undo(created, false).await.unwrap_err();
    assert!(matches!(error, ChangeError::Conflict { .. }), "{error}");
    let last = fixture.administration.changes(&fixture.sts, 0, 1_000).await.unwrap().changes.pop().unwrap();
    assert!(last.by.starts_with("kim, undo of "), "{}", last.by);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_does_not_run_over_later_changes_unless_it_is_forced() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let set = |patch: Value| Edit::Patch(Expected::Any, patch);
    let first =
        fixture.change(TRUST, Some(&id), set(json!({ "TokenLifetime": 30 }))).await.head.unwrap().serial;
    fixture.change(TRUST, Some(&id), set(json!({ "Notes": "later" }))).await;
    let ChangeError::Conflict { stored, yours, reason } = fixture.undo(first, false).await.unwrap_err()
    else {
        panic!()
    };
    assert!(reason.contains("'app'") && reason.contains("force"), "{reason}");
    assert_eq!(stored.unwrap().body["Notes"], "later");
    assert_eq!(yours.unwrap()["TokenLifetime"], 0);
    let forced = fixture.undo(first, true).await.unwrap().body.unwrap();
    assert_eq!((&forced["TokenLifetime"], &forced["Notes"]), (&json!(0), &json!("")));
    assert!(matches!(fixture.undo(9_999, false).await, Err(ChangeError::NoSuchChange { serial: 9_999 })));
    assert!(matches!(fixture.undo(0, false).await, Err(ChangeError::NoSuchChange { .. })));
    // The installation wrote the node's key first.
    assert!(matches!(fixture.undo(1, false).await, Err(ChangeError::NotAllowed { .. })));
}

/// A former state is checked like any other: another trust has its name now.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_is_checked_like_any_change() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let renamed = Edit::Patch(Expected::Any, json!({ "Name": "moved", "Identifier": ["urn:moved"] }));
    let renamed = fixture.change(TRUST, Some(&id), renamed).await.head.unwrap().serial;
    fixture.trust("app").await;
    let error = fixture.undo(renamed, false).await.unwrap_err();
    assert!(error.to_string().contains("already used by the relying party trust 'app'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secondary_refuses_changes_naming_the_primary_and_reads_all_the_same() {
    let mut fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let role = Role::Secondary { primary: "fs01.example.com".to_owned() };
    fixture.administration = Administration::new(Arc::new(role));
    let edits = [
        (None, Edit::Create(trust("b"))),
        (Some(id.as_str()), Edit::Patch(Expected::Any, json!({ "Notes": "x" }))),
        (Some(id.as_str()), Edit::Remove(Expected::Any)),
    ];
    for (id, edit) in edits {
        let error = fixture.try_change(TRUST, id, edit).await.unwrap_err();
        assert_eq!(error.code(), Some("PS0033"));
        assert!(error.to_string().contains("fs01.example.com"), "{error}");
    }
    let error = fixture.undo(fixture.serial().await, false).await.unwrap_err();
    assert_eq!(error.code(), Some("PS0033"));
    assert!(fixture.administration.get(&fixture.sts, object_type(TRUST).unwrap(), &id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn built_in_objects_stay() {
    let fixture = Fixture::new().await;
    let provider = fixture.store.list(Kind::ClaimsProviderTrust, None, 1).await.unwrap().remove(0);
    let remove = || Edit::Remove(Expected::Any);
    let error = fixture.try_change("claims-provider-trust", Some(&provider.id), remove()).await.unwrap_err();
    assert!(error.to_string().contains("built in"), "{error}");
    let properties = fixture.try_change("service-properties", Some(PROPERTIES_ID), remove()).await;
    assert!(matches!(properties, Err(ChangeError::NotAllowed { .. })));
    let again = fixture.try_change("service-properties", None, Edit::Create(json!({}))).await;
    assert!(matches!(again, Err(ChangeError::NotAllowed { .. })));
    let mut xray = trust("xray");
    xray["Identifier"] = json!([configuration::CLAIMS_XRAY]);
    let xray = fixture.change(TRUST, None, Edit::Create(xray)).await.id;
    let error = fixture.try_change(TRUST, Some(&xray), remove()).await.unwrap_err();
    assert!(error.to_string().contains("EnableClaimsXray"), "{error}");
    let missing = fixture.try_change(TRUST, Some("nobody"), remove()).await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no relying party trust 'nobody'");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_certificate_of_each_type_is_primary_and_rollover_keeps_hands_off() {
    let fixture = Fixture::new().await;
    let stored = fixture.store.list(Kind::Certificate, None, 10).await.unwrap();
    let signing = stored.iter().find(|one| one.id.starts_with("Token-Signing")).unwrap();
    let mut second: Certificate = serde_json::from_value(signing.body.clone()).unwrap();
    second.thumbprint = "0123456789ABCDEF0123456789ABCDEF01234567".to_owned();
    second.is_primary = false;
    let put = put_certificate(&second, 0).unwrap();
    fixture.sts.catalog.write(fixture.write(vec![put])).await.unwrap();
    let second = format!("Token-Signing:{}", second.thumbprint);
    let promote = || Edit::Patch(Expected::Any, json!({ "IsPrimary": true }));
    let is_primary = async |id: &str| fixture.body(Kind::Certificate, id).await.unwrap()["IsPrimary"].clone();

    fixture.set_property("AutoCertificateRollover", json!(true)).await;
    let error = fixture.try_change("certificate", Some(&second), promote()).await.unwrap_err();
    assert!(error.to_string().contains("AutoCertificateRollover"), "{error}");

    fixture.set_property("AutoCertificateRollover", json!(false)).await;
    let made = fixture.change("certificate", Some(&second), promote()).await;
    assert!(made.body.unwrap().get("SealedKey").is_none(), "the key never leaves");
    assert_eq!((is_primary(&second).await, is_primary(&signing.id).await), (json!(true), json!(false)));
    assert!(
        fixture.body(Kind::Certificate, &second).await.unwrap()["SealedKey"].is_string(),
        "and is stored all the same"
    );
    let demote = Edit::Patch(Expected::Any, json!({ "IsPrimary": false }));
    let error = fixture.try_change("certificate", Some(&second), demote).await.unwrap_err();
    assert_eq!(error.problems()[0].field, "IsPrimary");
    let error =
        fixture.try_change("certificate", Some(&second), Edit::Remove(Expected::Any)).await.unwrap_err();
    assert!(error.to_string().contains("make another one primary first"), "{error}");
    fixture.change("certificate", Some(&signing.id), Edit::Remove(Expected::Any)).await;

    let object = object_type("certificate").unwrap();
    let page = fixture.administration.list(&fixture.sts, object, &Selection::After(None), 10).await.unwrap();
    assert_eq!(page.objects.len(), 2);
    let history = fixture.administration.changes(&fixture.sts, 0, 1_000).await.unwrap();
    let shown = format!("{page:?} {history:?} {:?}", fixture.events(307));
    assert!(!shown.contains("SealedKey"), "{shown}");
    assert!(history.changes.iter().any(|change| change.object.kind == "certificate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_one_audit_with_who_and_the_values_before_and_after() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let patch = json!({ "TokenLifetime": 30, "Notes": "line\nbreak" });
    fixture.change(TRUST, Some(&id), Edit::Patch(Expected::Any, patch)).await;
    fixture.change(TRUST, Some(&id), Edit::Remove(Expected::Any)).await;
    let events = fixture.events(307);
    let changes: Vec<&str> = events.iter().map(|event| event["data"][1].as_str().unwrap()).collect();
    assert!(events.iter().all(|event| event["data"][0] == "kim (test)"));
    let [created, changed, removed] = changes[..] else { panic!("{changes:?}") };
    assert!(created.starts_with(&format!("Created relying party trust 'app' ({id}), change ")), "{created}");
    assert!(changed.contains("; TokenLifetime: '0' -> '30'"), "{changed}");
    assert!(changed.contains("Notes: '' -> 'line\\u000abreak'"), "nobody forges a line: {changed}");
    assert!(!changed.contains("Identifier"), "only what changed: {changed}");
    assert!(removed.starts_with("Removed relying party trust 'app'"), "{removed}");
}

/// Counts, and refuses when it is told to.
struct Listener {
    refuses: bool,
    committed: AtomicUsize,
    aborted: AtomicUsize,
}

impl Listener {
    fn new(refuses: bool) -> Arc<Self> {
        Arc::new(Self { refuses, committed: AtomicUsize::new(0), aborted: AtomicUsize::new(0) })
    }

    fn counts(&self) -> (usize, usize) {
        (self.committed.load(Ordering::SeqCst), self.aborted.load(Ordering::SeqCst))
    }
}

struct Counting(Arc<Listener>);

#[async_trait]
impl Observer for Counting {
    fn name(&self) -> &'static str {
        "listeners"
    }

    async fn prepare(&self, change: &PendingChange<'_>) -> Result<Option<Box<dyn Effect>>, String> {
        if !change.changes("SsoLifetime") {
            return Ok(None);
        }
        match self.0.refuses {
            true => Err("port 443 is held by process 17".to_owned()),
            false => Ok(Some(Box::new(Counting(self.0.clone())))),
        }
    }
}

#[async_trait]
impl Effect for Counting {
    async fn commit(self: Box<Self>) -> Vec<String> {
        self.0.committed.fetch_add(1, Ordering::SeqCst);
        vec!["followed".to_owned()]
    }

    async fn abort(self: Box<Self>) {
        self.0.aborted.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_an_observer_cannot_follow_is_not_made_and_the_others_go_back() {
    let mut fixture = Fixture::new().await;
    let (willing, refusing) = (Listener::new(false), Listener::new(true));
    fixture.administration = Administration::new(Arc::new(Role::Primary))
        .observed_by(Arc::new(Counting(willing.clone())))
        .observed_by(Arc::new(Counting(refusing)));
    let serial = fixture.serial().await;
    let set = |property: &str, value: Value| Edit::Patch(Expected::Any, json!({ property: value }));
    let change = fixture.try_change("service-properties", Some(PROPERTIES_ID), set("SsoLifetime", json!(60)));
    let error = change.await.unwrap_err();
    assert_eq!(error.to_string(), "listeners: port 443 is held by process 17; nothing was changed");
    assert_eq!((willing.counts(), fixture.serial().await), ((0, 1), serial));
    assert_eq!(fixture.sts.catalog.resident().properties.sso_lifetime, 480);
    let failures = fixture.events(308);
    assert!(failures[0]["data"][1].as_str().unwrap().contains("held by process 17"), "{failures:?}");
    // A change that does not matter to them.
    fixture.change("service-properties", Some(PROPERTIES_ID), set("DisplayName", json!("New"))).await;

    fixture.administration =
        Administration::new(Arc::new(Role::Primary)).observed_by(Arc::new(Counting(willing.clone())));
    let what_if = ChangeRequest {
        what_if: true,
        ..request("service-properties", Some(PROPERTIES_ID), set("SsoLifetime", json!(60)))
    };
    fixture.administration.change(&fixture.sts, what_if).await.unwrap();
    assert_eq!(willing.counts(), (0, 2), "made ready, and back");
    let made = fixture.change("service-properties", Some(PROPERTIES_ID), set("SsoLifetime", json!(60))).await;
    assert_eq!((willing.counts(), made.warnings), ((1, 2), vec!["followed".to_owned()]));
    assert_eq!(fixture.sts.catalog.resident().properties.sso_lifetime, 60, "requests that begin now see it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reloads_what_it_changed_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (a, _) = (fixture.trust("a").await, fixture.trust("b").await);
    let party = async |identifier: &str| fixture.sts.catalog.relying_party(identifier).await.unwrap();
    let (old_a, old_b) = (party("urn:a").await.unwrap(), party("urn:b").await.unwrap());
    let resident = fixture.sts.catalog.resident();
    let patch = json!({ "Identifier": ["urn:a2"], "TokenLifetime": 5 });
    fixture.change(TRUST, Some(&a), Edit::Patch(Expected::Any, patch)).await;
    assert!(party("urn:a").await.is_none(), "its old name is gone");
    assert_eq!(party("urn:a2").await.unwrap().trust.token_lifetime, 5);
    assert_eq!(old_a.trust.token_lifetime, 0, "a request that began before goes on with what it had");
    assert!(Arc::ptr_eq(&party("urn:b").await.unwrap(), &old_b));
    assert!(Arc::ptr_eq(&fixture.sts.catalog.resident(), &resident));
}

/// Security case 85, mass assignment: what only the service sets cannot be sent along.
#[tokio::test(flavor = "multi_thread")]
async fn members_that_the_service_sets_and_members_that_do_not_exist_are_refused() {
    let fixture = Fixture::new().await;
    let id = fixture.trust("app").await;
    let serial = fixture.serial().await;
    for (patch, field) in [
        (json!({ "ObjectIdentifier": "00000000-0000-4000-8000-000000000001" }), "ObjectIdentifier"),
        (json!({ "TokenLifetme": 5 }), "TokenLifetme"),
        (json!({ "TokenLifetime": "soon" }), "TokenLifetime"),
        (json!([]), TRUST),
    ] {
        let edit = Edit::Patch(Expected::Any, patch);
        let error = fixture.try_change(TRUST, Some(&id), edit).await.unwrap_err();
        assert_eq!(error.problems()[0].field, field, "{error}");
    }
    let not_a_guid = fixture.try_change(TRUST, Some("../x"), Edit::Create(trust("b"))).await.unwrap_err();
    assert_eq!(not_a_guid.problems()[0].field, "ObjectIdentifier");
    assert_eq!(fixture.serial().await, serial);
}
