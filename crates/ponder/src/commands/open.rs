//! `ponder`

use clap::Args;
use jiff::civil::Date;
use stead::edit::Addition;
use stead_console::editing::Leftovers;
use stead_console::printer::Printer;

use super::days::day;
use crate::cli::Common;
use crate::clock::Moment;
use crate::editor::EditorFlag;
use crate::journal::{Entry, Journal};
use crate::template::{Template, heading};
use crate::writing::{Page, TurnFlags, Writing};
use crate::{ExitCode, Failure, span};

/// What opens entries.
#[derive(Args, Debug)]
pub(crate) struct OpenArgs {
    /// Open the entries of the last seven days, without today
    #[arg(short, long, conflicts_with_all = ["reminisce", "date"])]
    retro: bool,
    /// Open the entries of one, three and six months ago, and of this day in each year before
    #[arg(short = 'm', long, conflicts_with = "date")]
    reminisce: bool,
    /// Open this day: 2026-11-21, 20261121, yesterday, 'last friday', '3 days ago'
    #[arg(short, long, value_name = "DATE")]
    date: Option<String>,
    #[command(flatten)]
    editor: EditorFlag,
    #[command(flatten)]
    turn: TurnFlags,
}

impl OpenArgs {
    /// Whether any of it is on the command line.
    pub(crate) fn is_given(&self) -> bool {
        self.retro || self.reminisce || self.date.is_some() || self.editor.is_given() || self.turn.is_given()
    }
}

pub(crate) fn run(args: &OpenArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    // Midnight may pass while the editor is open: the day is that of the start.
    let now = Moment::now();
    let wanted = args.date.as_deref().map_or(Ok(now.today()), |date| day(date, now))?;
    let settings = common.settings(out)?;
    let editor = args.editor.choose(&settings)?;
    common.say(out, || format!("the editor is {} ({})", editor.program().display(), editor.source()));
    let journal = settings.journal()?;
    let pages = match (args.retro, args.reminisce) {
        (true, _) => existing(&journal, span::retro(now.today()), "the last seven days")?,
        (_, true) => {
            existing(&journal, reminisced(&journal, now.today())?, "these days of the months and years before")?
        }
        _ => vec![page_of(journal.entry(wanted)?, settings.template()?, now)],
    };
    let writing =
        Writing { journal: &journal, settings: &settings, pages, editor, turn: &args.turn, leftovers: Leftovers::Ask };
    writing.run(out)
}

/// The entry of one day, with the heading of a session. Both are made once it is locked: somebody else may have begun it
/// while we waited for him.
fn page_of(entry: Entry, template: Template, started: Moment) -> Page {
    let day = entry.day;
    let addition = Addition::of(move |text| {
        let now = Some(Moment::now()).filter(|now| now.today() == started.today()).unwrap_or(started);
        let mut addition = if text.is_empty() { template.beginning(day, now) } else { Vec::new() };
        addition.extend(heading(now));
        addition
    });
    Page { entry, addition: Some(addition) }
}

/// The entries that there are of these days, as they are.
fn existing(journal: &Journal, days: Vec<Date>, which: &str) -> Result<Vec<Page>, Failure> {
    let entries = journal.entries_of_all(days)?;
    if entries.is_empty() {
        return Err(Failure::new(ExitCode::No, format!("no entries of {which} in {}", journal.folder().display()))
            .with_hint("`ponder list` shows which there are"));
    }
    Ok(entries.into_iter().map(|entry| Page { entry, addition: None }).collect())
}

fn reminisced(journal: &Journal, today: Date) -> Result<Vec<Date>, Failure> {
    let first = journal.entries()?.entries.first().map_or(today, |entry| entry.day);
    Ok(span::reminisce(today, first.year()))
}
