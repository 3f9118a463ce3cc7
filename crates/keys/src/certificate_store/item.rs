//! `Get-ChildItem Cert:\LocalMachine\My`.

use base::Timestamp;
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ExtendedKeyUsage;
use x509_parser::prelude::FromDer;

use super::StoredCertificate;
use crate::certificate::distinguished_name::windows_name;
use crate::certificate::names::alternative_names;

/// A certificate with PowerShell's property names, those of its `Format-List` first and in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CertificateItem {
    /// In Windows's notation: `CN=fs.contoso.com, O=Contoso, C=US`.
    pub subject: String,
    /// In Windows's notation.
    pub issuer: String,
    /// SHA-1, upper-case hexadecimal.
    pub thumbprint: String,
    /// The name given at import, or by the PFX file; empty for none.
    pub friendly_name: String,
    /// Start of validity.
    #[serde(with = "configuration::date_time")]
    pub not_before: Timestamp,
    /// End of validity.
    #[serde(with = "configuration::date_time")]
    pub not_after: Timestamp,
    /// Whether the store holds a key for it; not whether that can be read.
    pub has_private_key: bool,
    /// The subject, if it is a common name alone, then the subject alternative names.
    pub dns_name_list: Vec<String>,
    /// `Server Authentication (1.3.6.1.5.5.7.3.1)`; empty, if every use is allowed.
    pub enhanced_key_usage_list: Vec<String>,
    /// Upper-case hexadecimal, as encoded.
    pub serial_number: String,
    /// X.509 version: 1 to 3.
    pub version: u32,
}

impl CertificateItem {
    pub(super) fn of(stored: &StoredCertificate) -> Self {
        let mut item = Self {
            subject: String::new(),
            issuer: String::new(),
            thumbprint: stored.thumbprint.clone(),
            friendly_name: stored.friendly_name.clone(),
            not_before: Timestamp::from_seconds(0),
            not_after: Timestamp::from_seconds(0),
            has_private_key: stored.has_private_key,
            dns_name_list: Vec::new(),
            enhanced_key_usage_list: Vec::new(),
            serial_number: String::new(),
            version: 0,
        };
        // A stored certificate was read once already, so this does not fail.
        if let Ok((_, certificate)) = X509Certificate::from_der(&stored.certificate) {
            item.read(&certificate);
        }
        item
    }

    fn read(&mut self, certificate: &X509Certificate<'_>) {
        self.subject = windows_name(certificate.subject());
        self.issuer = windows_name(certificate.issuer());
        self.not_before = Timestamp::from_seconds(certificate.validity().not_before.timestamp());
        self.not_after = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
        self.dns_name_list = dns_names(&self.subject, certificate);
        if let Ok(Some(usage)) = certificate.extended_key_usage() {
            self.enhanced_key_usage_list = usages(usage.value);
        }
        self.serial_number =
            certificate.raw_serial().iter().map(|octet| format!("{octet:02X}")).collect::<String>();
        self.version = certificate.version().0.saturating_add(1);
    }
}

/// As PowerShell's certificate provider makes its DnsNameList.
fn dns_names(subject: &str, certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(name) = subject.strip_prefix("CN=")
        && !name.contains(',')
    {
        names.push(name.to_owned());
    }
    for name in alternative_names(certificate) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            names.push(name);
        }
    }
    names
}

fn usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "Any Purpose (2.5.29.37.0)"),
        (usage.server_auth, "Server Authentication (1.3.6.1.5.5.7.3.1)"),
        (usage.client_auth, "Client Authentication (1.3.6.1.5.5.7.3.2)"),
        (usage.code_signing, "Code Signing (1.3.6.1.5.5.7.3.3)"),
        (usage.email_protection, "Secure Email (1.3.6.1.5.5.7.3.4)"),
        (usage.time_stamping, "Time Stamping (1.3.6.1.5.5.7.3.8)"),
        (usage.ocsp_signing, "OCSP Signing (1.3.6.1.5.5.7.3.9)"),
    ];
    let known = known.into_iter().filter(|(present, _)| *present).map(|(_, name)| name.to_owned());
    let other = usage.other.iter().map(|oid| match oid.to_id_string().as_str() {
        oid @ "1.3.6.1.4.1.311.20.2.2" => format!("Smart Card Logon ({oid})"),
        oid @ "1.3.6.1.5.2.3.5" => format!("KDC Authentication ({oid})"),
        oid => oid.to_owned(),
    });
    known.chain(other).collect()
}
