//! `stead set`

use std::path::PathBuf;

use clap::Args;
use serde::de::IgnoredAny;
use serde_json::Value;
use stead::document::{Format, Json};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::documents::pointer::Pointer;
use super::documents::{ChangeArgs, Missing, Syntax, astray, change};

/// Set a value of a JSON or TOML document
#[derive(Args, Debug)]
#[command(after_help = "\
The document is read, changed and replaced under its sidecar lock, so that no
change of another is lost. A missing file begins as {}. What is not changed stays:
the order of keys, numbers as they are written, the indentation of JSON, and of
TOML every comment. POINTER is a JSON pointer; at the end of an array, also
written -, the value is added.

Examples:
  stead set package.json /version 1.2.0
  stead set config.toml /server/port 8080
  stead set state.json /seen/- '{\"id\":7}' --parents

Exit codes:
    0  done                  73  FILE cannot be created
   64  the command line is wrong
   65  FILE is neither JSON nor TOML, larger than 64 MiB, or has no such place
   66  FILE is a folder, a FIFO or a device
   71  the filesystem or the system cannot do it
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct SetArgs {
    /// The document: TOML if it is named so, else JSON
    file: PathBuf,
    /// Where in it
    pointer: Pointer,
    /// The value: JSON, or else a string as it is
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// VALUE is a string, also if it could be JSON
    #[arg(long)]
    string: bool,
    /// Make the objects on the way that are missing
    #[arg(long)]
    parents: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(crate) fn run(args: &SetArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let value = if args.string { Value::from(&*args.value) } else { value(&args.value)? };
    if value.is_null() && Syntax::of(&args.file) == Syntax::Toml {
        return Err(Failure::new(ExitCode::Data, "TOML has no null").with_hint("`stead delete` takes the key away"));
    }
    change(&args.file, &args.change, Missing::Create, out, |document| {
        args.pointer.set(document, value.clone(), args.parents).map_err(|error| astray(&args.file, &error))
    })
}

fn value(text: &str) -> Result<Value, Failure> {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Ok(text.into());
    }
    Json.decode(text.as_bytes())
        .map_err(|wrong| Failure::new(ExitCode::Data, format!("VALUE is JSON that cannot be taken: {wrong}")))
}
