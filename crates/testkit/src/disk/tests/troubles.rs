use std::io::ErrorKind;

use super::*;
use crate::{Fault, Op, Trouble};

/// Trap 26.
#[test]
fn a_sync_that_fails_loses_what_the_next_one_says_it_kept() {
    let disk = disk_with(b"");
    let file = open(&disk);
    disk.write_at(&file, b"new", 0).unwrap();
    disk.fail(Fault::new(Op::SyncData, Trouble::Io));
    assert!(disk.sync_data(&file).is_err());
    disk.sync_data(&file).unwrap();
    assert_eq!(disk.content("/d/f").unwrap(), b"new", "it can be read");
    assert_eq!(contents(&disk), BTreeSet::from([b"new".to_vec(), b"\0\0\0".to_vec()]));
    disk.write_at(&file, b"+", 3).unwrap();
    disk.sync(&file).unwrap();
    assert_eq!(contents(&disk), BTreeSet::from([b"new+".to_vec(), b"\0\0\0+".to_vec()]));
}

/// Trap 26.
#[test]
fn a_sync_that_fails_may_lose_it_at_once() {
    let disk = disk_with(b"old");
    let file = open(&disk);
    disk.write_at(&file, b"newer", 0).unwrap();
    disk.fail(Fault::new(Op::Sync, Trouble::IoReverted).on("/d/f"));
    assert!(disk.sync(&file).is_err());
    assert_eq!(disk.content("/d/f").unwrap(), b"old\0\0");
    disk.sync(&file).unwrap();
    assert_eq!(contents(&disk), BTreeSet::from([b"old\0\0".to_vec()]));
}

#[test]
fn an_interrupted_sync_loses_nothing() {
    let disk = disk_with(b"");
    let file = open(&disk);
    disk.write_at(&file, b"new", 0).unwrap();
    disk.fail(Fault::new(Op::Sync, Trouble::Interrupted));
    assert_eq!(disk.sync(&file).unwrap_err().kind(), ErrorKind::Interrupted);
    disk.sync(&file).unwrap();
    assert_eq!(contents(&disk), BTreeSet::from([b"new".to_vec()]));
}

#[test]
fn faults_strike_where_they_are_told_to() {
    let disk = disk_with(b"");
    let file = open(&disk);
    disk.fail(Fault::new(Op::Write, Trouble::Short(2)).nth(2));
    disk.fail(Fault::new(Op::Write, Trouble::Quota).nth(3).lasting());
    let kind = |outcome: std::io::Result<usize>| outcome.map_err(|error| error.kind());
    assert_eq!(kind(disk.write_at(&file, b"123", 0)), Ok(3));
    assert_eq!(kind(disk.write_at(&file, b"456", 3)), Ok(2));
    assert_eq!(kind(disk.write_at(&file, b"6", 5)), Err(ErrorKind::QuotaExceeded));
    assert_eq!(kind(disk.write_at(&file, b"6", 5)), Err(ErrorKind::QuotaExceeded));
    disk.repair();
    assert_eq!(kind(disk.write_at(&file, b"6", 5)), Ok(1));
    disk.fail(Fault::at_step(2, Trouble::ReadOnly));
    disk.set_len(&file, 3).unwrap();
    assert_eq!(disk.unlink(p("/d/f")).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    disk.fail(Fault::new(Op::SyncFolder, Trouble::Io).on("/e"));
    disk.sync_folder(p("/d")).unwrap();
    assert!(disk.sync_folder(p("/e")).is_err());
}

#[test]
fn a_full_disk_takes_what_there_is_room_for() {
    let disk = disk_with(b"old");
    let file = open(&disk);
    disk.full_after(4);
    assert_eq!(disk.write_at(&file, b"new", 0).unwrap(), 3, "nothing grows");
    assert_eq!(disk.write_at(&file, b"123456", 3).unwrap(), 4);
    assert_eq!(disk.write_at(&file, b"56", 7).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(disk.create(p("/d/g"), NewFile::Default).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.set_len(&file, 6).unwrap();
    assert_eq!(disk.write_at(&file, b"4", 6).unwrap(), 1);
    drop(file);
    disk.unlink(p("/d/f")).unwrap();
    create(&disk, "/d/g", b"1234567");
}

#[test]
fn a_sabotaged_call_says_ok() {
    let disk = disk_with(b"old");
    disk.ignore(Op::Sync);
    let file = open(&disk);
    disk.write_at(&file, b"new", 0).unwrap();
    disk.sync(&file).unwrap();
    assert!(contents(&disk).contains(b"old".as_slice()));
}
