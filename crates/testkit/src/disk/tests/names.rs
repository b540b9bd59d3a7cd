use super::*;

/// Trap 24.
#[test]
fn a_rename_without_a_sync_of_the_file_may_leave_an_empty_one() {
    let disk = disk_with(b"old");
    create(&disk, "/d/t", b"new");
    disk.rename(p("/d/t"), p("/d/f")).unwrap();
    disk.sync_folder(p("/d")).unwrap();
    assert_eq!(left(&disk, "/d/f"), BTreeSet::from([Some("".into()), Some("\0\0\0".into()), Some("new".into())]));
}

/// Trap 24.
#[test]
fn a_rename_without_a_sync_of_the_folder_may_leave_the_old_file() {
    let disk = disk_with(b"old");
    let file = create(&disk, "/d/t", b"new");
    disk.sync(&file).unwrap();
    disk.rename(p("/d/t"), p("/d/f")).unwrap();
    assert_eq!(left(&disk, "/d/f"), BTreeSet::from([Some("old".into()), Some("new".into())]));
    assert_eq!(left(&disk, "/d/t"), BTreeSet::from([None, Some("new".into())]));
    disk.sync_folder(p("/d")).unwrap();
    assert_eq!(left(&disk, "/d/f"), BTreeSet::from([Some("new".into())]));
    assert_eq!(left(&disk, "/d/t"), BTreeSet::from([None]));
}

#[test]
fn a_sync_of_a_file_is_none_of_its_name() {
    let disk = disk_with(b"");
    let file = create(&disk, "/d/new", b"new");
    disk.sync(&file).unwrap();
    assert_eq!(left(&disk, "/d/new"), BTreeSet::from([None, Some("new".into())]));
}

#[test]
fn an_exchange_keeps_both_files_however_it_ends() {
    let disk = disk_with(b"one");
    disk.put("/e/g", b"two");
    disk.exchange(p("/d/f"), p("/e/g")).unwrap();
    let both = |disk: &SimDisk| (disk.content("/d/f").unwrap(), disk.content("/e/g").unwrap());
    let (one, two) = (b"one".to_vec(), b"two".to_vec());
    let states: BTreeSet<_> = disk.crash_states(100, 0).map(|state| both(&state)).collect();
    assert_eq!(states, BTreeSet::from([(one.clone(), two.clone()), (two.clone(), one.clone())]));
    disk.sync_folder(p("/e")).unwrap();
    let states: BTreeSet<_> = disk.crash_states(100, 0).map(|state| both(&state)).collect();
    assert_eq!(states, BTreeSet::from([(two, one)]));
}

#[test]
fn names_become_durable_in_any_order() {
    let disk = disk_with(b"old");
    for name in ["/d/1", "/d/2", "/d/3"] {
        create(&disk, name, b"");
    }
    let states: BTreeSet<_> = disk.crash_states(100, 0).map(|state| state.names("/d")).collect();
    assert_eq!(states.len(), 8);
}

#[test]
fn what_another_folder_has_synced_stays_undone_by_nothing() {
    let disk = disk_with(b"1");
    disk.put("/d/g", b"2");
    disk.rename(p("/d/g"), p("/d/h")).unwrap();
    disk.rename(p("/d/h"), p("/e/h")).unwrap();
    disk.sync_folder(p("/e")).unwrap();
    for state in disk.crash_states(100, 0) {
        assert_eq!(state.content("/e/h"), Some("2".into()));
        assert!(!state.exists("/d/h"));
    }
}

#[test]
fn a_new_folder_is_lost_with_all_that_is_in_it() {
    let disk = disk_with(b"");
    disk.create_folder(p("/d/sub")).unwrap();
    disk.create_folder(p("/d/sub")).unwrap();
    let file = create(&disk, "/d/sub/f", b"x");
    disk.sync(&file).unwrap();
    disk.sync_folder(p("/d/sub")).unwrap();
    assert_eq!(left(&disk, "/d/sub/f"), BTreeSet::from([None, Some("x".into())]));
    disk.sync_folder(p("/d")).unwrap();
    assert_eq!(left(&disk, "/d/sub/f"), BTreeSet::from([Some("x".into())]));
}

#[test]
fn an_unlinked_file_may_come_back() {
    let disk = disk_with(b"x");
    disk.unlink(p("/d/f")).unwrap();
    assert_eq!(left(&disk, "/d/f"), BTreeSet::from([None, Some("x".into())]));
    disk.reuse_inodes(true);
    create(&disk, "/d/g", b"y");
    assert!(left(&disk, "/d/f").contains(&Some("x".into())), "its number is not taken while it may come back");
    disk.sync_folder(p("/d")).unwrap();
    let id = disk.stat(p("/d/g")).unwrap().id;
    disk.unlink(p("/d/g")).unwrap();
    disk.sync_folder(p("/d")).unwrap();
    create(&disk, "/d/h", b"");
    create(&disk, "/d/i", b"");
    assert!(["/d/h", "/d/i"].iter().any(|path| disk.stat(p(path)).unwrap().id == id), "then it is");
}
