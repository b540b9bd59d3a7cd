//! The parts that other processes play in these tests.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use stead::log::{Durability, Event, EventReader, EventWriter, Options};
use testkit::Stage;

/// What a writer was told, as text: words of `shared`, `none`, `max=BYTES`, `every=MILLIS`.
fn options(text: &str) -> Options {
    text.split(' ').fold(Options::new(), |options, word| match word.split_once('=') {
        Some(("max", bytes)) => options.max_log_size(bytes.parse().expect("a number")),
        Some((_, millis)) => options.durability(Durability::every(Duration::from_millis(millis.parse().unwrap()))),
        None if word == "shared" => options.shared(true),
        None if word == "none" => options.durability(Durability::None),
        None => options,
    })
}

/// `DIR`: opens a writer as eventfold does, and holds it from "held" until the next cue; else the kind of the error.
pub(crate) fn hold(stage: &mut Stage) {
    match EventWriter::open(&stage.args[0]) {
        Ok(writer) => {
            stage.tell("held");
            stage.cue();
            drop(writer);
            stage.tell("released");
        }
        Err(error) => stage.tell(&format!("{:?}: {error}", error.kind())),
    }
    stage.cue();
}

/// `DIR OPTIONS NAME`: for each cue, which is a number, appends so many events, tells "Ok" or the kind of the error and
/// goes on.
pub(crate) fn append(stage: &mut Stage) {
    let mut writer = match options(&stage.args[1]).open(&stage.args[0]) {
        Ok(writer) => writer,
        Err(error) => return stage.tell(&format!("{:?}", error.kind())),
    };
    stage.tell("open");
    let name = stage.args[2].clone();
    let mut number = 0;
    while let Some(count) = stage.cue() {
        let mut outcome = "Ok".to_owned();
        for _ in 0..count.parse().expect("a number") {
            if let Err(error) = writer.append(&Event::new("by", json!({"by": name, "n": number}))) {
                outcome = format!("{:?}", super::kind(&error));
            }
            number += 1;
        }
        stage.tell(&outcome);
    }
}

/// `DIR OPTIONS NAME SIZE ACKS`: appends batches of `SIZE` events (1: events alone) for ever, and after each of them a
/// line to `ACKS`. Each event says whose it is, which batch, and its place in it.
pub(crate) fn batches(stage: &mut Stage) {
    let [dir, told, name, size, acked] = &stage.args[..] else { panic!("five words") };
    let mut writer = options(told).open(dir).expect("opened");
    let mut acks = OpenOptions::new().append(true).create(true).open(acked).expect("opened");
    let size: u64 = size.parse().expect("a number");
    let fill = "x".repeat(usize::try_from(size).expect("small") / 10);
    for batch in 0_u64.. {
        let event =
            |place| Event::new("by", json!({"by": name, "batch": batch, "place": place, "of": size, "f": fill}));
        let appended = if size == 1 {
            writer.append(&event(0))
        } else {
            writer.append_batch(&(0..size).map(event).collect::<Vec<_>>())
        };
        appended.expect("appended");
        acks.write_all(b".").expect("written");
    }
}

/// `DIR COUNT`: appends numbered events and rotates after each of them.
pub(crate) fn rotate(stage: &mut Stage) {
    let mut writer = super::alone(Path::new(&stage.args[0]));
    stage.tell("open");
    for number in 0..stage.args[1].parse().expect("a number") {
        writer.append(&super::event(number)).expect("appended");
        assert!(writer.rotate_now().expect("rotated"));
    }
    stage.tell("done");
}

/// `DIR COUNT`: follows so many events, and tells each number.
pub(crate) fn follow(stage: &mut Stage) {
    let mut follow = EventReader::new(&stage.args[0]).follow(0).expect("a log");
    stage.tell("follows");
    for _ in 0..stage.args[1].parse().expect("a number") {
        let event = follow.next::<Event>(testkit::PATIENCE).expect("read").expect("an event");
        stage.tell(&super::number(&event.value).to_string());
    }
}

/// `DIR COUNT LEN NAME`: appends lines without any lock, each with one write to a file that is opened for it.
pub(crate) fn foreign(stage: &mut Stage) {
    let [dir, count, len, name] = &stage.args[..] else { panic!("four words") };
    let padding = "y".repeat(len.parse().expect("a number"));
    let path = Path::new(dir).join("app.jsonl");
    for number in 0..count.parse::<u64>().expect("a number") {
        let line = json!({"type": "by", "data": {"by": name, "n": number, "fill": padding}, "ts": 1});
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        let line = format!("{line}\n");
        assert_eq!(file.write(line.as_bytes()).expect("written"), line.len());
    }
    stage.tell("done");
}
