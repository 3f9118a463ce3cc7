//! Who and what the demo holds from the start.

use configuration::{
    CLAIMS_XRAY, CLAIMS_XRAY_SAML20, RelyingPartyTrust, SAML_20, SamlBinding, SamlEndpoint, SamlProtocol,
    ServiceProperties,
};

use super::seed::{SeedRelyingParty, SeedUser};

/// The password of every demo user.
pub(crate) const PASSWORD: &str = "Sekisho-Demo-1";

/// NetBIOS name of the demo's domain.
pub(crate) const DOMAIN: &str = "CONTOSO";

/// DNS name of the demo's domain.
pub(crate) const DNS_DOMAIN: &str = "contoso.lab";

/// The demo's users.
pub(crate) fn users() -> Vec<SeedUser> {
    let user = |sam: &str, given: &str, surname: &str, display: &str, groups: &[&str]| SeedUser {
        upn: format!("{sam}@{DNS_DOMAIN}"),
        password: PASSWORD.to_owned(),
        display_name: Some(display.to_owned()),
        given_name: Some(given.to_owned()),
        surname: Some(surname.to_owned()),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        ..SeedUser::default()
    };
    vec![
        SeedUser {
            attributes: [
                ("title".to_owned(), vec!["Engineer".to_owned()]),
                ("department".to_owned(), vec!["Research".to_owned()]),
            ]
            .into(),
            ..user("alice", "Alice", "Adams", "Alice Adams", &["Engineering", "Sales"])
        },
        user("hanako", "花子", "山田", "山田 花子", &["営業部", "Sales"]),
        user("kenshin", "謙信", "上杉", "上杉 謙信", &["Engineering", "FederationAdmins"]),
        SeedUser { disabled: true, ..user("carol", "Carol", "Clark", "Carol Clark", &["Sales"]) },
        SeedUser {
            must_change_password: true,
            ..user("frank", "Frank", "Ford", "Frank Ford", &["Engineering"])
        },
        SeedUser {
            groups: (1..=160).map(|n| format!("Project-{n:03}")).collect(),
            ..user("trent", "Trent", "Tate", "Trent Tate", &[])
        },
    ]
}

/// The demo's relying parties besides Claims X-Ray: two that a developer's first application can take over.
pub(crate) fn relying_parties() -> Vec<SeedRelyingParty> {
    vec![
        SeedRelyingParty {
            name: "Demo SAML application".to_owned(),
            identifiers: vec!["urn:demo:saml".to_owned()],
            saml_acs: Some("https://localhost:9443/saml/acs".to_owned()),
            ..SeedRelyingParty::default()
        },
        SeedRelyingParty {
            name: "Demo WS-Federation application".to_owned(),
            identifiers: vec!["urn:demo:wsfed".to_owned()],
            ws_fed_endpoint: Some("https://localhost:9443/wsfed".to_owned()),
            ..SeedRelyingParty::default()
        },
    ]
}

/// The trusts of Claims X-Ray: they get every claim there is. The second takes SAML 2.0 tokens by
/// WS-Federation.
pub(crate) fn claims_xray(properties: &ServiceProperties) -> [RelyingPartyTrust; 2] {
    let base = properties.base_url();
    let trust = RelyingPartyTrust {
        name: "Claims X-Ray".to_owned(),
        identifier: vec![CLAIMS_XRAY.to_owned()],
        ws_fed_endpoint: Some(format!("{base}/claimsxray/wsfed")),
        saml_endpoints: vec![SamlEndpoint {
            protocol: SamlProtocol::AssertionConsumer,
            binding: SamlBinding::Post,
            location: format!("{base}/claimsxray/saml"),
            index: 0,
            is_default: true,
            response_location: None,
        }],
        issuance_authorization_rules: claims::defaults::PERMIT_EVERYONE.clone(),
        issuance_transform_rules: XRAY_RULES.to_owned(),
        ..RelyingPartyTrust::default()
    };
    let saml20 = RelyingPartyTrust {
        name: "Claims X-Ray (SAML 2.0 tokens)".to_owned(),
        identifier: vec![CLAIMS_XRAY_SAML20.to_owned()],
        saml_endpoints: Vec::new(),
        ws_fed_token_type: SAML_20.to_owned(),
        ..trust.clone()
    };
    [trust, saml20]
}

/// Rules of Claims X-Ray.
const XRAY_RULES: &str = r#"@RuleName = "Attributes of the directory"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => add(store = "Active Directory",
        types = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                 "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                 "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                 "http://schemas.xmlsoap.org/claims/CommonName",
                 "http://schemas.xmlsoap.org/claims/Group"),
        query = ";mail,givenName,sn,displayName,tokenGroups;{0}", param = c.Value);

@RuleName = "UPN as name identifier"
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => add(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Value = c.Value,
        Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, ValueType = c.ValueType,
        Properties["http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] =
            "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");

@RuleName = "Everything"
c:[] => issue(claim = c);
"#;

/// Rules of a trust whose seed names none: what most applications want.
pub(crate) const DEFAULT_RULES: &str = r#"@RuleName = "UPN and name"
c:[Type =~ "^http://schemas.xmlsoap.org/ws/2005/05/identity/claims/(upn|name)$"] => issue(claim = c);

@RuleName = "Name, e-mail address and groups"
c:[Type == "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", Issuer == "AD AUTHORITY"]
 => issue(store = "Active Directory",
          types = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                   "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                   "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                   "http://schemas.xmlsoap.org/claims/Group"),
          query = ";mail,givenName,sn,tokenGroups;{0}", param = c.Value);

@RuleName = "UPN as name identifier"
c:[Type == "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]
 => issue(Type = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Value = c.Value,
          Issuer = c.Issuer, OriginalIssuer = c.OriginalIssuer, ValueType = c.ValueType,
          Properties["http://schemas.xmlsoap.org/ws/2005/05/identity/claimproperties/format"] =
              "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
"#;

/// Argon2id hash of [`PASSWORD`], made once; a test holds the two together.
pub(crate) const PASSWORD_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$I0jgnwYVIKxe6KX0mrtwGw$M/VJT3+sHqL+tm2lVWCQ6T6kOH82D/rSAuBCYvIqkQ8";
