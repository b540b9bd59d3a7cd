//! Taking the files, and waiting for those who edit them.

use stead::ErrorKind;
use stead::edit::Session;
use stead::lock::Wait;

use super::{Editing, WhenBusy};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::messages::{Vain, not_granted};
use crate::waiting;

pub(super) enum Answer {
    Open(Box<Session>),
    End(ExitCode),
}

impl Answer {
    fn of(session: Session) -> Answer {
        Answer::Open(Box::new(session))
    }
}

impl Editing<'_> {
    pub(super) fn open(&self) -> Result<Answer, Failure> {
        let Some(when_busy) = self.when_busy else { return self.open_within(self.wait).map(Answer::of) };
        match self.attempt(Wait::No) {
            Err(error) if error.is_busy() => match when_busy(&self.denied(&error))? {
                WhenBusy::Wait => self.open_within(Wait::Forever).map(Answer::of),
                WhenBusy::End(code) => Ok(Answer::End(code)),
            },
            outcome => outcome.map(Answer::of).map_err(|error| self.denied(&error)),
        }
    }

    fn open_within(&self, wait: Wait) -> Result<Session, Failure> {
        waiting::take(&self.session.locks(), wait, |wait| self.attempt(wait)).map_err(|error| self.denied(&error))
    }

    fn attempt(&self, wait: Wait) -> stead::Result<Session> {
        self.session.clone().wait(wait).open()
    }

    fn denied(&self, error: &stead::Error) -> Failure {
        let vain = match error.kind() {
            ErrorKind::Busy => Vain::Busy,
            ErrorKind::TimedOut => Vain::TimedOut(self.limit),
            _ => return Failure::creating(error.path(), error),
        };
        not_granted(vain, error, &self.session.locks(), self.lock_dir)
    }
}
