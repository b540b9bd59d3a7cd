//! `stead log stat`

use std::path::PathBuf;

use clap::Args;
use stead::lock::Age;
use stead::log::Stat;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

use super::existing;
use crate::json;

/// Say what a log consists of, and where it ends
#[derive(Args, Debug)]
#[command(after_help = "\
Looks at names and sizes and at the last line, not at all of it: that is `stead log
verify`. `cursor` is the place behind the last event, for --from and --if.

Examples:
  stead log stat data
  cursor=$(stead log stat data --json | jq -r .cursor)

Exit codes:
    0  done                  71  the log has a newer format
   64  the command line is wrong
   65  log.json is damaged   74  reading failed
   66  there is no log       77  permission denied")]
pub(crate) struct StatArgs {
    /// The folder of the log
    dir: PathBuf,
    /// Print one JSON document, stead.log.stat/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let stat = existing(&args.dir)?.stat()?;
    if args.json {
        out.data(json::log::stat(&args.dir, &stat))?;
    } else {
        for (name, value) in facts(&stat) {
            out.data(plain(&format!("{:<13}{value}", format!("{name}:"))))?;
        }
    }
    Ok(ExitCode::Done)
}

/// What people are told: what is not there is not mentioned.
fn facts(stat: &Stat) -> Vec<(&'static str, String)> {
    let mut facts = vec![("log", stat.log.map_or_else(|| "not named yet".to_owned(), |log| log.to_string()))];
    facts.push(("history", format!("offset {} to {}", stat.start, stat.end)));
    facts.extend(stat.cursor.map(|cursor| ("cursor", cursor.to_string())));
    facts.extend(stat.synced.map(|synced| ("synced", format!("to offset {synced}, at least"))));
    facts.push(("app.jsonl", format!("{} bytes", stat.active_bytes)));
    facts.extend(sealed(stat).map(|sealed| ("sealed", sealed)));
    if stat.archive_bytes > 0 {
        facts.push(("archive", format!("{} bytes, written by eventfold", stat.archive_bytes)));
    }
    facts.extend(limits(stat).map(|limits| ("rotation", limits)));
    if stat.quarantined > 0 {
        facts.push(("quarantine", format!("{} files", stat.quarantined)));
    }
    facts.extend(stat.gaps.iter().map(|(start, end)| ("lost", format!("offset {start} to {end}"))));
    if stat.poisoned {
        facts.push(("poisoned", "a sync failed: nothing is appended before `stead log repair`".to_owned()));
    }
    facts
}

fn sealed(stat: &Stat) -> Option<String> {
    let bytes: u64 = stat.segments.iter().map(|segment| segment.end - segment.start).sum();
    match stat.segments.len() {
        0 => None,
        1 => Some(format!("{bytes} bytes in 1 segment")),
        segments => Some(format!("{bytes} bytes in {segments} segments")),
    }
}

fn limits(stat: &Stat) -> Option<String> {
    let bytes = stat.max_segment_bytes.filter(|bytes| *bytes > 0).map(|bytes| format!("at {bytes} bytes"));
    let age = stat.max_segment_age.map(|age| format!("after {}", Age(age)));
    let limits: Vec<_> = bytes.into_iter().chain(age).collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}
