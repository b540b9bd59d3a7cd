//! `stead update`

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use clap::Args;
use stead::lock::held_variable;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::platform::{self, Ended};
use stead_console::printer::Printer;

use super::documents::{ChangeArgs, Edit, check};
use crate::{json, under};

const VIA: &str = "stead update";
/// How often CMD is run: again if somebody who takes no lock, CMD itself even, changes the file meanwhile.
const RUNS_MAX: usize = 10;
/// What the library writes at most.
const OUTPUT_MAX: u64 = 64 << 20;

/// Pipe a file through a command under its lock
#[derive(Args, Debug)]
#[command(
    override_usage = "stead update [OPTIONS] <FILE> -- CMD [ARG]...",
    after_help = "\
CMD gets the content on its standard input, nothing if there is no file, and what
it prints takes the place of the file, durably, before the lock is released. If it
fails or is killed, or if what it prints is no JSON for a .json, no TOML for a
.toml, not JSON in every line for a .jsonl, nothing is changed. CMD is run again if
a program that takes no lock replaces the file meanwhile.

CMD sees STEAD_TOKEN, STEAD_TOKENS and STEAD_HELD, see `stead run --help`: a stead
below it may read the file, but is not to change it.

Examples:
  stead update n.json -- jq .n+=1
  stead update words.txt -- sort -u
  stead update state.json -- ./migrate --to 3

Exit codes:
  CMD's own, or 128 + the signal that killed it
    1  the file was changed by others again and again
   64  the command line is wrong
   65  what CMD printed cannot be understood, or is larger than 64 MiB
   66  FILE is a folder, a FIFO or a device
   71  the filesystem or the system cannot do it
   73  FILE cannot be created
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed
  126  CMD cannot be run                   127  CMD is not found"
)]
pub(crate) struct UpdateArgs {
    /// The file to change, created when missing
    file: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &UpdateArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    // clap requires one.
    let [program, ..] = &args.command[..] else { return Err(Failure::new(ExitCode::Usage, "no command")) };
    platform::check_command(program)?;
    let words: Vec<_> = args.command.iter().map(|word| word.to_string_lossy()).collect();
    let edit = Edit::new(&args.file, &args.change, &args.change.lock_dir.options().command(words.join(" ")).via(VIA));
    let mut locked = edit.lock()?;
    let (token, held) = (locked.token(), held_variable([locked.hold()]));
    let tokens = json::tokens([(&*args.file, token)]);
    let mut runs = 0..RUNS_MAX;
    let written = edit.apply(&mut locked, |content| {
        runs.next().ok_or_else(|| args.overtaken())?;
        let mut command = Command::new(program);
        command.args(&args.command[1..]);
        under::tell(&mut command, token, &tokens, held.clone());
        args.filter(program, &mut command, content.unwrap_or_default())
    })?;
    args.change.report(&args.file, &written, out)
}

impl UpdateArgs {
    /// What the command makes of the content.
    fn filter(&self, program: &OsStr, command: &mut Command, content: &[u8]) -> Result<Vec<u8>, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut output = Ok(Vec::new());
        let ended = platform::run(command, |child| output = pipe(child, content))
            .map_err(|error| platform::not_started(program, &error))?;
        let output = output.map_err(|error| Failure::system("read what CMD prints for", &self.file, &error))?;
        if output.len() as u64 > OUTPUT_MAX {
            return Err(self.failed(ExitCode::Data, format_args!("CMD printed more than {OUTPUT_MAX} bytes")));
        }
        match ended {
            Ended::Code(0) => {}
            Ended::Code(code) => return Err(self.failed(ExitCode::Child(code), format_args!("CMD ended with {code}"))),
            Ended::Signal(signal) => {
                return Err(self.failed(killed(signal), format_args!("CMD was killed by signal {signal}")));
            }
            Ended::NotStarted(signal) => return Err(self.failed(ExitCode::Killed(signal), "interrupted")),
        }
        check(&self.file, &output).map_err(|wrong| {
            self.failed(ExitCode::Data, format_args!("what CMD printed cannot be understood: {wrong}"))
        })?;
        Ok(output)
    }

    fn failed(&self, code: ExitCode, why: impl std::fmt::Display) -> Failure {
        Failure::new(code, format!("failed to update {}: {why}", self.file.display())).with_hint("it is as it was")
    }

    fn overtaken(&self) -> Failure {
        self.failed(ExitCode::No, "it was changed without its lock each time CMD ran")
            .with_hint("CMD prints the new content, and does not change the file itself")
    }
}

fn killed(signal: i32) -> ExitCode {
    if platform::is_interrupt(signal) { ExitCode::Killed(signal) } else { ExitCode::Child(128 + signal) }
}

/// Feeds the command and takes what it prints, both at once: neither pipe holds much.
fn pipe(child: &mut Child, content: &[u8]) -> io::Result<Vec<u8>> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Ok(Vec::new()) };
    std::thread::scope(|scope| {
        // It need not read all of it, or any.
        let feed = move || stdin.write_all(content).unwrap_or_default();
        std::thread::Builder::new().name("feeder".to_owned()).spawn_scoped(scope, feed)?;
        let mut output = Vec::new();
        stdout.take(OUTPUT_MAX + 1).read_to_end(&mut output)?;
        Ok(output)
    })
}
