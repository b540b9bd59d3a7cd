//! `stead log tail`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use stead::lock::Wait;
use stead::log::{Follow, Line};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::platform;
use stead_console::printer::Printer;

use super::cursor_file::CursorFile;
use super::lines::{LineOutput, TypeOf, is_damage};
use super::newest::Newest;
use super::turn::Turn;
use super::{existing, sorted};

/// How many events, unless told.
const DEFAULT: usize = 10;
/// How many are printed at most before the cursor is stored.
const BURST: usize = 4096;
/// How often to look, while nothing comes, whether anybody still reads what we print.
const LOOK: Duration = Duration::from_secs(1);

/// What a line ends in that is not the last of its batch.
const BATCH_GOES_ON: &[u8] = b"\t";

/// Print the last events, or those that are new since the last time, and follow
#[derive(Args, Debug)]
#[command(after_help = "\
--follow goes on across rotations, and is woken by the system when somebody
appends. With --cursor-file the place behind the last event that was printed is
kept in FILE, replaced durably after the events were written to standard output:
over many runs each event is printed once, and after a kill or a power cut none is
left out. Where FILE is missing, all of history is new, or with -n the last N;
where it is there, -n counts for nothing.

Examples:
  stead log tail data -n 3
  stead log tail data -f --type deploy | jq --unbuffered -r .data.version
  stead log tail data --cursor-file seen.cursor | ./import

Exit codes:
    0  done                  66  there is no log
    1  the cursor in FILE is of another log, or of another history
   64  the command line is wrong
   65  something is damaged, the rest was printed; FILE holds no cursor
   71  the log has a newer format
   73  FILE cannot be created
   74  reading or writing failed            77  permission denied
  128 + the signal that ended --follow")]
pub(crate) struct TailArgs {
    /// The folder of the log
    dir: PathBuf,
    /// Print what is appended from now on, too, until a signal comes
    #[arg(short, long)]
    follow: bool,
    /// How many events [default: 10]
    #[arg(short = 'n', long = "lines", value_name = "N")]
    lines: Option<usize>,
    /// Print what is behind the cursor in FILE, and keep the new one there
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Only events of this type
    #[arg(long = "type", value_name = "T")]
    kind: Option<String>,
    /// Changes nothing: events are JSON lines
    #[arg(long = "json", hide = true)]
    _json: bool,
}

pub(crate) fn run(args: &TailArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let reader = existing(&args.dir)?;
    let cursor_file = args.cursor_file.clone().map(|path| CursorFile::of(path, &reader)).transpose()?;
    let stored = cursor_file.as_ref().map(CursorFile::load).transpose()?.flatten();
    let turn = Turn::default();
    if cursor_file.is_some() {
        turn.end_by_signals().map_err(|error| Failure::system("prepare to read", &args.dir, &error))?;
    }
    let mut tail =
        Tail { args, output: LineOutput::new(out), cursor_file, last: Vec::new(), passed: None, is_in_batch: false };
    let end = sorted(reader.end_offset())?.map_err(|error| Failure::system("read the log", &args.dir, &error))?;
    let start = stored.map_or(Ok(0), |cursor| reader.offset_of(&cursor))?;
    let newest = match (&tail.cursor_file, args.lines) {
        (Some(_), _) if stored.is_some() => None,
        (Some(_), lines) => lines,
        (None, lines) => Some(lines.unwrap_or(DEFAULT)),
    };
    let mut follow = reader.follow(start)?;
    turn.take(|| tail.print_present(&mut follow, end, newest))?;
    if args.follow {
        return tail.print_coming(&mut follow, &turn);
    }
    tail.output.verdict(&args.dir)
}

struct Tail<'a> {
    args: &'a TailArgs,
    output: LineOutput<'a>,
    cursor_file: Option<CursorFile>,
    /// The last line that was passed, if there is a cursor to be made of it.
    last: Vec<u8>,
    /// Where it ends, if the cursor behind it is not stored yet.
    passed: Option<u64>,
    /// More of the batch of the last line is to come.
    is_in_batch: bool,
}

impl Tail<'_> {
    /// Prints what is there, or the newest of it.
    fn print_present(&mut self, follow: &mut Follow, end: u64, newest: Option<usize>) -> Result<(), Failure> {
        match newest {
            None => while self.is_before(end, follow) && self.step(follow.next_line(Wait::No))? {},
            Some(count) => self.print_newest(follow, end, count)?,
        }
        self.settle()
    }

    fn print_newest(&mut self, follow: &mut Follow, end: u64, count: usize) -> Result<(), Failure> {
        let mut newest = Newest::of(count);
        while self.is_before(end, follow) {
            match follow.next_line(Wait::No) {
                Ok(None) => break,
                Ok(Some(line)) => {
                    self.pass(&line);
                    if self.is_wanted(&line) {
                        newest.push(&line);
                    }
                }
                Err(error) if is_damage(&error) => newest.push_damage(error),
                Err(error) => return Err(error.into()),
            }
        }
        newest.relevant_damage().try_for_each(|error| self.output.damage(error))?;
        newest.lines().try_for_each(|(offset, line)| self.output.checked_line(offset, line))
    }

    /// Whether more is to come of what was there at the beginning. A batch is read to its end: there is no way to begin
    /// inside one.
    fn is_before(&self, end: u64, follow: &Follow) -> bool {
        follow.offset() < end || self.is_in_batch
    }

    /// Prints what comes, until nobody reads it any more. A signal ends us elsewhere.
    fn print_coming(&mut self, follow: &mut Follow, turn: &Turn) -> Result<ExitCode, Failure> {
        while !self.output.is_closed() {
            match follow.wait(LOOK) {
                Ok(true) => turn.take(|| self.print_burst(follow))?,
                Ok(false) if platform::stdout_is_deserted() => break,
                Ok(false) => {}
                Err(error) => turn.take(|| self.output.damage(&error))?,
            }
        }
        Ok(ExitCode::Done)
    }

    fn print_burst(&mut self, follow: &mut Follow) -> Result<(), Failure> {
        let mut printed = 0;
        while (printed < BURST || self.is_in_batch) && self.step(follow.next_line(Wait::No))? {
            printed += 1;
        }
        self.settle()
    }

    /// Prints a line if it is wanted. False: there is none, or nobody reads.
    fn step(&mut self, next: stead::Result<Option<Line<'_>>>) -> Result<bool, Failure> {
        match next {
            Ok(None) => return Ok(false),
            Ok(Some(line)) => {
                self.pass(&line);
                if self.is_wanted(&line) {
                    self.output.checked_line(line.offset, line.bytes)?;
                }
            }
            Err(error) => self.output.damage(&error)?,
        }
        Ok(!self.output.is_closed())
    }

    fn is_wanted(&self, line: &Line<'_>) -> bool {
        // One that cannot be decoded is damage that `stead log verify` finds.
        let of_type = |kind: &String| serde_json::from_slice(line.bytes).is_ok_and(|found: TypeOf| found.is(kind));
        self.args.kind.as_ref().is_none_or(of_type)
    }

    fn pass(&mut self, line: &Line<'_>) {
        self.is_in_batch = line.bytes.ends_with(BATCH_GOES_ON);
        if self.cursor_file.is_some() && !self.is_in_batch {
            self.last.clear();
            self.last.extend_from_slice(line.bytes);
            self.passed = Some(line.end);
        }
    }

    /// Sees all lines on their way, and then stores the place behind them.
    fn settle(&mut self) -> Result<(), Failure> {
        self.output.flush()?;
        if self.output.is_closed() {
            // What nobody has read is printed again the next time.
            return Ok(());
        }
        match (&self.cursor_file, self.passed.take()) {
            (Some(file), Some(end)) => file.store(&self.last, end),
            _ => Ok(()),
        }
    }
}
