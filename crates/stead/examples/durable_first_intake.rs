//! Durable first: what comes in is on the disk, raw and pending, before anything can go wrong with it. It is enriched
//! later, or never.
//!
//! `cargo run -p stead --example durable_first_intake`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stead::document::{Document, JsonLines};

#[derive(Debug, Serialize, Deserialize)]
struct Intake {
    id: u64,
    raw: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Status {
    Enriched { words: usize },
    Failed { why: String },
}

fn enrich(raw: &str) -> Result<usize, String> {
    if raw.is_empty() { Err("nothing in it".to_owned()) } else { Ok(raw.split_whitespace().count()) }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let intake = JsonLines::<Intake>::new(folder.path().join("intake.jsonl"));
    let done = Document::<BTreeMap<u64, Status>>::json(folder.path().join("enriched.json")).default(BTreeMap::new);

    // In: no validation, no subprocess; when `append` has returned the sender may forget it.
    for (id, raw) in (1..).zip(["a note to self", "", "another"]) {
        intake.append(&Intake { id, raw: raw.to_owned() })?;
    }

    // Later, perhaps in another process, perhaps after a crash: what is in and not done is pending.
    for item in intake.iter()? {
        let Intake { id, raw } = item?;
        if done.read()?.contains_key(&id) {
            continue;
        }
        let status = match enrich(&raw) {
            Ok(words) => Status::Enriched { words },
            Err(why) => Status::Failed { why },
        };
        done.update(|done| done.insert(id, status.clone()))?;
    }
    assert_eq!(done.read()?.len(), 3);
    assert_eq!(done.read()?[&1], Status::Enriched { words: 4 });
    println!("{:#?}", done.read()?);
    Ok(())
}
