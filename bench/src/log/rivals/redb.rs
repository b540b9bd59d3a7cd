//! redb: an event is a value, its number the key.

use std::path::Path;

use anyhow::{Context, Result};
use redb::{Database, Durability, TableDefinition};
use stead::log::Event;

use super::super::event::event;
use super::Append;

pub(crate) const NAME: &str = "redb";

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

pub(crate) fn appender(folder: &Path) -> Result<Append> {
    batch_appender(folder, 1)
}

/// So many events in one transaction.
pub(crate) fn batch_appender(folder: &Path, events: u64) -> Result<Append> {
    let database = Database::create(folder.join("events.redb")).context("create the database")?;
    let events: Vec<Event> = (0..events).map(event).collect();
    let mut number = 0_u64;
    Ok(Box::new(move || {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut table = transaction.open_table(EVENTS)?;
            for event in &events {
                number += 1;
                table.insert(number, serde_json::to_vec(event)?.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }))
}
