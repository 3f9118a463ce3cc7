//! The committed corpora and seeded mutations of them, through every target, on stable Rust.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use fuzz::{Mutator, TARGETS, Target};

/// Mutations of each target's corpus; `SEKISHO_FUZZ_MUTATIONS` asks for another number.
const MUTATIONS: usize = 10_000;

/// Octets of all corpora together at most: they live in the repository.
const LARGEST_CORPORA: u64 = 1024 * 1024;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The inputs of a target, in order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = folder("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files: BTreeSet<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Keeps an input that stopped a target: dropped while panicking, it writes it down and says where.
struct Keep<'a> {
    target: &'a str,
    input: &'a [u8],
}

impl Drop for Keep<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let file = std::env::temp_dir().join(format!("sekisho-fuzz-{}", self.target));
            let written = fs::write(&file, self.input);
            eprintln!("the input that stopped {} is in {}: {written:?}", self.target, file.display());
        }
    }
}

fn run(target: &Target, input: &[u8]) -> bool {
    let _keep = Keep { target: target.name, input };
    (target.run)(input)
}

fn mutations() -> usize {
    let asked = std::env::var("SEKISHO_FUZZ_MUTATIONS").ok();
    asked.map_or(MUTATIONS, |asked| asked.parse().expect("SEKISHO_FUZZ_MUTATIONS is a number"))
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = corpus(name);
    let (started, mutations) = (Instant::now(), mutations());
    let taken = inputs.iter().filter(|input| run(target, input)).count();
    assert!(taken > 0, "nothing of the corpus gets through, so its mutations would show nothing");
    // Another seed for each target, the same at each run.
    let seed = name.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mutator = Mutator::new(seed, &inputs, target.pieces);
    let taken = (0..mutations).filter(|_| run(target, &mutator.next_input())).count();
    let took = started.elapsed().as_millis();
    println!("{name}: {} inputs, {taken} of {mutations} mutations taken, {took} ms", inputs.len());
    // Neither everything nor nothing gets through, or this would show nothing.
    assert!(taken > 0 && taken < mutations, "{taken} of {mutations} mutations were taken");
}

macro_rules! replays {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[test]
        fn $name() {
            replay(stringify!($name));
        })*

        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

replays! {
    /// Security case 102.
    xml_read
    /// Security cases 11 and 102.
    xml_canonical_form
    /// Security cases 1 to 12 and 102: what is believed is what was signed.
    xml_verify
    token
    /// Security case 102: whatever is believed is what was signed.
    saml_response
    /// Security case 102: whatever is believed is what was signed.
    ws_federation_response
    /// Security cases 37 and 102.
    ws_federation_request
    /// Security cases 28 and 102.
    saml_redirect
    /// Security case 102.
    saml_post
    /// Security cases 29 and 102.
    saml_deflated
    saml_request
    metadata
    claim_rules
    claim_pattern
    store_query
    form
    cookies
    sealed_cookie
    session
    request_head
    journal
    seed_file
    pfx
    pem
}

/// A target without a test, a corpus or a program would not be noticed otherwise.
#[test]
fn every_target_has_a_test_a_corpus_and_a_program() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(REPLAYED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
    let entries = fs::read_dir(folder("corpus")).unwrap();
    let corpora = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(corpora.collect::<BTreeSet<_>>(), targets);
    let manifest = fs::read_to_string(folder("libfuzzer/Cargo.toml")).unwrap();
    let programs = manifest.lines().filter_map(|line| line.strip_prefix("    { name = \""));
    let programs = programs.map(|line| line.split('"').next().unwrap_or_default().to_owned());
    assert_eq!(programs.collect::<BTreeSet<_>>(), targets);
}

#[test]
fn the_corpora_are_small() {
    let sizes = TARGETS.iter().flat_map(|target| corpus(target.name)).map(|input| input.len() as u64);
    let sum: u64 = sizes.sum();
    assert!(sum < LARGEST_CORPORA, "{sum} octets");
}
