//! A real terminal: script(1) makes one, bash does job control in it, and we type.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use testkit::{tool, wait_until};

use crate::rig::{Rig, kill, state};
use crate::signals::COUNTER;

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// An interactive shell on a terminal of 80 columns.
struct Terminal {
    script: Child,
    keyboard: Option<ChildStdin>,
    screen: Arc<Mutex<String>>,
    /// How far the screen was read.
    seen: usize,
}

impl Terminal {
    /// `None`, and said why, where the tools are missing.
    fn open(rig: &Rig) -> Option<Terminal> {
        if !tool("script") || !tool("bash") || !tool("python3") {
            return None;
        }
        rig.write("counter.py", COUNTER.as_bytes());
        let shell = "stty cols 80 rows 24 -echo; PS1='READY> ' exec bash --norc --noprofile --noediting -i";
        let mut command = rig.command("script", &["-qfec", shell, "/dev/null"]);
        command.env("TERM", "xterm").env("SHELL", "/bin/sh").env("HISTFILE", "");
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let keyboard = script.stdin.take();
        let mut output = script.stdout.take().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                copy.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        });
        let mut terminal = Terminal { script, keyboard, screen, seen: 0 };
        terminal.expect("READY> ");
        Some(terminal)
    }

    fn press(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    /// Waits until `text` is on the screen, behind what was seen before, and returns all up to its end.
    #[track_caller]
    fn expect(&mut self, text: &str) -> String {
        let what = format!("the terminal shows {text:?}");
        let end = testkit::wait_until(&what, || {
            let screen = self.screen.lock().unwrap();
            if let Some(at) = screen[self.seen..].find(text) {
                return Some(self.seen + at + text.len());
            }
            None
        });
        let shown = self.screen.lock().unwrap()[self.seen..end].to_owned();
        self.seen = end;
        shown
    }

    /// Starts the counter under `stead run`; the pids of both.
    fn start_counter(&mut self, options: &str) -> (i32, i32) {
        self.enter(&format!("$STEAD run {options} ./l -- python3 counter.py"));
        self.expect("ready ");
        let line = self.expect("\n");
        let mut pids = line.trim().split(' ').map(|pid| pid.parse().unwrap());
        (pids.next().unwrap(), pids.next().unwrap())
    }

    fn counts(&mut self) -> String {
        self.enter("");
        self.expect("counts ");
        self.expect("\n").trim().to_owned()
    }
}

impl Drop for Terminal {
    #[expect(clippy::print_stderr, reason = "what was on the screen tells why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen: {:?}", self.screen.lock().unwrap());
        }
        // The terminal hangs up, and the shell ends.
        self.keyboard = None;
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn keys_of_the_terminal_reach_the_command_once() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    for options in ["", "--close"] {
        terminal.start_counter(options);
        for round in 1..=20 {
            terminal.press(CTRL_C);
            terminal.expect("got SIGINT");
            terminal.press(CTRL_BACKSLASH);
            terminal.expect("got SIGQUIT");
            assert_eq!(terminal.counts(), format!("SIGINT={round} SIGQUIT={round}"));
        }
        // The end of its input.
        terminal.press("\x04");
        terminal.expect("READY> ");
    }
}

#[test]
fn a_new_window_size_is_told_once() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    terminal.enter("tty >tty");
    terminal.expect("READY> ");
    terminal.start_counter("");
    assert_eq!(rig.sh("stty cols 100 <$(cat tty)").code, Some(0));
    terminal.expect("got SIGWINCH");
    assert_eq!(terminal.counts(), "SIGWINCH=1");
}

#[test]
fn ctrl_z_stops_both_and_fg_continues_both() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    let (stead, command) = terminal.start_counter("");
    for round in 1..=5 {
        terminal.press(CTRL_Z);
        terminal.expect("Stopped");
        terminal.expect("READY> ");
        assert_eq!((state(stead), state(command)), (Some('T'), Some('T')));
        terminal.enter("fg");
        terminal.expect("got SIGCONT");
        // Continued once, by the shell, and not by us once more.
        assert_eq!(terminal.counts(), format!("SIGCONT={round}"));
        assert_ne!(state(stead), Some('T'));
    }
    // The same, sent to stead alone.
    kill(stead, Signal::TSTP);
    terminal.expect("Stopped");
    assert_eq!((state(stead), state(command)), (Some('T'), Some('T')));
    terminal.expect("READY> ");
    kill(stead, Signal::CONT);
    terminal.expect("got SIGCONT");
}

/// A program such as vim stops its whole group by kill(2).
#[test]
fn a_command_that_stops_its_group_stops_once() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    terminal.enter("$STEAD run ./l -- sh -c 'kill -TSTP 0; echo continued; read line; echo end'");
    terminal.expect("Stopped");
    terminal.expect("READY> ");
    terminal.enter("fg");
    terminal.expect("continued");
    terminal.enter("");
    terminal.expect("end");
    terminal.expect("READY> ");
}

#[test]
fn ctrl_c_ends_the_command_and_the_shell_sees_it() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    terminal.enter("for i in 1 2; do $STEAD run ./l -- sh -c 'echo running; exec sleep 60'; done; echo code $?");
    terminal.expect("running");
    terminal.press(CTRL_C);
    // The loop is over: bash has seen that it was Ctrl-C that ended the command.
    terminal.expect("READY> ");
    terminal.enter("echo code $?");
    terminal.expect("code 130");
    rig.run(&["who", "./l"]).expect(1);
}

#[test]
fn the_waiting_line_is_rewritten_and_taken_away() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    let held = rig.hold(&["./l"]);
    terminal.enter("$STEAD run ./l -- echo granted");
    terminal.expect("\rstead: waiting for ./l, held exclusively by pid ");
    terminal.expect(", for ");
    // A second time, in the same line.
    let between = terminal.expect("\rstead: waiting for ./l, held exclusively by pid ");
    assert!(!between.contains('\n'), "{between:?}");
    let line = terminal.expect(", for ");
    assert!(line.len() < 80, "{line:?}");
    held.end();
    let rest = terminal.expect("granted");
    let blank = rest.rsplit('\r').nth(1).unwrap();
    assert!(blank.len() > 40 && blank.trim().is_empty(), "{rest:?}");
    terminal.expect("READY> ");
}

#[test]
fn ctrl_c_ends_a_wait() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    let held = rig.hold(&["./l"]);
    for wait in ["", "--wait 1h"] {
        terminal.enter(&format!("$STEAD run {wait} ./l -- touch ran"));
        terminal.expect("waiting for ./l");
        terminal.press(CTRL_C);
        terminal.expect("READY> ");
        terminal.enter("echo code $?");
        terminal.expect("code 130");
    }
    held.end();
    assert!(!rig.exists("ran"));
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    terminal.enter("$STEAD run missing/l -- true");
    let coloured = terminal.expect("hint:");
    assert!(coloured.contains("\x1b[1mstead:"), "{coloured:?}");
    terminal.expect("READY> ");
    terminal.enter("NO_COLOR=1 $STEAD run missing/l -- true");
    let plain = terminal.expect("hint:");
    assert!(plain.contains("stead: failed") && !plain.contains("\x1b[1m"), "{plain:?}");
}

#[test]
fn a_waiter_is_woken_after_it_was_stopped() {
    let rig = Rig::new();
    let Some(mut terminal) = Terminal::open(&rig) else { return };
    let held = rig.hold(&["./l"]);
    terminal.enter("$STEAD run ./l -- echo granted");
    terminal.expect("waiting for ./l");
    terminal.press(CTRL_Z);
    terminal.expect("Stopped");
    terminal.expect("READY> ");
    held.end();
    // A stopped waiter is not in the way of others.
    wait_until("others get it", || rig.run(&["run", "--no-wait", "./l", "--", "true"]).code.filter(|code| *code == 0));
    terminal.enter("fg");
    terminal.expect("granted");
}
