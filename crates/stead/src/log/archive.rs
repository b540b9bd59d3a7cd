//! `archive.jsonl.zst`: the history of a directory that eventfold wrote, as zstd frames one after the other.
//!
//! It is read as it is. The first of our writers unpacks it into a sealed segment.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;

use crate::error::{Error, Result};
use crate::sys::Access;
use crate::sys::disk::{Disk, uninterrupted};

const STEP: &str = "unpack";

/// Reads a file of a disk from its beginning.
struct Packed<D: Disk> {
    disk: D,
    file: D::File,
    at: u64,
}

impl<D: Disk> Read for Packed<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = uninterrupted(|| self.disk.read_at(&self.file, buffer, self.at))?;
        self.at += read as u64;
        Ok(read)
    }
}

type Frame<D> = StreamingDecoder<BufReader<Packed<D>>, ruzstd::decoding::FrameDecoder>;

/// The unpacked bytes, one after the other.
pub(crate) struct Archive<D: Disk> {
    disk: D,
    path: PathBuf,
    frame: Option<Frame<D>>,
    at: u64,
}

impl<D: Disk + Clone> Archive<D> {
    pub(crate) fn open(disk: D, path: &Path) -> io::Result<Archive<D>> {
        let file = disk.open(path, Access::ReadOnly)?;
        let packed = Packed { disk: disk.clone(), file, at: 0 };
        let frame = next_frame(BufReader::with_capacity(64 << 10, packed))?;
        Ok(Archive { disk, path: path.to_path_buf(), frame, at: 0 })
    }

    /// Fills the buffer from an offset; returns how much was there before the end. To go back, all is unpacked anew.
    pub(crate) fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.at > offset {
            *self = Archive::open(self.disk.clone(), &self.path)?;
        }
        while self.at < offset {
            let skip = usize::try_from(offset - self.at).unwrap_or(usize::MAX).min(buffer.len());
            if self.read(&mut buffer[..skip])? == 0 {
                return Ok(0);
            }
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}

impl<D: Disk> Read for Archive<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let read = frame.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.at += read as u64;
                return Ok(read);
            }
            let done = self.frame.take().expect("looked at above");
            self.frame = next_frame(done.into_inner())?;
        }
        Ok(0)
    }
}

/// `None` at the end of the file.
fn next_frame<D: Disk>(mut packed: BufReader<Packed<D>>) -> io::Result<Option<Frame<D>>> {
    if io::BufRead::fill_buf(&mut packed)?.is_empty() {
        return Ok(None);
    }
    StreamingDecoder::new(packed)
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// How many bytes of whole lines the archive at `path` holds. A last frame that was torn counts as far as it goes: what
/// is before it is not hidden by it (trap 36).
pub(crate) fn measure<D: Disk + Clone>(disk: &D, path: &Path) -> Result<u64> {
    let mut lines = 0;
    copy(disk, path, |whole| {
        lines += whole.len() as u64;
        Ok(())
    })?;
    Ok(lines)
}

/// Hands out the archive piece by piece, whole lines each time. Returns what is wrong with its end, in words.
pub(crate) fn copy<D: Disk + Clone>(
    disk: &D,
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Option<String>> {
    let fail = |error| Error::system(STEP, path, error);
    let mut archive = match Archive::open(disk.clone(), path) {
        Ok(archive) => archive,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Some(error.to_string())),
        Err(error) => return Err(fail(error)),
    };
    let mut piece = vec![0; 256 << 10];
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let read = match archive.read(&mut piece) {
            Ok(0) => return Ok((!rest.is_empty()).then(|| "its last line is torn".to_owned())),
            Ok(read) => read,
            Err(error) if is_damage(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(fail(error)),
        };
        rest.extend_from_slice(&piece[..read]);
        if let Some(newline) = memchr::memrchr(b'\n', &rest) {
            take(&rest[..=newline])?;
            rest.drain(..=newline);
        }
    }
}

/// Whether the decoder stumbled, and not the disk.
fn is_damage(error: &io::Error) -> bool {
    error.raw_os_error().is_none()
}
