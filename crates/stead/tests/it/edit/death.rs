//! Sessions and editors that are killed at any moment. Each text that the editor had saved is in the file, or in a draft
//! that is offered.
#![expect(clippy::print_stdout, reason = "a seed is said for who wants to see it again")]

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use stead::edit::Session;
use testkit::{Actor, wait_until};

use super::roles::CAST;
use super::{Desk, edit, scale, words};

/// A session that is a process, and its editor that is one.
struct Pair {
    session: Actor,
    editor: u32,
}

impl Pair {
    fn new(desk: &Desk) -> Pair {
        let (drafts, file) = (desk.drafts(), desk.path("f"));
        let mut session = CAST.start("session", &[drafts.to_str().unwrap(), file.to_str().unwrap()]);
        session.expect("open");
        let word = session.word();
        let editor = word.strip_prefix("editing ").and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("{word}"));
        Pair { session, editor }
    }

    /// Lets the editor save, and waits until it has.
    fn save(&mut self, cue: &str) {
        self.session.cue(cue);
        self.session.expect("done");
    }

    fn kill_editor(&self) {
        // It may be gone.
        let _ = kill_process(Pid::from_raw(self.editor.try_into().unwrap()).unwrap(), Signal::KILL);
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.kill_editor();
    }
}

impl Desk {
    /// The only draft's folder.
    fn room(&self) -> std::path::PathBuf {
        let rooms = self.rooms();
        assert_eq!(rooms.len(), 1, "{rooms:?}");
        rooms[0].clone()
    }

    /// Waits until a copy of this text has been made.
    fn wait_for_copy(&self, text: &str) {
        let saves = self.room().join("saves");
        wait_until("a copy is made", || {
            let mut copies = fs::read_dir(&saves).unwrap().map(|copy| copy.unwrap().path());
            copies.any(|copy| fs::read_to_string(copy).is_ok_and(|found| found == text)).then_some(())
        });
    }

    /// A session with something to go on with; an editor that was killed is gone a moment later.
    fn session_with_leftover(&self) -> Session {
        wait_until("it is offered", || {
            let session = self.session(&["f"]).wait(testkit::PATIENCE).open().unwrap();
            (!session.leftovers().is_empty()).then_some(session)
        })
    }

    /// Goes on with what is offered, and saves it.
    fn recover(&self) {
        let mut session = self.session_with_leftover();
        let newest = session.leftovers()[0].clone();
        session.recover(&newest).unwrap();
        edit(&mut session, |_| ());
        assert_eq!(words(&session.commit()), ["Saved"]);
    }
}

/// The process of the session is killed: the lock is free at once, the editor's draft is its own as long as it lives, and
/// all that it saved is offered then.
#[test]
fn what_was_saved_before_a_session_was_killed_is_offered() {
    for saves in 1..=5 {
        let desk = Desk::with("old\n");
        let mut pair = Pair::new(&desk);
        let draft = desk.room().join("text/f");
        for number in 1..=saves {
            pair.save(&format!("rename {number}\\nold\\n"));
        }
        pair.session.kill();
        let expected = format!("{saves}\nold\n");
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        {
            let session = desk.session(&["f"]).wait(testkit::PATIENCE).open().unwrap();
            assert!(session.leftovers().is_empty(), "its editor lives");
            drop(session);
            // It goes on saving.
            pair.save(&format!("rename {expected}", expected = expected.replace('\n', "\\n")));
        }
        pair.kill_editor();
        let session = desk.session_with_leftover();
        assert_eq!(session.leftovers()[0].draft(), draft);
        assert_eq!(String::from_utf8(session.leftovers()[0].content().unwrap()).unwrap(), expected);
        drop(session);
        stead::atomic::append_lines(desk.path("f"), ["appended"]).unwrap();
        desk.recover();
        assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), (format!("{expected}appended\n"), 0));
    }
}

/// An editor that overwrites in place is killed when it has only just begun, with the session: what was saved before is
/// offered.
#[test]
fn a_text_that_is_cut_off_is_not_offered_in_the_place_of_a_whole_one() {
    let desk = Desk::with("old\n");
    let mut pair = Pair::new(&desk);
    pair.save("in-place one\\ntwo\\n");
    desk.wait_for_copy("one\ntwo\n");
    pair.session.kill();
    pair.save("truncate");
    pair.kill_editor();
    assert_eq!(desk.session_with_leftover().leftovers()[0].content().unwrap(), b"one\ntwo\n");
    desk.recover();
    assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), ("one\ntwo\n".to_owned(), 0));
}

/// The same, and nothing had been saved before: the next session does not empty the file.
#[test]
fn a_text_that_is_cut_off_before_it_was_ever_saved_empties_nothing() {
    let desk = Desk::with("one\ntwo\n");
    let mut pair = Pair::new(&desk);
    pair.session.kill();
    pair.save("truncate");
    pair.kill_editor();
    pair.session.wait_for_its_end();
    let mut session = desk.session(&["f"]).wait(testkit::PATIENCE).open().unwrap();
    for leftover in session.leftovers().to_vec() {
        assert_eq!(String::from_utf8(leftover.content().unwrap()).unwrap(), "one\ntwo\n", "offered");
        session.recover(&leftover).unwrap();
    }
    edit(&mut session, |_| ());
    let _ = session.commit();
    assert_eq!(desk.content("f").unwrap(), "one\ntwo\n");
}

/// A generator that says how to begin again.
struct Random(u64);

impl Random {
    fn new() -> Random {
        use std::hash::{BuildHasher, Hasher};
        let drawn = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let seed = scale("STEAD_SEED", drawn).max(1);
        println!("STEAD_SEED={seed}");
        Random(seed)
    }

    fn below(&mut self, max: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % max
    }
}

/// Kills at random moments: of the session, of the editor, or of both, while the editor saves, while it ends, while the
/// result is put in place. The text that was saved last is in the file, or offered. More of it: `STEAD_KILLS`.
#[test]
fn nothing_that_was_saved_is_lost_by_kills() {
    let mut random = Random::new();
    let desk = Desk::with("0\n");
    let mut ends = [0; 3];
    for round in 1..=scale("STEAD_KILLS", 25) {
        let mut pair = Pair::new(&desk);
        let mut saved = desk.content("f").unwrap();
        let mut doubtful = None;
        for save in 0..random.below(4) {
            saved = format!("{round}.{save}\n");
            let how = ["rename", "in-place"][usize::try_from(random.below(2)).unwrap()];
            pair.save(&format!("{how} {round}.{save}\\n"));
        }
        // The last word is under way when they are killed.
        match random.below(3) {
            0 => {
                doubtful = Some(format!("{round}.last\n"));
                pair.session.cue(&format!("rename {round}.last\\n"));
            }
            1 => pair.session.cue("end 0"),
            _ => {}
        }
        std::thread::park_timeout(Duration::from_micros(random.below(6_000)));
        match random.below(3) {
            0 => pair.session.kill(),
            1 => {
                pair.kill_editor();
                // The session gives up, or was done.
                pair.session.wait_for_its_end();
            }
            _ => {
                pair.kill_editor();
                pair.session.kill();
            }
        }
        pair.kill_editor();
        let known = |text: &str| text == saved || Some(text) == doubtful.as_deref();
        let session = wait_until("it is in the file, or offered", || {
            let session = desk.session(&["f"]).wait(testkit::PATIENCE).open().unwrap();
            let offered = session.leftovers().first().map(|draft| String::from_utf8(draft.content().unwrap()).unwrap());
            let is_there =
                offered.as_deref().is_some_and(known) || (offered.is_none() && known(&desk.content("f").unwrap()));
            is_there.then_some(session)
        });
        ends[usize::from(!session.leftovers().is_empty())] += 1;
        drop(session);
        // Also by what the next session makes of it.
        if !desk.offered().is_empty() {
            desk.recover();
        }
        assert!(known(&desk.content("f").unwrap()), "round {round}: {:?}, saved was {saved:?}", desk.content("f"));
        drop(pair);
    }
    wait_until("no draft is left", || {
        drop(desk.session(&["f"]).open().unwrap());
        desk.rooms().is_empty().then_some(())
    });
    println!("in the file {}, offered {}", ends[0], ends[1]);
}
