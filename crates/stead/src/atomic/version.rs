//! Which content a file has.

use std::fmt;
use std::io;
use std::str::FromStr;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::sys::disk::{Disk, read_full_at};

/// The version of a content: its xxh3-128, shown as 32 hexadecimal digits. Equal contents have equal versions,
/// whenever and by whomever they were written. It is no protection from somebody who wants to forge one.
///
/// ```
/// use stead::atomic::Version;
///
/// let version = Version::of(b"hello\n");
/// assert_eq!(version.to_string().parse::<Version>(), Ok(version));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u128);

impl Version {
    /// The version of this content.
    pub fn of(content: &[u8]) -> Version {
        Version(xxh3_128(content))
    }

    /// The version of what an open file holds.
    pub(crate) fn of_file<D: Disk>(disk: &D, file: &D::File) -> io::Result<Version> {
        let (mut hasher, mut buffer, mut offset) = (Xxh3::new(), vec![0; 64 << 10], 0);
        loop {
            let read = read_full_at(disk, file, &mut buffer, offset)?;
            hasher.update(&buffer[..read]);
            offset += read as u64;
            if read < buffer.len() {
                return Ok(Version(hasher.digest128()));
            }
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

/// A text that is no [`Version`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version is 32 hexadecimal digits")
    }
}

impl std::error::Error for InvalidVersion {}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Version, InvalidVersion> {
        let is_version = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_version);
        number.map(Version).ok_or(InvalidVersion)
    }
}
