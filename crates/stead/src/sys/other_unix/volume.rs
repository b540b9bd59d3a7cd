//! Which filesystem a file lies on.

use std::fs::File;
use std::io;

use crate::sys::{Volume, VolumeKind};

/// The filesystem that `file` lies on.
pub(crate) fn volume_of(file: &File) -> io::Result<Volume> {
    let name = name_of(file)?;
    Ok(Volume { kind: kind_of(&name), name })
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly", target_os = "openbsd"))]
fn name_of(file: &File) -> io::Result<String> {
    let name = rustix::fs::fstatfs(file)?.f_fstypename;
    let name: Vec<u8> = name.iter().take_while(|byte| **byte != 0).map(|byte| byte.to_ne_bytes()[0]).collect();
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// Nothing here tells it by name.
#[cfg(not(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly", target_os = "openbsd")))]
#[expect(clippy::unnecessary_wraps, reason = "the same surface as where the system can fail")]
fn name_of(_file: &File) -> io::Result<String> {
    Ok("unknown".to_owned())
}

/// By the name that the system gives the filesystem.
fn kind_of(name: &str) -> VolumeKind {
    match name {
        "apfs" | "hfs" | "ufs" | "ffs" | "zfs" | "hammer" | "hammer2" | "tmpfs" | "mfs" | "msdos" | "msdosfs"
        | "exfat" | "ntfs" | "ext2fs" | "cd9660" | "udf" | "nullfs" | "unionfs" | "devfs" | "procfs" => {
            VolumeKind::Local
        }
        "nfs" | "oldnfs" | "smbfs" | "cifs" | "afpfs" | "webdav" | "ftp" | "afs" => VolumeKind::Network,
        "prl_fs" | "vmhgfs" | "vboxvfs" | "virtiofs" | "AppleVirtIOFS" | "p9fs" => VolumeKind::Guest,
        _ if name.contains("fuse") => VolumeKind::Fuse,
        _ => VolumeKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        assert_eq!(kind_of("apfs"), VolumeKind::Local);
        assert_eq!(kind_of("smbfs"), VolumeKind::Network);
        assert_eq!(kind_of("macfuse"), VolumeKind::Fuse);
        assert_eq!(kind_of("fusefs.sshfs"), VolumeKind::Fuse);
        assert_eq!(kind_of("unknown"), VolumeKind::Unknown);
    }

    #[test]
    fn a_temporary_folder_lies_on_something() {
        let file = tempfile::tempfile().unwrap();
        assert!(!volume_of(&file).unwrap().name.is_empty());
    }
}
