//! The surface of `trace` without the `tracing` feature: nothing.

use std::marker::PhantomData;
use std::time::Duration;

use crate::lock::core::Core;
use crate::sys::Mode;

pub(crate) struct Wait<'a>(PhantomData<&'a Core>);

impl<'a> Wait<'a> {
    pub(crate) fn new(_core: &'a Core, _mode: Mode) -> Wait<'a> {
        Wait(PhantomData)
    }

    pub(crate) fn granted(&self, _waited: Duration) {
        let Wait(PhantomData) = self;
    }
}

pub(crate) struct Held;

impl Held {
    pub(crate) fn new(_core: &Core, _mode: Mode) -> Held {
        Held
    }
}
