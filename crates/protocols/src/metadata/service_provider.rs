//! Making a relying party trust from the metadata that the party publishes (`Add-AdfsRelyingPartyTrust
//! -MetadataFile`): SAML 2.0 `SPSSODescriptor` (SAML metadata 2.4.4) and the roles of WS-Federation 1.2, 3.1.

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use configuration::{Object, Problem, RelyingPartyTrust, SamlBinding, SamlEndpoint, SamlProtocol};
use xml::{
    Document, Element, Limits, Profile, SignatureError, SignaturePolicy, VerificationKey, XmlError, verify,
};

use super::{ADDRESSING, FEDERATION, METADATA, SCHEMA_INSTANCE, SIGNATURE};
use crate::PeerText;
use crate::saml::{BINDING_POST, BINDING_REDIRECT, PROTOCOL};

/// How a document is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Which entity of the document; needed only when several are relying parties.
    pub entity_id: Option<&'a str>,
    /// Now, for `validUntil`.
    pub now: Timestamp,
    /// Keys that must have signed the document; `None` leaves a signature unread.
    pub keys: Option<&'a [VerificationKey]>,
}

/// What a document gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The trust, without claim rules. It is not stored yet and has no object identifier.
    pub trust: RelyingPartyTrust,
    /// What the document offers and the trust leaves out, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// Something that the trust leaves out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// An endpoint by a binding that is not offered.
    #[error("{service} at '{location}': the binding '{binding}' is not offered")]
    Binding {
        /// Element name of the endpoint.
        service: PeerText,
        /// Its address.
        location: PeerText,
        /// Its binding.
        binding: PeerText,
    },
    /// An endpoint to which nothing is sent.
    #[error("{service}: {problem}")]
    Endpoint {
        /// Element name of the endpoint.
        service: PeerText,
        /// What is wrong with its address.
        problem: Problem,
    },
    /// A certificate that can't verify signatures.
    #[error("a signing certificate: {reason}")]
    SigningCertificate {
        /// Why.
        reason: String,
    },
    /// A certificate for encryption.
    #[error("an encryption certificate: tokens are not encrypted yet")]
    EncryptionCertificate,
}

/// Why a document gives no trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceProviderProblem {
    /// The document is not read.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// It is some other XML.
    #[error("the document is '{found}'; expected EntityDescriptor or EntitiesDescriptor of SAML metadata")]
    NotMetadata {
        /// Local name of its element.
        found: PeerText,
    },
    /// The document, or the keys that should have signed it, are wrong.
    #[error("the signature of the metadata is not believed: {0}")]
    Signature(#[from] SignatureError),
    /// `validUntil` has passed.
    #[error("the metadata was valid until {valid_until}; ask the party for a new document")]
    Expired {
        /// Until when it was valid.
        valid_until: Timestamp,
    },
    /// A value can't be read.
    #[error("{field} of the metadata is '{value}'; expected {expected}")]
    Value {
        /// Name of the attribute or element.
        field: &'static str,
        /// Value as sent.
        value: PeerText,
        /// What it should be.
        expected: &'static str,
    },
    /// The wanted entity is not in the document.
    #[error("the document describes no entity '{entity_id}'")]
    NoSuchEntity {
        /// The wanted entity.
        entity_id: PeerText,
    },
    /// No entity takes tokens: an identity provider's document, for a claims provider trust.
    #[error(
        "no relying party role: the document describes {entities} entities, and none of them takes tokens"
    )]
    NoRelyingPartyRole {
        /// How many entities there are.
        entities: usize,
    },
    /// Several entities take tokens.
    #[error(
        "{count} entities of the document are relying parties, '{first}' the first; say which one is meant"
    )]
    SeveralRelyingParties {
        /// How many.
        count: usize,
        /// The first one's entity id.
        first: PeerText,
    },
    /// No endpoint of the party can be used.
    #[error("no endpoint of '{entity_id}' can be used: {}", .left_out.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoUsableEndpoint {
        /// Entity id of the party.
        entity_id: PeerText,
        /// Its endpoints, and what is wrong with each.
        left_out: Vec<LeftOut>,
    },
    /// The party says that it signs its requests and names no certificate that could verify them.
    #[error("AuthnRequestsSigned is set for '{entity_id}', but no signing certificate of it can be used")]
    NoSigningCertificate {
        /// Entity id of the party.
        entity_id: PeerText,
    },
    /// The trust would not be accepted.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Trust(Vec<Problem>),
}

/// Reads a document that came as bytes.
pub fn read(document: &[u8], reading: &Reading<'_>) -> Result<Imported, ServiceProviderProblem> {
    let text = xml::decode(document, &Limits::METADATA)?;
    let document = Document::parse(&text, &Limits::METADATA)?;
    let root = document.root();
    if let Some(keys) = reading.keys {
        verify::enveloped(root, keys, &SignaturePolicy::strict(Profile::Metadata))?;
    }
    let entities = entities(root, reading.now)?;
    let entity = choose(&entities, reading.entity_id)?;
    entity.import(reading.now)
}

/// An entity, and whether what surrounds it is still valid.
struct Entity<'a, 'i> {
    element: Element<'a, 'i>,
    entity_id: &'a str,
    expired: Option<Timestamp>,
}

/// Every entity of a document, of nested groups too. Nesting is bounded by the parser.
fn entities<'a, 'i>(
    root: Element<'a, 'i>,
    now: Timestamp,
) -> Result<Vec<Entity<'a, 'i>>, ServiceProviderProblem> {
    if !root.is(METADATA, "EntityDescriptor") && !root.is(METADATA, "EntitiesDescriptor") {
        return Err(ServiceProviderProblem::NotMetadata { found: PeerText::new(root.local_name()) });
    }
    let mut found = Vec::new();
    let mut open = vec![(root, None)];
    while let Some((element, outer)) = open.pop() {
        let expired = outer.or(passed(element, now)?);
        if element.is(METADATA, "EntityDescriptor") {
            let entity_id = element.attribute("entityID").unwrap_or_default();
            found.push(Entity { element, entity_id, expired });
        } else if element.is(METADATA, "EntitiesDescriptor") {
            open.extend(element.children().map(|child| (child, expired)));
        }
    }
    found.reverse();
    Ok(found)
}

fn choose<'e, 'a, 'i>(
    entities: &'e [Entity<'a, 'i>],
    wanted: Option<&str>,
) -> Result<&'e Entity<'a, 'i>, ServiceProviderProblem> {
    if let Some(wanted) = wanted {
        let entity = entities.iter().find(|entity| entity.entity_id == wanted);
        return entity
            .ok_or_else(|| ServiceProviderProblem::NoSuchEntity { entity_id: PeerText::new(wanted) });
    }
    let mut parties = entities.iter().filter(|entity| entity.is_relying_party());
    let Some(first) = parties.next() else {
        return Err(ServiceProviderProblem::NoRelyingPartyRole { entities: entities.len() });
    };
    match parties.count() {
        0 => Ok(first),
        more => Err(ServiceProviderProblem::SeveralRelyingParties {
            count: more.saturating_add(1),
            first: PeerText::new(first.entity_id),
        }),
    }
}

impl<'a, 'i> Entity<'a, 'i> {
    fn is_relying_party(&self) -> bool {
        self.saml_role().is_some() || self.ws_federation_role().is_some()
    }

    /// The first SAML 2.0 service provider role.
    fn saml_role(&self) -> Option<Element<'a, 'i>> {
        self.element.children_named(METADATA, "SPSSODescriptor").find(|role| {
            let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
            protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
        })
    }

    /// The WS-Federation role that takes tokens: an application, else a token service that says for which
    /// addresses it wants them. A token service without scopes only issues.
    fn ws_federation_role(&self) -> Option<Element<'a, 'i>> {
        let role = |name: &'static str| {
            self.element.children_named(METADATA, "RoleDescriptor").find(move |role| {
                // The prefix is the document's own choice.
                let kind = role.attribute_in(SCHEMA_INSTANCE, "type").unwrap_or_default();
                kind.rsplit(':').next() == Some(name)
            })
        };
        let takes_tokens = |role: &Element<'_, '_>| addresses(*role, "TargetScopes").next().is_some();
        role("ApplicationServiceType").or_else(|| role("SecurityTokenServiceType").filter(takes_tokens))
    }

    fn import(&self, now: Timestamp) -> Result<Imported, ServiceProviderProblem> {
        let entity_id = PeerText::new(self.entity_id);
        if self.entity_id.is_empty() {
            let expected = "the identifier of the party";
            return Err(ServiceProviderProblem::Value { field: "entityID", value: entity_id, expected });
        }
        let (saml, ws_federation) = (self.saml_role(), self.ws_federation_role());
        let roles = || saml.into_iter().chain(ws_federation);
        if roles().next().is_none() {
            return Err(ServiceProviderProblem::NoRelyingPartyRole { entities: 1 });
        }
        for role in roles() {
            if let Some(valid_until) = self.expired.or(passed(role, now)?) {
                return Err(ServiceProviderProblem::Expired { valid_until });
            }
        }

        let mut left_out = Vec::new();
        let mut trust = RelyingPartyTrust {
            name: display_name(ws_federation).unwrap_or(self.entity_id).to_owned(),
            identifier: vec![self.entity_id.to_owned()],
            ..Default::default()
        };
        if let Some(role) = saml {
            trust.saml_endpoints = saml_endpoints(role, &mut left_out)?;
            trust.signed_saml_requests_required = boolean(role, "AuthnRequestsSigned")?;
        }
        if let Some(role) = ws_federation {
            add_ws_federation(role, &mut trust, &mut left_out);
        }
        for role in roles() {
            add_certificates(role, &mut trust, &mut left_out);
        }

        if trust.ws_fed_endpoint.is_none() && trust.assertion_consumers().next().is_none() {
            return Err(ServiceProviderProblem::NoUsableEndpoint { entity_id, left_out });
        }
        if trust.signed_saml_requests_required && trust.request_signing_certificate.is_empty() {
            return Err(ServiceProviderProblem::NoSigningCertificate { entity_id });
        }
        match trust.problems() {
            problems if problems.is_empty() => Ok(Imported { trust, left_out }),
            problems => Err(ServiceProviderProblem::Trust(problems)),
        }
    }
}

fn display_name<'a>(role: Option<Element<'a, '_>>) -> Option<&'a str> {
    role?.attribute("ServiceDisplayName").map(str::trim).filter(|name| !name.is_empty())
}

/// The endpoints of a SAML role that can be used. One that is marked as default, else the first, is the default.
fn saml_endpoints(
    role: Element<'_, '_>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<SamlEndpoint>, ServiceProviderProblem> {
    let mut endpoints: Vec<SamlEndpoint> = Vec::new();
    for element in role.children() {
        let protocol = match (element.namespace(), element.local_name()) {
            (METADATA, "AssertionConsumerService") => SamlProtocol::AssertionConsumer,
            (METADATA, "SingleLogoutService") => SamlProtocol::Logout,
            (METADATA, "ArtifactResolutionService") => SamlProtocol::ArtifactResolution,
            _ => continue,
        };
        let location = element.attribute("Location").unwrap_or_default().trim();
        let binding = match element.attribute("Binding").unwrap_or_default() {
            BINDING_POST => SamlBinding::Post,
            BINDING_REDIRECT => SamlBinding::Redirect,
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" => SamlBinding::Artifact,
            "urn:oasis:names:tc:SAML:2.0:bindings:SOAP" => SamlBinding::Soap,
            other => {
                left_out.push(LeftOut::Binding {
                    service: PeerText::new(element.local_name()),
                    location: PeerText::new(location),
                    binding: PeerText::new(other),
                });
                continue;
            }
        };
        let endpoint = SamlEndpoint {
            protocol,
            binding,
            location: location.to_owned(),
            index: index(element)?,
            is_default: boolean(element, "isDefault")?,
            response_location: element.attribute("ResponseLocation").map(|value| value.trim().to_owned()),
        };
        match endpoint_problem(&endpoint) {
            None => endpoints.push(endpoint),
            Some(problem) => {
                let service = PeerText::new(element.local_name());
                left_out.push(LeftOut::Endpoint { service, problem });
            }
        }
    }
    Ok(endpoints)
}

/// What the trust itself would say about an endpoint.
fn endpoint_problem(endpoint: &SamlEndpoint) -> Option<Problem> {
    address_problem(&endpoint.location)
        .or_else(|| endpoint.response_location.as_deref().and_then(address_problem))
}

/// What is wrong with an address to which tokens or messages would be sent.
fn address_problem(address: &str) -> Option<Problem> {
    let probe = RelyingPartyTrust { ws_fed_endpoint: Some(address.to_owned()), ..Default::default() };
    let problem = probe.problems().into_iter().find(|problem| problem.field == "WSFedEndpoint")?;
    Some(Problem { field: "Location".to_owned(), ..problem })
}

/// Endpoints and identifiers of a WS-Federation role. Every scope is an identifier: applications send it as
/// `wtrealm`.
fn add_ws_federation(role: Element<'_, '_>, trust: &mut RelyingPartyTrust, left_out: &mut Vec<LeftOut>) {
    for scope in addresses(role, "TargetScopes") {
        if !trust.identifier.contains(&scope) {
            trust.identifier.push(scope);
        }
    }
    for address in addresses(role, "PassiveRequestorEndpoint") {
        if let Some(problem) = address_problem(&address) {
            left_out.push(LeftOut::Endpoint { service: PeerText::new("PassiveRequestorEndpoint"), problem });
        } else if trust.ws_fed_endpoint.is_none() {
            trust.ws_fed_endpoint = Some(address);
        } else if !trust.has_ws_fed_endpoint(&address) {
            trust.additional_ws_fed_endpoint.push(address);
        }
    }
}

/// The addresses of the endpoint references in every `fed:` child of that name.
fn addresses<'a, 'i>(
    role: Element<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = String> + use<'a, 'i> {
    role.children_named(FEDERATION, name)
        .flat_map(|list| list.children_named(ADDRESSING, "EndpointReference"))
        .flat_map(|reference| reference.children_named(ADDRESSING, "Address"))
        .map(|address| address.text().trim().to_owned())
        .filter(|address| !address.is_empty())
}

/// The certificates of the keys that sign; a key without `use` does everything (SAML metadata 2.4.1.1).
fn add_certificates(role: Element<'_, '_>, trust: &mut RelyingPartyTrust, left_out: &mut Vec<LeftOut>) {
    for key in role.children_named(METADATA, "KeyDescriptor") {
        if key.attribute("use") == Some("encryption") {
            left_out.push(LeftOut::EncryptionCertificate);
            continue;
        }
        let infos = key.children_named(SIGNATURE, "KeyInfo");
        let data = infos.flat_map(|info| info.children_named(SIGNATURE, "X509Data"));
        // Of a chain only the first certificate holds the key.
        let certificate = data.flat_map(|data| data.children_named(SIGNATURE, "X509Certificate")).next();
        match certificate.ok_or_else(|| "KeyInfo holds no X509Certificate".to_owned()).and_then(usable) {
            Ok(certificate) if trust.request_signing_certificate.contains(&certificate) => {}
            Ok(certificate) => trust.request_signing_certificate.push(certificate),
            Err(reason) => left_out.push(LeftOut::SigningCertificate { reason }),
        }
    }
}

/// The certificate as Base64 without blanks, if its key can verify signatures.
fn usable(certificate: Element<'_, '_>) -> Result<String, String> {
    let text: String = certificate.text().split_ascii_whitespace().collect();
    let der = STANDARD.decode(&text).map_err(|_| "it is not Base64".to_owned())?;
    VerificationKey::from_certificate_der(&der).map_err(|error| error.to_string())?;
    Ok(text)
}

/// `validUntil`, when it has passed.
fn passed(element: Element<'_, '_>, now: Timestamp) -> Result<Option<Timestamp>, ServiceProviderProblem> {
    let Some(value) = element.attribute("validUntil") else { return Ok(None) };
    let valid_until = Timestamp::parse_xml(value.trim()).map_err(|_| {
        let expected = "a UTC date and time like 2030-01-01T00:00:00Z";
        ServiceProviderProblem::Value { field: "validUntil", value: PeerText::new(value), expected }
    })?;
    Ok((valid_until <= now).then_some(valid_until))
}

fn index(element: Element<'_, '_>) -> Result<u32, ServiceProviderProblem> {
    let Some(value) = element.attribute("index") else { return Ok(0) };
    value.trim().parse::<u16>().map(u32::from).map_err(|_| {
        let expected = "a number from 0 to 65535";
        ServiceProviderProblem::Value { field: "index", value: PeerText::new(value), expected }
    })
}

fn boolean(element: Element<'_, '_>, field: &'static str) -> Result<bool, ServiceProviderProblem> {
    match element.attribute(field).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => {
            let value = PeerText::new(other);
            Err(ServiceProviderProblem::Value { field, value, expected: "true or false" })
        }
    }
}

#[cfg(test)]
mod tests;
