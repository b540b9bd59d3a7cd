//! `ponder/config.toml`

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::journal::Layout;
use crate::{ExitCode, Failure};

/// What can be configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The folder of the journal.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) editor: Option<String>,
    /// The file that new entries begin with.
    pub(crate) template: Option<PathBuf>,
    pub(crate) layout: Option<Layout>,
}

impl File {
    /// The configuration at `path`; without a file, an empty one.
    pub(crate) fn read(path: &Path) -> Result<File, Failure> {
        let text = match std::fs::read(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(File::default());
            }
            read => read.map_err(|error| {
                Failure::system("read the configuration", path, &error).with_code(ExitCode::Configuration)
            })?,
        };
        File::parse(&text).map_err(|wrong| {
            let place = wrong.line.map_or_else(String::new, |line| format!(", line {line}"));
            Failure::new(
                ExitCode::Configuration,
                format!("the configuration {}{place} is wrong: {}", path.display(), wrong.what),
            )
            .with_hint("it may have dir, editor, template and layout (\"tree\", \"dashed\" or \"compact\")")
        })
    }

    fn parse(text: &[u8]) -> Result<File, Wrong> {
        let text = std::str::from_utf8(text).map_err(|error| Wrong {
            line: Some(line_of(text, error.valid_up_to())),
            what: "it is not UTF-8".to_owned(),
        })?;
        let file: File = toml_edit::de::from_str(text).map_err(|error| Wrong {
            line: error.span().map(|span| line_of(text.as_bytes(), span.start)),
            what: error.message().trim_end().replace('\n', "; "),
        })?;
        let paths = [("dir", &file.dir), ("template", &file.template)];
        let unclear = paths.into_iter().find(|(_, path)| path.as_deref().is_some_and(is_unclear)).map(|(key, _)| key);
        match unclear {
            Some(key) => {
                Err(Wrong { line: None, what: format!("`{key}` is no path: name a folder, or begin with ~/") })
            }
            None => Ok(file),
        }
    }
}

/// Nothing, or the home of somebody else, which no shell is here to look up.
fn is_unclear(path: &Path) -> bool {
    let first = path.components().next().map(|first| first.as_os_str().to_string_lossy().into_owned());
    first.is_none_or(|first| first.starts_with('~') && first != "~")
}

/// What is wrong with a configuration, and in which line.
#[derive(Debug)]
struct Wrong {
    line: Option<usize>,
    what: String,
}

/// The number of the line that this offset is in.
fn line_of(text: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..at.min(text.len())]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_wrong(text: &[u8], line: usize, what: &str) {
        let wrong = File::parse(text).unwrap_err();
        assert_eq!(wrong.line, Some(line), "{wrong:?}");
        assert!(wrong.what.contains(what), "{wrong:?}");
    }

    #[test]
    fn all_fields_are_read() {
        let file = File::parse(b"dir = '/j'\neditor = 'code -w'\ntemplate = 't.md'\nlayout = 'dashed'\n").unwrap();
        assert_eq!(file.layout, Some(Layout::Dashed));
        assert_eq!((file.dir, file.template), (Some("/j".into()), Some("t.md".into())));
        assert_eq!(File::parse(b"").unwrap(), File::default());
    }

    #[test]
    fn what_is_wrong_is_told_by_line() {
        is_wrong(b"dir = '/j'\ndri = 1\n", 2, "unknown field `dri`");
        is_wrong(b"\n\neditor = 3\n", 3, "invalid type: integer");
        is_wrong(b"layout = 'flat'\n", 1, "unknown variant `flat`");
        is_wrong(b"# x\ndir = \n", 2, "");
        is_wrong(b"dir = 'a'\ndir = 'b'\n", 2, "duplicate key");
        is_wrong(b"#\n#\xff\n", 2, "not UTF-8");
        is_wrong(b"[x]\n", 1, "unknown field `x`");
    }

    #[test]
    fn a_path_that_names_nothing_is_wrong() {
        for text in [&b"dir = ''\n"[..], b"dir = '~ann/j'\n", b"template = ''\n"] {
            assert!(File::parse(text).unwrap_err().what.contains("is no path"), "{text:?}");
        }
        assert!(File::parse(b"dir = '~/j'\ntemplate = '~'\n").is_ok());
    }

    #[test]
    fn a_configuration_that_is_not_there_is_empty_and_one_that_cannot_be_read_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(File::read(&folder.path().join("c.toml")).unwrap(), File::default());
        assert_eq!(File::read(folder.path()).unwrap_err().code, ExitCode::Configuration);
    }
}
