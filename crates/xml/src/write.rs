//! Writing XML that is already in exclusive canonical form (RFC 3741), so that a signature can be taken over
//! the written bytes without a parser or a tree.
//!
//! The caller writes namespace declarations and attributes in canonical order: declarations by prefix, then
//! attributes by namespace URI and local name. Tests compare with the canonicalizer of this crate.

/// Appends `text` as element content.
pub fn text(out: &mut String, text: &str) {
    escape(out, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Appends ` name="value"`.
pub fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
    out.push('"');
}

/// Whether every character of `text` may stand in an XML 1.0 document (production `Char`).
/// A value that fails this can't be written, not even escaped.
pub fn is_xml_text(text: &str) -> bool {
    // Without a branch in the loop, whole registers of octets are compared at once.
    let printable = text.bytes().fold(true, |so_far, byte| so_far & matches!(byte, b' '..=b'~'));
    printable || text.chars().all(
        |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..),
    )
}

fn escape(out: &mut String, text: &str, replacement: impl Fn(char) -> Option<&'static str>) {
    let mut rest = text;
    while let Some((at, found)) = rest.char_indices().find_map(|(at, c)| replacement(c).map(|r| (at, r))) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push_str(found);
        let mut characters = from.chars();
        characters.next();
        rest = characters.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_and_attributes_are_escaped_as_c14n_wants() {
        let mut out = String::new();
        attribute(&mut out, "a", "x<&>\"'\t\n\r");
        text(&mut out, "x<&>\"'\t\n\r");
        assert_eq!(out, " a=\"x&lt;&amp;>&quot;'&#x9;&#xA;&#xD;\"x&lt;&amp;&gt;\"'\t\n&#xD;");
        assert!(!is_xml_text("\0") && !is_xml_text("\u{FFFF}") && is_xml_text("上杉 謙信"));
    }
}
