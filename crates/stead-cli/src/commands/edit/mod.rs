//! `stead edit`

mod drafts;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use stead::edit::{EDITOR_VARIABLES, EditSession, Editor};
use stead_console::editing::{Check, Editing, Leftovers, find_editor};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;
use stead_console::waiting::Patience;

use crate::cli::LockDir;

const VIA: &str = "stead edit";
const RECOVER: &str = "stead edit --recover";

/// Edit files under lock, without losing what the editor saved
#[derive(Args, Debug)]
#[command(after_help = "\
A second `stead edit` of a FILE waits, and is told who is in. Programs may change
it meanwhile: when the editor ends, its text is merged with theirs, line by line.
Where both changed the same lines, FILE stays as they left it and the draft has
both. If nothing was changed, nothing is written.

The editor works on a draft in a private folder ($XDG_STATE_HOME/stead/drafts, or
STEAD_DRAFTS); whatever it saves is kept there at once. If it ends with another
code than 0, is killed, or this command is, the draft is offered again.

The editor is --editor, or STEAD_EDITOR, VISUAL, EDITOR, or the first of nano, vim
and vi that is there; it is split as a shell would, and not run by one. One that
returns at once needs its flag to wait: --editor 'code --wait'.

--check runs CMD on a copy of what is to be saved, in the place of {} or as its
last argument, with STEAD_FILE in its environment. If it does not end with 0, you
can edit again, keep the draft, or save anyway; without a terminal, it is kept.

Examples:
  stead edit /etc/app.conf
  stead edit --check 'visudo -cf' /etc/sudoers.d/ops
  stead edit --editor 'code --wait' a.md b.md
  stead edit --list-drafts
  stead edit --recover a.md

Exit codes:
    the editor's own, or 128 + the signal that killed it
    0  done                  73  FILE cannot be created
    1  a conflict, the check did not approve, or there is no draft to recover
   64  the command line is wrong             74  reading or writing failed
   66  FILE is a folder, a FIFO or a device  75  busy (--no-wait)
   71  the system cannot do it               77  permission denied
   78  the editor that is configured cannot be used; it left a window open
  124  --wait elapsed       126, 127  the editor cannot be run, found")]
pub(crate) struct EditArgs {
    /// The files to edit; one that is missing is created
    #[arg(required_unless_present_any = ["recover", "list_drafts"])]
    files: Vec<PathBuf>,
    /// The editor and its arguments
    #[arg(long, value_name = "CMD")]
    editor: Option<OsString>,
    /// A command that approves of a text before it is saved
    #[arg(long, value_name = "CMD")]
    check: Option<String>,
    /// Go on with what earlier sessions left: of FILE, or of all files
    #[arg(long)]
    recover: bool,
    /// List the drafts that earlier sessions left, of FILE or of all files
    #[arg(long, conflicts_with_all = ["recover", "editor", "check", "wait", "no_wait"])]
    list_drafts: bool,
    /// Print the list as one JSON document, stead.drafts/1
    #[arg(long, requires = "list_drafts")]
    json: bool,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    lock_dir: LockDir,
}

pub(crate) fn run(args: &EditArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    if args.list_drafts {
        return drafts::list(&args.files, args.json, out);
    }
    let editor = find_editor(args.editor.as_deref(), &EDITOR_VARIABLES)?;
    let check = args.check.as_deref().map(Check::parse).transpose()?;
    let files = if args.recover { args.with_drafts()? } else { args.files.clone() };
    let editing = Editing {
        session: args.session(&files, editor),
        wait: args.patience.wait(),
        limit: args.patience.limit(),
        lock_dir: args.lock_dir.flag(),
        check: check.as_ref(),
        leftovers: if args.recover { Leftovers::TakeUp } else { Leftovers::Ask },
        recover_command: RECOVER,
        when_busy: None,
    };
    editing.run(out)
}

impl EditArgs {
    /// The files that there are drafts of.
    fn with_drafts(&self) -> Result<Vec<PathBuf>, Failure> {
        let drafts = drafts::of(&self.files)?;
        let left = drafts.iter().filter(|draft| !draft.is_in_session());
        let paths: BTreeSet<PathBuf> = left.map(|draft| draft.path().to_path_buf()).collect();
        if let ([draft, ..], true) = (&drafts[..], paths.is_empty()) {
            let message =
                format!("{} is being edited: its draft is not left over", plain(&draft.path().to_string_lossy()));
            return Err(Failure::new(ExitCode::Busy, message).with_hint("`stead who` and the file says who is in"));
        }
        if paths.is_empty() {
            return Err(Failure::new(ExitCode::No, "there is no draft to recover")
                .with_hint("`stead edit --list-drafts` lists those of all files"));
        }
        let as_named: Vec<PathBuf> =
            self.files.iter().filter(|file| paths.contains(&drafts::real(file))).cloned().collect();
        Ok(if as_named.is_empty() { paths.into_iter().collect() } else { as_named })
    }

    fn session(&self, files: &[PathBuf], editor: Editor) -> EditSession {
        let names: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        let command = format!("{} {}", editor.name(), names.join(" "));
        let options = self.lock_dir.options().command(command).via(VIA);
        files.iter().fold(EditSession::new().editor(editor).lock(options), EditSession::file)
    }
}
