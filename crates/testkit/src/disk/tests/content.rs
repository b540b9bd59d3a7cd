use stead::disk::Metadata;

use super::*;

fn all(contents: &BTreeSet<Vec<u8>>) -> BTreeSet<String> {
    contents.iter().map(|content| runs(content)).collect()
}

#[test]
fn what_is_synced_is_kept_and_nothing_else_is_there() {
    for by in [SimDisk::sync, SimDisk::sync_data] {
        let disk = disk_with(b"");
        let file = open(&disk);
        disk.write_at(&file, b"one", 0).unwrap();
        by(&disk, &file).unwrap();
        assert_eq!(contents(&disk), BTreeSet::from([b"one".to_vec()]));
    }
}

#[test]
fn a_write_is_torn_at_sectors_only() {
    let disk = disk_with(&[b'a'; 1536]);
    let file = open(&disk);
    disk.write_at(&file, &[b'b'; 1536], 0).unwrap();
    let all = all(&contents(&disk));
    assert_eq!(all.len(), 8);
    assert!(all.contains("b512 a1024") && all.contains("a512 b1024") && all.contains("a512 b512 a512"), "{all:?}");
}

#[test]
fn a_file_that_grows_may_get_its_length_without_its_bytes_and_the_other_way_round() {
    let disk = disk_with(&[b'a'; 10]);
    let file = disk.open(p("/d/f"), Access::Append).unwrap();
    disk.append(&file, &[b'b'; 1100]).unwrap();
    let all = all(&contents(&disk));
    for expected in ["a10", "a10 b1100", "a10 01100", "a10 b502", "a10 b502 0598", "a10 0502 b598", "a10 b1014"] {
        assert!(all.contains(expected), "{expected} in {all:?}");
    }
}

/// Trap 48.
#[test]
fn zeros_may_come_before_whole_lines() {
    let disk = disk_with(b"");
    let file = disk.open(p("/d/f"), Access::Append).unwrap();
    for _ in 0..3 {
        disk.append(&file, &[b'l'; 512]).unwrap();
    }
    let all = all(&contents(&disk));
    assert!(all.contains("01024 l512") && all.contains("0512 l1024") && all.contains("l512 0512 l512"), "{all:?}");
}

#[test]
fn a_sector_is_written_as_it_is_then() {
    let disk = disk_with(b"----");
    let file = open(&disk);
    disk.write_at(&file, b"1", 0).unwrap();
    disk.write_at(&file, b"2", 3).unwrap();
    let expected = [b"----", b"1---", b"1--2"].map(|content| content.to_vec());
    assert_eq!(contents(&disk), BTreeSet::from(expected));
}

#[test]
fn a_cut_that_is_not_synced_may_be_undone_after_its_neighbour_is() {
    let disk = disk_with(b"onetwo");
    let file = open(&disk);
    disk.write_at(&file, b"ONE", 0).unwrap();
    disk.sync(&file).unwrap();
    disk.set_len(&file, 3).unwrap();
    assert_eq!(contents(&disk), BTreeSet::from([b"ONEtwo".to_vec(), b"ONE".to_vec()]));
    disk.write_at(&file, b"x", 3).unwrap();
    let states = contents(&disk);
    assert!(states.contains(b"ONEtwo".as_slice()) && states.contains(b"ONE\0".as_slice()), "{states:?}");
    assert!(states.contains(b"ONEx\0\0".as_slice()), "the sector with the old length: {states:?}");
    disk.sync_data(&file).unwrap();
    assert_eq!(contents(&disk), BTreeSet::from([b"ONEx".to_vec()]));
}

#[test]
fn only_a_whole_sync_keeps_the_metadata() {
    let disk = disk_with(b"");
    let file = open(&disk);
    disk.set_mode(&file, 0o600).unwrap();
    let modes = || disk.crash_states(100, 0).map(|state| state.mode("/d/f").unwrap()).collect::<BTreeSet<_>>();
    disk.sync_data(&file).unwrap();
    assert_eq!(modes(), BTreeSet::from([0o600, 0o644]));
    disk.sync(&file).unwrap();
    assert_eq!(modes(), BTreeSet::from([0o600]));
}

#[test]
fn attributes_come_one_after_the_other() {
    let disk = disk_with(b"");
    let attributes = vec![("user.a".into(), b"1".to_vec()), ("user.b".into(), b"2".to_vec())];
    let like = Metadata { mode: 0o600, attributes: attributes.clone(), ..Metadata::default() };
    let file = open(&disk);
    let ours = disk.stat_file(&file).unwrap();
    assert!(disk.set_metadata(&file, &ours, &like).unwrap().is_empty());
    assert_eq!(disk.attribute("/d/f", "user.b"), Some(b"2".to_vec()));
    assert_eq!(disk.crash_states(100, 0).count(), 4);
    disk.sync(&file).unwrap();
    let states: Vec<_> = disk.crash_states(100, 0).collect();
    assert_eq!(states.len(), 1);
    assert_eq!((states[0].attributes(p("/d/f")).unwrap(), states[0].mode("/d/f")), (attributes, Some(0o600)));
}

#[test]
fn the_order_is_that_of_the_seed() {
    let disk = disk_with(b"");
    let file = open(&disk);
    for place in 0..40 {
        disk.write_at(&file, &[b'x'; 700], place * 600).unwrap();
    }
    let digest = |seed| disk.crash_states(300, seed).map(|state| state.describe()).collect::<Vec<_>>();
    assert!(digest(1) == digest(1));
    assert!(digest(1) != digest(2));
    let states = digest(1);
    assert_eq!(states.iter().collect::<BTreeSet<_>>().len(), states.len());
}
