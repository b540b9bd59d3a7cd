//! The one door to storage: all code that keeps data reads, writes, syncs, links and renames through [`Disk`], so that
//! a simulated disk can lose power under it. [`RealDisk`] is the system itself and costs nothing.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::sys::{self, Links, Mode};
pub use crate::sys::{Access, FileId, FileKind, Metadata, NewFile, Stat};

/// A filesystem, as far as storage code needs one.
///
/// Paths name a file itself and never what a symbolic link at their end leads to. Nothing loops, retries or buffers
/// here: short writes and interruptions are for the helpers in this module.
pub trait Disk {
    /// An open file.
    type File;

    /// Opens a file that is there. A FIFO is opened without blocking, for the caller to refuse.
    ///
    /// # Errors
    /// Those of open(2).
    fn open(&self, path: &Path, access: Access) -> io::Result<Self::File>;

    /// Creates a file that is not there, open for reading and writing.
    ///
    /// # Errors
    /// Those of open(2) with `O_CREAT|O_EXCL`.
    fn create(&self, path: &Path, new: NewFile) -> io::Result<Self::File>;

    /// Creates a folder like the one it lies in; one that is there is left alone.
    ///
    /// # Errors
    /// Those of mkdir(2).
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Looks at what is at `path`.
    ///
    /// # Errors
    /// Those of stat(2).
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Looks at an open file.
    ///
    /// # Errors
    /// Those of fstat(2).
    fn stat_file(&self, file: &Self::File) -> io::Result<Stat>;

    /// The extended attributes, access control lists among them, by name.
    ///
    /// # Errors
    /// Those of listxattr(2) and getxattr(2).
    fn attributes(&self, path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>>;

    /// Gives a new file, which is `ours`, the metadata of another. Returns in words what could not be kept.
    ///
    /// # Errors
    /// Those of fchmod(2) and fsetxattr(2), but for what users without rights may not set.
    fn set_metadata(&self, file: &Self::File, ours: &Stat, like: &Metadata) -> io::Result<Vec<String>>;

    /// Sets the permission bits.
    ///
    /// # Errors
    /// Those of fchmod(2).
    fn set_mode(&self, file: &Self::File, mode: u32) -> io::Result<()>;

    /// Reads some bytes at an offset; 0 at the end of the file.
    ///
    /// # Errors
    /// Those of pread(2).
    fn read_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes` at an offset.
    ///
    /// # Errors
    /// Those of pwrite(2).
    fn write_at(&self, file: &Self::File, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes` at the end of a file that was opened for that.
    ///
    /// # Errors
    /// Those of write(2).
    fn append(&self, file: &Self::File, bytes: &[u8]) -> io::Result<usize>;

    /// How long an open file is; cheaper than a look at all of it. What is read and written through it is not touched.
    ///
    /// # Errors
    /// Those of lseek(2).
    fn len(&self, file: &Self::File) -> io::Result<u64>;

    /// Where the last [`append`](Disk::append) through this open file ended, whoever appends beside it.
    ///
    /// # Errors
    /// Those of lseek(2).
    fn position(&self, file: &Self::File) -> io::Result<u64>;

    /// Cuts a file, or fills it with zeros, to this length.
    ///
    /// # Errors
    /// Those of ftruncate(2).
    fn set_len(&self, file: &Self::File, len: u64) -> io::Result<()>;

    /// Makes the content durable, and of the metadata what is needed to read it.
    ///
    /// # Errors
    /// Those of fdatasync(2). Not to be tried again on this file (trap 26).
    fn sync_data(&self, file: &Self::File) -> io::Result<()>;

    /// Makes the content and the metadata durable.
    ///
    /// # Errors
    /// Those of fsync(2). Not to be tried again on this file (trap 26).
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// Those of open(2) and fsync(2).
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name in place of what has it.
    ///
    /// # Errors
    /// Those of rename(2).
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name that nothing has.
    ///
    /// # Errors
    /// `AlreadyExists`; those of rename(2); `Unsupported`.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Swaps the names of two files in one step.
    ///
    /// # Errors
    /// Those of renameat2(2) with `RENAME_EXCHANGE`; `Unsupported` where there is no such thing.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Gives a file a second name that nothing has.
    ///
    /// # Errors
    /// Those of link(2).
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away.
    ///
    /// # Errors
    /// Those of unlink(2).
    fn unlink(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder.
    ///
    /// # Errors
    /// Those of readdir(3).
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Takes the whole-file lock exclusively, if it is free now.
    ///
    /// # Errors
    /// Those of flock(2); a lock that is taken is `false`.
    fn try_lock(&self, file: &Self::File) -> io::Result<bool>;

    /// A number that no other mount of a filesystem has had since the system started; 0 where it is not told.
    fn mount(&self, path: &Path) -> u64;
}

/// The system's own filesystems.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        sys::open(path, access, Links::Refuse)
    }

    fn create(&self, path: &Path, new: NewFile) -> io::Result<File> {
        sys::create(path, new)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        sys::create_folder(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        sys::stat(path, Links::Refuse)
    }

    fn stat_file(&self, file: &File) -> io::Result<Stat> {
        sys::stat_file(file)
    }

    fn attributes(&self, path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
        sys::attributes(path)
    }

    fn set_metadata(&self, file: &File, ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
        sys::set_metadata(file, ours, like)
    }

    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        sys::set_permissions(file, mode)
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        sys::read_some_at(file, buffer, offset)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        sys::write_some_at(file, bytes, offset)
    }

    fn append(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut &*file, bytes)
    }

    fn len(&self, file: &File) -> io::Result<u64> {
        io::Seek::seek(&mut &*file, io::SeekFrom::End(0))
    }

    fn position(&self, file: &File) -> io::Result<u64> {
        io::Seek::stream_position(&mut &*file)
    }

    fn set_len(&self, file: &File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        sys::sync_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        sys::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        sys::rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        sys::exchange(one, other)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        sys::unlink(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn try_lock(&self, file: &File) -> io::Result<bool> {
        sys::try_lock(file, Mode::Exclusive)
    }

    fn mount(&self, path: &Path) -> u64 {
        sys::mount(path)
    }
}

/// Does `step` again for as long as a signal interrupts it.
pub(crate) fn uninterrupted<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match step() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Fills `buffer` from `offset`; returns how much was there before the end of the file.
pub(crate) fn read_full_at<D: Disk>(disk: &D, file: &D::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match uninterrupted(|| disk.read_at(file, &mut buffer[filled..], offset + filled as u64))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Writes all of `bytes` at `offset`: one call may take less than it is given (trap 28).
pub(crate) fn write_all_at<D: Disk>(disk: &D, file: &D::File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        match uninterrupted(|| disk.write_at(file, &bytes[written..], offset + written as u64))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    Ok(())
}

/// Appends all of `bytes` (trap 28); says how many it came to.
pub(crate) fn append_all<D: Disk>(disk: &D, file: &D::File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match uninterrupted(|| disk.append(file, &bytes[written..])) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// All that there is to know of what is at `path`, where `stat` was seen.
pub(crate) fn metadata<D: Disk>(disk: &D, path: &Path, stat: &Stat) -> io::Result<Metadata> {
    let Stat { mode, owner, group, .. } = *stat;
    Ok(Metadata { mode, owner, group, attributes: disk.attributes(path)? })
}
