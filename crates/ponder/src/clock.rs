//! The day and the time that a command counts as now: asked once, so that midnight changes nothing of it.

use jiff::Zoned;
use jiff::civil::{Date, DateTime};

use crate::dates;

/// When ponder was started, on the clock of the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(DateTime);

impl Moment {
    /// In the time zone of the user: `TZ`, or that of the system.
    pub(crate) fn now() -> Moment {
        Moment(Zoned::now().datetime())
    }

    pub(crate) fn today(self) -> Date {
        self.0.date()
    }

    /// `14:05`
    pub(crate) fn time(self) -> String {
        format!("{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl From<DateTime> for Moment {
    fn from(moment: DateTime) -> Moment {
        Moment(moment)
    }
}

/// `2026-11-21 14:05`, on the clock of the wall; for messages.
pub(crate) fn shown(time: std::time::SystemTime) -> String {
    match Zoned::try_from(time) {
        Ok(zoned) => {
            let there = Moment(zoned.datetime());
            format!("{} {}", dates::dashed(there.today()), there.time())
        }
        Err(_) => "an unknown time".to_owned(),
    }
}
