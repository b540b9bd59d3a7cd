//! Editing on a terminal: a [`stead::edit`] session with its waits, questions, messages and exit code.

mod checking;
mod choosing;
mod closing;
mod leftovers;
mod opening;
mod running;

use std::path::Path;
use std::time::Duration;

use stead::edit::EditSession;
use stead::lock::Wait;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::messages::Speaker;
use crate::printer::Printer;

pub use checking::Check;
pub use choosing::find_editor;
pub use leftovers::Leftovers;

/// One session, and what its user asked for.
#[derive(Clone)]
pub struct Editing<'a> {
    /// Files, editor, locks; the wait is set here.
    pub session: EditSession,
    /// How long to wait for others who edit one of the files.
    pub wait: Wait,
    /// The same, for the message that it elapsed.
    pub limit: Duration,
    /// Where the locks are, for the hint who holds them.
    pub lock_dir: Option<&'a Path>,
    /// What is to approve of a text before it is saved.
    pub check: Option<&'a Check>,
    /// What becomes of drafts that earlier sessions left.
    pub leftovers: Leftovers,
    /// The command that goes on with a draft, for hints.
    pub recover_command: &'a str,
    /// Asked when somebody edits one of the files, in the place of waiting or giving up at once.
    pub when_busy: Option<Ask<'a>>,
}

/// Asks what to do about a file that is busy, for this reason.
pub type Ask<'a> = &'a dyn Fn(&Failure) -> Result<WhenBusy, Failure>;

/// What to do about a file that somebody else edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBusy {
    /// Wait for him.
    Wait,
    /// End so.
    End(ExitCode),
}

impl Editing<'_> {
    /// Says for whom `commit` waits, if it does.
    fn speaking<T>(&self, commit: impl FnOnce() -> T) -> T {
        let _speaker = Speaker::start_seeing(&self.session.file_locks());
        commit()
    }

    /// The whole session, and the code to end with.
    ///
    /// # Errors
    /// What kept the editor from starting. What happens to the files is said, and is in the code.
    pub fn run(&self, out: &mut Printer) -> Result<ExitCode, Failure> {
        let mut session = match self.open()? {
            opening::Answer::Open(session) => session,
            opening::Answer::End(code) => return Ok(code),
        };
        self.take_up(&mut session, out)?;
        loop {
            if let Some(why) = running::run_editor(&mut session, out)? {
                return Ok(self.close(&session.abandon(), Some(why), out));
            }
            match self.judge(&session, out)? {
                checking::Verdict::SaveChecked(approved) => {
                    return Ok(self.close(&self.speaking(|| session.commit_if(&approved)), None, out));
                }
                checking::Verdict::Save => return Ok(self.close(&self.speaking(|| session.commit()), None, out)),
                checking::Verdict::Keep => {
                    return Ok(self.close(&session.abandon(), Some(running::Why::Unchecked), out));
                }
                checking::Verdict::EditAgain => {}
            }
        }
    }
}
