//! stead itself.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use stead::atomic::{Appender, Durability, Options};
use stead::document::Document;

use super::{Step, Work, increment, line};

pub(crate) const NAME: &str = "stead";

pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> impl FnMut() -> Result<()> + use<> {
    let (path, content) = (path.to_path_buf(), content.to_vec());
    move || {
        Options::new().durability(durability).replace(&path, &content)?;
        Ok(())
    }
}

pub(crate) fn updater(path: &Path, durability: Durability) -> Work {
    let document = Document::<Value>::json(path).durability(durability);
    Box::new(move || {
        document.try_update(increment)?;
        Ok(Step::Done)
    })
}

pub(crate) fn appender(path: &Path, durability: Durability) -> Work {
    let appender = Appender::new(path).durability(durability);
    let mut count = 0;
    Box::new(move || {
        count += 1;
        appender.append([line(count).trim_end()])?;
        Ok(Step::Done)
    })
}
