//! A deadlock for people: what is done about it is theirs to decide.

use stead::lock::{Age, Cycle, Member, Waits};
use stead_console::text::plain;

/// A line for each member, after one that says what this is.
pub(crate) fn block(cycle: &Cycle) -> String {
    let lines = cycle.members().iter().map(line);
    let title = match cycle.members() {
        [_] => "deadlock: this process waits for itself".to_owned(),
        members => format!("deadlock: {} processes wait for each other", members.len()),
    };
    std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n")
}

/// `  pid 4312 (flock a.lock sh), user ann, waits for /home/ann/b.lock (exclusive, for 3m12s), held by pid 4400`
fn line(member: &Member) -> String {
    let command = member.command.as_deref().map(|command| format!(" ({})", plain(command))).unwrap_or_default();
    let user = member.user.as_deref().map(|user| format!(", user {},", plain(user))).unwrap_or_default();
    let what = match &member.waits {
        Waits::Lock { path, mode, .. } => {
            let path = if path.as_os_str().is_empty() { "a lock".to_owned() } else { plain(&path.to_string_lossy()) };
            let waited = member.age().map(|age| format!(", for {}", Age(age))).unwrap_or_default();
            format!("{path} ({mode}{waited}), held by pid {}", member.next)
        }
        _ => format!("its child, pid {}", member.next),
    };
    format!("  pid {}{command}{user} waits for {what}", member.pid)
}
