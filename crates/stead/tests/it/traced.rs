//! The `tracing` feature: a span for each wait and each hold, a warning past a settable wait.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stead::lock::{FileLock, Options};
use tempfile::tempdir;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::cast::CAST;

/// Writes down what happens.
#[derive(Clone, Default)]
struct Notebook(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "waited_s" {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

impl Notebook {
    fn note(&self, line: String) -> u64 {
        let mut lines = self.0.lock().unwrap();
        lines.push(line);
        lines.len() as u64
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

#[test]
fn waits_and_holds_are_spans_and_a_long_wait_is_a_warning() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let shown = path.display().to_string();
    let notebook = Notebook::default();
    tracing::subscriber::with_default(notebook.clone(), || drop(FileLock::at(&path).try_lock().unwrap()));
    assert_eq!(
        *notebook.0.lock().unwrap(),
        [
            format!("lock.wait path={shown} mode=exclusive"),
            format!("lock.hold path={shown} mode=exclusive"),
            "end of 1".to_owned(),
            "end of 2".to_owned(),
        ]
    );
    let notebook = Notebook::default();
    let mut holder = CAST.start("hold", &[&format!("at:{shown}"), "exclusive"]);
    holder.expect("held");
    tracing::subscriber::with_default(notebook.clone(), || {
        let lock = Options::new().warn_after(Duration::ZERO).at(&path);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                holder.cue("release");
                holder.expect("released");
            });
            drop(lock.lock_shared(Duration::from_secs(60)).unwrap());
        });
    });
    let notes = notebook.0.lock().unwrap().join("\n");
    assert!(notes.contains(&format!("warning message=waited long for a lock path={shown} mode=shared")), "{notes}");
}
