//! Spans and warnings for the `tracing` feature.

use std::time::Duration;

use crate::lock::core::Core;
use crate::sys::Mode;

/// A wait under way.
pub(crate) struct Wait<'a> {
    core: &'a Core,
    mode: Mode,
    _span: tracing::span::EnteredSpan,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(core: &'a Core, mode: Mode) -> Wait<'a> {
        let span = tracing::debug_span!("lock.wait", path = %core.shown.display(), %mode).entered();
        Wait { core, mode, _span: span }
    }

    pub(crate) fn granted(&self, waited: Duration) {
        if waited >= self.core.options.warn_after {
            let (path, mode) = (self.core.shown.display(), self.mode);
            tracing::warn!(%path, %mode, waited_s = waited.as_secs_f64(), "waited long for a lock");
        }
    }
}

/// A hold, from its grant to its release.
pub(crate) struct Held {
    _span: tracing::Span,
}

impl Held {
    pub(crate) fn new(core: &Core, mode: Mode) -> Held {
        Held { _span: tracing::debug_span!("lock.hold", path = %core.shown.display(), %mode) }
    }
}
