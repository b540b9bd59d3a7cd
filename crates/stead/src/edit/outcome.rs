//! What became of an editing session.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// What became of one file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Edited {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
    /// What could not be kept of its metadata, in words.
    pub lost: Vec<String>,
    /// What the editor left beside the draft, such as a copy under another name. The draft's folder stays as long as it is
    /// there.
    pub left: Vec<PathBuf>,
    /// The markers of an earlier conflict are still in the draft; the outcome is [`Conflict`](Outcome::Conflict) then.
    pub unresolved: bool,
    /// Why a draft could not be put in place; the outcome is [`Abandoned`](Outcome::Abandoned) then.
    pub error: Option<Error>,
}

/// How editing a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was changed in the draft, or the change was there already: nothing was written.
    Unchanged,
    /// The file holds the draft, durably.
    Saved,
    /// The file holds the draft and what others have changed meanwhile, durably.
    Merged,
    /// Others have changed the same lines meanwhile. The file is as they left it; the draft has both texts, between
    /// markers, and is offered again.
    Conflict {
        /// Where the draft is.
        kept: PathBuf,
    },
    /// The file is as it was. What the editor had saved is in the draft, which is offered again.
    Abandoned {
        /// Where the draft is.
        draft: PathBuf,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl Ended {
    /// With code 0.
    pub fn is_success(self) -> bool {
        self == Ended::Code(0)
    }
}

/// How one run of the editor ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EditorEnd {
    /// How the command ended.
    pub ended: Ended,
    /// After how long.
    pub took: Duration,
    /// Whether a draft holds something now that its file does not.
    pub changed: bool,
    /// It was back in under a second, and had saved nothing: it may have left a window open somewhere.
    pub returned_at_once: bool,
    /// A process that still works on a draft, where the system tells.
    pub still_open: Option<u32>,
    /// What makes this editor wait, where it is known not to.
    pub advice: Option<String>,
}

/// How it went to go on with a draft of an earlier session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// Its changes, and what has changed in the file since, are in the draft now.
    Clean,
    /// Both have changed the same lines: they are in the draft between markers, to be resolved in the editor.
    Conflict,
}

/// What a commit would put in the place of a file now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// The file, as it was named.
    pub path: PathBuf,
    /// Its new content; `None` if it stays as it is.
    pub content: Option<Vec<u8>>,
    /// Others have changed the same lines, or the markers of an earlier conflict are still in the draft.
    pub conflict: bool,
}
