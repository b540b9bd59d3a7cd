//! Why the doctor could not go on.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a test, or the whole examination, ended without an answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Ctrl-C or another signal that asks to end.
    Interrupted,
    /// A step failed for lack of space, which says nothing about the filesystem's promises.
    NoRoom(String),
    /// A step failed; reads as a sentence.
    Failed(String),
}

impl Trouble {
    pub(super) fn failed(text: impl Into<String>) -> Trouble {
        Trouble::Failed(text.into())
    }

    /// For `map_err`: says which step failed on which path.
    pub(super) fn at(step: &str, path: &Path) -> impl FnOnce(io::Error) -> Trouble {
        move |error| Trouble::of(error.kind(), format!("failed to {step} {}: {error}", path.display()))
    }

    fn of(kind: io::ErrorKind, text: String) -> Trouble {
        match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::NoRoom(text),
            _ => Trouble::Failed(text),
        }
    }
}

impl From<stead::Error> for Trouble {
    fn from(error: stead::Error) -> Trouble {
        let text = match error.hint() {
            Some(hint) => format!("failed to {error}; {hint}"),
            None => format!("failed to {error}"),
        };
        Trouble::of(error.io().map_or(io::ErrorKind::Other, io::Error::kind), text)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Interrupted => f.write_str("interrupted"),
            Trouble::NoRoom(text) | Trouble::Failed(text) => f.write_str(text),
        }
    }
}
