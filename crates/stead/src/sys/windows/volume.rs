//! Which filesystem a file lies on.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr::null_mut;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_REMOTE_PROTOCOL_INFO, FileRemoteProtocolInfo, GetFileInformationByHandleEx, GetVolumeInformationByHandleW,
};

use super::error::check;
use crate::sys::{Volume, VolumeKind};

/// The longest name of a filesystem.
const NAME_UNITS: u32 = 261;

/// The filesystem that `file` lies on.
pub(crate) fn volume_of(file: &File) -> io::Result<Volume> {
    let name = name_of(file)?;
    let kind = match kind_of(&name) {
        // A server shares what it has under that name.
        VolumeKind::Local | VolumeKind::Unknown if is_remote(file) => VolumeKind::Network,
        kind => kind,
    };
    Ok(Volume { name, kind })
}

fn name_of(file: &File) -> io::Result<String> {
    let mut name = [0_u16; NAME_UNITS as usize];
    let handle = file.as_raw_handle();
    // SAFETY: the handle is open; what may be left out is null; the name is live memory of the stated size.
    check(unsafe {
        GetVolumeInformationByHandleW(
            handle,
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            null_mut(),
            name.as_mut_ptr(),
            NAME_UNITS,
        )
    })?;
    let name = name.split(|unit| *unit == 0).next().unwrap_or_default();
    Ok(if name.is_empty() { "unknown".to_owned() } else { String::from_utf16_lossy(name) })
}

/// Only files behind a network redirector have a protocol.
fn is_remote(file: &File) -> bool {
    let mut info = FILE_REMOTE_PROTOCOL_INFO::default();
    let size = u32::try_from(size_of_val(&info)).unwrap_or(u32::MAX);
    let handle = file.as_raw_handle();
    // SAFETY: the handle is open and the pointer is to live memory of the stated size.
    unsafe { GetFileInformationByHandleEx(handle, FileRemoteProtocolInfo, (&raw mut info).cast(), size) != 0 }
}

/// By the name that the system gives the filesystem.
fn kind_of(name: &str) -> VolumeKind {
    match name {
        "NTFS" | "ReFS" | "FAT" | "FAT12" | "FAT16" | "FAT32" | "exFAT" | "CDFS" | "UDF" | "CSVFS" => VolumeKind::Local,
        "9P" | "VBoxSharedFolderFS" | "HGFS" | "PrlSF" => VolumeKind::Guest,
        "NFS" => VolumeKind::Network,
        _ if name.starts_with("FUSE") || name.starts_with("WinFsp") || name == "DOKAN" => VolumeKind::Fuse,
        _ => VolumeKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        assert_eq!(kind_of("NTFS"), VolumeKind::Local);
        assert_eq!(kind_of("FUSE-sshfs"), VolumeKind::Fuse);
        assert_eq!(kind_of("9P"), VolumeKind::Guest);
        assert_eq!(kind_of("unknown"), VolumeKind::Unknown);
    }

    #[test]
    fn a_temporary_file_lies_on_something() {
        let volume = volume_of(&tempfile::tempfile().unwrap()).unwrap();
        assert!(!volume.name.is_empty());
        assert_ne!(volume.kind, VolumeKind::Network);
    }
}
