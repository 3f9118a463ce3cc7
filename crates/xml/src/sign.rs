//! Making enveloped signatures (XML Signature 1.1, profile of SAML core 5.4) in two phases: the bytes to sign
//! are prepared here, the private key stays elsewhere, the signature is attached later.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Where the prefix of `KeyInfo` and its children comes from; AD FS writes both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyInfoStyle {
    /// `<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>…`: SAML 1.1 and messages.
    DefaultNamespace,
    /// The same, but with `ds:X509Data` inside: SAML 2.0 assertions.
    PrefixedData,
}

/// An element that awaits its signature.
#[derive(Debug, Clone)]
pub struct ToSign {
    before: String,
    after: String,
    /// `SignedInfo` in exclusive canonical form: what the key signs (RSA-SHA256).
    signed_info: String,
    key_info: String,
}

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

impl ToSign {
    /// Prepares the signature of an element.
    ///
    /// `element` is the whole element in exclusive canonical form (see [`crate::write`]), declaring every
    /// namespace it uses; `id` is the value of its ID attribute; `at` is the byte offset at which the
    /// signature element shall stand; `certificate` is the signer's certificate, DER in Base64.
    ///
    /// Returns `None` when `at` is not a character boundary of `element`.
    pub fn enveloped(
        element: &str,
        id: &str,
        at: usize,
        certificate: &str,
        style: KeyInfoStyle,
    ) -> Option<Self> {
        let (before, after) = element.split_at_checked(at)?;
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, element.as_bytes()));
        let mut reference = String::new();
        crate::write::attribute(&mut reference, "URI", &format!("#{id}"));
        let signed_info = format!(
            "<ds:SignedInfo xmlns:ds=\"{DS}\">\
             <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference{reference}><ds:Transforms>\
             <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
             <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        );
        let key_info = match style {
            KeyInfoStyle::DefaultNamespace => format!(
                "<KeyInfo xmlns=\"{DS}\"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
            ),
            KeyInfoStyle::PrefixedData => format!(
                "<KeyInfo xmlns=\"{DS}\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></KeyInfo>"
            ),
        };
        Some(Self { before: before.to_owned(), after: after.to_owned(), signed_info, key_info })
    }

    /// The bytes to sign with RSA PKCS#1 v1.5 and SHA-256.
    pub fn message(&self) -> &[u8] {
        self.signed_info.as_bytes()
    }

    /// The element with its signature. It stays in exclusive canonical form.
    pub fn attach(self, signature: &[u8]) -> String {
        let value = STANDARD.encode(signature);
        // Inside `ds:Signature` the prefix is in scope already, so canonical form declares it only there.
        let declaration = format!(" xmlns:ds=\"{DS}\"");
        let signed_info = self.signed_info.replacen(&declaration, "", 1);
        [
            &self.before,
            "<ds:Signature",
            &declaration,
            ">",
            &signed_info,
            "<ds:SignatureValue>",
            &value,
            "</ds:SignatureValue>",
            &self.key_info,
            "</ds:Signature>",
            &self.after,
        ]
        .concat()
    }
}
