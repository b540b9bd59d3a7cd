//! What went wrong, in words for the user, and the exit code that goes with it.

use std::io;
use std::path::Path;

use stead::ErrorKind;

use crate::exit::ExitCode;

/// An end that is not the one the user wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Printed after the program's name.
    pub message: String,
    /// What to do next, printed after `hint: `.
    pub hint: Option<String>,
    /// What the system is told.
    pub code: ExitCode,
}

impl Failure {
    /// `message` goes after the program's name: lower case, no full stop, with the path.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code }
    }

    /// A step of our own that the system refused: `failed to STEP PATH: ...`.
    pub fn system(step: &str, path: &Path, error: &io::Error) -> Failure {
        let code = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ExitCode::NoInput,
            io::ErrorKind::PermissionDenied => ExitCode::Permission,
            _ => ExitCode::Io,
        };
        Failure::new(code, format!("failed to {step} {}: {error}", path.display()))
    }

    /// An error about a file that is created when missing: its folder is not there, or takes no new files.
    pub fn creating(path: &Path, error: &stead::Error) -> Failure {
        let failure = Failure::from(error);
        match error.kind() {
            ErrorKind::NotFound => failure.with_code(ExitCode::CannotCreate),
            ErrorKind::Permission if !path.exists() => failure.with_code(ExitCode::CannotCreate),
            _ => failure,
        }
    }

    /// The same with this to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The same with this exit code.
    #[must_use]
    pub fn with_code(mut self, code: ExitCode) -> Failure {
        self.code = code;
        self
    }
}

impl From<stead::Error> for Failure {
    fn from(error: stead::Error) -> Failure {
        Failure::from(&error)
    }
}

impl From<&stead::Error> for Failure {
    fn from(error: &stead::Error) -> Failure {
        let message = format!("failed to {error}");
        Failure { message, hint: error.hint().map(str::to_owned), code: code(error.kind()) }
    }
}

fn code(kind: ErrorKind) -> ExitCode {
    match kind {
        ErrorKind::Busy => ExitCode::Busy,
        ErrorKind::TimedOut => ExitCode::TimedOut,
        // No later try would help: the commands have to be put together in another way.
        ErrorKind::AlreadyHeld | ErrorKind::WouldDeadlock | ErrorKind::InvalidInput => ExitCode::Usage,
        ErrorKind::Unsupported => ExitCode::System,
        ErrorKind::NotRegularFile | ErrorKind::NotFound => ExitCode::NoInput,
        ErrorKind::Permission => ExitCode::Permission,
        ErrorKind::Exists | ErrorKind::Mismatch => ExitCode::No,
        ErrorKind::Damaged | ErrorKind::TooLarge => ExitCode::Data,
        ErrorKind::Lost | ErrorKind::Poisoned | ErrorKind::NotDurable | ErrorKind::Io => ExitCode::Io,
        // Nothing in the command cancels a wait, and all kinds that the library has are above.
        ErrorKind::Cancelled | _ => ExitCode::Bug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_its_code() {
        let codes = [
            (ErrorKind::Busy, 75),
            (ErrorKind::TimedOut, 124),
            (ErrorKind::Cancelled, 70),
            (ErrorKind::AlreadyHeld, 64),
            (ErrorKind::WouldDeadlock, 64),
            (ErrorKind::Unsupported, 71),
            (ErrorKind::NotRegularFile, 66),
            (ErrorKind::Permission, 77),
            (ErrorKind::NotFound, 66),
            (ErrorKind::Lost, 74),
            (ErrorKind::InvalidInput, 64),
            (ErrorKind::Exists, 1),
            (ErrorKind::Mismatch, 1),
            (ErrorKind::Damaged, 65),
            (ErrorKind::TooLarge, 65),
            (ErrorKind::Poisoned, 74),
            (ErrorKind::NotDurable, 74),
            (ErrorKind::Io, 74),
        ];
        for (kind, number) in codes {
            assert_eq!(code(kind).number(), number, "{kind:?}");
        }
    }

    #[test]
    fn a_refusal_of_the_system_has_its_code() {
        let failure = |kind| Failure::system("read", Path::new("f"), &io::Error::from(kind)).code;
        assert_eq!(failure(io::ErrorKind::NotFound), ExitCode::NoInput);
        assert_eq!(failure(io::ErrorKind::NotADirectory), ExitCode::NoInput);
        assert_eq!(failure(io::ErrorKind::PermissionDenied), ExitCode::Permission);
        assert_eq!(failure(io::ErrorKind::StorageFull), ExitCode::Io);
    }
}
