//! `stead append`

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use stead::atomic::{Appended, Appender};
use stead::document::{Format, Json};
use stead_console::durable::DurabilityFlag;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::waiting::{self, Patience};
use stead_console::{input, messages};

use crate::cli::LockDir;
use crate::json;

/// Add the lines of standard input to a file: all or none, each whole
#[derive(Args, Debug)]
#[command(after_help = "\
Lines of many writers never mix. All of standard input is read first, into
memory; then the lines go to the end of the file in one write, under its sidecar
lock. A last line without a newline gets one, in standard input and in the file.
What a writer that died or a power cut has left half written is kept in
.stead/kept, and said to be.

Examples:
  date | stead append visits.txt
  jq -c . event.json | stead append --json-lines events.jsonl

Exit codes:
    0  done                  73  FILE cannot be created
   64  the command line is wrong
   65  a line is not JSON (--json-lines); nothing was appended
   66  FILE is a folder, a FIFO or a device
   71  the filesystem or the system cannot do it
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct AppendArgs {
    /// The file to add to, created when missing
    file: PathBuf,
    /// Each line must be a JSON value (65), also the last one in FILE: if it is not, it was torn
    #[arg(long)]
    json_lines: bool,
    #[command(flatten)]
    durability: DurabilityFlag,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    lock_dir: LockDir,
    /// Print one JSON document, stead.append/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &AppendArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let input = input::read_all()?;
    let lines = lines(&input);
    if args.json_lines {
        lines.iter().enumerate().try_for_each(|(index, line)| check(index + 1, line))?;
    }
    let appended = args.append(&lines)?;
    for kept in &appended.kept {
        out.message(messages::torn_bytes(&args.file, kept));
    }
    if args.json {
        out.data(json::appended(&args.file, lines.len(), &appended, args.durability.level()))?;
    }
    Ok(ExitCode::Done)
}

impl AppendArgs {
    fn append(&self, lines: &[&[u8]]) -> Result<Appended, Failure> {
        let lock = self.lock_dir.options().sidecar(&self.file);
        let appender = Appender::with_lock(&self.file, self.lock_dir.options())
            .durability(self.durability.level())
            .json_lines(self.json_lines);
        let granted = waiting::take(std::slice::from_ref(&lock), self.patience.wait(), |wait| {
            appender.clone().wait(wait).append(lines)
        });
        granted.map_err(|error| self.patience.denied(&error, &self.file, &lock, self.lock_dir.flag()))
    }
}

/// The lines of a text whose last one may lack its newline.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    match text.strip_suffix(b"\n").unwrap_or(text) {
        [] if text.is_empty() => Vec::new(),
        text => text.split(|byte| *byte == b'\n').collect(),
    }
}

fn check(number: usize, line: &[u8]) -> Result<(), Failure> {
    let decoded: Result<Value, _> = Json.decode(line);
    decoded.map(drop).map_err(|wrong| {
        Failure::new(ExitCode::Data, format!("line {number} of standard input is not JSON: {wrong}"))
            .with_hint("nothing was appended")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_newline_ends_a_line() {
        let none: [&[u8]; 0] = [];
        assert_eq!(lines(b""), none);
        assert_eq!(lines(b"\n"), [b""]);
        assert_eq!(lines(b"a"), [b"a"]);
        assert_eq!(lines(b"a\n\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(lines(b"a\n\n"), [&b"a"[..], b""]);
    }
}
