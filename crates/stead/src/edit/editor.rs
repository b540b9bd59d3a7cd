//! Which editor.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// The environment variables that name an editor, the first that is set and not empty.
pub const EDITOR_VARIABLES: [&str; 3] = ["STEAD_EDITOR", "VISUAL", "EDITOR"];

const STEP: &str = "choose an editor by";
/// Editors that begin at the line N of the file that follows `+N`, or at the last one if there are not so many.
const TAKE_LINE: [&str; 14] =
    ["vi", "vim", "nvim", "nvi", "vis", "elvis", "nano", "pico", "emacs", "emacsclient", "micro", "joe", "mg", "kak"];

/// A command that edits files, and who named it.
///
/// ```
/// use stead::edit::Editor;
///
/// let editor = Editor::parse("code --wait")?;
/// assert_eq!(editor.program(), "code");
/// # Ok::<(), stead::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// The program and its arguments; the files come last.
    words: Vec<OsString>,
    source: String,
}

impl Editor {
    /// The editor of this command line, which is split as a shell would split it, and never run through one. On Windows
    /// words end at blanks outside of double quotes, and a backslash is a backslash.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) where a quote is left open, or there is no word.
    pub fn parse(command: impl AsRef<OsStr>) -> Result<Editor> {
        Editor::named(command.as_ref(), "the command")
    }

    /// The editor that `argument` names; or the first of these environment variables that is set and not empty; or the
    /// first of nano, vim and vi (notepad on Windows) that is there.
    ///
    /// # Errors
    /// As [`parse`](Editor::parse); [`NotFound`](ErrorKind::NotFound) where none is named and none is there.
    pub fn find(argument: Option<&OsStr>, variables: &[&str]) -> Result<Editor> {
        if let Some(command) = argument {
            return Editor::named(command, "the argument");
        }
        let named =
            variables.iter().find_map(|name| Some((name, env::var_os(name).filter(|value| !value.is_empty())?)));
        if let Some((name, command)) = named {
            return Editor::named(&command, &format!("${name}"));
        }
        let there = sys::EDITORS.iter().find(|name| sys::is_command(OsStr::new(name)));
        let Some(name) = there else {
            let known = sys::EDITORS.join(", ");
            return Err(Error::new(ErrorKind::NotFound, STEP, Path::new("PATH"))
                .with_hint(format!("there is none of {known}: name one in EDITOR, such as EDITOR='code --wait'")));
        };
        Ok(Editor { words: vec![name.into()], source: format!("the first of {}", sys::EDITORS.join(", ")) })
    }

    fn named(command: &OsStr, source: &str) -> Result<Editor> {
        let words = sys::split_command(command);
        let wrong = |what: &str| {
            let shown = format!("{source}: {}", command.to_string_lossy());
            Err(Error::found(ErrorKind::InvalidInput, STEP, Path::new(&shown), what)
                .with_hint("name a program and its arguments, such as EDITOR='code --wait'; nothing was touched"))
        };
        match words {
            None => wrong("a quote is left open"),
            Some(words) if words.first().is_none_or(|program| program.is_empty()) => wrong("it names no program"),
            Some(words) => Ok(Editor { words, source: source.to_owned() }),
        }
    }

    /// The program, as it was named.
    pub fn program(&self) -> &OsStr {
        self.words.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// The program's name without its folder, for messages.
    pub fn name(&self) -> String {
        let program = Path::new(self.program());
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
    }

    /// Who named it: `the argument`, `$VISUAL`, `the first of nano, vim, vi`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The arguments that come before the files.
    pub fn arguments(&self) -> &[OsString] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The command that edits these files, the first from this line on if the editor is known to take `+LINE`.
    pub(crate) fn command<'a>(&self, files: impl IntoIterator<Item = &'a Path>, line: Option<usize>) -> Command {
        let line = line.filter(|_| TAKE_LINE.contains(&self.name().as_str())).map(|line| format!("+{line}"));
        let mut command = Command::new(self.program());
        command.args(self.arguments()).args(line).args(files);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<String> {
        let editor = Editor::parse(command).unwrap();
        editor.words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn trap_46_an_editor_may_have_arguments() {
        assert_eq!(words("code -w"), ["code", "-w"]);
        assert_eq!(words("  emacs   -nw "), ["emacs", "-nw"]);
    }

    #[cfg(unix)]
    #[test]
    fn trap_46_a_command_is_split_as_a_shell_would_and_not_run_by_one() {
        assert_eq!(words(r#"'my editor' --title "a b" c\ d"#), ["my editor", "--title", "a b", "c d"]);
        assert_eq!(words("vi; rm -rf $HOME `x` *"), ["vi;", "rm", "-rf", "$HOME", "`x`", "*"]);
    }

    #[cfg(windows)]
    #[test]
    fn trap_46_a_backslash_is_part_of_a_path() {
        assert_eq!(words(r#""C:\Program Files\e.exe" -w C:\a"#), [r"C:\Program Files\e.exe", "-w", r"C:\a"]);
    }

    #[test]
    fn an_editor_that_can_begins_at_a_line() {
        let arguments = |editor: &str, line| {
            let command = Editor::parse(editor).unwrap().command([Path::new("f")], line);
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(arguments("/usr/bin/vim -n", Some(7)), ["-n", "+7", "f"]);
        assert_eq!(arguments("vim", None), ["f"]);
        assert_eq!(arguments("sed -i s/a/b/", Some(7)), ["-i", "s/a/b/", "f"]);
    }

    #[test]
    fn what_names_no_editor_is_refused() {
        for bad in ["\"vim", "", "  ", "\"\"", "\"\" x"] {
            let error = Editor::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
            assert!(error.hint().unwrap().contains("nothing was touched"));
        }
    }
}
