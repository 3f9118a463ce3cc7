//! The part of `sync` that reads and writes `configuration.db`. Each function runs within one transaction, so that a
//! node that dies has done all of it or nothing.

use base::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::configuration::{
    append, delete_object, entry, fence, link, number, read_chain, read_head, replace_keys, sql_limit,
    sql_number, store_object,
};
use super::writer::Undo;
use crate::sync::{
    self, Accepted, Diverged, LastSync, PAGE_ENTRIES, PAGE_OCTETS, Place, PullAnswer, PullRequest, Reply,
    Role, Standing, Step, Term,
};
use crate::{Chain, Entry, Head, Kind, Scope, StoreError, WriteError};

const COLUMNS: &str = "serial, epoch, kind, id, version, body, at, by, keys, last, chain";

/// Schema version 2: the history as it travels between nodes.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(include_str!("replication.sql"))?;
    let mut chain = Chain::START;
    let mut read = connection.prepare(
        "SELECT epoch, serial, kind, id, version, body, at, by, keys, last FROM changes ORDER BY serial",
    )?;
    let mut write = connection.prepare("UPDATE changes SET chain = ?2 WHERE serial = ?1")?;
    let mut serials = read.query([])?;
    while let Some(row) = serials.next()? {
        let entry = entry(row)?;
        chain = chain.after(&entry);
        write.execute(params![sql_number(entry.head.serial), chain.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn standing(connection: &Connection) -> rusqlite::Result<Standing> {
    connection.prepare_cached("SELECT role, term_epoch, term_primary, follows FROM standing")?.query_row(
        [],
        |row| {
            let role = match row.get::<_, String>(0)?.as_str() {
                "PrimaryComputer" => Role::PrimaryComputer,
                _ => Role::SecondaryComputer,
            };
            let term = Term { epoch: number(row, 1)?, primary: row.get(2)? };
            Ok(Standing { role, term, follows: row.get(3)? })
        },
    )
}

fn save(connection: &Connection, standing: &Standing) -> rusqlite::Result<()> {
    let role = match standing.role {
        Role::PrimaryComputer => "PrimaryComputer",
        Role::SecondaryComputer => "SecondaryComputer",
    };
    connection
        .prepare_cached("UPDATE standing SET role = ?1, term_epoch = ?2, term_primary = ?3, follows = ?4")?
        .execute(params![role, sql_number(standing.term.epoch), standing.term.primary, standing.follows])?;
    Ok(())
}

/// Refuses what only the primary may do, naming it.
pub(super) fn require_primary(connection: &Connection) -> Result<(), Undo<WriteError>> {
    let standing = standing(connection)?;
    if standing.role == Role::PrimaryComputer {
        return Ok(());
    }
    let primary = Some(standing.follows).filter(|name| !name.is_empty());
    let primary = primary.unwrap_or_else(|| "the primary server".to_owned());
    Err(Undo::Refused(WriteError::Secondary { primary }))
}

/// Promotes the node under the name that it has, if `expected` is the newest epoch.
pub(super) fn raise_epoch(connection: &Connection, expected: u64) -> Result<Head, Undo<WriteError>> {
    let standing = standing(connection)?;
    let head = read_head(connection)?;
    fence(expected, Head { epoch: standing.term.epoch.max(head.epoch), ..head })?;
    let me = match standing.role {
        Role::PrimaryComputer => standing.term.primary.clone(),
        Role::SecondaryComputer => String::new(),
    };
    take_over(connection, &standing.promoted(&me))?;
    Ok(read_head(connection)?)
}

/// Makes this node, whose name is `me`, the primary of a new term.
pub(super) fn promote(connection: &Connection, me: &str) -> rusqlite::Result<Term> {
    let standing = standing(connection)?.promoted(me);
    take_over(connection, &standing)?;
    Ok(standing.term)
}

fn take_over(connection: &Connection, standing: &Standing) -> rusqlite::Result<()> {
    save(connection, standing)?;
    // A copy of another primary's history has no use any more.
    drop_copy(connection)?;
    set_epoch(connection, standing.term.epoch)
}

/// Makes this node a secondary that asks `primary`.
pub(super) fn follow(connection: &Connection, primary: &str) -> rusqlite::Result<()> {
    save(connection, &standing(connection)?.following(primary))
}

/// Learns of a term; the new standing if that is news.
pub(super) fn hear(connection: &Connection, term: &Term) -> rusqlite::Result<Option<Standing>> {
    let news = standing(connection)?.hearing(term);
    if let Some(standing) = &news {
        save(connection, standing)?;
    }
    Ok(news)
}

fn set_epoch(connection: &Connection, epoch: u64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE writer SET epoch = max(epoch, ?1)")?.execute([sql_number(epoch)])?;
    Ok(())
}

fn drop_copy(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE standing SET copying = 0")?.execute([])?;
    connection.prepare_cached("DELETE FROM incoming")?.execute([])?;
    Ok(())
}

/// The place from which to ask: that of the copy while there is one.
pub(super) fn place(connection: &Connection) -> rusqlite::Result<Place> {
    let copying = connection
        .prepare_cached("SELECT copying FROM standing")?
        .query_row([], |row| row.get::<_, bool>(0))?;
    let table = if copying { "incoming" } else { "changes" };
    let newest = connection
        .prepare_cached(&format!("SELECT serial, chain, epoch FROM {table} ORDER BY serial DESC LIMIT 1"))?
        .query_row([], |row| {
            Ok(Place { serial: number(row, 0)?, chain: link(row, 1)?, epoch: number(row, 2)?, copying })
        })
        .optional()?;
    Ok(newest.unwrap_or(Place { copying, ..Place::START }))
}

/// What to ask the primary now.
pub(super) fn request(connection: &Connection) -> rusqlite::Result<PullRequest> {
    let (standing, place) = (standing(connection)?, place(connection)?);
    Ok(PullRequest { term: standing.term, serial: place.serial, chain: place.chain, limit: PAGE_ENTRIES })
}

/// Answers a request whose term was heard. Only reads.
pub(super) fn answer(connection: &Connection, request: &PullRequest) -> rusqlite::Result<PullAnswer> {
    let standing = standing(connection)?;
    let head = read_head(connection)?;
    let known = read_chain(connection, request.serial)?;
    let term = standing.term.clone();
    Ok(match sync::reply(&standing, request, head.serial, known) {
        Reply::UpToDate => PullAnswer::UpToDate { term },
        Reply::SnapshotNeeded => PullAnswer::SnapshotNeeded { term },
        Reply::Fenced => PullAnswer::Fenced { term, primary: standing.follows },
        Reply::Delta => {
            let entries = page(connection, request.serial, request.limit.clamp(1, PAGE_ENTRIES))?;
            let reached = entries.last().map_or(request.serial, |entry| entry.head.serial);
            let chain = read_chain(connection, reached)?.unwrap_or(Chain::START);
            PullAnswer::Delta { term, entries, chain, newest: head.serial }
        }
    })
}

/// Entries after `after` up to the end of the write that fills the page.
fn page(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Entry>> {
    let sql =
        "SELECT epoch, serial, kind, id, version, body, at, by, keys, last FROM changes WHERE serial > ?1
               ORDER BY serial";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([sql_number(after)])?;
    let (mut entries, mut octets) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let entry = entry(row)?;
        octets = octets.saturating_add(entry.body.as_ref().map_or(0, String::len));
        let last = entry.last;
        entries.push(entry);
        if last && (entries.len() >= limit || octets >= PAGE_OCTETS) {
            break;
        }
    }
    Ok(entries)
}

/// Does what the answer asks for, and notes how the poll ended.
pub(super) fn accept(
    connection: &Connection,
    from: &str,
    request: &PullRequest,
    answer: &PullAnswer,
    now: Timestamp,
) -> Result<Accepted, Undo<StoreError>> {
    let (me, place) = (standing(connection)?, place(connection)?);
    // However late the answer is, a greater term was heard.
    hear(connection, answer.term())?;
    let step = sync::judge(&me, &place, request, answer);
    if step == Step::Ignore {
        return Ok(Accepted::Ignored);
    }
    let accepted = match (step, answer) {
        (Step::Ignore, _) => Accepted::Ignored,
        (Step::Follow(term), _) => Accepted::Follows(term),
        (Step::Refuse(error), _) => Accepted::Refused(error),
        (Step::BeginCopy(_), _) => {
            drop_copy(connection)?;
            connection.prepare_cached("UPDATE standing SET copying = 1")?.execute([])?;
            Accepted::Copying
        }
        (Step::Current(term), _) => {
            set_epoch(connection, term.epoch)?;
            Accepted::Current
        }
        (Step::Install(term), _) => install(connection, &term, now)?,
        (Step::Apply, PullAnswer::Delta { term, entries, .. }) => {
            let mut chain = place.chain;
            for entry in entries {
                chain = chain.after(entry);
                repeat(connection, entry)?;
                append(connection, "changes", entry, chain)?;
            }
            set_epoch(connection, term.epoch)?;
            Accepted::Advanced
        }
        (Step::Stage { complete }, PullAnswer::Delta { term, entries, .. }) => {
            let mut chain = place.chain;
            for entry in entries {
                chain = chain.after(entry);
                append(connection, "incoming", entry, chain)?;
            }
            if complete { install(connection, term, now)? } else { Accepted::Copying }
        }
        (Step::Apply | Step::Stage { .. }, _) => Accepted::Ignored,
    };
    note(connection, from, answer, &accepted, now)?;
    Ok(accepted)
}

/// Brings the objects to the state after `entry`.
fn repeat(connection: &Connection, entry: &Entry) -> Result<(), Undo<StoreError>> {
    if entry.kind.scope() == Scope::Node {
        return Ok(());
    }
    let Some(body) = &entry.body else {
        return Ok(delete_object(connection, entry.kind, &entry.id)?);
    };
    store_object(connection, entry.kind, &entry.id, entry.version, body)?;
    replace_keys(connection, entry.kind, &entry.id, &entry.keys).map_err(|undo| match undo {
        Undo::Failed(error) => Undo::Failed(error),
        Undo::Refused(refusal) => Undo::Refused(StoreError {
            operation: "copy the configuration",
            cause: refusal.to_string(),
            retryable: false,
        }),
    })
}

/// Puts the copy in the place of the node's own history and objects. What only the former had is kept aside.
fn install(connection: &Connection, term: &Term, now: Timestamp) -> Result<Accepted, Undo<StoreError>> {
    let kept = format!(
        "INSERT INTO diverged (kept, {COLUMNS})
         SELECT ?1, {COLUMNS} FROM changes c
         WHERE NOT EXISTS (SELECT 1 FROM incoming i WHERE i.serial = c.serial AND i.chain = c.chain)
         ORDER BY serial"
    );
    let diverged = connection.prepare_cached(&kept)?.execute([now.as_micros()])?;
    connection.prepare_cached("DELETE FROM changes")?.execute([])?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO changes ({COLUMNS}) SELECT {COLUMNS} FROM incoming ORDER BY serial"
        ))?
        .execute([])?;
    delete_farm_objects(connection)?;
    let sql = "SELECT epoch, serial, kind, id, version, body, at, by, keys, last FROM changes c
               WHERE body IS NOT NULL
               AND serial = (SELECT max(serial) FROM changes n WHERE n.kind = c.kind AND n.id = c.id)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        repeat(connection, &entry(row)?)?;
    }
    set_epoch(connection, term.epoch)?;
    drop_copy(connection)?;
    Ok(Accepted::Installed { diverged: u64::try_from(diverged).unwrap_or(u64::MAX) })
}

fn delete_farm_objects(connection: &Connection) -> rusqlite::Result<()> {
    let mut kinds = connection.prepare_cached("SELECT DISTINCT kind FROM objects")?;
    let names: Vec<String> = kinds.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let is_local = |name: &String| Kind::from_name(name).is_some_and(|kind| kind.scope() == Scope::Node);
    for name in names.iter().filter(|name| !is_local(name)) {
        connection.prepare_cached("DELETE FROM objects WHERE kind = ?1")?.execute([name])?;
    }
    Ok(())
}

fn note(
    connection: &Connection,
    from: &str,
    answer: &PullAnswer,
    accepted: &Accepted,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let error = match accepted {
        Accepted::Refused(error) => error.to_string(),
        _ => String::new(),
    };
    let newest = match answer {
        PullAnswer::Delta { newest, .. } => *newest,
        _ => read_head(connection)?.serial,
    };
    connection
        .prepare_cached(
            "UPDATE standing SET sync_from = ?1, sync_at = ?2, sync_error = ?3, sync_newest = ?4",
        )?
        .execute(params![from, now.as_micros(), error, sql_number(newest)])?;
    Ok(())
}

/// Notes that a poll of `from` failed, so that nothing was heard.
pub(super) fn note_failure(
    connection: &Connection,
    from: &str,
    error: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE standing SET sync_from = ?1, sync_at = ?2, sync_error = ?3")?
        .execute(params![from, now.as_micros(), error])?;
    Ok(())
}

/// The last poll; `None` before the first.
pub(super) fn last_sync(connection: &Connection) -> rusqlite::Result<Option<LastSync>> {
    connection
        .prepare_cached(
            "SELECT sync_from, sync_at, sync_error, sync_newest FROM standing WHERE sync_from IS NOT NULL",
        )?
        .query_row([], |row| {
            let at = Timestamp::from_micros(row.get(1)?);
            Ok(LastSync { from: row.get(0)?, at, error: row.get(2)?, newest: number(row, 3)? })
        })
        .optional()
}

/// Changes that were kept aside, after position `after`, at most `limit`.
pub(super) fn diverged(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Diverged>> {
    let sql = "SELECT epoch, serial, kind, id, version, body, at, by, keys, last, number, kept FROM diverged
               WHERE number > ?1 ORDER BY number LIMIT ?2";
    connection
        .prepare_cached(sql)?
        .query_map([sql_number(after), sql_limit(limit)], |row| {
            let kept = Timestamp::from_micros(row.get(11)?);
            Ok(Diverged { number: number(row, 10)?, kept, entry: entry(row)? })
        })?
        .collect()
}
