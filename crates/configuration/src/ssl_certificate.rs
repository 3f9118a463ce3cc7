//! TLS bindings (`Get-AdfsSslCertificate`): which certificate a listener shows for a host name and port.

use base::Guid;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::thumbprint_problem;
use crate::{Object, Problem};

/// The certificate of a host name and port. Each node has its own bindings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct SslCertificate {
    /// Host name that clients ask for (SNI).
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub host_name: String,
    /// Port of the listener.
    #[garde(range(min = 1, max = 65_535))]
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub port_number: u16,
    /// SHA-1 of the certificate, upper-case hexadecimal.
    #[schemars(extend("x-effect" = "none", "x-scope" = "node"))]
    pub certificate_hash: String,
    /// Store of the node that holds the certificate.
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub certificate_store_name: String,
    /// Owner of the binding; AD FS's own identifier.
    #[schemars(with = "String", extend("format" = "uuid", "x-read-only" = true, "x-scope" = "node"))]
    pub app_id: Guid,
    /// Store of the authorities that clients are told of, for device certificates; none for user certificates.
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub ctl_store_name: Option<String>,
    /// Clients are asked for a certificate.
    #[schemars(extend("x-read-only" = true, "x-scope" = "node"))]
    pub accept_client_certs: bool,
}

impl Default for SslCertificate {
    fn default() -> Self {
        Self {
            host_name: String::new(),
            port_number: 443,
            certificate_hash: String::new(),
            certificate_store_name: "MY".to_owned(),
            app_id: Guid::from_bytes(ADFS_APP_ID),
            ctl_store_name: None,
            accept_client_certs: false,
        }
    }
}

/// `{5d89a20c-beab-4389-9447-324788eb944a}`
const ADFS_APP_ID: [u8; 16] =
    [0x5d, 0x89, 0xa2, 0x0c, 0xbe, 0xab, 0x43, 0x89, 0x94, 0x47, 0x32, 0x47, 0x88, 0xeb, 0x94, 0x4a];

impl Object for SslCertificate {
    const KIND: &'static str = "ssl-certificate";
    const NOUN: &'static str = "AdfsSslCertificate";

    fn id(&self) -> String {
        format!("{}:{}", self.host_name, self.port_number)
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.host_name.is_empty() || self.host_name.contains(['/', ':', ' ']) {
            let expected = "is not a host name; expected one like fs.example.com";
            problems.push(Problem::new("HostName", &self.host_name, expected));
        }
        problems.extend(thumbprint_problem("CertificateHash", &self.certificate_hash));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_binding_is_ad_fs() {
        assert_eq!(SslCertificate::default().app_id.to_string(), "5d89a20c-beab-4389-9447-324788eb944a");
    }
}
