//! What is to become of a file once its draft is ready (pure).

use crate::atomic::Version;
use crate::edit::merge::{Merge, count_markers, merge};

/// What a draft began as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initial {
    /// What was in the file.
    Base,
    /// That and an addition, of this version without the blanks at its end: if nothing else was written, nothing was.
    WithAddition(Version),
    /// What an earlier session left, and nobody has seen in the file.
    Recovered,
}

impl Initial {
    /// The file's text and an addition, which is no change by itself.
    pub(crate) fn with_addition(text: &[u8]) -> Initial {
        Initial::WithAddition(version_of_text(text))
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: nothing was changed, or the change is there already.
    Nothing,
    /// The draft takes the place of the file.
    Replace,
    /// This does: the draft, and what others have changed meanwhile.
    Merge(Vec<u8>),
    /// Both changed the same lines; this has both, between markers. The file stays as it is.
    Conflict(Vec<u8>),
    /// The draft still has the markers of an earlier conflict. The file stays as it is.
    Unresolved,
}

/// Whether something was written into a draft.
pub(crate) fn is_changed(base: Option<&[u8]>, initial: Initial, draft: &[u8]) -> bool {
    if draft == base.unwrap_or_default() {
        return false;
    }
    match initial {
        Initial::Base | Initial::Recovered => true,
        Initial::WithAddition(version) => {
            version_of_text(draft) != version && draft.trim_ascii_end() != base.unwrap_or_default().trim_ascii_end()
        }
    }
}

/// What to do with a draft that was made of `base`, where `disk` is in the file now. `conflict`: it had both sides of a
/// conflict in it.
pub(crate) fn verdict(
    base: Option<&[u8]>,
    initial: Initial,
    conflict: bool,
    draft: &[u8],
    disk: Option<&[u8]>,
) -> Verdict {
    if conflict && has_more_markers(draft, base.unwrap_or_default()) {
        return Verdict::Unresolved;
    }
    if !is_changed(base, initial, draft) || disk == Some(draft) {
        return Verdict::Nothing;
    }
    let Some(disk) = disk.filter(|disk| base != Some(*disk)) else { return Verdict::Replace };
    match merge(base.unwrap_or_default(), disk, draft) {
        Merge::Clean(text) if text == disk => Verdict::Nothing,
        Merge::Clean(text) => Verdict::Merge(text),
        Merge::Conflict(text) => Verdict::Conflict(text),
    }
}

/// Whether a text has markers of a conflict that are not of the file itself.
pub(crate) fn has_more_markers(draft: &[u8], base: &[u8]) -> bool {
    count_markers(draft) > count_markers(base)
}

/// Blanks at the end of a text are the editor's, not the writer's.
fn version_of_text(text: &[u8]) -> Version {
    Version::of(text.trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(base: Option<&str>, draft: &str, disk: Option<&str>) -> Verdict {
        verdict(base.map(str::as_bytes), Initial::Base, false, draft.as_bytes(), disk.map(str::as_bytes))
    }

    #[test]
    fn what_is_not_changed_is_not_written() {
        assert_eq!(judge(Some("a\n"), "a\n", Some("a\n")), Verdict::Nothing);
        assert_eq!(judge(Some("a\n"), "a\n", Some("b\n")), Verdict::Nothing);
        assert_eq!(judge(None, "", None), Verdict::Nothing);
        assert_eq!(judge(Some("a\n"), "b\n", Some("b\n")), Verdict::Nothing);
        // All that was changed in the draft is on disk, and more.
        assert_eq!(judge(Some("a\n"), "a\nb\n", Some("a\nb\nc\n")), Verdict::Nothing);
    }

    #[test]
    fn a_change_replaces_or_is_merged() {
        assert_eq!(judge(Some("a\n"), "b\n", Some("a\n")), Verdict::Replace);
        assert_eq!(judge(None, "b\n", None), Verdict::Replace);
        assert_eq!(judge(Some("a\n"), "", Some("a\n")), Verdict::Replace);
        assert_eq!(judge(Some("a\n"), "a\nb\n", Some("0\na\n")), Verdict::Merge(b"0\na\nb\n".to_vec()));
        assert!(matches!(judge(Some("a\n"), "b\n", Some("c\n")), Verdict::Conflict(_)));
        // Removed by somebody else, or emptied: what was written is not lost with it.
        assert_eq!(judge(Some("a\n"), "b\n", None), Verdict::Replace);
        assert!(matches!(judge(Some("a\n"), "b\n", Some("")), Verdict::Conflict(_)));
    }

    #[test]
    fn the_markers_of_a_conflict_are_not_put_into_the_file() {
        let Verdict::Conflict(text) = judge(Some("a\n"), "b\n", Some("c\n")) else { panic!() };
        let again = |draft: &[u8]| verdict(Some(b"c\n"), Initial::Recovered, true, draft, Some(b"c\n"));
        assert_eq!(again(&text), Verdict::Unresolved);
        assert_eq!(again(b"c and b\n"), Verdict::Replace);
        assert_eq!(again(b"c\n"), Verdict::Nothing);
    }

    #[test]
    fn an_addition_alone_is_no_change() {
        let initial = Initial::with_addition(b"a\n\n## 14:05\n\n");
        for draft in ["a\n\n## 14:05\n\n", "a\n\n## 14:05", "a\n\n## 14:05\n", "a\n", "a", "a\n\n"] {
            assert!(!is_changed(Some(b"a\n"), initial, draft.as_bytes()), "{draft:?}");
        }
        for draft in ["a\n\n## 14:05\n\ntext\n", "", "b\n"] {
            assert!(is_changed(Some(b"a\n"), initial, draft.as_bytes()), "{draft:?}");
        }
        assert!(!is_changed(None, Initial::with_addition(b"# T\n"), b""));
    }

    #[test]
    fn what_was_recovered_counts_as_written() {
        assert!(is_changed(Some(b"a\n"), Initial::Recovered, b"b\n"));
        assert!(!is_changed(Some(b"a\n"), Initial::Recovered, b"a\n"));
    }
}
