//! `ponder recover`

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use stead::edit::{Draft, drafts, drafts_folder};
use stead_console::editing::Leftovers;
use stead_console::printer::Printer;

use super::days::day;
use crate::cli::Common;
use crate::clock::Moment;
use crate::dates::dashed;
use crate::editor::EditorFlag;
use crate::journal::{Entry, Journal, day_of};
use crate::writing::{Page, TurnFlags, Writing};
use crate::{ExitCode, Failure, clock, json, print};

/// Go on with drafts that are not in their entries
#[derive(Args, Debug)]
#[command(after_help = "\
A draft is left by an editor that failed, a session that was killed, a full disk,
or a conflict. The newest of each entry is merged with what is in the entry now
and opened in the editor; when it ends, it is saved as always.

Examples:
  ponder recover --list
  ponder recover
  ponder recover 2026-11-21

Exit codes:
    0  done                  75  in use by somebody else
    1  there is no draft, or it is one still
   64  DATE is wrong         77  permission denied
   66  PONDER_DIR is no folder
   74  reading or writing failed            78  wrong configuration
  124  --wait elapsed       126, 127  the editor cannot be run, found
  The editor's own where it failed, or 128 + the signal that killed it")]
pub(crate) struct RecoverArgs {
    /// 2026-11-21, yesterday, last friday, or the path of an entry [default: every day that has a draft]
    date: Vec<String>,
    /// List the drafts, the newest first
    #[arg(long)]
    list: bool,
    /// List them as JSON, a document for each draft, ponder.draft/1
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    editor: EditorFlag,
    #[command(flatten)]
    turn: TurnFlags,
}

pub(crate) fn run(args: &RecoverArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let wanted = wanted(&args.date)?;
    let settings = common.settings(out)?;
    let journal = settings.journal()?;
    let drafts = drafts_of(&journal, wanted)?;
    if drafts.is_empty() {
        let of = wanted.map_or_else(String::new, |day| format!(" of {}", dashed(day)));
        out.message(format_args!("no drafts{of}: all that was saved is in the journal"));
        return Ok(ExitCode::No);
    }
    if args.list || args.json {
        return list(&drafts, args.json, out);
    }
    let editor = args.editor.choose(&settings)?;
    let (pages, turn, leftovers) = (pages(&journal, &drafts), &args.turn, Leftovers::TakeUp);
    Writing { journal: &journal, settings: &settings, pages, editor, turn, leftovers }.run(out)
}

/// The day whose drafts are meant; `None`: all.
fn wanted(words: &[String]) -> Result<Option<Date>, Failure> {
    match words {
        [] => Ok(None),
        // As hints name it.
        [word] if word.contains(std::path::is_separator) && day_of(Path::new(word)).is_some() => {
            Ok(day_of(Path::new(word)))
        }
        words => day(&words.join(" "), Moment::now()).map(Some),
    }
}

fn list(drafts: &[Draft], json: bool, out: &mut Printer) -> Result<ExitCode, Failure> {
    for draft in drafts {
        if json {
            out.data(json::draft(draft, day_of(draft.path())))?;
        } else {
            out.data(line(draft))?;
        }
    }
    Ok(ExitCode::Done)
}

/// The day, when it was saved, how long it is, and where.
fn line(draft: &Draft) -> String {
    let day = day_of(draft.path()).map_or_else(|| "?".to_owned(), dashed);
    let lines = draft.content().map_or(0, |content| memchr::memchr_iter(b'\n', &content).count());
    let state = match (draft.is_in_use(), draft.is_conflict()) {
        (true, _) => " being written",
        (false, true) => " conflict",
        (false, false) => "",
    };
    let (saved, lines) = (clock::shown(draft.saved()), print::counted(lines, "line", "lines"));
    format!("{}  saved {saved}  {lines}{state}  {}", print::day(&day), draft.draft().display())
}

/// The drafts of entries of this journal, the newest first.
fn drafts_of(journal: &Journal, wanted: Option<Date>) -> Result<Vec<Draft>, Failure> {
    // Drafts name the real paths of their files.
    let Ok(folder) = journal.folder().canonicalize() else { return Ok(Vec::new()) };
    let is_wanted = |draft: &Draft| {
        let day = day_of(draft.path());
        draft.path().starts_with(&folder) && day.is_some() && wanted.is_none_or(|wanted| day == Some(wanted))
    };
    Ok(drafts(drafts_folder()?)?.into_iter().filter(is_wanted).collect())
}

/// The entries of these drafts in the order of their days. Those that somebody writes into now are left to him, unless
/// there are no others: then it is said who he is.
fn pages(journal: &Journal, drafts: &[Draft]) -> Vec<Page> {
    let are_all_in_use = drafts.iter().all(Draft::is_in_use);
    let is_ours = |draft: &&Draft| are_all_in_use || !draft.is_in_use();
    let entry = |draft: &Draft| Some(Entry { day: day_of(draft.path())?, path: named(journal, draft.path()) });
    let mut entries: Vec<Entry> = drafts.iter().filter(is_ours).filter_map(entry).collect();
    entries.sort_unstable();
    entries.dedup();
    entries.into_iter().map(|entry| Page { entry, addition: None }).collect()
}

/// The path as the user named the journal.
fn named(journal: &Journal, real: &Path) -> PathBuf {
    let folder = journal.folder().canonicalize().unwrap_or_default();
    real.strip_prefix(folder).map_or_else(|_| real.to_path_buf(), |below| journal.folder().join(below))
}
