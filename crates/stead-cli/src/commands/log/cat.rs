//! `stead log cat`

use std::path::PathBuf;

use clap::Args;
use serde::de::{DeserializeOwned, IgnoredAny};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::existing;
use super::lines::{LineOutput, TypeOf};
use super::place::Place;

/// Print the events that are there, each as it is stored
#[derive(Args, Debug)]
#[command(after_help = "\
Each event once and in order, from sealed segments and app.jsonl, while others
append and rotate; none that is half written, and of a batch all or nothing. What
is damaged is passed over, and said with its offset.

CURSOR is LOGID:OFFSET:HASH, as `stead log append --json` and `stead log stat`
print it, or a logical offset alone.

Examples:
  stead log cat data | jq -r .data.version
  stead log cat data --type deploy --limit 10
  stead log cat data --from \"$cursor\"

Exit codes:
    0  done                  66  there is no log
    1  CURSOR is of another log or history, or no line begins there
   64  the command line is wrong
   65  something is damaged; the rest was printed
   71  the log has a newer format
   74  reading failed       77  permission denied")]
pub(crate) struct CatArgs {
    /// The folder of the log
    dir: PathBuf,
    /// Begin behind this place [default: the beginning of history]
    #[arg(long, value_name = "CURSOR")]
    from: Option<Place>,
    /// Only events of this type
    #[arg(long = "type", value_name = "T")]
    kind: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Changes nothing: events are JSON lines
    #[arg(long = "json", hide = true)]
    _json: bool,
}

pub(crate) fn run(args: &CatArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let mut output = LineOutput::new(out);
    match &args.kind {
        Some(kind) => args.print(&mut output, |found: &TypeOf| found.is(kind))?,
        None => args.print(&mut output, |_: &IgnoredAny| true)?,
    }
    output.verdict(&args.dir)
}

impl CatArgs {
    fn print<T: DeserializeOwned>(
        &self,
        output: &mut LineOutput<'_>,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<(), Failure> {
        let reader = existing(&self.dir)?;
        let start = self.from.map_or(Ok(0), |place| place.offset(&reader, &self.dir))?;
        let mut events = reader.read::<T>(start)?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        while left > 0 && !output.is_closed() {
            match events.next() {
                None => break,
                Some(Ok(event)) if is_wanted(&event.value) => {
                    output.line(events.line())?;
                    left -= 1;
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => output.damage(&error)?,
            }
        }
        output.flush()
    }
}
