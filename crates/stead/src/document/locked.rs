//! Several steps under one lock.

use std::fmt;

use crate::document::document::{Damage, Document};
use crate::error::{Error, Result};
use crate::lock::{Guard, Hold};

/// A [`Document`] whose lock is held: nobody who locks as we do changes it as long as this lives.
#[must_use = "the lock is released as soon as this is dropped: bind it to a name, not to `_`"]
pub struct Locked<'a, T> {
    document: &'a Document<T>,
    guard: Guard,
}

impl<'a, T> Locked<'a, T> {
    pub(crate) fn new(document: &'a Document<T>, guard: Guard) -> Locked<'a, T> {
        Locked { document, guard }
    }

    /// What the document says.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn read(&self) -> Result<T> {
        self.document.read()
    }

    /// Changes the document, as [`Document::update`]. The lock is held on.
    ///
    /// # Errors
    /// As there.
    pub fn update<R>(&mut self, mut f: impl FnMut(&mut T) -> R) -> Result<R> {
        self.try_update(|value| Ok(f(value)))
    }

    /// Changes the document, unless `f` decides against it.
    ///
    /// # Errors
    /// As [`Document::try_update`].
    pub fn try_update<R, E: From<Error>>(&mut self, mut f: impl FnMut(&mut T) -> Result<R, E>) -> Result<R, E> {
        self.document.change_under(Some(&self.guard), None, &mut f, &mut None)
    }

    /// Replaces what the document says, as [`Document::set`].
    ///
    /// # Errors
    /// As there.
    pub fn set(&mut self, value: &T) -> Result<()> {
        self.document.write_under(Some(&self.guard), value, Damage::Refuse).map(|_| ())
    }

    /// The lock that is held, for [`held_variable`](crate::lock::held_variable).
    pub fn hold(&self) -> &Hold {
        &self.guard
    }

    /// The fencing token of this hold.
    pub fn token(&self) -> Option<u64> {
        self.guard.token()
    }
}

impl<T> fmt::Debug for Locked<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("document", &self.document).field("guard", &self.guard).finish()
    }
}
