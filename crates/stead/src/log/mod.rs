//! An event log that many processes append to, and that readers never lock.
//!
//! A log is a folder. `app.jsonl` in it holds the newest events, one JSON object a line, readable by jq and `tail -F`;
//! older ones are in `segments/`. An event is a line, whole or not there, wherever a process dies or the power is cut.
//!
//! | you want to | use |
//! |---|---|
//! | append, as the only process | [`EventWriter::open`] |
//! | append beside other processes | [`EventWriter::open_shared`], or [`Options`] for waiting and durability |
//! | several events, all or none | [`EventWriter::append_batch`] |
//! | append only if nobody else has | [`EventWriter::append_if`], [`EventWriter::append_at`] a [`Cursor`] |
//! | read what is there | [`EventReader::read`], or [`EventReader::lines`] for the bare lines |
//! | read what is to come | [`EventReader::follow`] |
//! | state that follows from the events | [`View`], or [`EventLog`] for several |
//! | know what is damaged, and go on | [`verify()`], [`repair()`] |
//!
//! Offsets are logical: bytes of history, counted from its beginning, which rotation never changes. Every item of
//! eventfold 0.2.0 is here with its signature; `docs/COMPARE.md` says what is different behind them.
//!
//! # Under tokio
//! There is nothing to await here: an append waits for a sync and perhaps for the lock, a follower sleeps until there is a
//! line. Call them in `spawn_blocking`, one thread for each follower and one for a writer that is fed through a channel; who
//! appends rarely moves the writer in and gets it back with the result. What can be read now is as quick as the disk.
//!
//! # What is not protected
//! A program that writes into `app.jsonl` in place, or truncates it, can destroy what it likes; what was durable is then
//! missed, and said to be. One that appends whole lines without taking the lock (`echo '{}' >> app.jsonl`) is fine, but a
//! line of its own that it writes in pieces may be torn by ours between them. Identical events are told by their offsets
//! only.

mod active;
mod archive;
mod backwards;
mod cursor;
mod durability;
mod event;
mod event_log;
mod feed;
mod follow;
mod foundation;
mod framing;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod index;
mod layout;
mod lines;
mod locate;
mod manifest;
mod options;
mod outcome;
mod page;
#[doc(hidden)]
pub mod proof;
mod quarantine;
mod reader;
mod ready;
mod repair;
mod rolling;
mod rotation;
mod scan;
pub mod snapshot;
mod stat;
mod store;
mod syncer;
mod tail;
mod verify;
mod view;
mod writer;

pub use cursor::{Cursor, InvalidCursor, LogId, line_hash};
pub use durability::Durability;
pub use event::Event;
pub use event_log::{EventLog, EventLogBuilder};
pub use follow::Follow;
pub use lines::{Decoded, Events, Line, Lines};
pub use options::Options;
pub use outcome::{AppendConflict, AppendResult, ConditionalAppendError, LockMode, WaitResult};
pub use reader::EventReader;
pub use repair::{Repaired, repair};
pub use snapshot::Snapshot;
pub use stat::{SegmentStat, Stat};
pub use verify::{Finding, Progress, Verified, verify};
pub use view::{ReduceFn, View, ViewOps};
pub use writer::EventWriter;
