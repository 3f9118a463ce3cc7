//! Thousands of damaged messages: none may stop the reader, and none may be believed unless what was signed is
//! still what is read.

use base::SeededRandom;
use xml::c14n::{Method, canonicalize};
use xml::{Document, Limits, decode, verify};

use crate::signer::{DS, PARTNER, STRICT, assertion, response};
use crate::support::elements;

/// Pieces that have broken readers before.
const PIECES: [&str; 24] = [
    "<!---->",
    "<!-- x -->",
    "<?x?>",
    "<![CDATA[]]>",
    "<![CDATA[x]]>",
    "]]>",
    "&#13;",
    "\r",
    "\r\n",
    " ",
    "&#x0;",
    "&amp;",
    "<x/>",
    "<x>",
    "</x>",
    " ID=\"_a\"",
    " Id=\"_r\"",
    " xmlns=\"urn:x\"",
    " xmlns:saml=\"urn:x\"",
    " xmlns:x=\"x\"",
    " xml:id=\"y\"",
    "<!DOCTYPE x>",
    "\u{FEFF}",
    "saml:",
];

fn below(random: &SeededRandom, bound: usize) -> usize {
    usize::try_from(random.next_u64() % bound as u64).unwrap()
}

fn mutate(random: &SeededRandom, bytes: &mut Vec<u8>) {
    let at = below(random, bytes.len());
    let length = 1 + below(random, 1 << below(random, 10));
    let end = (at + length).min(bytes.len());
    match below(random, 6) {
        0 => bytes[at] ^= 1 << below(random, 8),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let piece = PIECES[below(random, PIECES.len())].bytes();
            bytes.splice(at..at, piece);
        }
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = below(random, bytes.len());
            bytes.splice(to..to, copy);
        }
        4 => {
            let moved: Vec<u8> = bytes.drain(at..end).collect();
            let to = below(random, bytes.len().max(1)).min(bytes.len());
            bytes.splice(to..to, moved);
        }
        _ => move_element(random, bytes),
    }
}

/// Cuts from one tag to the end of another, and inserts it before a third: these stay well-formed more often.
fn move_element(random: &SeededRandom, bytes: &mut Vec<u8>) {
    let tags: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'<').map(|(i, _)| i).collect();
    let from = below(random, tags.len().max(1));
    let to = (from + 1 + below(random, 12)).min(tags.len().saturating_sub(1));
    if from >= to {
        return;
    }
    let piece = bytes[tags[from]..tags[to]].to_vec();
    if below(random, 2) == 0 {
        bytes.drain(tags[from]..tags[to]);
    }
    let places: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'<').map(|(i, _)| i).collect();
    if let Some(place) = places.get(below(random, places.len().max(1))).copied() {
        bytes.splice(place..place, piece);
    }
}

#[test]
fn no_mutation_is_believed_unless_the_signed_bytes_are_unchanged() {
    let inner = PARTNER.envelop(&assertion("_a", "alice@partner.example"), "_a");
    let outer = response("_r", &inner);
    let message = PARTNER.envelop(&outer, "_r");
    let originals = [assertion("_a", "alice@partner.example"), outer];
    let keys = [PARTNER.verification_key()];
    let random = SeededRandom::new(11);
    let (mut parsed, mut believed, mut refused) = (0, 0, 0);
    for _ in 0..8000 {
        let mut bytes = message.clone().into_bytes();
        for _ in 0..=below(&random, 3) {
            mutate(&random, &mut bytes);
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(text) = decode(&bytes, &Limits::MESSAGE) else { continue };
        let Ok(document) = Document::parse(&text, &Limits::MESSAGE) else { continue };
        parsed += 1;
        for element in elements(document.root()) {
            match verify::enveloped(element, &keys, &STRICT) {
                Ok(verified) => {
                    believed += 1;
                    let signature = element.child(DS, "Signature").unwrap();
                    let bytes = canonicalize(*verified.get(), &Method::EXCLUSIVE, signature).unwrap();
                    assert!(originals.contains(&bytes), "{bytes}\nread from\n{text}");
                }
                Err(error) if error.code() != "signature-missing" => refused += 1,
                Err(_) => {}
            }
        }
    }
    // Neither everything nor nothing got through each door, or this test would show nothing.
    assert!(parsed > 500 && believed > 200 && refused > 200, "{parsed} {believed} {refused}");
}
