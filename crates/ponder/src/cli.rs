//! The command line, as clap sees it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use stead_console::log_format::{Level, LogFormat, set_log_format};
use stead_console::printer::Printer;
use stead_console::program;

use crate::commands::{add, completions, list, man, open, path, recover, search, show, stats, tags};
use crate::config::Settings;
use crate::journal::Journal;
use crate::{ExitCode, Failure};

/// A journal of one Markdown file a day that never loses a word
#[derive(Parser, Debug)]
#[command(
    name = "ponder",
    version,
    override_usage = "ponder [OPTIONS]\n       ponder [OPTIONS] <COMMAND>",
    after_help = AFTER
)]
struct Cli {
    #[command(flatten)]
    open: open::OpenArgs,
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER: &str = "\
Without a command, opens the entry of today in the editor, with a heading of the
time, which is not left behind if nothing is written. Entries are locked as long
as they are open: a second ponder is told who is writing, and asked what to do.
What `ponder add` or another program adds meanwhile is merged when the editor
ends. Every text that the editor has saved is in the entry, or in a draft that is
offered again.

Entries are PONDER_DIR/2026/11/21.md; a folder of 2026-11-21.md or 20261121.md is
kept as it is. The editor is that of --editor, PONDER_EDITOR, the configuration,
STEAD_EDITOR, VISUAL, EDITOR, or the first of nano, vim and vi that is there. The
configuration is ponder/config.toml in the configuration folder of the system,
with dir, editor, template and layout (\"tree\", \"dashed\", \"compact\").

Examples:
  ponder                            write into today
  ponder -d 'last friday'           write into another day
  ponder --retro                    open the last seven days
  ponder add 'an idea'              without an editor, also while one is open
  ponder search '\"green apples\" #garden'

Exit codes:
    0  done                  75  an entry is being written by somebody else
    1  the answer is no: no such entry, nothing found, nothing to recover, or
       what was written is in a draft (said on standard error)
   64  the command line is wrong             77  permission denied
   66  no such folder or file                78  wrong configuration or environment
   71  the system cannot do it              124  --wait elapsed
   73  cannot create                   126, 127  the editor cannot be run, found
   74  reading or writing failed
  The editor's own where it failed, or 128 + the signal that killed it

Data goes to standard output, messages to standard error. NO_COLOR is honoured.";

#[derive(Subcommand, Debug)]
enum Command {
    Add(add::AddArgs),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Search(search::SearchArgs),
    Tags(tags::TagsArgs),
    Stats(stats::StatsArgs),
    Path(path::PathArgs),
    Recover(recover::RecoverArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// What every command can be told.
#[derive(Args, Debug)]
pub(crate) struct Common {
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        help = "The folder of the journal [env: PONDER_DIR] [default: ponder/ in the folder of documents]"
    )]
    dir: Option<PathBuf>,
    /// How messages are printed: text, or json: one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, global = true)]
    log_format: LogFormat,
    /// Say more: which folder, configuration and editor are meant
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Common {
    /// What the user has settled.
    pub(crate) fn settings(&self, out: &mut Printer) -> Result<Settings, Failure> {
        let settings = Settings::load(self.dir.as_deref())?;
        self.say(out, || format!("the journal is {} ({})", settings.folder.display(), settings.source));
        Ok(settings)
    }

    /// The journal that is meant.
    pub(crate) fn journal(&self, out: &mut Printer) -> Result<Journal, Failure> {
        let journal = self.settings(out)?.journal()?;
        self.say(out, || format!("its layout is {}", journal.layout().name()));
        Ok(journal)
    }

    /// A message for those who want to know more.
    pub(crate) fn say(&self, out: &mut Printer, text: impl FnOnce() -> String) {
        if self.verbose {
            out.say(Level::Debug, text(), None);
        }
    }
}

/// The command line of `ponder`, for completions and manual pages.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Does what the command line of this process says.
pub(crate) fn main() -> ExitCode {
    match Cli::try_parse_from(std::env::args_os()) {
        Ok(cli) => {
            set_log_format(cli.common.log_format);
            let mut out = Printer::new();
            dispatch(&cli, &mut out).unwrap_or_else(|failure| {
                out.failure(&failure);
                failure.code
            })
        }
        Err(answer) => {
            set_log_format(format_of(std::env::args_os()));
            program::explain(&answer, &mut Printer::new()).unwrap_or_else(|failure| failure.code)
        }
    }
}

fn dispatch(cli: &Cli, out: &mut Printer) -> Result<ExitCode, Failure> {
    let common = &cli.common;
    let Some(command) = &cli.command else { return open::run(&cli.open, common, out) };
    if cli.open.is_given() {
        return Err(Failure::new(ExitCode::Usage, "options that open entries do not go with a command")
            .with_hint("write them without the command, or behind it where it has them: ponder list --help"));
    }
    match command {
        Command::Add(args) => add::run(args, common, out),
        Command::Show(args) => show::run(args, common, out),
        Command::List(args) => list::run(args, common, out),
        Command::Search(args) => search::run(args, common, out),
        Command::Tags(args) => tags::run(args, common, out),
        Command::Stats(args) => stats::run(args, common, out),
        Command::Path(args) => path::run(args, common, out),
        Command::Recover(args) => recover::run(args, common, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Man(args) => man::run(args, out),
    }
}

/// The format of messages that a command line asks for which is not understood otherwise.
fn format_of(args: impl IntoIterator<Item = OsString>) -> LogFormat {
    let words: Vec<OsString> = args.into_iter().collect();
    let asks = words.iter().any(|word| word == "--log-format=json")
        || words.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json");
    if asks { LogFormat::Json } else { LogFormat::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn the_format_is_seen_in_a_wrong_command_line() {
        let format = |line: &str| format_of(line.split(' ').map(OsString::from));
        assert_eq!(format("ponder --log-format json --wrong"), LogFormat::Json);
        assert_eq!(format("ponder --wrong --log-format=json"), LogFormat::Json);
        assert_eq!(format("ponder --wrong json"), LogFormat::Text);
    }
}
