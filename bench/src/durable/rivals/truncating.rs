//! What programs do that think of nothing: read, change, write in place. No lock, no temporary, no sync.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Step, Work, increment};

pub(crate) const NAME: &str = "truncating";

/// How often in a row it finds no document before it begins a new one, as such programs do.
const FAILURES_MAX: usize = 100;

pub(crate) fn updater(path: &Path) -> Result<Work> {
    let path = path.to_path_buf();
    let first = std::fs::read(&path).context("read the document")?;
    let first: Value = serde_json::from_slice(&first).context("read the document")?;
    let mut failures = 0;
    Ok(Box::new(move || {
        let mut document = match serde_json::from_slice(&std::fs::read(&path)?) {
            Ok(document) => document,
            Err(_) if failures < FAILURES_MAX => {
                failures += 1;
                return Ok(Step::FoundNoDocument);
            }
            Err(_) => first.clone(),
        };
        failures = 0;
        increment(&mut document)?;
        File::create(&path)?.write_all(&serde_json::to_vec(&document)?)?;
        Ok(Step::Done)
    }))
}
