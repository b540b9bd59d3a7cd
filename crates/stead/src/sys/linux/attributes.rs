//! Extended attributes, which is also where access control lists are kept.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{XattrFlags, flistxattr, fremovexattr, fsetxattr, lgetxattr, llistxattr};
use rustix::io::Errno;

use crate::sys::unix::set_ownership;
use crate::sys::{Metadata, Stat};

/// The list that a new file may inherit from its folder.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// The extended attributes of what is at `path`, by name.
pub(crate) fn attributes(path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
    let mut attributes = Vec::new();
    for name in names(|buffer| llistxattr(path, buffer))? {
        if let Some(value) = value(path, &name)? {
            attributes.push((name, value));
        }
    }
    Ok(attributes)
}

/// Gives a new file, which is `ours`, the metadata of another. Returns in words what could not be kept.
pub(crate) fn set_metadata(file: &File, ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
    let mut lost = set_ownership(file, ours, like)?;
    if !like.attributes.iter().any(|(name, _)| name == ACCESS_LIST) {
        drop_inherited_list(file, like.mode)?;
    }
    for (name, value) in &like.attributes {
        match fsetxattr(file, name.as_os_str(), value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => {
                lost.push(format!("extended attribute {}", name.to_string_lossy()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(lost)
}

/// What the folder says of new files is not for one that takes the place of an old one.
fn drop_inherited_list(file: &File, mode: u32) -> io::Result<()> {
    if !names(|buffer| flistxattr(file, buffer))?.iter().any(|name| name == ACCESS_LIST) {
        return Ok(());
    }
    fremovexattr(file, ACCESS_LIST)?;
    crate::sys::set_permissions(file, mode)
}

/// The names that `list` gives, which end in NUL each.
fn names(list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> io::Result<Vec<OsString>> {
    let mut small = [0; 256];
    let filled = match list(&mut small) {
        Ok(len) => return Ok(split(&small[..len])),
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Err(Errno::RANGE) => grown(list)?,
        Err(error) => return Err(error.into()),
    };
    Ok(split(&filled))
}

/// What `fill` gives, where its length is not known before.
fn grown(fill: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> io::Result<Vec<u8>> {
    // The kernel's own limit for both a list and a value.
    const MAX: usize = 64 << 10;
    let mut buffer = vec![0; MAX];
    let len = fill(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer)
}

fn split(list: &[u8]) -> Vec<OsString> {
    let names = list.split_inclusive(|byte| *byte == 0);
    let names = names.filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.map(|name| OsString::from_vec(name.to_bytes().to_vec())).collect()
}

/// `None`: gone by now, or not for us to read.
fn value(path: &Path, name: &OsStr) -> io::Result<Option<Vec<u8>>> {
    match grown(|buffer| lgetxattr(path, name.as_bytes(), buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => Ok(None),
            _ => Err(error),
        },
    }
}
