//! The process that works while the power goes.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, ChildStdout};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use stead::atomic::{Appender, Durability, Options};
use stead::document::Document;
use testkit::Stage;

use super::Cycle;
use super::files::{Acknowledged, DOCUMENT, LOG, State, batch, content, replaced};
use crate::cast::CAST;

/// How much one worker does at most, so that the disk is not filled.
const NUMBERS: u64 = 150;

/// `FOLDER WORKER CYCLE DURABILITY WORK`: works until killed, and acknowledges each piece of work once it is done.
pub(crate) fn work(stage: &mut Stage) {
    let folder = Path::new(&stage.args[0]).to_path_buf();
    let worker: usize = stage.args[1].parse().expect("a number");
    let cycle: u64 = stage.args[2].parse().expect("a number");
    let durability = match &*stage.args[3] {
        "full" => Durability::Full,
        "data" => Durability::Data,
        _ => Durability::None,
    };
    let acts = stage.args[4].clone();
    let options = Options::new().durability(durability);
    let document = Document::<State>::json(folder.join(DOCUMENT)).default(State::default).durability(durability);
    let log = Appender::new(folder.join(LOG)).durability(durability);
    stage.tell("ready");
    for number in 1..=NUMBERS {
        for act in acts.chars() {
            let done = match act {
                'r' => options.replace(folder.join(replaced(worker)), &content(worker, cycle, number)).map(|_| number),
                'u' => document.update(State::next),
                _ => log.append(batch(worker, cycle, number)).map(|_| number),
            };
            match done {
                Ok(number) => stage.tell(&format!("{act} {number}")),
                Err(error) => {
                    // The power is gone, and we shall soon be.
                    stage.tell(&format!("failed {error}"));
                    stage.cue();
                    return;
                }
            }
        }
    }
    stage.cue();
}

/// A process that plays [`work`], with all that it has said so far at hand; killed when dropped.
pub(super) struct Worker {
    child: Child,
    pipe: ChildStdout,
    said: Vec<u8>,
}

impl Worker {
    pub(super) fn start(folder: &Path, worker: usize, number: u64, cycle: Cycle) -> Worker {
        let durability = cycle.durability.to_string();
        let (folder, worker, number) = (folder.to_str().expect("text"), worker.to_string(), number.to_string());
        let mut command = CAST.command(&[], "power", &[folder, &worker, &number, &durability, cycle.work]);
        let mut child = command.spawn().expect("the worker starts");
        let pipe = child.stdout.take().expect("piped");
        Worker { child, pipe, said: Vec::new() }
    }

    pub(super) fn wait_until_ready(&mut self) {
        self.wait(1);
    }

    pub(super) fn wait_for_an_acknowledgement(&mut self) {
        self.wait(2);
    }

    fn wait(&mut self, words: usize) {
        while self.words().len() < words {
            let mut buffer = [0; 4096];
            let read = self.pipe.read(&mut buffer).expect("a pipe");
            assert!(read > 0, "the worker died");
            self.said.extend_from_slice(&buffer[..read]);
        }
    }

    /// What it has acknowledged up to now. Nothing is waited for.
    pub(super) fn acknowledged(&mut self) -> Acknowledged {
        fcntl_setfl(&self.pipe, fcntl_getfl(&self.pipe).unwrap() | OFlags::NONBLOCK).unwrap();
        match self.pipe.read_to_end(&mut self.said) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            outcome => panic!("the worker died: {outcome:?}"),
        }
        let mut acknowledged = Acknowledged::default();
        for word in self.words() {
            let (act, rest) = word.split_once(' ').unwrap_or((&word, ""));
            let count = || rest.parse().expect("a number");
            match act {
                "ready" => {}
                "r" => acknowledged.replaced = count(),
                "u" => acknowledged.updated = count(),
                "a" => acknowledged.appended = count(),
                _ => panic!("with power: {word}"),
            }
        }
        acknowledged
    }

    /// The whole words so far: a line of the test harness around the worker may go before one.
    fn words(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.said);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().filter_map(|line| line.split_once('\u{1}')).map(|(_, word)| word.to_owned()).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
