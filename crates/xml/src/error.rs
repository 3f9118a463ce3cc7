//! Why a document was refused before anyone read it.

use thiserror::Error;

/// A document that is not read. The text is for the log of this side; [`XmlError::code`] may go further.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XmlError {
    /// The document, or its canonical form, is larger than allowed.
    #[error("the document takes {size} bytes; at most {limit} are read")]
    TooLarge {
        /// What was found, bytes.
        size: usize,
        /// What is allowed, bytes.
        limit: usize,
    },
    /// More elements, texts, comments and instructions than allowed.
    #[error("the document holds more than {limit} nodes")]
    TooManyNodes {
        /// What is allowed.
        limit: usize,
    },
    /// Elements nested deeper than allowed.
    #[error("the document nests its elements deeper than {limit}")]
    TooDeep {
        /// What is allowed.
        limit: usize,
    },
    /// An element with more attributes than allowed.
    #[error("an element carries more than {limit} attributes")]
    TooManyAttributes {
        /// What is allowed.
        limit: usize,
    },
    /// More namespace declarations than allowed, on one element with its ancestors or in the whole document.
    #[error(
        "more than {limit} namespace declarations are in force at one place or differ within the document"
    )]
    TooManyNamespaces {
        /// What is allowed.
        limit: usize,
    },
    /// A document type declaration; none is read, whatever it says.
    #[error("the document has a DOCTYPE; documents with one are never read")]
    Dtd,
    /// Neither UTF-8 nor UTF-16 with its byte-order mark, or a declaration that names another encoding.
    #[error("the document's encoding is not read: {found}; send UTF-8, or UTF-16 with a byte-order mark")]
    Encoding {
        /// The encoding declared, or what is wrong with the bytes.
        found: String,
    },
    /// Not well-formed XML 1.0 with namespaces.
    #[error("the document is not well-formed: {detail}")]
    NotWellFormed {
        /// What and where.
        detail: String,
    },
    /// Two elements with the same identifier: a signature could mean either.
    #[error("the identifier {id:?} names more than one element")]
    DuplicateId {
        /// The identifier, shortened.
        id: String,
    },
    /// One element with two identifier attributes: the verifier and the reader could choose differently.
    #[error("the element {element:?} has more than one identifier attribute: {first:?} and {second:?}")]
    AmbiguousId {
        /// The element's local name, shortened.
        element: String,
        /// Local name of one attribute.
        first: String,
        /// Local name of the other.
        second: String,
    },
    /// A namespace name that is no absolute URI; canonical form is not defined for those (C14N 1.0, 1.3).
    #[error("the namespace name {uri:?} is not an absolute URI")]
    RelativeNamespace {
        /// The namespace name, shortened.
        uri: String,
    },
    /// An element that must stand at most once stands more often.
    #[error("the element {name:?} stands more than once in {parent:?}")]
    Repeated {
        /// Local name of the element.
        name: String,
        /// Local name of its parent.
        parent: String,
    },
}

impl XmlError {
    /// A short name that stays the same over versions: for the audit journal and for tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "xml-too-large",
            Self::TooManyNodes { .. } => "xml-too-many-nodes",
            Self::TooDeep { .. } => "xml-too-deep",
            Self::TooManyAttributes { .. } => "xml-too-many-attributes",
            Self::TooManyNamespaces { .. } => "xml-too-many-namespaces",
            Self::Dtd => "xml-dtd",
            Self::Encoding { .. } => "xml-encoding",
            Self::NotWellFormed { .. } => "xml-not-well-formed",
            Self::DuplicateId { .. } => "xml-duplicate-id",
            Self::AmbiguousId { .. } => "xml-ambiguous-id",
            Self::RelativeNamespace { .. } => "xml-relative-namespace",
            Self::Repeated { .. } => "xml-repeated-element",
        }
    }

    pub(crate) fn not_well_formed(detail: &str) -> Self {
        Self::NotWellFormed { detail: shorten(detail) }
    }
}

/// What a peer sent is quoted in messages, but never at a length of his choice.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
