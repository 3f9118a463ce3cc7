//! Whether a client is asked for a certificate, by the name it came for, and what its handshake then proves.
//!
//! A handshake always proves that the client has the private key of the certificate it shows. Whether the
//! certificate itself is trusted is decided here only where [`Issuers::Trusted`] names whose certificates count
//! (mutual TLS between servers). People's certificates come from anywhere: whoever asked for them validates
//! chain and revocation, and can then say on a page what is wrong, which a failed handshake cannot.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Certificates of a client's chain, its own among them.
const LONGEST_CHAIN: usize = 10;
/// Bytes of one certificate of a client.
const LARGEST_CERTIFICATE: usize = 16 * 1_024;
/// Bytes of all names in the list of acceptable issuers. A longer list is left out: a cut one would hide
/// certificates from the client's choice.
const LARGEST_HINTS: usize = 16 * 1_024;

/// What a name asks of its clients. Entries that ask are HTTP/1.1 only and give no session tickets, so that a
/// connection has the client's own proof and one client at its other end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No certificate is asked for.
    #[default]
    None,
    /// One is asked for; clients without one are served too.
    Requested(Issuers),
    /// Without one there is no connection.
    Required(Issuers),
}

/// Whose certificates a handshake takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issuers {
    /// Anybody's; the caller validates the chain later.
    Any {
        /// Names of issuers (DER of a `Name`) that are told to the client, so that it offers the right one of
        /// its certificates. Empty: any. Beyond 16 KiB in all, none is told.
        hints: Vec<Vec<u8>>,
    },
    /// Only certificates for client authentication that chain to one of these, which are also the hints.
    Trusted(Vec<CertificateDer<'static>>),
}

impl Issuers {
    /// Anybody's certificate, without hints.
    pub const ANY: Self = Self::Any { hints: Vec::new() };

    fn hints(&self) -> Result<Vec<DistinguishedName>, Error> {
        let names: Vec<Vec<u8>> = match self {
            Self::Any { hints } => hints.clone(),
            Self::Trusted(roots) => {
                let subject = |root: &CertificateDer<'_>| {
                    let (_, parsed) =
                        X509Certificate::from_der(root).map_err(|_| CertificateError::BadEncoding)?;
                    Ok(parsed.subject().as_raw().to_vec())
                };
                roots.iter().map(subject).collect::<Result<_, Error>>()?
            }
        };
        let bytes = names.iter().map(Vec::len).fold(0_usize, usize::saturating_add);
        if bytes > LARGEST_HINTS {
            tracing::warn!(bytes, "too many names of issuers to tell clients: none is told");
            return Ok(Vec::new());
        }
        Ok(names.into_iter().map(DistinguishedName::from).collect())
    }
}

impl ClientCertificates {
    /// Whether clients are asked at all.
    pub fn asks(&self) -> bool {
        *self != Self::None
    }

    pub(crate) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, Error> {
        let (issuers, required) = match self {
            Self::None => return Ok(None),
            Self::Requested(issuers) => (issuers, false),
            Self::Required(issuers) => (issuers, true),
        };
        let chain = match issuers {
            Issuers::Any { .. } => None,
            Issuers::Trusted(roots) => {
                let mut store = RootCertStore::empty();
                for root in roots {
                    store.add(root.clone())?;
                }
                let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider.clone());
                Some(builder.build().map_err(|error| Error::General(error.to_string()))?)
            }
        };
        Ok(Some(Arc::new(Verifier { required, hints: issuers.hints()?, chain, provider: provider.clone() })))
    }
}

/// Possession of the key always, the chain where issuers are named.
struct Verifier {
    required: bool,
    hints: Vec<DistinguishedName>,
    chain: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("required", &self.required).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let too_large = [end_entity].into_iter().chain(intermediates).any(|c| c.len() > LARGEST_CERTIFICATE);
        if too_large || intermediates.len() >= LONGEST_CHAIN {
            return Err(Error::General("the client's certificate chain is too large".to_owned()));
        }
        match &self.chain {
            Some(chain) => chain.verify_client_cert(end_entity, intermediates, now),
            None => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier(policy: &ClientCertificates) -> Arc<dyn ClientCertVerifier> {
        policy.verifier(&Arc::new(rustls::crypto::aws_lc_rs::default_provider())).unwrap().unwrap()
    }

    fn certificate(name: &str) -> CertificateDer<'static> {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.der().clone()
    }

    #[test]
    fn a_chain_is_bounded_in_length_and_in_the_size_of_each_certificate() {
        let verifier = verifier(&ClientCertificates::Requested(Issuers::ANY));
        let (one, now) = (certificate("user"), UnixTime::since_unix_epoch(std::time::Duration::ZERO));
        let chain = |length: usize| vec![one.clone(); length];
        assert!(verifier.verify_client_cert(&one, &chain(9), now).is_ok());
        assert!(verifier.verify_client_cert(&one, &chain(10), now).is_err());
        let large = CertificateDer::from(vec![0; LARGEST_CERTIFICATE + 1]);
        assert!(verifier.verify_client_cert(&large, &[], now).is_err());
        assert!(verifier.verify_client_cert(&one, &[large], now).is_err());
    }

    #[test]
    fn issuers_are_hinted_unless_they_are_too_many() {
        let root = certificate("an issuer");
        let trusted = verifier(&ClientCertificates::Required(Issuers::Trusted(vec![root.clone()])));
        let (_, parsed) = X509Certificate::from_der(&root).unwrap();
        assert_eq!(trusted.root_hint_subjects()[0].as_ref(), parsed.subject().as_raw());
        assert!(trusted.client_auth_mandatory());

        let many = Issuers::Any { hints: vec![vec![b'a'; 1_000]; 17] };
        assert!(verifier(&ClientCertificates::Requested(many)).root_hint_subjects().is_empty());
        let few = Issuers::Any { hints: vec![vec![b'a'; 1_000]; 16] };
        assert_eq!(verifier(&ClientCertificates::Requested(few)).root_hint_subjects().len(), 16);
    }

    #[test]
    fn trust_without_a_readable_certificate_is_refused() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        for roots in [vec![], vec![CertificateDer::from(vec![1, 2, 3])]] {
            let policy = ClientCertificates::Required(Issuers::Trusted(roots));
            assert!(policy.verifier(&provider).is_err());
        }
    }
}
