//! What a command line of flock(1) asks for.

use std::ffi::{OsStr, OsString};

use stead::lock::bare::Kind;
use stead::lock::{Mode, Wait};

use super::getopt::{Opt, Refused, Words, shown};
use super::numbers::{self, Seconds, Wrong};

/// As the system words it.
const OUT_OF_RANGE: &str = "Numerical result out of range";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    Help,
    Version,
    Lock(Settings, Target<'a>),
}

/// How to lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub(super) struct Settings {
    pub(super) change: Change,
    pub(super) kind: Kind,
    /// `-n`
    pub(super) no_wait: bool,
    /// `--fd`
    pub(super) descriptor: Option<i32>,
    /// `-w`
    pub(super) timeout: Option<Seconds>,
    /// How to exit where the lock is not to be had.
    pub(super) conflict: i32,
    /// The command gets no descriptor.
    pub(super) close: bool,
    /// Become the command.
    pub(super) no_fork: bool,
    pub(super) verbose: bool,
}

/// What is to become of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Take(Mode),
    Release,
}

/// What to lock, and what then.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A descriptor that is open already: then nothing.
    Descriptor(i32),
    File(&'a OsStr, Run<'a>),
}

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run<'a> {
    Command(&'a OsStr, &'a [OsString]),
    /// A line for the user's shell.
    Line(&'a OsStr),
}

impl Settings {
    /// How long to wait; `None`: no timer can be set to that.
    pub(super) fn wait(&self) -> Option<Wait> {
        match self.timeout {
            Some(Seconds::NoTime) => None,
            Some(Seconds::Some(time)) if time.is_zero() => Some(Wait::No),
            _ if self.no_wait => Some(Wait::No),
            Some(Seconds::Some(time)) => Some(Wait::For(time)),
            None => Some(Wait::Forever),
        }
    }

    fn new() -> Settings {
        Settings {
            change: Change::Take(Mode::Exclusive),
            kind: Kind::Flock,
            no_wait: false,
            descriptor: None,
            timeout: None,
            conflict: 1,
            close: false,
            no_fork: false,
            verbose: false,
        }
    }

    /// Does what an option says. What asks for an answer of ours is given back.
    fn apply<'a>(&mut self, opt: Opt, value: &[u8]) -> Result<Option<Asked<'a>>, Refused> {
        match opt {
            Opt::Shared => self.change = Change::Take(Mode::Shared),
            Opt::Exclusive => self.change = Change::Take(Mode::Exclusive),
            Opt::Unlock => self.change = Change::Release,
            Opt::NoWait => self.no_wait = true,
            Opt::Timeout => self.timeout = Some(readable(numbers::seconds(value), "invalid timeout value", value)?),
            Opt::ConflictExitCode => self.conflict = exit_code(value)?,
            Opt::Close => self.close = true,
            Opt::NoFork => self.no_fork = true,
            Opt::Verbose => self.verbose = true,
            Opt::Descriptor => self.descriptor = Some(descriptor(value)?),
            Opt::Fcntl => self.kind = range(self.kind, None, None),
            Opt::Start => self.kind = range(self.kind, Some(offset(value, "invalid as start offset")?), None),
            Opt::Length => {
                self.kind = range(self.kind, None, Some(offset(value, "invalid as length of lock range")?));
            }
            Opt::Help => return Ok(Some(Asked::Help)),
            Opt::Version => return Ok(Some(Asked::Version)),
        }
        Ok(None)
    }
}

/// Reads the words after the program's name.
pub(super) fn read(words: &[OsString]) -> Result<Asked<'_>, Refused> {
    if words.is_empty() {
        return Err(Refused::option("not enough arguments".to_owned()));
    }
    let mut left = Words::new(words);
    let mut settings = Settings::new();
    while let Some(option) = left.option() {
        let (opt, value) = option?;
        if let Some(answer) = settings.apply(opt, value)? {
            return Ok(answer);
        }
    }
    if settings.no_fork && settings.close {
        return Err(Refused::value("the --no-fork and --close options are incompatible"));
    }
    let target = match settings.descriptor {
        Some(number) if left.operands().is_empty() => Target::Descriptor(number),
        Some(_) => return Err(Refused::value("--fd takes neither a file nor a command")),
        None => target(left.operands())?,
    };
    Ok(Asked::Lock(settings, target))
}

fn descriptor(number: &[u8]) -> Result<i32, Refused> {
    readable(numbers::number(number), "bad file descriptor", number)
}

fn target(operands: &[OsString]) -> Result<Target<'_>, Refused> {
    match operands {
        [] => Err(Refused::value("requires file descriptor, file or directory")),
        [number] => descriptor(number.as_encoded_bytes()).map(Target::Descriptor),
        [file, option, line @ ..] if option == "-c" || option == "--command" => match line {
            [line] => Ok(Target::File(file, Run::Line(line))),
            _ => Err(Refused::value(format!("{} requires exactly one command argument", option.display()))),
        },
        [file, command, arguments @ ..] => Ok(Target::File(file, Run::Command(command, arguments))),
    }
}

fn exit_code(value: &[u8]) -> Result<i32, Refused> {
    let code = readable(numbers::number(value), "invalid exit code", value)?;
    if (0..=255).contains(&code) {
        return Ok(code);
    }
    Err(Refused::value("exit code out of range (expected 0 to 255)"))
}

/// The range that is locked from now on.
fn range(before: Kind, start: Option<u64>, len: Option<u64>) -> Kind {
    let (old_start, old_len) = match before {
        Kind::Flock => (0, 0),
        Kind::Range { start, len } => (start, len),
    };
    Kind::Range { start: start.unwrap_or(old_start), len: len.unwrap_or(old_len) }
}

fn offset(value: &[u8], wrong: &str) -> Result<u64, Refused> {
    // Named in either case, unlike with other numbers.
    let refused = |why| Refused::value(format!("{wrong}: '{}': {why}", shown(value)));
    numbers::size(value).map_err(|error| match error {
        Wrong::Unreadable => refused("Invalid argument"),
        Wrong::OutOfRange => refused(OUT_OF_RANGE),
    })
}

fn readable<T>(read: Result<T, Wrong>, wrong: &str, value: &[u8]) -> Result<T, Refused> {
    let text = || format!("{wrong}: '{}'", shown(value));
    read.map_err(|error| match error {
        Wrong::Unreadable => Refused::value(text()),
        Wrong::OutOfRange => Refused::value(format!("{}: {OUT_OF_RANGE}", text())),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[track_caller]
    fn settings(options: &[&str]) -> Settings {
        match read(&words(&[options, &["9"]].concat())).unwrap() {
            Asked::Lock(settings, Target::Descriptor(9)) => settings,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(line: &[&str]) -> String {
        read(&words(line)).unwrap_err().message.unwrap_or_default()
    }

    #[test]
    fn the_last_of_several_counts() {
        assert_eq!(settings(&[]), Settings::new());
        assert_eq!(settings(&["-s", "-x"]).change, Change::Take(Mode::Exclusive));
        assert_eq!(settings(&["-xu"]).change, Change::Release);
        assert_eq!(settings(&["-ue"]).change, Change::Take(Mode::Exclusive));
        assert_eq!(settings(&["-E", "7", "-E8"]).conflict, 8);
        assert_eq!(settings(&["--fcntl", "--length=5", "--start=2"]).kind, Kind::Range { start: 2, len: 5 });
        assert_eq!(settings(&["--length=5", "--fcntl"]).kind, Kind::Range { start: 0, len: 5 });
    }

    #[test]
    fn a_wait_is_long_or_none() {
        let wait = |options: &[&str]| settings(options).wait();
        assert_eq!(wait(&[]), Some(Wait::Forever));
        assert_eq!(wait(&["-n"]), Some(Wait::No));
        assert_eq!(wait(&["-w0"]), Some(Wait::No));
        assert_eq!(wait(&["-w", ".5"]), Some(Wait::For(Duration::from_millis(500))));
        assert_eq!(wait(&["-w", ".5", "-n"]), Some(Wait::No));
        assert_eq!(wait(&["-w", "-1", "-n"]), None);
    }

    #[test]
    fn the_command_is_left_as_it_is() {
        let line = words(&["-n", "f", "sh", "-c", "true"]);
        let Asked::Lock(_, Target::File(file, Run::Command(command, arguments))) = read(&line).unwrap() else {
            panic!()
        };
        assert_eq!((file, command, arguments), (OsStr::new("f"), OsStr::new("sh"), &line[3..]));
        let line = words(&["--", "-f", "--command", "true"]);
        let Asked::Lock(_, Target::File(file, Run::Line(shell))) = read(&line).unwrap() else { panic!() };
        assert_eq!((file, shell), (OsStr::new("-f"), OsStr::new("true")));
    }

    #[test]
    fn the_first_thing_wrong_is_told() {
        assert_eq!(refused(&[]), "not enough arguments");
        assert_eq!(refused(&["-x"]), "requires file descriptor, file or directory");
        assert_eq!(refused(&["-w", "x", "--bogus"]), "invalid timeout value: 'x'");
        assert_eq!(refused(&["-E", "256", "-q"]), "exit code out of range (expected 0 to 255)");
        assert_eq!(refused(&["-Fo", "f", "-c"]), "the --no-fork and --close options are incompatible");
        assert_eq!(refused(&["f", "-c", "a", "b"]), "-c requires exactly one command argument");
        assert_eq!(refused(&["99999999999"]), "bad file descriptor: '99999999999': Numerical result out of range");
        assert_eq!(refused(&["--start", "-1", "9"]), "invalid as start offset: '-1': Invalid argument");
        assert!(matches!(read(&words(&["-h", "-q"])), Ok(Asked::Help)));
        assert!(matches!(read(&words(&["-xV", "-q"])), Ok(Asked::Version)));
    }

    proptest! {
        #[test]
        fn nothing_panics(line in proptest::collection::vec(prop_oneof!["-{0,3}[a-zA-Z?=:]{0,4}[0-9.]{0,3}", ".{0,6}"], 0..6)) {
            let line: Vec<OsString> = line.into_iter().map(OsString::from).collect();
            let _ = read(&line);
        }

        #[cfg(unix)]
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..6)) {
            use std::os::unix::ffi::OsStringExt;
            let line: Vec<OsString> = line.into_iter().map(OsString::from_vec).collect();
            let _ = read(&line);
        }
    }
}
