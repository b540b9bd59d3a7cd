//! Torn and conflicting bytes are kept, never thrown away: in `.stead/kept` beside the file they came from.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::version::Version;
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, read_full_at, uninterrupted, write_all_at};
use crate::sys::{Access, NewFile};

const FOLDER: &str = ".stead";
const KEPT: &str = "kept";

/// Keeps the bytes, durably, and says where.
pub(crate) fn bytes<D: Disk>(disk: &D, target: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    put(disk, target, Version::of(bytes), |path| write_new(disk, path, bytes))
}

/// Keeps the bytes, durably, under the name `path` in a folder that is there; under another one if that is taken by
/// other bytes. Says where.
#[cfg(feature = "log")]
pub(crate) fn bytes_at<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let kept = make_once(disk, path, Version::of(bytes), |path| write_new(disk, path, bytes))?;
    uninterrupted(|| disk.sync_folder(folder_of(path)))?;
    Ok(kept)
}

fn write_new<D: Disk>(disk: &D, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.create(path, NewFile::AtMost(0o600))?;
    write_all_at(disk, &file, bytes, 0)?;
    uninterrupted(|| disk.sync(&file))
}

/// Keeps the content of an open file, durably, and says where.
pub(crate) fn file<D: Disk>(disk: &D, target: &Path, content: &D::File) -> io::Result<PathBuf> {
    let version = Version::of_file(disk, content)?;
    let file = |path: &Path| {
        let file = disk.create(path, NewFile::AtMost(0o600))?;
        let (mut buffer, mut offset) = (vec![0; 64 << 10], 0);
        loop {
            let read = read_full_at(disk, content, &mut buffer, offset)?;
            write_all_at(disk, &file, &buffer[..read], offset)?;
            offset += read as u64;
            if read < buffer.len() {
                return uninterrupted(|| disk.sync(&file));
            }
        }
    };
    put(disk, target, version, file)
}

/// `NAME-VERSION`: what is kept already is not kept twice, and what has the name without the content gets another.
fn put<D: Disk>(
    disk: &D,
    target: &Path,
    version: Version,
    make: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let folder = folder_of(target);
    let ours = folder.join(FOLDER);
    let kept = ours.join(KEPT);
    disk.create_folder(&ours)?;
    ignore_in_git(disk, &ours)?;
    disk.create_folder(&kept)?;
    let name = kept_name(target.file_name().unwrap_or_default(), version);
    let path = make_once(disk, &kept.join(name), version, make)?;
    for folder in [&kept, &ours, folder] {
        uninterrupted(|| disk.sync_folder(folder))?;
    }
    Ok(path)
}

fn make_once<D: Disk>(
    disk: &D,
    path: &Path,
    version: Version,
    make: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    for copy in 0_u32.. {
        let path = if copy == 0 { path.to_path_buf() } else { with_number(path, copy) };
        match make(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = disk.open(&path, Access::ReadOnly)?;
                if Version::of_file(disk, &there)? == version {
                    // Perhaps not durable yet: whoever made it may have been killed.
                    uninterrupted(|| disk.sync(&there))?;
                    return Ok(path);
                }
            }
            Err(error) => {
                let _ = disk.unlink(&path);
                return Err(error);
            }
        }
    }
    unreachable!("there are more names than files")
}

fn with_number(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn ignore_in_git<D: Disk>(disk: &D, folder: &Path) -> io::Result<()> {
    match disk.create(&folder.join(".gitignore"), NewFile::Default) {
        Ok(file) => write_all_at(disk, &file, b"*\n", 0),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn kept_name(target: &OsStr, version: Version) -> String {
    // Shorter than what the shortest of filesystems takes.
    let name: String = target.to_string_lossy().chars().take(40).collect();
    format!("{name}-{version}")
}
