//! From a plan to the stored change: the steps that every change goes through, whoever planned it.

use audit::{Event, Outcome, Record, Step, Text};
use base::{ActivityId, Guid};
use configuration::{Checked, ObjectType, Problem};
use serde_json::Value;
use store::{Document, Kind, Operation, Write, WriteError};

use super::change::conflict;
use super::difference::{Difference, differences, without_secrets};
use super::{Administration, ChangeError, Changed, Origin, PendingChange, check};
use crate::Sts;

/// What is stored, and what shall be.
pub(super) struct Plan {
    pub(super) object: &'static ObjectType,
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) before: Option<Document>,
    /// `None` removes the object.
    pub(super) after: Option<Checked>,
    /// Where a change of certificates comes from.
    pub(super) origin: Origin,
    pub(super) by: String,
    pub(super) what_if: bool,
}

impl Plan {
    pub(super) fn body_before(&self) -> Option<&Value> {
        self.before.as_ref().map(|document| &document.body)
    }

    pub(super) fn body_after(&self) -> Option<&Value> {
        self.after.as_ref().map(|checked| &checked.body)
    }

    fn version(&self) -> u64 {
        self.before.as_ref().map(|document| document.version).unwrap_or_default()
    }

    /// `relying party trust 'App'`, as people know it.
    fn called(&self) -> String {
        format!("{} '{}'", self.object.title, name_of(self.body_before().or(self.body_after()), &self.id))
    }
}

impl Administration {
    /// Checks, makes ready, writes, takes effect, audits. The caller holds the lock and has asked for the role.
    pub(super) async fn carry_out(&self, sts: &Sts, plan: Plan) -> Result<Changed, ChangeError> {
        let mut changed = Changed {
            object: plan.object,
            id: plan.id.clone(),
            version: plan.version(),
            body: plan.body_after().map(|body| without_secrets(plan.object, body.clone())),
            head: None,
            warnings: plan.after.as_ref().map(|checked| checked.warnings.clone()).unwrap_or_default(),
        };
        names_are_free(sts, &plan).await?;
        let found = check::check(sts, &plan).await?;
        changed.warnings.extend(found.warnings);
        if plan.body_before() == plan.body_after() {
            return Ok(changed);
        }
        let pending = PendingChange {
            object: plan.object,
            id: &plan.id,
            before: plan.body_before(),
            after: plan.body_after(),
        };
        let prepared = match self.prepare(&pending).await {
            Ok(prepared) => prepared,
            Err(error) => return Err(failed(sts, &plan, error).await),
        };
        if plan.what_if {
            prepared.abort().await;
            return Ok(changed);
        }
        let mut operations = found.operations;
        operations.push(operation(&plan));
        match write(sts, &plan.by, operations).await {
            Ok(head) => changed.head = Some(head),
            Err(error) => {
                prepared.abort().await;
                let error = explained(sts, &plan, error).await;
                return Err(failed(sts, &plan, error).await);
            }
        }
        changed.version = plan.version().saturating_add(1);
        if let Ok(Some(document)) = sts.catalog.store().get(plan.kind, &plan.id).await {
            // An object created anew goes on with its old versions.
            changed.version = document.version;
        }
        changed.warnings.extend(prepared.commit().await);
        if let Err(error) = audit_change(sts, &plan, &changed).await {
            tracing::error!(%error, "a change of the configuration could not be audited");
            changed.warnings.push(format!(
                "the change is stored and in the history, but the journal did not take its audit: {error}"
            ));
        }
        Ok(changed)
    }
}

fn operation(plan: &Plan) -> Operation {
    let (kind, id, expected) = (plan.kind, plan.id.clone(), plan.version());
    match &plan.after {
        Some(checked) => {
            Operation::Put { kind, id, expected, body: checked.body.clone(), keys: checked.keys.clone() }
        }
        None => Operation::Delete { kind, id, expected },
    }
}

async fn write(sts: &Sts, by: &str, operations: Vec<Operation>) -> Result<store::Head, WriteError> {
    let write = Write::at_head(sts.catalog.store(), by, sts.clock.now(), operations).await?;
    sts.catalog.write(write).await
}

/// No other object of the kind has one of the names. The store holds this too; here it is found before anything
/// is made ready, and said in names that people know.
async fn names_are_free(sts: &Sts, plan: &Plan) -> Result<(), ChangeError> {
    let Some(checked) = &plan.after else { return Ok(()) };
    for (index, value) in &checked.keys {
        let holder = sts.catalog.store().find(plan.kind, index, value).await?;
        if let Some(holder) = holder.filter(|holder| holder.id != plan.id) {
            return Err(taken(plan.object, checked, index, value, &holder));
        }
    }
    Ok(())
}

fn taken(object: &ObjectType, checked: &Checked, index: &str, value: &str, holder: &Document) -> ChangeError {
    // The index is the property's name in lower case.
    let members = checked.body.as_object().into_iter().flat_map(|members| members.keys());
    let property = members.into_iter().find(|name| name.eq_ignore_ascii_case(index));
    let expected = format!(
        "is already used by the {} '{}'; choose another value, or change that one first",
        object.title,
        name_of(Some(&holder.body), &holder.id)
    );
    ChangeError::Taken { problem: Problem::new(property.map_or(index, String::as_str), value, expected) }
}

/// What people call an object: its name, else its identifier.
pub(super) fn name_of(body: Option<&Value>, id: &str) -> String {
    let name = body.and_then(|body| body.get("Name")).and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).unwrap_or(id).to_owned()
}

/// A refusal of the store, in the terms of the object: somebody wrote between reading and writing.
async fn explained(sts: &Sts, plan: &Plan, error: WriteError) -> ChangeError {
    match error {
        WriteError::Conflict { expected, current, .. } => {
            let stored = sts.catalog.store().get(plan.kind, &plan.id).await.ok().flatten();
            let reason = format!(
                "the {} was changed at the same time: version {expected} was read, version {current} is stored; \
                 compare the two and repeat the change",
                plan.called()
            );
            conflict(plan.object, reason, stored.as_ref(), plan.body_after())
        }
        WriteError::KeyTaken { index, value, holder, .. } => {
            let document = sts.catalog.store().get(plan.kind, &holder).await.ok().flatten();
            match (document, &plan.after) {
                (Some(document), Some(checked)) => taken(plan.object, checked, &index, &value, &document),
                _ => {
                    let expected = "was taken at the same time; repeat the change";
                    ChangeError::Taken { problem: Problem::new(index, value, expected) }
                }
            }
        }
        other => other.into(),
    }
}

/// Audit 307, durable before the answer.
async fn audit_change(sts: &Sts, plan: &Plan, changed: &Changed) -> Result<(), audit::JournalError> {
    let verb = match (&plan.before, &plan.after) {
        (None, _) => "Created",
        (_, None) => "Removed",
        _ => "Changed",
    };
    let serial = changed.head.map(|head| head.serial).unwrap_or_default();
    let mut change = format!("{verb} {} ({}), change {serial}", plan.called(), plan.id);
    let differences = differences(plan.object, plan.body_before(), plan.body_after());
    // A removal is told by the name; what it held is in the history.
    if plan.after.is_some() {
        for Difference { property, before, after } in &differences {
            change.push_str(&format!("; {property}: '{before}' -> '{after}'"));
        }
    }
    let event = Event::ConfigurationChangeSuccess { user: Text::from(&plan.by), change: Text::from(change) };
    let steps = differences
        .iter()
        .map(|Difference { property, before, after }| {
            Step::note(format!("{property}: '{before}' -> '{after}'"))
        })
        .collect();
    append(sts, event, steps).await
}

/// Audit 307 of a change that is not one object of the declared configuration, such as a user of the directory.
pub async fn audit(sts: &Sts, by: &str, change: &str) -> Result<(), audit::JournalError> {
    let event = Event::ConfigurationChangeSuccess { user: Text::from(by), change: Text::from(change) };
    append(sts, event, Vec::new()).await
}

/// Audit 308: the change passed every check and failed all the same.
async fn failed(sts: &Sts, plan: &Plan, error: ChangeError) -> ChangeError {
    if plan.what_if {
        return error;
    }
    let change = Text::from(format!("{} ({}): {error}", plan.called(), plan.id));
    let event = Event::ConfigurationChangeFailure { user: Text::from(&plan.by), change };
    if let Err(error) = append(sts, event, Vec::new()).await {
        tracing::error!(%error, "a change of the configuration that failed could not be audited");
    }
    error
}

async fn append(sts: &Sts, event: Event, steps: Vec<Step>) -> Result<(), audit::JournalError> {
    let activity = ActivityId(Guid::random(sts.random.as_ref()));
    let mut record = Record::new(activity, sts.clock.now(), sts.node.clone(), Outcome::Service);
    record.events.push(event);
    record.steps = steps;
    sts.journal.append(&record).await
}
