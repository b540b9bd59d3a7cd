//! `stead edit --list-drafts`

use std::collections::BTreeSet;
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, TableStyle};
use stead::edit::{Draft, drafts, drafts_folder};
use stead::lock::Age;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

use crate::json;

/// The drafts of these files, or of all; the newest first.
pub(super) fn of(files: &[PathBuf]) -> Result<Vec<Draft>, Failure> {
    let mut found = drafts(drafts_folder()?)?;
    if !files.is_empty() {
        let named: BTreeSet<PathBuf> = files.iter().map(real).collect();
        found.retain(|draft| named.contains(draft.path()));
    }
    Ok(found)
}

pub(super) fn list(files: &[PathBuf], as_json: bool, out: &mut Printer) -> Result<ExitCode, Failure> {
    let found = of(files)?;
    if as_json {
        out.data(json::drafts(&found))?;
    } else if found.is_empty() {
        out.message("there are no drafts");
    } else {
        out.data(table(&found))?;
    }
    Ok(if found.is_empty() { ExitCode::No } else { ExitCode::Done })
}

fn table(drafts: &[Draft]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["FILE", "SAVED", "STATE", "DRAFT"]);
    for draft in drafts {
        let ago = draft.saved().elapsed().unwrap_or_default();
        let state = match (draft.is_in_use(), draft.is_conflict()) {
            (true, _) => "being edited",
            (false, true) => "conflict",
            (false, false) => "left",
        };
        let [path, text] = [draft.path().to_path_buf(), draft.draft()].map(|path| plain(&path.to_string_lossy()));
        table.add_row([path, format!("{} ago", Age(ago)), state.to_owned(), text]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// The path as a draft knows it.
pub(super) fn real(file: &PathBuf) -> PathBuf {
    let by_folder = || Some(std::path::absolute(file).ok()?.parent()?.canonicalize().ok()?.join(file.file_name()?));
    file.canonicalize().ok().or_else(by_folder).unwrap_or_else(|| file.clone())
}
