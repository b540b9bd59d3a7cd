use jiff::civil::date;
use tempfile::TempDir;

use super::*;

/// A journal with these files, each with its name in it.
fn journal_of(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        stead::atomic::replace(&path, file.as_bytes()).unwrap();
    }
    folder
}

fn layout_of(files: &[&str]) -> Layout {
    Journal::open(journal_of(files).path(), None).unwrap().layout()
}

#[test]
fn the_layout_is_that_of_the_files() {
    assert_eq!(layout_of(&[]), Layout::Tree);
    assert_eq!(layout_of(&["notes.md", ".stead/x"]), Layout::Tree);
    assert_eq!(layout_of(&["2026/11/21.md"]), Layout::Tree);
    assert_eq!(layout_of(&["2026-11-21.md"]), Layout::Dashed);
    assert_eq!(layout_of(&["20261121.md"]), Layout::Compact);
    assert_eq!(layout_of(&["20261121.md", "2026-11-21.md", "20261122.md"]), Layout::Compact);
    // Pictures of a year are not entries.
    assert_eq!(layout_of(&["2025-11-21.md", "2026/11/cat.png"]), Layout::Dashed);
    assert_eq!(layout_of(&["2025-11-21.md", "2025-11-22.md", "2024/11/01.md"]), Layout::Tree);
}

#[test]
fn the_configured_layout_wins() {
    let folder = journal_of(&["2026-11-21.md"]);
    let journal = Journal::open(folder.path(), Some(Layout::Compact)).unwrap();
    assert_eq!(journal.entry(date(2026, 11, 22)).unwrap().path, folder.path().join("20261122.md"));
    // What is there in another layout is still found.
    assert_eq!(journal.entry(date(2026, 11, 21)).unwrap().path, folder.path().join("2026-11-21.md"));
}

#[test]
fn all_entries_are_listed_in_order_whatever_their_layout() {
    let files = [
        "20250101.md",
        "2024/12/31.md",
        "2024/02/30.md",
        "2024/2/01.md",
        "2026-11-21.md",
        ".stead/kept/2020-01-01.md",
        "a.md",
        "2024/12/30.md/x",
        "2026-11-21.md.bak",
    ];
    let folder = journal_of(&files);
    let journal = Journal::open(folder.path(), None).unwrap();
    let days: Vec<Date> = journal.entries().unwrap().entries.into_iter().map(|entry| entry.day).collect();
    assert_eq!(days, [date(2024, 12, 31), date(2025, 1, 1), date(2026, 11, 21)]);
}

#[test]
fn two_files_of_one_day_are_both_found() {
    let folder = journal_of(&["20261121.md", "2026/11/21.md"]);
    let journal = Journal::open(folder.path(), None).unwrap();
    let entries = journal.entries_of(date(2026, 11, 21)).unwrap();
    let files: Vec<_> = entries.iter().map(|entry| entry.path.strip_prefix(folder.path()).unwrap()).collect();
    assert_eq!(files, [Path::new("2026/11/21.md"), Path::new("20261121.md")]);
    assert_eq!(journal.entries().unwrap().entries.len(), 2);
}

#[test]
fn a_missing_folder_is_an_empty_journal_and_stays_missing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("a/b");
    let journal = Journal::open(&missing, None).unwrap();
    assert_eq!(journal.entries().unwrap().entries, []);
    assert!(!folder.path().join("a").exists());
}

#[test]
fn a_file_is_no_journal() {
    let folder = journal_of(&["file"]);
    for path in ["file", "file/below"] {
        let failure = Journal::open(&folder.path().join(path), None).unwrap_err();
        assert!(failure.message.contains("it is not a folder"), "{failure:?}");
        assert!(failure.message.contains(path) && failure.hint.is_some(), "{failure:?}");
        assert_eq!(failure.code.number(), 66);
    }
}

#[test]
fn folders_are_made_when_something_is_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("a/journal"), None).unwrap();
    let entry = journal.entry(date(2026, 11, 21)).unwrap();
    journal.prepare(&entry).unwrap();
    journal.prepare(&entry).unwrap();
    assert!(folder.path().join("a/journal/2026/11").is_dir());
    assert_eq!(std::fs::read(folder.path().join("a/journal/.stead/.gitignore")).unwrap(), b"*\n");
}
