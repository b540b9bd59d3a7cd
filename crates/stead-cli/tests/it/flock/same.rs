//! The same command lines for flock(1) and for us: the same exit codes, the same words, the same files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Flock, FlockRig, Link, Stead, System, is_here, without_rights};
use crate::rig::{Outcome, finish, set_mode};

/// Words apart by blanks, but for `~`, which is a blank in a word, and `''`, which is an empty one. `f` is a file, `d` a
/// folder, `r` may only be read.
const LINES: &[&str] = &[
    // Locks that are to be had.
    "f true",
    "f false",
    "d true",
    "r true",
    "-s d true",
    "-x d true",
    "new true",
    "-s new true",
    "-u f true",
    "-u new true",
    "-ns f true",
    "-xn f true",
    "-sxu f true",
    "-en f true",
    "-nE 7 f true",
    "-nE7 f true",
    "-w5 f true",
    "-w 5 f true",
    "-xw5 f true",
    "-o f true",
    "-oxn f true",
    "-F f true",
    "-Fxn f true",
    "--shared f true",
    "--exclusive f true",
    "--unlock f true",
    "--nb f true",
    "--nonblock f true",
    "--nonblocking f true",
    "--wait 1 f true",
    "--timeout=1 f true",
    "--conflict-exit-code 3 f true",
    "--conflict-exit-code=3 f true",
    "--close f true",
    "--no-fork f true",
    "--verbose f true",
    "--verbose -u f true",
    "--verbose -n 1",
    "--shar --exc --unl --nonb f true",
    "--time=1 --w 2 --e --conf 3 --clo f true",
    "-- f true",
    "-x -- f true",
    "-- -f true",
    "- true",
    "/dev/null true",
    "/bin/sh true",
    ". true",
    "dangling true",
    // The command and its end.
    "f echo -n x -w y",
    "f echo -- -c",
    "f sh -c exit~3",
    "f sh -c exit~255",
    "f sh -c kill~-9~$$",
    "f sh -c kill~-15~$$",
    "f sh -c kill~-2~$$",
    "-F f sh -c exit~3",
    "f -c exit~3",
    "f -c echo~$0~$1",
    "f --command exit~3",
    "f -c ''",
    "f ls /proc/self/fd",
    "-o f ls /proc/self/fd",
    "-F f ls /proc/self/fd",
    "--verbose f -c true",
    "--verbose -w 1 f echo x",
    "--verbose f sh -c exit~4",
    // Commands that cannot be run.
    "f nonexistent",
    "f ./nonexistent",
    "f ''",
    "f .",
    "f d",
    "f ./r",
    "-F f ./nonexistent",
    "-o f ./nonexistent",
    "--verbose f ./nonexistent",
    "f flock~f",
    // Files that cannot be opened.
    "nowhere/f true",
    "f/f true",
    "'' true",
    "lost true",
    "loop true",
    "nowhere/f nonexistent",
    "-w -1 nowhere/f true",
    // Descriptors.
    "0",
    "-u 0",
    "-n 1",
    "+1",
    "~1",
    "01",
    "99",
    "-n 99",
    "-u 99",
    "-w 1 99",
    "-w 0 99",
    "-- -1",
    "-- -2147483648",
    "1~",
    "f",
    "''",
    "0x1",
    "1.0",
    "2147483648",
    "99999999999",
    "99999999999999999999999",
    // Nonsense.
    "",
    "--",
    "-x",
    "-xn --",
    "-q",
    "-xq f true",
    "-? f true",
    "-: f true",
    "-c true f",
    "-cx f",
    "-s- f true",
    "-x=1 f true",
    "--bogus",
    "--bogus=1 f true",
    "---",
    "--n f true",
    "--no f true",
    "--ver f true",
    "--unlock=3 f true",
    "--verbose=1 f true",
    "--nb= f true",
    "-w",
    "-xw",
    "-E",
    "--timeout",
    "--wait",
    "--conflict-exit-code",
    "-Fo f true",
    "-F -o f",
    "-oF",
    "f -c",
    "f -c a b",
    "f --command",
    "f --command a b c",
    "-w x --bogus",
    "--bogus -w x",
    "-E x -w x",
    // Numbers.
    "-w 0 f true",
    "-w 0.0 f true",
    "-w -0 f true",
    "-w .007 f true",
    "-w 5. f true",
    "-w 1e2 f true",
    "-w 1E-9 f true",
    "-w -1e-9 f true",
    "-w +1 f true",
    "-w ~1 f true",
    "-w 1~ f true",
    "-w 0x1 f true",
    "-w 0x1.8p1 f true",
    "-w 0x f true",
    "-w 1e15 f true",
    "-w 9223372036854775807 f true",
    "-w -1 f true",
    "-w -.5 f true",
    "-w inf f true",
    "-w -INFINITY f true",
    "-w nan f true",
    "-w nan(1) f true",
    "-w 1e30 f true",
    "-w 1e400 f true",
    "-w 1e5000 f true",
    "-w 1e-5000 f true",
    "-w 1e99999999999999999999 f true",
    "-w '' f true",
    "-w x f true",
    "-w 1s f true",
    "-w 1,5 f true",
    "-w 1e f true",
    "-w --1 f true",
    "-w . f true",
    "-wx f true",
    "-w -x f true",
    "-w f true",
    "-E 0 f true",
    "-E 255 f true",
    "-E 256 f true",
    "-E -1 f true",
    "-E 010 f true",
    "-E 0x10 f true",
    "-E ~7 f true",
    "-E +7 f true",
    "-E 7~ f true",
    "-E '' f true",
    "-E x f true",
    "-E 99999999999 f true",
    "-E -99999999999 f true",
    "-E 99999999999999999999999x f true",
];

/// The same with somebody who holds `f` and somebody who shares `s`.
const BUSY: &[&str] = &[
    "-n f true",
    "-sn f true",
    "-n s true",
    "-sn s true",
    "-s s true",
    "-nE 7 f true",
    "-E 0 -n f true",
    "-E 255 -w 0 f true",
    "-w .01 f true",
    "-w .01 -E 9 f true",
    "-w 0.000001 f true",
    "-n -w 100 f true",
    "-w 100 -n f true",
    "-w 100 -w .01 f true",
    "-un f true",
    "-u f true",
    "--verbose -n f true",
    "--verbose -w .01 f true",
    "--verbose -w 0 f true",
    "--verbose -w .01 -n f true",
    "--verbose -E 9 -sn f -c true",
    "-n f nonexistent",
    "-Fn f true",
    "-on f true",
];

/// Scripts, to which `$FLOCK` is the command.
const SCRIPTS: &[&str] = &[
    // As the manual page has it.
    "( $FLOCK -n 9 || exit 1; echo locked ) 9>f",
    "exec 4<>f; $FLOCK -n 4; echo $?; $FLOCK -n f true; echo $?; $FLOCK -u 4; $FLOCK -n f true; echo $?",
    "[ \"$LOCKER\" ] && exit; exec env LOCKER=1 $FLOCK -en f sh -c 'echo $LOCKER'",
    "$FLOCK f $FLOCK -n f true; echo $?",
    "$FLOCK f $FLOCK -u 3; echo $?",
    "$FLOCK f sh -c '$FLOCK -u 3; $FLOCK -n f echo unlocked'; echo $?",
    "exec 9<r; $FLOCK -x 9; echo $?; exec 9<d; $FLOCK -x 9; echo $?; $FLOCK -s 9; echo $?",
    "exec 9>>f; $FLOCK -n 9; $FLOCK -sn 9; $FLOCK -sn f true; echo $?",
    "mkfifo p; (: >p) & $FLOCK p echo opened; wait",
    "mkfifo p; exec 9<>p; $FLOCK -n 9; echo $?",
    "$FLOCK 1 | cat; echo x | $FLOCK 0; echo $?",
    "echo piped | $FLOCK f cat",
    "echo piped | $FLOCK -F f cat",
    "$FLOCK -x f sh -c 'echo out; echo err >&2'",
    // No `#!` line. Made by the shell: a process that is forked here meanwhile would keep it open, and "text busy".
    "echo 'echo $1' >s; chmod 755 s; $FLOCK f ./s one; $FLOCK -o f ./s two; $FLOCK -F f ./s three",
    // What the command finds.
    "$FLOCK f env | grep -Ev '^(_|FLOCK|PWD)='",
    "env --block-signal=USR1 $FLOCK f grep SigBlk /proc/self/status",
    "env --block-signal=USR1 $FLOCK -F f grep SigBlk /proc/self/status",
    "env --ignore-signal=HUP $FLOCK f grep SigIgn /proc/self/status",
    "$FLOCK -w 5 f grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status",
    "$FLOCK -Fw 5 f grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status",
    "env --ignore-signal=CHLD $FLOCK f sh -c 'exit 3'; echo $?",
    "env --ignore-signal=CHLD $FLOCK f grep SigIgn /proc/self/status",
    "(umask 027; $FLOCK new true; stat -c %a new)",
    "[ \"$FLOCK\" = flock ] && FLOCK=$(command -v flock); PATH=/nowhere; $FLOCK f true; echo $?",
    "unset SHELL; $FLOCK f -c 'echo $0'",
    "SHELL= $FLOCK f -c 'echo $0'",
    "SHELL=/bin/bash $FLOCK f -c 'echo $0'",
    "SHELL=/bin/echo $FLOCK f -c 'echo $0'",
    "SHELL=/nowhere $FLOCK f -c 'echo $0'; echo $?",
    "SHELL=nowhere $FLOCK --verbose -n f -c 'echo $0'; echo $?",
    // What cannot be said.
    "$FLOCK -V >/dev/full 2>/dev/null; echo $?",
    "$FLOCK --verbose f sh -c 'exit 3' >/dev/full 2>/dev/null; echo $?",
    "$FLOCK f sh -c 'exit 3' >/dev/full 2>/dev/null; echo $?",
    // No descriptors, no processes.
    "ulimit -n 3; $FLOCK f true 2>/dev/null; echo $?",
];

/// What a user without rights meets.
const WITHOUT_RIGHTS: &[&str] = &[
    "r true",
    "-x r true",
    "-s r true",
    "secret true",
    "-s secret true",
    "write-only true",
    "closed true",
    "closed/new true",
    "read-only true",
    "read-only/new true",
    "read-only/there true",
    "new true",
    "f ./secret",
    "f /root/nonexistent",
];

#[test]
fn every_line_ends_as_flock_ends_it() {
    compare(LINES, FlockRig::new, |rig, flock, line| finish(rig.command(flock, &words(line))));
}

#[test]
fn every_line_ends_as_flock_ends_it_when_somebody_else_holds_the_lock() {
    compare(BUSY, FlockRig::new, |rig, flock, line| {
        let holders = [rig.hold(System, &["f"]), rig.hold(System, &["-s", "s"])];
        let outcome = finish(rig.command(flock, &words(line)));
        for holder in holders {
            holder.end();
        }
        outcome
    });
}

#[test]
fn scripts_go_as_with_flock() {
    compare(SCRIPTS, FlockRig::new, |rig, flock, script| finish(rig.script(flock, script)));
}

#[test]
fn a_user_without_rights_meets_what_flock_meets() {
    compare(WITHOUT_RIGHTS, FlockRig::for_all, |rig, flock, line| {
        finish(without_rights(rig.command(flock, &words(line))))
    });
}

#[test]
fn bytes_that_are_no_text_are_left_as_they_are() {
    if !is_here() {
        return;
    }
    for line in [&b"\xff echo \xfe"[..], b"f \xff", b"f -c echo\t'\xff'", b"-w \xff f"] {
        let words: Vec<&OsStr> = line.split(|byte| *byte == b' ').map(OsStr::from_bytes).collect();
        let ends = [System, Link, Stead].map(|flock| {
            let rig = prepared(FlockRig::new());
            let output = rig.command(flock, &words).output().unwrap();
            (output.status.code(), output.stdout, listing(&rig))
        });
        assert!(ends[0] == ends[1] && ends[0] == ends[2], "{line:?}: {ends:?}");
    }
}

/// Each in a folder of its own, and compared with flock(1).
#[track_caller]
fn compare(lines: &[&str], make: fn() -> FlockRig, run: impl Fn(&FlockRig, Flock, &str) -> Outcome) {
    if !is_here() {
        return;
    }
    let mut differing = Vec::new();
    for line in lines {
        let [system, link, stead] = [System, Link, Stead].map(|flock| {
            let rig = prepared(make());
            let outcome = run(&rig, flock, line);
            (normal(&outcome), listing(&rig))
        });
        for ours in [link, stead] {
            if ours.0 != system.0 {
                differing.push(format!("{line:?}\n  flock: {:?}\n  ours:  {:?}\n", system.0, ours.0));
            } else if ours.1 != system.1 {
                differing.push(format!("{line:?}\n  flock left {:?}\n  we left    {:?}\n", system.1, ours.1));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.concat());
}

fn prepared(rig: FlockRig) -> FlockRig {
    let path = |name: &str| rig.0.path("work").join(name);
    for (name, mode) in [("f", 0o666), ("s", 0o666), ("r", 0o444), ("secret", 0o000), ("write-only", 0o222)] {
        rig.0.write(&format!("work/{name}"), b"content");
        set_mode(&path(name), mode);
    }
    for folder in ["d", "closed", "read-only"] {
        std::fs::create_dir(path(folder)).unwrap();
    }
    rig.0.write("work/read-only/there", b"");
    set_mode(&path("closed"), 0o000);
    set_mode(&path("read-only"), 0o555);
    for (target, name) in [("missing", "dangling"), ("nowhere/f", "lost"), ("loop", "loop")] {
        std::os::unix::fs::symlink(target, path(name)).unwrap();
    }
    rig
}

/// Lets the folder be looked into, and removed.
fn restore(rig: &FlockRig) {
    for folder in ["work/closed", "work/read-only"] {
        set_mode(&rig.0.path(folder), 0o755);
    }
    for file in ["work/secret", "work/write-only"] {
        set_mode(&rig.0.path(file), 0o644);
    }
}

/// What is left, by names in the folder.
fn listing(rig: &FlockRig) -> Vec<(PathBuf, String)> {
    restore(rig);
    let folder = rig.0.path("work");
    let all = rig.0.everything().into_iter();
    all.filter_map(|(path, what)| Some((path.strip_prefix(&folder).ok()?.to_owned(), what))).collect()
}

fn words(line: &str) -> Vec<String> {
    let word = |word: &str| if word == "''" { String::new() } else { word.replace('~', " ") };
    line.split_whitespace().map(word).collect()
}

/// How it ended; what it said, but for the name and the time, and in the order of the alphabet: flock(1) keeps what it
/// says on a pipe until the command has ended, and so a command in its place takes it along.
fn normal(outcome: &Outcome) -> (Option<i32>, Option<i32>, Vec<String>, Vec<String>) {
    let took = "getting lock took ";
    let line = |line: &str| {
        // A shell says where it is, and both tell the names of processes.
        let line =
            line.replace("../stead flock", "flock").replace("../bin/flock", "flock").replace("stead flock", "flock");
        line.split_once(took).map_or(line.clone(), |(start, _)| format!("{start}{took}"))
    };
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(line).collect();
        lines.sort();
        lines
    };
    (outcome.code, outcome.signal, lines(&outcome.stdout), lines(&outcome.stderr))
}
