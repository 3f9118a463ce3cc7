//! The only view that readers of tokens and protocols have of a document.

use std::borrow::Cow;

use crate::document::Document;
use crate::error::{XmlError, shorten};

/// An element of a [`Document`]: read-only, cheap to copy, compared by place in the document.
#[derive(Clone, Copy)]
pub struct Element<'a, 'input> {
    pub(crate) node: roxmltree::Node<'a, 'input>,
    pub(crate) document: &'a Document<'input>,
}

impl<'a, 'input> Element<'a, 'input> {
    /// Whether the element has this name. `namespace` is empty for elements without one.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local_name() == local && self.namespace() == namespace
    }

    /// The namespace name, empty when there is none.
    pub fn namespace(&self) -> &'a str {
        self.node.tag_name().namespace().unwrap_or_default()
    }

    /// The name without its prefix.
    pub fn local_name(&self) -> &'input str {
        self.node.tag_name().name()
    }

    /// The value of an attribute without namespace, which is what an attribute without prefix is.
    pub fn attribute(&self, local: &str) -> Option<&'a str> {
        self.attributes()
            .find(|attribute| attribute.0.is_empty() && attribute.1 == local)
            .map(|(_, _, value)| value)
    }

    /// The value of an attribute of a namespace, such as `wsu:Id` and `xsi:type`.
    pub fn attribute_in(&self, namespace: &str, local: &str) -> Option<&'a str> {
        self.attributes()
            .find(|attribute| attribute.0 == namespace && attribute.1 == local)
            .map(|(_, _, value)| value)
    }

    /// All attributes in document order: namespace name (empty when there is none), local name, value.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, &'input str, &'a str)> + use<'a, 'input> {
        self.node
            .attributes()
            .map(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name(), attribute.value()))
    }

    /// The child elements in document order.
    pub fn children(&self) -> impl Iterator<Item = Element<'a, 'input>> + use<'a, 'input> {
        let document = self.document;
        self.node.children().filter(|node| node.is_element()).map(move |node| Element { node, document })
    }

    /// The child elements of one name, in document order.
    pub fn children_named<'n>(
        &self,
        namespace: &'n str,
        local: &'n str,
    ) -> impl Iterator<Item = Element<'a, 'input>> + use<'a, 'input, 'n> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The child element of that name, if there is one.
    ///
    /// # Errors
    ///
    /// [`XmlError::Repeated`] when there are several: two readers must never choose differently.
    pub fn child(&self, namespace: &str, local: &str) -> Result<Option<Element<'a, 'input>>, XmlError> {
        let mut found = self.children_named(namespace, local);
        let first = found.next();
        if found.next().is_some() {
            return Err(XmlError::Repeated { name: shorten(local), parent: shorten(self.local_name()) });
        }
        Ok(first)
    }

    /// The text of the element: all its text children joined, whatever comments and processing instructions
    /// stand between them. The text of child elements is not part of it.
    pub fn text(&self) -> Cow<'a, str> {
        let mut texts = self.node.children().filter(|node| node.is_text()).filter_map(|node| node.text());
        let first = texts.next().unwrap_or_default();
        match texts.next() {
            None => Cow::Borrowed(first),
            Some(second) => Cow::Owned([first, second].into_iter().chain(texts).collect()),
        }
    }
}

impl PartialEq for Element<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Eq for Element<'_, '_> {}

impl std::fmt::Debug for Element<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Element {{{}}}{}", self.namespace(), self.local_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Limits;

    fn text_of(document: &str) -> String {
        Document::parse(document, &Limits::MESSAGE).unwrap().root().text().into_owned()
    }

    /// Security case 6.
    #[test]
    fn a_comment_does_not_cut_a_text() {
        assert_eq!(text_of("<NameID>admin<!-- -->@evil.example</NameID>"), "admin@evil.example");
        assert_eq!(text_of("<NameID>a<!---->b<!---->c</NameID>"), "abc");
    }

    /// Security case 11.
    #[test]
    fn an_instruction_and_a_cdata_section_do_not_cut_a_text() {
        assert_eq!(text_of("<NameID>admin<?x y?>@evil.example</NameID>"), "admin@evil.example");
        assert_eq!(text_of("<NameID>admin<![CDATA[@evil]]>.example</NameID>"), "admin@evil.example");
        assert_eq!(text_of("<NameID>a&#13;&#10;&amp;\u{9}b</NameID>"), "a\r\n&\tb");
        assert_eq!(text_of("<a>x<b>y</b>z</a>"), "xz");
        assert_eq!(text_of("<a/>"), "");
    }

    #[test]
    fn names_are_compared_by_namespace_and_attributes_without_prefix_have_none() {
        let document = Document::parse(
            "<p:a xmlns:p='urn:a' xmlns='urn:b' p:t='1' t='2'><b/><c xmlns=''/><b/></p:a>",
            &Limits::MESSAGE,
        )
        .unwrap();
        let root = document.root();
        assert!(root.is("urn:a", "a") && !root.is("urn:b", "a") && !root.is("", "a"));
        assert_eq!((root.attribute("t"), root.attribute_in("urn:a", "t")), (Some("2"), Some("1")));
        assert_eq!(root.children_named("urn:b", "b").count(), 2);
        assert!(root.child("", "c").unwrap().is_some() && root.child("urn:b", "c").unwrap().is_none());
        assert_eq!(root.child("urn:b", "b").unwrap_err().code(), "xml-repeated-element");
    }
}
