//! The names of temporary files (pure); see docs/FORMAT.md.

use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use crate::atomic::version::Version;

const START: &str = ".stead-";
const END: &str = ".tmp";

/// What the name of a temporary file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temporary {
    /// `.stead-RANDOM.tmp`: a new content, perhaps not whole yet.
    Staged,
    /// `.stead-RANDOM-EXPECTED-NEW-TARGET-INODE.tmp`: a whole new content that is to be swapped with the expected one,
    /// or what came out of that swap.
    Swap(Swap),
}

/// What a swap is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swap {
    /// The version that the target must have.
    pub(crate) expected: Version,
    /// The version that it is to get.
    pub(crate) new: Version,
    /// The hash of the target's name.
    pub(crate) target: u64,
    /// The file with the new content: it, and no other of the same content, is ours.
    pub(crate) inode: u64,
}

impl Swap {
    pub(crate) fn new(target: &OsStr, expected: Version, new: Version, inode: u64) -> Swap {
        Swap { expected, new, target: hash_of_name(target), inode }
    }

    /// Whether the swap is about the file of this name.
    pub(crate) fn is_about(&self, name: &OsStr) -> bool {
        self.target == hash_of_name(name)
    }
}

impl Temporary {
    /// A name of this kind that nothing has.
    pub(crate) fn name(self) -> String {
        let random = RandomState::new().build_hasher().finish();
        match self {
            Temporary::Staged => format!("{START}{random:016x}{END}"),
            Temporary::Swap(Swap { expected, new, target, inode }) => {
                format!("{START}{random:016x}-{expected}-{new}-{target:016x}-{inode:016x}{END}")
            }
        }
    }

    /// What a name says; `None`: it is not one of ours.
    pub(crate) fn parse(name: &OsStr) -> Option<Temporary> {
        let words = name.to_str()?.strip_prefix(START)?.strip_suffix(END)?;
        let mut words = words.split('-');
        number(words.next()?)?;
        let Some(expected) = words.next() else { return Some(Temporary::Staged) };
        let (expected, new) = (expected.parse().ok()?, words.next()?.parse().ok()?);
        let (target, inode) = (number(words.next()?)?, number(words.next()?)?);
        words.next().is_none().then_some(Temporary::Swap(Swap { expected, new, target, inode }))
    }
}

fn hash_of_name(name: &OsStr) -> u64 {
    xxh3_64(name.as_encoded_bytes())
}

/// 16 hexadecimal digits.
fn number(word: &str) -> Option<u64> {
    let is_number = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(word, 16).ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_not_ours() {
        let swap = Swap::new(OsStr::new("state.json"), Version::of(b"old"), Version::of(b"new"), 7);
        for temporary in [Temporary::Staged, Temporary::Swap(swap)] {
            let name = temporary.name();
            assert_eq!(Temporary::parse(OsStr::new(&name)), Some(temporary), "{name}");
            assert!(name.len() < 128, "{name}");
        }
        assert!(swap.is_about(OsStr::new("state.json")) && !swap.is_about(OsStr::new("state.jsom")));
        for name in ["", ".stead", ".stead-.tmp", ".stead-0123456789abcdef", ".stead-0123456789abcdeg.tmp", "a.tmp"] {
            assert_eq!(Temporary::parse(OsStr::new(name)), None, "{name}");
        }
    }

    /// Trap 25: two writers never share a temporary.
    #[test]
    fn trap_25_no_two_temporaries_have_one_name() {
        let names: std::collections::HashSet<_> = (0..1000).map(|_| Temporary::Staged.name()).collect();
        assert_eq!(names.len(), 1000);
    }
}
