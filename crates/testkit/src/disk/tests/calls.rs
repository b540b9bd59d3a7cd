use std::io::ErrorKind;

use stead::disk::FileKind;

use super::*;

fn kind<T: std::fmt::Debug>(outcome: std::io::Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

#[test]
fn errors_are_those_of_a_real_disk() {
    let disk = disk_with(b"");
    assert_eq!(kind(disk.open(p("/d/none"), Access::ReadOnly)), ErrorKind::NotFound);
    assert_eq!(kind(disk.open(p("/none/f"), Access::ReadOnly)), ErrorKind::NotFound);
    assert_eq!(kind(disk.open(p("/d/f/g"), Access::ReadOnly)), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.open(p("/d"), Access::ReadWrite)), ErrorKind::IsADirectory);
    assert_eq!(kind(disk.create(p("/d/f"), NewFile::Default)), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.link(p("/d/f"), p("/d/f"))), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.rename(p("/d/none"), p("/d/f"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.rename_new(p("/d/f"), p("/d/f"))), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.unlink(p("/d/none"))), ErrorKind::NotFound);
    assert_eq!(kind(disk.create_folder(p("/d/f"))), ErrorKind::AlreadyExists);
    assert_eq!(kind(disk.stat(p("relative"))), ErrorKind::NotFound);
    disk.exchange_supported(false);
    disk.rename_new_supported(false);
    disk.links_supported(false);
    assert_eq!(kind(disk.exchange(p("/d/f"), p("/d/f"))), ErrorKind::Unsupported);
    assert_eq!(kind(disk.rename_new(p("/d/f"), p("/d/g"))), ErrorKind::Unsupported);
    assert_eq!(kind(disk.link(p("/d/f"), p("/d/g"))), ErrorKind::PermissionDenied);
}

#[test]
fn a_file_has_one_number_and_as_many_names_as_it_is_given() {
    let disk = disk_with(b"x");
    disk.link(p("/d/f"), p("/e/f")).unwrap();
    let stat = disk.stat(p("/d/f")).unwrap();
    assert_eq!((stat.kind, stat.len, stat.names), (FileKind::Regular, 1, 2));
    assert_eq!(disk.stat(p("/e/../e/./f")).unwrap(), stat);
    disk.rename(p("/d/f"), p("/e/f")).unwrap();
    assert!(disk.exists("/d/f"), "a rename to another name of the same file does nothing");
    let file = open(&disk);
    disk.unlink(p("/d/f")).unwrap();
    disk.unlink(p("/e/f")).unwrap();
    assert_eq!(disk.list(p("/e")).unwrap().len(), 0);
    let mut buffer = [0; 4];
    assert_eq!(disk.read_at(&file, &mut buffer, 0).unwrap(), 1);
    assert_eq!(disk.read_at(&file, &mut buffer, 1).unwrap(), 0);
    assert_eq!(disk.stat_file(&file).unwrap(), stead::disk::Stat { names: 0, ..stat });
}

#[test]
fn a_new_file_has_the_mode_that_was_asked_for_less_the_umask() {
    let disk = disk_with(b"");
    disk.create(p("/d/1"), NewFile::Default).unwrap();
    disk.create(p("/d/2"), NewFile::AtMost(0o660)).unwrap();
    assert_eq!((disk.mode("/d/1"), disk.mode("/d/2")), (Some(0o644), Some(0o640)));
}

#[test]
fn a_lock_has_one_holder_until_it_is_closed_or_the_power_fails() {
    let disk = disk_with(b"");
    let (one, other) = (open(&disk), open(&disk));
    assert!(disk.try_lock(&one).unwrap());
    assert!(disk.try_lock(&one).unwrap());
    assert!(!disk.try_lock(&other).unwrap());
    let after = disk.crash_states(1, 0).next().unwrap();
    assert!(after.try_lock(&open(&after)).unwrap());
    assert!(after.try_lock(&one).is_err(), "a file of another disk");
    drop(one);
    assert!(disk.try_lock(&other).unwrap());
}

#[test]
fn writes_go_where_the_file_was_opened_for() {
    let disk = disk_with(b"ab");
    let file = disk.open(p("/d/f"), Access::Append).unwrap();
    assert!(disk.write_at(&file, b"x", 0).is_err());
    assert_eq!(disk.append(&file, b"cd").unwrap(), 2);
    let file = open(&disk);
    assert!(disk.append(&file, b"x").is_err());
    disk.write_at(&file, b"z", 5).unwrap();
    assert_eq!(disk.content("/d/f").unwrap(), b"abcd\0z");
    assert!(disk.write_at(&disk.open(p("/d/f"), Access::ReadOnly).unwrap(), b"x", 0).is_err());
}

#[test]
fn a_cut_stops_every_call() {
    let disk = disk_with(b"");
    let file = open(&disk);
    disk.cut_after(2);
    disk.write_at(&file, b"1", 0).unwrap();
    disk.write_at(&file, b"2", 1).unwrap();
    assert_eq!(disk.stat_file(&file).unwrap().len, 2, "what is no step does not come too late");
    assert!(disk.write_at(&file, b"3", 2).is_err());
    assert!(disk.stat(p("/d/f")).is_err());
    assert!(disk.is_off());
    assert_eq!((disk.steps(), disk.content("/d/f").unwrap()), (2, b"12".to_vec()));
}
