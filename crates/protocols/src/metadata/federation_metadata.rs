//! The service's own document, `/FederationMetadata/2007-06/FederationMetadata.xml`: four roles in AD FS's
//! order. It names only endpoints that answer.

use configuration::ClaimDescription;
use xml::{KeyInfoStyle, ToSign, write};

use super::{ADDRESSING, FEDERATION, METADATA, SCHEMA_INSTANCE, SIGNATURE};
use crate::saml::{ASSERTION, BINDING_POST, BINDING_REDIRECT, PROTOCOL};

const AUTHORIZATION: &str = "http://docs.oasis-open.org/wsfed/authorization/200706";
const WS_TRUST_AND_FEDERATION: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512 \
    http://schemas.xmlsoap.org/ws/2005/02/trust http://docs.oasis-open.org/wsfed/federation/200706";
const NAME_ID_FORMATS: [&str; 3] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
];

/// What the document says.
#[derive(Debug, Clone, Copy)]
pub struct FederationMetadata<'a> {
    /// Id of the document, an NCName.
    pub id: &'a str,
    /// Federation Service Identifier.
    pub entity_id: &'a str,
    /// Display name of the service.
    pub display_name: &'a str,
    /// Address of the passive endpoint, such as `https://fs.example.com/adfs/ls/`.
    pub passive_endpoint: &'a str,
    /// Token-signing certificates, DER in Base64: the primary one, which signs the document too, then those
    /// that will follow it.
    pub signing_certificates: &'a [String],
    /// Token-decrypting certificate, DER in Base64.
    pub encryption_certificate: &'a str,
    /// Claim types, in the order of the document; `IsAccepted` and `IsOffered` say in which lists they stand.
    pub claim_descriptions: &'a [ClaimDescription],
    /// Whether single logout is offered at the passive endpoint.
    pub single_logout: bool,
}

/// The document can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Nothing could sign it, and partners could verify nothing.
    #[error("there is no token-signing certificate; expected at least the primary one")]
    NoSigningCertificate,
    /// A value holds a character that XML can't hold.
    #[error("{0} holds a character that XML does not allow; expected text without control characters")]
    NotXml(&'static str),
}

/// The document, awaiting its signature.
#[derive(Debug, Clone)]
pub struct MetadataToSign(ToSign);

impl MetadataToSign {
    /// The octets to sign with RSA PKCS#1 v1.5 and SHA-256 by the primary token-signing key.
    pub fn message(&self) -> &[u8] {
        self.0.message()
    }

    /// The signed document.
    pub fn attach(self, signature: &[u8]) -> String {
        // The roles' types are written with a prefix inside an attribute value (`xsi:type="fed:…"`), which
        // exclusive canonical form doesn't see, so it has no place for the prefix's declaration. Readers
        // resolve the prefix all the same. The declaration is therefore added behind the signature, which
        // it can't break: canonical form takes it away again. Escaping keeps the tag unmistakable.
        let role = format!("<RoleDescriptor xmlns:xsi=\"{SCHEMA_INSTANCE}\"");
        self.0.attach(signature).replace(&role, &format!("{role} xmlns:fed=\"{FEDERATION}\""))
    }
}

impl FederationMetadata<'_> {
    /// Prepares the signed document.
    pub fn prepare(&self) -> Result<MetadataToSign, MetadataError> {
        let Some(primary) = self.signing_certificates.first() else {
            return Err(MetadataError::NoSigningCertificate);
        };
        self.is_xml()?;
        let mut out = Out(format!("<EntityDescriptor xmlns=\"{METADATA}\""));
        out.attributes(&[("ID", self.id), ("entityID", self.entity_id)]);
        out.raw(">");
        let signature_at = out.0.len();
        self.application_service(&mut out);
        self.security_token_service(&mut out);
        self.service_provider(&mut out);
        self.identity_provider(&mut out);
        out.raw("<ContactPerson contactType=\"support\"></ContactPerson></EntityDescriptor>");
        ToSign::enveloped(&out.0, self.id, signature_at, primary, KeyInfoStyle::DefaultNamespace)
            .map(MetadataToSign)
            .ok_or(MetadataError::NotXml("ID"))
    }

    /// The service as a relying party of others, for WS-Federation.
    fn application_service(&self, out: &mut Out) {
        self.role(out, "ApplicationServiceType");
        out.key("encryption", self.encryption_certificate);
        out.raw(&format!("<fed:ClaimTypesRequested xmlns:fed=\"{FEDERATION}\">"));
        for claim in self.claim_descriptions.iter().filter(|claim| claim.is_accepted) {
            out.claim_type(claim, if claim.is_required { "false" } else { "true" });
        }
        out.raw(&format!("</fed:ClaimTypesRequested><fed:TargetScopes xmlns:fed=\"{FEDERATION}\">"));
        out.endpoint_reference(self.passive_endpoint);
        out.endpoint_reference(self.entity_id);
        out.raw("</fed:TargetScopes>");
        self.passive_requestor_endpoint(out);
        out.raw("</RoleDescriptor>");
    }

    /// The service as a token issuer, for WS-Federation.
    fn security_token_service(&self, out: &mut Out) {
        self.role(out, "SecurityTokenServiceType");
        for certificate in self.signing_certificates {
            out.key("signing", certificate);
        }
        out.raw(&format!(
            "<fed:TokenTypesOffered xmlns:fed=\"{FEDERATION}\">\
             <fed:TokenType Uri=\"urn:oasis:names:tc:SAML:2.0:assertion\"></fed:TokenType>\
             <fed:TokenType Uri=\"urn:oasis:names:tc:SAML:1.0:assertion\"></fed:TokenType>\
             </fed:TokenTypesOffered><fed:ClaimTypesOffered xmlns:fed=\"{FEDERATION}\">"
        ));
        for claim in self.offered() {
            out.claim_type(claim, "true");
        }
        out.raw("</fed:ClaimTypesOffered>");
        self.passive_requestor_endpoint(out);
        out.raw("</RoleDescriptor>");
    }

    /// The service as a relying party of others, for SAML.
    fn service_provider(&self, out: &mut Out) {
        out.raw(&format!(
            "<SPSSODescriptor WantAssertionsSigned=\"true\" protocolSupportEnumeration=\"{PROTOCOL}\">"
        ));
        self.saml_keys_and_logout(out);
        out.raw("<AssertionConsumerService");
        out.attributes(&[
            ("Binding", BINDING_POST),
            ("Location", self.passive_endpoint),
            ("index", "0"),
            ("isDefault", "true"),
        ]);
        out.raw("></AssertionConsumerService></SPSSODescriptor>");
    }

    /// The service as a token issuer, for SAML.
    fn identity_provider(&self, out: &mut Out) {
        out.raw(&format!("<IDPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL}\">"));
        self.saml_keys_and_logout(out);
        self.saml_endpoints(out, "SingleSignOnService");
        for claim in self.offered() {
            out.raw(&format!("<Attribute xmlns=\"{ASSERTION}\""));
            out.attributes(&[
                ("FriendlyName", &claim.name),
                ("Name", &claim.claim_type),
                ("NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"),
            ]);
            out.raw("></Attribute>");
        }
        out.raw("</IDPSSODescriptor>");
    }

    /// Begin of a WS-Federation role. The prefix must be spelled `fed`: some readers compare the value as text.
    fn role(&self, out: &mut Out, role: &str) {
        out.raw(&format!("<RoleDescriptor xmlns:xsi=\"{SCHEMA_INSTANCE}\""));
        out.attributes(&[
            ("ServiceDisplayName", self.display_name),
            ("protocolSupportEnumeration", WS_TRUST_AND_FEDERATION),
            ("xsi:type", &format!("fed:{role}")),
        ]);
        out.raw(">");
    }

    fn passive_requestor_endpoint(&self, out: &mut Out) {
        out.raw(&format!("<fed:PassiveRequestorEndpoint xmlns:fed=\"{FEDERATION}\">"));
        out.endpoint_reference(self.passive_endpoint);
        out.raw("</fed:PassiveRequestorEndpoint>");
    }

    /// What both SAML roles begin with.
    fn saml_keys_and_logout(&self, out: &mut Out) {
        out.key("encryption", self.encryption_certificate);
        for certificate in self.signing_certificates {
            out.key("signing", certificate);
        }
        if self.single_logout {
            self.saml_endpoints(out, "SingleLogoutService");
        }
        for format in NAME_ID_FORMATS {
            out.raw(&format!("<NameIDFormat>{format}</NameIDFormat>"));
        }
    }

    fn saml_endpoints(&self, out: &mut Out, service: &str) {
        for binding in [BINDING_REDIRECT, BINDING_POST] {
            out.raw(&format!("<{service}"));
            out.attributes(&[("Binding", binding), ("Location", self.passive_endpoint)]);
            out.raw(&format!("></{service}>"));
        }
    }

    fn offered(&self) -> impl Iterator<Item = &ClaimDescription> {
        self.claim_descriptions.iter().filter(|claim| claim.is_offered)
    }

    fn is_xml(&self) -> Result<(), MetadataError> {
        let own = [
            ("ID", self.id),
            ("Identifier", self.entity_id),
            ("DisplayName", self.display_name),
            ("HostName", self.passive_endpoint),
        ];
        let claims = self.claim_descriptions.iter().flat_map(|claim| {
            [("ClaimType", claim.claim_type.as_str()), ("Name", &claim.name), ("Notes", &claim.notes)]
        });
        match own.into_iter().chain(claims).find(|(_, value)| !write::is_xml_text(value)) {
            Some((field, _)) => Err(MetadataError::NotXml(field)),
            None => Ok(()),
        }
    }
}

/// The document as it grows, in exclusive canonical form.
struct Out(String);

impl Out {
    /// Appends markup as it is.
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Appends attributes; the caller keeps them in canonical order.
    fn attributes(&mut self, attributes: &[(&str, &str)]) {
        for (name, value) in attributes {
            write::attribute(&mut self.0, name, value);
        }
    }

    fn key(&mut self, purpose: &str, certificate: &str) {
        self.raw(&format!(
            "<KeyDescriptor use=\"{purpose}\"><KeyInfo xmlns=\"{SIGNATURE}\"><X509Data><X509Certificate>\
             {certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        ));
    }

    fn endpoint_reference(&mut self, address: &str) {
        self.raw(&format!("<EndpointReference xmlns=\"{ADDRESSING}\"><Address>"));
        write::text(&mut self.0, address);
        self.raw("</Address></EndpointReference>");
    }

    fn claim_type(&mut self, claim: &ClaimDescription, optional: &str) {
        self.raw(&format!("<auth:ClaimType xmlns:auth=\"{AUTHORIZATION}\""));
        self.attributes(&[("Optional", optional), ("Uri", &claim.claim_type)]);
        self.raw("><auth:DisplayName>");
        write::text(&mut self.0, &claim.name);
        self.raw("</auth:DisplayName><auth:Description>");
        write::text(&mut self.0, &claim.notes);
        self.raw("</auth:Description></auth:ClaimType>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::testing::{fixtures, signers, xmlsec1_verifies};

    fn claims() -> Vec<ClaimDescription> {
        ClaimDescription::defaults().into_iter().take(2).collect()
    }

    fn metadata<'a>(claims: &'a [ClaimDescription], signing: &'a [String]) -> FederationMetadata<'a> {
        FederationMetadata {
            id: "_c92d2937-6e2e-4370-9e4e-08260ebf6348",
            entity_id: "http://fs.example.com/adfs/services/trust",
            display_name: "Example & Co. 関所",
            passive_endpoint: "https://fs.example.com/adfs/ls/",
            signing_certificates: signing,
            encryption_certificate: "MIICencryption",
            claim_descriptions: claims,
            single_logout: true,
        }
    }

    #[test]
    fn the_document_is_the_golden_one() {
        let (claims, signing) = (claims(), ["MIICprimary".to_owned(), "MIICnext".to_owned()]);
        let text = metadata(&claims, &signing).prepare().unwrap().attach(b"signature");
        let lines = text.replace("><", ">\n<") + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/federation_metadata.xml");
            std::fs::write(path, &lines).unwrap();
        }
        assert_eq!(lines, include_str!("../../tests/golden/federation_metadata.xml"));
    }

    #[test]
    fn flags_of_claim_descriptions_choose_the_lists() {
        let mut claims = claims();
        claims[0].is_accepted = false;
        claims[1].is_offered = false;
        claims[1].is_required = true;
        let signing = ["MIIC".to_owned()];
        let text = metadata(&claims, &signing).prepare().unwrap().attach(b"");
        let count = |uri: &str| text.matches(&format!("\"{uri}\"")).count();
        assert_eq!(count(&claims[0].claim_type), 2);
        assert_eq!(count(&claims[1].claim_type), 1);
        assert!(text.contains(&format!("Optional=\"false\" Uri=\"{}\"", claims[1].claim_type)));
    }

    #[test]
    fn logout_is_named_only_when_it_is_offered() {
        let signing = ["MIIC".to_owned()];
        let silent = FederationMetadata { single_logout: false, ..metadata(&[], &signing) };
        assert!(!silent.prepare().unwrap().attach(b"").contains("SingleLogoutService"));
    }

    #[test]
    fn what_can_t_be_signed_or_written_is_refused() {
        assert_eq!(metadata(&[], &[]).prepare().unwrap_err(), MetadataError::NoSigningCertificate);
        let signing = ["MIIC".to_owned()];
        let bad = FederationMetadata { display_name: "a\0", ..metadata(&[], &signing) };
        assert_eq!(bad.prepare().unwrap_err(), MetadataError::NotXml("DisplayName"));
        let claims = [ClaimDescription { notes: "\u{FFFF}".into(), ..Default::default() }];
        assert_eq!(metadata(&claims, &signing).prepare().unwrap_err(), MetadataError::NotXml("Notes"));
    }

    /// The document, signed by the first signer.
    fn published() -> String {
        let claims = ClaimDescription::defaults();
        let signing = [signers()[0].certificate.clone()];
        let to_sign = metadata(&claims, &signing).prepare().unwrap();
        let signature = signers()[0].sign(to_sign.message());
        to_sign.attach(&signature)
    }

    #[test]
    fn the_published_document_is_what_was_signed() {
        let text = published();
        let document = xml::Document::parse(&text, &xml::Limits::METADATA).unwrap();
        let der =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &signers()[0].certificate);
        let key = xml::VerificationKey::from_certificate_der(&der.unwrap()).unwrap();
        let policy = xml::SignaturePolicy::strict(xml::Profile::Metadata);
        xml::verify::enveloped(document.root(), &[key], &policy).unwrap();
        let id_of = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor";
        if let Some(verified) = xmlsec1_verifies(&text, id_of, &signers()[0].certificate_pem) {
            assert!(verified);
        }
    }

    /// Readers resolve the prefix in `xsi:type`, so it must be declared where it is used.
    #[test]
    fn the_prefix_of_the_roles_types_is_declared_on_the_roles() {
        for role in published().split("<RoleDescriptor ").skip(1) {
            let (tag, _) = role.split_once('>').unwrap();
            assert!(tag.contains(&format!("xmlns:fed=\"{FEDERATION}\"")), "{tag}");
            assert!(tag.contains("xsi:type=\"fed:"), "{tag}");
        }
    }

    /// The names of the elements in document order, without what this service does not offer yet.
    fn skeleton(element: xml::Element<'_, '_>, depth: usize, out: &mut Vec<String>) {
        let not_offered = [
            "ApplicationServiceEndpoint",
            "SecurityTokenServiceEndpoint",
            "ArtifactResolutionService",
            // How many claim types and scopes there are is configuration.
            "ClaimType",
            "Attribute",
            "EndpointReference",
        ];
        let name = element.local_name();
        let other_binding =
            name == "AssertionConsumerService" && element.attribute("Binding") != Some(BINDING_POST);
        if not_offered.contains(&name) || other_binding {
            return;
        }
        let kind =
            element.attribute_in(SCHEMA_INSTANCE, "type").or(element.attribute("use")).unwrap_or_default();
        out.push(format!("{:depth$}{name} {kind}", ""));
        if name != "Signature" && name != "ContactPerson" {
            element.children().for_each(|child| skeleton(child, depth + 1, out));
        }
    }

    #[test]
    fn the_order_is_that_of_the_product() {
        let skeleton_of = |text: &str| {
            let document = xml::Document::parse(text, &xml::Limits::METADATA).unwrap();
            let mut lines = Vec::new();
            skeleton(document.root(), 0, &mut lines);
            lines
        };
        let ours = skeleton_of(&published());
        assert_eq!(
            ours.iter()
                .filter(|line| line.starts_with(" RoleDescriptor") || line.contains("SSODescriptor"))
                .count(),
            4
        );
        let Some(folder) = fixtures("metadata") else { return };
        for name in ["adfs-testad.xml", "adfs-ucar.xml", "adfs-melco.xml", "adfs-bsr.xml"] {
            let theirs = skeleton_of(&std::fs::read_to_string(folder.join(name)).unwrap());
            assert_eq!(ours, theirs, "{name}");
        }
    }
}
