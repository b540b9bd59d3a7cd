//! Editing files under lock, without ever losing what an editor has saved.
//!
//! An [`EditSession`] holds the *session locks* of its files from before the editor starts until the result is durable:
//! a second editor is kept out, and told who is in. Programs may change the files meanwhile: their locks are held only
//! while a draft is put in place. The editor works on *drafts*, in a private folder; each state that it saves is kept
//! durably at once. When it ends, each draft is merged with what is in its file by then ([`merge()`]): nothing was changed,
//! the file is replaced, merged, or, where both changed the same lines, left alone, and the draft has both.
//!
//! A draft is removed once its file holds it durably. Whatever dies before that, what the editor had saved is offered
//! again by the next session of the file ([`Session::leftovers`]), and listed by [`drafts()`].
//!
//! # What is not kept
//! What the editor had not saved; and of a draft that it overwrites in place, what was there for less than a few hundredths
//! of a second. Editors that save by renaming, or keep a backup, leave no such gap.

mod addition;
mod advice;
mod beside;
mod commit;
mod description;
mod drafts;
mod editor;
mod keeper;
mod merge;
mod opened;
mod outcome;
#[doc(hidden)]
pub mod proof;
mod room;
mod session;
mod session_builder;
mod verdict;

pub use addition::Addition;
pub use drafts::{DRAFTS_VARIABLE, Draft, drafts, drafts_folder};
pub use editor::{EDITOR_VARIABLES, Editor};
pub use merge::{Merge, merge};
pub use outcome::{Edited, EditorEnd, Ended, Outcome, Pending, Recovered};
pub use session::Session;
pub use session_builder::EditSession;
