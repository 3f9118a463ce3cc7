//! A partner that signs: with the crate's own writer, or piece by piece to break one rule at a time.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PublicKeyData, RsaKeySize};
use xml::{KeyInfoStyle, Profile, SignaturePolicy, ToSign, VerificationKey};

pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

pub(crate) const STRICT: SignaturePolicy =
    SignaturePolicy { profile: Profile::Saml2, allow_sha1: false, allow_inclusive_c14n: false };

/// A throw-away key with its self-signed certificate.
pub(crate) struct Signer {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Vec<u8>,
}

pub(crate) static PARTNER: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("partner.example"));
pub(crate) static STRANGER: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("stranger.example"));

impl Signer {
    fn rsa(name: &str) -> Self {
        Self::of(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(), name)
    }

    pub(crate) fn ec(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        Self::of(KeyPair::generate_for(algorithm).unwrap(), "ec.example")
    }

    fn of(key: KeyPair, name: &str) -> Self {
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let certificate = certificate.der().to_vec();
        Self { key, certificate }
    }

    pub(crate) fn verification_key(&self) -> VerificationKey {
        VerificationKey::from_certificate_der(&self.certificate).unwrap()
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    pub(crate) fn certificate_base64(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    pub(crate) fn certificate_pem(&self) -> String {
        let lines: Vec<_> = self
            .certificate_base64()
            .into_bytes()
            .chunks(64)
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    pub(crate) fn sign_rsa(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let key = RsaKeyPair::from_pkcs8(self.key.serialized_der()).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    pub(crate) fn sign_ecdsa(&self, algorithm: &'static EcdsaSigningAlgorithm, message: &[u8]) -> Vec<u8> {
        let key = EcdsaKeyPair::from_pkcs8(algorithm, self.key.serialized_der()).unwrap();
        key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// Signs as the service does: `element` is canonical, the signature stands behind its `Issuer`.
    pub(crate) fn envelop(&self, element: &str, id: &str) -> String {
        let at = element.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        let style = KeyInfoStyle::DefaultNamespace;
        let prepared = ToSign::enveloped(element, id, at, &self.certificate_base64(), style).unwrap();
        let signature = self.sign_rsa(&RSA_PKCS1_SHA256, prepared.message());
        prepared.attach(&signature)
    }
}

/// An assertion in canonical form.
pub(crate) fn assertion(id: &str, name: &str) -> String {
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\">\
         <saml:Issuer>http://fs.partner.example/adfs/services/trust</saml:Issuer>\
         <saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject>\
         <saml:AttributeStatement><saml:Attribute Name=\"role\"><saml:AttributeValue>reader &amp; writer\
         </saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )
}

/// A response in canonical form. `inner` is canonical too.
pub(crate) fn response(id: &str, inner: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"{id}\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">http://fs.partner.example/adfs/services/trust</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
         {inner}</samlp:Response>"
    )
}

/// A signature in parts, each of which a test may replace. The key is always the partner's and the signature
/// over `SignedInfo` always good, so a refusal has the reason that the test names.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) canonicalization: String,
    pub(crate) signature_method: String,
    pub(crate) references: Vec<String>,
    pub(crate) key_info: String,
    pub(crate) more: String,
}

pub(crate) fn method(name: &str, algorithm: &str) -> String {
    format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>")
}

pub(crate) fn transforms(algorithms: &[&str]) -> String {
    algorithms.iter().map(|algorithm| method("Transform", algorithm)).collect()
}

pub(crate) fn reference(uri: &str, transforms: &str, digest_method: &str, digest: &[u8]) -> String {
    format!(
        "<ds:Reference URI=\"{uri}\"><ds:Transforms>{transforms}</ds:Transforms>{}\
         <ds:DigestValue>{}</ds:DigestValue></ds:Reference>",
        method("DigestMethod", digest_method),
        STANDARD.encode(digest)
    )
}

pub(crate) fn sha256(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

impl Parts {
    /// What AD FS would write for `element`, which is canonical.
    pub(crate) fn regular(element: &str, id: &str) -> Self {
        let steps = transforms(&[ENVELOPED, EXCLUSIVE]);
        Self {
            canonicalization: method("CanonicalizationMethod", EXCLUSIVE),
            signature_method: method("SignatureMethod", RSA_SHA256),
            references: vec![reference(&format!("#{id}"), &steps, SHA256, &sha256(element))],
            key_info: String::new(),
            more: String::new(),
        }
    }

    /// `SignedInfo` in exclusive and, seen alone, in inclusive canonical form.
    pub(crate) fn signed_info(&self) -> String {
        format!(
            "<ds:SignedInfo xmlns:ds=\"{DS}\">{}{}{}</ds:SignedInfo>",
            self.canonicalization,
            self.signature_method,
            self.references.concat()
        )
    }

    pub(crate) fn attach_to(&self, element: &str) -> String {
        let value = PARTNER.sign_rsa(&RSA_PKCS1_SHA256, self.signed_info().as_bytes());
        self.attach_with(element, &value)
    }

    pub(crate) fn attach_with(&self, element: &str, value: &[u8]) -> String {
        let at = element.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        format!(
            "{}<ds:Signature xmlns:ds=\"{DS}\">{}<ds:SignatureValue>{}</ds:SignatureValue>{}{}</ds:Signature>{}",
            &element[..at],
            self.signed_info(),
            STANDARD.encode(value),
            self.key_info,
            self.more,
            &element[at..]
        )
    }
}

/// Name, signature and digest algorithm of XML Signature, and how to sign with it.
pub(crate) struct Algorithm {
    pub(crate) signature: &'static str,
    pub(crate) digest_method: &'static str,
    pub(crate) digest: &'static digest::Algorithm,
    pub(crate) signer: Signer,
    pub(crate) sign: fn(&Signer, &[u8]) -> Vec<u8>,
}

pub(crate) fn algorithms() -> Vec<Algorithm> {
    let rsa = || Signer::rsa("partner.example");
    let ec = Signer::ec;
    let of = |signature, digest_method, digest, signer, sign| Algorithm {
        signature,
        digest_method,
        digest,
        signer,
        sign,
    };
    const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
    vec![
        of(RSA_SHA256, SHA256, &digest::SHA256, rsa(), |s, m| s.sign_rsa(&RSA_PKCS1_SHA256, m)),
        of("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", SHA384, &digest::SHA384, rsa(), |s, m| {
            s.sign_rsa(&RSA_PKCS1_SHA384, m)
        }),
        of("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", SHA512, &digest::SHA512, rsa(), |s, m| {
            s.sign_rsa(&RSA_PKCS1_SHA512, m)
        }),
        of(
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            SHA256,
            &digest::SHA256,
            ec(&rcgen::PKCS_ECDSA_P256_SHA256),
            |s, m| s.sign_ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, m),
        ),
        of(
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            SHA384,
            &digest::SHA384,
            ec(&rcgen::PKCS_ECDSA_P384_SHA384),
            |s, m| s.sign_ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, m),
        ),
        of(
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
            SHA512,
            &digest::SHA512,
            ec(&rcgen::PKCS_ECDSA_P521_SHA512),
            |s, m| s.sign_ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING, m),
        ),
    ]
}
