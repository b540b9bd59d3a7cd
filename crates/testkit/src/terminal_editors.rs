//! vim and nano in a terminal, as their users drive them. Each step waits until it is on the screen.

use crate::Tmux;

impl Tmux {
    /// Waits until vim shows this from its first line on.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn vim_shows(&self, start: &str) {
        self.until(&format!("vim shows {start:?}"), |screen| {
            (screen.starts_with(start) && screen.contains("\n~")).then_some(())
        });
    }

    /// Types a new last line in vim.
    ///
    /// # Panics
    /// If vim does not take it.
    #[track_caller]
    pub fn vim_adds(&self, line: &str) {
        self.press("G o");
        self.expect("-- INSERT --");
        self.literal(line);
        self.press("Escape");
        self.until("vim is done with it", |screen| {
            (screen.contains(line) && !screen.contains("-- INSERT --")).then_some(())
        });
    }

    /// Saves in vim, and stays.
    ///
    /// # Panics
    /// If vim does not say so.
    #[track_caller]
    pub fn vim_saves(&self) {
        self.type_line(":w");
        self.expect(" written");
    }

    /// Waits until nano has opened a file.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn nano_is_open(&self) -> String {
        self.expect("^X Exit")
    }

    /// Saves in nano, and stays.
    ///
    /// # Panics
    /// If nano does not say so.
    #[track_caller]
    pub fn nano_saves(&self) {
        self.press("C-o");
        self.expect("File Name to Write");
        self.press("Enter");
        self.expect("[ Wrote ");
    }
}
