//! Elements in exclusive canonical form. Attributes are given in canonical order: namespace declarations,
//! then by name.

use xml::write;

/// Appends a start tag.
pub(crate) fn start(out: &mut String, name: &str, attributes: &[(&str, &str)]) {
    out.push('<');
    out.push_str(name);
    for (name, value) in attributes {
        write::attribute(out, name, value);
    }
    out.push('>');
}

/// Appends an end tag.
pub(crate) fn end(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends an element that holds text only.
pub(crate) fn leaf(out: &mut String, name: &str, attributes: &[(&str, &str)], text: &str) {
    start(out, name, attributes);
    write::text(out, text);
    end(out, name);
}
