//! Awkward documents, made from a seed.

use std::fmt::Write;

use base::SeededRandom;

/// A well-formed document with namespaces, at most six levels deep.
pub(crate) fn document(random: &SeededRandom) -> String {
    let mut out = String::new();
    element(random, &mut out, 0, &[""]);
    out
}

const PREFIXES: [&str; 4] = ["", "a", "b", "c"];
/// No `&` in them: libxml2 2.9 writes that unescaped into namespace declarations, against Canonical XML 1.0, 2.3.
const URIS: [&str; 4] = ["urn:one", "urn:two", "http://x.example/?a=1;b", "urn:%C3%A9"];

fn below(random: &SeededRandom, bound: usize) -> usize {
    usize::try_from(random.next_u64() % 1_000_000).unwrap() % bound
}

fn pick<'t>(random: &SeededRandom, choices: &[&'t str]) -> &'t str {
    choices[below(random, choices.len())]
}

fn name(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

fn element(random: &SeededRandom, out: &mut String, depth: usize, inherited: &[&'static str]) {
    let mut bound = inherited.to_vec();
    let mut tag = String::new();
    for prefix in PREFIXES {
        if below(random, 4) == 0 {
            let uri = if prefix.is_empty() && below(random, 3) == 0 { "" } else { pick(random, &URIS) };
            let attribute = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
            write!(tag, "{}{attribute}=\"{uri}\"", pick(random, &[" ", "\n\t"])).unwrap();
            bound.push(prefix);
        }
    }
    // One attribute for each local name, so two prefixes of one namespace never collide.
    for local in ["x", "y", "ä", "z"] {
        if below(random, 3) == 0 {
            let prefix = pick(random, &bound);
            let value = pick(
                random,
                &["", "plain", "a  b", "\t\n\r\r\n", "&lt;&gt;&amp;&quot;'", "&#9;&#10;&#13;&#x1F600;"],
            );
            write!(tag, " {} = '{}'", name(prefix, local), value.replace('\'', "&apos;")).unwrap();
        }
    }
    if below(random, 6) == 0 {
        tag.push_str(" xml:lang=\"de\"");
    }
    let name = name(pick(random, &bound), pick(random, &["e", "f", "関所"]));
    write!(out, "<{name}{tag}").unwrap();
    let children = below(random, 6);
    if children == 0 && below(random, 2) == 0 {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for _ in 0..children {
        match below(random, 7) {
            0..=2 if depth < 5 => element(random, out, depth + 1, &bound),
            3 => out.push_str(pick(random, &["<!--c-->", "<!-- \r\n -->", "<!---->"])),
            4 => out.push_str(pick(random, &["<?p?>", "<?p  q ?>", "<?p q\r\nr?>"])),
            5 => out.push_str(pick(random, &["<![CDATA[<&>]]>", "<![CDATA[]]>", "<![CDATA[a\rb]]>"])),
            _ => out.push_str(pick(
                random,
                &["text", " \r\n ", "\r", "&#13;", "&#xA;", "\r&amp;", "&lt;&gt;\"'", "]]&gt;", "上杉"],
            )),
        }
    }
    write!(out, "</{name}{}>", pick(random, &["", " ", "\n"])).unwrap();
}
