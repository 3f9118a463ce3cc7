//! One node: its database, and its death within a transaction.

use rusqlite::{Connection, TransactionBehavior};

use crate::sqlite::configuration::FILE;
use crate::sqlite::database::migrate;
use crate::sqlite::writer::Undo;

/// When the node dies within a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// Everything is undone.
    BeforeCommit,
    /// Everything is kept, and nobody hears of it.
    AfterCommit,
}

pub(super) struct Node {
    pub(super) name: &'static str,
    /// What is on its disk.
    pub(super) database: Connection,
    pub(super) up: bool,
}

impl Node {
    pub(super) fn new(name: &'static str) -> Self {
        let mut database = Connection::open_in_memory().unwrap();
        database.set_prepared_statement_cache_capacity(64);
        database.pragma_update(None, "foreign_keys", true).unwrap();
        migrate(&mut database, 0, &FILE).unwrap();
        Self { name, database, up: true }
    }

    /// Runs a transaction. `None`: the node died, and whoever asked gets no answer.
    pub(super) fn transact<T, R>(
        &mut self,
        death: Option<Death>,
        work: impl FnOnce(&Connection) -> Result<T, Undo<R>>,
    ) -> Option<Result<T, R>> {
        assert!(self.up, "a dead node works");
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let result = match work(&transaction) {
            Ok(value) => Ok(value),
            Err(Undo::Refused(refusal)) => Err(refusal),
            Err(Undo::Failed(error)) => panic!("{}: {error}", self.name),
        };
        match (&result, death) {
            (Ok(_), None | Some(Death::AfterCommit)) => transaction.commit().unwrap(),
            _ => transaction.rollback().unwrap(),
        }
        self.up = death.is_none();
        self.up.then_some(result)
    }

    /// Reads, as another process would that opens the files.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> T {
        work(&self.database).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}
