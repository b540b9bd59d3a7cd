//! `stead write`

use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Stdio;

use rustix::process::Signal;
use stead::atomic::Version;
use testkit::{skip, tool, wait_until};

use crate::rig::{Rig, finish, is_root, kill, set_mode};

#[test]
fn standard_input_takes_the_place_of_the_file() {
    let rig = Rig::new();
    let made = rig.feed(&["write", "f"], b"one\n\0\xff").expect(0);
    assert_eq!((made.stdout.as_str(), made.stderr.as_str()), ("", ""));
    assert_eq!(rig.read("f"), b"one\n\0\xff");
    rig.feed(&["write", "f"], "").expect(0);
    assert_eq!(rig.read("f"), b"");
    assert_eq!(rig.names(), ["f"]);
}

#[test]
fn json_says_which_version_it_is_and_whether_that_is_new() {
    let rig = Rig::new();
    for (input, changed) in [("hello\n", true), ("hello\n", false), ("hellO\n", true), ("", true)] {
        let version = Version::of(input.as_bytes());
        let bytes = input.len();
        let said = rig.feed(&["write", "f", "--json"], input).expect(0).stdout;
        let shape = r#"{"schema":"stead.write/1","path":"f","version":"#;
        assert_eq!(said, format!("{shape}\"{version}\",\"changed\":{changed},\"bytes\":{bytes}}}\n"));
    }
}

#[test]
fn no_clobber_replaces_nothing() {
    let rig = Rig::new();
    rig.feed(&["write", "f", "--no-clobber"], "old").expect(0);
    let refused = rig.feed(&["write", "f", "--no-clobber"], "new").expect(1);
    assert!(refused.stderr.contains("failed to replace f: there is something already"), "{refused:?}");
    assert_eq!(rig.text("f"), "old");
    assert_eq!(rig.names(), ["f"]);
}

/// One that appears while standard input is read stays, too.
#[test]
fn conditions_hold_at_the_swap() {
    for (args, before) in
        [(vec!["--no-clobber"], None), (vec!["--if-match", &Version::of(b"old").to_string()], Some("old"))]
    {
        let rig = Rig::new();
        if let Some(before) = before {
            rig.write("f", before.as_bytes());
        }
        let mut command = rig.stead(&[&["write", "f"], &args[..]].concat());
        let mut writer = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let names = usize::from(before.is_some()) + 1;
        wait_until("it has begun", || (rig.names().len() == names).then_some(()));
        // The lock is free while it reads.
        rig.feed(&["write", "f", "--no-wait"], "foreign").expect(0);
        writer.stdin.take().unwrap().write_all(b"new").unwrap();
        assert_eq!(writer.wait().unwrap().code(), Some(1));
        assert_eq!(rig.text("f"), "foreign");
        assert_eq!(rig.names(), ["f"]);
    }
}

#[test]
fn if_match_replaces_one_version_only() {
    let rig = Rig::new();
    let version = Version::of(b"old").to_string();
    rig.feed(&["write", "f", "--if-match", &version], "new").expect(1);
    assert!(!rig.exists("f"));
    rig.write("f", b"old");
    rig.feed(&["write", "f", "--if-match", &version], "new").expect(0);
    let refused = rig.feed(&["write", "f", "--if-match", &version], "newer").expect(1);
    assert!(refused.stderr.contains(&Version::of(b"new").to_string()), "names what is there: {refused:?}");
    assert_eq!(rig.text("f"), "new");
    rig.feed(&["write", "f", "--if-match", "abc"], "x").expect(64);
    rig.feed(&["write", "f", "--if-match", &version, "--no-clobber"], "x").expect(64);
}

#[test]
fn the_version_is_that_of_xxhsum() {
    if !tool("xxhsum") {
        return;
    }
    let rig = Rig::new();
    rig.write("f", b"hello\n");
    let sum = rig.sh("xxhsum -H2 f").stdout;
    assert!(sum.starts_with(&Version::of(b"hello\n").to_string()), "{sum}");
}

#[test]
fn a_backup_is_kept() {
    let rig = Rig::new();
    rig.feed(&["write", "f", "--backup"], "1").expect(0);
    assert_eq!(rig.names(), ["f"]);
    rig.feed(&["write", "--backup", "f"], "2").expect(0);
    rig.feed(&["write", "--backup=.old", "f"], "3").expect(0);
    assert_eq!((rig.text("f~"), rig.text("f.old"), rig.text("f")), ("1".into(), "2".into(), "3".into()));
    rig.feed(&["write", "--backup=a/b", "f"], "4").expect(64);
}

#[test]
fn mode_owner_and_attributes_are_kept() {
    let rig = Rig::new();
    rig.write("f", b"old");
    set_mode(&rig.path("f"), 0o640);
    if is_root() {
        std::os::unix::fs::chown(rig.path("f"), Some(1), Some(2)).unwrap();
    }
    let before = rig.path("f").metadata().unwrap();
    let python = "python3 -c 'import os; os.setxattr(\"f\", \"user.note\", b\"mine\")'";
    let has_attribute = rig.sh(python).code == Some(0);
    rig.feed(&["write", "f"], "new").expect(0);
    let after = rig.path("f").metadata().unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino());
    if has_attribute {
        let note = rig.sh("python3 -c 'import os; print(os.getxattr(\"f\", \"user.note\").decode())'");
        assert_eq!(note.stdout, "mine\n");
    }
    rig.feed(&["write", "f", "--mode", "600"], "newer").expect(0);
    assert_eq!(rig.path("f").metadata().unwrap().mode() & 0o7777, 0o600);
    rig.feed(&["write", "f", "--mode", "u+w"], "x").expect(64);
}

#[test]
fn what_could_not_be_kept_is_said() {
    if !is_root() {
        return;
    }
    let rig = Rig::for_all();
    rig.write("f", b"old");
    set_mode(&rig.path("f"), 0o666);
    let said = finish(rig.stead_without_rights(&["write", "f"])).expect(0);
    assert!(said.stderr.starts_with("stead: f: not kept of the old file: "), "{said:?}");
}

#[test]
fn a_link_stays_one() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("d")).unwrap();
    symlink("d/f", rig.path("link")).unwrap();
    rig.feed(&["write", "link"], "1").expect(0);
    assert_eq!(rig.text("d/f"), "1");
    rig.feed(&["write", "link"], "2").expect(0);
    assert!(rig.path("link").is_symlink());
    assert_eq!(rig.text("d/f"), "2");
    assert!(rig.exists("d/.stead/locks/f.lock"));
}

#[test]
fn each_durability_writes_the_same() {
    let rig = Rig::new();
    for level in ["none", "data", "full"] {
        rig.feed(&["write", "f", "--durability", level], level).expect(0);
        assert_eq!(rig.text("f"), level);
    }
    rig.feed(&["write", "f", "--durability", "some"], "x").expect(64);
}

#[test]
fn what_cannot_be_replaced_is_said() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("folder")).unwrap();
    assert_eq!(rig.sh("mkfifo fifo").code, Some(0));
    symlink("loop", rig.path("loop")).unwrap();
    let before = rig.everything();
    for command in ["write", "append"] {
        for (file, code) in [("folder", 66), ("fifo", 66), ("/dev/null", 66), ("missing/f", 73)] {
            let refused = rig.feed(&[command, file], "x").expect(code);
            assert!(refused.stderr.contains("hint: "), "{refused:?}");
        }
        assert_ne!(rig.feed(&[command, "loop"], "x").code, Some(0));
    }
    assert_eq!(rig.everything(), before);
}

#[test]
fn what_is_read_only_stays() {
    let rig = Rig::for_all();
    rig.write("f", b"old");
    set_mode(&rig.path("f"), 0o444);
    std::fs::create_dir(rig.path("shut")).unwrap();
    set_mode(&rig.path("shut"), 0o555);
    for command in ["write", "append"] {
        for (file, code) in [("f", 77), ("shut/f", 73)] {
            let refused = finish(rig.stead_without_rights(&[command, file])).expect(code);
            assert!(refused.stderr.contains("hint: "), "{refused:?}");
        }
    }
    assert_eq!(rig.text("f"), "old");
    set_mode(&rig.path("shut"), 0o755);
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    // Only root mounts; as another user there is nothing to test.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let rig = Rig::new();
    let mounted = "mkdir d && mount -t tmpfs -o size=256k tmpfs d && cd d";
    if rig.sh(&format!("unshare -m sh -c '{mounted}'")).code != Some(0) {
        return skip("no right to mount");
    }
    let script = r#"cd d && mount -t tmpfs -o size=256k tmpfs . && cd "$PWD" || exit 99
        echo old | $STEAD write f || exit 98
        for command in "write f" "append f" "update f -- cat -"; do
            head -c 1000000 /dev/zero >/dev/null
            case "$command" in
                update*) $STEAD update f -- head -c 1000000 /dev/zero ;;
                *) head -c 1000000 /dev/zero | $STEAD $command ;;
            esac
            echo $?
        done
        cat f; ls -A"#;
    rig.write("script", script.as_bytes());
    let said = rig.sh("unshare -m sh script").expect(0);
    assert_eq!(said.stdout, "74\n74\n74\nold\n.stead\nf\n", "{said:?}");
    assert!(said.stderr.contains("free some space"), "{said:?}");
}

/// In a container a single file is a mount point of its own.
#[test]
fn a_bind_mounted_file_is_not_replaced_and_that_is_said() {
    // Only root mounts; as another user there is nothing to test.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let rig = Rig::new();
    if rig.sh("echo theirs >g; echo old >f; unshare -m mount --bind g f").code != Some(0) {
        return skip("no right to mount");
    }
    let said =
        rig.sh("unshare -m sh -c 'mount --bind g f && echo new | $STEAD write f; echo $?; cat f; ls -A'").expect(0);
    assert_eq!(said.stdout, "71\ntheirs\n.stead\nf\ng\n");
    assert!(said.stderr.contains("hint: it cannot be replaced atomically"), "{said:?}");
}

#[test]
fn a_big_file_needs_no_big_memory() {
    let rig = Rig::new();
    let said = rig.sh("ulimit -v 300000; head -c 700M /dev/zero | $STEAD write f --durability none --json").expect(0);
    assert!(said.stdout.contains("\"bytes\":734003200"), "{said:?}");
    assert_eq!(rig.path("f").metadata().unwrap().len(), 700 << 20);
}

/// Also while it waits for the lock.
#[test]
fn a_signal_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let rig = Rig::new();
        rig.write("f", b"old");
        let mut writer = rig.stead(&["write", "f"]).stdin(Stdio::piped()).spawn().unwrap();
        // Or else `wait` would close it.
        let _stdin = writer.stdin.take();
        wait_until("it has begun", || (rig.names().len() == 2).then_some(()));
        kill(i32::try_from(writer.id()).unwrap(), signal);
        assert!(writer.wait().unwrap().code().is_none());
        assert_eq!(rig.names(), ["f"]);

        let held = rig.hold(&["--for", "f"]);
        let mut writer = rig.stead(&["write", "f"]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pid = format!("\"pid\":{},", writer.id());
        wait_until("it waits", || rig.run(&["who", "--json", "f"]).says(&pid).then_some(()));
        kill(i32::try_from(writer.id()).unwrap(), signal);
        assert!(writer.wait().unwrap().code().is_none());
        held.end();
        assert_eq!((rig.text("f"), rig.names()), ("old".into(), vec!["f".to_owned()]));
    }
}

/// What SIGKILL leaves behind is taken away by `stead clean`, and not while its writer lives.
#[test]
fn clean_takes_away_what_killed_writers_left() {
    let rig = Rig::new();
    rig.write("f", b"old");
    std::fs::create_dir_all(rig.path("sub/.stead")).unwrap();
    std::fs::create_dir(rig.path("other")).unwrap();
    for orphan in ["sub/.stead-0123456789abcdef.tmp", "other/.stead-0123456789abcdef.tmp", ".stead-mine.tmp"] {
        rig.write(orphan, b"orphan");
    }
    let mut writer = rig.stead(&["write", "f"]).stdin(Stdio::piped()).spawn().unwrap();
    let names = wait_until("it has begun", || Some(rig.names()).filter(|names| names.len() == 5));
    // Between its birth and its lock, a temporary is an orphan like any other.
    let temporary = names.iter().find(|name| name.starts_with(".stead-") && *name != ".stead-mine.tmp").unwrap();
    wait_until("it is locked", || (rig.sh(&format!("flock -n {temporary} true")).code == Some(1)).then_some(()));
    let said = rig.run(&["clean", ".", "--json"]).expect(0);
    assert!(said.says(r#""swept":["./sub/.stead-0123456789abcdef.tmp"],"put_back":[],"kept":[]}"#), "{said:?}");
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(!rig.run(&["clean", ".", "--dry-run", "--json"]).expect(0).says(".tmp"));
    assert_eq!(rig.names(), names);
    let said = rig.run(&["clean", "."]).expect(0);
    assert!(said.says("removed 1 temporary file"), "{said:?}");
    assert_eq!(rig.names(), [".stead-mine.tmp", "f", "other", "sub"]);
}

#[test]
fn who_holds_it_is_said() {
    let rig = Rig::new();
    let held = rig.hold(&["--for", "f"]);
    for command in [&["write", "f"][..], &["append", "f"], &["set", "f", "/a", "1"], &["merge", "f"], &["update", "f"]]
    {
        let after: &[&str] = if command[0] == "update" { &["--", "cat"] } else { &[] };
        let with = |flags: &[&str]| rig.feed(&[command, flags, after].concat(), "{}");
        let busy = with(&["--no-wait"]).expect(75);
        assert!(busy.stderr.starts_with("stead: busy: f is held exclusively by pid "), "{busy:?}");
        assert!(busy.stderr.contains("see `stead who f`"), "{busy:?}");
        let late = with(&["--wait", "2s"]).expect(124);
        assert!(late.stderr.starts_with("stead: waiting for f, held exclusively by pid "), "{late:?}");
        assert!(late.stderr.contains("stead: timed out after 2s: f is held"), "{late:?}");
    }
    held.end();
    assert_eq!(rig.names(), [""; 0]);
}

#[test]
fn a_lock_folder_is_used() {
    let rig = Rig::new();
    for args in [&["write", "f"][..], &["append", "f"], &["set", "g", "/a", "1"], &["update", "f", "--", "cat"]] {
        let mut command = rig.stead(args);
        command.env("STEAD_LOCK_DIR", rig.path("locks"));
        finish(command).expect(0);
    }
    assert!(!rig.exists(".stead") && rig.exists("locks"));
}

/// Trap 32: what a writer that was killed under the lock left in the folder is gone after the next write.
#[test]
fn trap_32_a_write_after_a_death_sweeps() {
    let rig = Rig::new();
    rig.write("f", b"old");
    let mut held = rig.hold(&["--for", "f", "--close"]);
    rig.write(".stead-0123456789abcdef.tmp", b"half");
    held.kill_stead();
    crate::rig::kill(held.command(), rustix::process::Signal::KILL);
    rig.sh("echo new | $STEAD write f").expect(0);
    assert_eq!(rig.read("f"), b"new\n");
    assert!(!rig.path(".stead-0123456789abcdef.tmp").exists());
}
