//! Which editor is run.

use std::ffi::OsString;

use clap::Args;
use stead::edit::{EDITOR_VARIABLES, Editor};
use stead_console::editing::find_editor;
use stead_console::platform::check_command;

use crate::config::{EDITOR_VARIABLE, Settings, variable};
use crate::{ExitCode, Failure};

/// `--editor`
#[derive(Args, Debug)]
pub(crate) struct EditorFlag {
    #[arg(
        long,
        value_name = "CMD",
        help = "The editor, split as a shell would split it, and run without one [env: PONDER_EDITOR]"
    )]
    editor: Option<OsString>,
}

impl EditorFlag {
    pub(crate) fn is_given(&self) -> bool {
        self.editor.is_some()
    }

    /// The editor that is meant, which can be run: it is looked at before anything is locked.
    pub(crate) fn choose(&self, settings: &Settings) -> Result<Editor, Failure> {
        if self.editor.is_some() || variable(EDITOR_VARIABLE).is_some() {
            return find_editor(self.editor.as_deref(), &[EDITOR_VARIABLE]);
        }
        let Some((command, file)) = settings.editor.as_ref().filter(|(command, _)| !command.is_empty()) else {
            return find_editor(None, &EDITOR_VARIABLES);
        };
        let by = |failure: Failure| {
            let message = format!("{}, named by {}", failure.message, file.display());
            Failure { message, ..failure }
        };
        let editor =
            Editor::parse(command).map_err(|error| by(Failure::from(error).with_code(ExitCode::Configuration)))?;
        check_command(editor.program()).map_err(by)?;
        Ok(editor)
    }
}
