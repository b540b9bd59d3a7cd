//! stead itself.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use stead::log::{Durability, Event, EventReader, EventWriter, Options};

use super::super::event::{LINE_LEN, event, line};
use super::super::follow::PATIENCE;
use super::{Append, Next, Seen};

pub(crate) const NAME: &str = "stead";
pub(crate) const SHARED: &str = "stead, shared";
pub(crate) const PREPARED: &str = "stead, append_lines";
pub(crate) const READ: &str = "stead, read::<Event>";
pub(crate) const READ_FROM: &str = "stead, read_from";
pub(crate) const LINES: &str = "stead, lines";

pub(crate) fn appender(folder: &Path, durability: Durability) -> Result<Append> {
    let writer = Options::new().durability(durability).open(folder)?;
    Ok(append_to(writer))
}

pub(crate) fn shared_appender(folder: &Path) -> Result<Append> {
    Ok(append_to(EventWriter::open_shared(folder)?))
}

fn append_to(mut writer: EventWriter) -> Append {
    let event = event(0);
    Box::new(move || {
        writer.append(&event)?;
        Ok(())
    })
}

pub(crate) fn batch_appender(folder: &Path, events: u64) -> Result<Append> {
    let mut writer = EventWriter::open(folder)?;
    let events: Vec<Event> = (0..events).map(event).collect();
    Ok(Box::new(move || {
        writer.append_batch(&events)?;
        Ok(())
    }))
}

/// Lines that are JSON already, without a sync.
pub(crate) fn line_appender(folder: &Path) -> Result<Append> {
    let (mut writer, lines) = (unsynced_writer(folder)?, [line(0)?]);
    Ok(Box::new(move || {
        writer.append_lines(&lines)?;
        Ok(())
    }))
}

pub(crate) fn unsynced_writer(folder: &Path) -> Result<EventWriter> {
    Ok(Options::new().durability(Durability::None).open(folder)?)
}

/// A log of so many events in so many segments.
pub(crate) fn write_log(folder: &Path, events: u64, segments: u64) -> Result<()> {
    let mut writer = unsynced_writer(folder)?;
    for segment in 0..segments {
        if segment > 0 {
            writer.rotate_now()?;
        }
        let per_segment = events / segments;
        (per_segment * segment..per_segment * (segment + 1))
            .try_for_each(|number| writer.append(&event(number)).map(drop))?;
    }
    Ok(())
}

pub(crate) fn time_to_rotate(folder: &Path, bytes: u64) -> Result<(Instant, Instant)> {
    let mut writer = unsynced_writer(folder)?;
    let lines: Result<Vec<Vec<u8>>> = (0..bytes / LINE_LEN as u64).map(line).collect();
    writer.append_lines(&lines?)?;
    writer.sync()?;
    let before = Instant::now();
    writer.rotate_now()?;
    Ok((before, Instant::now()))
}

pub(crate) fn reader(folder: &Path) -> EventReader {
    EventReader::new(folder)
}

pub(crate) fn read(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    for event in reader(folder).read::<Event>(0)? {
        seen.add(event?.value.ts);
    }
    Ok(seen)
}

pub(crate) fn read_from(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    for event in reader(folder).read_from(0)? {
        seen.add(event?.0.ts);
    }
    Ok(seen)
}

pub(crate) fn lines(folder: &Path) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut lines = reader(folder).lines(0)?;
    while let Some(line) = lines.next()? {
        seen.add(line.bytes.len() as u64);
    }
    Ok(seen)
}

pub(crate) fn count(folder: &Path) -> Result<u64> {
    Ok(lines(folder)?.events)
}

pub(crate) fn follower(folder: &Path) -> Result<Next> {
    let mut follow = reader(folder).follow(0)?;
    Ok(Box::new(move || {
        follow.next_line(PATIENCE)?.context("no event came")?;
        Ok(())
    }))
}
