//! The one place that prints: data on stdout, messages on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::table::plain;

const NAME: Style = Style::new().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
/// Where the terminal does not say.
const COLUMNS: usize = 80;
/// What the progress line starts with.
const START: &str = "stead: ";

/// Prints. Styles in what it is given reach a terminal only, and not under `NO_COLOR`.
#[derive(Debug)]
pub(crate) struct Printer {
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
    pub(crate) fn new() -> Printer {
        Printer {
            live: io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0),
            closed: false,
            progress: 0,
        }
    }

    /// One or more lines of data, on stdout. A reader that has gone away is no failure: the rest is not printed.
    pub(crate) fn data(&mut self, lines: impl Display) -> Result<(), Failure> {
        self.raw(format!("{lines}\n").as_bytes())
    }

    /// Text that is formatted already, on stdout.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(anstream::stdout().lock(), bytes)
    }

    /// Bytes as they are, on stdout, also those that a terminal takes for commands.
    pub(crate) fn exact(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(io::stdout().lock(), bytes)
    }

    /// Whether nobody reads stdout any more, as far as printing has shown.
    pub(crate) fn is_closed(&self) -> bool {
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

    /// `stead: TEXT`, on stderr.
    pub(crate) fn message(&mut self, text: impl Display) {
        self.clear_progress();
        say(format_args!("{NAME}stead:{NAME:#} {text}\n"));
    }

    /// `hint: TEXT`, on stderr.
    pub(crate) fn hint(&mut self, text: impl Display) {
        self.clear_progress();
        say(format_args!("{HINT}hint:{HINT:#} {text}\n"));
    }

    /// Why we end, and what next.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.message(plain(&failure.message));
        if let Some(hint) = &failure.hint {
            self.hint(plain(hint));
        }
    }

    /// Text that is formatted already, on stderr: what clap says of a command line.
    pub(crate) fn usage(&mut self, text: impl Display) {
        self.clear_progress();
        say(text);
    }

    /// Whether [`progress`](Printer::progress) has a terminal to rewrite its line on.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// How many columns [`progress`](Printer::progress) has for its text.
    pub(crate) fn room(&self) -> usize {
        if !self.live {
            return usize::MAX;
        }
        let columns = terminal_size::terminal_size_of(io::stderr()).map_or(COLUMNS, |(width, _)| width.0.into());
        columns.saturating_sub(START.len() + 1)
    }

    /// `stead: TEXT` in place of the last such line, on stderr, cut to the width of the terminal. Nothing where stderr
    /// is no terminal.
    pub(crate) fn progress(&mut self, text: impl Display) {
        if !self.live {
            return;
        }
        let text = text.to_string();
        let (text, width) = cut(&text, self.room());
        let blanks = self.progress.saturating_sub(width);
        self.progress = width;
        write_progress(&format!("\r{START}{text}{:blanks$}", ""));
    }

    /// Takes the progress line away.
    pub(crate) fn clear_progress(&mut self) {
        let width = std::mem::take(&mut self.progress);
        if width > 0 {
            write_progress(&format!("\r{:blanks$}\r", "", blanks = START.len() + width));
        }
    }

    /// How wide a table on stdout may be; `None` where stdout is no terminal.
    pub(crate) fn width(&self) -> Option<u16> {
        self.width
    }
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
    fn a_line_is_cut_at_columns_not_bytes() {
        assert_eq!(cut("über", 3), ("übe", 3));
        assert_eq!(cut("über", 4), ("über", 4));
        assert_eq!(cut("鍵鍵鍵", 5), ("鍵鍵", 4));
        assert_eq!(cut("", 0), ("", 0));
    }
}
