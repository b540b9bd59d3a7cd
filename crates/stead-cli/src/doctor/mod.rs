//! `stead doctor`: does this filesystem keep the promises that stead rests on? And if many processes work at once and
//! some are killed, is anything lost?
//!
//! | file | what it does |
//! |---|---|
//! | `promises` | the list of what is tested, and the words for what was found |
//! | `exclusion`, `probes/` | the tests: locks, and everything else |
//! | `peer/` | another process that does as a test tells it |
//! | `stress/` | many processes at work, kills included, and the proof |
//! | `helper` | this program started again as one of the doctor's other processes |
//! | `bench` | the private folder they all work in |
//! | `report`, `progress` | what is shown |

mod bench;
mod clock;
mod exclusion;
mod files;
mod helper;
mod interrupt;
mod peer;
mod probes;
mod progress;
mod promises;
mod report;
mod stress;
mod trouble;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use stead::filesystem::Filesystem;
use stead_console::duration::parse_duration;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use bench::{Bench, PrivateFolder};
use interrupt::Interrupt;
use progress::Progress;
use promises::{Outcome, Promise, TESTS};
use trouble::Trouble;

pub(crate) use helper::help_the_doctor;

/// More than any machine has processors; a mistyped number shall not bring one down.
const PROCESSES_MAX: i64 = 1024;
/// The shortest stress.
const STRESS_MIN: Duration = Duration::from_secs(1);

/// Test whether a folder's filesystem keeps the promises that stead rests on
///
/// Tries each of them in a private folder below DIR, which is removed afterwards, with real processes. With --stress
/// many processes then change shared files under locks while some are killed at random; afterwards it proves that
/// nothing acknowledged is lost, nothing is there twice, and no two holders of a lock were there together.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  stead doctor
  stead doctor /mnt/share
  stead doctor --stress 20s --procs 8
  stead doctor --json | jq '.promises[] | select(.outcome != \"kept\")'

Each promise is kept, fallback (missing here, but stead does it another way), broken, or not applicable.

Exit codes: 0 nothing is broken; 66 no such folder; 73 the folder cannot be written; 74 a promise is broken, or the \
stress lost something; 77 permission denied.")]
pub(crate) struct DoctorArgs {
    /// The folder to examine
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Also let many processes work for this long, kill some of them, and prove that nothing was lost: 10s, 2m
    #[arg(long, value_name = "DUR", value_parser = parse_stress)]
    stress: Option<Duration>,
    /// How many processes work under stress [default: twice the processors]
    #[arg(long, value_name = "N", requires = "stress", value_parser = clap::value_parser!(u32).range(1..=PROCESSES_MAX))]
    procs: Option<u32>,
    /// Print one JSON document, stead.doctor/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DoctorArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let examination = Examination::prepare(args)?;
    match examination.perform(out) {
        // By now the private folder and all helpers are gone.
        Err(End::Trouble(Trouble::Interrupted)) => Ok(ExitCode::Killed(examination.interrupt.signal().unwrap_or(0))),
        Err(End::Trouble(Trouble::NoRoom(text))) => Err(Failure::new(ExitCode::CannotCreate, text)
            .with_hint("free some space: the doctor needs a few megabytes, a stress some twenty")),
        Err(End::Trouble(Trouble::Failed(text))) => Err(Failure::new(ExitCode::Io, text)),
        Err(End::Failure(failure)) => Err(failure),
        Ok(code) => Ok(code),
    }
}

/// Why an examination ended before its end.
enum End {
    Trouble(Trouble),
    Failure(Failure),
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> End {
        End::Trouble(trouble)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Failure(failure)
    }
}

struct Examination<'a> {
    args: &'a DoctorArgs,
    /// The folder, from the root.
    path: PathBuf,
    filesystem: Filesystem,
    program: PathBuf,
    interrupt: Interrupt,
}

impl Examination<'_> {
    fn prepare(args: &DoctorArgs) -> Result<Examination<'_>, Failure> {
        let folder = &args.dir;
        let path = folder.canonicalize().map_err(|error| Failure::system("examine", folder, &error))?;
        if !path.is_dir() {
            return Err(Failure::new(ExitCode::NoInput, format!("{} is not a folder", folder.display()))
                .with_hint("name the folder that the file lies in"));
        }
        let program = std::env::current_exe()
            .map_err(|error| Failure::new(ExitCode::System, format!("failed to find this program: {error}")))?;
        let interrupt = Interrupt::watch()
            .map_err(|error| Failure::new(ExitCode::System, format!("failed to watch for signals: {error}")))?;
        let filesystem = Filesystem::of(&path)?;
        Ok(Examination { args, path: without_verbatim(path), filesystem, program, interrupt })
    }

    fn perform(&self, out: &mut Printer) -> Result<ExitCode, End> {
        let folder = PrivateFolder::create(&self.path, &self.program).map_err(|error| self.not_writable(&error))?;
        let quiet = self.args.json;
        if !quiet {
            out.data(report::heading(&self.path, &self.filesystem))?;
        }
        let promises = self.test(&folder, &mut Progress::new(out, quiet))?;
        if !quiet {
            out.data(report::promises(&promises, out.width()))?;
        }
        let stress = match self.args.stress {
            Some(duration) => Some(self.stress(duration, &folder, out)?),
            None => None,
        };
        if quiet {
            out.data(report::document(&self.path, &self.filesystem, &promises, stress.as_ref()))?;
        }
        let broken = promises.iter().any(|promise| promise.outcome == Outcome::Broken);
        let lost = stress.is_some_and(|report| !report.is_sound());
        Ok(if broken || lost { ExitCode::Io } else { ExitCode::Done })
    }

    fn test(&self, folder: &PrivateFolder, progress: &mut Progress<'_>) -> Result<Vec<Promise>, Trouble> {
        let mut promises = Vec::with_capacity(TESTS.len());
        for (number, test) in TESTS.iter().enumerate() {
            progress.testing(test.name, number, TESTS.len());
            let bench = Bench {
                folder: folder.room(&format!("test-{number}"))?,
                program: &self.program,
                filesystem: &self.filesystem,
                interrupt: &self.interrupt,
            };
            promises.push(test.run(&bench)?);
        }
        Ok(promises)
    }

    fn stress(&self, duration: Duration, folder: &PrivateFolder, out: &mut Printer) -> Result<stress::Report, End> {
        let processes = self.args.procs.unwrap_or_else(twice_the_processors);
        let quiet = self.args.json;
        if !quiet {
            out.data(report::stress_heading(processes, duration))?;
        }
        let plan = stress::Plan { program: &self.program, duration, processes };
        let report = stress::run(&plan, folder, &self.interrupt, &mut Progress::new(out, quiet))?;
        if !quiet {
            out.data(report::stress(&report))?;
        }
        Ok(report)
    }

    fn not_writable(&self, error: &io::Error) -> Failure {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied => ExitCode::Permission,
            _ => ExitCode::CannotCreate,
        };
        let path: &Path = &self.args.dir;
        Failure::new(code, format!("failed to create a private folder in {}: {}", path.display(), without_path(error)))
            .with_hint("name a folder that you can write into: what it can do is found out by trying")
    }
}

/// A proof needs something to prove.
fn parse_stress(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration < STRESS_MIN {
        return Err("too short to prove anything; at least 1s, better 10s".to_owned());
    }
    Ok(duration)
}

/// `C:\data` where Windows says `\\?\C:\data`.
fn without_verbatim(path: PathBuf) -> PathBuf {
    let rest = path.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    rest.filter(|rest| rest.get(1..2) == Some(":")).map(PathBuf::from).unwrap_or(path)
}

/// Without the path of the private folder, which the user has not named.
fn without_path(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" at path ").map_or(&*text, |(why, _)| why).to_owned()
}

fn twice_the_processors() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(2 * processors).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_of_windows_is_taken_away() {
        for (path, shown) in
            [(r"\\?\C:\data", r"C:\data"), (r"\\?\UNC\host\data", r"\\?\UNC\host\data"), ("/home/ann", "/home/ann")]
        {
            assert_eq!(without_verbatim(path.into()), Path::new(shown));
        }
    }

    #[test]
    fn a_stress_is_long_enough_to_prove_something() {
        assert_eq!(parse_stress("10s"), Ok(Duration::from_secs(10)));
        assert!(parse_stress("999ms").unwrap_err().contains("at least 1s"));
        assert!(parse_stress("10").unwrap_err().contains("500ms"));
    }
}
