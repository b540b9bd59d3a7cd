//! Who holds a lock, in plain words.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys;
use crate::sys::{Mode, State};

/// A process that holds a lock, as far as it is known; what cannot be known is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The process that keeps the lock alive.
    pub pid: Option<u32>,
    /// What it runs, or what it runs under the lock.
    pub command: Option<String>,
    /// The tool through which it holds the lock, such as `stead run`.
    pub via: Option<String>,
    /// The user it runs as.
    pub user: Option<String>,
    /// The machine it runs on.
    pub host: Option<String>,
    /// Exclusive or shared.
    pub mode: Mode,
    /// Since when, by the wall clock.
    pub since: Option<SystemTime>,
    /// What it said that it needs the lock for.
    pub label: Option<String>,
    /// The fencing token of this hold.
    pub token: Option<u64>,
    /// Whether the kernel confirms it; otherwise it is only what the record in the lock file says.
    pub verified: bool,
    /// What the process is doing.
    pub state: State,
}

impl Holder {
    pub(crate) fn unknown(mode: Mode) -> Holder {
        Holder {
            pid: None,
            command: None,
            via: None,
            user: None,
            host: None,
            mode,
            since: None,
            label: None,
            token: None,
            verified: false,
            state: State::Unknown,
        }
    }

    /// For how long it has held the lock, by the wall clock; zero where that clock went backwards.
    pub fn age(&self) -> Option<Duration> {
        self.since.map(age)
    }
}

impl fmt::Display for Holder {
    /// `exclusively by pid 4312 (vim journal.md), user ann, for 3m12s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.mode {
            Mode::Exclusive => "exclusively by ",
            Mode::Shared => "shared by ",
        })?;
        match self.pid {
            Some(pid) => write!(f, "pid {pid}")?,
            None => f.write_str("someone unknown")?,
        }
        if let Some(command) = &self.command {
            write!(f, " ({})", Plain(command))?;
        }
        if let Some(label) = &self.label {
            write!(f, " \"{}\"", Plain(label))?;
        }
        if let Some(user) = &self.user {
            write!(f, ", user {}", Plain(user))?;
        }
        if self.state == State::Stopped {
            f.write_str(", stopped")?;
        }
        if let Some(age) = self.age() {
            write!(f, ", for {}", Age(age))?;
        }
        Ok(())
    }
}

/// A process that waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiter {
    /// The process.
    pub pid: Option<u32>,
    /// What it runs.
    pub command: Option<String>,
    /// The user it runs as.
    pub user: Option<String>,
    /// How it wants to hold the lock.
    pub mode: Mode,
    /// Since when it waits, by the wall clock. Only of those who stand in line.
    pub since: Option<SystemTime>,
    /// Its place in the line for the lock: 1 is the next one. `None`: a program that does not stand in line, but sleeps in
    /// the kernel and gets the lock when it can.
    pub place: Option<usize>,
}

impl Waiter {
    /// For how long it has waited, by the wall clock; zero where that clock went backwards.
    pub fn age(&self) -> Option<Duration> {
        self.since.map(age)
    }
}

/// How long ago that was, by the wall clock; zero where that clock went backwards.
pub(crate) fn age(since: SystemTime) -> Duration {
    let now = UNIX_EPOCH + Duration::from_micros(sys::wall_micros());
    now.duration_since(since).unwrap_or_default()
}

/// Text of others, fit for one line of a terminal: control characters are shown, not obeyed.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .chars()
            .try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") })
    }
}

/// A duration for people: `40ms`, `7s`, `3m12s`, `2h05m`, `3d04h`.
///
/// ```
/// assert_eq!(stead::lock::Age(std::time::Duration::from_secs(192)).to_string(), "3m12s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(f, "{}ms", self.0.as_millis()),
            1..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m{:02}s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{}h{:02}m", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_well() {
        let shown = |seconds, millis| Age(Duration::from_secs(seconds) + Duration::from_millis(millis)).to_string();
        assert_eq!(shown(0, 40), "40ms");
        assert_eq!(shown(7, 900), "7s");
        assert_eq!(shown(192, 0), "3m12s");
        assert_eq!(shown(7500, 0), "2h05m");
        assert_eq!(shown(273_600, 0), "3d04h");
    }

    #[test]
    fn a_hostile_command_cannot_write_on_the_terminal() {
        let holder =
            Holder { pid: Some(7), command: Some("evil\u{1b}[2J\nname".into()), ..Holder::unknown(Mode::Exclusive) };
        assert_eq!(holder.to_string(), "exclusively by pid 7 (evil\\u{1b}[2J\\nname)");
    }
}
