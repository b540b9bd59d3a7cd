//! State that follows from events: what was done is appended, what is so is folded from it.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use serde::{Deserialize, Serialize};
use serde_json::json;
use stead::log::{Cursor, Event, EventLog, EventReader, EventWriter};

/// What is in stock, by name.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Stock(std::collections::BTreeMap<String, i64>);

fn reduce(mut stock: Stock, event: &Event) -> Stock {
    let name = event.data["name"].as_str().unwrap_or_default().to_owned();
    let count = event.data["count"].as_i64().unwrap_or_default();
    match event.event_type.as_str() {
        "received" => *stock.0.entry(name).or_default() += count,
        "sold" => *stock.0.entry(name).or_default() -= count,
        _ => {}
    }
    stock
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("stock");
    {
        // By itself, with a view, and a new segment every 10 MB.
        let mut log = EventLog::builder(&dir).max_log_size(10_000_000).view::<Stock>("stock", reduce).open()?;
        log.append(&Event::new("received", json!({"name": "nails", "count": 100})))?;
        log.append_batch(&[
            Event::new("sold", json!({"name": "nails", "count": 30})),
            Event::new("sold", json!({"name": "nails", "count": 5})),
        ])?;
        log.refresh_all()?;
        println!("{:?}", log.view::<Stock>("stock")?);
    }
    // One of many writers, and a reader that goes on where it was.
    let reader = EventReader::new(&dir);
    let seen: Cursor = reader.end()?;
    let mut writer = EventWriter::open_shared(&dir)?;
    writer.append(&Event::new("received", json!({"name": "screws", "count": 7})))?;
    writer.rotate_now()?;
    for event in reader.read::<Event>(reader.offset_of(&seen)?)? {
        println!("new since {seen}: {:?}", event?.value.data);
    }
    // Not on top of what nobody has looked at.
    let refused = writer.append_at(&Event::new("sold", json!({"name": "screws", "count": 7})), &seen);
    println!("{}", refused.expect_err("somebody appended meanwhile"));
    Ok(())
}
