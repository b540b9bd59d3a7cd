//! The parts that other processes play in these tests: sessions, editors, and programs that append.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use stead::atomic::append_lines;
use stead::edit::{EditSession, Editor, Ended, Outcome};
use stead::lock::Wait;
use testkit::{Cast, Stage};

use super::{edited, save_by_rename, word};

pub(super) const CAST: Cast = Cast::new(
    "edit::roles::enter",
    &[("open", open), ("session", session), ("editor", editor), ("write", write), ("append", append)],
);

#[test]
fn enter() {
    CAST.enter();
}

/// The command line of this binary, quoted for [`Editor::parse`], and what it needs around it to be the editor: files are
/// named behind its words, where the test harness takes them for tests that there are none of.
pub(super) fn editor_command() -> (Editor, Command) {
    let command = CAST.command(&[], "editor", &[]);
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let quoted: Vec<_> = words.map(|word| format!("\"{}\"", word.to_str().expect("UTF-8"))).collect();
    (Editor::parse(quoted.join(" ")).unwrap(), command)
}

/// Makes a command that a session runs one that plays the editor.
pub(super) fn play_editor(command: &mut Command) -> &mut Command {
    let (_, as_editor) = editor_command();
    for (name, value) in as_editor.get_envs() {
        command.env(name, value.expect("set"));
    }
    command
}

fn wait(word: &str) -> Wait {
    match word {
        "no" => Wait::No,
        "forever" => Wait::Forever,
        millis => Wait::For(Duration::from_millis(millis.parse().expect("a number"))),
    }
}

fn named(drafts: &str, files: &[String]) -> EditSession {
    files.iter().fold(EditSession::new().drafts(drafts), EditSession::file)
}

/// `WAIT DRAFTS FILE...`: holds a session from "open" until the next cue; an error is told by its kind.
fn open(stage: &mut Stage) {
    let session = named(&stage.args[1], &stage.args[2..]).editor(Editor::parse("none").unwrap());
    match session.wait(wait(&stage.args[0])).open() {
        Ok(session) => {
            stage.tell("open");
            stage.cue();
            drop(session);
            stage.tell("closed");
            stage.cue();
        }
        Err(error) => stage.tell(&format!("{:?}", error.kind())),
    }
}

/// `DRAFTS FILE...`: a session whose editor is a process that plays `editor`, and has our words and cues. Tells "open" and
/// at the end what became of each file.
fn session(stage: &mut Stage) {
    let mut session = named(&stage.args[0], &stage.args[1..]).editor(editor_command().0).open().expect("open");
    stage.tell("open");
    let end =
        session.edit_by(|command| play_editor(command).status().map(|status| Ended::Code(status.code().unwrap_or(9))));
    let edited = if end.expect("run").ended.is_success() { session.commit() } else { session.abandon() };
    for edited in edited {
        stage.tell(word(&edited.outcome));
    }
}

/// An editor of the drafts behind its words. Tells "editing PID" and does what it is told: `rename TEXT`, `in-place TEXT`
/// (with \n in it for a newline), `truncate`, `end CODE`; it tells "done" after each.
fn editor(stage: &mut Stage) {
    let files: Vec<PathBuf> =
        std::env::args().skip_while(|word| word != "--test-threads=1").skip(1).map(PathBuf::from).collect();
    let draft = files[0].clone();
    stage.tell(&format!("editing {}", std::process::id()));
    while let Some(cue) = stage.cue() {
        let (what, text) = cue.split_once(' ').unwrap_or((&cue, ""));
        let text = text.replace("\\n", "\n");
        match what {
            "rename" => save_by_rename(&draft, text),
            "in-place" => fs::write(&draft, text).expect("written"),
            "truncate" => drop(fs::File::create(&draft).expect("created")),
            _ => std::process::exit(text.parse().expect("a number")),
        }
        stage.tell("done");
    }
}

/// `DRAFTS FILE NAME TIMES`: sessions one after the other, each of which puts in a line `NAME NUMBER` somewhere. A
/// conflict is resolved by the next session, as a writer would.
fn write(stage: &mut Stage) {
    let [drafts, file, name, times] = &stage.args[..] else { panic!("four words") };
    for number in 0..times.parse().expect("a number") {
        let session = named(drafts, std::slice::from_ref(file)).editor(Editor::parse("none").unwrap());
        let edited = edited(session, |drafts| {
            let text = fs::read_to_string(&drafts[0]).expect("text");
            save_by_rename(&drafts[0], with_line(&text, &format!("{name} {number}"), number));
        });
        let is_good = matches!(edited[0].outcome, Outcome::Saved | Outcome::Merged);
        assert!(is_good, "{edited:?}");
    }
    stage.tell("done");
}

/// A text with a line at its beginning, in its middle, or at its end.
fn with_line(text: &str, line: &str, place: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(lines.len() * (place % 3) / 2, line);
    lines.join("\n") + "\n"
}

/// `FILE NAME TIMES`: appends numbered lines.
fn append(stage: &mut Stage) {
    let [file, name, times] = &stage.args[..] else { panic!("three words") };
    for number in 0..times.parse::<u64>().expect("a number") {
        append_lines(Path::new(file), [format!("{name} {number}")]).expect("appended");
    }
    stage.tell("done");
}
