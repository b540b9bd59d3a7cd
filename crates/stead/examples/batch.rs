//! Many updates under one lock, written once.
//!
//! `cargo run -p stead --example batch`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::collections::BTreeMap;

use stead::atomic::append_lines;
use stead::document::Document;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let data = Document::<BTreeMap<String, u64>>::json(folder.path().join("data.json")).default(BTreeMap::new);
    let updates = [("a", 1), ("b", 2), ("a", 3)];

    // One lock, one durable write, however many updates.
    data.update(|data| updates.iter().for_each(|(key, by)| *data.entry((*key).to_owned()).or_default() += by))?;
    assert_eq!(data.read()?["a"], 4);

    // Several steps, with a look in between.
    let mut locked = data.locked()?;
    if locked.read()?["b"] < 10 {
        locked.update(|data| data.insert("b".to_owned(), 10))?;
    }
    drop(locked);

    // The same for lines: all of them or none.
    let log = folder.path().join("log.txt");
    append_lines(&log, updates.map(|(key, by)| format!("{key} += {by}")))?;
    print!("{}", std::fs::read_to_string(&log)?);
    Ok(())
}
