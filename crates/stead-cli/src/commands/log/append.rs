//! `stead log append`

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use stead::lock::Wait;
use stead::log::{AppendResult, ConditionalAppendError, Cursor, Durability, EventWriter, LogId, Options};
use stead_console::durable::DurabilityFlag;
use stead_console::duration::parse_duration;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::messages;
use stead_console::printer::Printer;
use stead_console::waiting::Patience;

use super::given::EventFlags;
use super::{existing, writing};
use crate::json;

const DURABILITY: &str = "What the events outlive: none: the death of every process; data, full: a power cut";

/// Append one event, or a batch of JSON lines: all or none
#[derive(Args, Debug)]
#[command(after_help = "\
With --data, --id, --actor or --meta it is one event, and standard input is left
alone. Else the lines of standard input are one batch, at most 256 MiB: readers
see none before all are there. A line that is an object with a string \"type\" and
a \"data\" is an event, stored as it is written; it gets the time (\"ts\", in
seconds) if it has none. Any other JSON value is, with --type T, the data of an
event of that type. Where standard input holds no line, or is a terminal, --type T
alone is one event. In a loop that reads its own standard input, give it
</dev/null or --data.

CURSOR is LOGID:OFFSET:HASH, as --json and `stead log stat` print it.

Examples:
  stead log append data --type deploy --data '{\"version\":7}' --actor ann
  jq -c '.[]' orders.json | stead log append data --type order
  stead log append data --if \"$cursor\" --type won --json

Exit codes:
    0  done                  73  DIR cannot be created
    1  the log does not end at CURSOR; nothing was appended
   64  the command line is wrong, or there is nothing to append
   65  a line is no event, or the log is damaged; nothing was appended
   66  --if, and there is no log
   71  the filesystem or the system cannot do it, or the log has a newer format
   74  writing failed       75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
#[command(mut_arg("durability", |arg| arg.help(DURABILITY)))]
pub(crate) struct AppendArgs {
    /// The folder of the log, created when missing
    dir: PathBuf,
    #[command(flatten)]
    event: EventFlags,
    /// Append only if the log ends here (1)
    #[arg(long = "if", value_name = "CURSOR")]
    expected: Option<Cursor>,
    /// Begin a new segment once app.jsonl has so many bytes; kept in log.json if this creates the log
    #[arg(long, value_name = "BYTES")]
    rotate_size: Option<u64>,
    /// Begin a new segment once the first event in app.jsonl is so old; kept likewise
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    rotate_age: Option<Duration>,
    #[command(flatten)]
    durability: DurabilityFlag,
    #[command(flatten)]
    patience: Patience,
    /// Print one JSON document, stead.append/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &AppendArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let lines = args.event.lines()?;
    if args.expected.is_some() {
        // A log that is created now ends at no cursor that somebody has.
        existing(&args.dir)?.log_id()?;
    }
    let done = writing::under_lock(&args.dir, &args.patience, |wait| args.append(&lines, wait))?;
    for kept in &done.kept {
        out.message(messages::torn_bytes(&args.dir, kept));
    }
    if let Some(error) = &done.rotation_error {
        out.message(format_args!("appended, but no new segment was begun: failed to {error}"));
    }
    let result = done.result.map_err(|(expected, end)| args.conflict(expected, end))?;
    if args.json {
        out.data(json::log::appended(done.log, lines.len(), &result, args.durability() != Durability::None))?;
    }
    Ok(ExitCode::Done)
}

/// Where the lines are, or else where the log was to end and where it ends.
type Conditional = Result<AppendResult, (Cursor, Cursor)>;

/// What an append came to.
struct Done {
    log: LogId,
    result: Conditional,
    kept: Vec<PathBuf>,
    rotation_error: Option<String>,
}

impl AppendArgs {
    fn append(&self, lines: &[Vec<u8>], wait: Wait) -> io::Result<Done> {
        let mut writer = self.options().wait(wait).open(&self.dir)?;
        let result = self.append_with(&mut writer, lines)?;
        Ok(Done {
            log: writer.log_id(),
            result,
            kept: writer.kept().to_vec(),
            rotation_error: writer.rotation_error().map(ToString::to_string),
        })
    }

    fn append_with(&self, writer: &mut EventWriter, lines: &[Vec<u8>]) -> io::Result<Conditional> {
        let Some(cursor) = &self.expected else { return writer.append_lines(lines).map(Ok) };
        match writer.append_lines_at(lines, cursor) {
            Ok(result) => Ok(Ok(result)),
            Err(ConditionalAppendError::Conflict(_)) => Ok(Err((*cursor, writer.reader().end()?))),
            Err(ConditionalAppendError::Io(error)) => Err(error),
        }
    }

    fn options(&self) -> Options {
        let mut options = Options::new().shared(true).durability(self.durability());
        if let Some(bytes) = self.rotate_size {
            options = options.max_log_size(bytes);
        }
        if let Some(age) = self.rotate_age {
            options = options.max_log_age(age);
        }
        options
    }

    fn durability(&self) -> Durability {
        match self.durability.level() {
            stead::atomic::Durability::None => Durability::None,
            _ => Durability::EveryAppend,
        }
    }

    fn conflict(&self, expected: Cursor, end: Cursor) -> Failure {
        let dir = self.dir.display();
        Failure::new(ExitCode::No, format!("{dir} ends at {end}, not at {expected}"))
            .with_hint(format!("nothing was appended; what came between: `stead log cat {dir} --from {expected}`"))
    }
}
