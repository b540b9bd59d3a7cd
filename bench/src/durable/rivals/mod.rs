//! Who is measured, each doing the same things in its own way.

pub(super) mod atomic_write_file;
pub(super) mod atomicwrites;
pub(super) mod bare;
pub(super) mod python;
pub(super) mod recipe;
pub(super) mod stead;
pub(super) mod tempfile;
pub(super) mod truncating;

use std::fs::File;
use std::path::Path;

use ::stead::atomic::Durability;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How a step of an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Done,
    /// What was read is empty or torn; the step is to be tried again.
    FoundNoDocument,
}

/// One step of an agent, again and again.
pub(super) type Work = Box<dyn FnMut() -> Result<Step>>;

/// Who adds 1 to `n` in the document at `path`.
pub(super) fn updater(subject: &str, path: &Path, durability: Durability) -> Result<Work> {
    match subject {
        stead::NAME => Ok(stead::updater(path, durability)),
        recipe::NAME => Ok(recipe::updater(path, durability)),
        truncating::NAME => truncating::updater(path),
        _ => bail!("nobody called {subject} updates"),
    }
}

/// Who appends a line to the file at `path`.
pub(super) fn appender(subject: &str, path: &Path, durability: Durability) -> Result<Work> {
    match subject {
        stead::NAME => Ok(stead::appender(path, durability)),
        bare::APPEND_LOCKED => bare::locked_appender(path, durability),
        bare::APPEND => bare::appender(path),
        _ => bail!("nobody called {subject} appends"),
    }
}

/// What every update does to the document.
fn increment(document: &mut Value) -> Result<()> {
    let n = document["n"].as_u64().context("no n in the document")?;
    document["n"] = (n + 1).into();
    Ok(())
}

/// The length of a line with its newline.
const LINE_LEN: usize = 100;

/// A line that says whose it is and which.
fn line(count: u64) -> String {
    let mut line = format!("{} {count} ", std::process::id());
    line.extend(std::iter::repeat_n('x', LINE_LEN - 1 - line.len()));
    line.push('\n');
    line
}

/// Whether this is a line as [`line`] makes them, without its newline.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let mut is_word =
        |test: fn(&u8) -> bool| words.next().is_some_and(|word| !word.is_empty() && word.iter().all(test));
    line.len() == LINE_LEN - 1
        && is_word(u8::is_ascii_digit)
        && is_word(u8::is_ascii_digit)
        && is_word(|byte| *byte == b'x')
        && words.next().is_none()
}

fn sync(file: &File, durability: Durability) -> Result<()> {
    match durability {
        Durability::None => Ok(()),
        Durability::Data => Ok(file.sync_data()?),
        Durability::Full => Ok(file.sync_all()?),
    }
}

/// What makes a rename last.
fn sync_folder_of(path: &Path, durability: Durability) -> Result<()> {
    if durability == Durability::Full {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// For those who always sync all there is.
fn insist_on_full(durability: Durability) -> Result<()> {
    ensure!(durability == Durability::Full, "it always syncs file and folder: see full");
    Ok(())
}
