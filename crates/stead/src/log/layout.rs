//! Where the parts of a log are, and which file holds which stretch of history.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::log::manifest::Manifest;
use crate::sys::disk::Disk;

/// The active segment.
pub(crate) const ACTIVE: &str = "app.jsonl";
pub(crate) const MANIFEST: &str = "log.json";
/// No history is longer: what says so is damaged.
pub(crate) const OFFSET_MAX: u64 = 1 << 62;
/// Eventfold's compressed history.
const ARCHIVE: &str = "archive.jsonl.zst";

/// The paths of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) folder: PathBuf,
    pub(crate) active: PathBuf,
    pub(crate) manifest: PathBuf,
    pub(crate) segments: PathBuf,
    pub(crate) views: PathBuf,
    pub(crate) quarantine: PathBuf,
    pub(crate) page: PathBuf,
    pub(crate) archive: PathBuf,
}

impl Paths {
    pub(crate) fn new(folder: &Path) -> Paths {
        Paths {
            folder: folder.to_path_buf(),
            active: folder.join(ACTIVE),
            manifest: folder.join(MANIFEST),
            segments: folder.join("segments"),
            views: folder.join("views"),
            quarantine: folder.join("quarantine"),
            page: folder.join("shared.page"),
            archive: folder.join(ARCHIVE),
        }
    }

    pub(crate) fn segment(&self, segment: Segment) -> PathBuf {
        self.segments.join(segment.name())
    }
}

/// A sealed segment: which bytes of history its file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    pub(crate) base: u64,
    pub(crate) end: u64,
}

impl Segment {
    /// `BASE-END.jsonl`, twenty digits each.
    pub(crate) fn name(self) -> String {
        format!("{:020}-{:020}.jsonl", self.base, self.end)
    }

    pub(crate) fn parse(name: &OsStr) -> Option<Segment> {
        let (base, end) = name.to_str()?.strip_suffix(".jsonl")?.split_once('-')?;
        let number = |text: &str| {
            let is_number = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| is_number)
        };
        let (base, end) = (number(base)?, number(end)?);
        (base < end && end <= OFFSET_MAX).then_some(Segment { base, end })
    }
}

/// The sealed segments there are, in order.
pub(crate) fn segments<D: Disk>(disk: &D, paths: &Paths) -> io::Result<Vec<Segment>> {
    let names = match disk.list(&paths.segments) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut segments: Vec<_> = names.iter().filter_map(|name| Segment::parse(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Where history goes on behind the sealed segments (and an archive of this length), past stretches known to be lost.
pub(crate) fn end_of(segments: &[Segment], archive: u64, manifest: Option<&Manifest>) -> u64 {
    let end = segments.iter().map(|segment| segment.end).max().unwrap_or(archive);
    // A gap that began inside of what is there has been filled since.
    let gap = manifest.and_then(|manifest| manifest.gaps.iter().find(|(start, gap)| *start <= end && end < *gap));
    gap.map_or(end, |(_, end)| *end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments_are_exact() {
        let segment = Segment { base: 0, end: 97 };
        assert_eq!(segment.name(), "00000000000000000000-00000000000000000097.jsonl");
        assert_eq!(Segment::parse(OsStr::new(&segment.name())), Some(segment));
        for other in ["0-97.jsonl", "00000000000000000097-00000000000000000097.jsonl", "app.jsonl", "a-b.jsonl"] {
            assert_eq!(Segment::parse(OsStr::new(other)), None, "{other}");
        }
        assert_eq!(Segment::parse(OsStr::new("0000000000000000000+-00000000000000000097.jsonl")), None);
    }

    #[test]
    fn history_goes_on_behind_a_gap() {
        let mut manifest = Manifest::new(crate::log::cursor::LogId(1), crate::log::rotation::Limits::default());
        assert_eq!(end_of(&[], 5, Some(&manifest)), 5);
        manifest.add_gap(10, 12);
        assert_eq!(end_of(&[Segment { base: 0, end: 10 }], 0, Some(&manifest)), 12);
    }
}
