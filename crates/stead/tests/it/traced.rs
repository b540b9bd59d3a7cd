//! The `tracing` feature: a span for each wait and each hold, a warning past a settable wait.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use stead::lock::{Mode, Options, Request};
use tempfile::tempdir;
use testkit::Stage;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::cast::CAST;

/// Writes down what happens.
struct Notebook {
    notes: Sender<String>,
    count: AtomicU64,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "waited_s" {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

impl Notebook {
    /// Writes it down as the first, second, ... note.
    fn note(&self, note: String) -> u64 {
        let _ = self.notes.send(note);
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Subscriber for Notebook {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("stead")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        Id::from_u64(self.note(format!("{}{}", span.metadata().name(), fields.0)))
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        assert_eq!(*event.metadata().level(), Level::WARN);
        self.note(format!("warning{}", fields.0));
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}

    fn try_close(&self, span: Id) -> bool {
        self.note(format!("end of {}", span.into_u64()));
        true
    }
}

/// `PATH MODE SECONDS`: takes the lock and gives it back, with a warning past that wait, and tells what is written down as
/// it happens. In a process of its own: whether anybody wants a span is settled once for all threads of a process, so other
/// tests would have a say in it.
pub(crate) fn trace(stage: &mut Stage) {
    let mode = if stage.args[1] == "shared" { Mode::Shared } else { Mode::Exclusive };
    let seconds: u64 = stage.args[2].parse().expect("a number");
    let lock = Options::new().warn_after(Duration::from_secs(seconds)).at(&stage.args[0]);
    let (notes, told) = mpsc::channel();
    let notebook = Notebook { notes, count: AtomicU64::new(0) };
    thread::scope(|scope| {
        scope.spawn(move || {
            tracing::subscriber::with_default(notebook, || {
                drop(lock.acquire(&Request::new(mode).wait(Duration::from_secs(60))).expect("locked"));
            });
        });
        for note in told {
            stage.tell(&note);
        }
    });
}

#[test]
fn waits_and_holds_are_spans_and_a_long_wait_is_a_warning() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let shown = path.to_str().unwrap();
    let mut tracer = CAST.start("trace", &[shown, "exclusive", "3600"]);
    tracer.expect(&format!("lock.wait path={shown} mode=exclusive"));
    tracer.expect(&format!("lock.hold path={shown} mode=exclusive"));
    tracer.expect("end of 1");
    tracer.expect("end of 2");
    assert!(tracer.dismiss());
    let mut holder = CAST.start("hold", &[&format!("at:{shown}"), "exclusive"]);
    holder.expect("held");
    let mut tracer = CAST.start("trace", &[shown, "shared", "0"]);
    tracer.expect(&format!("lock.wait path={shown} mode=shared"));
    holder.cue("release");
    holder.expect("released");
    tracer.expect(&format!("lock.hold path={shown} mode=shared"));
    tracer.expect(&format!("warning message=waited long for a lock path={shown} mode=shared"));
    tracer.expect("end of 1");
    tracer.expect("end of 2");
    assert!(tracer.dismiss());
}
