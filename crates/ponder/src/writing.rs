//! Entries open in an editor: which, how they are locked, and what happens where somebody else is writing.

use std::io;
use std::time::Duration;

use clap::Args;
use stead::edit::{Addition, EditSession, Editor};
use stead::lock::Wait;
use stead_console::duration::parse_duration;
use stead_console::editing::{Editing, Leftovers, WhenBusy};
use stead_console::printer::Printer;
use stead_console::terminal;

use crate::config::Settings;
use crate::journal::{Entry, Journal};
use crate::{ExitCode, Failure, print};

/// Permission bits of a new entry: a journal is nobody else's.
pub(crate) const MODE: u32 = 0o600;
/// Who holds the locks, for others who look.
const VIA: &str = "ponder";
const ANSWERS: [(char, &str); 3] = [('w', "wait"), ('r', "read"), ('l', "leave")];

/// `--wait DUR` or `--no-wait`
#[derive(Args, Debug)]
pub(crate) struct TurnFlags {
    /// Fail at once if somebody else is writing (75); the default where nobody can be asked
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
    /// Wait at most so long for somebody else to finish (124): 500ms, 30s, 1h30m; 0s is --no-wait
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    wait: Option<Duration>,
}

impl TurnFlags {
    pub(crate) fn is_given(&self) -> bool {
        self.no_wait || self.wait.is_some()
    }

    /// How long is told to wait.
    fn limit(&self) -> Option<Duration> {
        self.wait.filter(|wait| !wait.is_zero())
    }
}

/// An entry to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) entry: Entry,
    /// What it has at its end when the editor starts, and does not keep if nothing else was written.
    pub(crate) addition: Option<Addition>,
}

/// What is to be written into, and how.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) settings: &'a Settings,
    pub(crate) pages: Vec<Page>,
    pub(crate) editor: Editor,
    pub(crate) turn: &'a TurnFlags,
    pub(crate) leftovers: Leftovers,
}

impl Writing<'_> {
    /// Locks all entries or none, runs the editor on them, and puts in place what it saved.
    pub(crate) fn run(&self, out: &mut Printer) -> Result<ExitCode, Failure> {
        for page in &self.pages {
            self.journal.prepare(&page.entry)?;
        }
        let limit = self.turn.limit();
        let when_busy = |busy: &Failure| self.when_busy(busy);
        let editing = Editing {
            session: self.session(),
            wait: limit.map_or(Wait::No, Wait::from),
            limit: limit.unwrap_or_default(),
            lock_dir: Some(&self.journal.lock_folder()),
            check: None,
            leftovers: self.leftovers,
            recover_command: &self.settings.command("recover"),
            when_busy: limit.is_none().then_some(&when_busy),
        };
        editing.run(out)
    }

    fn session(&self) -> EditSession {
        let days: Vec<String> = self.pages.iter().map(|page| crate::dates::dashed(page.entry.day)).collect();
        let command = format!("{} {}", self.editor.name(), days.join(" "));
        let locks = self.journal.locks().command(command).via(VIA);
        let session = EditSession::new().editor(self.editor.clone()).lock(locks).mode(MODE);
        self.pages.iter().fold(session, |session, page| match &page.addition {
            Some(addition) => session.file_with(&page.entry.path, addition.clone()),
            None => session.file(&page.entry.path),
        })
    }

    /// What to do while somebody else is writing, who is named in `busy`.
    fn when_busy(&self, busy: &Failure) -> Result<WhenBusy, Failure> {
        let (show, add) = (self.settings.command("show"), self.settings.command("add"));
        let busy = busy.clone().with_hint(format!("wait with --wait 30s, read with `{show}`, add to it with `{add}`"));
        if self.turn.is_given() || !terminal::is_interactive() {
            return Err(busy);
        }
        let mut out = Printer::new();
        out.failure(&busy);
        let answer = terminal::ask("what now:", &ANSWERS).map_err(|error| unreadable(&error))?;
        match answer {
            Some('w') => Ok(WhenBusy::Wait),
            Some('r') => self.read(&mut out).map(WhenBusy::End),
            _ => Ok(WhenBusy::End(ExitCode::Busy)),
        }
    }

    /// Prints what is saved of the entries.
    fn read(&self, out: &mut Printer) -> Result<ExitCode, Failure> {
        let entries = self.pages.iter().map(|page| &page.entry).filter(|entry| entry.path.exists());
        let there: Vec<Entry> = entries.cloned().collect();
        if there.is_empty() {
            out.message("nothing is saved yet");
        }
        print::entries(&there, out)?;
        Ok(ExitCode::Done)
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(ExitCode::Io, format!("failed to read the answer: {error}"))
}
