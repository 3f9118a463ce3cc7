//! An administration in memory for tests: versions, unique names and refusals as the interface promises them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Administration, AdministrationError, Change, Changed, Node, Refused, Selection, Stored};

/// Configuration in memory.
pub(crate) struct Fake {
    /// (kind, id) → (version, body).
    pub(crate) objects: RefCell<BTreeMap<(String, String), (u64, Value)>>,
    /// Actions that were asked for.
    pub(crate) actions: RefCell<Vec<(String, Value)>>,
    /// Role of the node.
    pub(crate) role: &'static str,
    /// Somebody else changes every object between reading and writing.
    pub(crate) contended: bool,
}

impl Default for Fake {
    fn default() -> Self {
        let fake = Self {
            objects: RefCell::default(),
            actions: RefCell::default(),
            role: "PrimaryComputer",
            contended: false,
        };
        fake.put(
            "service-properties",
            "farm",
            json!({ "HostName": "fs.example.com", "HttpsPort": 443, "TlsClientPort": 49443, "KmsiEnabled": false, "BannedIpList": ["192.0.2.1"], "LogLevel": ["Errors"] }),
        );
        fake.put(
            "relying-party-trust",
            "11111111-1111-4111-8111-111111111111",
            json!({ "ObjectIdentifier": "11111111-1111-4111-8111-111111111111", "Name": "App", "Identifier": ["urn:app"], "Enabled": true, "TokenLifetime": 0, "IssuanceTransformRules": "=> issue(Type = \"a\", Value = \"b\");" }),
        );
        fake.put(
            "claim-description",
            "urn:x",
            json!({ "ClaimType": "urn:x", "IsAccepted": true, "IsOffered": true, "IsRequired": false, "Name": "X", "ShortName": "x", "Notes": null }),
        );
        fake.put("sync-properties", "farm", json!({ "Role": "PrimaryComputer" }));
        fake
    }
}

impl Fake {
    pub(crate) fn put(&self, kind: &str, id: &str, body: Value) {
        self.objects.borrow_mut().insert((kind.to_owned(), id.to_owned()), (1, body));
    }

    pub(crate) fn body(&self, kind: &str, id: &str) -> Option<Value> {
        self.objects.borrow().get(&(kind.to_owned(), id.to_owned())).map(|(_, body)| body.clone())
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<(String, String), (u64, Value)> {
        self.objects.borrow().clone()
    }
}

fn refused(status: u16, code: Option<&str>, message: String) -> AdministrationError {
    AdministrationError::Refused(Box::new(Refused {
        status,
        code: code.map(str::to_owned),
        message,
        ..Refused::default()
    }))
}

impl Administration for Fake {
    fn acting_as(&self, _: &str) {}

    fn node(&self) -> Result<Node, AdministrationError> {
        let primary = (self.role != "PrimaryComputer").then(|| "fs02.example.com".to_owned());
        Ok(Node {
            name: "fs01.example.com".into(),
            role: self.role.into(),
            primary,
            host_name: "fs.example.com".into(),
        })
    }

    fn list(&self, kind: &str, selection: Selection<'_>) -> Result<Vec<Stored>, AdministrationError> {
        let matches = |body: &Value| match selection {
            Selection::All => true,
            Selection::By(index, value) => {
                let members = body.as_object().into_iter().flatten();
                members.filter(|(name, _)| name.eq_ignore_ascii_case(index)).any(|(_, member)| match member {
                    Value::Array(items) => items.iter().any(|item| item == value),
                    member => member == value,
                })
            }
        };
        let objects = self.objects.borrow();
        let of_kind = objects.iter().filter(|((own, _), (_, body))| own == kind && matches(body));
        Ok(of_kind
            .map(|((_, id), (version, body))| Stored {
                id: id.clone(),
                version: *version,
                body: body.clone(),
            })
            .collect())
    }

    fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, AdministrationError> {
        Ok(self.list(kind, Selection::All)?.into_iter().find(|stored| stored.id == id))
    }

    fn change(
        &self,
        kind: &str,
        id: &str,
        change: &Change,
        what_if: bool,
    ) -> Result<Changed, AdministrationError> {
        if self.role != "PrimaryComputer" {
            let message = "this node is a secondary; the primary is fs02.example.com".to_owned();
            return Err(refused(409, Some("PS0033"), message));
        }
        let key = (kind.to_owned(), id.to_owned());
        let current = self.objects.borrow().get(&key).cloned();
        if self.contended
            && let Some((_, body)) = &current
        {
            let mut theirs = body.clone();
            if let Value::Object(members) = &mut theirs {
                members.insert("TlsClientPort".into(), json!(1));
            }
            let yours = match change {
                Change::Patch(_, patch) => merged(body, patch),
                _ => body.clone(),
            };
            return Err(AdministrationError::Refused(Box::new(Refused {
                status: 412,
                message: "it was changed by somebody else".into(),
                stored: Some(theirs),
                yours: Some(yours),
                ..Refused::default()
            })));
        }
        let body = match (change, &current) {
            (Change::Create(_), Some(_)) => return Err(refused(412, None, format!("{id} exists already"))),
            (Change::Create(body), None) => {
                let mut body = body.clone();
                if let (Value::Object(members), true) = (&mut body, kind.ends_with("-trust")) {
                    members.insert("ObjectIdentifier".to_owned(), json!(id));
                    members.entry("Enabled").or_insert(json!(true));
                }
                Some(body)
            }
            (Change::Patch(version, _) | Change::Remove(version), Some((now, _))) if version != now => {
                return Err(refused(412, None, "version".into()));
            }
            (Change::Patch(_, patch), Some((_, body))) => Some(merged(body, patch)),
            (Change::Remove(_), Some(_)) => None,
            (_, None) => return Err(refused(404, None, format!("there is no {id}"))),
        };
        if !what_if {
            let version = current.map_or(1, |(version, _)| version + 1);
            match &body {
                Some(body) => self.objects.borrow_mut().insert(key, (version, body.clone())),
                None => self.objects.borrow_mut().remove(&key),
            };
        }
        Ok(Changed { body, warnings: Vec::new() })
    }

    fn action(
        &self,
        name: &str,
        body: &Value,
        what_if: bool,
    ) -> Result<(Vec<Value>, Vec<String>), AdministrationError> {
        if !what_if {
            self.actions.borrow_mut().push((name.to_owned(), body.clone()));
        }
        Ok((Vec::new(), Vec::new()))
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Value>, AdministrationError> {
        let all = (1..=3_u64).map(|serial| json!({ "serial": serial, "kind": "service-properties", "id": "farm", "version": serial, "at": "2026-11-24T08:00:00.000Z", "by": "root", "body": {} }));
        Ok(all.filter(|change| change["serial"].as_u64().unwrap() > after).take(limit).collect())
    }

    fn undo(&self, serial: u64) -> Result<Changed, AdministrationError> {
        self.actions.borrow_mut().push(("undo".to_owned(), json!(serial)));
        Ok(Changed { body: None, warnings: vec!["undone".to_owned()] })
    }
}

fn merged(body: &Value, patch: &Map<String, Value>) -> Value {
    let mut body = body.clone();
    if let Value::Object(members) = &mut body {
        for (name, value) in patch {
            members.insert(name.clone(), value.clone());
        }
    }
    body
}

impl Fake {
    /// Names of the relying party trusts.
    pub(crate) fn list_names(&self) -> Vec<String> {
        let trusts = self.list("relying-party-trust", Selection::All).unwrap();
        trusts.iter().map(|stored| stored.body["Name"].as_str().unwrap().to_owned()).collect()
    }
}
