//! A registry of agents that come and go, each in a process of its own.
//!
//! `cargo run -p stead --example registry`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stead::document::Document;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Registry {
    agents: BTreeMap<String, u32>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let registry = Document::<Registry>::json(folder.path().join("registry.json")).default(Registry::default);

    std::thread::scope(|scope| {
        for pid in 0..8 {
            let registry = &registry;
            // Read, change, write: all of it under the lock, so that no registration is lost.
            scope.spawn(move || registry.update(|registry| registry.agents.insert(format!("agent-{pid}"), pid)));
        }
    });
    assert_eq!(registry.read()?.agents.len(), 8);

    // A change that may decide against itself: nothing is written then.
    let taken: Result<(), Box<dyn std::error::Error>> = registry.try_update(|registry| {
        if registry.agents.contains_key("agent-3") {
            return Err("agent-3 is there already".into());
        }
        registry.agents.insert("agent-3".to_owned(), 99);
        Ok(())
    });
    println!("{}", taken.unwrap_err());
    Ok(())
}
