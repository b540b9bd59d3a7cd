//! Which filesystem a file lies on.

use std::fs::File;
use std::io;

use rustix::fs::makedev;

use crate::sys::{Volume, VolumeKind};

use VolumeKind::{Fuse, Guest, Local, Network, Unknown};

/// What statfs(2) calls a filesystem, what mount(8) calls it, and how far its locks can be trusted. From
/// linux/magic.h, from the source of each filesystem, and from stat(1) of coreutils for those outside the kernel.
const MAGIC: &[(u32, &str, VolumeKind)] = &[
    (0xEF53, "ext4", Local),
    (0x5846_5342, "xfs", Local),
    (0x9123_683E, "btrfs", Local),
    (0x0102_1994, "tmpfs", Local),
    (0x794C_7630, "overlay", Local),
    (0xF2F5_2010, "f2fs", Local),
    (0x2FC1_2FC1, "zfs", Local),
    (0xCA45_1A4E, "bcachefs", Local),
    (0x2011_BAB0, "exfat", Local),
    (0x4D44, "vfat", Local),
    (0x7366_746E, "ntfs3", Local),
    (0x5346_544E, "ntfs", Local),
    (0x8584_58F6, "ramfs", Local),
    (0x7371_7368, "squashfs", Local),
    (0xE0F5_E1E2, "erofs", Local),
    (0x28CD_3D45, "cramfs", Local),
    (0x7275, "romfs", Local),
    (0x9584_58F6, "hugetlbfs", Local),
    (0x9660, "iso9660", Local),
    (0x1501_3346, "udf", Local),
    (0x5265_4973, "reiserfs", Local),
    (0x3153_464A, "jfs", Local),
    (0x3434, "nilfs2", Local),
    (0x2405_1905, "ubifs", Local),
    (0x72B6, "jffs2", Local),
    (0x4244, "hfs", Local),
    (0x482B, "hfsplus", Local),
    (0x0001_1954, "ufs", Local),
    (0xADFF, "affs", Local),
    (0x137F, "minix", Local),
    (0x138F, "minix", Local),
    (0x2468, "minix", Local),
    (0x2478, "minix", Local),
    (0x4D5A, "minix", Local),
    (0xF15F, "ecryptfs", Local),
    (0x6175_6673, "aufs", Local),
    (0x9FA0, "proc", Local),
    (0x6265_6572, "sysfs", Local),
    (0x6969, "nfs", Network),
    (0xFF53_4D42, "cifs", Network),
    (0xFE53_4D42, "smb3", Network),
    (0x517B, "smbfs", Network),
    (0x5346_414F, "afs", Network),
    (0x6B41_4653, "afs", Network),
    (0x00C3_6400, "ceph", Network),
    (0x7375_7245, "coda", Network),
    (0x564C, "ncpfs", Network),
    (0x0116_1970, "gfs2", Network),
    (0x7461_636F, "ocfs2", Network),
    (0x0BD0_0BD0, "lustre", Network),
    (0x4750_4653, "gpfs", Network),
    (0x2003_0528, "orangefs", Network),
    (0x1983_0326, "beegfs", Network),
    (0xAAD7_AAEA, "panfs", Network),
    (0x6163_6673, "acfs", Network),
    (0xBEEF_DEAD, "snfs", Network),
    (0x0131_11A8, "ibrix", Network),
    (0x6573_5546, "fuse", Fuse),
    (0x0102_1997, "9p", Guest),
    (0x786F_4256, "vboxsf", Guest),
    (0xBACB_ACBC, "vmhgfs", Guest),
    (0x7C7C_6673, "prl_fs", Guest),
    (0x5346_4846, "wslfs", Guest),
];

/// Those whose number stands for several: ext2 to ext4, vfat and msdos, NFS 3 and 4, SMB 2 and 3, and what goes over
/// the FUSE protocol (`fuse.sshfs`, `fuseblk`, `virtiofs`).
const AMBIGUOUS: &[&str] = &["ext4", "vfat", "nfs", "cifs", "smb3", "fuse"];

/// The filesystem that `file` lies on.
pub(crate) fn volume_of(file: &File) -> io::Result<Volume> {
    let magic = magic_of(file)?;
    if let Some((_, name, kind)) = MAGIC.iter().find(|(known, ..)| *known == magic)
        && !AMBIGUOUS.contains(name)
    {
        return Ok(Volume { name: (*name).to_owned(), kind: *kind });
    }
    let device = rustix::fs::fstat(file)?.st_dev;
    Ok(name_volume(magic, mounts().into_iter().find(|mount| mount.device == device)))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the width differs; 32 bits are used")]
fn magic_of(file: &File) -> io::Result<u32> {
    Ok(rustix::fs::fstatfs(file)?.f_type as u32)
}

/// By its number, and by its mount where that is visible from here.
fn name_volume(magic: u32, mount: Option<Mount>) -> Volume {
    let known = MAGIC.iter().find(|(known, ..)| *known == magic);
    let kind = match (known, &mount) {
        // The protocol of FUSE, but the other end is the host.
        (Some((.., Fuse)), Some(mount)) if mount.kind == "virtiofs" => Guest,
        (Some((.., kind)), _) => *kind,
        (None, _) => Unknown,
    };
    let name = mount.map(|mount| mount.kind).or_else(|| known.map(|(_, name, _)| (*name).to_owned()));
    Volume { name: name.unwrap_or_else(|| "unknown".to_owned()), kind }
}

/// One line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// As in fdinfo.
    pub(super) id: u64,
    /// Of the superblock: as in /proc/locks, and as in stat(2) but for btrfs and overlayfs.
    pub(super) device: u64,
    kind: String,
}

/// All that is mounted, as far as this process sees.
pub(super) fn mounts() -> Vec<Mount> {
    // Paths in it need not be UTF-8.
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    parse_mounts(&String::from_utf8_lossy(&text))
}

fn parse_mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_mount).collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext4 /dev/root rw`: any number of fields before the dash.
fn parse_mount(line: &str) -> Option<Mount> {
    // Blanks in paths are written as \040.
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ');
    let id = fields.next()?.parse().ok()?;
    let (major, minor) = fields.nth(1)?.split_once(':')?;
    let kind = after.split(' ').next().filter(|kind| !kind.is_empty())?;
    Some(Mount { id, device: makedev(major.parse().ok()?, minor.parse().ok()?), kind: kind.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOUNTINFO: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:50 / /home/ann/a\\040-\\040b rw master:1 propagate_from:2 unbindable - fuse.sshfs ann@host: rw,user_id=1000
41 27 0:51 /sub /host rw - virtiofs share rw
broken
42 27 x:1 / / rw - ext4 /dev/vda rw
";

    fn on(magic: u32, device: u64) -> (String, VolumeKind) {
        let volume = name_volume(magic, parse_mounts(MOUNTINFO).into_iter().find(|mount| mount.device == device));
        (volume.name, volume.kind)
    }

    #[test]
    fn mounts_are_read_with_and_without_optional_fields() {
        let mounts = parse_mounts(MOUNTINFO);
        let kinds: Vec<_> = mounts.iter().map(|mount| (mount.id, mount.kind.as_str())).collect();
        assert_eq!(kinds, [(22, "proc"), (27, "ext4"), (40, "fuse.sshfs"), (41, "virtiofs")]);
        assert_eq!(mounts[1].device, makedev(254, 0));
    }

    #[test]
    fn what_shares_a_number_is_named_by_its_mount() {
        assert_eq!(on(0x6573_5546, makedev(0, 50)), ("fuse.sshfs".to_owned(), Fuse));
        assert_eq!(on(0x6573_5546, makedev(0, 51)), ("virtiofs".to_owned(), Guest));
        assert_eq!(on(0x6573_5546, makedev(0, 99)), ("fuse".to_owned(), Fuse));
        assert_eq!(on(0x6969, makedev(0, 99)), ("nfs".to_owned(), Network));
        assert_eq!(on(0x1234_5678, makedev(0, 50)), ("fuse.sshfs".to_owned(), Unknown));
        assert_eq!(on(0x1234_5678, makedev(0, 99)), ("unknown".to_owned(), Unknown));
    }

    #[test]
    fn every_number_is_listed_once() {
        let mut numbers: Vec<u32> = MAGIC.iter().map(|(magic, ..)| *magic).collect();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(AMBIGUOUS.iter().all(|name| MAGIC.iter().any(|(_, known, _)| known == name)));
    }

    #[test]
    fn proc_is_proc() {
        let volume = volume_of(&File::open("/proc/self/stat").unwrap()).unwrap();
        assert_eq!(volume, Volume { name: "proc".to_owned(), kind: Local });
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(?s).*|[0-9:/ a-z\n-]*") {
            parse_mounts(&text);
        }
    }
}
