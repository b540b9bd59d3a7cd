//! One field of a configuration file, changed without touching the rest: its comments stay.
//!
//! `cargo run -p stead --example config_field`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use serde_json::{Value, json};
use stead::atomic::replace;
use stead::document::Document;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("config.toml");
    replace(&path, b"# Where we listen.\nport = 80 # http\n\n[log]\nlevel = 'info'\n")?;

    let config = Document::<Value>::toml(&path);
    config.update(|config| config["log"]["level"] = json!("debug"))?;

    let text = std::fs::read_to_string(&path)?;
    assert_eq!(text, "# Where we listen.\nport = 80 # http\n\n[log]\nlevel = \"debug\"\n");
    print!("{text}");
    Ok(())
}
