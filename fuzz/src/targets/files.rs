//! Files: the journal, which must be readable after a crash; certificates and seeds, which people bring.

use std::sync::LazyLock;

use audit::JournalReader;
use base::{ActivityId, Guid, Secret, SeededRandom, Timestamp};
use configuration::{Certificate, CertificateType};
use keys::{Chain, ImportRules, MasterKey, import_pem, import_pfx};

use crate::private::seed::Seed;

pub(crate) const SEED_PIECES: &[&str] = &[
    "\n[[user]]\n",
    "\n[[relying_party]]\n",
    "\n[certificates.token_signing]\n",
    "upn = \"a@b\"\n",
    "password = \"x\"\n",
    "name = \"A\"\n",
    "'''",
    "\"",
    "[",
    "{ a = 1 }",
    "= 99999999999999999999",
    ".",
];

pub(crate) const PEM_PIECES: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "-----BEGIN EC PRIVATE KEY-----\n",
    "Proc-Type: 4,ENCRYPTED\n",
    "-----",
    "\r\n",
    "=",
];

/// The activity of a record in the corpus.
const ACTIVITY: ActivityId = ActivityId(Guid::NIL);

/// A segment of a journal: verified, searched; nothing in it stops either.
pub(crate) fn journal(input: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("00000001.journal"), input).expect("a file");
    let verified = audit::verify(folder.path()).expect("files that can be read");
    let reader = JournalReader::open(folder.path()).expect("a folder that can be read");
    let records = reader.find(ACTIVITY).expect("files that can be read");
    let _ = audit::render(&records);
    verified.problems.is_empty() && verified.records > 0
}

/// A seed file. Its text stands in the error at most in part.
pub(crate) fn seed(input: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), input).expect("a file");
    Seed::read(file.path()).is_ok()
}

static MASTER: LazyLock<MasterKey> = LazyLock::new(|| MasterKey::generate(&SeededRandom::new(1)));

/// 2026-12-01, within the life of the corpus' certificates.
fn rules() -> ImportRules<'static> {
    ImportRules {
        certificate_type: CertificateType::TokenSigning,
        now: Timestamp::from_seconds(1_796_083_200),
        chain: Chain::AsGiven,
    }
}

/// A certificate that was imported opens again as a key that signs.
fn usable(imported: &Certificate) -> bool {
    let key = keys::SigningKey::open(imported, &MASTER).expect("what was imported can be used");
    assert!(key.sign(b"message").is_ok());
    true
}

pub(crate) fn pfx(input: &[u8]) -> bool {
    let password = Secret::new("fuzz".to_owned());
    let imported = import_pfx(input, &password, &rules(), &MASTER, &SeededRandom::new(2));
    imported.is_ok_and(|imported| usable(&imported))
}

pub(crate) fn pem(input: &[u8]) -> bool {
    let imported = import_pem(input, &rules(), &MASTER, &SeededRandom::new(2));
    imported.is_ok_and(|imported| usable(&imported))
}
