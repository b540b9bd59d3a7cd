//! What only Linux has, or has in its own way.

use std::fs::File;
use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, XattrFlags, inotify};
use rustix::io::Errno;
use stead::filesystem::VolumeKind;

use crate::doctor::bench::Bench;
use crate::doctor::clock;
use crate::doctor::files;
use crate::doctor::peer::Peer;
use crate::doctor::promises::Verdict;
use crate::doctor::report::Span;
use crate::doctor::trouble::Trouble;

/// How long an event may take.
const EVENT_MAX: Duration = Duration::from_secs(5);
const ATTRIBUTE: &str = "user.stead.doctor";

/// Two files change places in one step.
pub(in crate::doctor) fn exchange_rename(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let (one, two) = (bench.folder.join("one"), bench.folder.join("two"));
    files::put(&one, b"1").map_err(Trouble::at("write", &one))?;
    files::put(&two, b"2").map_err(Trouble::at("write", &two))?;
    match rustix::fs::renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            return Ok(Verdict::fallback(
                "a conditional replace compares under the lock and then renames; a program that takes no lock can \
                 slip in between",
            ));
        }
        Err(error) => return Err(Trouble::at("exchange", &one)(error.into())),
    }
    let read = |path| std::fs::read(path).map_err(Trouble::at("read", path));
    Ok(if (read(&one)?, read(&two)?) == (b"2".to_vec(), b"1".to_vec()) {
        Verdict::kept("")
    } else {
        Verdict::broken("two files that were exchanged are not")
    })
}

/// A file without a name, which gets one when it is whole.
pub(in crate::doctor) fn unnamed_file(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let path = bench.folder.join("named");
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut file: File = match rustix::fs::open(&bench.folder, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => file.into(),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
            return Ok(Verdict::fallback("a new lock file is created by name and filled afterwards"));
        }
        Err(error) => return Err(Trouble::at("create an unnamed file in", &bench.folder)(error.into())),
    };
    file.write_all(b"whole").map_err(Trouble::at("write", &path))?;
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    if let Err(error) = rustix::fs::linkat(CWD, source, CWD, &path, AtFlags::SYMLINK_FOLLOW) {
        return Ok(Verdict::fallback(format!(
            "it cannot be given a name here ({error}); a new lock file is created by name and filled afterwards"
        )));
    }
    let seen = std::fs::read(&path).map_err(Trouble::at("read", &path))?;
    Ok(if seen == b"whole" { Verdict::kept("") } else { Verdict::broken("a file lost its bytes when it got its name") })
}

/// Notes that go with a file.
pub(in crate::doctor) fn attributes(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let path = bench.folder.join("noted");
    let file = File::create(&path).map_err(Trouble::at("create", &path))?;
    match rustix::fs::fsetxattr(&file, ATTRIBUTE, b"kept", XattrFlags::empty()) {
        Ok(()) => {}
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM) => {
            return Ok(Verdict::fallback("files have none here, so a replaced file has none to lose"));
        }
        Err(error) => return Err(Trouble::at("set an attribute of", &path)(error.into())),
    }
    let mut seen = Vec::with_capacity(64);
    rustix::fs::fgetxattr(&file, ATTRIBUTE, rustix::buffer::spare_capacity(&mut seen))
        .map_err(|error| Trouble::at("read an attribute of", &path)(error.into()))?;
    Ok(if seen == b"kept" { Verdict::kept("") } else { Verdict::broken("an attribute came back as another one") })
}

/// The kernel tells of a change that another process makes.
pub(in crate::doctor) fn notification(bench: &Bench<'_>) -> Result<Verdict, Trouble> {
    let mut other = Peer::start(bench)?;
    let fail = |error: Errno| Trouble::at("watch", &bench.folder)(error.into());
    let watch = match inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK) {
        Ok(watch) => watch,
        Err(error) => return Ok(Verdict::fallback(format!("{error}; stead looks by itself now and then"))),
    };
    inotify::add_watch(&watch, &bench.folder, inotify::WatchFlags::CLOSE_WRITE).map_err(fail)?;
    let began = clock::now();
    other.create("news")?;
    let limit = Timespec::try_from(EVENT_MAX).map_err(|_| Trouble::failed("failed to make a time limit"))?;
    // A signal for the doctor ends this as no event; the interruption is then noticed before the verdict counts.
    let _ = rustix::event::poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&limit));
    let took = began.elapsed();
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let named = match inotify::Reader::new(&watch, &mut buffer).next() {
        Ok(event) => event.file_name().map(|name| name.to_bytes().to_vec()),
        Err(_) => None,
    };
    bench.interrupt.check()?;
    Ok(match (named.as_deref(), bench.filesystem.kind()) {
        (Some(b"news"), VolumeKind::Local) => Verdict::kept(format!("took {}", Span(took))),
        (Some(b"news"), kind) => Verdict::fallback(format!(
            "this machine's own changes are told; on a {kind} filesystem stead also looks by itself for those of others"
        )),
        _ => Verdict::fallback("no event came; stead looks by itself now and then"),
    })
}
