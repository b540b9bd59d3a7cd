//! A list of issues as JSON lines, that many processes append to and read.
//!
//! `cargo run -p stead --example typed_jsonl`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use serde::{Deserialize, Serialize};
use stead::document::JsonLines;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Issue {
    id: u32,
    title: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(".beads/issues.jsonl");
    std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
    let issues = JsonLines::<Issue>::new(&path);

    std::thread::scope(|scope| {
        for worker in 0..4 {
            let issues = &issues;
            scope.spawn(move || issues.append(&Issue { id: worker, title: format!("found by {worker}") }));
        }
    });

    let all = issues.iter()?.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(all.len(), 4);
    for issue in all {
        println!("{}: {}", issue.id, issue.title);
    }
    Ok(())
}
