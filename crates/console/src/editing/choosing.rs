//! The editor, before anything is touched.

use std::ffi::OsStr;

use stead::ErrorKind;
use stead::edit::Editor;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::platform;

/// The editor that a flag names, or one of these environment variables, or one that is there; and it can be run.
///
/// # Errors
/// 64 for a flag that cannot be understood, 78 for a variable; 127 and 126 where there is no such program, or it cannot be
/// run.
pub fn find_editor(flag: Option<&OsStr>, variables: &[&str]) -> Result<Editor, Failure> {
    let editor = Editor::find(flag, variables).map_err(|error| {
        let code = match error.kind() {
            ErrorKind::NotFound => ExitCode::CommandNotFound,
            _ if flag.is_some() => ExitCode::Usage,
            _ => ExitCode::Configuration,
        };
        match error.kind() {
            ErrorKind::NotFound => {
                Failure::new(code, "no editor is named, and none is found").with_hint(error.hint().unwrap_or_default())
            }
            _ => Failure::from(error).with_code(code),
        }
    })?;
    let source = if flag.is_some() { "--editor" } else { editor.source() };
    platform::check_command(editor.program())
        .map_err(|failure| Failure { message: format!("{}, named by {source}", failure.message), ..failure })?;
    Ok(editor)
}
