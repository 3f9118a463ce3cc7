//! Claim descriptions (`Get-AdfsClaimDescription`): the claim types that the service names in its metadata.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Object, Problem};

/// What people are told about a claim type. A claim type without a description can still be issued.
/// The metadata still names those of a new farm, whatever is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct ClaimDescription {
    /// The claim type, a URI.
    pub claim_type: String,
    /// Metadata says that claims providers may send it.
    #[schemars(extend("x-effect" = "none"))]
    pub is_accepted: bool,
    /// Metadata says that relying parties may get it.
    #[schemars(extend("x-effect" = "none"))]
    pub is_offered: bool,
    /// Metadata asks claims providers to send it always.
    #[schemars(extend("x-effect" = "none"))]
    pub is_required: bool,
    /// Display name.
    pub name: String,
    /// Name of the claim in JSON tokens; without one the claim type itself is the name.
    #[schemars(extend("x-effect" = "none"))]
    pub short_name: Option<String>,
    /// What the claim means, in a sentence.
    pub notes: String,
}

impl Default for ClaimDescription {
    fn default() -> Self {
        Self {
            claim_type: String::new(),
            name: String::new(),
            short_name: None,
            is_accepted: true,
            is_offered: true,
            is_required: false,
            notes: String::new(),
        }
    }
}

impl ClaimDescription {
    /// The descriptions of a new farm, in the order in which AD FS publishes them.
    pub fn defaults() -> Vec<Self> {
        DEFAULTS
            .iter()
            .map(|(claim_type, short_name, name, notes)| Self {
                claim_type: (*claim_type).to_owned(),
                name: (*name).to_owned(),
                short_name: (!short_name.is_empty()).then(|| (*short_name).to_owned()),
                notes: (*notes).to_owned(),
                ..Self::default()
            })
            .collect()
    }
}

impl Object for ClaimDescription {
    const KIND: &'static str = "claim-description";
    const NOUN: &'static str = "AdfsClaimDescription";

    fn id(&self) -> String {
        self.claim_type.clone()
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let short = self.short_name.iter().map(|name| ("shortname", name.clone()));
        [("name", self.name.clone())].into_iter().chain(short).collect()
    }

    fn further_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.claim_type.is_empty() || self.claim_type.chars().any(char::is_whitespace) {
            let expected = "is not a claim type; expected a URI without blanks";
            problems.push(Problem::new("ClaimType", &self.claim_type, expected));
        }
        if self.name.trim().is_empty() {
            problems.push(Problem::new("Name", &self.name, "is empty; expected a display name"));
        }
        if self.short_name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            let expected = "is empty; expected the name of the claim in JSON tokens, or no value at all";
            problems.push(Problem::new("ShortName", "", expected));
        }
        problems
    }
}

/// (claim type, name in JSON tokens or nothing, display name, meaning)
#[rustfmt::skip]
const DEFAULTS: &[(&str, &str, &str, &str)] = &[
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "email", "E-Mail Address", "Where the person gets mail"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "given_name", "Given Name", "First name of the person"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "unique_name", "Name", "Name that no other user of the service has"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "upn", "UPN", "User principal name: account and domain, joined by an at sign"),
    ("http://schemas.xmlsoap.org/claims/CommonName", "commonname", "Common Name", "Name of the person in the directory"),
    ("http://schemas.xmlsoap.org/claims/EmailAddress", "adfs1email", "AD FS 1.x E-Mail Address", "Where the person gets mail, for partners that run AD FS 1.x"),
    ("http://schemas.xmlsoap.org/claims/Group", "group", "Group", "A group that counts the user among its members"),
    ("http://schemas.xmlsoap.org/claims/UPN", "adfs1upn", "AD FS 1.x UPN", "User principal name, for partners that run AD FS 1.x"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "role", "Role", "A role that the user plays"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "family_name", "Surname", "Last name of the person"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/privatepersonalidentifier", "ppid", "PPID", "Identifier of the user that only one partner knows"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "nameid", "Name ID", "Subject of SAML tokens: what the partner calls the user"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationinstant", "auth_time", "Authentication time stamp", "When the user signed in, in UTC"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/authenticationmethod", "authmethod", "Authentication method", "How the user signed in"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/denyonlysid", "denyonlysid", "Deny only group SID", "SID of a group that can only take rights away"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/denyonlyprimarysid", "denyonlyprimarysid", "Deny only primary SID", "SID of the user, when it can only take rights away"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/denyonlyprimarygroupsid", "denyonlyprimarygroupsid", "Deny only primary group SID", "SID of the first group, when it can only take rights away"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/groupsid", "groupsid", "Group SID", "SID of a group of the user"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "primarygroupsid", "Primary group SID", "SID of the user's first group"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid", "primarysid", "Primary SID", "SID of the user"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", "winaccountname", "Windows account name", "Account of the user, written domain\\user"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/isregistereduser", "isregistereduser", "Is Registered User", "Whether the device was registered by this user"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/identifier", "deviceid", "Device Identifier", "Which device the user sat at"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/registrationid", "deviceregid", "Device Registration Identifier", "Identifier that the device got at its registration"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/displayname", "devicedispname", "Device Registration DisplayName", "Name under which the device was registered"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/ostype", "deviceostype", "Device OS type", "Operating system of the device"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/osversion", "deviceosver", "Device OS Version", "Version of the device's operating system"),
    ("http://schemas.microsoft.com/2012/01/devicecontext/claims/ismanaged", "deviceismanaged", "Is Managed Device", "Whether device management looks after the device"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-forwarded-client-ip", "forwardedclientip", "Forwarded Client IP", "Address of the user, as a server in front passed it on"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-application", "clientapplication", "Client Application", "Kind of application that asked"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-user-agent", "clientuseragent", "Client User Agent", "What the client calls itself: browser and device"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-client-ip", "clientip", "Client IP", "Address from which the request came"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-endpoint-absolute-path", "endpointpath", "Endpoint Path", "Path that was asked; tells programs from browsers"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/x-ms-proxy", "proxy", "Proxy", "Name of the proxy through which the request came"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/relyingpartytrustid", "relyingpartytrustid", "Application Identifier", "Identifier of the relying party that wants the token"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/applicationpolicy", "certapppolicy", "Application policies", "Application policies in the user's certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/authoritykeyidentifier", "certauthoritykeyidentifier", "Authority Key Identifier", "Key identifier of the authority that signed the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/basicconstraints", "certbasicconstraints", "Basic Constraint", "A basic constraint in the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/eku", "certeku", "Enhanced Key Usage", "A purpose for which the certificate may be used"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/issuer", "certissuer", "Issuer", "Authority that issued the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/issuername", "certissuername", "Issuer Name", "Distinguished name of the certificate's issuer"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/keyusage", "certkeyusage", "Key Usage", "A key usage in the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/notafter", "certnotafter", "Not After", "Local time at which the certificate ends"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/notbefore", "certnotbefore", "Not Before", "Local time at which the certificate begins"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatepolicy", "certpolicy", "Certificate Policies", "Policies of the authority for this certificate"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/rsa", "certpublickey", "Public Key", "Public key in the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/rawdata", "certrawdata", "Certificate Raw Data", "The certificate itself, encoded"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/san", "certsubjectaltname", "Subject Alternative Name", "A further name of the certificate's subject"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/serialnumber", "certserialnumber", "Serial Number", "Serial number that the authority gave the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/signaturealgorithm", "certsignaturealgorithm", "Signature Algorithm", "Algorithm with which the certificate was signed"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/subject", "certsubject", "Subject", "Whom the certificate names"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/subjectkeyidentifier", "certsubjectkeyidentifier", "Subject Key Identifier", "Identifier of the key in the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/subjectname", "certsubjectname", "Subject Name", "Distinguished name of the certificate's subject"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatetemplateinformation", "certtemplateinformation", "V2 Template Name", "Template (version 2) from which the certificate was issued; a Microsoft extension"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/extension/certificatetemplatename", "certtemplatename", "V1 Template Name", "Template (version 1) from which the certificate was issued; a Microsoft extension"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/thumbprint", "certthumbprint", "Thumbprint", "SHA-1 hash of the certificate"),
    ("http://schemas.microsoft.com/2012/12/certificatecontext/field/x509version", "certx509version", "X.509 Version", "Version of the certificate's format"),
    ("http://schemas.microsoft.com/ws/2012/01/insidecorporatenetwork", "insidecorpnetwork", "Inside Corporate Network", "Whether the request came from inside: true or false"),
    ("http://schemas.microsoft.com/ws/2012/01/passwordexpirationtime", "pwdexptime", "Password Expiration Time", "When the password will expire"),
    ("http://schemas.microsoft.com/ws/2012/01/passwordexpirationdays", "pwdexpdays", "Password Expiration Days", "Days until the password expires"),
    ("http://schemas.microsoft.com/ws/2012/01/passwordchangeurl", "pwdchgurl", "Update Password URL", "Page on which the password can be changed"),
    ("http://schemas.microsoft.com/claims/authnmethodsreferences", "amr", "Authentication Methods References", "Every method with which the user signed in"),
    ("http://schemas.microsoft.com/2012/01/requestcontext/claims/client-request-id", "clientreqid", "Client Request ID", "Identifier that joins the records of one request"),
    ("http://schemas.microsoft.com/ws/2013/11/alternateloginid", "", "Alternate Login ID", "The other name with which the user signed in"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsdevicegroup", "", "Windows device group", "SID of a group of the device"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/denyonlywindowsdevicegroup", "", "Windows deny-only device group", "SID of a group of the device that can only take rights away"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_defaults_are_sound_and_no_type_or_name_is_there_twice() {
        let defaults = ClaimDescription::defaults();
        assert_eq!(defaults.len(), 66);
        let mut types = HashSet::new();
        let mut short_names = HashSet::new();
        for description in &defaults {
            assert_eq!(description.problems(), [], "{}", description.claim_type);
            assert!(types.insert(&description.claim_type), "{}", description.claim_type);
            if let Some(name) = &description.short_name {
                assert!(short_names.insert(name), "{name}");
            }
        }
    }

    #[test]
    fn problems_name_the_field() {
        let description =
            ClaimDescription { claim_type: "a b".into(), short_name: Some(" ".into()), ..Default::default() };
        let fields: Vec<String> = description.problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["ClaimType", "Name", "ShortName"]);
    }

    #[test]
    fn the_stored_form_has_the_names_of_the_product() {
        let json = serde_json::to_value(&ClaimDescription::defaults()[3]).unwrap();
        assert_eq!(json["ClaimType"], "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn");
        assert_eq!(json["ShortName"], "upn");
        assert_eq!(json["IsOffered"], true);
    }
}
