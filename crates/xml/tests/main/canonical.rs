//! Canonical form against its recommendations, against libxml2, and against itself.

use base::SeededRandom;
use xml::c14n::{Form, Method, canonicalize};
use xml::{Document, Limits, decode};

use crate::generator;
use crate::support::{elements, installed, parse, run};

fn exclusive(prefixes: &[&'static str], comments: bool) -> Method<'static> {
    Method { form: Form::Exclusive { prefixes: prefixes.to_vec() }, comments }
}

const INCLUSIVE: Method<'static> = Method { form: Form::Inclusive, comments: false };

/// The canonical form of the first element with that local name.
fn of(text: &str, local: &str, method: &Method<'_>) -> String {
    let text = decode(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let document = parse(&text);
    let found = elements(document.root()).into_iter().find(|element| element.local_name() == local).unwrap();
    canonicalize(found, method, None).unwrap()
}

#[test]
fn tags_attributes_and_characters_are_written_as_canonical_xml_2_wants() {
    let text = "<r  xmlns:b='urn:b' xmlns:a='urn:z' b:y='1' a:x='2' z='3' y=\"'&#9;&#10;&#13;&quot;\" xmlns='u:&amp;&quot;'\n><e/>\
                x &gt; &#13;\u{e9}<![CDATA[<&>]]><?pi  v ?><?q?><!-- c --></r >";
    assert_eq!(
        of(text, "r", &exclusive(&[], true)),
        "<r xmlns=\"u:&amp;&quot;\" xmlns:a=\"urn:z\" xmlns:b=\"urn:b\" y=\"'&#x9;&#xA;&#xD;&quot;\" z=\"3\" b:y=\"1\" a:x=\"2\">\
         <e></e>x &gt; &#xD;\u{e9}&lt;&amp;&gt;<?pi v ?><?q?><!-- c --></r>"
    );
    assert!(!of(text, "r", &exclusive(&[], false)).contains("<!--"));
}

#[test]
fn exclusive_form_declares_what_is_used_where_it_is_used() {
    // RFC 3741, 2.2: the envelope does not change the part.
    for envelope in [
        "<n0:p xmlns:n0='urn:a'>",
        "<n2:p xmlns:n0='urn:a' xmlns:n2='urn:n2' xml:lang='fr' n2:t='' xmlns='urn:x'>",
    ] {
        let end = if envelope.starts_with("<n0") { "</n0:p>" } else { "</n2:p>" };
        let text =
            format!("{envelope}<n1:e xmlns:n1='urn:e' xmlns:n3='urn:3'><n3:s xmlns:n3='urn:3'/></n1:e>{end}");
        assert_eq!(
            of(&text, "e", &exclusive(&[], false)),
            "<n1:e xmlns:n1=\"urn:e\"><n3:s xmlns:n3=\"urn:3\"></n3:s></n1:e>"
        );
    }
}

#[test]
fn a_default_namespace_is_taken_back_where_an_element_has_none() {
    let text = "<a xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'/><p:d xmlns:p='urn:p' t=''/></b></a>";
    let expected = "<a xmlns=\"urn:a\"><b xmlns=\"\"><c xmlns=\"urn:a\"></c><p:d xmlns:p=\"urn:p\" t=\"\"></p:d></b></a>";
    assert_eq!(of(text, "a", &exclusive(&[], false)), expected);
    assert_eq!(of(text, "a", &INCLUSIVE), expected);
    assert_eq!(of(text, "b", &exclusive(&[], false)), of(text, "b", &INCLUSIVE));
    assert!(of(text, "b", &INCLUSIVE).starts_with("<b><c xmlns=\"urn:a\">"));
    // Not used, so neither declared nor taken back.
    let text = "<p:a xmlns='urn:a' xmlns:p='urn:p'><p:b xmlns=''/></p:a>";
    assert_eq!(of(text, "a", &exclusive(&[], false)), "<p:a xmlns:p=\"urn:p\"><p:b></p:b></p:a>");
    assert_eq!(
        of(text, "a", &INCLUSIVE),
        "<p:a xmlns=\"urn:a\" xmlns:p=\"urn:p\"><p:b xmlns=\"\"></p:b></p:a>"
    );
}

#[test]
fn a_prefix_list_makes_its_prefixes_inclusive() {
    let text = "<r xmlns='urn:d' xmlns:xs='urn:xs' xmlns:q='urn:q'><q:e t='xs:string'><q:f xmlns:xs='urn:other'/></q:e></r>";
    assert_eq!(
        of(text, "e", &exclusive(&[], false)),
        "<q:e xmlns:q=\"urn:q\" t=\"xs:string\"><q:f></q:f></q:e>"
    );
    assert_eq!(
        of(text, "e", &exclusive(&["xs", "absent", "xml"], false)),
        "<q:e xmlns:q=\"urn:q\" xmlns:xs=\"urn:xs\" t=\"xs:string\"><q:f xmlns:xs=\"urn:other\"></q:f></q:e>"
    );
    assert_eq!(
        of(text, "e", &exclusive(&[""], false)),
        "<q:e xmlns=\"urn:d\" xmlns:q=\"urn:q\" t=\"xs:string\"><q:f></q:f></q:e>"
    );
}

#[test]
fn inclusive_form_takes_declarations_and_xml_attributes_from_above() {
    let text = "<r xmlns:u='urn:u' xml:lang='de' xml:space='default'><m xml:lang='fr'><e xml:space='preserve' t=''><f/></e></m></r>";
    assert_eq!(
        of(text, "e", &INCLUSIVE),
        "<e xmlns:u=\"urn:u\" t=\"\" xml:lang=\"fr\" xml:space=\"preserve\"><f></f></e>"
    );
    assert_eq!(of(text, "e", &exclusive(&[], false)), "<e t=\"\" xml:space=\"preserve\"><f></f></e>");
}

#[test]
fn an_omitted_child_leaves_no_trace() {
    let document = parse("<r xmlns:p='urn:p'>x<p:s><r/>y</p:s>z</r>");
    let omitted = document.root().child("urn:p", "s").unwrap();
    assert_eq!(canonicalize(document.root(), &Method::EXCLUSIVE, omitted).unwrap(), "<r>xz</r>");
}

/// A long namespace name that is declared once and used by many elements is written once for each of them.
#[test]
fn canonical_form_is_bounded() {
    let uri = "u:".to_owned() + &"x".repeat(500_000);
    let text = format!("<r xmlns:p='{uri}'>{}</r>", "<p:e/>".repeat(40_000));
    let document = parse(&text);
    let error = canonicalize(document.root(), &Method::EXCLUSIVE, None).unwrap_err();
    assert_eq!(error.code(), "xml-too-large");
}

#[test]
fn canonical_form_of_canonical_form_is_itself() {
    let random = SeededRandom::new(3);
    for _ in 0..2000 {
        let text = generator::document(&random);
        let text = decode(text.as_bytes(), &Limits::MESSAGE).unwrap();
        let document = parse(&text);
        for method in [exclusive(&[], true), exclusive(&["a", ""], false), INCLUSIVE] {
            for element in elements(document.root()) {
                let once = canonicalize(element, &method, None).unwrap();
                let again =
                    Document::parse(&once, &Limits::MESSAGE).unwrap_or_else(|e| panic!("{e}\n{once}"));
                assert_eq!(canonicalize(again.root(), &method, None).unwrap(), once, "from {text}");
            }
        }
    }
}

/// Security case 11: another parser and another canonicalizer read the same text.
#[test]
fn libxml2_writes_the_same_canonical_form() {
    if !installed("xmllint") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("document.xml");
    let random = SeededRandom::new(7);
    for _ in 0..150 {
        let text = generator::document(&random);
        std::fs::write(&file, &text).unwrap();
        let form = Form::Inclusive;
        for (option, method) in
            [("--exc-c14n", exclusive(&[], true)), ("--c14n", Method { form, comments: true })]
        {
            let output = run("xmllint", &["--nonet", option, file.to_str().unwrap()]);
            assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
            let decoded = decode(text.as_bytes(), &Limits::MESSAGE).unwrap();
            let ours = canonicalize(parse(&decoded).root(), &method, None).unwrap();
            // xmllint ends its output with a line feed.
            let theirs = String::from_utf8(output.stdout).unwrap();
            assert_eq!(ours, theirs.trim_end_matches('\n'), "{option} of {text}");
        }
    }
}
