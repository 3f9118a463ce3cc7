//! Writes the SAML requests of service providers, right ones and wrong ones.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{Clock, SystemClock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What need not be escaped in a query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes a value for a query or a form.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Base64.
pub fn encode_base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Text behind Base64.
pub fn decode_base64(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).expect("Base64")).expect("UTF-8")
}

static REQUESTS: AtomicU32 = AtomicU32::new(1);

/// An AuthnRequest.
#[derive(Debug, Clone)]
pub struct AuthnRequest {
    /// `ID`.
    pub id: String,
    /// `Issuer`.
    pub issuer: String,
    /// Further attributes, such as ` ForceAuthn="true"`.
    pub attributes: String,
    /// Further elements.
    pub elements: String,
    /// What stands before the element.
    pub prolog: String,
}

impl AuthnRequest {
    /// The least that a service provider sends.
    pub fn new(issuer: &str) -> Self {
        Self {
            id: format!("_request-{}-{}", std::process::id(), REQUESTS.fetch_add(1, Ordering::Relaxed)),
            issuer: issuer.to_owned(),
            attributes: String::new(),
            elements: String::new(),
            prolog: String::new(),
        }
    }

    /// With a further attribute.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.attributes, " {name}=\"{value}\"");
        self
    }

    /// With a further element.
    pub fn element(mut self, xml: &str) -> Self {
        self.elements.push_str(xml);
        self
    }

    /// The document, written now.
    pub fn xml(&self) -> String {
        let Self { id, issuer, attributes, elements, prolog } = self;
        let now = SystemClock::new().now().to_xml();
        format!(
            "{prolog}<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{now}\"{attributes}><saml:Issuer>{issuer}</saml:Issuer>{elements}</samlp:AuthnRequest>"
        )
    }

    /// The query of the Redirect binding, without a signature.
    pub fn query(&self, relay_state: Option<&str>) -> String {
        Self::query_of(self.xml().as_bytes(), relay_state)
    }

    /// The same for any document.
    pub fn query_of(xml: &[u8], relay_state: Option<&str>) -> String {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(xml).expect("memory");
        let message = percent(&encode_base64(deflated.finish().expect("memory")));
        match relay_state {
            Some(state) => format!("SAMLRequest={message}&RelayState={}", percent(state)),
            None => format!("SAMLRequest={message}"),
        }
    }

    /// The query of the Redirect binding, signed by the RSA key in `key`.
    pub fn signed_query(&self, relay_state: Option<&str>, key: &Path) -> String {
        sign_query(&self.query(relay_state), key)
    }
}

/// Adds `SigAlg` and `Signature` to a query.
fn sign_query(query: &str, key: &Path) -> String {
    let query = format!("{query}&SigAlg={}", percent("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &query).expect("the query");
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-sign"]).arg(key).arg(file.path());
    let run = command.output().expect("openssl runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    format!("{query}&Signature={}", percent(&encode_base64(run.stdout)))
}
