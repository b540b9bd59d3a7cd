//! `ponder add`

use std::io::{self, IsTerminal};

use clap::Args;
use stead::atomic::{self, Appender, Version};
use stead_console::printer::Printer;
use stead_console::text::plain;
use stead_console::waiting::{self, Patience};
use stead_console::{input, messages};

use super::days::day;
use crate::cli::Common;
use crate::clock::Moment;
use crate::journal::{Entry, Journal};
use crate::template::{Template, heading};
use crate::writing::MODE;
use crate::{ExitCode, Failure, json};

/// How often an entry may come and go while something is added to it.
const TRIES: usize = 100;

/// Add to an entry without an editor, also while it is open in one
#[derive(Args, Debug)]
#[command(after_help = "\
The text goes to the end of the entry under a heading of the time, all of it or
nothing, and is on the disk when ponder returns. An entry that is open in an
editor gets it too: both are merged when the editor ends. Without TEXT, standard
input is added.

Examples:
  ponder add 'an idea'
  ponder add buy bread '#todo'
  ponder add -d yesterday 'it rained'
  fortune | ponder add

Exit codes:
    0  done                  73  the entry cannot be created
    1  there was nothing to add
   64  the command line is wrong
   66  PONDER_DIR is no folder
   71  the system cannot do it
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed
   78  wrong configuration")]
pub(crate) struct AddArgs {
    /// What to add [default: standard input]
    text: Vec<String>,
    /// Add to this day: 2026-11-21, 20261121, yesterday, 'last friday', '3 days ago'
    #[arg(short, long, value_name = "DATE")]
    date: Option<String>,
    #[command(flatten)]
    patience: Patience,
    /// Print one JSON document, ponder.write/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &AddArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let now = Moment::now();
    let day = args.date.as_deref().map_or(Ok(now.today()), |date| day(date, now))?;
    let settings = common.settings(out)?;
    let (journal, template) = (settings.journal()?, settings.template()?);
    let text = args.text(out)?;
    if text.trim_ascii().is_empty() {
        out.message("nothing to add: the text is empty");
        return Ok(ExitCode::No);
    }
    let entry = journal.entry(day)?;
    journal.prepare(&entry)?;
    let addition = Addition { journal: &journal, entry: &entry, patience: &args.patience };
    let created = addition.write(&text, &template, now, out)?;
    if args.json {
        out.data(json::written(&entry, created, text.len() as u64))?;
    } else {
        out.message(format_args!("added to {}", plain(&entry.path.to_string_lossy())));
    }
    Ok(ExitCode::Done)
}

impl AddArgs {
    /// What is to be added, without blank lines around it.
    fn text(&self, out: &mut Printer) -> Result<Vec<u8>, Failure> {
        if !self.text.is_empty() {
            return Ok(trimmed(self.text.join(" ").as_bytes()).to_vec());
        }
        if io::stdin().is_terminal() {
            out.message("write, and end with Ctrl-D on a line of its own");
        }
        Ok(trimmed(&input::read_all()?).to_vec())
    }
}

/// Without newlines at its end, and blank lines at its start.
fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    let text = &text[..end];
    let start = text.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or(text.len());
    &text[start..]
}

/// Where a text is added.
struct Addition<'a> {
    journal: &'a Journal,
    entry: &'a Entry,
    patience: &'a Patience,
}

impl Addition<'_> {
    /// Adds the text, durably; whether that began the entry. There is never half of a beginning, nor two.
    fn write(&self, text: &[u8], template: &Template, now: Moment, out: &mut Printer) -> Result<bool, Failure> {
        let session = [&heading(now), text].concat();
        for _ in 0..TRIES {
            match self.entry.path.metadata() {
                Ok(metadata) if metadata.len() > 0 => return self.append(&session, out).map(|()| false),
                Ok(_) if self.begin(template, &session, now, atomic::Options::new().if_match(Version::of(b"")))? => {
                    return Ok(true);
                }
                Err(_) if self.begin(template, &session, now, atomic::Options::new().no_clobber(true))? => {
                    return Ok(true);
                }
                // Somebody else has begun it, or removed it, just now.
                _ => {}
            }
        }
        let failure = Failure::new(ExitCode::Io, format!("{} comes and goes", self.entry.path.display()));
        Err(failure.with_hint("another program removes it again and again; nothing was added"))
    }

    /// Makes the entry whole, under the lock that those who change it take; `false`: it is no longer as it was.
    fn begin(
        &self,
        template: &Template,
        session: &[u8],
        now: Moment,
        condition: atomic::Options,
    ) -> Result<bool, Failure> {
        let content = [&template.beginning(self.entry.day, now), session, b"\n"].concat();
        let path = &self.entry.path;
        let lock = self.journal.locks().sidecar(path);
        let granted = waiting::take(std::slice::from_ref(&lock), self.patience.wait(), |wait| lock.lock(wait));
        let _guard = granted.map_err(|error| self.patience.denied(&error, path, &lock, None))?;
        match condition.mode(MODE).replace(path, &content) {
            Ok(_) => Ok(true),
            Err(error) if error.is_exists() || error.is_mismatch() => Ok(false),
            Err(error) => Err(Failure::creating(path, &error)),
        }
    }

    /// Adds to what is there.
    fn append(&self, session: &[u8], out: &mut Printer) -> Result<(), Failure> {
        let path = &self.entry.path;
        let lock = self.journal.locks().sidecar(path);
        let appender = Appender::with_lock(path, self.journal.locks());
        // What parts it from the text before; who comes in between parts it as well.
        let lines: Vec<&[u8]> = [&b""[..]].into_iter().chain(session.split(|byte| *byte == b'\n')).collect();
        let granted = waiting::take(std::slice::from_ref(&lock), self.patience.wait(), |wait| {
            appender.clone().wait(wait).append(&lines)
        });
        let done = granted.map_err(|error| self.patience.denied(&error, path, &lock, None))?;
        for kept in &done.kept {
            out.message(messages::torn_bytes(path, kept));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_around_a_text_are_not_added() {
        assert_eq!(trimmed(b"\n\n  a\n\nb \r\n\n"), b"  a\n\nb ");
        assert_eq!(trimmed(b"\n"), b"");
        assert_eq!(trimmed(b""), b"");
    }
}
