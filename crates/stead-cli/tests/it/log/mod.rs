//! `stead log`

mod append;
mod care;
mod cat;
mod crowd;
mod tail;

use serde_json::Value;

use crate::rig::{Outcome, Rig};

/// A folder with an empty one in it, `data`, for a log.
fn rig() -> Rig {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("data")).unwrap();
    rig
}

impl Rig {
    /// Appends one event of this type, durable or not.
    fn event(&self, kind: &str) {
        self.run(&["log", "append", "data", "--type", kind, "--durability", "none"]).expect(0);
    }

    /// What a command prints with --json.
    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.run(&[&["log"], args, &["--json"]].concat()).expect(0).json()
    }

    /// The cursor behind the last event.
    fn cursor(&self) -> String {
        self.json(&["stat", "data"])["cursor"].as_str().unwrap().to_owned()
    }

    /// Puts this behind what is in `app.jsonl`, as a program does that takes no lock.
    fn scribble(&self, bytes: &[u8]) {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).open(self.path("data/app.jsonl"));
        file.unwrap().write_all(bytes).unwrap();
    }
}

/// What was printed, as events.
trait Events {
    /// Their types.
    fn types(&self) -> Vec<String>;
}

impl Events for Outcome {
    fn types(&self) -> Vec<String> {
        types(&self.stdout)
    }
}

fn types(text: &str) -> Vec<String> {
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    text.lines().map(|line| event(line)["type"].as_str().unwrap().to_owned()).collect()
}
