//! `stead log verify`

use std::path::PathBuf;

use clap::Args;
use stead::log::{Finding, Verified, verify};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

use super::existing;
use super::progress::Bar;
use crate::json;

/// Look at every byte of a log, and name each stretch that is damaged
#[derive(Args, Debug)]
#[command(after_help = "\
Takes no lock and changes nothing; others may append meanwhile. A note is no
damage: what a writer that died has left half written, for one, is put away by the
next append.

Examples:
  stead log verify data
  stead log verify data --json | jq '.damage[]'

Exit codes:
    0  nothing is damaged    71  the log has a newer format
   64  the command line is wrong
   65  something is damaged  74  reading failed
   66  there is no log       77  permission denied")]
pub(crate) struct VerifyArgs {
    /// The folder of the log
    dir: PathBuf,
    /// Print one JSON document, stead.log.verify/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &VerifyArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    existing(&args.dir)?;
    let mut bar = Bar::new("looking", out);
    let verified = verify(&args.dir, &mut |progress| bar.show(progress));
    drop(bar);
    let verified = verified?;
    if args.json {
        out.data(json::log::verified(&args.dir, &verified))?;
    } else {
        args.tell(&verified, out)?;
    }
    if verified.damage.is_empty() {
        return Ok(ExitCode::Done);
    }
    if !args.json {
        out.hint(format_args!("`stead log repair {}` moves it to quarantine and keeps all else", args.dir.display()));
    }
    Ok(ExitCode::Data)
}

impl VerifyArgs {
    fn tell(&self, verified: &Verified, out: &mut Printer) -> Result<(), Failure> {
        for finding in &verified.damage {
            out.data(told("damaged", finding))?;
        }
        for note in &verified.notes {
            out.data(told("note", note))?;
        }
        let verdict = match verified.damage.len() {
            0 => "nothing is damaged".to_owned(),
            1 => "1 stretch is damaged".to_owned(),
            stretches => format!("{stretches} stretches are damaged"),
        };
        let Verified { start, end, files, lines, .. } = verified;
        let (lines, files) = (count(*lines, "line"), count(*files, "file"));
        out.data(plain(&format!("{}: {lines} in {files}, offset {start} to {end}: {verdict}", self.dir.display())))
    }
}

/// A finding in a line of its own.
pub(super) fn told(label: &str, finding: &Finding) -> String {
    let Finding { path, start, end, what, .. } = finding;
    plain(&format!("{label}: {}: offset {start} to {end}: {what}", path.display()))
}

fn count(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
