//! A command that is to approve of a text before it is saved, as visudo asks for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use stead::atomic::Options;
use stead::edit::{Editor, Pending, Session};

use super::Editing;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::platform::{self, Ended};
use crate::printer::Printer;
use crate::terminal;
use crate::text::plain;

/// What stands for the file to be looked at; without it, the file is the last argument.
const PLACE: &str = "{}";
/// What the check is told of the file that is to be saved.
const FILE_VARIABLE: &str = "STEAD_FILE";

/// A command line that ends with 0 for a text that is good.
#[derive(Debug, Clone)]
pub struct Check {
    command: Editor,
}

pub(super) enum Verdict {
    Save,
    /// This and nothing else.
    SaveChecked(Vec<Pending>),
    Keep,
    EditAgain,
}

impl Check {
    /// A command line, split as a shell would; it can be run.
    ///
    /// # Errors
    /// 64, 126 and 127 as for a command that is named on the command line.
    pub fn parse(line: &str) -> Result<Check, Failure> {
        let command = Editor::parse(line).map_err(|error| Failure::from(error).with_code(ExitCode::Usage))?;
        platform::check_command(command.program())
            .map_err(|failure| Failure { message: format!("{}, named by --check", failure.message), ..failure })?;
        Ok(Check { command })
    }

    /// Whether the content is good for the file.
    fn approves(&self, file: &Path, content: &[u8]) -> Result<bool, Failure> {
        let fail = |error| Failure::system("prepare the check of", file, &error);
        let folder = platform::private_folder("stead-check-").map_err(fail)?;
        let copy = folder.path().join(file.file_name().unwrap_or_default());
        Options::new().durability(stead::atomic::Durability::None).mode(0o600).replace(&copy, content)?;
        let mut command = Command::new(self.command.program());
        command.args(self.arguments(&copy)).env(FILE_VARIABLE, file);
        let ended = platform::run(&mut command, |_| ())
            .map_err(|error| platform::not_started(self.command.program(), &error))?;
        Ok(ended == Ended::Code(0))
    }

    fn arguments(&self, copy: &PathBuf) -> Vec<OsString> {
        let place = |word: &OsString| if word == PLACE { copy.clone().into_os_string() } else { word.clone() };
        let mut arguments: Vec<OsString> = self.command.arguments().iter().map(place).collect();
        if arguments == self.command.arguments() {
            arguments.push(copy.into());
        }
        arguments
    }
}

impl Editing<'_> {
    /// Whether the drafts may be put in place.
    pub(super) fn judge(&self, session: &Session, out: &mut Printer) -> Result<Verdict, Failure> {
        let Some(check) = self.check else { return Ok(Verdict::Save) };
        let pending = match session.pending() {
            Ok(pending) => pending,
            Err(error) => {
                out.failure(&Failure::from(error));
                return Ok(Verdict::Keep);
            }
        };
        let mut refused = Vec::new();
        for Pending { path, content, .. } in &pending {
            if let Some(content) = content
                && !check.approves(path, content)?
            {
                refused.push(path);
            }
        }
        if refused.is_empty() {
            return Ok(Verdict::SaveChecked(pending));
        }
        for path in &refused {
            out.message(plain(&format!("the check does not approve of what is to be in {}", path.display())));
        }
        if !terminal::is_interactive() {
            return Ok(Verdict::Keep);
        }
        let answers = [('e', "edit again"), ('k', "keep the draft and leave the file"), ('s', "save anyway")];
        Ok(match terminal::ask("what now:", &answers).map_err(|error| crate::input::unreadable(&error))? {
            Some('e') => Verdict::EditAgain,
            Some('s') => Verdict::Save,
            _ => Verdict::Keep,
        })
    }
}
