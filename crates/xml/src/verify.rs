//! Signatures: SAML core 5.4 and SAML bindings 3.4.4.1. A profile, not a toolbox.
//!
//! An enveloped signature is believed only when it stands directly in the element that is to be read, refers to
//! that element by the element's own identifier and to nothing else, and fits a key that was known before the
//! message came. The answer is the element itself: there is no way from it to another part of the message.

use thiserror::Error;

use crate::algorithm::{Hash, SignatureMethod};
use crate::c14n::{Form, canonicalize};
use crate::element::Element;
use crate::error::{XmlError, shorten};
use crate::key::VerificationKey;
use crate::signature::{DS, Signature};

/// Whose rules a signed element follows: under which name it keeps its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// SAML 2.0 messages and assertions: `ID`.
    Saml2,
    /// SAML 1.1 assertions: `AssertionID`.
    Saml11,
    /// Federation metadata: `ID`.
    Metadata,
}

impl Profile {
    fn identifier(self) -> &'static str {
        match self {
            Self::Saml2 | Self::Metadata => "ID",
            Self::Saml11 => "AssertionID",
        }
    }
}

/// What a trust allows beyond the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignaturePolicy {
    /// Whose rules the element follows.
    pub profile: Profile,
    /// Whether RSA-SHA1 and SHA-1 digests are believed; `SignatureAlgorithm` of a trust says so.
    pub allow_sha1: bool,
    /// Whether inclusive canonical form is read beside exclusive form; old partners need it.
    pub allow_inclusive_c14n: bool,
}

impl SignaturePolicy {
    /// Today's algorithms only.
    pub fn strict(profile: Profile) -> Self {
        Self { profile, allow_sha1: false, allow_inclusive_c14n: false }
    }
}

/// Something that a trusted key has signed. Only this module can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    key: usize,
}

impl<T> Verified<T> {
    /// What was signed. Of an element, the `ds:Signature` child is the one part that was not.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// What was signed.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Index of the key that fits, in the list that the verifier was given.
    pub fn key_index(&self) -> usize {
        self.key
    }
}

/// Why a signature is not believed. The text is for the log of this side; [`SignatureError::code`] may go further.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The element has no signature of its own. One elsewhere in the message does not count.
    #[error("the element {element:?} has no signature as its own child")]
    Missing {
        /// Local name of the element, shortened.
        element: String,
    },
    /// The element has several signatures.
    #[error("the element {element:?} has more than one signature")]
    Several {
        /// Local name of the element, shortened.
        element: String,
    },
    /// The signature is not of the shape that the profile foresees.
    #[error("the signature is malformed: {detail}")]
    Malformed {
        /// What is wrong.
        detail: String,
    },
    /// The element has no identifier that a signature could refer to.
    #[error("the signed element has no {attribute} attribute")]
    NoIdentifier {
        /// Name of the attribute that the profile reads.
        attribute: &'static str,
    },
    /// Not exactly one reference.
    #[error("the signature has {count} references; exactly one is read")]
    ReferenceCount {
        /// How many there are.
        count: usize,
    },
    /// The reference is not to the element that carries the signature.
    #[error("the signature refers to {uri:?} and not to the element that carries it")]
    Reference {
        /// What the reference names, shortened.
        uri: String,
    },
    /// A transform or canonicalization that is not read.
    #[error(
        "the transform or canonicalization {found:?} is not read; sign with enveloped-signature and exclusive canonicalization"
    )]
    Transform {
        /// What was found, shortened.
        found: String,
    },
    /// Inclusive canonical form where the policy does not allow it.
    #[error("inclusive canonicalization is not allowed for this partner")]
    InclusiveNotAllowed,
    /// An algorithm that is never believed.
    #[error("the algorithm {uri:?} is not believed; use RSA or ECDSA with SHA-256, SHA-384 or SHA-512")]
    Algorithm {
        /// Its name, shortened.
        uri: String,
    },
    /// SHA-1 where the policy does not allow it.
    #[error("SHA-1 is not allowed for this partner; set its SignatureAlgorithm to SHA-1 if you must")]
    Sha1NotAllowed,
    /// No key is known that the algorithm could use.
    #[error("none of the {keys} known keys is of the kind that the signature algorithm needs")]
    NoKey {
        /// How many keys are known.
        keys: usize,
    },
    /// The signature fits none of the keys.
    #[error("the signature fits none of the {keys} known keys")]
    Mismatch {
        /// How many keys are known.
        keys: usize,
    },
    /// The signature is good, but the element is not what was signed.
    #[error("the element was changed after it was signed")]
    Digest,
    /// Canonical form could not be made.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

impl SignatureError {
    /// A short name that stays the same over versions: for the audit journal and for tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "signature-missing",
            Self::Several { .. } => "signature-several",
            Self::Malformed { .. } => "signature-malformed",
            Self::NoIdentifier { .. } => "signature-no-identifier",
            Self::ReferenceCount { .. } => "signature-reference-count",
            Self::Reference { .. } => "signature-reference",
            Self::Transform { .. } => "signature-transform",
            Self::InclusiveNotAllowed => "signature-inclusive-not-allowed",
            Self::Algorithm { .. } => "signature-algorithm",
            Self::Sha1NotAllowed => "signature-sha1-not-allowed",
            Self::NoKey { .. } => "signature-no-key",
            Self::Mismatch { .. } => "signature-mismatch",
            Self::Digest => "signature-digest",
            Self::Xml(error) => error.code(),
        }
    }
}

/// Verifies the signature that `element` carries as its own child, over `element` itself.
///
/// `keys` are the keys of the partner as configured; `KeyInfo` is not looked at.
///
/// # Errors
///
/// Any [`SignatureError`]; there is no half-believed element.
pub fn enveloped<'a, 'input>(
    element: Element<'a, 'input>,
    keys: &[VerificationKey],
    policy: &SignaturePolicy,
) -> Result<Verified<Element<'a, 'input>>, SignatureError> {
    let name = || shorten(element.local_name());
    let signature_element = element
        .child(DS, "Signature")
        .map_err(|_| SignatureError::Several { element: name() })?
        .ok_or_else(|| SignatureError::Missing { element: name() })?;
    let signature = Signature::read(signature_element)?;
    refers_to(&signature, element, policy.profile)?;
    let method = signature_method(signature.signature_method, policy)?;
    let hash = digest_method(signature.digest_method, policy)?;
    for method in [&signature.canonicalization, &signature.transform] {
        if method.form == Form::Inclusive && !policy.allow_inclusive_c14n {
            return Err(SignatureError::InclusiveNotAllowed);
        }
    }
    // The key first: nothing that the signature asks for is computed over the element until it is known whose it is.
    let signed_info = canonicalize(signature.signed_info, &signature.canonicalization, None)?;
    let key = fitting_key(method, keys, signed_info.as_bytes(), &signature.value)?;
    let signed = canonicalize(element, &signature.transform, Some(signature_element))?;
    if hash.digest(signed.as_bytes()).as_ref() != signature.digest {
        return Err(SignatureError::Digest);
    }
    Ok(Verified { value: element, key })
}

/// Verifies a signature beside a message: the redirect binding of SAML, whose message is the query string as it
/// was received and whose algorithm is `SigAlg`.
///
/// Of `policy` only `allow_sha1` plays a part.
///
/// # Errors
///
/// An algorithm that is not believed or not allowed, no fitting key, or a signature that does not fit.
pub fn detached<'m>(
    algorithm: &str,
    keys: &[VerificationKey],
    message: &'m [u8],
    signature: &[u8],
    policy: &SignaturePolicy,
) -> Result<Verified<&'m [u8]>, SignatureError> {
    let method = signature_method(algorithm, policy)?;
    let key = fitting_key(method, keys, message, signature)?;
    Ok(Verified { value: message, key })
}

/// Security case 4: only `#` and the identifier of the very element; not the empty URI, not an XPointer.
fn refers_to(
    signature: &Signature<'_, '_>,
    element: Element<'_, '_>,
    profile: Profile,
) -> Result<(), SignatureError> {
    let attribute = profile.identifier();
    let id = element
        .attribute(attribute)
        .filter(|id| !id.is_empty())
        .ok_or(SignatureError::NoIdentifier { attribute })?;
    match signature.reference_uri.strip_prefix('#') {
        Some(named) if named == id => Ok(()),
        _ => Err(SignatureError::Reference { uri: shorten(signature.reference_uri) }),
    }
}

fn signature_method(uri: &str, policy: &SignaturePolicy) -> Result<SignatureMethod, SignatureError> {
    let method =
        SignatureMethod::from_uri(uri).ok_or_else(|| SignatureError::Algorithm { uri: shorten(uri) })?;
    allowed(method.hash(), policy)?;
    Ok(method)
}

fn digest_method(uri: &str, policy: &SignaturePolicy) -> Result<Hash, SignatureError> {
    let hash = Hash::from_uri(uri).ok_or_else(|| SignatureError::Algorithm { uri: shorten(uri) })?;
    allowed(hash, policy)?;
    Ok(hash)
}

/// Security case 13.
fn allowed(hash: Hash, policy: &SignaturePolicy) -> Result<(), SignatureError> {
    if hash == Hash::Sha1 && !policy.allow_sha1 { Err(SignatureError::Sha1NotAllowed) } else { Ok(()) }
}

fn fitting_key(
    method: SignatureMethod,
    keys: &[VerificationKey],
    message: &[u8],
    signature: &[u8],
) -> Result<usize, SignatureError> {
    let mut any_of_its_kind = false;
    for (index, key) in keys.iter().enumerate() {
        match method.verify(key, message, signature) {
            Some(true) => return Ok(index),
            Some(false) => any_of_its_kind = true,
            None => {}
        }
    }
    Err(if any_of_its_kind {
        SignatureError::Mismatch { keys: keys.len() }
    } else {
        SignatureError::NoKey { keys: keys.len() }
    })
}
