//! A secondary asks the primary every `PollDuration`, and at once when the primary tells of a change.

use std::time::Duration;

use configuration::Object;
use configuration::ServiceProperties;
use store::sync::{Accepted, PullAnswer, Role};
use sts::administration::{Observer, PendingChange};

use super::messages::{PULL, WATCH, Watch, Watched};
use super::{Farm, Result, identity};
use crate::node::ports::PortsFollow;

/// One page.
const CALL: Duration = Duration::from_secs(60);
/// A watch, which the primary answers after 25 s.
const WATCHING: Duration = Duration::from_secs(40);
/// Pause before a primary that does not answer is watched again.
const PAUSE: Duration = Duration::from_secs(5);
/// Pause after a failure, whoever asks for the next poll.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Pages of one poll: more than the history of any farm has.
const PAGES: usize = 100_000;
/// Answers in a row that tell nothing.
const EMPTY: usize = 3;

/// Polls, for ever. A primary tells its term instead, so that a node which missed a promotion hears of it.
pub(super) async fn follow(farm: &Farm) {
    loop {
        let waited = match farm.standing().role {
            Role::PrimaryComputer => farm.tell_all().await,
            Role::SecondaryComputer => farm.poll().await,
        };
        if let Err(error) = waited {
            tracing::warn!(%error, "synchronisation with the farm failed");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        let pause = farm.pause().await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = farm.nudge.notified() => {}
            () = farm.watch() => {}
        }
    }
}

impl Farm {
    /// `PollDuration`, give or take a tenth: nodes that started together do not ask together.
    async fn pause(&self) -> Duration {
        let whole = self.poll_duration().await.unwrap_or(Duration::from_secs(300));
        let [octet] = self.random.bytes::<1>();
        whole.mul_f64(0.9 + 0.2 * f64::from(octet) / 255.0)
    }

    /// Asks until nothing is missing, and notes how it ended.
    pub(super) async fn poll(&self) -> Result<()> {
        let _alone = self.polling.lock().await;
        let from = self.standing().follows;
        let polled = self.pull(&from).await;
        match &polled {
            Ok(()) => self.note_success(),
            Err(error) => self.store.note_failed_sync(&from, &error.to_string(), self.now()).await?,
        }
        self.publish().await?;
        polled
    }

    async fn pull(&self, from: &str) -> Result<()> {
        if from.is_empty() {
            return Err("this server does not know its primary server; run Set-AdfsSyncProperties -PrimaryComputerName".into());
        }
        if from.eq_ignore_ascii_case(&self.name) {
            return Err(format!(
                "PrimaryComputerName is {from}, which is this server itself; name another one"
            )
            .into());
        }
        let port = self.port().await?;
        let mut empty = 0;
        for _ in 0..PAGES {
            let request = self.store.pull_request().await?;
            let answer: PullAnswer = self.peer(from, port).call(PULL, &request, CALL).await?;
            let term = answer.term().clone();
            let accepted = self.store.accept(from, request, answer, self.now()).await?;
            self.refresh().await?;
            match accepted {
                Accepted::Current => return Ok(()),
                Accepted::Advanced | Accepted::Installed { .. } => self.take_effect().await?,
                Accepted::Copying => {}
                // The next poll asks the other one, and begins at once.
                Accepted::Follows(_) => return Ok(()),
                Accepted::Refused(error) => return Err(error.into()),
                Accepted::Ignored => empty += 1,
            }
            if empty >= EMPTY {
                return Err(format!(
                    "{from} answers as the primary server of epoch {}, and this server knows of epoch {}; name the present \
                     one with Set-AdfsSyncProperties -PrimaryComputerName",
                    term.epoch,
                    self.standing().term.epoch
                )
                .into());
            }
        }
        Err("the history of the primary server has no end".into())
    }

    /// What was copied holds for the requests that begin now.
    async fn take_effect(&self) -> Result<()> {
        self.removed.replace(identity::removed(&self.store).await?);
        let Some(live) = self.live.get() else { return Ok(()) };
        let catalog = &live.server.sts.catalog;
        let before = catalog.resident();
        catalog.reload().await?;
        let after = catalog.resident();
        live.server.renew_metadata()?;
        if before.properties == after.properties {
            return Ok(());
        }
        let object = configuration::object_type(ServiceProperties::KIND)
            .ok_or("service properties are not declared")?;
        let (before, after) =
            (serde_json::to_value(&before.properties)?, serde_json::to_value(&after.properties)?);
        let change =
            PendingChange { object, id: sts::PROPERTIES_ID, before: Some(&before), after: Some(&after) };
        // A port that cannot be bound leaves the listener where it is; the rest of the change holds all the same.
        match PortsFollow(live.handle.clone()).prepare(&change).await {
            Ok(Some(effect)) => drop(effect.commit().await),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a listener cannot follow a change of the primary server"),
        }
        Ok(())
    }

    /// Returns when the primary has something new. One that does not answer is asked again and again.
    async fn watch(&self) {
        loop {
            if !self.watch_once().await.unwrap_or(false) {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            return;
        }
    }

    /// Whether there is news.
    async fn watch_once(&self) -> Result<bool> {
        let standing = self.standing();
        if standing.role == Role::PrimaryComputer || standing.follows.is_empty() {
            return Ok(false);
        }
        let port = self.port().await?;
        loop {
            let watch = Watch { term: self.standing().term, serial: self.serial().await? };
            let watched: Watched = self.peer(&standing.follows, port).call(WATCH, &watch, WATCHING).await?;
            self.hear(&watched.term).await?;
            if watched.serial != watch.serial {
                // One that lags behind this server has nothing for it.
                return Ok(watched.serial > watch.serial || watched.term.epoch >= watch.term.epoch);
            }
        }
    }
}
