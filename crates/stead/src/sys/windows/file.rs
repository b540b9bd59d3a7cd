//! Open, identify, read and write at an offset.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_TAG_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
    FILE_TYPE_DISK, FileAttributeTagInfo, GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
};

use super::error::{check, link_error, means_deleted, patiently};
use crate::sys::{Access, FileId, FileKind, Links, Ownership, Stat};

/// Reparse points with this bit stand for another file: symbolic links and junctions (`IsReparseTagNameSurrogate`).
const NAME_SURROGATE: u32 = 0x2000_0000;

/// Opens what is at `path`, never creates. Others may read, write, rename and delete it meanwhile, as on Unix (the
/// default sharing of `std`). A folder can be opened and looked at.
pub(crate) fn open(path: &Path, access: Access, links: Links) -> io::Result<File> {
    if links == Links::RefuseAll {
        refuse_linked_folders(path)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(access == Access::ReadWrite).append(access == Access::Append).custom_flags(flags(links));
    let file = patiently(|| options.open(path))?;
    if links != Links::Follow && stat_file(&file)?.kind == FileKind::Link {
        return Err(link_error());
    }
    Ok(file)
}

/// An error if one of the two folders above `path` is a link or a junction.
fn refuse_linked_folders(path: &Path) -> io::Result<()> {
    for folder in path.ancestors().skip(1).take(2) {
        // One that is missing is for the opening to find out.
        if stat(folder, Links::Refuse).is_ok_and(|stat| stat.kind == FileKind::Link) {
            return Err(link_error());
        }
    }
    Ok(())
}

/// Looks at `path`. A file that is deleted, but still open somewhere, is not there.
pub(crate) fn stat(path: &Path, links: Links) -> io::Result<Stat> {
    let mut options = OpenOptions::new();
    options.access_mode(FILE_READ_ATTRIBUTES).custom_flags(flags(links));
    match options.open(path) {
        Ok(file) => stat_file(&file),
        Err(error) if means_deleted(&error) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error),
    }
}

/// Without backup semantics a folder cannot be opened at all.
fn flags(links: Links) -> u32 {
    match links {
        Links::Follow => FILE_FLAG_BACKUP_SEMANTICS,
        Links::Refuse | Links::RefuseAll => FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
    }
}

/// Looks at an open file.
pub(crate) fn stat_file(file: &File) -> io::Result<Stat> {
    // SAFETY: the handle is open.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        // `NUL`, the console, a pipe.
        let id = FileId { device: 0, inode: 0 };
        return Ok(Stat { id, kind: FileKind::Other, len: 0, names: 1, mode: 0o666, owner: 0, group: 0 });
    }
    let mut info = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open and the pointer is to live memory.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut info) })?;
    Ok(Stat {
        id: FileId { device: info.dwVolumeSerialNumber.into(), inode: join(info.nFileIndexHigh, info.nFileIndexLow) },
        kind: match info.dwFileAttributes {
            bits if bits & FILE_ATTRIBUTE_REPARSE_POINT != 0 => kind_of_reparse_point(file)?,
            bits if bits & FILE_ATTRIBUTE_DIRECTORY != 0 => FileKind::Folder,
            _ => FileKind::Regular,
        },
        len: join(info.nFileSizeHigh, info.nFileSizeLow),
        names: info.nNumberOfLinks.into(),
        mode: if info.dwFileAttributes & FILE_ATTRIBUTE_READONLY == 0 { 0o666 } else { 0o444 },
        owner: 0,
        group: 0,
    })
}

pub(super) fn join(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A file of which the system keeps the content elsewhere (compressed, in a cloud) is a reparse point too.
fn kind_of_reparse_point(file: &File) -> io::Result<FileKind> {
    let mut info = FILE_ATTRIBUTE_TAG_INFO::default();
    let size = u32::try_from(size_of_val(&info)).unwrap_or(u32::MAX);
    let handle = file.as_raw_handle();
    // SAFETY: the handle is open and the pointer is to live memory of the stated size.
    check(unsafe { GetFileInformationByHandleEx(handle, FileAttributeTagInfo, (&raw mut info).cast(), size) })?;
    Ok(if info.ReparseTag & NAME_SURROGATE != 0 {
        FileKind::Link
    } else if info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
        FileKind::Folder
    } else {
        FileKind::Regular
    })
}

/// Does nothing: a new file takes its rights from the folder that it is created in, whatever is asked for.
#[expect(clippy::unnecessary_wraps, reason = "the same surface on each platform")]
pub(crate) fn own(_file: &File, _path: &Path, _ownership: Ownership) -> io::Result<()> {
    Ok(())
}

/// Fills `buffer` from `offset`; returns how much was there before the end of the file. An error where somebody else
/// has locked these bytes: `std::fs::File::lock` locks all of them (trap 23), our own lock none of them.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.seek_read(&mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Writes all of `bytes` at `offset`.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match file.seek_write(&bytes[written..], offset + written as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for links in [Links::Follow, Links::Refuse] {
            assert_eq!(stat(folder.path(), links).unwrap().kind, FileKind::Folder);
            let open = open(folder.path(), Access::ReadOnly, links).unwrap();
            assert_eq!(stat_file(&open).unwrap().id, stat(folder.path(), links).unwrap().id);
        }
    }

    #[test]
    fn two_files_are_two_and_one_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::File::create(&one).unwrap();
        std::fs::File::create(&two).unwrap();
        let [first, second] = [&one, &two].map(|path| open(path, Access::ReadWrite, Links::Refuse).unwrap());
        assert_ne!(stat_file(&first).unwrap().id, stat_file(&second).unwrap().id);
        assert_eq!(stat_file(&first).unwrap(), stat(&one, Links::Refuse).unwrap());
        write_at(&first, b"12345", 3).unwrap();
        let mut buffer = [1; 16];
        assert_eq!(read_at(&first, &mut buffer, 1).unwrap(), 7);
        assert_eq!(&buffer[..7], b"\0\x0012345");
        assert_eq!(stat(&one, Links::Follow).unwrap().len, 8);
    }

    #[test]
    fn what_is_not_there_is_not_found_and_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none");
        let not_found = |error: io::Error| assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        not_found(open(&path, Access::ReadWrite, Links::Refuse).unwrap_err());
        not_found(stat(&path, Links::Follow).unwrap_err());
    }

    /// Trap 23: a file that is deleted and still open.
    #[test]
    fn trap_23_a_deleted_file_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deleted");
        std::fs::File::create(&path).unwrap();
        let still_open = open(&path, Access::ReadWrite, Links::Refuse).unwrap();
        std::fs::remove_file(&path).unwrap();
        if super::super::ntdll::is_wine() {
            // There it is openable until the last one closes it.
            drop(still_open);
            assert_eq!(stat(&path, Links::Refuse).unwrap_err().kind(), io::ErrorKind::NotFound);
            return;
        }
        assert_eq!(stat(&path, Links::Refuse).unwrap_err().kind(), io::ErrorKind::NotFound);
        let closer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            drop(still_open);
        });
        let error = open(&path, Access::ReadWrite, Links::Refuse).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        closer.join().unwrap();
    }
}
