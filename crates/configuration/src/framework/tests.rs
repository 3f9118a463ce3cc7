//! The rules that hold for every object, tried on one that has a field of each sort.

use serde_json::{Value, json};

use super::*;
use crate::{RelyingPartyTrust, ServiceProperties};

mod sample {
    use garde::Validate;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use crate::values::named::named;
    use crate::{Flags, Object, TimeSpan};

    named! {
        /// Colours.
        pub(super) enum Colour {
            /// Like blood.
            Red = "Red" (1),
            /// Like grass.
            Green = "Green" (2),
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
    #[serde(rename_all = "PascalCase", default)]
    #[garde(allow_unvalidated)]
    pub(super) struct Sample {
        #[schemars(extend("x-read-only" = true))]
        pub(super) id: String,
        #[garde(range(min = 1, max = 65_535))]
        pub(super) port: u16,
        #[garde(range(min = 1, max = 60))]
        #[schemars(extend("x-unit" = "minutes"))]
        pub(super) life_in_minutes: u32,
        #[schemars(extend("x-effect" = "none"))]
        pub(super) unread: bool,
        #[schemars(extend("x-effect" = "protects"))]
        pub(super) replays_prevented: bool,
        pub(super) colour: Colour,
        pub(super) mix: Flags<Colour>,
        pub(super) window: TimeSpan,
        pub(super) names: Vec<String>,
        pub(super) parts: Vec<Part>,
        pub(super) owner: Option<Part>,
        #[schemars(extend("x-secret" = true))]
        pub(super) secret: String,
    }

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "PascalCase", default)]
    pub(super) struct Part {
        pub(super) location: String,
        pub(super) index: u32,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self {
                id: "one".into(),
                port: 443,
                life_in_minutes: 10,
                unread: false,
                replays_prevented: false,
                colour: Colour::Red,
                mix: Flags::of([]),
                window: TimeSpan::from_minutes(30),
                names: Vec::new(),
                parts: Vec::new(),
                owner: None,
                secret: String::new(),
            }
        }
    }

    impl Object for Sample {
        const KIND: &'static str = "sample";
        const NOUN: &'static str = "Sample";

        fn id(&self) -> String {
            self.id.clone()
        }
    }
}

static SAMPLE: ObjectType = ObjectType::of::<sample::Sample>("sample");

fn texts(problems: Vec<Problem>) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn refused(patch: Value) -> Vec<String> {
    texts(apply_patch(&SAMPLE, &(SAMPLE.default_body)(), &patch).unwrap_err())
}

fn accepted(patch: Value) -> Checked {
    apply_patch(&SAMPLE, &(SAMPLE.default_body)(), &patch).unwrap()
}

#[test]
fn unknown_members_are_named_at_every_level_with_the_nearest_name() {
    let patch = json!({"Prot": 1, "Zzz": 2, "Parts": [{}, {"Locatoin": "x"}], "Owner": {"Idnex": 1}});
    assert_eq!(
        refused(patch),
        [
            "Prot: 'Prot' is not a property of sample; did you mean 'Port'?",
            "Zzz: 'Zzz' is not a property of sample; see its reference page for those that exist",
            "Parts[1].Locatoin: 'Locatoin' is not a property of Parts; did you mean 'Location'?",
            "Owner.Idnex: 'Idnex' is not a property of Owner; did you mean 'Index'?",
        ]
    );
}

#[test]
fn wrong_types_name_what_is_expected() {
    let patch = json!({
        "Port": "443", "LifeInMinutes": -1, "Unread": "yes", "Colour": "Blue", "Mix": 8, "Window": "half an hour",
        "Names": "a", "Parts": [7], "Owner": [], "Secret": 1
    });
    assert_eq!(
        refused(patch),
        [
            "Port: '443' is not right here; expected a whole number from 1 to 65535",
            "LifeInMinutes: '-1' is not right here; expected a whole number from 1 to 60 minutes",
            "Unread: 'yes' is not right here; expected true or false",
            "Colour: 'Blue' is not right here; expected one of Red, Green",
            "Mix: '8' is not right here; expected one or more of Red, Green",
            "Window: 'half an hour' is not right here; expected a duration written d.hh:mm:ss, such as 00:30:00",
            "Names: 'a' is not right here; expected a list; each entry a text",
            "Parts[0]: '7' is not right here; expected an object with named members",
            "Owner: '[]' is not right here; expected an object with named members",
            "Secret: '(secret)' is not right here; expected a text",
        ]
    );
    assert_eq!(
        texts(strict(&SAMPLE, &json!([]))),
        ["sample: '[]' is not a sample; expected an object with its properties"]
    );
}

#[test]
fn an_entry_of_a_list_is_whole() {
    let trust = object_type(RelyingPartyTrust::KIND).unwrap();
    assert_eq!(
        texts(strict(trust, &json!({"SamlEndpoints": [{"Binding": "POST", "Location": null}]}))),
        [
            "SamlEndpoints[0].Protocol: '' is missing; expected one of SAMLAssertionConsumer, SAMLLogout, SAMLArtifactResolution, SAMLSingleSignOn",
            "SamlEndpoints[0].Location: 'null' is not right here; expected a text",
        ]
    );
}

#[test]
fn a_number_out_of_range_names_the_range() {
    assert_eq!(
        refused(json!({"LifeInMinutes": 61, "Port": 0})),
        [
            "LifeInMinutes: '61' is out of range; expected 1 to 60 minutes",
            "Port: '0' is out of range; expected 1 to 65535"
        ]
    );
}

#[test]
fn members_that_the_service_sets_are_not_for_people_but_may_be_sent_back_as_they_were_read() {
    assert_eq!(
        refused(json!({"Id": "two"})),
        ["Id: 'two' is set by the service; expected the property to be left out"]
    );
    assert_eq!(accepted(json!({"Id": "one", "Port": 8443})).body["Port"], 8443);
}

#[test]
fn enumerations_are_taken_by_name_in_any_case_and_by_number() {
    for (input, expected) in [(json!("green"), "Green"), (json!(2), "Green"), (json!("1"), "Red")] {
        assert_eq!(accepted(json!({"Colour": input})).body["Colour"], expected);
    }
    for input in [json!("green, RED"), json!(3), json!("3"), json!(["Green", "red", "Red"])] {
        let body = accepted(json!({"Mix": input.clone()})).body;
        assert_eq!(body["Mix"], json!(["Red", "Green"]), "{input}");
    }
    assert_eq!(accepted(json!({"Mix": 0})).body["Mix"], json!([]));
}

#[test]
fn a_patch_replaces_lists_merges_objects_and_null_means_the_default() {
    let stored = accepted(json!({
        "Port": 8443, "Names": ["a", "b"], "Owner": {"Location": "here", "Index": 4}, "Window": "01:00:00"
    }));
    let patch = json!({"Port": null, "Names": ["c"], "Owner": {"Index": 5}, "Window": null});
    let body = apply_patch(&SAMPLE, &stored.body, &patch).unwrap().body;
    assert_eq!(body["Port"], 443);
    assert_eq!(body["Names"], json!(["c"]));
    assert_eq!(body["Owner"], json!({"Location": "here", "Index": 5}));
    assert_eq!(body["Window"], "00:30:00");
    let body = apply_patch(&SAMPLE, &body, &json!({"Owner": null})).unwrap().body;
    assert_eq!(body["Owner"], Value::Null);
}

#[test]
fn stored_members_of_a_newer_node_survive_at_every_level() {
    let mut stored = (SAMPLE.default_body)();
    stored["Future"] = json!({"A": 1});
    stored["Parts"] = json!([{"Location": "x", "Weight": 3}]);
    let body = apply_patch(&SAMPLE, &stored, &json!({"Port": 1})).unwrap().body;
    assert_eq!(body["Future"], json!({"A": 1}));
    assert_eq!(body["Parts"], json!([{"Location": "x", "Index": 0, "Weight": 3}]));
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names.first().unwrap().as_str(), "Id");
    assert_eq!(names.last().unwrap().as_str(), "Future");
}

#[test]
fn a_setting_without_effect_says_so_when_it_is_set_and_only_then() {
    let set = accepted(json!({"Unread": true}));
    assert_eq!(set.warnings, ["Unread is kept and shown, but has no effect in this version."]);
    for patch in [json!({"Unread": true}), json!({"Unread": false}), json!({"Port": 1})] {
        assert_eq!(apply_patch(&SAMPLE, &set.body, &patch).unwrap().warnings, [""; 0], "{patch}");
    }
}

#[test]
fn a_setting_that_would_protect_and_does_not_yet_is_refused() {
    assert_eq!(
        refused(json!({"ReplaysPrevented": true})),
        [
            "ReplaysPrevented: 'true' would protect, but has no effect in this version, so it is refused rather than relied on; expected its default, 'false'"
        ]
    );
    // What another version stored can be kept, and taken back.
    let mut stored = (SAMPLE.default_body)();
    stored["ReplaysPrevented"] = json!(true);
    assert!(apply_patch(&SAMPLE, &stored, &json!({"Port": 1})).is_ok());
    assert!(apply_patch(&SAMPLE, &stored, &json!({"ReplaysPrevented": false})).is_ok());
}

#[test]
fn secrets_are_in_no_answer() {
    let body = accepted(json!({"Secret": "abc"})).body;
    assert_eq!(body["Secret"], "abc");
    assert_eq!(without_secrets(&SAMPLE, &body).get("Secret"), None);
    assert_eq!(without_secrets(&SAMPLE, &body)["Port"], 443);
}

#[test]
fn a_body_that_cannot_be_read_names_the_place() {
    let problems = (SAMPLE.check)(json!({"Parts": [{"Index": "x"}]})).unwrap_err();
    let text = texts(problems).remove(0);
    assert!(text.starts_with("Parts[0].Index: 'x' can't be read: invalid type"), "{text}");
}

#[test]
fn every_kind_is_found_by_its_name_and_is_what_the_store_calls_it() {
    for object in OBJECTS {
        assert_eq!(object_type(object.kind).unwrap().kind, object.kind);
        let schema = (object.schema)();
        let properties = schema.get("properties").unwrap().as_object().unwrap();
        let body = (object.default_body)();
        let printed: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(properties.keys().collect::<Vec<_>>(), printed, "{}", object.kind);
        for (name, property) in properties {
            assert!(property.get("description").is_some(), "{}.{name} is not documented", object.kind);
            assert!(property.get("default").is_some(), "{}.{name} has no default", object.kind);
        }
    }
    assert!(object_type("trust-of-tomorrow").is_none());
}

#[test]
fn a_trust_is_made_from_its_default_body_and_an_identifier() {
    let object = object_type(RelyingPartyTrust::KIND).unwrap();
    let mut new = (object.default_body)();
    new["ObjectIdentifier"] = json!("6f1d2f0a-0000-4000-8000-000000000001");
    let patch =
        json!({"Name": "App", "Identifier": ["urn:app"], "WSFedEndpoint": "https://app.example.com/"});
    let made = apply_patch(object, &new, &patch).unwrap();
    assert_eq!(made.id, "6f1d2f0a-0000-4000-8000-000000000001");
    assert_eq!(made.keys, [("name", "App".to_owned()), ("identifier", "urn:app".to_owned())]);
}

#[test]
fn documents_of_the_first_version_are_read() {
    let object = object_type(ServiceProperties::KIND).unwrap();
    let stored = json!({
        "HostName": "fs.example.com", "HttpsPort": 443, "HttpPort": 80, "Identifier": "http://fs.example.com/adfs/services/trust",
        "DisplayName": "X", "DirectoryDomain": "EXAMPLE", "DirectoryDnsDomain": "example.com", "SsoLifetime": 480,
        "ExtranetLockoutEnabled": true, "ExtranetLockoutThreshold": 10, "ExtranetObservationWindow": 1800,
        "PasswordAttemptsPerAddressPerMinute": 60, "SamlMessageDeliveryWindow": 5, "EnableClaimsXray": true
    });
    let body = (object.check)(stored).unwrap().body;
    assert_eq!(body["ExtranetObservationWindow"], "00:30:00");
    assert_eq!(body["EnableClaimsXray"], true);
}
