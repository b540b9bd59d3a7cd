//! Disks that are full to the last block, or read-only, and targets that cannot be renamed over: the error says what to
//! do, and nothing has changed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as System, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stead::ErrorKind;
use stead::atomic::{AtomicFile, append_lines, replace};
use stead::document::Document;
use tempfile::tempdir;

use crate::mounted::{EXT4, Image, Mount, Mounted, is_root};

/// In blocks of 1 KiB, and without any that are set aside for root.
const TINY: Image<'_> = Image { make: &["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "1024"], megabytes: 4 };
/// In blocks of 4 KiB.
const SMALL: Image<'_> = Image { make: &["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096"], megabytes: 16 };

/// Three files with a content, and their locks.
struct Files {
    folder: PathBuf,
    filler: PathBuf,
}

impl Files {
    fn new(disk: &Mounted) -> Files {
        let folder = disk.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let files = Files { filler: disk.path().join("filler"), folder };
        // Nothing is deleted on the way: a process that another test forks keeps a deleted file, and its blocks, until it
        // is another program.
        fs::write(files.plain(), [b'o'; 5000]).unwrap();
        fs::write(files.folder.join("document.json"), "{\"n\":1}\n").unwrap();
        drop(files.document().locked().unwrap());
        fs::write(files.log(), "").unwrap();
        for line in ["first", "second"] {
            append_lines(files.log(), [line]).unwrap();
        }
        files
    }

    fn plain(&self) -> PathBuf {
        self.folder.join("plain")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn document(&self) -> Document<Value> {
        Document::json(self.folder.join("document.json"))
    }

    /// Every file with its content, without what locking writes into its own.
    fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let files = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|file| file.file_name() != ".stead");
        let read = |path: &Path| fs::read(path).unwrap();
        let mut files: Vec<_> =
            files.map(|file| (file.file_name().to_string_lossy().into_owned(), read(&file.path()))).collect();
        files.sort();
        files
    }

    /// Leaves no block free, nor one that a commit of the journal is about to give back: filled until even new files
    /// get none, several commits in a row.
    fn fill(&self) {
        fs::create_dir(&self.filler).unwrap();
        let mut in_vain = 0;
        for number in 0.. {
            let mut file = File::create(self.filler.join(number.to_string())).unwrap();
            let mut filled = false;
            for size in [64 << 10, 4096, 1024, 1] {
                while file.write(&vec![b'f'; size]).is_ok() {
                    filled = true;
                }
            }
            file.sync_all().unwrap();
            in_vain = if filled { 0 } else { in_vain + 1 };
            if in_vain == 5 {
                return;
            }
        }
    }

    fn free(&self) {
        fs::remove_dir_all(&self.filler).unwrap();
        testkit::wait_until("there is room", || {
            File::open(&self.folder).unwrap().sync_all().unwrap();
            (rustix::fs::statvfs(&self.folder).unwrap().f_bavail > 8).then_some(())
        });
    }
}

fn assert_no_space(error: &stead::Error) {
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert_eq!(error.io().map(std::io::Error::kind), Some(System::StorageFull), "{error:?}");
    assert!(error.hint().unwrap_or_default().contains("space"), "{error:?}");
}

/// Trap 29, on a disk and on a tmpfs.
#[test]
fn trap_29_a_full_disk_changes_nothing() {
    for disk in [Mounted::image(TINY), Mounted::image(SMALL), Mounted::tmpfs("size=64k")] {
        let Some(disk) = disk else { return };
        let files = Files::new(&disk);
        let before = files.everything();
        files.fill();
        for size in [4 << 10, 1 << 20] {
            assert_no_space(&replace(files.plain(), &vec![b'n'; size]).unwrap_err());
            assert_no_space(&replace(files.folder.join("new"), &vec![b'n'; size]).unwrap_err());
        }
        assert_no_space(&files.document().update(|value| value["n"] = json!("n".repeat(9_000))).unwrap_err());
        assert_no_space(&files.document().update(|value| value["n"] = json!(2)).unwrap_err());
        let mut stream = AtomicFile::create(files.plain()).unwrap();
        let error = (0..1000).find_map(|_| stream.write_all(&[b's'; 4096]).err()).expect("full");
        assert_eq!(error.kind(), System::StorageFull);
        drop(stream);
        // Of these lines the first fits into the block that is there.
        assert_no_space(&append_lines(files.log(), ["x".repeat(3_000), "y".repeat(9_000)]).unwrap_err());
        assert_no_space(&append_lines(files.folder.join("new"), ["z"]).unwrap_err());
        assert_eq!(files.everything(), before);
        files.free();
        replace(files.plain(), &[b'n'; 4096]).unwrap();
        files.document().update(|value| value["n"] = json!(2)).unwrap();
        let appended = append_lines(files.log(), ["third"]).unwrap();
        assert_eq!(appended.kept, [] as [PathBuf; 0]);
        assert_eq!(fs::read(files.plain()).unwrap(), [b'n'; 4096]);
        assert_eq!(files.document().read().unwrap(), json!({"n": 2}));
        assert_eq!(fs::read_to_string(files.log()).unwrap(), "first\nsecond\nthird\n");
    }
}

/// Trap 29: an append that only just fits goes through, and one of a byte more is taken back.
#[test]
fn trap_29_what_fits_into_the_last_block_is_appended() {
    let Some(disk) = Mounted::image(TINY) else { return };
    let files = Files::new(&disk);
    files.fill();
    let room = 1024 - "first\nsecond\n\n".len();
    assert_no_space(&append_lines(files.log(), ["x".repeat(room + 1)]).unwrap_err());
    assert_eq!(fs::read(files.log()).unwrap(), b"first\nsecond\n");
    append_lines(files.log(), ["x".repeat(room)]).unwrap();
    assert_no_space(&append_lines(files.log(), [""]).unwrap_err());
    assert_eq!(fs::metadata(files.log()).unwrap().len(), 1024);
}

/// Trap 29: a disk that was full before anybody locked anything on it.
#[test]
fn trap_29_locks_on_a_full_disk_speak_of_space() {
    for disk in [Mounted::image(TINY), Mounted::image(SMALL), Mounted::tmpfs("size=64k")] {
        let Some(disk) = disk else { return };
        let files = Files { folder: disk.path().join("folder"), filler: disk.path().join("filler") };
        fs::create_dir(&files.folder).unwrap();
        fs::write(files.log(), "first\n").unwrap();
        files.fill();
        assert_no_space(&append_lines(files.log(), ["second"]).unwrap_err());
        assert_no_space(&files.document().set(&json!(1)).unwrap_err());
        assert_eq!(files.everything(), [("log".to_owned(), b"first\n".to_vec())]);
        files.free();
        append_lines(files.log(), ["second"]).unwrap();
        assert_eq!(fs::read_to_string(files.log()).unwrap(), "first\nsecond\n");
    }
}

/// A filesystem that has become read-only under us, or was mounted so.
#[test]
fn a_read_only_filesystem_is_named() {
    let Some(disk) = Mounted::image(EXT4) else { return };
    let files = Files::new(&disk);
    let before = files.everything();
    disk.change("ro");
    let errors = [
        replace(files.plain(), b"new").unwrap_err(),
        replace(files.folder.join("new"), b"new").unwrap_err(),
        files.document().update(|value| value["n"] = json!(2)).unwrap_err(),
        append_lines(files.log(), ["third"]).unwrap_err(),
        append_lines(files.folder.join("new"), ["third"]).unwrap_err(),
        AtomicFile::create(files.plain()).unwrap_err(),
    ];
    for error in errors {
        let said = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(said.to_lowercase().contains("read-only"), "{said} {error:?}");
        assert!(!said.contains("chmod"), "{said} {error:?}");
    }
    assert_eq!(files.document().read().unwrap(), json!({"n": 1}));
    assert_eq!(files.everything(), before);
    disk.change("rw");
    replace(files.plain(), b"new").unwrap();
    append_lines(files.log(), ["third"]).unwrap();
}

/// Trap 30: a single file that is mounted into a container cannot be renamed over. It can be appended to.
#[test]
fn trap_30_a_bind_mounted_file_is_refused_with_the_reason() {
    if !is_root() {
        return;
    }
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("outside")).unwrap();
    fs::create_dir(path("inside")).unwrap();
    fs::write(path("outside/f"), "{\"n\":1}\n").unwrap();
    fs::write(path("inside/f"), "").unwrap();
    let mount = match Mount::new(&["--bind"], &path("outside/f"), &path("inside/f")) {
        Ok(mount) => mount,
        Err(why) => return testkit::skip(&format!("cannot mount: {why}")),
    };
    let document = Document::<Value>::json(path("inside/f"));
    let errors = [
        replace(path("inside/f"), b"new").unwrap_err(),
        document.update(|value| value["n"] = json!(2)).unwrap_err(),
        document.set(&json!(3)).unwrap_err(),
        AtomicFile::create(path("inside/f")).unwrap().commit().unwrap_err().error,
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.hint().unwrap_or_default().contains("mount point"), "{error:?}");
    }
    for name in ["inside/f", "outside/f"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "{\"n\":1}\n");
    }
    let left: Vec<_> = fs::read_dir(path("inside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "f" || name == ".stead"), "{left:?}");
    append_lines(path("inside/f"), ["{\"n\":2}"]).unwrap();
    assert_eq!(fs::read_to_string(path("outside/f")).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
    drop(mount);
}

/// Nobody else has written into a full disk's file in between: the file that is appended to stays the same one.
#[test]
fn trap_29_an_append_that_failed_leaves_the_same_file() {
    let Some(disk) = Mounted::image(TINY) else { return };
    let files = Files::new(&disk);
    let before = fs::metadata(files.log()).unwrap();
    files.fill();
    let mut reader = OpenOptions::new().read(true).open(files.log()).unwrap();
    assert_no_space(&append_lines(files.log(), ["x".repeat(100_000)]).unwrap_err());
    let after = fs::metadata(files.log()).unwrap();
    assert_eq!((before.ino(), before.len(), before.mode()), (after.ino(), after.len(), after.mode()));
    let mut content = String::new();
    std::io::Read::read_to_string(&mut reader, &mut content).unwrap();
    assert_eq!(content, "first\nsecond\n");
}
