//! Changes that are made only if nothing has changed, or only if they are still needed.
//!
//! `cargo run -p stead --example conditional`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use serde::{Deserialize, Serialize};
use stead::atomic::{Options, Version, replace};
use stead::document::Document;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Token {
    secret: String,
    uses_left: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;

    // Compare and swap of a whole file: whoever changed it meanwhile is not overwritten.
    let page = folder.path().join("page.html");
    replace(&page, b"<p>one</p>")?;
    let seen = std::fs::read(&page)?;
    replace(&page, b"<p>somebody else's</p>")?;
    let refused = Options::new().if_match(Version::of(&seen)).replace(&page, b"<p>mine</p>");
    assert!(refused.is_err_and(|error| error.is_mismatch()));

    // A token that can be refreshed only once: of all who find it used up, one does.
    let token = Document::<Token>::json(folder.path().join("token.json")).default(Token::default);
    let fresh = token.refresh_if(
        |token| token.uses_left == 0,
        |token| {
            *token = Token { secret: "asked the server for it".to_owned(), uses_left: 3 };
            Ok::<_, stead::Error>(())
        },
    )?;
    assert_eq!(fresh.uses_left, 3);

    // The version tells whether somebody else was here since.
    let (_, version) = token.read_with_version()?;
    let version = version.ok_or("it was written just now")?;
    token.update_if(version, |token| token.uses_left -= 1)?;
    assert!(token.update_if(version, |token| token.uses_left -= 1).is_err_and(|error| error.is_mismatch()));
    println!("{:?}", token.read()?);
    Ok(())
}
