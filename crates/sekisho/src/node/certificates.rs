//! Certificates of the farm by name: what `Set-`, `Add-` and `Update-AdfsCertificate` do.

use std::sync::Arc;

use configuration::{Certificate, CertificateType, Named, Object, object_type};
use keys::certificate_store::CertificateStore;
use keys::{Chain, ImportRules, MasterKey, TokenUse, Validity, generate_token_certificate, parse_thumbprint};
use serde::Deserialize;
use serde_json::json;
use server::{ActionAnswer, ActionCall, ActionError, Actions, FederationServer};
use store::Kind;
use sts::administration::{ChangeRequest, Changed, Edit, Expected, NewCertificate, Origin};

use super::open::certificates;

/// The certificates of a farm and of this node.
pub(crate) struct FarmCertificates {
    pub(crate) server: Arc<FederationServer>,
    /// Where certificates come from that have no key in the configuration yet.
    pub(crate) of_node: CertificateStore,
    /// Seals their keys.
    pub(crate) master_key: Arc<MasterKey>,
}

/// Arguments of all three actions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Arguments {
    certificate_type: Option<CertificateType>,
    #[serde(default)]
    thumbprint: String,
    #[serde(default)]
    is_primary: bool,
    #[serde(default)]
    urgent: bool,
}

/// The actions on certificates.
pub(crate) fn actions(actions: Actions, certificates: &Arc<FarmCertificates>) -> Actions {
    actions
        .on("set-certificate", certificates, |farm, call| async move { farm.set(call).await })
        .on("add-certificate", certificates, |farm, call| async move { farm.add(call).await })
        .on("update-certificate", certificates, |farm, call| async move { farm.update(call).await })
}

impl FarmCertificates {
    /// Makes a token certificate of the farm the primary one, or takes Service-Communications from the node's store.
    async fn set(&self, call: ActionCall) -> Result<ActionAnswer, ActionError> {
        let Arguments { certificate_type, thumbprint, is_primary, .. } = arguments(&call)?;
        let certificate_type = needed(certificate_type)?;
        let sts = &self.server.sts;
        if certificate_type == CertificateType::ServiceCommunications {
            let found = self.of_node(&thumbprint, certificate_type)?;
            let certificate = Certificate { is_primary: true, ..found };
            return self.put(&call, certificate, Origin::ByHand).await.map(|changed| answer([changed]));
        }
        if !is_primary {
            return Err(ActionError::failed(
                "IsPrimary: is not given; a token certificate is set by making it primary: add -IsPrimary",
            ));
        }
        let thumbprint = parse_thumbprint(&thumbprint).map_err(ActionError::failed)?;
        let id = format!("{}:{thumbprint}", certificate_type.name());
        if sts.catalog.store().get(Kind::Certificate, &id).await.map_err(ActionError::failed)?.is_none() {
            let message = format!(
                "PS0010: the farm has no {} certificate with the thumbprint {thumbprint}; add it first with \
                 Add-AdfsCertificate, Get-AdfsCertificate lists those there are",
                certificate_type.name()
            );
            return Err(ActionError::Failed { code: Some("PS0010"), message });
        }
        let object = object_type(Certificate::KIND)
            .ok_or_else(|| ActionError::failed("certificates are not declared"))?;
        let request = ChangeRequest {
            object,
            id: Some(id),
            edit: Edit::Patch(Expected::Any, json!({ "IsPrimary": true })),
            by: call.by.clone(),
            what_if: call.what_if,
        };
        Ok(answer([call.administration.change(sts, request).await?]))
    }

    /// A certificate of the node's store becomes a token certificate of the farm.
    async fn add(&self, call: ActionCall) -> Result<ActionAnswer, ActionError> {
        let Arguments { certificate_type, thumbprint, is_primary, .. } = arguments(&call)?;
        let certificate_type = needed(certificate_type)?;
        if certificate_type == CertificateType::ServiceCommunications {
            return Err(ActionError::failed(
                "CertificateType: Service-Communications has one certificate, which is set and not added; run \
                 Set-AdfsCertificate",
            ));
        }
        let certificate = Certificate { is_primary, ..self.of_node(&thumbprint, certificate_type)? };
        self.put(&call, certificate, Origin::ByHand).await.map(|changed| answer([changed]))
    }

    /// New self-signed token certificates of one type or of both: they wait as secondary ones, or with `Urgent` take
    /// the place of all others at once.
    async fn update(&self, call: ActionCall) -> Result<ActionAnswer, ActionError> {
        let Arguments { certificate_type, urgent, .. } = arguments(&call)?;
        let both = [CertificateType::TokenSigning, CertificateType::TokenDecrypting];
        let types: Vec<_> =
            both.into_iter().filter(|one| certificate_type.is_none_or(|wanted| wanted == *one)).collect();
        if types.is_empty() {
            return Err(ActionError::failed(
                "CertificateType: Service-Communications certificates come from an authority; import a new one and run \
                 Set-AdfsCertificate",
            ));
        }
        for certificate_type in &types {
            if !urgent {
                self.none_waits(*certificate_type).await?;
            }
        }
        let mut changed = Vec::new();
        for certificate_type in types {
            let made = self.made(certificate_type).await?;
            let origin = if urgent { Origin::MadeUrgently } else { Origin::Made };
            changed.push(self.put(&call, Certificate { is_primary: urgent, ..made }, origin).await?);
        }
        let mut answer = answer(changed);
        if urgent {
            answer.warnings.push(
                "Partners that have not read the new federation metadata refuse what is signed from now on."
                    .to_owned(),
            );
        }
        Ok(answer)
    }

    /// A certificate of the node with its key, sealed for the farm. A key that can't be read is event 133's case, and
    /// the error says why.
    fn of_node(
        &self,
        thumbprint: &str,
        certificate_type: CertificateType,
    ) -> Result<Certificate, ActionError> {
        let sts = &self.server.sts;
        let rules = ImportRules { certificate_type, now: sts.clock.now(), chain: Chain::AsGiven };
        self.of_node
            .farm_certificate(thumbprint, &rules, &self.master_key, sts.random.as_ref())
            .map_err(ActionError::failed)
    }

    /// A new self-signed one. It takes a tenth of a second, so it is made beside the requests.
    async fn made(&self, certificate_type: CertificateType) -> Result<Certificate, ActionError> {
        let sts = &self.server.sts;
        let resident = sts.catalog.resident();
        let (host, days) = (resident.properties.host_name.clone(), resident.properties.certificate_duration);
        let validity = Validity::days(sts.clock.now(), days);
        let token_use = match certificate_type {
            CertificateType::TokenDecrypting => TokenUse::Decrypting,
            _ => TokenUse::Signing,
        };
        let (master_key, random) = (self.master_key.clone(), sts.random.clone());
        let make =
            move || generate_token_certificate(token_use, &host, validity, &master_key, random.as_ref());
        tokio::task::spawn_blocking(make).await.map_err(ActionError::failed)?.map_err(ActionError::failed)
    }

    /// PS0139: a certificate that is newer than the primary one waits to follow it.
    async fn none_waits(&self, certificate_type: CertificateType) -> Result<(), ActionError> {
        let stored = certificates(self.server.sts.catalog.store(), certificate_type)
            .await
            .map_err(ActionError::failed)?;
        let stored: Vec<Certificate> = stored.into_iter().map(|(certificate, _)| certificate).collect();
        let since = stored.iter().find(|one| one.is_primary).map(|primary| primary.not_before);
        let waiting = stored.iter().find(|one| !one.is_primary && Some(one.not_before) >= since);
        let Some(waiting) = waiting else { return Ok(()) };
        let message = format!(
            "PS0139: the {} certificate {} waits already to become the primary one; make it primary with \
             Set-AdfsCertificate -IsPrimary, or replace all at once with -Urgent",
            certificate_type.name(),
            waiting.thumbprint
        );
        Err(ActionError::Failed { code: Some("PS0139"), message })
    }

    async fn put(
        &self,
        call: &ActionCall,
        certificate: Certificate,
        origin: Origin,
    ) -> Result<Changed, ActionError> {
        let (by, what_if) = (call.by.clone(), call.what_if);
        let request = NewCertificate { certificate, origin, by, what_if };
        Ok(call.administration.put_certificate(&self.server.sts, request).await?)
    }
}

fn arguments(call: &ActionCall) -> Result<Arguments, ActionError> {
    Arguments::deserialize(&call.body).map_err(ActionError::failed)
}

fn needed(certificate_type: Option<CertificateType>) -> Result<CertificateType, ActionError> {
    certificate_type.ok_or_else(|| {
        ActionError::failed("CertificateType: is missing; expected Token-Signing or another type")
    })
}

fn answer(changed: impl IntoIterator<Item = Changed>) -> ActionAnswer {
    let mut answer = ActionAnswer::default();
    for changed in changed {
        answer.objects.extend(changed.body);
        answer.warnings.extend(changed.warnings);
    }
    answer
}
