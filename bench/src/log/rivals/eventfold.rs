//! eventfold 0.2.0, whose place stead's log takes. It syncs every append, and compresses what it rotates.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use eventfold::{Event, EventReader, EventWriter};

use super::super::event::{LINE_LEN, line, stored_line};
use super::super::follow::PATIENCE;
use super::{Append, Next, Seen};

pub(crate) const NAME: &str = "eventfold";
pub(crate) const READ_FROM: &str = "eventfold, read_from";
pub(crate) const READ_FULL: &str = "eventfold, read_full";

pub(crate) fn appender(folder: &Path) -> Result<Append> {
    let mut writer = EventWriter::open(folder)?;
    let event: Event = serde_json::from_slice(&line(0)?)?;
    Ok(Box::new(move || {
        writer.append(&event)?;
        Ok(())
    }))
}

pub(crate) fn read_from(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    for event in EventReader::new(folder).read_from(0)? {
        seen.add(event?.0.ts);
    }
    Ok(seen)
}

pub(crate) fn read_full(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    for event in EventReader::new(folder).read_full()? {
        seen.add(event?.0.ts);
    }
    Ok(seen)
}

/// A log of so many events that was rotated so many times.
pub(crate) fn write_log(folder: &Path, events: u64, rotations: u64) -> Result<()> {
    let mut writer = EventWriter::open(folder)?;
    for rotation in 0..rotations {
        fill(&writer, events / rotations * rotation..events / rotations * (rotation + 1))?;
        rotate(&mut writer)?;
    }
    Ok(())
}

pub(crate) fn time_to_rotate(folder: &Path, bytes: u64) -> Result<(Instant, Instant)> {
    let mut writer = EventWriter::open(folder)?;
    fill(&writer, 0..bytes / LINE_LEN as u64)?;
    let before = Instant::now();
    rotate(&mut writer)?;
    Ok((before, Instant::now()))
}

pub(crate) fn follower(folder: &Path) -> Next {
    let (reader, mut offset) = (EventReader::new(folder), 0);
    Box::new(move || {
        // What ends its wait may be another event than ours: then it says that the time is over.
        let started = Instant::now();
        while !reader.has_new_events(offset)? {
            ensure!(started.elapsed() < PATIENCE, "no event came");
            reader.wait_for_events(offset, PATIENCE)?;
        }
        (_, offset, _) = reader.read_from(offset)?.next().context("no whole line")??;
        Ok(())
    })
}

/// Appends these events at once, as no writer of eventfold can, and makes them durable.
fn fill(writer: &EventWriter, numbers: std::ops::Range<u64>) -> Result<()> {
    let mut file = BufWriter::new(OpenOptions::new().append(true).open(writer.log_path())?);
    for number in numbers {
        file.write_all(&stored_line(number)?)?;
    }
    Ok(file.into_inner().context("write the lines")?.sync_data()?)
}

fn rotate(writer: &mut EventWriter) -> Result<()> {
    let reader = writer.reader();
    Ok(writer.rotate(&reader, &mut HashMap::new())?)
}
