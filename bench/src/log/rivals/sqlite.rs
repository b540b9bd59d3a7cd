//! `SQLite` with a write-ahead log that is synced at every commit: an event is a row.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::Connection;
use stead::log::Event;

use super::super::event::event;
use super::Append;

pub(crate) const NAME: &str = "SQLite";

const INSERT: &str = "INSERT INTO events (line) VALUES (?1)";
/// How long to wait for the others.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn appender(folder: &Path) -> Result<Append> {
    let (connection, event) = (connect(folder)?, event(0));
    // Outside of a transaction a statement is one of its own.
    Ok(Box::new(move || insert(&connection, &event)))
}

/// So many events in one transaction.
pub(crate) fn batch_appender(folder: &Path, events: u64) -> Result<Append> {
    let mut connection = connect(folder)?;
    let events: Vec<Event> = (0..events).map(event).collect();
    Ok(Box::new(move || {
        let transaction = connection.transaction()?;
        events.iter().try_for_each(|event| insert(&transaction, event))?;
        Ok(transaction.commit()?)
    }))
}

pub(crate) fn count(folder: &Path) -> Result<u64> {
    let count: i64 = connect(folder)?.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

fn insert(connection: &Connection, event: &Event) -> Result<()> {
    connection.prepare_cached(INSERT)?.execute([serde_json::to_string(event)?])?;
    Ok(())
}

fn connect(folder: &Path) -> Result<Connection> {
    let connection = Connection::open(folder.join("events.sqlite")).context("open the database")?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, line TEXT NOT NULL)")?;
    Ok(connection)
}
