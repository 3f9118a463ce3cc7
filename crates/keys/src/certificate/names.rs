//! The host names that a certificate is for.

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// Whether clients take the certificate for `host`, a name or an address (RFC 9525 6.3): the subject
/// alternative names decide, and `*` stands for one whole label at the left.
pub(crate) fn covers(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Ok(name) = ServerName::try_from(host) else { return false };
    ParsedCertificate::try_from(certificate)
        .is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, &name).is_ok())
}

/// The subject alternative names that are host names or addresses, as the certificate spells them.
pub(crate) fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets),
            _ => None,
        })
        .collect()
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(octets).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_name_is_covered_exactly_or_by_one_label_under_a_wildcard() {
        let der = certificate(&["fs.contoso.com", "*.corp.example", "10.0.0.1", "f*o.contoso.com", "::1"]);
        for host in
            ["fs.contoso.com", "FS.Contoso.COM", "fs.contoso.com.", "fs.corp.example", "10.0.0.1", "::1"]
        {
            assert!(covers(&der, host), "{host}");
        }
        for host in [
            "contoso.com",
            "certauth.fs.contoso.com",
            "corp.example",
            "certauth.fs.corp.example",
            ".corp.example",
            "*.corp.example.com",
            "foo.contoso.com",
            "10.0.0.2",
            "",
            ".",
            "fs.contoso.com..",
            "関所.example",
        ] {
            assert!(!covers(&der, host), "{host}");
        }
    }

    #[test]
    fn the_subject_alone_covers_nothing() {
        let mut params = CertificateParams::default();
        params.distinguished_name = crate::certificate::generate::common_name("fs.contoso.com".into());
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
        assert!(!covers(&der, "fs.contoso.com"));
        assert!(!covers(&CertificateDer::from(vec![0; 100]), "fs.contoso.com"));
    }
}
