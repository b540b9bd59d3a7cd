//! Changing a file under its lock.

use std::path::Path;

use clap::Args;
use serde_json::{Map, Value};
use stead::atomic::Version;
use stead::document::{Document, Locked};
use stead::lock::{FileLock, Options, Wait};
use stead_console::durable::DurabilityFlag;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::waiting::{self, Patience};

use super::content::{Content, Raw, Syntax};
use crate::cli::LockDir;
use crate::json::{self, Written};

/// What every command that changes a document takes.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    durability: DurabilityFlag,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    pub(crate) lock_dir: LockDir,
    /// Print one JSON document, stead.write/1
    #[arg(long)]
    json: bool,
}

impl ChangeArgs {
    /// Says what was done, if it is to be said.
    pub(crate) fn report(&self, file: &Path, written: &Written, out: &mut Printer) -> Result<ExitCode, Failure> {
        if self.json {
            out.data(json::written(file, written))?;
        }
        Ok(ExitCode::Done)
    }
}

/// A file that is to be changed.
pub(crate) struct Edit<'a> {
    file: &'a Path,
    args: &'a ChangeArgs,
    lock: FileLock,
    /// For the first try to lock it, which does not wait.
    at_once: Document<Content>,
    patient: Document<Content>,
}

/// Why a change was not made.
enum Refusal {
    Stead(stead::Error),
    Ours(Failure),
}

impl From<stead::Error> for Refusal {
    fn from(error: stead::Error) -> Refusal {
        Refusal::Stead(error)
    }
}

impl Edit<'_> {
    pub(crate) fn new<'a>(file: &'a Path, args: &'a ChangeArgs, options: &Options) -> Edit<'a> {
        let document = |wait: Wait| {
            Document::with_format(file, Raw)
                .default(|| None)
                .durability(args.durability.level())
                .lock(options.clone())
                .wait(wait)
        };
        let lock = options.clone().sidecar(file);
        Edit { file, args, lock, at_once: document(Wait::No), patient: document(args.patience.wait()) }
    }

    /// Takes the lock, and says for whom we wait if that takes long.
    pub(crate) fn lock(&self) -> Result<Locked<'_, Content>, Failure> {
        let patience = &self.args.patience;
        let granted = waiting::take(std::slice::from_ref(&self.lock), patience.wait(), |wait| match wait {
            Wait::No => self.at_once.locked(),
            _ => self.patient.locked(),
        });
        granted.map_err(|error| patience.denied(&error, self.file, &self.lock, self.args.lock_dir.flag()))
    }

    /// Makes the content what `change` makes of it; an error of `change` leaves it as it is. It is called again if
    /// somebody who takes no lock changes the file meanwhile.
    pub(crate) fn apply(
        &self,
        locked: &mut Locked<'_, Content>,
        mut change: impl FnMut(Option<&[u8]>) -> Result<Vec<u8>, Failure>,
    ) -> Result<Written, Failure> {
        let written = locked.try_update(|content| {
            let new = change(content.as_deref()).map_err(Refusal::Ours)?;
            let changed = content.as_deref() != Some(&new);
            let written = Written { version: Version::of(&new).to_string(), bytes: new.len() as u64, changed };
            *content = Some(new);
            Ok(written)
        });
        written.map_err(|refusal| match refusal {
            Refusal::Stead(error) => Failure::creating(self.file, &error),
            Refusal::Ours(failure) => failure,
        })
    }
}

/// What becomes of a document that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It begins as `{}`.
    Create,
    /// There is nothing to change.
    Refuse,
}

/// Changes what the document in `file` says, and reports it.
pub(crate) fn change(
    file: &Path,
    args: &ChangeArgs,
    missing: Missing,
    out: &mut Printer,
    mut f: impl FnMut(&mut Value) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let edit = Edit::new(file, args, &args.lock_dir.options());
    let written = edit.apply(&mut edit.lock()?, |before| changed(file, before, missing, &mut f))?;
    args.report(file, &written, out)
}

fn changed(
    file: &Path,
    before: Option<&[u8]>,
    missing: Missing,
    f: &mut impl FnMut(&mut Value) -> Result<(), Failure>,
) -> Result<Vec<u8>, Failure> {
    let syntax = Syntax::of(file);
    let old = match before {
        Some(content) => syntax.decode(file, content)?,
        None if missing == Missing::Create => Value::Object(Map::new()),
        None => {
            let message = format!("failed to change {}: there is no such file", file.display());
            return Err(Failure::new(ExitCode::NoInput, message));
        }
    };
    let mut new = old.clone();
    f(&mut new)?;
    match before {
        // What says the same is not laid out anew.
        Some(content) if new == old => Ok(content.to_vec()),
        _ => syntax.encode(file, &new, before.unwrap_or_default()),
    }
}
