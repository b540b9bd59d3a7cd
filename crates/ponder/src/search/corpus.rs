//! Reading many entries, by several threads.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::Failure;
use crate::journal::{Entry, Listed};
use crate::platform::Folder;

/// More of them wait for the same disk.
const WORKERS_MAX: usize = 4;
/// Fewer entries are read sooner than a thread is started.
const ENTRIES_A_WORKER: usize = 64;
/// What is read in one call: more than most entries have.
const CHUNK_BYTES: usize = 64 << 10;

/// What came of reading many entries.
#[derive(Debug)]
pub(crate) struct Read<T> {
    /// In the order of the entries.
    pub(crate) found: Vec<T>,
    /// Of the entries that could not be read.
    pub(crate) failures: Vec<Failure>,
}

/// Reads the entries and keeps what `look` makes of them. Bytes that are not UTF-8 are shown as U+FFFD. One that is gone
/// meanwhile is left out.
pub(crate) fn read_all<T: Send>(listed: impl Into<Listed>, look: impl Fn(&Entry, &str) -> Option<T> + Sync) -> Read<T> {
    let Listed { entries, failures } = listed.into();
    let entries = &entries[..];
    let next = AtomicUsize::new(0);
    let work = || work(entries, &next, &look);
    let workers = workers(entries.len());
    let mut results = thread::scope(|scope| {
        let start = || thread::Builder::new().name("reader".to_owned()).spawn_scoped(scope, work);
        // Where the system has no threads to spare, this one does all of it.
        let others: Vec<_> = (1..workers).map_while(|_| start().ok()).collect();
        let mut results = work();
        for other in others {
            results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    let mut read = Read { found: Vec::new(), failures };
    for (_, result) in results {
        match result {
            Ok(found) => read.found.push(found),
            Err(failure) => read.failures.push(failure),
        }
    }
    read
}

fn workers(entries: usize) -> usize {
    let machine = thread::available_parallelism().map_or(1, usize::from);
    machine.min(WORKERS_MAX).min(entries / ENTRIES_A_WORKER).max(1)
}

/// What one thread made of the entries it took, each with its index.
fn work<T>(
    entries: &[Entry],
    next: &AtomicUsize,
    look: &(impl Fn(&Entry, &str) -> Option<T> + Sync),
) -> Vec<(usize, Result<T, Failure>)> {
    let (mut results, mut buffer, mut opener) = (Vec::new(), vec![0; CHUNK_BYTES], Opener::default());
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(entry) = entries.get(index) else { return results };
        match opener.open(&entry.path).and_then(|file| read(file, &mut buffer)) {
            Ok(length) => {
                let bytes = &buffer[..length];
                // Several times as fast as a lossy look at what needs none.
                let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
                results.extend(look(entry, &text).map(|found| (index, Ok(found))));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => results.push((index, Err(Failure::system("read", &entry.path, &error)))),
        }
    }
}

/// Opens files, most of which lie in the folder of the one before.
#[derive(Default)]
struct Opener {
    folder: Option<(PathBuf, Folder)>,
}

impl Opener {
    fn open(&mut self, path: &Path) -> io::Result<File> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return File::open(path) };
        match &mut self.folder {
            Some((known, folder)) if known == parent => folder.file(name),
            other => other.insert((parent.to_path_buf(), Folder::open(parent)?)).1.file(name),
        }
    }
}

/// Reads a file into the start of `buffer`, which grows where it is too small; how many bytes it has.
fn read(mut file: File, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    loop {
        if length == buffer.len() {
            buffer.resize(2 * length, 0);
        }
        match file.read(&mut buffer[length..]) {
            // An entry is a regular file: a read that is not filled has come to its end.
            Ok(more) if more < buffer.len() - length => return Ok(length + more),
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    #[test]
    fn all_are_read_in_order_whatever_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = Vec::new();
        for index in 0..300i64 {
            let day = date(2026, 1, 1).checked_add(index.days()).unwrap();
            let path = folder.path().join(format!("{index}"));
            let length = if index % 100 == 7 { 3 * CHUNK_BYTES + 1 } else { usize::try_from(index).unwrap() };
            std::io::Write::write_all(&mut File::create(&path).unwrap(), &vec![b'x'; length]).unwrap();
            entries.push(Entry { day, path });
        }
        std::fs::remove_file(&entries[3].path).unwrap();
        entries[4].path = folder.path().to_path_buf();
        let read = read_all(entries, |entry, text| Some((entry.day, text.len())));
        assert_eq!(read.found.len(), 298);
        assert_eq!(read.found[5].1, 3 * CHUNK_BYTES + 1);
        assert!(read.found.is_sorted_by(|a, b| a.0 < b.0));
        assert!(matches!(&read.failures[..], [failure] if failure.message.starts_with("failed to read ")));
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        std::io::Write::write_all(&mut File::create(&path).unwrap(), b"a\xff\nb").unwrap();
        let read = read_all(vec![Entry { day: date(2026, 1, 1), path }], |_, text| Some(text.to_owned()));
        assert_eq!(read.found, ["a\u{fffd}\nb"]);
    }
}
