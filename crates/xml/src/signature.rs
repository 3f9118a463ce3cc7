//! `ds:Signature` → what it claims, in the one shape that is read: XML Signature 1.1, 4, in the profile of SAML
//! core 5.4. Everything that the shape does not foresee is refused, not passed over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::c14n::{Form, Method};
use crate::element::Element;
use crate::error::shorten;
use crate::verify::SignatureError;

/// Namespace of XML Signature.
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const INCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Prefixes that a `PrefixList` may name; canonical form looks each up on every element.
const LONGEST_PREFIX_LIST: usize = 32;

/// What a signature element claims. Nothing in it is believed yet.
pub(crate) struct Signature<'a, 'input> {
    pub(crate) signed_info: Element<'a, 'input>,
    /// How `SignedInfo` itself is canonicalized.
    pub(crate) canonicalization: Method<'a>,
    pub(crate) signature_method: &'a str,
    pub(crate) reference_uri: &'a str,
    /// How the signed element is canonicalized, after the signature was taken out of it.
    pub(crate) transform: Method<'a>,
    pub(crate) digest_method: &'a str,
    pub(crate) digest: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl<'a, 'input> Signature<'a, 'input> {
    pub(crate) fn read(element: Element<'a, 'input>) -> Result<Self, SignatureError> {
        // `Object` could hide content (security case 3). `KeyInfo` is never looked into (case 14).
        let parts: Vec<_> = element.children().collect();
        let (signed_info, value) = match parts.as_slice() {
            [info, value] => (*info, *value),
            [info, value, key_info] if key_info.is(DS, "KeyInfo") => (*info, *value),
            _ => return Err(malformed("it must hold SignedInfo, SignatureValue and at most one KeyInfo")),
        };
        require(signed_info, "SignedInfo")?;
        require(value, "SignatureValue")?;

        let parts: Vec<_> = signed_info.children().collect();
        let [canonicalization, signature_method, references @ ..] = parts.as_slice() else {
            return Err(malformed("SignedInfo is incomplete"));
        };
        require(*canonicalization, "CanonicalizationMethod")?;
        require(*signature_method, "SignatureMethod")?;
        let [reference] = references else {
            return Err(SignatureError::ReferenceCount { count: references.len() });
        };
        require(*reference, "Reference")?;

        let parts: Vec<_> = reference.children().collect();
        let [transforms, digest_method, digest] = parts.as_slice() else {
            return Err(malformed("Reference must hold Transforms, DigestMethod and DigestValue"));
        };
        require(*transforms, "Transforms")?;
        require(*digest_method, "DigestMethod")?;
        require(*digest, "DigestValue")?;

        Ok(Self {
            signed_info,
            canonicalization: canonicalization_method(*canonicalization)?,
            signature_method: bare_algorithm(*signature_method)?,
            reference_uri: reference.attribute("URI").unwrap_or_default(),
            transform: transform(*transforms)?,
            digest_method: bare_algorithm(*digest_method)?,
            digest: base64(*digest)?,
            value: base64(value)?,
        })
    }
}

/// Security case 12: `enveloped-signature`, then one canonicalization. Without the second, XML Signature 4.4.3.2
/// implies inclusive form.
fn transform<'a>(transforms: Element<'a, '_>) -> Result<Method<'a>, SignatureError> {
    let steps: Vec<_> = transforms.children().collect();
    for step in &steps {
        require(*step, "Transform")?;
    }
    let (envelope, canonicalization) = match steps.as_slice() {
        [envelope] => (envelope, None),
        [envelope, canonicalization] => (envelope, Some(canonicalization)),
        _ => return Err(SignatureError::Transform { found: format!("{} transforms", steps.len()) }),
    };
    let first = bare_algorithm(*envelope)?;
    if first != ENVELOPED {
        return Err(SignatureError::Transform { found: shorten(first) });
    }
    let mut method = match canonicalization {
        Some(step) => canonicalization_method(*step)?,
        None => Method { form: Form::Inclusive, comments: false },
    };
    // XML Signature 4.4.3.3: what `#id` means has no comments in it, whatever the transform would keep.
    method.comments = false;
    Ok(method)
}

fn canonicalization_method<'a>(element: Element<'a, '_>) -> Result<Method<'a>, SignatureError> {
    let uri = algorithm(element)?;
    match uri {
        EXCLUSIVE | EXCLUSIVE_WITH_COMMENTS => Ok(Method {
            form: Form::Exclusive { prefixes: prefix_list(element)? },
            comments: uri == EXCLUSIVE_WITH_COMMENTS,
        }),
        INCLUSIVE | INCLUSIVE_WITH_COMMENTS => {
            bare_algorithm(element)?;
            Ok(Method { form: Form::Inclusive, comments: uri == INCLUSIVE_WITH_COMMENTS })
        }
        _ => Err(SignatureError::Transform { found: shorten(uri) }),
    }
}

/// RFC 3741, 4.
fn prefix_list<'a>(method: Element<'a, '_>) -> Result<Vec<&'a str>, SignatureError> {
    let parameters: Vec<_> = method.children().collect();
    let list = match parameters.as_slice() {
        [] => return Ok(Vec::new()),
        [list] if list.is(EXCLUSIVE, "InclusiveNamespaces") && list.children().next().is_none() => {
            list.attribute("PrefixList").unwrap_or_default()
        }
        _ => return Err(malformed("a canonicalization method has a parameter that is not known")),
    };
    let prefixes: Vec<_> = list
        .split_ascii_whitespace()
        .take(LONGEST_PREFIX_LIST + 1)
        .map(|prefix| if prefix == "#default" { "" } else { prefix })
        .collect();
    if prefixes.len() > LONGEST_PREFIX_LIST {
        return Err(malformed("a PrefixList names more than 32 prefixes"));
    }
    Ok(prefixes)
}

fn algorithm<'a>(element: Element<'a, '_>) -> Result<&'a str, SignatureError> {
    element.attribute("Algorithm").ok_or_else(|| malformed("a method has no Algorithm"))
}

/// An algorithm without parameters: `HMACOutputLength` and its like would change what it means.
fn bare_algorithm<'a>(element: Element<'a, '_>) -> Result<&'a str, SignatureError> {
    if element.children().next().is_some() {
        return Err(malformed("a method has a parameter that is not known"));
    }
    algorithm(element)
}

fn base64(element: Element<'_, '_>) -> Result<Vec<u8>, SignatureError> {
    if element.children().next().is_some() {
        return Err(malformed("a value contains elements"));
    }
    let mut text = element.text().into_owned();
    text.retain(|c| !matches!(c, ' ' | '\t' | '\n' | '\r'));
    STANDARD.decode(text).map_err(|_| malformed("a value is not Base64"))
}

fn require(element: Element<'_, '_>, name: &'static str) -> Result<(), SignatureError> {
    if element.is(DS, name) {
        Ok(())
    } else {
        Err(SignatureError::Malformed { detail: format!("{name} is missing") })
    }
}

fn malformed(detail: &str) -> SignatureError {
    SignatureError::Malformed { detail: detail.to_owned() }
}
