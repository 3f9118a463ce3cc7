//! The embedded directory over the SQLite store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::{ManualClock, SeededRandom, Timestamp};
use claims::types;
use configuration::DirectoryGroup;
use store::sqlite::SqliteStore;
use store::{Change, Head, Kind, Operation, Write, WriteError};

use super::*;
use crate::Subject;

const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };

/// The store, counting what is read.
struct Counting {
    store: SqliteStore,
    lists: AtomicUsize,
    reads: AtomicUsize,
}

#[async_trait]
impl Configuration for Counting {
    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    async fn get(&self, kind: Kind, id: &str) -> Result<Option<Document>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.get(kind, id).await
    }

    async fn find(&self, kind: Kind, index: &str, value: &str) -> Result<Option<Document>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.find(kind, index, value).await
    }

    async fn list(&self, kind: Kind, after: Option<&str>, limit: usize) -> Result<Vec<Document>, StoreError> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.store.list(kind, after, limit).await
    }

    async fn write(&self, write: Write) -> Result<Head, WriteError> {
        self.store.write(write).await
    }

    async fn raise_epoch(&self, expected: u64) -> Result<Head, WriteError> {
        self.store.raise_epoch(expected).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.store.changes(after, limit).await
    }
}

/// A directory `CONTOSO` / `contoso.com` in a data directory of its own.
struct Lab {
    directory: EmbeddedDirectory,
    store: Arc<Counting>,
    clock: Arc<ManualClock>,
    _data: tempfile::TempDir,
}

fn lab() -> Lab {
    lab_with(|_| {})
}

fn lab_with(change: impl FnOnce(&mut EmbeddedOptions)) -> Lab {
    let data = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(data.path()).unwrap();
    let store = Arc::new(Counting { store, lists: AtomicUsize::new(0), reads: AtomicUsize::new(0) });
    let clock = Arc::new(ManualClock::new(Timestamp::parse_xml("2030-01-02T03:04:05Z").unwrap()));
    let mut options = EmbeddedOptions::new("CONTOSO", "contoso.com");
    options.cost = CHEAP;
    change(&mut options);
    let random = Arc::new(SeededRandom::new(7));
    let directory = EmbeddedDirectory::new(store.clone(), clock.clone(), random, options).unwrap();
    Lab { directory, store, clock, _data: data }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn user(sam: &str) -> NewUser {
    NewUser {
        sam_account_name: sam.to_owned(),
        user_principal_name: format!("{sam}@example.com"),
        display_name: format!("User {sam}"),
        password: NewPassword::Plain(secret("Passw0rd!")),
        disabled: false,
        must_change_password: false,
        groups: vec![],
        attributes: BTreeMap::new(),
        object_guid: None,
        object_sid: None,
    }
}

fn group(sam: &str, groups: &[&str]) -> NewGroup {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    NewGroup { sam_account_name: sam.to_owned(), groups, object_sid: None }
}

impl Lab {
    async fn add(&self, change: impl FnOnce(&mut NewUser)) -> configuration::DirectoryUser {
        let mut new = user("Kim");
        change(&mut new);
        self.directory.create_user(new, "test").await.unwrap()
    }

    async fn add_group(&self, sam: &str, groups: &[&str]) -> DirectoryGroup {
        self.directory.create_group(group(sam, groups), "test").await.unwrap()
    }

    async fn check(&self, user: &str, password: &str) -> PasswordCheck {
        self.directory.check_password(user, &secret(password)).await.unwrap()
    }

    async fn right(&self, user: &str) -> Subject {
        match self.check(user, "Passw0rd!").await {
            PasswordCheck::Right(subject) => subject,
            other => panic!("{user}: {other:?}"),
        }
    }

    async fn query(
        &self,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Vec<Vec<String>>>, DirectoryError> {
        let attributes = attributes.iter().map(|attribute| (*attribute).to_owned()).collect();
        let query = AttributeQuery { filter: filter.to_owned(), attributes, domain: "contoso".to_owned() };
        self.directory.query(&query).await
    }

    /// The values of one attribute of the only row.
    async fn one(&self, filter: &str, attribute: &str) -> Vec<String> {
        let mut rows = self.query(filter, &[attribute]).await.unwrap();
        assert_eq!(rows.len(), 1, "{filter}");
        rows.remove(0).remove(0)
    }
}

fn values<'a>(subject: &'a Subject, claim_type: &str) -> Vec<&'a str> {
    let wanted = subject.claims.iter().filter(|claim| &*claim.claim_type == claim_type);
    wanted.map(|claim| &*claim.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_name_signs_in_the_same_account_with_its_claims() {
    let lab = lab();
    let ops = lab.add_group("Ops", &[]).await;
    let made = lab.add(|user| user.groups = vec!["ops".into()]).await;
    for name in
        ["Kim@Example.com", "CONTOSO\\kim", "contoso.com\\KIM", "kim@contoso.com", " kim@example.com "]
    {
        let subject = lab.right(name).await;
        assert_eq!(subject.account_name, "CONTOSO\\Kim");
        assert_eq!((subject.upn.as_str(), subject.display_name.as_str()), ("Kim@example.com", "User Kim"));
        assert_eq!(subject.password_last_set, lab.clock.now());
        let primary = format!("{}-513", made.object_sid.rsplit_once('-').unwrap().0);
        for (claim_type, expected) in [
            (types::NAME, vec!["CONTOSO\\Kim"]),
            (types::WINDOWS_ACCOUNT_NAME, vec!["CONTOSO\\Kim"]),
            (types::UPN, vec!["Kim@example.com"]),
            (types::IMPLICIT_UPN, vec!["Kim@contoso.com"]),
            (types::PRIMARY_SID, vec![made.object_sid.as_str()]),
            (types::PRIMARY_GROUP_SID, vec![primary.as_str()]),
            (types::GROUP_SID, vec![primary.as_str(), ops.object_sid.as_str()]),
        ] {
            assert_eq!(values(&subject, claim_type), expected, "{claim_type}");
        }
        assert!(subject.claims.iter().all(|claim| &*claim.issuer == "AD AUTHORITY"));
    }
}

/// Security case 67.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_gets_the_answer_and_costs_the_hash_of_a_wrong_password() {
    let lab = lab();
    lab.add(|_| {}).await;
    lab.add(|user| {
        user.sam_account_name = "off".into();
        user.user_principal_name = "off@example.com".into();
        user.disabled = true;
    })
    .await;
    let long = "x".repeat(100_000);
    for (name, password) in [
        ("kim@example.com", "wrong"),
        ("kim@example.com", ""),
        ("kim@example.com", long.as_str()),
        ("off@example.com", "wrong"),
        ("nobody@example.com", "Passw0rd!"),
        ("nobody@contoso.com", "Passw0rd!"),
        ("CONTOSO\\nobody", "Passw0rd!"),
        ("OTHER\\kim", "Passw0rd!"),
        ("kim", "Passw0rd!"),
        ("", "Passw0rd!"),
        (long.as_str(), "Passw0rd!"),
        ("kim@example.com\0", "Passw0rd!"),
        ("kim@example.com\u{202e}", "Passw0rd!"),
    ] {
        let before = lab.directory.hasher.made();
        assert_eq!(lab.check(name, password).await, PasswordCheck::Wrong);
        assert_eq!(lab.directory.hasher.made() - before, 1, "{}", name.chars().take(40).collect::<String>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_lacks_is_told_only_after_the_right_password() {
    let lab = lab();
    lab.add(|user| user.disabled = true).await;
    assert_eq!(lab.check("kim@example.com", "Passw0rd!").await, PasswordCheck::Disabled);
    assert_eq!(lab.check("kim@example.com", "wrong").await, PasswordCheck::Wrong);
    lab.add(|new| {
        *new = user("lee");
        new.must_change_password = true;
    })
    .await;
    assert!(matches!(lab.check("lee@example.com", "Passw0rd!").await, PasswordCheck::MustChange(_)));
    assert_eq!(lab.check("lee@example.com", "wrong").await, PasswordCheck::Wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_only_with_the_old_one_and_by_the_rules() {
    let lab = lab();
    lab.add(|user| user.must_change_password = true).await;
    let change = async |user: &str, old: &str, new: &str| {
        lab.directory.change_password(user, &secret(old), &secret(new)).await.unwrap()
    };
    let name = "kim@example.com";
    assert_eq!(change(name, "wrong", "An0ther one").await, PasswordChange::Refused);
    assert_eq!(change("nobody@example.com", "Passw0rd!", "An0ther one").await, PasswordChange::Refused);
    for new in ["short", "Passw0rd!", "my name is KIM", "x".repeat(2_000).as_str()] {
        assert!(matches!(change(name, "Passw0rd!", new).await, PasswordChange::TooWeak(_)), "{new}");
    }
    lab.clock.advance(Duration::from_secs(60));
    assert_eq!(change(name, "Passw0rd!", "合言葉は秘密です").await, PasswordChange::Changed);
    assert_eq!(lab.check(name, "Passw0rd!").await, PasswordCheck::Wrong);
    match lab.check(name, "合言葉は秘密です").await {
        PasswordCheck::Right(subject) => assert_eq!(subject.password_last_set, lab.clock.now()),
        other => panic!("{other:?}"),
    }
    lab.add(|new| {
        *new = user("off");
        new.disabled = true;
    })
    .await;
    assert_eq!(change("off@example.com", "Passw0rd!", "An0ther one").await, PasswordChange::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_under_one_name_whatever_was_typed() {
    let lab = lab();
    lab.add(|_| {}).await;
    for name in ["KIM@example.com", "contoso\\kim", "kim@contoso.com"] {
        assert_eq!(lab.directory.account_key(name).await.unwrap(), "contoso\\kim");
    }
    // A name that is nobody's has a key that no account can have.
    for (name, key) in
        [("Nobody@Example.com", "?nobody@example.com"), ("kim", "?kim"), ("OTHER\\kim", "?other\\kim")]
    {
        assert_eq!(lab.directory.account_key(name).await.unwrap(), key);
    }
    assert_eq!(lab.directory.account_key(&"x".repeat(100_000)).await.unwrap().len(), 257);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_within_groups_are_followed_once_even_in_a_circle() {
    let lab = lab();
    let outer = lab.add_group("Outer", &[]).await;
    let middle = lab.add_group("Middle", &["Outer"]).await;
    let inner = lab.add_group("Inner", &["Middle", "Outer"]).await;
    let document = lab.store.get(Kind::DirectoryGroup, &outer.object_sid).await.unwrap().unwrap();
    let mut changed = outer.clone();
    changed.member_of = vec![inner.object_sid.clone(), "S-1-5-21-1-2-3-9999".into()];
    let operation = Operation::Put {
        kind: Kind::DirectoryGroup,
        id: outer.object_sid.clone(),
        expected: document.version,
        body: serde_json::to_value(&changed).unwrap(),
        keys: vec![("sid", outer.object_sid.clone()), ("sam", "outer".into())],
    };
    lab.directory.write(vec![operation], "test").await.unwrap();
    lab.add(|user| user.groups = vec![inner.object_sid.clone()]).await;
    let subject = lab.right("kim@example.com").await;
    let mut sids = values(&subject, types::GROUP_SID)[1..].to_vec();
    sids.sort_unstable();
    let mut expected = vec![
        inner.object_sid.as_str(),
        middle.object_sid.as_str(),
        outer.object_sid.as_str(),
        "S-1-5-21-1-2-3-9999",
    ];
    expected.sort_unstable();
    assert_eq!(sids, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_group_is_seen_at_the_next_sign_in_and_resident_groups_are_not_read_again() {
    let lab = lab();
    let ops = lab.add_group("Ops", &[]).await;
    lab.add(|user| user.groups = vec!["Ops".into()]).await;
    lab.right("kim@example.com").await;
    let before = lab.store.reads.load(Ordering::SeqCst);
    lab.right("kim@example.com").await;
    assert_eq!(lab.store.reads.load(Ordering::SeqCst) - before, 1, "only the user is read");

    let all = lab.add_group("All", &[]).await;
    let mut changed = ops.clone();
    changed.member_of.push(all.object_sid.clone());
    let operation = Operation::Put {
        kind: Kind::DirectoryGroup,
        id: ops.object_sid.clone(),
        expected: 1,
        body: serde_json::to_value(&changed).unwrap(),
        keys: vec![("sid", ops.object_sid), ("sam", "ops".into())],
    };
    lab.directory.write(vec![operation], "test").await.unwrap();
    let subject = lab.right("kim@example.com").await;
    assert!(values(&subject, types::GROUP_SID).contains(&all.object_sid.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_too_many_groups_is_not_signed_in_with_some_of_them() {
    let lab = lab();
    let mut made = lab.add(|_| {}).await;
    made.member_of = (0..2_000).map(|n| format!("S-1-5-21-1-2-3-{n}")).collect();
    let operation = create::put_user(&made, 1).unwrap();
    lab.directory.write(vec![operation], "test").await.unwrap();
    let result = lab.directory.check_password("kim@example.com", &secret("Passw0rd!")).await;
    assert!(matches!(result, Err(DirectoryError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_checks_than_may_wait_are_busy() {
    let lab = Arc::new(lab_with(|options| {
        options.cost = HashCost { memory_kib: 8 * 1024, passes: 2, lanes: 1 };
        (options.threads, options.queue) = (1, 2);
    }));
    let checks: Vec<_> = (0..20)
        .map(|_| {
            let lab = lab.clone();
            tokio::spawn(
                async move { lab.directory.check_password("nobody@example.com", &secret("x")).await },
            )
        })
        .collect();
    let (mut busy, mut wrong) = (0, 0);
    for check in checks {
        match check.await.unwrap() {
            Ok(PasswordCheck::Wrong) => wrong += 1,
            Err(DirectoryError::Busy { .. }) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(busy > 0 && wrong >= 3, "{busy} busy, {wrong} wrong");
}

/// A directory with Joe as the reference's test table has him.
async fn joe() -> Lab {
    let lab = lab();
    lab.add_group("Everyone", &[]).await;
    lab.add_group("Ops", &["Everyone"]).await;
    lab.add_group("AWS-Dev", &[]).await;
    lab.add(|new| {
        *new = user("joe");
        new.display_name = "Joe (Ops)".into();
        new.groups = vec!["Ops".into(), "AWS-Dev".into()];
        new.object_guid = "03020100-0504-0706-0809-0a0b0c0d0e0f".parse().ok();
        new.object_sid = Some("S-1-5-21-1-2-3-1104".into());
        new.attributes = BTreeMap::from([
            ("mail".to_owned(), vec!["Joe@C.com".to_owned()]),
            ("proxyAddresses".to_owned(), vec!["p1".to_owned(), "p2".to_owned()]),
        ]);
    })
    .await;
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_have_the_values_of_active_directory() {
    let lab = joe().await;
    for (attribute, expected) in [
        ("mail", vec!["Joe@C.com"]),
        ("MAIL", vec!["Joe@C.com"]),
        ("title", vec![]),
        ("proxyaddresses", vec!["p1", "p2"]),
        ("sAMAccountName", vec!["joe"]),
        ("cn", vec!["joe"]),
        ("displayName", vec!["Joe (Ops)"]),
        ("distinguishedName", vec!["CN=joe,CN=Users,DC=contoso,DC=com"]),
        ("objectGUID", vec!["AAECAwQFBgcICQoLDA0ODw=="]),
        ("objectSid", vec!["S-1-5-21-1-2-3-1104"]),
        ("primaryGroupID", vec!["513"]),
        ("userAccountControl", vec!["512"]),
        ("pwdLastSet", vec!["135380270450000000"]),
        ("memberOf", vec!["CN=Ops,CN=Users,DC=contoso,DC=com", "CN=AWS-Dev,CN=Users,DC=contoso,DC=com"]),
        ("tokenGroups", vec!["Ops", "AWS-Dev", "Everyone"]),
        ("tokenGroups(domainQualifiedName)", vec!["CONTOSO\\Ops", "CONTOSO\\AWS-Dev", "CONTOSO\\Everyone"]),
        (
            "tokengroups(longDomainQualifiedName)",
            vec!["contoso.com\\Ops", "contoso.com\\AWS-Dev", "contoso.com\\Everyone"],
        ),
        ("unicodePwd", vec![]),
        ("passwordHash", vec![]),
    ] {
        assert_eq!(lab.one("samAccountName=JOE", attribute).await, expected, "{attribute}");
    }
    assert_eq!(lab.one("samAccountName=joe", "tokenGroups(SID)").await.len(), 4);
    let row = lab.query("samAccountName=joe", &["mail", "title", "cn"]).await.unwrap().remove(0);
    assert_eq!(row, [vec!["Joe@C.com".to_owned()], vec![], vec!["joe".to_owned()]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn usual_queries_are_answered_from_an_index() {
    let lab = joe().await;
    for (filter, found) in [
        ("samAccountName=joe", 1),
        ("(&(objectClass=user)(sAMAccountName=joe))", 1),
        ("(&(objectClass=group)(sAMAccountName=joe))", 0),
        ("(userPrincipalName=JOE@example.com)", 1),
        ("(mail=joe@c.com)", 1),
        ("(&(mail=joe@c.com)(title=x))", 0),
        ("(|(mail=joe@c.com)(samAccountName=joe)(upn=x))", 1),
        ("(objectSid=S-1-5-21-1-2-3-1104)", 1),
        (
            "(objectSid=\\01\\05\\00\\00\\00\\00\\00\\05\\15\\00\\00\\00\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\50\\04\\00\\00)",
            1,
        ),
        ("(objectGUID=\\00\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\0f)", 1),
        ("(distinguishedName=cn=Joe,cn=users,dc=Contoso,dc=com)", 1),
        ("(distinguishedName=CN=nobody,CN=Users,DC=contoso,DC=com)", 0),
        ("(member=CN=joe,CN=Users,DC=contoso,DC=com)", 2),
        ("(member:1.2.840.113556.1.4.1941:=CN=joe,CN=Users,DC=contoso,DC=com)", 3),
        ("(&(samAccountName=joe)(memberOf=CN=Ops,CN=Users,DC=contoso,DC=com))", 1),
        ("(&(samAccountName=joe)(memberOf=CN=Everyone,CN=Users,DC=contoso,DC=com))", 0),
        (
            "(&(samAccountName=joe)(memberOf:1.2.840.113556.1.4.1941:=CN=Everyone,CN=Users,DC=contoso,DC=com))",
            1,
        ),
        ("(&(mail=joe@c.com)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", 1),
        ("(samAccountName=\\2a)", 0),
    ] {
        let lists = lab.store.lists.load(Ordering::SeqCst);
        let rows = lab.query(filter, &["cn"]).await.unwrap();
        if filter.contains("(upn=x)") {
            // An attribute without an index under an `or` needs all objects.
            assert!(lab.store.lists.load(Ordering::SeqCst) > lists);
        } else {
            assert_eq!(lab.store.lists.load(Ordering::SeqCst), lists, "{filter}");
        }
        assert_eq!(rows.len(), found, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_queries_look_at_all_objects_up_to_a_bound_and_say_so() {
    let lab = joe().await;
    lab.add(|_| {}).await;
    for (filter, found) in [
        ("(displayName=*ops*)", 1),
        ("(objectClass=user)", 2),
        ("(objectClass=group)", 3),
        ("(!(mail=*))", 4),
        ("(memberOf=CN=Ops,CN=Users,DC=contoso,DC=com)", 1),
        ("(memberOf:1.2.840.113556.1.4.1941:=CN=Everyone,CN=Users,DC=contoso,DC=com)", 2),
        ("(pwdLastSet>=135380270450000000)", 2),
        ("(proxyAddresses=p*)", 1),
    ] {
        assert_eq!(lab.query(filter, &["cn"]).await.unwrap().len(), found, "{filter}");
    }
    let hash = lab.directory.hash_password(&secret("x")).await.unwrap();
    let many = |range: std::ops::Range<u32>| {
        range
            .map(|n| NewUser { password: NewPassword::Hashed(hash.clone()), ..user(&format!("u{n}")) })
            .collect()
    };
    lab.directory.create_users(many(0..1_000), "test").await.unwrap();
    let error = lab.query("(objectClass=user)", &["cn"]).await.unwrap_err().to_string();
    assert!(error.contains("more than 1000 objects match"), "{error}");
    lab.directory.create_users(many(1_000..10_000), "test").await.unwrap();
    let error = lab.query("(displayName=User u1)", &["cn"]).await.unwrap_err().to_string();
    assert!(error.contains("more than 10000 objects"), "{error}");
    assert_eq!(lab.query("(sAMAccountName=u1)", &["cn"]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_cannot_be_answered_are_errors() {
    let lab = joe().await;
    for (filter, attribute) in [("(mail=", "cn"), ("(cn:1.2.3.4:=x)", "cn"), ("samAccountName=Ops", "member")]
    {
        assert!(matches!(lab.query(filter, &[attribute]).await, Err(DirectoryError::Query(_))), "{filter}");
    }
    let query =
        AttributeQuery { filter: "mail=x".into(), attributes: vec!["cn".into()], domain: "OTHER".into() };
    assert!(matches!(lab.directory.query(&query).await, Err(DirectoryError::Query(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_and_bad_values_change_nothing() {
    let lab = joe().await;
    let problems = async |change: &dyn Fn(&mut NewUser)| {
        let mut new = user("new");
        change(&mut new);
        match lab.directory.create_user(new, "test").await {
            Err(error) => error.to_string(),
            Ok(made) => panic!("{made:?}"),
        }
    };
    let mail = |new: &mut NewUser| {
        new.attributes.insert("mail".into(), vec!["JOE@c.com".into()]);
    };
    for (change, expected) in [
        (&(|new: &mut NewUser| new.sam_account_name = "JOE".into()) as &dyn Fn(&mut NewUser), "sam"),
        (&|new: &mut NewUser| new.sam_account_name = "ops".into(), "sAMAccountName: 'ops' is already used"),
        (&|new: &mut NewUser| new.user_principal_name = "Joe@Example.com".into(), "upn"),
        (&mail, "mail"),
        (&|new: &mut NewUser| new.object_sid = Some("S-1-5-21-1-2-3-1104".into()), "sid"),
        (&|new: &mut NewUser| new.sam_account_name = "a\\b".into(), "sAMAccountName"),
        (&|new: &mut NewUser| new.sam_account_name = "x".repeat(21), "sAMAccountName"),
        (&|new: &mut NewUser| new.user_principal_name = "a@b@c".into(), "userPrincipalName"),
        (&|new: &mut NewUser| new.display_name = " ".into(), "displayName"),
        (&|new: &mut NewUser| new.groups = vec!["Nowhere".into()], "memberOf: 'Nowhere' is no group"),
        (&|new: &mut NewUser| new.object_sid = Some("x".into()), "objectSid"),
        (&|new: &mut NewUser| new.password = NewPassword::Hashed("plain".into()), "passwordHash: '(hidden)'"),
        (
            &|new: &mut NewUser| {
                new.attributes.insert("objectSid".into(), vec!["S-1-1-0".into()]);
            },
            "attributes: 'objectSid'",
        ),
    ] {
        let error = problems(change).await;
        assert!(error.contains(expected), "{error}: {expected}");
    }
    assert_eq!(lab.query("samAccountName=new", &["cn"]).await.unwrap().len(), 0);
    // All or none.
    let both = lab.directory.create_users(vec![user("new"), user("joe")], "test").await;
    assert!(both.is_err());
    assert_eq!(lab.query("samAccountName=new", &["cn"]).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_made_together_sign_in_and_no_password_is_stored() {
    let lab = lab();
    let hash = lab.directory.hash_password(&secret("Passw0rd!")).await.unwrap();
    let mut users: Vec<NewUser> = (0..5).map(|n| user(&format!("user{n}"))).collect();
    users[4].password = NewPassword::Hashed(hash);
    lab.directory.create_users(users, "test").await.unwrap();
    for number in 0..5 {
        lab.right(&format!("user{number}@example.com")).await;
    }
    let changes = lab.store.changes(0, 100).await.unwrap();
    assert_eq!(changes.len(), 5);
    assert!(changes.iter().all(|change| !format!("{:?}", change.body).contains("Passw0rd!")));
}
