//! The seed file of the demo: how a developer's own application gets in. TOML, every key documented, unknown
//! ones refused with the nearest name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use configuration::{SamlEndpoint, SamlResponseSignature};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Users, groups and relying party trusts to add to the demo.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    /// Users of the embedded directory.
    #[serde(default)]
    pub(crate) user: Vec<SeedUser>,
    /// Relying party trusts.
    #[serde(default)]
    pub(crate) relying_party: Vec<SeedRelyingParty>,
    /// Certificates of the service's own. Default: made at the first start.
    #[serde(default)]
    pub(crate) certificates: SeedCertificates,
}

/// Certificates of the service, for applications that pin one.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedCertificates {
    /// Signs tokens and metadata.
    #[serde(default)]
    pub(crate) token_signing: Option<SeedCertificate>,
    /// Decrypts what partners encrypt for this service; published in the metadata.
    #[serde(default)]
    pub(crate) token_decrypting: Option<SeedCertificate>,
}

/// A certificate with its private key.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedCertificate {
    /// PFX file, or PEM file with certificate and key; relative to this file. RSA, 2048 bits or more.
    pub(crate) file: PathBuf,
    /// Password of a PFX file.
    #[serde(default)]
    pub(crate) password: Option<String>,
}

/// A user. A user whose `upn` exists already is replaced.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedUser {
    /// User principal name, such as `kim@contoso.lab`: what the person types to sign in.
    pub(crate) upn: String,
    /// Account name (`sAMAccountName`, at most 20 characters). Default: the part of `upn` before the `@`.
    #[serde(default)]
    pub(crate) sam: Option<String>,
    /// Password, in clear text: this file is for development only.
    pub(crate) password: String,
    /// Display name. Default: the account name.
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// Given name (`givenName`).
    #[serde(default)]
    pub(crate) given_name: Option<String>,
    /// Surname (`sn`).
    #[serde(default)]
    pub(crate) surname: Option<String>,
    /// E-mail address (`mail`). Default: `upn`.
    #[serde(default)]
    pub(crate) mail: Option<String>,
    /// Names of the groups the user belongs to; a group that does not exist is created.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// The account is disabled: a right password is answered with an error page.
    #[serde(default)]
    pub(crate) disabled: bool,
    /// The password must be changed at the first sign-in.
    #[serde(default)]
    pub(crate) must_change_password: bool,
    /// Further LDAP attributes, each a list of values: `title = ["Engineer"]`.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
}

/// A relying party trust, by metadata file or by fields. A trust whose `name` exists already is replaced.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedRelyingParty {
    /// Display name.
    pub(crate) name: String,
    /// Metadata document of the party (SAML 2.0 service provider or WS-Federation), a path relative to this
    /// file. Identifiers, endpoints and certificates are taken from it; the fields below win over it.
    #[serde(default)]
    pub(crate) metadata_file: Option<PathBuf>,
    /// Identifiers: the SAML entity id or `wtrealm` the application sends.
    #[serde(default)]
    pub(crate) identifiers: Vec<String>,
    /// Address that receives WS-Federation responses.
    #[serde(default)]
    pub(crate) ws_fed_endpoint: Option<String>,
    /// Further addresses that `wreply` may name.
    #[serde(default)]
    pub(crate) additional_ws_fed_endpoints: Vec<String>,
    /// Token type of WS-Federation responses: `SAML 1.1` (default) or `SAML 2.0`.
    #[serde(default)]
    pub(crate) token_type: Option<SeedTokenType>,
    /// Address that receives SAML responses (binding POST). Several addresses: use `saml_endpoints`.
    #[serde(default)]
    pub(crate) saml_acs: Option<String>,
    /// SAML endpoints with all their fields, as `New-AdfsSamlEndpoint` takes them.
    #[serde(default)]
    pub(crate) saml_endpoints: Vec<SamlEndpoint>,
    /// Which part of a SAML response is signed: `AssertionOnly` (default), `MessageOnly` or
    /// `MessageAndAssertion`.
    #[serde(default)]
    pub(crate) saml_response_signature: Option<SamlResponseSignature>,
    /// Refuse unsigned SAML requests. Default: as the metadata says, else false.
    #[serde(default)]
    pub(crate) signed_saml_requests_required: Option<bool>,
    /// Certificate files (PEM) that may sign the party's requests, relative to this file.
    #[serde(default)]
    pub(crate) request_signing_certificate_files: Vec<PathBuf>,
    /// Life of tokens in minutes; 0 or absent means 60.
    #[serde(default)]
    pub(crate) token_lifetime: u32,
    /// Issuance transform rules in the claim rule language. Default: UPN, name, e-mail address and groups.
    #[serde(default)]
    pub(crate) rules: Option<String>,
    /// A file that holds them, relative to this file.
    #[serde(default)]
    pub(crate) rules_file: Option<PathBuf>,
    /// Issuance authorization rules. Default: permit everyone.
    #[serde(default)]
    pub(crate) authorization_rules: Option<String>,
}

/// Token types a WS-Federation party can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) enum SeedTokenType {
    /// A SAML 1.1 assertion.
    #[serde(rename = "SAML 1.1")]
    Saml11,
    /// A SAML 2.0 assertion.
    #[serde(rename = "SAML 2.0")]
    Saml20,
}

/// The seed file can't be used. Nothing of it was taken.
#[derive(Debug, thiserror::Error)]
#[error("seed file {file}: {problem}")]
pub(crate) struct SeedError {
    /// Its path.
    pub(crate) file: String,
    /// What is wrong, with the place.
    pub(crate) problem: String,
}

impl Seed {
    /// Reads a seed file.
    pub(crate) fn read(path: &Path) -> Result<Self, SeedError> {
        let error = |problem: String| SeedError { file: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|cause| error(cause.to_string()))?;
        Self::parse(&text).map_err(error)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: Value = toml::from_str(text).map_err(|cause| cause.to_string())?;
        let schema = schemars::schema_for!(Seed);
        let mut unknown = Vec::new();
        find_unknown_keys(&table, schema.as_value(), &schema, "", &mut unknown);
        if !unknown.is_empty() {
            return Err(unknown.join("\n"));
        }
        toml::from_str(text).map_err(|cause| cause.to_string())
    }
}

/// Collects keys that the schema does not know, each with the nearest name that it does know.
fn find_unknown_keys(value: &Value, schema: &Value, root: &Schema, path: &str, found: &mut Vec<String>) {
    let schema = resolved(schema, root);
    match value {
        Value::Array(items) => {
            let Some(item_schema) = schema.get("items") else { return };
            for (at, item) in items.iter().enumerate() {
                find_unknown_keys(item, item_schema, root, &format!("{path}[{at}]"), found);
            }
        }
        Value::Object(members) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match properties.get(key) {
                    Some(known) => find_unknown_keys(member, known, root, &path, found),
                    None => found.push(unknown_key(&path, key, properties.keys())),
                }
            }
        }
        _ => {}
    }
}

fn unknown_key<'a>(path: &str, key: &str, known: impl Iterator<Item = &'a String>) -> String {
    let mut known: Vec<&str> = known.map(String::as_str).collect();
    let nearest = configuration::nearest(key, known.iter().copied());
    known.sort_unstable();
    match nearest {
        Some(name) => format!("{path}: there is no key '{key}'; did you mean '{name}'?"),
        None => format!("{path}: there is no key '{key}'; known keys: {}", known.join(", ")),
    }
}

/// Follows `$ref` and looks through `anyOf` with null, which is how optional values are described.
fn resolved<'a>(schema: &'a Value, root: &'a Schema) -> &'a Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = name.trim_start_matches('#');
        return root.as_value().pointer(pointer).unwrap_or(schema);
    }
    let variants = schema.get("anyOf").and_then(Value::as_array);
    match variants.and_then(|all| all.iter().find(|one| one.get("$ref").is_some())) {
        Some(variant) => resolved(variant, root),
        None => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_with_its_place_and_the_nearest_name() {
        let text = "[[user]]\nupn = \"a@b\"\npasword = \"x\"\n[[relying_party]]\nname = \"App\"\nzzz = 1\n";
        let problem = Seed::parse(text).unwrap_err();
        let lines: Vec<_> = problem.lines().collect();
        assert!(
            lines.contains(&"user[0].pasword: there is no key 'pasword'; did you mean 'password'?"),
            "{problem}"
        );
        assert!(
            lines.iter().any(|l| l.starts_with("relying_party[0].zzz: there is no key 'zzz'; known keys: "))
        );
    }

    #[test]
    fn a_misspelt_key_in_a_nested_table_is_found_too() {
        let text = "[[relying_party]]\nname = \"A\"\n[[relying_party.saml_endpoints]]\nProtcol = \"SAMLAssertionConsumer\"\n";
        let problem = Seed::parse(text).unwrap_err();
        assert!(problem.contains("relying_party[0].saml_endpoints[0].Protcol"), "{problem}");
        assert!(problem.contains("did you mean 'Protocol'?"), "{problem}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_line_and_column() {
        let problem = Seed::parse("[[user]]\nupn = 7\npassword = \"x\"\n").unwrap_err();
        assert!(problem.contains("line 2"), "{problem}");
    }

    #[test]
    fn every_key_is_documented() {
        fn walk(schema: &Value, path: &str) {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                for (key, property) in properties {
                    assert!(property.get("description").is_some(), "{path}.{key} has no description");
                }
            }
        }
        let schema = schemars::schema_for!(Seed);
        walk(schema.as_value(), "seed");
        for (name, definition) in schema.get("$defs").and_then(Value::as_object).unwrap() {
            walk(definition, name);
        }
    }
}
