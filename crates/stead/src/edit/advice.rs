//! Editors that return at once, and what makes them wait (pure).

/// What to do about an editor that returned before anything can have been written, where it is one that does so.
pub(crate) fn advice(name: &str, arguments: &[String]) -> Option<String> {
    told_to_return(name, arguments).or_else(|| leaves_window(name, arguments))
}

fn leaves_window(name: &str, arguments: &[String]) -> Option<String> {
    let stem = name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name);
    let (_, flags) = WAITING.iter().find(|(names, _)| names.contains(&stem))?;
    let waits = arguments.iter().any(|argument| flags.contains(&argument.as_str()));
    let long = flags.last().copied().unwrap_or_default();
    (!waits).then(|| format!("{stem} leaves its window open and returns at once: use `{stem} {long}`"))
}

/// Names of editors, and the arguments that make them wait.
const WAITING: [(&[&str], &[&str]); 8] = [
    (&["code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"], &["-w", "--wait"]),
    (&["subl", "sublime_text", "zed", "zeditor", "mate"], &["-w", "--wait"]),
    (&["atom", "pulsar"], &["-w", "--wait"]),
    (&["gvim", "mvim", "vimr", "neovide"], &["-f", "--nofork"]),
    (&["kate", "kwrite"], &["-b", "--block"]),
    (&["gedit", "gnome-text-editor", "pluma", "xed"], &["-w", "--standalone", "--wait"]),
    (&["idea", "pycharm", "clion", "webstorm", "rustrover", "goland"], &["-w", "--wait"]),
    (&["open"], &["-W"]),
];

/// Arguments that make an editor return at once which waits by itself.
const NOT_WAITING: [(&str, &[&str]); 1] = [("emacsclient", &["-n", "--no-wait"])];

fn told_to_return(name: &str, arguments: &[String]) -> Option<String> {
    let (_, flags) = NOT_WAITING.iter().find(|(editor, _)| *editor == name)?;
    let flag = arguments.iter().find(|argument| flags.contains(&argument.as_str()))?;
    Some(format!("{name} {flag} returns at once: leave out {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Option<String> {
        let mut words = command.split(' ').map(str::to_owned);
        let (name, arguments) = (words.next().unwrap(), words.collect::<Vec<_>>());
        advice(&name, &arguments)
    }

    #[test]
    fn editors_that_return_at_once_are_told_from_those_that_wait() {
        assert!(of("code").unwrap().contains("code --wait"));
        assert!(of("gvim -p").unwrap().contains("gvim --nofork"));
        assert!(of("emacsclient -n").unwrap().contains("leave out -n"));
        for fine in ["vim", "code -w", "code --wait", "gvim -f", "emacsclient", "nano"] {
            assert_eq!(of(fine), None, "{fine}");
        }
    }
}
