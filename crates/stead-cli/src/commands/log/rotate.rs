//! `stead log rotate`

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use stead::lock::Wait;
use stead::log::{EventLog, Options, SegmentStat};
use stead_console::duration::parse_duration;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::waiting::Patience;

use super::{existing, writing};
use crate::json;

/// Seal the active segment, and begin a new one
#[derive(Args, Debug)]
#[command(after_help = "\
Offsets and cursors stay as they are; readers and writers go on undisturbed, and
`tail -F` as well. An empty segment is not sealed. With both --if-larger and
--if-older one of them is enough.

Examples:
  stead log rotate data
  stead log rotate data --if-larger 100000000 --if-older 24h

Exit codes:
    0  done, or there was nothing to seal
   64  the command line is wrong
   65  the log is damaged
   66  there is no log
   71  the filesystem or the system cannot do it, or the log has a newer format
   74  writing failed       75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct RotateArgs {
    /// The folder of the log
    dir: PathBuf,
    /// Only if app.jsonl has at least so many bytes
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    if_larger: Option<u64>,
    /// Only if the first event in app.jsonl is at least so old
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    if_older: Option<Duration>,
    #[command(flatten)]
    patience: Patience,
    /// Print one JSON document, stead.log.rotate/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RotateArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    existing(&args.dir)?;
    let before = args.newest()?;
    writing::under_lock(&args.dir, &args.patience, |wait| args.rotate(wait))?;
    let after = args.newest()?;
    let rotated = after != before;
    if args.json {
        let segment = after.filter(|_| rotated).map(|segment| segment.path);
        out.data(json::log::rotated(&args.dir, rotated, segment.as_deref()))?;
    } else if !rotated && out.is_live() {
        out.message(format_args!("{}: nothing to seal", args.dir.display()));
    }
    Ok(ExitCode::Done)
}

impl RotateArgs {
    fn rotate(&self, wait: Wait) -> io::Result<()> {
        let options = Options::new().shared(true).wait(wait);
        if self.if_larger.is_none() && self.if_older.is_none() {
            return options.open(&self.dir)?.rotate_now().map(drop);
        }
        // Opening it seals what is full, and what is full is said here, not in log.json.
        let (bytes, age) = (self.if_larger.unwrap_or(0), self.if_older.unwrap_or(Duration::MAX));
        EventLog::builder(&self.dir).options(options.max_log_size(bytes).max_log_age(age)).open().map(drop)
    }

    /// The newest sealed segment.
    fn newest(&self) -> Result<Option<SegmentStat>, Failure> {
        Ok(existing(&self.dir)?.stat()?.segments.pop())
    }
}
