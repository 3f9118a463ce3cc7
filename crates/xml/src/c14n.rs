//! Canonical form of an element: Exclusive XML Canonicalization 1.0 (RFC 3741) and, for old partners, Canonical
//! XML 1.0.
//!
//! The walk is a loop, not a recursion. Prefixes are taken from the source text, since canonical form keeps
//! them while the tree does not.

use roxmltree::{NS_XML_URI, Node, NodeType};

use crate::element::Element;
use crate::error::XmlError;
use crate::write;

/// How to canonicalize.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method<'p> {
    /// Which namespace declarations are written.
    pub form: Form<'p>,
    /// Whether comments are kept.
    pub comments: bool,
}

/// Which namespace declarations canonical form writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form<'p> {
    /// Those that an element or its attributes use.
    Exclusive {
        /// `InclusiveNamespaces/@PrefixList`: prefixes treated as in inclusive form; empty for `#default`.
        prefixes: Vec<&'p str>,
    },
    /// All that are in force.
    Inclusive,
}

impl Method<'static> {
    /// Exclusive form without comments: what AD FS signs.
    pub const EXCLUSIVE: Self = Self { form: Form::Exclusive { prefixes: Vec::new() }, comments: false };
}

/// The canonical form of `element` with all it contains, except the child `omitted`.
///
/// # Errors
///
/// [`XmlError::TooLarge`] when the form takes more than four times the document's size limit.
pub fn canonicalize(
    element: Element<'_, '_>,
    method: &Method<'_>,
    omitted: Option<Element<'_, '_>>,
) -> Result<String, XmlError> {
    let limit = element.document.canonical_limit();
    let omitted = omitted.map(|omitted| omitted.node.id());
    let apex = element.node;
    let mut writer = Writer { method, out: String::new(), declared: Vec::new(), marks: Vec::new() };
    let mut node = apex;
    'walk: loop {
        if writer.out.len() > limit {
            return Err(XmlError::TooLarge { size: writer.out.len(), limit });
        }
        if omitted != Some(node.id()) {
            writer.visit(node, node == apex);
            if let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            writer.leave(node);
        }
        while node != apex {
            if let Some(next) = node.next_sibling() {
                node = next;
                continue 'walk;
            }
            // A node below the apex has a parent; without one the walk would be over all the same.
            let Some(parent) = node.parent() else { break };
            node = parent;
            writer.leave(node);
        }
        return Ok(writer.out);
    }
}

struct Writer<'m, 'p, 'a> {
    method: &'m Method<'p>,
    out: String,
    /// Prefix and namespace name of the declarations written by the elements that are open.
    declared: Vec<(&'a str, &'a str)>,
    /// For each open element, how many of `declared` stood before it.
    marks: Vec<usize>,
}

impl<'a> Writer<'_, '_, 'a> {
    fn visit(&mut self, node: Node<'a, 'a>, is_apex: bool) {
        match node.node_type() {
            NodeType::Element => self.start_tag(node, is_apex),
            NodeType::Text => write::text(&mut self.out, node.text().unwrap_or_default()),
            NodeType::Comment if self.method.comments => {
                self.out.push_str("<!--");
                push_with_line_feeds(&mut self.out, node.text().unwrap_or_default());
                self.out.push_str("-->");
            }
            NodeType::PI => {
                if let Some(instruction) = node.pi() {
                    self.out.push_str("<?");
                    self.out.push_str(instruction.target);
                    if let Some(value) = instruction.value {
                        self.out.push(' ');
                        push_with_line_feeds(&mut self.out, value);
                    }
                    self.out.push_str("?>");
                }
            }
            NodeType::Comment | NodeType::Root => {}
        }
    }

    fn start_tag(&mut self, node: Node<'a, 'a>, is_apex: bool) {
        self.out.push('<');
        push_name(&mut self.out, prefix(node, node.range().start + 1), node.tag_name().name());
        self.declarations(node);

        let mut attributes: Vec<_> = node.attributes().collect();
        if is_apex && self.method.form == Form::Inclusive {
            inherit_xml_attributes(node, &mut attributes);
        }
        attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
        for attribute in attributes {
            // An inherited attribute stands elsewhere in the source, but its prefix can only be `xml`.
            match prefix(node, attribute.range().start) {
                "" => write::attribute(&mut self.out, attribute.name(), attribute.value()),
                prefix => {
                    let name = [prefix, ":", attribute.name()].concat();
                    write::attribute(&mut self.out, &name, attribute.value());
                }
            }
        }
        self.out.push('>');
    }

    fn declarations(&mut self, node: Node<'a, 'a>) {
        let mut prefixes: Vec<&str> = match &self.method.form {
            Form::Inclusive => {
                node.namespaces().map(|namespace| namespace.name().unwrap_or_default()).chain([""]).collect()
            }
            Form::Exclusive { prefixes } => {
                let own = prefix(node, node.range().start + 1);
                let of_attributes = node
                    .attributes()
                    .map(|attribute| prefix(node, attribute.range().start))
                    .filter(|prefix| !prefix.is_empty());
                prefixes.iter().copied().chain([own]).chain(of_attributes).collect()
            }
        };
        prefixes.sort_unstable();
        prefixes.dedup();

        self.marks.push(self.declared.len());
        for (prefix, uri) in prefixes.into_iter().filter_map(|prefix| in_force(node, prefix)) {
            let written = self.declared.iter().rev().find(|(written, _)| *written == prefix);
            if written.map_or("", |(_, uri)| *uri) == uri {
                continue;
            }
            self.declared.push((prefix, uri));
            match prefix {
                "" => write::attribute(&mut self.out, "xmlns", uri),
                prefix => write::attribute(&mut self.out, &["xmlns:", prefix].concat(), uri),
            }
        }
    }

    fn leave(&mut self, node: Node<'a, 'a>) {
        if !node.is_element() {
            return;
        }
        if let Some(mark) = self.marks.pop() {
            self.declared.truncate(mark);
        }
        self.out.push_str("</");
        push_name(&mut self.out, prefix(node, node.range().start + 1), node.tag_name().name());
        self.out.push('>');
    }
}

/// What `prefix` means on an element: the prefix as it stands in the document, and the namespace name. Without a
/// declaration only the empty prefix means something: no namespace. `xml` is never declared.
fn in_force<'a>(node: Node<'a, 'a>, prefix: &str) -> Option<(&'a str, &'a str)> {
    let declared = node.namespaces().find(|namespace| namespace.name().unwrap_or_default() == prefix);
    match declared {
        Some(namespace) => Some((namespace.name().unwrap_or_default(), namespace.uri())),
        None if prefix.is_empty() => Some(("", "")),
        None => None,
    }
}

/// Canonical XML 1.0, 2.4: the apex of a part of a document takes over its ancestors' attributes of the `xml`
/// namespace.
fn inherit_xml_attributes<'a>(node: Node<'a, 'a>, attributes: &mut Vec<roxmltree::Attribute<'a, 'a>>) {
    for ancestor in node.ancestors().skip(1) {
        for inherited in ancestor.attributes().filter(|attribute| attribute.namespace() == Some(NS_XML_URI)) {
            let is_same = |own: &roxmltree::Attribute<'_, '_>| {
                own.namespace() == Some(NS_XML_URI) && own.name() == inherited.name()
            };
            if !attributes.iter().any(is_same) {
                attributes.push(inherited);
            }
        }
    }
}

/// The prefix of the name that begins at byte `at` of the source text.
fn prefix<'a>(node: Node<'a, 'a>, at: usize) -> &'a str {
    let source = node.document().input_text().get(at..).unwrap_or_default();
    let ends_prefix = |c: char| matches!(c, ':' | '=' | '/' | '>' | ' ' | '\t' | '\n' | '\r');
    match source.find(ends_prefix).and_then(|end| source.split_at_checked(end)) {
        Some((prefix, rest)) if rest.starts_with(':') => prefix,
        _ => "",
    }
}

fn push_name(out: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

/// In comments and instructions the parser leaves line ends as they were written.
fn push_with_line_feeds(out: &mut String, text: &str) {
    if text.contains('\r') {
        out.push_str(&text.replace("\r\n", "\n").replace('\r', "\n"));
    } else {
        out.push_str(text);
    }
}
