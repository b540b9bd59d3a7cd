//! How messages are printed: for people, or for programs.

use std::sync::OnceLock;

use clap::ValueEnum;
use serde_json::{Map, Value};

/// See [`set_log_format`].
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How messages on stderr are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `PROGRAM: TEXT`, and `hint: TEXT`
    #[default]
    Text,
    /// One JSON object a line: {"level":"info","message":"...","hint":"..."}
    Json,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Said only where details were asked for.
    Debug,
    /// As it should be.
    Info,
    /// Done, but there is something to know.
    Warning,
    /// Not done.
    Error,
}

/// Says how all messages of this process are printed. To be called once, before anything is printed: only the first
/// format counts.
pub fn set_log_format(format: LogFormat) {
    FORMAT.get_or_init(|| format);
}

/// Whether messages are for programs. Nobody is asked then, and no line is rewritten.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// The line of a message for programs, with its newline.
pub(crate) fn line(level: Level, message: &str, hint: Option<&str>) -> String {
    let mut fields = Map::new();
    fields.insert("level".to_owned(), level.name().into());
    fields.insert("message".to_owned(), message.into());
    if let Some(hint) = hint {
        fields.insert("hint".to_owned(), hint.into());
    }
    format!("{}\n", Value::Object(fields))
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(line(Level::Info, "a \"b\"\nc", None), "{\"level\":\"info\",\"message\":\"a \\\"b\\\"\\nc\"}\n");
        let with_hint = "{\"level\":\"error\",\"message\":\"m\",\"hint\":\"h\"}\n";
        assert_eq!(line(Level::Error, "m", Some("h")), with_hint);
    }
}
