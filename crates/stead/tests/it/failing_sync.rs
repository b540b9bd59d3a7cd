//! Syncs that fail: for real, on a disk whose own disk is full, and call by call, by strace. What failed has changed
//! nothing, or says that it has.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stead::ErrorKind;
use stead::atomic::{AtomicFile, Durability, Options, append_lines, replace};
use stead::document::Document;
use tempfile::{TempDir, tempdir};
use testkit::{Actor, Stage};

use crate::cast::CAST;
use crate::mounted::{Image, Mounted};

const OLD: &[u8] = b"old content\n";
const NEW: &[u8] = b"new content\n";
const DOCUMENT: &[u8] = b"{\n  \"n\": 1\n}\n";

/// `ACT PATH`: writes there in one way, and tells the kind and the hint of the error, or "Ok" and "".
pub(crate) fn write(stage: &mut Stage) {
    let (act, path) = (stage.args[0].clone(), PathBuf::from(&stage.args[1]));
    let done = match &*act {
        "replace" => replace(&path, NEW).map(|_| ()),
        "replace_data" => Options::new().durability(Durability::Data).replace(&path, NEW).map(|_| ()),
        "update" => Document::<Value>::json(&path).update(|value| value["n"] = json!(2)),
        "append" => append_lines(&path, ["third", "fourth"]).map(|_| ()),
        _ => {
            let mut file = AtomicFile::create(&path).expect("created");
            file.write_all(NEW).expect("written");
            file.commit().map(|_| ()).map_err(|failed| {
                tell(stage, Err(failed.error));
                failed.file.commit().expect_err("not twice").error
            })
        }
    };
    tell(stage, done);
    stage.cue();
}

fn tell(stage: &mut Stage, done: stead::Result<()>) {
    match done {
        Ok(()) => stage.tell("Ok"),
        Err(error) => {
            stage.tell(&format!("{:?}", error.kind()));
            stage.tell(error.hint().unwrap_or_default());
        }
    }
}

/// A folder with one file for each way of writing, whose locks are there already.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Files {
        let files = Files { folder: tempdir().unwrap() };
        for name in ["replace", "replace_data", "commit"] {
            fs::write(files.path(name), OLD).unwrap();
        }
        files.prepare_document();
        for line in ["first", "second"] {
            append_lines(files.path("append"), [line]).unwrap();
        }
        files
    }

    fn prepare_document(&self) {
        let document = Document::<Value>::json(self.path("update")).default(|| json!({}));
        document.update(|value| value["n"] = json!(1)).unwrap();
        fs::write(self.path("update"), DOCUMENT).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn everything(&self) -> Vec<(String, Vec<u8>)> {
        everything(self.folder.path())
    }

    /// Lets an actor write to the file of that way, while strace spoils its calls. `None`: there is no strace.
    fn write(&self, act: &str, strace: &[&str]) -> Option<Actor> {
        write_to(&self.path(act), act, strace)
    }
}

fn write_to(path: &Path, act: &str, strace: &[&str]) -> Option<Actor> {
    if !testkit::tool("strace") {
        return None;
    }
    let through = [&["strace", "-f", "-qq", "-o", "/dev/null"], strace].concat();
    Some(Actor::new(&mut CAST.command(&through, "write", &[act, path.to_str().expect("text")])))
}

/// Every file of a folder with its content, but for those of locks.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|file| file.file_name() != ".stead");
    let mut files: Vec<_> =
        files.map(|file| (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).unwrap())).collect();
    files.sort();
    files
}

/// Traps 26 and 29: whatever the system says to the sync of a content, the old one is in place, and no temporary stays.
#[test]
fn trap_26_a_failed_sync_changes_nothing() {
    let files = Files::new();
    let before = files.everything();
    for error in ["EIO", "ENOSPC", "EDQUOT"] {
        for (act, call) in [
            ("replace", "fsync"),
            ("replace_data", "fdatasync"),
            ("update", "fsync"),
            // That of the intent.
            ("append", "fdatasync:when=1"),
            ("append", "fdatasync:when=2"),
        ] {
            let (call, when) = call.split_once(':').unwrap_or((call, "when=1"));
            let inject = format!("inject={call}:error={error}:{when}");
            let Some(mut actor) = files.write(act, &["-e", &inject]) else { return };
            assert_eq!(actor.word(), "Io", "{act} {inject}");
            assert_eq!(actor.word().contains("space"), error != "EIO", "{act} {inject}");
            assert_eq!(files.everything(), before, "{act} {inject}");
        }
    }
    replace(files.path("replace"), NEW).unwrap();
    append_lines(files.path("append"), ["third"]).unwrap();
    assert_eq!(fs::read_to_string(files.path("append")).unwrap(), "first\nsecond\nthird\n");
}

/// After the sync of a content comes that of its folder: then the new one is in place, and said not to be sure of that.
#[test]
fn a_failed_sync_of_the_folder_is_said_to_be_not_durable() {
    let files = Files::new();
    for (act, new) in [("replace", NEW), ("update", b"{\n  \"n\": 2\n}\n")] {
        let Some(mut actor) = files.write(act, &["-e", "inject=fsync:error=EIO:when=2"]) else { return };
        assert_eq!(actor.word(), "NotDurable", "{act}");
        assert_eq!(fs::read(files.path(act)).unwrap(), new, "{act}");
    }
    let names: Vec<_> = files.everything().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["append", "commit", "replace", "replace_data", "update"]);
}

/// A log that is born by an append whose last sync fails: it is taken back like any other.
#[test]
fn a_failed_sync_of_the_folder_of_a_new_log_takes_it_back() {
    let files = Files::new();
    let before = files.everything();
    let Some(mut actor) = write_to(&files.path("new"), "append", &["-e", "inject=fsync:error=EIO:when=2"]) else {
        return;
    };
    assert_eq!(actor.word(), "Io");
    assert_eq!(files.everything(), before);
}

/// Trap 28: only a first part of an append fits, and the writer is told so, or killed by the system for wanting more.
#[test]
fn trap_28_an_append_of_which_a_part_fits_is_taken_back() {
    for killed in [false, true] {
        let files = Files::new();
        let log = files.path("append");
        // So long that only this file reaches the limit.
        append_lines(&log, ["x".repeat(5_000)]).unwrap();
        let before = files.everything();
        let limit = format!("--fsize={}", fs::metadata(&log).unwrap().len() + 8);
        let mut strace = vec!["-P", log.to_str().expect("text")];
        if !killed {
            strace.extend(["-e", "inject=write:error=ENOSPC:when=2"]);
        }
        strace.extend(["prlimit", &limit]);
        let Some(mut actor) = files.write("append", &strace) else { return };
        if killed {
            assert!(!actor.dismiss());
            assert_eq!(fs::read(&log).unwrap(), [&before[0].1[..], b"third\nfo"].concat());
        } else {
            assert_eq!(actor.word(), "Io");
            assert!(actor.word().contains("space"));
            assert_eq!(files.everything(), before);
        }
        let kept = append_lines(&log, ["third"]).unwrap().kept;
        assert_eq!(kept.len(), usize::from(killed));
        assert_eq!(fs::read(&log).unwrap(), [&before[0].1[..], b"third\n"].concat());
    }
}

/// Trap 26: a second sync would say that all is well. It is not asked.
#[test]
fn trap_26_a_commit_is_not_tried_again_after_a_failed_sync() {
    let files = Files::new();
    let before = files.everything();
    let Some(mut actor) = files.write("commit", &["-e", "inject=fsync:error=EIO:when=1"]) else { return };
    actor.expect("Io");
    actor.word();
    actor.expect("Poisoned");
    assert!(actor.word().contains("anew"));
    assert_eq!(files.everything(), before);
}

/// Trap 28: strace says of the first write that it took two bytes, of which nothing arrives; the rest goes where it
/// belongs.
#[test]
fn trap_28_short_writes_are_continued() {
    let files = Files::new();
    for act in ["replace", "commit"] {
        let Some(mut actor) = files.write(act, &["-e", "inject=pwrite64:retval=2:when=1"]) else { return };
        actor.expect("Ok");
        assert_eq!(fs::read(files.path(act)).unwrap(), [b"\0\0", &NEW[2..]].concat(), "{act}");
    }
    let log = files.path("append");
    let strace = ["-P", log.to_str().expect("text"), "-e", "inject=write:retval=2:when=1"];
    let Some(mut actor) = files.write("append", &strace) else { return };
    actor.expect("Ok");
    assert_eq!(fs::read_to_string(&log).unwrap(), "first\nsecond\nird\nfourth\n");
}

/// Trap 29: the system says no to a write.
#[test]
fn trap_29_a_failed_write_changes_nothing() {
    let files = Files::new();
    let before = files.everything();
    let log = files.path("append");
    let log = log.to_str().expect("text");
    for error in ["ENOSPC", "EDQUOT", "EIO"] {
        // The first write of an update is into the record of its lock.
        for (act, call, when, of) in [
            ("replace", "pwrite64", "1+", &[][..]),
            ("update", "pwrite64", "2+", &[]),
            ("append", "write", "1+", &["-P", log]),
        ] {
            let inject = format!("inject={call}:error={error}:when={when}");
            let Some(mut actor) = files.write(act, &[of, &["-e", &inject]].concat()) else { return };
            assert_eq!(actor.word(), "Io", "{act} {inject}");
            assert_eq!(actor.word().contains("space"), error != "EIO", "{act} {inject}");
            assert_eq!(files.everything(), before, "{act} {inject}");
        }
    }
}

/// A disk in a file on a tmpfs that has no room for it: what is written to new blocks is lost when it is synced.
struct Failing {
    disk: Mounted,
    filler: PathBuf,
    // Unmounted last.
    _below: Mounted,
}

impl Failing {
    fn new() -> Option<Failing> {
        const IMAGE: Image<'_> = Image {
            make: &["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-J", "size=4", "-E", "lazy_itable_init=0"],
            megabytes: 32,
        };
        const JOURNAL_BLOCKS: u32 = 1024;
        let below = Mounted::tmpfs("size=40m")?;
        let disk = Mounted::image_in(below.path().join("image"), tempdir().unwrap(), IMAGE)?;
        // A loop device takes a short write into its file for a whole one, and says that all is well. So none of its
        // writes may be longer than a page of the tmpfs, which has its place or has not.
        let device = fs::metadata(disk.path()).unwrap().dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        fs::write(format!("/sys/dev/block/{major}:{minor}/queue/max_sectors_kb"), "4").unwrap();
        // Every block of the journal is written once, so that it has a place below.
        let scratch = disk.path().join("scratch");
        for _ in 0..JOURNAL_BLOCKS {
            let file = File::create(&scratch).unwrap();
            file.sync_all().unwrap();
            fs::remove_file(&scratch).unwrap();
        }
        Some(Failing { filler: below.path().join("filler"), disk, _below: below })
    }

    /// From here on there is no place for a block that was not written before.
    fn begin(&self) {
        File::open(self.disk.path()).unwrap().sync_all().unwrap();
        rustix::fs::syncfs(File::open(self.disk.path()).unwrap()).unwrap();
        let mut filler = File::create(&self.filler).unwrap();
        while filler.write(&[b'f'; 4096]).is_ok() {}
    }

    fn end(&self) {
        fs::remove_file(&self.filler).unwrap();
    }
}

/// Trap 26 for real: the sync fails once, the next one would not, and the content is gone.
#[test]
fn trap_26_a_sync_that_really_fails_changes_nothing() {
    let Some(failing) = Failing::new() else { return };
    let folder = failing.disk.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    replace(path("f"), OLD).unwrap();
    let document = Document::<Value>::json(path("d"));
    document.set(&json!({"n": 1})).unwrap();
    for line in ["first", "second"] {
        append_lines(path("log"), [line]).unwrap();
    }
    let before = everything(&folder);
    failing.begin();

    // The disk itself: this is what is to be survived.
    let mut file = File::create(path("plain")).unwrap();
    file.write_all(&vec![b'x'; 100_000]).unwrap();
    let first = file.sync_all();
    assert!(first.is_err() && file.sync_all().is_ok(), "{first:?}");
    fs::remove_file(path("plain")).unwrap();

    let large = vec![b'n'; 100_000];
    assert_eq!(replace(path("f"), &large).unwrap_err().kind(), ErrorKind::Io);
    let text = "n".repeat(100_000);
    assert_eq!(document.update(|value| value["n"] = json!(text)).unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(append_lines(path("log"), [&large]).unwrap_err().kind(), ErrorKind::Io);
    let mut file = AtomicFile::create(path("f")).unwrap();
    file.write_all(&large).unwrap();
    let failed = file.commit().unwrap_err();
    assert_eq!(failed.error.kind(), ErrorKind::Io);
    let failed = failed.file.commit().unwrap_err();
    assert!(failed.error.is_poisoned());
    drop(failed);
    assert_eq!(everything(&folder), before);

    failing.end();
    replace(path("f"), &large).unwrap();
    document.update(|value| value["n"] = json!(text)).unwrap();
    append_lines(path("log"), ["third"]).unwrap();
    assert_eq!(fs::read(path("f")).unwrap(), large);
    assert_eq!(document.read().unwrap(), json!({"n": text}));
    assert_eq!(fs::read_to_string(path("log")).unwrap(), "first\nsecond\nthird\n");
}
