//! Looking at a file without making its next write slow.
//!
//! Since Linux 6.13 a stat(2) that reads the times of a file makes the next write to it take a finer one, which dirties
//! the inode and opens a journal transaction: a record written after each look cost 2.5 us more on ext4. statx(2) that
//! asks for neither time does not.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, makedev, statx};
use rustix::io::Errno;

use crate::sys::unix::{stat_open, stat_path};
use crate::sys::{FileId, FileKind, Links, Stat};

/// Neither of the times.
const WANTED: StatxFlags = StatxFlags::INO
    .union(StatxFlags::TYPE)
    .union(StatxFlags::SIZE)
    .union(StatxFlags::NLINK)
    .union(StatxFlags::MODE)
    .union(StatxFlags::UID)
    .union(StatxFlags::GID);

/// Looks at `path`.
pub(crate) fn stat(path: &Path, links: Links) -> io::Result<Stat> {
    let flags = match links {
        Links::Follow => AtFlags::empty(),
        Links::Refuse | Links::RefuseAll => AtFlags::SYMLINK_NOFOLLOW,
    };
    match statx(CWD, path, flags, WANTED) {
        Ok(seen) => Ok(convert(&seen)),
        Err(Errno::NOSYS | Errno::PERM) => stat_path(path, links),
        Err(error) => Err(error.into()),
    }
}

/// Looks at an open file.
pub(crate) fn stat_file(file: &File) -> io::Result<Stat> {
    match statx(file.as_fd(), "", AtFlags::EMPTY_PATH, WANTED) {
        Ok(seen) => Ok(convert(&seen)),
        Err(Errno::NOSYS | Errno::PERM) => stat_open(file),
        Err(error) => Err(error.into()),
    }
}

/// A number that no other mount of a filesystem has had since the system started; 0 where it is not told.
pub(crate) fn mount(path: &Path) -> u64 {
    // STATX_MNT_ID_UNIQUE, since Linux 6.8; the older STATX_MNT_ID is used again after an unmount.
    const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    match statx(CWD, path, AtFlags::empty(), UNIQUE) {
        Ok(seen) if seen.stx_mask & UNIQUE.bits() != 0 => seen.stx_mnt_id,
        _ => 0,
    }
}

fn convert(seen: &Statx) -> Stat {
    Stat {
        id: FileId { device: makedev(seen.stx_dev_major, seen.stx_dev_minor), inode: seen.stx_ino },
        kind: match FileType::from_raw_mode(seen.stx_mode.into()) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Folder,
            FileType::Symlink => FileKind::Link,
            _ => FileKind::Other,
        },
        len: seen.stx_size,
        names: seen.stx_nlink.into(),
        mode: u32::from(seen.stx_mode) & 0o7777,
        owner: seen.stx_uid,
        group: seen.stx_gid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_stat_says() {
        for path in ["/", "/proc/self/stat", "/proc/self/exe", "/dev/null", "/etc/passwd"].map(Path::new) {
            for links in [Links::Follow, Links::Refuse] {
                assert_eq!(stat(path, links).unwrap(), stat_path(path, links).unwrap(), "{}", path.display());
            }
            let file = File::open(path).unwrap();
            assert_eq!(stat_file(&file).unwrap(), stat_open(&file).unwrap());
        }
    }
}
