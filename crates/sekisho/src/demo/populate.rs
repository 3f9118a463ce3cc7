//! Fills the demo: its own users and parties at the first start, Claims X-Ray for today's address, the seed file.

use std::collections::HashMap;
use std::path::Path;

use base::{Guid, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{
    Object, Problem, RelyingPartyTrust, SAML_20, SamlBinding, SamlEndpoint, SamlProtocol, ServiceProperties,
};
use directory::embedded::{NewPassword, NewUser};
use protocols::metadata::service_provider::{self, Reading};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use store::{Configuration, Kind, Operation, Write};

use super::Result;
use super::content::{self, DEFAULT_RULES, PASSWORD, PASSWORD_HASH};
use super::facts::{Facts, RelyingParty, User};
use super::seed::{Seed, SeedRelyingParty, SeedTokenType, SeedUser};
use super::service::Service;

/// What the demo holds, for its facts.
pub(super) struct Populated {
    users: Vec<User>,
    relying_parties: Vec<RelyingParty>,
}

/// Brings users and trusts up to date. A seed that has something wrong in it changes nothing.
pub(super) async fn populate(service: &Service, seed: &Seed, folder: &Path) -> Result<Populated> {
    let sts = &service.server.sts;
    let now = sts.clock.now();
    let resident = sts.catalog.resident();

    let own_parties = if service.first { content::relying_parties() } else { Vec::new() };
    let mut trusts = Vec::new();
    for party in own_parties.iter().chain(&seed.relying_party) {
        let trust = trust_of(party, folder, now);
        trusts.push(trust.map_err(|problem| format!("relying party '{}': {problem}", party.name))?);
    }
    let mut operations = trust_operations(service, trusts).await?;
    operations.extend(claims_xray_operations(service, &resident.properties).await?);

    let own_users = if service.first { content::users() } else { Vec::new() };
    let users: Vec<&SeedUser> = own_users.iter().chain(&seed.user).collect();
    if !users.is_empty() {
        service.directory.put_users(users.iter().map(|user| new_user(user)).collect(), "demo").await?;
    }
    if !operations.is_empty() {
        let store = service.store.as_ref();
        sts.catalog.write(Write::at_head(store, "demo", now, operations).await?).await?;
    }
    remember_passwords(service, &users, sts.clock.now()).await?;
    let mut trusts = sts.catalog.relying_parties().await?;
    trusts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Populated {
        users: list_users(service, seed).await?,
        relying_parties: trusts.iter().map(RelyingParty::of).collect(),
    })
}

/// Writes for the trusts that are new or differ, each under the identity of the trust that has its name.
async fn trust_operations(service: &Service, trusts: Vec<RelyingPartyTrust>) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for mut trust in trusts {
        let stored = service.store.find(Kind::RelyingPartyTrust, "name", &trust.name).await?;
        let version = stored.as_ref().map(|document| document.version).unwrap_or_default();
        trust.object_identifier = match &stored {
            Some(document) => document.id.parse()?,
            None => Guid::random(service.server.sts.random.as_ref()),
        };
        let body = serde_json::to_value(&trust)?;
        if stored.is_none_or(|document| document.body != body) {
            operations.push(sts::put_relying_party(&trust, version)?);
        }
    }
    Ok(operations)
}

/// Writes for Claims X-Ray where it is new or has moved with the service; the rest of its trusts is the
/// administrator's.
async fn claims_xray_operations(service: &Service, properties: &ServiceProperties) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for mut wanted in content::claims_xray(properties) {
        let identifier = wanted.identifier.first().map(String::as_str).unwrap_or_default();
        let Some(document) = service.store.find(Kind::RelyingPartyTrust, "identifier", identifier).await?
        else {
            wanted.object_identifier = Guid::random(service.server.sts.random.as_ref());
            operations.push(sts::put_relying_party(&wanted, 0)?);
            continue;
        };
        let stored: RelyingPartyTrust = serde_json::from_value(document.body)?;
        let moved = RelyingPartyTrust {
            ws_fed_endpoint: wanted.ws_fed_endpoint,
            saml_endpoints: wanted.saml_endpoints,
            ..stored.clone()
        };
        if moved != stored {
            operations.push(sts::put_relying_party(&moved, document.version)?);
        }
    }
    Ok(operations)
}

fn trust_of(party: &SeedRelyingParty, folder: &Path, now: Timestamp) -> Result<RelyingPartyTrust> {
    let mut trust = match &party.metadata_file {
        Some(file) => {
            let path = folder.join(file);
            let shown = path.display().to_string();
            let document = std::fs::read(&path).map_err(|error| format!("metadata_file {shown}: {error}"))?;
            let reading = Reading { entity_id: None, now, keys: None };
            let imported = service_provider::read(&document, &reading)
                .map_err(|problem| format!("metadata_file {shown}: {problem}"))?;
            for left_out in &imported.left_out {
                tracing::warn!(file = %shown, %left_out, "metadata");
            }
            imported.trust
        }
        None => RelyingPartyTrust::default(),
    };
    trust.name.clone_from(&party.name);
    if !party.identifiers.is_empty() {
        trust.identifier.clone_from(&party.identifiers);
    }
    if party.ws_fed_endpoint.is_some() {
        trust.ws_fed_endpoint.clone_from(&party.ws_fed_endpoint);
    }
    if !party.additional_ws_fed_endpoints.is_empty() {
        trust.additional_ws_fed_endpoint.clone_from(&party.additional_ws_fed_endpoints);
    }
    if party.token_type == Some(SeedTokenType::Saml20) {
        trust.ws_fed_token_type = SAML_20.to_owned();
    }
    if !party.saml_endpoints.is_empty() {
        trust.saml_endpoints.clone_from(&party.saml_endpoints);
    }
    if let Some(location) = &party.saml_acs {
        trust.saml_endpoints = vec![SamlEndpoint {
            protocol: SamlProtocol::AssertionConsumer,
            binding: SamlBinding::Post,
            location: location.clone(),
            index: 0,
            is_default: true,
            response_location: None,
        }];
    }
    trust.saml_response_signature = party.saml_response_signature.unwrap_or(trust.saml_response_signature);
    trust.signed_saml_requests_required =
        party.signed_saml_requests_required.unwrap_or(trust.signed_saml_requests_required);
    for file in &party.request_signing_certificate_files {
        let path = folder.join(file);
        let der = CertificateDer::from_pem_file(&path)
            .map_err(|error| format!("request_signing_certificate_files {}: {error}", path.display()))?;
        trust.request_signing_certificate.push(STANDARD.encode(der));
    }
    trust.token_lifetime = party.token_lifetime;
    trust.issuance_transform_rules = match (&party.rules, &party.rules_file) {
        (Some(_), Some(_)) => return Err("rules and rules_file are both set; expected one of them".into()),
        (Some(rules), None) => rules.clone(),
        (None, Some(file)) => {
            let path = folder.join(file);
            std::fs::read_to_string(&path)
                .map_err(|error| format!("rules_file {}: {error}", path.display()))?
        }
        (None, None) => DEFAULT_RULES.to_owned(),
    };
    trust.issuance_authorization_rules = match &party.authorization_rules {
        Some(rules) => rules.clone(),
        None => claims::defaults::PERMIT_EVERYONE.clone(),
    };
    let mut problems: Vec<String> = trust.problems().iter().map(Problem::to_string).collect();
    for (key, rules) in [
        ("rules", &trust.issuance_transform_rules),
        ("authorization_rules", &trust.issuance_authorization_rules),
    ] {
        if let Err(found) = sts::compile(rules) {
            problems.extend(found.iter().map(|diagnostic| format!("{key}: {}", diagnostic.render(rules))));
        }
    }
    match problems.is_empty() {
        true => Ok(trust),
        false => Err(problems.join("\n").into()),
    }
}

fn new_user(user: &SeedUser) -> NewUser {
    let sam = account_name(user);
    let mut attributes = user.attributes.clone();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            attributes.entry(name.to_owned()).or_insert_with(|| vec![value]);
        }
    };
    set("mail", Some(user.mail.clone().unwrap_or_else(|| user.upn.clone())));
    set("givenName", user.given_name.clone());
    set("sn", user.surname.clone());
    // The demo's own password is public, so its hash is made once, by whoever changes it.
    let password = match user.password == PASSWORD {
        true => NewPassword::Hashed(PASSWORD_HASH.to_owned()),
        false => NewPassword::Plain(Secret::new(user.password.clone())),
    };
    NewUser {
        user_principal_name: user.upn.clone(),
        display_name: user.display_name.clone().unwrap_or_else(|| sam.clone()),
        sam_account_name: sam,
        password,
        groups: user.groups.clone(),
        disabled: user.disabled,
        must_change_password: user.must_change_password,
        attributes,
        object_guid: None,
        object_sid: None,
    }
}

fn account_name(user: &SeedUser) -> String {
    let local = user.upn.split('@').next().unwrap_or_default();
    user.sam.clone().unwrap_or_else(|| local.chars().take(20).collect())
}

/// The object of [`Kind::FarmKey`] in which the demo keeps the passwords it prints. They are no secret: the demo
/// prints them. A password that was changed on the page is not known any more.
const PRINTED: &str = "demo-printed-passwords";

async fn remember_passwords(service: &Service, users: &[&SeedUser], now: Timestamp) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let stored = service.store.get(Kind::FarmKey, PRINTED).await?;
    let version = stored.as_ref().map(|document| document.version).unwrap_or_default();
    let mut printed: HashMap<String, Printed> = match stored {
        Some(document) => serde_json::from_value(document.body)?,
        None => HashMap::new(),
    };
    for user in users {
        printed.insert(user.upn.to_lowercase(), Printed { password: user.password.clone(), at: now });
    }
    let operation = Operation::Put {
        kind: Kind::FarmKey,
        id: PRINTED.to_owned(),
        expected: version,
        body: serde_json::to_value(printed)?,
        keys: Vec::new(),
    };
    let store = service.store.as_ref();
    store.write(Write::at_head(store, "demo", now, vec![operation]).await?).await?;
    Ok(())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Printed {
    password: String,
    at: Timestamp,
}

async fn list_users(service: &Service, seed: &Seed) -> Result<Vec<User>> {
    let printed: HashMap<String, Printed> = match service.store.get(Kind::FarmKey, PRINTED).await? {
        Some(document) => serde_json::from_value(document.body)?,
        None => HashMap::new(),
    };
    let groups: HashMap<String, String> = service
        .directory
        .groups()
        .await?
        .into_iter()
        .map(|group| (group.object_sid, group.sam_account_name))
        .collect();
    let first_of = |upn: &str| seed.user.iter().any(|user| user.upn.eq_ignore_ascii_case(upn));
    let mut users: Vec<(bool, User)> = Vec::new();
    for user in service.directory.users().await? {
        let known = printed.get(&user.user_principal_name.to_lowercase());
        let password =
            known.filter(|printed| user.pwd_last_set <= printed.at).map(|printed| printed.password.clone());
        let mut notes = Vec::new();
        if user.disabled {
            notes.push("disabled".to_owned());
        }
        if user.must_change_password {
            notes.push("must change the password".to_owned());
        }
        if user.member_of.len() > 20 {
            notes.push(format!("{} groups", user.member_of.len()));
        }
        if password.is_none() {
            notes.push("password changed".to_owned());
        }
        users.push((
            first_of(&user.user_principal_name),
            User {
                mail: user
                    .attributes
                    .get("mail")
                    .and_then(|values| values.first())
                    .cloned()
                    .unwrap_or_default(),
                groups: user.member_of.iter().filter_map(|sid| groups.get(sid).cloned()).collect(),
                upn: user.user_principal_name,
                sam: user.sam_account_name,
                password: password.unwrap_or_default(),
                display_name: user.display_name,
                note: notes.join(", "),
            },
        ));
    }
    users.sort_by(|(a_first, a), (b_first, b)| {
        let special = |user: &User| !user.note.is_empty();
        (!a_first, special(a), &a.upn).cmp(&(!b_first, special(b), &b.upn))
    });
    Ok(users.into_iter().map(|(_, user)| user).collect())
}

impl Populated {
    /// The facts of the demo, once its listeners are bound.
    pub(super) fn facts(self, service: &Service, data: &Path, admin_socket: &Path, probe_port: u16) -> Facts {
        let resident = service.server.sts.catalog.resident();
        let properties = &resident.properties;
        let base_url = properties.public_url();
        Facts {
            federation_service: properties.host_name.clone(),
            entity_id: properties.identifier.clone(),
            metadata_url: format!("{base_url}/FederationMetadata/2007-06/FederationMetadata.xml"),
            claims_xray_url: format!("{base_url}/claimsxray"),
            probe_url: format!("http://127.0.0.1:{probe_port}/adfs/probe"),
            base_url,
            ca_file: data.join("ca.pem"),
            admin_socket: admin_socket.to_owned(),
            pid: std::process::id(),
            users: self.users,
            relying_parties: self.relying_parties,
        }
    }
}
