//! Random histories against a model: events, their order and their offsets.

use std::time::Duration;

use proptest::prelude::*;
use stead::log::{Cursor, Event, EventReader, EventWriter, Options};
use tempfile::tempdir;

use super::{append_raw, event_of, foreign_line, number, numbers, numbers_from};

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Batch(Vec<usize>),
    If(usize),
    Rotate,
    /// Closed, and opened in another way.
    Reopen(u8),
    /// A whole line of somebody else, with its newline or without.
    Foreign(bool),
    /// A piece of a line, so many thousandths of it.
    Torn(u16),
    /// A piece of a batch.
    TornBatch(u16),
    Blank(u8),
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![8 => 0..200_usize, 2 => 4_000..4_200_usize, 1 => 0..70_000_usize];
    prop_oneof![
        4 => len.clone().prop_map(Step::Append),
        3 => prop::collection::vec(len.clone(), 0..5).prop_map(Step::Batch),
        2 => len.prop_map(Step::If),
        2 => Just(Step::Rotate),
        2 => (0..6_u8).prop_map(Step::Reopen),
        2 => any::<bool>().prop_map(Step::Foreign),
        2 => (1..1000_u16).prop_map(Step::Torn),
        2 => (1..1000_u16).prop_map(Step::TornBatch),
        1 => (0..4_u8).prop_map(Step::Blank),
        2 => Just(Step::Read),
    ]
}

/// What is in the log.
#[derive(Default)]
struct Model {
    numbers: Vec<u64>,
    /// Where an append began and ended, and how many events were before it.
    places: Vec<(u64, u64, usize)>,
    cursors: Vec<(Cursor, usize)>,
    /// An event that waits for its newline, which comes with the next append.
    unended: Option<u64>,
    /// Whether there is a torn piece at the end.
    is_torn: bool,
    next: u64,
}

impl Model {
    fn draw(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Somebody of ours appends behind what is there.
    fn settle(&mut self) {
        self.numbers.extend(self.unended.take());
        self.is_torn = false;
    }

    fn check(&self, reader: &EventReader) -> Result<(), TestCaseError> {
        prop_assert_eq!(&numbers(reader), &self.numbers);
        let mut last = 0;
        for (start, end, before) in &self.places {
            prop_assert!(*start >= last && end > start);
            last = *end;
            prop_assert_eq!(&numbers_from(reader, *start), &self.numbers[*before..]);
        }
        for (cursor, before) in &self.cursors {
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), *cursor);
            let offset = reader.offset_of(cursor).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&numbers_from(reader, offset), &self.numbers[*before..]);
        }
        let end = reader.end().unwrap();
        prop_assert_eq!(end.offset, reader.end_offset().unwrap());
        prop_assert_eq!(numbers_from(reader, end.offset), Vec::<u64>::new());
        let mut offset = 0;
        let mut hash = None;
        let mut lines = reader.lines(0).unwrap();
        while let Some(line) = lines.next().unwrap() {
            prop_assert!(line.offset >= offset);
            prop_assert_eq!(reader.read_line_hash_before(line.end).unwrap(), Some(line.hash()));
            (offset, hash) = (line.end, Some(line.hash()));
        }
        prop_assert_eq!((offset, hash.unwrap_or_default()), (end.offset, end.line_hash()));
        let mut follow = reader.follow(0).unwrap();
        for expected in &self.numbers {
            let event = follow.next::<Event>(Duration::ZERO).unwrap();
            prop_assert_eq!(event.map(|event| number(&event.value)), Some(*expected));
        }
        prop_assert!(follow.next_line(Duration::ZERO).unwrap().is_none());
        Ok(())
    }
}

fn open(dir: &std::path::Path, way: u8) -> EventWriter {
    let options = Options::new().durability(stead::log::Durability::None);
    match way {
        0 => options,
        1 => options.shared(true),
        2 => options.max_log_size(500),
        3 => options.shared(true).max_log_size(1),
        4 => options.lock_mode(stead::log::LockMode::None),
        _ => options.durability(stead::log::Durability::every_bytes(1000)),
    }
    .open(dir)
    .unwrap()
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempdir().unwrap();
    let mut model = Model::default();
    let mut writer = open(dir.path(), 0);
    let reader = EventReader::new(dir.path());
    for step in steps {
        match step {
            Step::Append(len) => {
                let event = event_of(model.draw(), len);
                let appended = writer.append(&event).unwrap();
                model.settle();
                model.places.push((appended.start_offset, appended.end_offset, model.numbers.len()));
                model.numbers.push(number(&event));
                let cursor = reader.cursor_at(appended.end_offset).unwrap();
                prop_assert_eq!(cursor.line_hash(), appended.line_hash);
                model.cursors.push((cursor, model.numbers.len()));
            }
            Step::Batch(lens) => {
                let events: Vec<_> = lens.iter().map(|len| event_of(model.draw(), *len)).collect();
                let appended = writer.append_batch(&events).unwrap();
                if !events.is_empty() {
                    model.settle();
                    model.places.push((appended.start_offset, appended.end_offset, model.numbers.len()));
                    model.numbers.extend(events.iter().map(number));
                    model.cursors.push((reader.cursor_at(appended.end_offset).unwrap(), model.numbers.len()));
                }
            }
            Step::If(len) => {
                let event = event_of(model.draw(), len);
                let end = reader.end().unwrap();
                if model.unended.is_some() {
                    // See the test of trap 39 about this.
                    continue;
                }
                let appended = writer.append_if(&event, end.offset, &end.line_hash()).unwrap();
                model.settle();
                model.places.push((appended.start_offset, appended.end_offset, model.numbers.len()));
                model.numbers.push(number(&event));
                prop_assert!(writer.append_at(&event, &end).is_err());
            }
            Step::Rotate => {
                writer.rotate_now().unwrap();
                model.settle();
            }
            Step::Reopen(way) => {
                // Whoever looks at the end of the log ends the line there.
                writer.sync().unwrap();
                model.settle();
                drop(writer);
                writer = open(dir.path(), way);
            }
            Step::Foreign(is_ended) if !model.is_torn && model.unended.is_none() => {
                let line = foreign_line(model.draw());
                append_raw(dir.path(), if is_ended { &line } else { line.trim_end() });
                let drawn = model.next - 1;
                if is_ended { model.numbers.push(drawn) } else { model.unended = Some(drawn) }
            }
            Step::Torn(part) if !model.is_torn && model.unended.is_none() => {
                let line = foreign_line(77_777);
                let cut = 1 + (line.len() - 3) * usize::from(part) / 1000;
                append_raw(dir.path(), &line.as_bytes()[..cut]);
                model.is_torn = true;
            }
            Step::TornBatch(part) if !model.is_torn && model.unended.is_none() => {
                let batch = "{\"type\":\"x\",\"data\":{\"n\":1},\"ts\":1\t}\t\n".to_owned()
                    + "{\"type\":\"x\",\"data\":{\"n\":2},\"ts\":1}\t\n{\"type\":\"x\",\"data\":{\"n\":3},\"ts\":1} \n";
                let cut = 1 + (batch.len() - 2) * usize::from(part) / 1000;
                append_raw(dir.path(), &batch.as_bytes()[..cut]);
                model.is_torn = true;
            }
            Step::Blank(kind) if !model.is_torn && model.unended.is_none() => {
                append_raw(dir.path(), ["\n", "  \n", "\r\n", "\t\n\n"][usize::from(kind)]);
            }
            Step::Foreign(_) | Step::Torn(_) | Step::TornBatch(_) | Step::Blank(_) => {}
            Step::Read => model.check(&reader)?,
        }
    }
    model.check(&reader)?;
    prop_assert!(writer.rotation_error().is_none(), "{:?}", writer.rotation_error());
    let mut writer = {
        drop(writer);
        open(dir.path(), 0)
    };
    let last = event_of(model.draw(), 1);
    writer.append(&last).unwrap();
    model.settle();
    model.numbers.push(number(&last));
    model.check(&reader)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        u32::try_from(super::scale("STEAD_HISTORIES", 60)).unwrap()
    ))]

    #[test]
    fn a_log_is_what_was_done_to_it(steps in prop::collection::vec(step(), 1..30)) {
        run(steps)?;
    }
}
