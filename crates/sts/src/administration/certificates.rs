//! A certificate with its key becomes one of the farm's. The API of objects cannot make one: it takes no keys.

use configuration::{Certificate, CertificateType, Object, object_type};

use super::carry_out::Plan;
use super::change::{conflict, kind_of};
use super::{Administration, ChangeError, Changed};
use crate::Sts;

/// A certificate whose key is sealed under the farm's master key.
#[derive(Debug)]
pub struct NewCertificate {
    /// The certificate. If it is primary, the one that was is not any more.
    pub certificate: Certificate,
    /// Who made it, which decides what happens to the others.
    pub origin: Origin,
    /// Who wants it, for history and audit.
    pub by: String,
    /// Check everything and change nothing.
    pub what_if: bool,
}

/// Where a change of the farm's certificates comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An administrator names the certificate: refused for token certificates while `AutoCertificateRollover` is on.
    ByHand,
    /// The service makes the next certificate (`Update-AdfsCertificate`).
    Made,
    /// The same, and the others of the type go at once (`-Urgent`).
    MadeUrgently,
}

impl Administration {
    /// Stores a certificate, and lets it take the place of others if it is primary.
    pub async fn put_certificate(&self, sts: &Sts, request: NewCertificate) -> Result<Changed, ChangeError> {
        self.role.may_write()?;
        let _one = self.one_at_a_time.lock().await;
        let NewCertificate { certificate, origin, by, what_if } = request;
        let missing = || ChangeError::not_allowed("certificates are not declared");
        let object = object_type(Certificate::KIND).ok_or_else(missing)?;
        let kind = kind_of(object)?;
        let body = serde_json::to_value(&certificate)
            .map_err(|error| ChangeError::not_allowed(format!("the certificate can't be stored: {error}")))?;
        let after = (object.check)(body).map_err(ChangeError::invalid)?;
        let before = sts.catalog.store().get(kind, &after.id).await?;
        let replaces = certificate.certificate_type == CertificateType::ServiceCommunications;
        if let Some(before) = before.as_ref().filter(|_| !replaces) {
            let reason = format!("the certificate '{}' is one of the farm's already", before.id);
            return Err(conflict(object, reason, Some(before), None));
        }
        let id = after.id.clone();
        let after = Some(after);
        self.carry_out(sts, Plan { object, kind, id, before, after, origin, by, what_if }).await
    }
}
