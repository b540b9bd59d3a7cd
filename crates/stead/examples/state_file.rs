//! A state file of one program, saved and loaded: `WithWriteLock` around a write and a rename, in one call.
//!
//! `cargo run -p stead --example state_file`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use serde::{Deserialize, Serialize};
use stead::document::Document;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct State {
    cursor: u64,
    last_error: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let document = Document::<State>::json(folder.path().join("state.json")).default(State::default);

    // Save: durable when it returns. Load: no lock, and never half of a save.
    let state = State { cursor: 42, last_error: None };
    document.set(&state)?;
    assert_eq!(document.read()?, state);

    // Better than to save what was loaded a while ago: change what is there now.
    document.update(|state| state.cursor += 1)?;
    assert_eq!(document.read()?.cursor, 43);
    println!("{:?}", document.read()?);
    Ok(())
}
