//! What the tests of this crate share: two signers, a moment, and a token of each version.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base::Timestamp;
use claims::{Claim, claim, types};
use xml::{KeyInfoStyle, ToSign, VerificationKey};

use crate::{saml2, saml11};

pub(crate) const FSI: &str = "http://fs.example.com/adfs/services/trust";
pub(crate) const REALM: &str = "urn:app";
pub(crate) const RECIPIENT: &str = "https://app.example.com/acs";
pub(crate) const REQUEST: &str = "_7f5e2a60-0c3b-4d83-9a52-1e9c8f8d2b11";
pub(crate) const ID: &str = "_0b4f0a5c-7b7e-4f6c-9c0f-2f1f5f0a9d11";

/// Ten in the morning: the tokens of the tests are made now and end at eleven.
pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse_xml(&format!("2026-11-24T{time}Z")).unwrap()
}

pub(crate) fn claims() -> Vec<Claim> {
    let mut name = Claim::new(types::NAME_IDENTIFIER, "alice@example.com", claim::LOCAL_AUTHORITY);
    let email = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    name.properties.insert(types::PROPERTY_FORMAT.into(), email.into());
    let mut partner = Claim::new(types::ROLE, "visitor", "urn:partner");
    partner.properties.insert(
        types::PROPERTY_ATTRIBUTE_NAME.into(),
        "urn:oasis:names:tc:SAML:2.0:attrname-format:uri".into(),
    );
    vec![
        Claim::new(types::UPN, "alice@example.com", claim::AD_AUTHORITY),
        Claim::new(types::GROUP, "R&D <Tōkyō>", claim::AD_AUTHORITY),
        name,
        Claim::new(types::COMMON_NAME, "上杉 謙信", claim::AD_AUTHORITY),
        Claim::new(types::GROUP, "line\r\nbreak\t\"'", claim::AD_AUTHORITY),
        partner,
    ]
}

pub(crate) fn saml11(claims: &[Claim]) -> saml11::Assertion<'_> {
    saml11::Assertion {
        id: ID,
        issuer: FSI,
        issue_instant: at("10:00:00.016"),
        not_before: at("10:00:00"),
        not_on_or_after: at("11:00:00"),
        audience: REALM,
        claims,
        authentication_method: types::METHOD_PASSWORD_PROTECTED_TRANSPORT,
        authentication_instant: at("09:59:00"),
    }
}

pub(crate) fn saml2(claims: &[Claim]) -> saml2::Assertion<'_> {
    saml2::Assertion {
        id: ID,
        issuer: FSI,
        issue_instant: at("10:00:00.016"),
        not_before: at("10:00:00"),
        not_on_or_after: at("11:00:00"),
        audience: REALM,
        recipient: RECIPIENT,
        in_response_to: Some(REQUEST),
        claims,
        authentication_method: types::METHOD_PASSWORD_PROTECTED_TRANSPORT,
        authentication_instant: at("09:59:00"),
    }
}

pub(crate) struct Signer(KeyPair);

impl Signer {
    /// The key that is trusted.
    pub(crate) fn ours() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self(KeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// A key that nobody trusts.
    pub(crate) fn strangers() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self(KeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn public_key_der(&self) -> Vec<u8> {
        AsDer::<PublicKeyX509Der<'_>>::as_der(self.0.public_key()).unwrap().as_ref().to_vec()
    }

    pub(crate) fn verification_key(&self) -> VerificationKey {
        VerificationKey::from_spki_der(&self.public_key_der()).unwrap()
    }

    pub(crate) fn sign(&self, to_sign: ToSign) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), to_sign.message(), &mut signature).unwrap();
        to_sign.attach(&signature)
    }

    /// Signs an element that was written, and changed, in canonical form; the signature stands behind or
    /// before `mark`.
    pub(crate) fn sign_element(&self, element: &str, id: &str, mark: Mark) -> String {
        let at = match mark {
            Mark::Behind(text) => element.find(text).unwrap() + text.len(),
            Mark::Before(text) => element.rfind(text).unwrap(),
        };
        self.sign(ToSign::enveloped(element, id, at, "MIIC", KeyInfoStyle::DefaultNamespace).unwrap())
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Mark {
    Behind(&'static str),
    Before(&'static str),
}
