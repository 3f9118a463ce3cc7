//! XML as text: reading, and canonical form.

use xml::c14n::{Form, Method, canonicalize};
use xml::{Document, Element, Limits, XmlError, decode};

/// Pieces that have broken readers before.
pub(crate) const PIECES: &[&str] = &[
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
    " xmlns=\"\"",
    " xmlns:saml=\"urn:x\"",
    " xmlns:x=\"x\"",
    " xml:id=\"y\"",
    " xml:lang=\"de\"",
    "<!DOCTYPE x>",
    "\u{FEFF}",
    "saml:",
    "xml:",
];

/// Elements of a document at most, by which the bounds of reading are checked once more.
const ELEMENTS: usize = 50_000;

/// Bytes → document → every name, attribute and text of it.
pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    let Ok(document) = Document::parse(&text, &Limits::MESSAGE) else { return false };
    let all = elements(document.root());
    assert!(all.len() <= ELEMENTS);
    for element in all {
        let _ = (element.namespace(), element.local_name(), element.text(), element.attribute("ID"));
    }
    true
}

/// Canonical form is a document that says the same: its own canonical form is itself.
pub(crate) fn canonical_form(input: &[u8]) -> bool {
    let (choice, input) = input.split_first().unwrap_or((&0, &[]));
    let Ok(text) = decode(input, &Limits::MESSAGE) else { return false };
    let Ok(document) = Document::parse(&text, &Limits::MESSAGE) else { return false };
    let form = match choice % 3 {
        0 => Form::Exclusive { prefixes: Vec::new() },
        1 => Form::Exclusive { prefixes: vec!["", "a", "xs"] },
        _ => Form::Inclusive,
    };
    let method = Method { form, comments: choice & 4 != 0 };
    let once = match canonicalize(document.root(), &method, None) {
        Ok(once) => once,
        Err(XmlError::TooLarge { .. }) => return false,
        Err(error) => panic_with(&text, &error.to_string()),
    };
    // Canonical form may be longer than a message may be.
    let again = match Document::parse(&once, &Limits::METADATA) {
        Ok(again) => again,
        Err(error) => panic_with(&once, &error.to_string()),
    };
    let twice = canonicalize(again.root(), &method, None).expect("as long as before");
    assert_eq!(once, twice, "read from {text}");
    true
}

#[allow(clippy::panic, reason = "a target reports by a panic")]
fn panic_with(text: &str, error: &str) -> ! {
    panic!("{error}\n{text}")
}

/// The element and all elements in it.
pub(crate) fn elements<'a, 'i>(element: Element<'a, 'i>) -> Vec<Element<'a, 'i>> {
    let mut found = vec![element];
    let mut at = 0;
    while let Some(element) = found.get(at).copied() {
        found.extend(element.children());
        at += 1;
    }
    found
}
