//! `stead flock`, and `flock` where that is a link to stead: flock(1) of util-linux, option for option and exit code for
//! exit code.

mod getopt;
mod job;
mod numbers;
mod settings;
mod text;

use std::env::consts::EXE_SUFFIX;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Args;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::{self, Printer};

use self::getopt::Refused;
use self::settings::Asked;

const NAME: &str = "flock";
const NAME_BELOW: &str = "stead flock";

/// Take a lock from a shell script, as flock(1) does
///
#[derive(Args, Debug)]
#[command(
    override_usage = "stead flock [OPTIONS] FILE|FOLDER COMMAND [ARGUMENT]...",
    override_help = text::help(NAME_BELOW),
    after_help = text::REST,
    disable_help_flag = true
)]
pub(crate) struct FlockArgs {
    // For completions and manuals. What is done is read from the process itself: clap takes a first `--` away.
    /// Options, then what to lock, then the command
    #[arg(value_name = "WORD", num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Whether the program was started by this name.
pub(crate) fn is_name(program: &OsStr) -> bool {
    Path::new(program).file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.strip_suffix(EXE_SUFFIX.as_bytes()).unwrap_or(name) == NAME.as_bytes()
    })
}

/// Does what these words say, under the name `flock`.
pub(crate) fn run_as_flock(words: &[OsString], out: &mut Printer) -> Result<ExitCode, Failure> {
    run_named(NAME, words, out)
}

/// The same, as `stead flock`.
pub(crate) fn run(words: &[OsString], out: &mut Printer) -> Result<ExitCode, Failure> {
    run_named(NAME_BELOW, words, out)
}

fn run_named(name: &'static str, words: &[OsString], out: &mut Printer) -> Result<ExitCode, Failure> {
    printer::name_program(name);
    match settings::read(words) {
        Ok(Asked::Help) => printed(out.raw(text::help(name).as_bytes())),
        Ok(Asked::Version) => printed(out.data(format_args!("{name} from stead {}", env!("CARGO_PKG_VERSION")))),
        Ok(Asked::Lock(settings, target)) => job::run(&settings, &target, out),
        Err(refused) => Ok(refuse(name, refused, out)),
    }
}

fn refuse(name: &str, refused: Refused, out: &mut Printer) -> ExitCode {
    if let Some(message) = refused.message {
        out.failure(&Failure::new(ExitCode::Usage, message));
    }
    if refused.hint {
        out.usage(format_args!("Try '{name} --help' for more information.\n"));
    }
    ExitCode::Usage
}

fn printed(outcome: Result<(), Failure>) -> Result<ExitCode, Failure> {
    outcome.map(|()| ExitCode::Done).map_err(not_printed)
}

/// Standard output did not take what was to be said: flock(1) exits with 1.
fn not_printed(failure: Failure) -> Failure {
    failure.with_code(ExitCode::No)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli;

    #[test]
    fn any_link_of_that_name_is_flock() {
        for name in ["flock", "/usr/bin/flock", "./flock"] {
            assert!(is_name(name.as_ref()), "{name}");
        }
        for name in ["", "stead", "-flock", "flock2", "flock/stead", "my-flock"] {
            assert!(!is_name(name.as_ref()), "{name}");
        }
    }

    proptest! {
        /// They are for us to read, whatever they are.
        #[test]
        fn clap_refuses_no_words(words in proptest::collection::vec(prop_oneof!["-{0,2}[a-zA-Z=?]{0,8}", ".{0,5}"], 0..6)) {
            let line = ["stead", NAME].map(str::to_owned).into_iter().chain(words);
            prop_assert!(cli::definition().try_get_matches_from(line).is_ok());
        }
    }
}
