//! Endpoints (`Get-AdfsEndpoint`): the paths at which AD FS answers, and which of them answer here.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Object, Problem, ServiceProperties, nearest};

/// A path at which the service answers, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "PascalCase", default)]
#[garde(allow_unvalidated)]
pub struct Endpoint {
    /// How a client proves who the user is.
    #[schemars(extend("x-read-only" = true))]
    pub client_credential_type: String,
    /// The endpoint answers. One that does not exist in this version cannot be enabled.
    #[schemars(extend("x-effect" = "none"))]
    pub enabled: bool,
    /// The whole address, made from the host name and the path.
    #[schemars(extend("x-read-only" = true))]
    pub full_url: String,
    /// The endpoint answers requests that come by a web application proxy.
    #[schemars(extend("x-effect" = "none"))]
    pub proxy: bool,
    /// Protocol that is spoken.
    #[schemars(extend("x-read-only" = true))]
    pub protocol: String,
    /// What protects messages: `Transport` is TLS, `Message` is the message itself, `Mixed` is both.
    #[schemars(extend("x-read-only" = true))]
    pub security_mode: String,
    /// The path.
    #[schemars(extend("x-read-only" = true))]
    pub address_path: String,
    /// Version of the protocol.
    #[schemars(extend("x-read-only" = true))]
    pub version: String,

    // Not a property of AD FS.
    /// The endpoint exists in this version.
    #[schemars(extend("x-read-only" = true, "x-own" = true))]
    pub exists: bool,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            client_credential_type: String::new(),
            enabled: true,
            full_url: String::new(),
            proxy: true,
            protocol: String::new(),
            security_mode: String::new(),
            address_path: String::new(),
            version: String::new(),
            exists: false,
        }
    }
}

/// A path of AD FS, with the state it has in a new farm of AD FS.
struct Known {
    path: &'static str,
    protocol: Protocol,
    credential: &'static str,
    security: &'static str,
    enabled: bool,
    proxy: bool,
    exists: bool,
}

#[derive(Clone, Copy)]
enum Protocol {
    Passive,
    Trust2005,
    Trust13,
    TrustTcp,
    Mex,
    Metadata,
    TrustInformation,
    ProxyTrust,
    Artifact,
    UpdatePassword,
    OAuth,
    Discovery,
    WebFinger,
    UserInfo,
    Registration,
}

impl Protocol {
    /// (protocol, version)
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Passive => ("SAML 2.0/WS-Federation", "default"),
            Self::Trust2005 => ("WS-Trust 2005", "wstrust2005"),
            Self::Trust13 => ("WS-Trust 1.3", "wstrust13"),
            Self::TrustTcp => ("WS-Trust 2005", "wstrust2005"),
            Self::Mex => ("WS-MEX", "default"),
            Self::Metadata => ("Federation Metadata", "default"),
            Self::TrustInformation => ("ADFS 1.0 Metadata", "default"),
            Self::ProxyTrust => ("WS-Trust", "default"),
            Self::Artifact => ("SAML-ArtifactResolution", "default"),
            Self::UpdatePassword => ("Update Password", "default"),
            Self::OAuth => ("OAuth", "default"),
            Self::Discovery => ("OpenID Connect Discovery", "default"),
            Self::WebFinger => ("Web Finger", "default"),
            Self::UserInfo => ("OpenID Connect UserInfo", "default"),
            Self::Registration => ("Device Registration", "default"),
        }
    }
}

const ON: (bool, bool) = (true, true);
const INSIDE: (bool, bool) = (true, false);
const OFF: (bool, bool) = (false, false);

const fn known(
    path: &'static str,
    protocol: Protocol,
    credential: &'static str,
    security: &'static str,
    (enabled, proxy): (bool, bool),
) -> Known {
    Known { path, protocol, credential, security, enabled, proxy, exists: false }
}

const fn here(known: Known) -> Known {
    Known { exists: true, ..known }
}

/// In the order of AD FS's list of defaults, then those that AD FS has switched off.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    here(known("/adfs/ls/", Protocol::Passive, "Anonymous", "Transport", ON)),
    // AD FS proxies this one by default although its guidance is never to: it goes around extranet lockout.
    known("/adfs/services/trust/2005/windowstransport", Protocol::Trust2005, "Windows", "Transport", INSIDE),
    known("/adfs/services/trust/2005/certificatemixed", Protocol::Trust2005, "Certificate", "Mixed", ON),
    known("/adfs/services/trust/2005/certificatetransport", Protocol::Trust2005, "Certificate", "Transport", ON),
    known("/adfs/services/trust/2005/usernamemixed", Protocol::Trust2005, "UserName", "Mixed", ON),
    known("/adfs/services/trust/2005/kerberosmixed", Protocol::Trust2005, "Kerberos", "Mixed", INSIDE),
    known("/adfs/services/trust/2005/issuedtokenmixedasymmetricbasic256", Protocol::Trust2005, "AsymmetricToken", "Mixed", ON),
    known("/adfs/services/trust/2005/issuedtokenmixedsymmetricbasic256", Protocol::Trust2005, "SymmetricToken", "Mixed", ON),
    known("/adfs/services/trust/13/kerberosmixed", Protocol::Trust13, "Kerberos", "Mixed", INSIDE),
    known("/adfs/services/trust/13/certificatemixed", Protocol::Trust13, "Certificate", "Mixed", ON),
    known("/adfs/services/trust/13/usernamemixed", Protocol::Trust13, "UserName", "Mixed", ON),
    known("/adfs/services/trust/13/issuedtokenmixedasymmetricbasic256", Protocol::Trust13, "AsymmetricToken", "Mixed", ON),
    known("/adfs/services/trust/13/issuedtokenmixedsymmetricbasic256", Protocol::Trust13, "SymmetricToken", "Mixed", ON),
    known("/adfs/services/trust/13/windowstransport", Protocol::Trust13, "Windows", "Transport", OFF),
    known("/adfs/services/trusttcp/windows", Protocol::TrustTcp, "Windows", "Message", INSIDE),
    known("/adfs/services/trust/mex", Protocol::Mex, "Anonymous", "Transport", ON),
    here(known("/FederationMetadata/2007-06/FederationMetadata.xml", Protocol::Metadata, "Anonymous", "Transport", ON)),
    known("/adfs/fs/federationserverservice.asmx", Protocol::TrustInformation, "Anonymous", "Transport", INSIDE),
    known("/adfs/services/trust/proxymex", Protocol::Mex, "Certificate", "Transport", INSIDE),
    known("/adfs/services/proxytrustpolicystoretransfer", Protocol::ProxyTrust, "Certificate", "Transport", INSIDE),
    known("/adfs/services/trust/artifactresolution", Protocol::Artifact, "Anonymous", "Transport", ON),
    known("/adfs/portal/updatepassword/", Protocol::UpdatePassword, "Anonymous", "Transport", OFF),
    known("/adfs/oauth2/", Protocol::OAuth, "Anonymous", "Transport", ON),
    known("/adfs/.well-known/openid-configuration", Protocol::Discovery, "Anonymous", "Transport", ON),
    known("/adfs/discovery/keys", Protocol::Discovery, "Anonymous", "Transport", ON),
    known("/.well-known/webfinger", Protocol::WebFinger, "Anonymous", "Transport", ON),
    known("/adfs/userinfo", Protocol::UserInfo, "Anonymous", "Transport", ON),
    known("/EnrollmentServer/", Protocol::Registration, "Anonymous", "Transport", ON),
    known("/adfs/services/trust/2005/windows", Protocol::Trust2005, "Windows", "Message", OFF),
    known("/adfs/services/trust/2005/windowsmixed", Protocol::Trust2005, "Windows", "Mixed", OFF),
    known("/adfs/services/trust/2005/certificate", Protocol::Trust2005, "Certificate", "Message", OFF),
    known("/adfs/services/trust/2005/username", Protocol::Trust2005, "UserName", "Message", OFF),
    known("/adfs/services/trust/2005/usernamebasictransport", Protocol::Trust2005, "UserName", "Transport", OFF),
    known("/adfs/services/trust/2005/issuedtokenasymmetricbasic256", Protocol::Trust2005, "AsymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokenasymmetricbasic256sha256", Protocol::Trust2005, "AsymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokensymmetricbasic256", Protocol::Trust2005, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokensymmetricbasic256sha256", Protocol::Trust2005, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokensymmetrictripledes", Protocol::Trust2005, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokensymmetrictripledessha256", Protocol::Trust2005, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/2005/issuedtokenmixedasymmetricbasic256sha256", Protocol::Trust2005, "AsymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/2005/issuedtokenmixedsymmetricbasic256sha256", Protocol::Trust2005, "SymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/2005/issuedtokenmixedsymmetrictripledes", Protocol::Trust2005, "SymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/2005/issuedtokenmixedsymmetrictripledessha256", Protocol::Trust2005, "SymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/13/windows", Protocol::Trust13, "Windows", "Message", OFF),
    known("/adfs/services/trust/13/windowsmixed", Protocol::Trust13, "Windows", "Mixed", OFF),
    known("/adfs/services/trust/13/certificate", Protocol::Trust13, "Certificate", "Message", OFF),
    known("/adfs/services/trust/13/username", Protocol::Trust13, "UserName", "Message", OFF),
    known("/adfs/services/trust/13/usernamebasictransport", Protocol::Trust13, "UserName", "Transport", OFF),
    known("/adfs/services/trust/13/issuedtokenasymmetricbasic256", Protocol::Trust13, "AsymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokenasymmetricbasic256sha256", Protocol::Trust13, "AsymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokensymmetricbasic256", Protocol::Trust13, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokensymmetricbasic256sha256", Protocol::Trust13, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokensymmetrictripledes", Protocol::Trust13, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokensymmetrictripledessha256", Protocol::Trust13, "SymmetricToken", "Message", OFF),
    known("/adfs/services/trust/13/issuedtokenmixedasymmetricbasic256sha256", Protocol::Trust13, "AsymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/13/issuedtokenmixedsymmetricbasic256sha256", Protocol::Trust13, "SymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/13/issuedtokenmixedsymmetrictripledes", Protocol::Trust13, "SymmetricToken", "Mixed", OFF),
    known("/adfs/services/trust/13/issuedtokenmixedsymmetrictripledessha256", Protocol::Trust13, "SymmetricToken", "Mixed", OFF),
];

impl Endpoint {
    /// Every endpoint in the state it has in a new farm: AD FS's, but those that do not exist here are off.
    pub fn defaults() -> Vec<Self> {
        KNOWN
            .iter()
            .map(|known| {
                let (protocol, version) = known.protocol.names();
                Self {
                    client_credential_type: known.credential.to_owned(),
                    enabled: known.exists && known.enabled,
                    full_url: String::new(),
                    proxy: known.exists && known.proxy,
                    protocol: protocol.to_owned(),
                    security_mode: known.security.to_owned(),
                    address_path: known.path.to_owned(),
                    version: version.to_owned(),
                    exists: known.exists,
                }
            })
            .collect()
    }

    /// The same with the whole address that it has in this farm.
    pub fn of_farm(mut self, properties: &ServiceProperties) -> Self {
        self.full_url = format!("{}{}", properties.public_url(), self.address_path);
        self
    }

    fn known(&self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.path.eq_ignore_ascii_case(&self.address_path))
    }
}

impl Object for Endpoint {
    const KIND: &'static str = "endpoint";
    const NOUN: &'static str = "AdfsEndpoint";

    fn id(&self) -> String {
        self.address_path.clone()
    }

    fn further_problems(&self) -> Vec<Problem> {
        let Some(known) = self.known() else {
            let near = nearest(&self.address_path, KNOWN.iter().map(|known| known.path));
            let near = near.map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            let expected = format!("is not the path of an endpoint of AD FS{near}");
            return vec![Problem::new("AddressPath", &self.address_path, expected)];
        };
        if self.enabled && !known.exists {
            let expected =
                format!("cannot be: '{}' does not exist in this version; expected false", known.path);
            return vec![Problem::new("Enabled", true, expected)];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;
    use crate::{apply_patch, object_type};

    fn stored(path: &str) -> serde_json::Value {
        let endpoint =
            Endpoint::defaults().into_iter().find(|endpoint| endpoint.address_path == path).unwrap();
        serde_json::to_value(endpoint).unwrap()
    }

    #[test]
    fn every_endpoint_of_ad_fs_is_listed_once_and_sound() {
        let defaults = Endpoint::defaults();
        assert_eq!(defaults.len(), 58);
        let paths: HashSet<String> = defaults.iter().map(|one| one.address_path.to_lowercase()).collect();
        assert_eq!(paths.len(), defaults.len());
        for endpoint in &defaults {
            assert_eq!(endpoint.problems(), [], "{}", endpoint.address_path);
        }
        let on: Vec<&str> =
            defaults.iter().filter(|one| one.enabled).map(|one| one.address_path.as_str()).collect();
        assert_eq!(on, ["/adfs/ls/", "/FederationMetadata/2007-06/FederationMetadata.xml"]);
    }

    #[test]
    fn the_state_in_ad_fs_is_that_of_its_documentation() {
        let state =
            |path: &str| KNOWN.iter().find(|one| one.path == path).map(|one| (one.enabled, one.proxy));
        assert_eq!(state("/adfs/ls/"), Some(ON));
        assert_eq!(state("/adfs/services/trust/13/usernamemixed"), Some(ON));
        assert_eq!(state("/adfs/services/trust/2005/windowstransport"), Some(INSIDE));
        assert_eq!(state("/adfs/services/trust/13/windowstransport"), Some(OFF));
        assert_eq!(state("/adfs/portal/updatepassword/"), Some(OFF));
    }

    #[test]
    fn an_endpoint_that_does_not_exist_here_cannot_be_enabled() {
        let object = object_type(Endpoint::KIND).unwrap();
        let path = "/adfs/services/trust/13/usernamemixed";
        let problems = apply_patch(object, &stored(path), &json!({"Enabled": true})).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            format!("Enabled: 'true' cannot be: '{path}' does not exist in this version; expected false")
        );
        let off = apply_patch(object, &stored("/adfs/ls/"), &json!({"Enabled": false})).unwrap();
        assert_eq!(off.warnings, ["Enabled is kept and shown, but has no effect in this version."]);
    }

    #[test]
    fn an_unknown_path_names_the_nearest() {
        let endpoint = Endpoint { address_path: "/adfs/lss/".into(), ..Endpoint::default() };
        assert!(endpoint.problems()[0].to_string().ends_with("did you mean '/adfs/ls/'?"));
    }

    #[test]
    fn the_whole_address_is_that_of_the_farm() {
        let properties = ServiceProperties { host_name: "fs.example.com".into(), ..Default::default() };
        let endpoint = Endpoint::defaults().remove(0).of_farm(&properties);
        assert_eq!(endpoint.full_url, "https://fs.example.com/adfs/ls/");
    }
}
