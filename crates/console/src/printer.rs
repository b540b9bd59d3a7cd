//! The one place that prints: data on stdout, messages on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::log_format::{self, Level};
use crate::text::plain;

const NAME: Style = Style::new().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
/// Where the terminal does not say.
const COLUMNS: usize = 80;
/// See [`name_program`].
static PROGRAM: OnceLock<&str> = OnceLock::new();

/// Says which program this is, for what it prints. To be called by `main`, once, before anything is printed: only the
/// first name counts. A program that says nothing is `stead`.
pub fn name_program(name: &'static str) {
    PROGRAM.get_or_init(|| name);
}

/// The name that messages start with.
pub fn program() -> &'static str {
    PROGRAM.get().unwrap_or(&"stead")
}

/// What the progress line starts with.
fn start() -> String {
    format!("{}: ", program())
}

/// Prints. Styles in what it is given reach a terminal only, and not under `NO_COLOR`.
#[derive(Debug)]
pub struct Printer {
    /// Whether stderr is a terminal whose line can be rewritten.
    live: bool,
    /// How wide the terminal on stdout is, if it is one.
    width: Option<u16>,
    /// Nobody reads stdout any more: `stead ls | head`.
    closed: bool,
    /// How many columns the text of the progress line on the terminal takes now.
    progress: usize,
}

impl Printer {
    /// For the streams of this process.
    pub fn new() -> Printer {
        Printer {
            live: io::stderr().is_terminal()
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
                && !log_format::is_json(),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0),
            closed: false,
            progress: 0,
        }
    }

    /// One or more lines of data, on stdout. A reader that has gone away is no failure: the rest is not printed.
    pub fn data(&mut self, lines: impl Display) -> Result<(), Failure> {
        self.raw(format!("{lines}\n").as_bytes())
    }

    /// Text that is formatted already, on stdout.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(anstream::stdout().lock(), bytes)
    }

    /// Bytes as they are, on stdout, also those that a terminal takes for commands.
    pub fn exact(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(io::stdout().lock(), bytes)
    }

    /// Whether nobody reads stdout any more, as far as printing has shown.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn write(&mut self, mut out: impl Write, bytes: &[u8]) -> Result<(), Failure> {
        if self.closed || bytes.is_empty() {
            return Ok(());
        }
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => {
                return Err(Failure::new(ExitCode::Io, format!("failed to write to standard output: {error}")));
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// `PROGRAM: TEXT`, on stderr.
    pub fn message(&mut self, text: impl Display) {
        self.say(Level::Info, text, None);
    }

    /// A message, and what to do next, on stderr: two lines for people, one for [programs](log_format::LogFormat::Json).
    pub fn say(&mut self, level: Level, text: impl Display, hint: Option<&str>) {
        self.clear_progress();
        if log_format::is_json() {
            say(log_format::line(level, &text.to_string(), hint));
            return;
        }
        say(format_args!("{NAME}{}:{NAME:#} {text}\n", program()));
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// `hint: TEXT`, on stderr.
    pub fn hint(&mut self, text: impl Display) {
        self.clear_progress();
        if log_format::is_json() {
            say(log_format::line(Level::Info, &text.to_string(), None));
            return;
        }
        say(format_args!("{HINT}hint:{HINT:#} {text}\n"));
    }

    /// Why we end, and what next.
    pub fn failure(&mut self, failure: &Failure) {
        let hint = failure.hint.as_deref().map(plain);
        self.say(Level::Error, plain(&failure.message), hint.as_deref());
    }

    /// Text that is formatted already, on stderr: what clap says of a command line.
    pub fn usage(&mut self, text: impl Display) {
        self.clear_progress();
        if log_format::is_json() {
            let bare = anstream::adapter::strip_str(&text.to_string()).to_string();
            say(log_format::line(Level::Error, bare.trim(), None));
            return;
        }
        say(text);
    }

    /// Whether [`progress`](Printer::progress) has a terminal to rewrite its line on.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// How many columns [`progress`](Printer::progress) has for its text.
    pub fn room(&self) -> usize {
        if !self.live {
            return usize::MAX;
        }
        let columns = terminal_size::terminal_size_of(io::stderr()).map_or(COLUMNS, |(width, _)| width.0.into());
        columns.saturating_sub(start().len() + 1)
    }

    /// `PROGRAM: TEXT` in place of the last such line, on stderr, cut to the width of the terminal. Nothing where stderr
    /// is no terminal.
    pub fn progress(&mut self, text: impl Display) {
        if !self.live {
            return;
        }
        let text = text.to_string();
        let (text, width) = cut(&text, self.room());
        let blanks = self.progress.saturating_sub(width);
        self.progress = width;
        write_progress(&format!("\r{}{text}{:blanks$}", start(), ""));
    }

    /// Takes the progress line away.
    pub fn clear_progress(&mut self) {
        let width = std::mem::take(&mut self.progress);
        if width > 0 {
            write_progress(&format!("\r{:blanks$}\r", "", blanks = start().len() + width));
        }
    }

    /// How wide a table on stdout may be; `None` where stdout is no terminal.
    pub fn width(&self) -> Option<u16> {
        self.width
    }
}

impl Default for Printer {
    fn default() -> Printer {
        Printer::new()
    }
}

/// `PROGRAM: TEXT`, on stderr, and the cursor stays behind it.
pub(crate) fn prompt(text: impl Display) {
    say(format_args!("{NAME}{}:{NAME:#} {text}", program()));
}

/// Ends the line of a [`prompt`] for which nobody pressed Enter.
pub(crate) fn end_prompt() {
    say('\n');
}

/// In one piece, for others may be talking at the same time. Nobody can be told that stderr does not take a message.
fn say(text: impl Display) {
    let mut said = AutoStream::new(Vec::new(), anstream::stderr().current_choice());
    let _ = write!(said, "{text}").and_then(|()| io::stderr().lock().write_all(&said.into_inner()));
}

fn write_progress(text: &str) {
    let mut terminal = io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

/// The start of `text` that fits, and how many columns it takes.
fn cut(text: &str, columns: usize) -> (&str, usize) {
    let mut width = 0;
    for (at, character) in text.char_indices() {
        let wider = width + character.width().unwrap_or(0);
        if wider > columns {
            return (&text[..at], width);
        }
        width = wider;
    }
    (text, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_the_program_counts() {
        assert_eq!((program(), start().as_str()), ("stead", "stead: "));
        name_program("ponder");
        name_program("another");
        assert_eq!((program(), start().as_str()), ("ponder", "ponder: "));
    }

    #[test]
    fn a_line_is_cut_at_columns_not_bytes() {
        assert_eq!(cut("über", 3), ("übe", 3));
        assert_eq!(cut("über", 4), ("über", 4));
        assert_eq!(cut("鍵鍵鍵", 5), ("鍵鍵", 4));
        assert_eq!(cut("", 0), ("", 0));
    }
}
