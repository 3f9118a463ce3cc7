//! A node's part in a farm whose nodes copy the configuration from a primary. What is decided, and why, is in
//! [`sync`](crate::sync); how messages travel is the caller's.

use base::Timestamp;

use super::writer::Undo;
use super::{SqliteStore, replication};
use crate::StoreError;
use crate::sync::{Accepted, Diverged, LastSync, PullAnswer, PullRequest, Role, Standing, Term};

impl SqliteStore {
    /// Tells of each commit of the configuration, so that a secondary which waits hears of a change at once. What
    /// changed, [`head`](crate::Configuration::head) and [`standing`](Self::standing) say.
    pub fn commits(&self) -> tokio::sync::watch::Receiver<u64> {
        self.configuration.told()
    }

    /// What this node is in the farm.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        self.configuration.read("read the role of this server", replication::standing).await
    }

    /// `Set-AdfsSyncProperties -Role PrimaryComputer`: makes this node, whose name is `me`, the primary of a new term.
    /// Asks nobody. Whoever was the primary stops being one when he hears of it.
    pub async fn promote(&self, me: &str) -> Result<Term, StoreError> {
        let me = me.to_owned();
        let promote = move |connection: &_| -> Result<Term, Undo<StoreError>> {
            Ok(replication::promote(connection, &me)?)
        };
        let term = self.configuration.write("become the primary server", promote).await?;
        tracing::info!(epoch = term.epoch, "this server is the primary server now");
        Ok(term)
    }

    /// `Set-AdfsSyncProperties -Role SecondaryComputer -PrimaryComputerName`: this node takes its configuration from
    /// `primary`, and refuses to change it.
    pub async fn follow(&self, primary: &str) -> Result<(), StoreError> {
        let primary = primary.to_owned();
        let follow = move |connection: &_| -> Result<(), Undo<StoreError>> {
            Ok(replication::follow(connection, &primary)?)
        };
        self.configuration.write("become a secondary server", follow).await
    }

    /// Learns of a term, from whomever. The new standing if that is news; a primary of an older term is one no more.
    pub async fn hear(&self, term: &Term) -> Result<Option<Standing>, StoreError> {
        let before = self.standing().await?;
        if before.hearing(term).is_none() {
            return Ok(None);
        }
        let heard = term.clone();
        let hear = move |connection: &_| -> Result<Option<Standing>, Undo<StoreError>> {
            Ok(replication::hear(connection, &heard)?)
        };
        let news = self.configuration.write("learn of a new primary server", hear).await?;
        if before.role == Role::PrimaryComputer && news.is_some() {
            tracing::warn!(
                epoch = term.epoch,
                primary = term.primary,
                "another server was promoted: this one is a secondary server now, and refuses changes"
            );
        }
        Ok(news)
    }

    /// What to ask the primary now.
    pub async fn pull_request(&self) -> Result<PullRequest, StoreError> {
        self.configuration
            .read("read how far the copy of the configuration is", |connection| {
                replication::request(&*connection.unchecked_transaction()?)
            })
            .await
    }

    /// Answers a secondary's question.
    pub async fn answer(&self, request: PullRequest) -> Result<PullAnswer, StoreError> {
        self.hear(&request.term).await?;
        self.configuration
            .read("read the history of the configuration", move |connection| {
                replication::answer(&*connection.unchecked_transaction()?, &request)
            })
            .await
    }

    /// Does what the answer of the node `from` asks for, as one transaction, and notes how the poll ended.
    pub async fn accept(
        &self,
        from: &str,
        request: PullRequest,
        answer: PullAnswer,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let from = from.to_owned();
        let accepted = self
            .configuration
            .write("copy the configuration", move |connection| {
                replication::accept(connection, &from, &request, &answer, now)
            })
            .await?;
        if let Accepted::Installed { diverged: changes @ 1.. } = accepted {
            tracing::warn!(changes, "changes that only this server had were kept aside");
        }
        Ok(accepted)
    }

    /// Notes that the node `from` could not be asked.
    pub async fn note_failed_sync(&self, from: &str, error: &str, now: Timestamp) -> Result<(), StoreError> {
        let (from, error) = (from.to_owned(), error.to_owned());
        let note = move |connection: &_| -> Result<(), Undo<StoreError>> {
            Ok(replication::note_failure(connection, &from, &error, now)?)
        };
        self.configuration.write("note that the primary server could not be asked", note).await
    }

    /// The last poll; `None` before the first.
    pub async fn last_sync(&self) -> Result<Option<LastSync>, StoreError> {
        self.configuration.read("read when the configuration was copied last", replication::last_sync).await
    }

    /// Changes that this node once had and the farm's history does not have, in the order in which they were kept
    /// aside: those after position `after`, at most `limit`.
    pub async fn diverged(&self, after: u64, limit: usize) -> Result<Vec<Diverged>, StoreError> {
        self.configuration
            .read("list the changes that were kept aside", move |connection| {
                replication::diverged(connection, after, limit)
            })
            .await
    }
}
