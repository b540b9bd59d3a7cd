//! Where things are on this system.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::variable;

/// `ponder/config.toml` in the folder of configurations; `None` for a user without a home.
pub(super) fn configuration() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("ponder").join("config.toml"))
}

/// The folder of documents: as xdg-user-dirs names it, or else `Documents`.
pub(super) fn documents() -> Option<PathBuf> {
    let home = etcetera::home_dir().ok().filter(|home| home.is_absolute())?;
    if let Some(named) = variable("XDG_DOCUMENTS_DIR").map(PathBuf::from).filter(|named| named.is_absolute()) {
        return Some(named);
    }
    let user_dirs = etcetera::choose_base_strategy().ok()?.config_dir().join("user-dirs.dirs");
    let named = std::fs::read_to_string(user_dirs).ok().and_then(|text| documents_in(&text, &home));
    Some(named.unwrap_or_else(|| home.join("Documents")))
}

/// What a `user-dirs.dirs` says, which is a shell script of a fixed form.
fn documents_in(user_dirs: &str, home: &Path) -> Option<PathBuf> {
    let value = user_dirs.lines().rev().find_map(|line| line.trim().strip_prefix("XDG_DOCUMENTS_DIR="))?;
    let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    match value.strip_prefix("$HOME") {
        Some(below) if below.is_empty() || below.starts_with('/') => Some(home.join(below.trim_matches('/'))),
        Some(_) => None,
        None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
    }
}

/// The path that a configuration means: `~/` is the home, and what is relative lies beside the configuration.
pub(super) fn meant(path: &Path, configuration: &Path) -> PathBuf {
    if let (Ok(below), Ok(home)) = (path.strip_prefix("~"), etcetera::home_dir()) {
        return home.join(below);
    }
    configuration.parent().unwrap_or(configuration).join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_documents_is_read_as_the_desktop_does() {
        let read = |text: &str| documents_in(text, Path::new("/home/ann"));
        let file = "# written by xdg-user-dirs-update\nXDG_DESKTOP_DIR=\"$HOME/Desktop\"\n  XDG_DOCUMENTS_DIR=\"$HOME/Dokumente\"\n";
        assert_eq!(read(file), Some("/home/ann/Dokumente".into()));
        assert_eq!(read("XDG_DOCUMENTS_DIR=\"/data/docs\""), Some("/data/docs".into()));
        assert_eq!(read("XDG_DOCUMENTS_DIR=\"$HOME/\""), Some("/home/ann/".into()));
        for text in [
            "",
            "XDG_DOCUMENTS_DIR=",
            "XDG_DOCUMENTS_DIR=\"docs\"",
            "#XDG_DOCUMENTS_DIR=\"/x\"",
            "XDG_DOCUMENTS_DIR=\"$HOMEx\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn paths_of_a_configuration_are_beside_it() {
        let meant = |path: &str| meant(Path::new(path), Path::new("/c/ponder/config.toml"));
        assert_eq!(meant("t.md"), Path::new("/c/ponder/t.md"));
        assert_eq!(meant("/t.md"), Path::new("/t.md"));
        assert!(meant("~/j").is_absolute() && meant("~/j").ends_with("j"));
        assert_eq!(meant("~j"), Path::new("/c/ponder/~j"));
    }
}
