//! Text → a tree that is safe to read: bounded, with namespaces that canonical form is defined for, and with
//! identifiers that mean one element each.

use std::collections::HashSet;

use crate::element::Element;
use crate::error::{XmlError, shorten};
use crate::scan::scan;

/// What a document may cost. All bounds are checked before the tree is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the document. Its canonical form may take four times as many.
    pub size: usize,
    /// Elements, texts, comments and processing instructions together.
    pub nodes: usize,
    /// Elements nested in each other.
    pub depth: usize,
    /// Attributes of one element, namespace declarations not counted.
    pub attributes: usize,
    /// Namespace declarations of one element and its ancestors together.
    pub namespaces: usize,
}

impl Limits {
    /// For a protocol message: 1 MiB, 50,000 nodes.
    pub const MESSAGE: Self =
        Self { size: 1024 * 1024, nodes: 50_000, depth: 64, attributes: 256, namespaces: 64 };
    /// For federation metadata: 4 MiB, 200,000 nodes.
    pub const METADATA: Self = Self { size: 4 * 1024 * 1024, nodes: 200_000, ..Self::MESSAGE };
}

impl Default for Limits {
    fn default() -> Self {
        Self::MESSAGE
    }
}

/// A parsed document. It can't be changed.
#[derive(Debug)]
pub struct Document<'input> {
    tree: roxmltree::Document<'input>,
    limits: Limits,
}

impl<'input> Document<'input> {
    /// Parses the text of a document; [`crate::decode`] makes it from bytes.
    ///
    /// # Errors
    ///
    /// Documents over a bound of `limits`, with a DTD, not well-formed, with an identifier that names two
    /// elements, with two identifier attributes on one element, or with a relative namespace name.
    pub fn parse(text: &'input str, limits: &Limits) -> Result<Self, XmlError> {
        if text.len() > limits.size {
            return Err(XmlError::TooLarge { size: text.len(), limit: limits.size });
        }
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        scan(text, limits)?;
        let options = roxmltree::ParsingOptions {
            allow_dtd: false,
            // The root node is not counted by the scan.
            nodes_limit: u32::try_from(limits.nodes).unwrap_or(u32::MAX).saturating_add(1),
            entity_resolver: None,
        };
        let tree = roxmltree::Document::parse_with_options(text, options)
            .map_err(|error| XmlError::not_well_formed(&error.to_string()))?;
        check_namespaces(&tree)?;
        check_identifiers(&tree)?;
        Ok(Self { tree, limits: *limits })
    }

    /// The document element.
    pub fn root(&self) -> Element<'_, 'input> {
        Element { node: self.tree.root_element(), document: self }
    }

    /// Bytes that a canonical form may take. A long namespace name that is used by many elements is written
    /// once for each of them, so canonical form could otherwise grow with the square of the document.
    pub(crate) fn canonical_limit(&self) -> usize {
        self.limits.size.saturating_mul(4)
    }
}

/// Canonical form is not defined for relative namespace names: implementations fail, or digest nothing.
fn check_namespaces(tree: &roxmltree::Document<'_>) -> Result<(), XmlError> {
    for node in tree.descendants().filter(|node| node.is_element()) {
        for namespace in node.namespaces() {
            let uri = namespace.uri();
            if uri.is_empty() && namespace.name().is_none() {
                continue;
            }
            if !is_absolute(uri) {
                return Err(XmlError::RelativeNamespace { uri: shorten(uri) });
            }
        }
    }
    Ok(())
}

/// RFC 3986, 4.3: it begins with a scheme.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The names under which SAML 1.1, SAML 2.0, WS-Security, XML Signature and XML itself keep identifiers.
/// Any namespace counts: `x:ID` must not pass where `ID` would be refused.
fn is_identifier(attribute: &roxmltree::Attribute<'_, '_>) -> bool {
    match attribute.name() {
        "ID" | "AssertionID" | "ResponseID" | "RequestID" | "Id" => true,
        "id" => attribute.namespace() == Some(roxmltree::NS_XML_URI),
        _ => false,
    }
}

fn check_identifiers(tree: &roxmltree::Document<'_>) -> Result<(), XmlError> {
    let mut seen = HashSet::new();
    for node in tree.descendants().filter(|node| node.is_element()) {
        let mut attributes = node.attributes();
        let Some(first) = attributes.find(is_identifier) else { continue };
        if let Some(second) = attributes.find(is_identifier) {
            return Err(XmlError::AmbiguousId {
                element: shorten(node.tag_name().name()),
                first: first.name().to_owned(),
                second: second.name().to_owned(),
            });
        }
        if !seen.insert(first.value()) {
            return Err(XmlError::DuplicateId { id: shorten(first.value()) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Result<(), &'static str> {
        Document::parse(text, &Limits::MESSAGE).map(|_| ()).map_err(|error| error.code())
    }

    /// Security case 5.
    #[test]
    fn an_identifier_names_one_element_whatever_its_attribute_is_called() {
        let names = ["ID", "AssertionID", "ResponseID", "RequestID", "Id", "w:Id", "xml:id"];
        for one in names {
            for other in names {
                let twice = format!("<a xmlns:w='urn:wsu' {one}='x'><b {other}='x'/></a>");
                assert_eq!(code(&twice), Err("xml-duplicate-id"), "{twice}");
                let once = format!("<a xmlns:w='urn:wsu' {one}='x'><b {other}='y'/></a>");
                assert_eq!(code(&once), Ok(()), "{once}");
                if one != other {
                    let both = format!("<a xmlns:w='urn:wsu' {one}='x' {other}='y'/>");
                    assert_eq!(code(&both), Err("xml-ambiguous-id"), "{both}");
                }
            }
        }
    }

    /// Security case 8.
    #[test]
    fn namespaced_twins_of_an_identifier_are_refused() {
        assert_eq!(code("<a xmlns:x='urn:x' ID='1' x:ID='2'/>"), Err("xml-ambiguous-id"));
        assert_eq!(code("<a xmlns:x='urn:x' x:ID='2' ID='1'/>"), Err("xml-ambiguous-id"));
        assert_eq!(code("<a xmlns:x='urn:x' xmlns:y='urn:x' x:t='' y:t=''/>"), Err("xml-not-well-formed"));
    }

    /// Security case 9.
    #[test]
    fn reserved_prefixes_cannot_be_bound_and_prefixes_cannot_be_unbound() {
        for text in [
            "<a xmlns:xml='urn:x'/>",
            "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns:xmlns='urn:x'/>",
            "<a xmlns:x='http://www.w3.org/2000/xmlns/'/>",
            "<a><x:b/></a>",
            "<a x:b=''/>",
        ] {
            assert_eq!(code(text), Err("xml-not-well-formed"), "{text}");
        }
        assert_eq!(code("<a xmlns:x='urn:x'><b xmlns:x=''/></a>"), Err("xml-relative-namespace"));
        assert_eq!(code("<a xmlns='urn:x'><b xmlns=''/></a>"), Ok(()));
    }

    /// Security case 10.
    #[test]
    fn relative_namespace_names_are_refused() {
        for uri in ["x", "../x", "//host/x", "x/y:z", "1:x", ":"] {
            assert_eq!(code(&format!("<a xmlns:n='{uri}'/>")), Err("xml-relative-namespace"), "{uri}");
            assert_eq!(code(&format!("<a><b xmlns='{uri}'/></a>")), Err("xml-relative-namespace"), "{uri}");
        }
    }

    /// Security case 7.
    #[test]
    fn no_entity_is_ever_expanded() {
        assert_eq!(code("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), Err("xml-dtd"));
        assert_eq!(code("<a>&x;</a>"), Err("xml-not-well-formed"));
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let limits = Limits { size: 10, ..Limits::MESSAGE };
        assert_eq!(Document::parse("<a>0123456</a>", &limits).unwrap_err().code(), "xml-too-large");
        let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert_eq!(code(&deep(64)), Ok(()));
        assert_eq!(code(&deep(65)), Err("xml-too-deep"));
        assert_eq!(code(&deep(100_000)), Err("xml-too-deep"));
    }
}
