//! The locks of a command line, in the order in which they were named.

use std::path::PathBuf;

use clap::error::Error;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches, value_parser};
use stead::lock::{FileLock, Options};

const LOCK: &str = "lock";
const FOR: &str = "for";

/// `LOCK...` and `--for FILE...`, at least one. clap keeps the order within each only, so it is put together here.
#[derive(Debug, Clone)]
pub(crate) struct NamedLocks(Vec<Named>);

#[derive(Debug, Clone)]
enum Named {
    Lock(PathBuf),
    For(PathBuf),
}

impl NamedLocks {
    /// The locks, as `options` say.
    pub(crate) fn open(&self, options: &Options) -> Vec<FileLock> {
        let open = |named: &Named| match named {
            Named::Lock(path) => options.clone().open(path),
            Named::For(data) => options.clone().sidecar(data),
        };
        self.0.iter().map(open).collect()
    }
}

impl Args for NamedLocks {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new(LOCK)
                    .value_name("LOCK")
                    .help("A lock file, created if missing; or a file or folder of yours, which is not changed")
                    .action(ArgAction::Append)
                    .num_args(0..)
                    .value_parser(value_parser!(PathBuf)),
            )
            .arg(
                Arg::new(FOR)
                    .long(FOR)
                    .value_name("FILE")
                    .help("The sidecar lock of the data file FILE, in .stead/locks beside it")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf)),
            )
            .group(ArgGroup::new("locks").args([LOCK, FOR]).required(true).multiple(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NamedLocks {
    fn from_arg_matches(matches: &ArgMatches) -> Result<NamedLocks, Error> {
        let locks = indexed(matches, LOCK, Named::Lock);
        let mut all: Vec<(usize, Named)> = locks.chain(indexed(matches, FOR, Named::For)).collect();
        all.sort_by_key(|(index, _)| *index);
        Ok(NamedLocks(all.into_iter().map(|(_, named)| named).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = NamedLocks::from_arg_matches(matches)?;
        Ok(())
    }
}

fn indexed(matches: &ArgMatches, id: &str, make: fn(PathBuf) -> Named) -> impl Iterator<Item = (usize, Named)> {
    let indices = matches.indices_of(id).unwrap_or_default();
    let paths = matches.get_many::<PathBuf>(id).unwrap_or_default().cloned();
    indices.zip(paths.map(make))
}
