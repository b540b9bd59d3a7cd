//! A text that its user edits while a program goes on adding to it: both are in the file in the end.
//!
//! `cargo run -p stead --features edit --example edit`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use stead::atomic::append_lines;
use stead::edit::{EditSession, Editor, Ended};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes.md");
    append_lines(&notes, ["hello world"])?;

    // $EDITOR, if no editor is named.
    let editor = Editor::parse("sed -i s/world/everybody/")?;
    let drafts = folder.path().join("drafts");
    let mut session = EditSession::new().file(&notes).editor(editor).drafts(drafts).open()?;
    session.edit_by(|command| {
        // A program that knows nothing of the editor.
        append_lines(&notes, ["added meanwhile"])?;
        Ok(command.status()?.code().map_or(Ended::Signal(0), Ended::Code))
    })?;
    for edited in session.commit() {
        println!("{}: {:?}", edited.path.display(), edited.outcome);
    }
    print!("{}", std::fs::read_to_string(&notes)?);
    Ok(())
}
