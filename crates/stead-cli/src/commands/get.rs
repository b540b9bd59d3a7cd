//! `stead get`

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use stead::atomic::Version;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::documents::pointer::Pointer;
use super::documents::{Syntax, as_written, read};
use crate::json;

/// Print a value of a JSON or TOML document
#[derive(Args, Debug)]
#[command(after_help = "\
Takes no lock, and never sees half of a change. POINTER is a JSON pointer: / and
the key or index, for each level; in a key, ~ is written ~0 and / ~1. Printed is
JSON, also of a file that is named .toml; numbers as they are written.

Examples:
  stead get package.json /version --raw
  stead get config.toml /server/hosts/0
  stead get state.json
  stead get state.json --json

Exit codes:
    0  done                  66  no such file, or of the wrong kind
    1  nothing is there      74  reading failed
   64  POINTER is wrong      77  permission denied
   65  FILE is neither JSON nor TOML, or larger than 64 MiB")]
pub(crate) struct GetArgs {
    /// The document: TOML if it is named so, else JSON
    file: PathBuf,
    /// Where in it [default: all of it]
    pointer: Option<Pointer>,
    /// Print a string without its quotes
    #[arg(long)]
    raw: bool,
    /// Print one JSON document, stead.get/1: the value, and the version of the file for --if-match
    #[arg(long, conflicts_with = "raw")]
    json: bool,
}

pub(crate) fn run(args: &GetArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let content = read(&args.file)?;
    let document = Syntax::of(&args.file).decode_for_people(&args.file, &content)?;
    let pointer = args.pointer.clone().unwrap_or_default();
    let value = pointer
        .find(&document)
        .map_err(|astray| Failure::new(ExitCode::No, format!("{}: {astray}", args.file.display())))?;
    match value {
        value if args.json => {
            let got = json::got(&args.file, Version::of(&content), value);
            out.raw(&as_written(&content, format!("{got}\n").into_bytes()))?;
        }
        Value::String(text) if args.raw => out.data(text)?,
        value => out.raw(&as_written(&content, format!("{value:#}\n").into_bytes()))?,
    }
    Ok(ExitCode::Done)
}
