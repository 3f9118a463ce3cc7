//! What administrators do with the farm: `Get-` and `Set-AdfsSyncProperties`, `Get-` and `Set-AdfsFarmInformation`,
//! `New-SekishoJoinToken`, `Get-SekishoDivergedChange`.

use std::sync::Arc;
use std::time::Duration;

use configuration::SyncRole;
use keys::node_identity::JoinToken;
use serde::Deserialize;
use serde_json::{Value, json};
use server::{ActionAnswer, ActionCall, ActionError, Actions};
use store::sync::Role;
use store::{Kind, Operation};
use sts::administration::RoleSource;

use super::{Farm, Result, door, identity};

/// Life of a join token that says nothing else.
const TOKEN_MINUTES: u32 = 60;
/// Longest life of a join token: a week.
const LONGEST_TOKEN_MINUTES: u32 = 7 * 24 * 60;
/// A promotion waits this long for a last answer of the primary before, which may be gone.
const LAST_POLL: Duration = Duration::from_secs(2);
/// Changes that were kept aside, in one answer.
const DIVERGED: usize = 1_000;

/// Arguments of `set-sync-properties`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SyncArguments {
    role: Option<String>,
    primary_computer_name: Option<String>,
    primary_computer_port: Option<u16>,
    poll_duration: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FarmArguments {
    remove_node: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct TokenArguments {
    lifetime_minutes: Option<u32>,
}

/// Adds the actions of the farm.
pub(crate) fn actions(actions: Actions, farm: &Arc<Farm>) -> Actions {
    actions
        .on("set-sync-properties", farm, |farm, call| async move { answered(farm.set_sync(&call).await) })
        .on("farm-information", farm, |farm, _| async move { answered(farm.information().await) })
        .on("set-farm-information", farm, |farm, call| async move {
            farm.may_write()?;
            answered(farm.remove_nodes(&call).await)
        })
        .on("new-join-token", farm, |farm, call| async move {
            farm.may_write()?;
            answered(farm.new_token(&call).await)
        })
        .on("diverged-changes", farm, |farm, _| async move { answered(farm.diverged().await) })
}

fn answered(result: Result<ActionAnswer>) -> std::result::Result<ActionAnswer, ActionError> {
    result.map_err(ActionError::failed)
}

fn read<T: for<'a> Deserialize<'a> + Default>(body: &Value) -> Result<T> {
    match body {
        Value::Null => Ok(T::default()),
        body => Ok(T::deserialize(body)?),
    }
}

impl Farm {
    /// `Set-AdfsSyncProperties`: settings first, then the role.
    async fn set_sync(&self, call: &ActionCall) -> Result<ActionAnswer> {
        let arguments = SyncArguments::deserialize(&call.body)?;
        let role = arguments.role.as_deref().map(role).transpose()?;
        let primary =
            arguments.primary_computer_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if arguments.poll_duration == Some(0) {
            return Err("PollDuration: '0' is too short; expected 1 second or more".into());
        }
        if arguments.primary_computer_port == Some(0) {
            return Err("PrimaryComputerPort: '0' is no port; expected 1 to 65535".into());
        }
        let standing = self.standing();
        let now_primary = standing.role == Role::PrimaryComputer;
        if let Some(name) = primary.filter(|name| name.eq_ignore_ascii_case(&self.name)) {
            return Err(
                format!("PrimaryComputerName: '{name}' is this server itself; expected another one").into()
            );
        }
        match role {
            Some(SyncRole::SecondaryComputer) if primary.is_none() && now_primary => {
                return Err(
                    "PrimaryComputerName is missing: a secondary server needs a primary server to copy"
                        .into(),
                );
            }
            None if primary.is_some() && now_primary => {
                return Err(
                    "this server is the primary server; give -Role SecondaryComputer too, if it shall follow another one"
                        .into(),
                );
            }
            _ => {}
        }
        if call.what_if {
            return Ok(ActionAnswer::default());
        }
        if arguments.poll_duration.is_some() || arguments.primary_computer_port.is_some() {
            self.set_properties(arguments.poll_duration, arguments.primary_computer_port).await?;
        }
        let mut warnings = Vec::new();
        let promoted = role == Some(SyncRole::PrimaryComputer);
        if promoted && !now_primary {
            warnings.extend(self.promote().await?);
            self.audit(
                call,
                &format!("This server is the primary server of epoch {} now", self.standing().term.epoch),
            )
            .await?;
        } else if let Some(name) = primary.filter(|_| !promoted) {
            self.store.follow(name).await?;
            self.refresh().await?;
            self.audit(call, &format!("This server follows the primary server {name} now")).await?;
        }
        self.publish().await?;
        self.nudge.notify_one();
        Ok(ActionAnswer { objects: Vec::new(), warnings })
    }

    /// Takes what the primary still has, if it answers at once; then this server is it. Warnings.
    async fn promote(&self) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        let last = tokio::time::timeout(LAST_POLL, self.poll()).await;
        if !matches!(last, Ok(Ok(()))) {
            let poll = self.poll_duration().await?;
            let now = self.now();
            match self.succeeded() {
                Some(at) if now.since(at) <= poll => {}
                Some(at) => warnings.push(format!(
                    "the last synchronisation that succeeded was at {}: changes that were made on the primary server since \
                     are not here; they are kept there when it comes back, and Get-SekishoDivergedChange lists them",
                    at.to_xml()
                )),
                None => warnings.push("this server was never synchronised: its configuration may be old".to_owned()),
            }
        }
        self.store.promote(&self.name).await?;
        self.refresh().await?;
        Ok(warnings)
    }

    /// `Get-AdfsFarmInformation`
    async fn information(&self) -> Result<ActionAnswer> {
        let standing = self.standing();
        let primary = match standing.role {
            Role::PrimaryComputer => self.name.clone(),
            Role::SecondaryComputer => standing.follows.clone(),
        };
        let stored = identity::nodes(&self.store).await?;
        let nodes: Vec<Value> = stored
            .iter()
            .map(|stored| {
                let fqdn = &stored.node.fqdn;
                let is_primary = fqdn.eq_ignore_ascii_case(&primary);
                let heard = match stored.identifier == self.node() {
                    true => Some(self.now()),
                    false => self.heard(fqdn),
                };
                json!({
                    "FQDN": fqdn,
                    "BehaviorLevel": stored.node.behavior_level,
                    "HeartbeatTimestamp": heard.map(base::Timestamp::to_xml),
                    "NodeType": if is_primary { "PrimaryComputer" } else { "SecondaryComputer" },
                })
            })
            .collect();
        let information = json!({ "CurrentFarmBehavior": 4, "FarmNodes": nodes, "FarmRoles": ["UserState"] });
        Ok(ActionAnswer { objects: vec![information], warnings: Vec::new() })
    }

    /// `Set-AdfsFarmInformation -RemoveNode`: the nodes are strangers from the next handshake on.
    async fn remove_nodes(&self, call: &ActionCall) -> Result<ActionAnswer> {
        let wanted = FarmArguments::deserialize(&call.body)?.remove_node;
        let nodes = identity::nodes(&self.store).await?;
        let (mut out, mut operations) = (Vec::new(), Vec::new());
        for name in &wanted {
            let named = |fqdn: &str| {
                fqdn.eq_ignore_ascii_case(name)
                    || fqdn.split('.').next().is_some_and(|short| short.eq_ignore_ascii_case(name))
            };
            let Some(node) = nodes.iter().find(|node| named(&node.node.fqdn)) else {
                let known: Vec<&str> = nodes.iter().map(|node| node.node.fqdn.as_str()).collect();
                return Err(format!(
                    "RemoveNode: '{name}' is no node of this farm; expected one of {}",
                    known.join(", ")
                )
                .into());
            };
            if node.identifier == self.node() {
                return Err(format!("RemoveNode: '{name}' is this server; remove it on another one, once that is the primary server").into());
            }
            let id = node.node.fqdn.clone();
            let stored = store::Configuration::get(self.store.as_ref(), Kind::FarmNode, &id).await?;
            let expected = stored.map(|stored| stored.version).unwrap_or_default();
            operations.push(Operation::Delete { kind: Kind::FarmNode, id, expected });
            out.push(node.identifier);
        }
        if call.what_if || wanted.is_empty() {
            return Ok(ActionAnswer::default());
        }
        operations.extend(identity::shut_out(&self.store, &out, None).await?);
        identity::write(&self.store, &call.by, self.now(), operations).await?;
        self.removed.replace(identity::removed(&self.store).await?);
        self.audit(call, &format!("Removed from the farm: {}", wanted.join(", "))).await?;
        let warning =
            "a removed server keeps what it has copied, the farm's keys among it: erase its data directory";
        Ok(ActionAnswer { objects: Vec::new(), warnings: vec![warning.to_owned()] })
    }

    /// `New-SekishoJoinToken`: shown once; the store keeps a hash.
    async fn new_token(&self, call: &ActionCall) -> Result<ActionAnswer> {
        let minutes = read::<TokenArguments>(&call.body)?.lifetime_minutes.unwrap_or(TOKEN_MINUTES);
        if !(1..=LONGEST_TOKEN_MINUTES).contains(&minutes) {
            return Err(format!(
                "LifetimeMinutes: '{minutes}' is out of range; expected 1 to {LONGEST_TOKEN_MINUTES}"
            )
            .into());
        }
        if call.what_if {
            return Ok(ActionAnswer::default());
        }
        let expires = self.now().plus(Duration::from_secs(u64::from(minutes) * 60));
        let (token, record) =
            JoinToken::generate(self.authority.fingerprint(), expires, self.random.as_ref());
        let operation = identity::put(&door::token_id(&record.id), 0, serde_json::to_value(&record)?);
        identity::write(&self.store, &call.by, self.now(), vec![operation]).await?;
        self.audit(call, &format!("A token lets a new node join until {}", expires.to_xml())).await?;
        let shown = json!({
            "JoinToken": token.to_text().expose(),
            "PrimaryComputerName": self.name,
            "Expires": expires.to_xml(),
        });
        Ok(ActionAnswer { objects: vec![shown], warnings: Vec::new() })
    }

    /// `Get-SekishoDivergedChange`
    async fn diverged(&self) -> Result<ActionAnswer> {
        let kept = self.store.diverged(0, DIVERGED).await?;
        let objects = kept.into_iter().map(|kept| {
            let entry = kept.entry;
            json!({
                "Number": kept.number,
                "KeptAt": kept.kept.to_xml(),
                "Epoch": entry.head.epoch,
                "Serial": entry.head.serial,
                "Kind": entry.kind.name(),
                "Id": entry.id,
                "At": entry.at.to_xml(),
                "By": entry.by,
            })
        });
        Ok(ActionAnswer { objects: objects.collect(), warnings: Vec::new() })
    }

    async fn audit(&self, call: &ActionCall, change: &str) -> Result<()> {
        if let Some(live) = self.live.get() {
            sts::administration::audit(&live.server.sts, &call.by, change).await?;
        }
        Ok(())
    }
}

fn role(text: &str) -> Result<SyncRole> {
    let known =
        [("PrimaryComputer", SyncRole::PrimaryComputer), ("SecondaryComputer", SyncRole::SecondaryComputer)];
    let found = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let unknown = || format!("Role: '{text}' is no role; expected PrimaryComputer or SecondaryComputer");
    Ok(found.ok_or_else(unknown)?.1)
}
