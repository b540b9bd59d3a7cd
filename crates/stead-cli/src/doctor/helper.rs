//! The doctor's other processes: this program again, under a subcommand that no help, manual or completion shows.
//! None outlives the doctor: each holds the reading end of a pipe from it and ends when that does.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Parser, Subcommand};
use stead_console::exit::ExitCode;

use super::trouble::Trouble;
use super::{bench, peer, stress};

/// The hidden subcommand's name.
const NAME: &str = "doctor-helper";

/// One of the doctor's own processes.
#[derive(Debug, Parser)]
#[command(name = NAME)]
struct HelperArgs {
    #[command(subcommand)]
    role: Role,
}

/// What a helper is there for.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum Role {
    /// Does as it is told on stdin, and answers.
    Peer,
    /// Removes the private folder should the doctor be killed.
    Keeper {
        /// The private folder.
        folder: PathBuf,
    },
    /// Works under stress until told to stop.
    Worker {
        /// Its number, which no other worker has.
        worker: u32,
        /// The stress's folder.
        folder: PathBuf,
    },
}

impl Role {
    fn arguments(&self) -> Vec<OsString> {
        match self {
            Role::Peer => vec!["peer".into()],
            Role::Keeper { folder } => vec!["keeper".into(), "--".into(), folder.into()],
            Role::Worker { folder, worker } => {
                vec!["worker".into(), worker.to_string().into(), "--".into(), folder.into()]
            }
        }
    }
}

/// The command that starts a helper.
pub(super) fn command(program: &Path, role: &Role) -> Command {
    let mut command = Command::new(program);
    command.arg(NAME).args(role.arguments());
    command
}

/// Keeps what the terminal sends to us, such as Ctrl-C, from a helper.
#[cfg(unix)]
pub(super) fn set_apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
}

/// Keeps what the terminal sends to us, such as Ctrl-C, from a helper.
#[cfg(windows)]
pub(super) fn set_apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;

    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Does a helper's work, if that is what the command line asks for, until it is done or the doctor is gone.
pub(crate) fn help_the_doctor(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let args: Vec<OsString> = args.into_iter().skip(1).collect();
    if args.first().is_none_or(|first| first != NAME) {
        return None;
    }
    let Ok(HelperArgs { role }) = HelperArgs::try_parse_from(args) else { return Some(ExitCode::Usage) };
    // Who fails has said why where its role says such things.
    let well = match role {
        Role::Peer => peer::serve(),
        Role::Keeper { folder } => {
            bench::keep(&folder);
            true
        }
        Role::Worker { folder, worker } => stress::work_until_told(&folder, worker),
    };
    Some(if well { ExitCode::Done } else { ExitCode::Io })
}

/// Hands every line from the doctor to `obey`, and ends this process when the doctor has ended.
pub(super) fn obey_doctor(mut obey: impl FnMut(String) + Send + 'static) -> Result<(), Trouble> {
    let listen = move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            obey(line);
        }
        // Whatever this process holds, the system takes back.
        std::process::exit(0);
    };
    std::thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(listen)
        .map(drop)
        .map_err(|error| Trouble::failed(format!("failed to start a thread: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_survives_the_command_line() {
        for role in [
            Role::Peer,
            Role::Keeper { folder: "-odd name".into() },
            Role::Worker { folder: "/tmp/x".into(), worker: 7 },
        ] {
            let command = command(Path::new("stead"), &role);
            assert_eq!(HelperArgs::try_parse_from(command.get_args()).unwrap().role, role);
        }
    }

    #[test]
    fn other_command_lines_are_not_for_a_helper() {
        for args in [&["stead"][..], &["stead", "doctor"], &["doctor-helper"]] {
            assert_eq!(help_the_doctor(args.iter().map(Into::into)), None);
        }
    }
}
