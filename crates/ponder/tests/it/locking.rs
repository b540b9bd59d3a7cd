//! Seeds 000 and 001 point by point: entries are locked as long as an editor has them open.

use rustix::process::Signal;
use testkit::wait_until;

use crate::rig::{Rig, finish, kill};

const SAVE: &str = "printf 'saved by %s\\n' $$ >> \"$1\"";

#[test]
fn one_gets_in_a_second_does_not_and_after_the_first_it_does() {
    let rig = Rig::new();
    let first = rig.open("first", &[], "", "echo first >> \"$1\"");
    let pid = first.pid();
    let busy = rig.edit(&[], "echo never > $RIG/ran").expect(75);
    assert!(!rig.path("ran").exists());
    let today = rig.today();
    // Which file, who, since when; and what next.
    let busy = busy.saying(today.to_str().unwrap()).saying(&format!("pid {pid} (")).saying(", for ");
    let busy = busy.saying("hint: wait with --wait 30s");
    assert!(busy.stderr.lines().all(|line| line.starts_with("ponder: ") || line.starts_with("hint: ")), "{busy:?}");
    first.end().expect(0).saying("saved");
    rig.edit(&[], "echo second >> \"$1\"").expect(0).saying("saved");
    let text = std::fs::read_to_string(today).unwrap();
    assert!(text.contains("first\n") && text.contains("second\n"), "{text}");
    assert_eq!(rig.held(), 0);
}

#[test]
fn the_lock_outlives_an_editor_that_saves_by_rename() {
    // Trap 45: a lock on the file itself would be gone.
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    let rename = "cp \"$1\" \"$1.new\"; echo renamed >> \"$1.new\"; mv \"$1.new\" \"$1\"";
    let first = rig.open("first", &[], rename, "");
    rig.edit(&[], "true").expect(75);
    first.end().expect(0);
    assert!(std::fs::read_to_string(rig.today()).unwrap().ends_with("renamed\n"));
}

#[test]
fn an_editor_may_have_arguments_and_is_not_run_by_a_shell() {
    // Trap 46.
    let rig = Rig::new();
    let mut command = rig.ponder(&["--editor", "sh -c 'echo \"$0\" >> \"$1\"' ';touch$IFS$RIG/shell'"]);
    command.env("EDITOR", "false");
    finish(command).expect(0);
    assert!(std::fs::read_to_string(rig.today()).unwrap().ends_with("\n;touch$IFS$RIG/shell\n"));
    assert!(!rig.path("shell").exists());
}

#[test]
fn one_who_waits_gets_in_or_is_told_when_time_is_up() {
    let rig = Rig::new();
    let first = rig.open("first", &[], "", "");
    rig.edit(&["--wait", "50ms"], SAVE).expect(124).saying("timed out after 50ms: ").saying("pid ");
    let mut waiter = rig.editing(&["--wait", "1h"], SAVE);
    let waiter = waiter.stderr(std::process::Stdio::piped()).spawn().unwrap();
    first.end().expect(0);
    let output = waiter.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_wait_says_for_whom() {
    let rig = Rig::new();
    let first = rig.open("first", &[], "", "");
    let file = rig.path("said");
    let mut waiter = rig.editing(&["--wait", "1h"], SAVE);
    let mut waiter = waiter.stderr(std::fs::File::create(&file).unwrap()).spawn().unwrap();
    wait_until("the waiter says for whom", || {
        let said = std::fs::read_to_string(&file).unwrap();
        said.contains(&format!("waiting for {}", rig.today().display())).then_some(())
    });
    first.end().expect(0);
    assert!(waiter.wait().unwrap().success());
}

/// A journal with an entry of each of these days ago.
fn with_days_ago(rig: &Rig, days: &[&str]) {
    for day in days {
        rig.run(&["add", "-d", day, &format!("of {day}")]).expect(0);
    }
}

#[test]
fn all_entries_of_a_span_open_in_one_session_in_order() {
    let rig = Rig::new();
    with_days_ago(&rig, &["1 day ago", "7 days ago", "3 days ago", "8 days ago", "today"]);
    rig.edit(&["--retro"], "echo $# > $RIG/count; cat \"$@\" > $RIG/all; for f; do echo more >> \"$f\"; done")
        .expect(0);
    assert_eq!(rig.read("count"), "3\n");
    let all = rig.read("all");
    let at = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text} in {all}"));
    assert!(at("of 7 days ago") < at("of 3 days ago") && at("of 3 days ago") < at("of 1 day ago"));
    // No headings of a session, where the entries are looked back at.
    assert!(std::fs::read_to_string(rig.run(&["path", "3 days ago"]).stdout.trim()).unwrap().ends_with("ago\nmore\n"));

    with_days_ago(&rig, &["1 month ago", "6 months ago", "2 years ago", "5 months ago"]);
    rig.edit(&["-m"], "echo $# > $RIG/count; cat \"$@\" > $RIG/all").expect(0);
    assert_eq!(rig.read("count"), "3\n");
    assert!(rig.read("all").find("of 2 years ago") < rig.read("all").find("of 1 month ago"));
}

#[test]
fn a_span_without_entries_says_so() {
    let rig = Rig::new();
    rig.edit(&["-r"], "touch $RIG/ran").expect(1).saying("no entries of the last seven days");
    rig.edit(&["-m"], "touch $RIG/ran").expect(1).saying("no entries of ");
    assert!(!rig.path("ran").exists() && !rig.path("journal").exists());
}

#[test]
fn one_locked_entry_of_a_set_leaves_none_locked() {
    let rig = Rig::new();
    with_days_ago(&rig, &["1 day ago", "2 days ago", "3 days ago"]);
    let one = rig.open("one", &["-d", "2 days ago"], "", "");
    let held = rig.held();
    let path = rig.run(&["path", "2 days ago"]).stdout.trim().to_owned();
    rig.edit(&["--retro"], "touch $RIG/ran").expect(75).saying(&path).saying(&format!("pid {}", one.pid()));
    assert!(!rig.path("ran").exists());
    assert_eq!(rig.held(), held);
    rig.edit(&["-d", "3 days ago"], SAVE).expect(0);
    // The other way round: who has the set has each of it.
    one.end().expect(0);
    let set = rig.open("set", &["--retro"], "", "");
    for day in ["1 day ago", "2 days ago", "3 days ago"] {
        rig.edit(&["-d", day], "touch $RIG/ran").expect(75);
    }
    rig.edit(&[], SAVE).expect(0);
    set.end().expect(0);
    rig.edit(&["--retro"], SAVE).expect(0);
}

#[test]
fn a_crash_gives_the_locks_back() {
    let rig = Rig::new();
    let mut first = rig.open("first", &[], "", "");
    first.kill_ponder();
    // Its editor is still there.
    wait_until("the locks are free", || (rig.held() == 0).then_some(()));
    rig.edit(&[], "echo second >> \"$1\"").expect(0);
    first.let_go();
    assert!(std::fs::read_to_string(rig.today()).unwrap().contains("second"));
}

#[test]
fn signals_reach_the_editor() {
    let rig = Rig::new();
    let mut first = rig.open("first", &[], "trap 'echo told >> \"$1\"; exit 0' TERM", "");
    kill(first.pid(), Signal::TERM);
    // The shell is woken from its read.
    first.wait().expect(0).saying("saved");
    assert!(std::fs::read_to_string(rig.today()).unwrap().ends_with("told\n"));
}

#[test]
fn a_folder_reached_by_two_names_is_one_journal() {
    let rig = Rig::new();
    rig.run(&["add", "x"]).expect(0);
    std::os::unix::fs::symlink(rig.path("journal"), rig.path("link")).unwrap();
    let first = rig.open("first", &[], "", "");
    rig.edit(&["--dir", "link"], SAVE).expect(75);
    first.end().expect(0);
}
