//! One call of a command: what its handler works with.

use serde_json::{Map, Value};

use crate::administration::{AdministrationError, Change, Selection, Stored};
use crate::bind::Bound;
use crate::bindings::{Binding, By, Identity, Kind, Meaning};
use crate::error::CmdletError;
use crate::output::View;
use crate::signatures::Impact;

use super::files;
use super::session::{Session, error_record};

/// Objects, or why there are none.
pub(crate) type Outcome = Result<Vec<Value>, CmdletError>;

/// A call with its arguments.
pub(crate) struct Call<'c, 'e> {
    pub(crate) session: &'c mut Session<'e>,
    pub(crate) binding: &'static Binding,
    pub(crate) bound: &'c Bound,
    /// Everything that came by the pipeline, for commands that gather it.
    pub(crate) input: &'c [Value],
    /// How the result shall be laid out.
    pub(crate) view: &'c mut View,
}

/// What to do about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Do it.
    Proceed,
    /// Check and say what would be done.
    WhatIf,
    /// The person said no.
    Skip,
}

impl<'e> Call<'_, 'e> {
    /// The kind of objects the command works on.
    pub(crate) fn kind(&self) -> Result<&'static Kind, CmdletError> {
        let missing = || CmdletError::new("NoKind", "the command works on no objects");
        self.binding.kind.ok_or_else(missing)
    }

    pub(crate) fn refused(&self, error: AdministrationError) -> CmdletError {
        error_record(error, self.bound.cmdlet().noun())
    }

    /// Objects of the kind.
    pub(crate) fn list(&mut self, selection: Selection<'_>) -> Result<Vec<Stored>, CmdletError> {
        let kind = self.kind()?;
        let objects = self.session.administration()?.list(kind.name, selection);
        objects.map_err(|error| self.refused(error))
    }

    /// Objects that a value names.
    pub(crate) fn matching(&mut self, by: By, value: &str) -> Result<Vec<Stored>, CmdletError> {
        let (property, prefix) = match by {
            By::Index(index) => return self.list(Selection::By(index, value)),
            By::Property(property) | By::Object(property) => (property, false),
            By::Prefix(property) => (property, true),
        };
        let wanted = value.to_lowercase();
        let fits = |own: &str| match prefix {
            true => own.to_lowercase().starts_with(&wanted),
            false => own.to_lowercase() == wanted,
        };
        let mut objects = self.list(Selection::All)?;
        objects.retain(|stored| match stored.body.get(property) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(fits),
            Some(Value::String(own)) => fits(own),
            _ => false,
        });
        Ok(objects)
    }

    /// The one object that a changing command is about.
    pub(crate) fn target(&mut self) -> Result<Stored, CmdletError> {
        let kind = self.kind()?;
        if kind.single {
            let objects = self.list(Selection::All)?;
            let missing = || CmdletError::new("ObjectNotFound", format!("the {} is not set up", kind.title));
            return objects.into_iter().next().ok_or_else(missing);
        }
        let bound = self.bound;
        let given = kind.targets.iter().find_map(|(name, by)| Some((*name, *by, bound.get(name)?)));
        let Some((name, by, value)) = given else {
            let names: Vec<String> = kind.targets.iter().map(|(name, _)| format!("-{name}")).collect();
            let message = format!("Say which {} is meant: {}.", kind.title, names.join(" or "));
            return Err(CmdletError::new("NoTarget", message));
        };
        let text = match (by, value) {
            (By::Object(property), Value::Object(members)) => members.get(property),
            (_, value) => Some(value),
        };
        let Some(text) = text.and_then(Value::as_str) else {
            let By::Object(property) = by else {
                return Err(CmdletError::new("NoTarget", format!("-{name} names no {}.", kind.title)));
            };
            let message = format!("the object given to -{name} has no {property}; it is no {}.", kind.title);
            return Err(CmdletError::new("NoTarget", message));
        };
        let mut found = self.of_identity(by, text)?;
        match (found.len(), found.pop()) {
            (1, Some(one)) => Ok(one),
            (0, _) => Err(CmdletError::new(
                "ObjectNotFound",
                format!("There is no {} with -{name} '{text}'.", kind.title),
            )),
            (count, _) => {
                let message = format!(
                    "{count} objects of the kind {} have -{name} '{text}'; name one by another parameter.",
                    kind.title
                );
                Err(CmdletError::new("SeveralObjects", message))
            }
        }
    }

    /// Objects that a value names; where it is the identifier itself, without a search.
    fn of_identity(&mut self, by: By, text: &str) -> Result<Vec<Stored>, CmdletError> {
        let kind = self.kind()?;
        let identifies = match (by, kind.identity) {
            (By::Object(_), Identity::Guid) => true,
            (By::Object(property) | By::Property(property), Identity::Property(own)) => property == own,
            _ => false,
        };
        if identifies {
            let stored = self.session.administration()?.get(kind.name, text);
            if let Some(stored) = stored.map_err(|error| self.refused(error))? {
                return Ok(vec![stored]);
            }
        }
        self.matching(by, text)
    }

    /// The properties that the arguments set and that differ from `current`.
    pub(crate) fn properties(&mut self, current: Option<&Value>) -> Result<Map<String, Value>, CmdletError> {
        let mut properties = Map::new();
        let bound = self.bound;
        for (parameter, value) in bound.given() {
            let (property, value) = match self.binding.meaning(bound.cmdlet(), parameter) {
                Meaning::Property(property) if property.contains("Certificate") => {
                    (property, files::certificates(value)?)
                }
                Meaning::Property(property) => (property, value.clone()),
                Meaning::File(property) => {
                    (property, Value::String(files::text_of(value.as_str().unwrap_or_default())?))
                }
                Meaning::Handled | Meaning::NotYet => continue,
            };
            let members = current.and_then(Value::as_object);
            // The stored letter case wins: the product itself is not consistent.
            let known = members.into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case(property));
            match known {
                Some((_, own)) if *own == value => {}
                Some((name, _)) => {
                    properties.insert(name.clone(), value);
                }
                None => {
                    properties.insert(property.to_owned(), value);
                }
            }
        }
        Ok(properties)
    }

    /// Asks when it must, and says what would be done when only that is wanted.
    pub(crate) fn decide(&mut self, target: &str) -> Result<Decision, CmdletError> {
        let cmdlet = self.bound.cmdlet();
        let text = format!("Performing the operation \"{}\" on target \"{target}\".", cmdlet.name);
        if self.bound.common.what_if {
            self.session.environment.console.message(&format!("What if: {text}"));
            return Ok(Decision::WhatIf);
        }
        let forced = self.bound.is_on("Force");
        let high = cmdlet.should_process && cmdlet.impact() == Impact::High && !forced;
        if !self.bound.common.confirm.unwrap_or(high) {
            return Ok(Decision::Proceed);
        }
        if let Some(answer) = self.session.answer_to_all {
            return Ok(if answer { Decision::Proceed } else { Decision::Skip });
        }
        let question = format!(
            "\nConfirm\nAre you sure you want to perform this action?\n{text}\n[Y] Yes  [A] Yes to All  [N] No  [L] No to All (default is \"Y\"): "
        );
        loop {
            let Some(answer) = self.session.environment.console.ask(&question) else {
                let message = format!(
                    "{} asks for a confirmation and nobody is there to answer. Add -Confirm:$false to do it without.",
                    cmdlet.name
                );
                return Err(CmdletError::new("ConfirmationNeeded", message));
            };
            match answer.trim().to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(Decision::Proceed),
                "n" | "no" => return Ok(Decision::Skip),
                "a" | "yes to all" => {
                    self.session.answer_to_all = Some(true);
                    return Ok(Decision::Proceed);
                }
                "l" | "no to all" => {
                    self.session.answer_to_all = Some(false);
                    return Ok(Decision::Skip);
                }
                _ => {}
            }
        }
    }

    /// Decides, makes one change and tells its warnings. Gives the object as it is then, for `-PassThru`.
    pub(crate) fn change(&mut self, id: &str, change: &Change, target: &str) -> Outcome {
        let kind = self.kind()?;
        let what_if = match self.decide(target)? {
            Decision::Skip => return Ok(Vec::new()),
            decision => decision == Decision::WhatIf,
        };
        let changed = self.session.administration()?.change(kind.name, id, change, what_if);
        let changed = changed.map_err(|error| self.refused(error))?;
        changed.warnings.iter().for_each(|warning| self.session.warn(warning));
        match what_if || !self.bound.is_on("PassThru") {
            true => Ok(Vec::new()),
            false => Ok(changed.body.into_iter().collect()),
        }
    }

    /// Decides and does what is more than the change of one object.
    pub(crate) fn action(&mut self, name: &str, body: Map<String, Value>, target: &str) -> Outcome {
        if self.decide(target)? != Decision::Proceed {
            return Ok(Vec::new());
        }
        let done = self.session.administration()?.action(name, &Value::Object(body));
        let (objects, warnings) = done.map_err(|error| self.refused(error))?;
        warnings.iter().for_each(|warning| self.session.warn(warning));
        Ok(objects)
    }

    /// The arguments that were given among `names`, as a document.
    pub(crate) fn document(&self, names: &[&str]) -> Map<String, Value> {
        let given = names.iter().filter_map(|name| Some((*name, self.bound.get(name)?)));
        given.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

/// What an object is called in messages.
pub(crate) fn name_of(body: &Value, id: &str) -> String {
    let text = ["Name", "DisplayName", "HostName", "AddressPath", "Thumbprint", "ClaimType"]
        .iter()
        .find_map(|name| body.get(*name).and_then(Value::as_str).filter(|text| !text.is_empty()));
    text.unwrap_or(id).to_owned()
}
