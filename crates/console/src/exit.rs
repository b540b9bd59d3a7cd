//! How a command ends.

/// Every exit code of our commands. The numbers are those of sysexits(3), timeout(1) and the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done.
    Done,
    /// 1: the answer is no: nobody holds it, a condition did not hold.
    No,
    /// 64: the command line cannot be understood, or asks for what can never be: an exclusive lock below a
    /// `stead run --shared` of the same file would wait for itself.
    Usage,
    /// 65: damaged or unparsable data.
    Data,
    /// 66: there is no such file, or it is of a kind that cannot be used: a FIFO, a device, a planted link.
    NoInput,
    /// 70: a bug of ours.
    Bug,
    /// 71: the system or the filesystem cannot do it.
    System,
    /// 73: something cannot be created: its folder is missing or read-only, a link leads nowhere.
    CannotCreate,
    /// 74: reading or writing failed.
    Io,
    /// 75: busy: somebody holds it and we were told not to wait.
    Busy,
    /// 77: the system denies it to this user.
    Permission,
    /// 78: the configuration or environment is wrong.
    Configuration,
    /// 124: `--wait` elapsed.
    TimedOut,
    /// 126: the command is there, but cannot be run.
    CannotRun,
    /// 127: there is no such command.
    CommandNotFound,
    /// The code of the command that was run; 128 + N if signal N killed it.
    Child(i32),
    /// We end by this signal ourselves, so that the shell above sees it; 128 + N where that is not possible.
    Killed(i32),
}

impl ExitCode {
    /// What the system is told.
    pub fn number(self) -> i32 {
        match self {
            ExitCode::Done => 0,
            ExitCode::No => 1,
            ExitCode::Usage => 64,
            ExitCode::Data => 65,
            ExitCode::NoInput => 66,
            ExitCode::Bug => 70,
            ExitCode::System => 71,
            ExitCode::CannotCreate => 73,
            ExitCode::Io => 74,
            ExitCode::Busy => 75,
            ExitCode::Permission => 77,
            ExitCode::Configuration => 78,
            ExitCode::TimedOut => 124,
            ExitCode::CannotRun => 126,
            ExitCode::CommandNotFound => 127,
            ExitCode::Child(code) => code,
            ExitCode::Killed(signal) => 128 + signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::*;

    #[test]
    fn the_numbers_are_those_of_the_design() {
        let fixed = [
            (Done, 0),
            (No, 1),
            (Usage, 64),
            (Data, 65),
            (NoInput, 66),
            (Bug, 70),
            (System, 71),
            (CannotCreate, 73),
            (Io, 74),
            (Busy, 75),
            (Permission, 77),
            (Configuration, 78),
            (TimedOut, 124),
            (CannotRun, 126),
            (CommandNotFound, 127),
        ];
        for (code, number) in fixed {
            assert_eq!(code.number(), number, "{code:?}");
        }
        assert_eq!(Child(3).number(), 3);
        assert_eq!(Killed(2).number(), 130);
    }
}
