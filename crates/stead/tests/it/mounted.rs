//! Filesystems that are mounted for one test and gone after it. Needs root and loop devices.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A filesystem of its own.
#[derive(Debug)]
pub(crate) struct Mounted {
    // Unmounted before its folder goes.
    mount: Option<Mount>,
    point: PathBuf,
    image: PathBuf,
    _folder: TempDir,
}

/// One mount, undone when dropped; the loop device that `mount` made for it goes with it.
#[derive(Debug)]
pub(crate) struct Mount {
    point: PathBuf,
}

/// An image file and how a filesystem is made in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Image<'a> {
    /// Such as `mkfs.ext4 -q`.
    pub(crate) make: &'a [&'a str],
    pub(crate) megabytes: u64,
}

pub(crate) const EXT4: Image<'_> = Image { make: &["mkfs.ext4", "-q", "-F"], megabytes: 32 };
pub(crate) const XFS: Image<'_> = Image { make: &["mkfs.xfs", "-q", "-f"], megabytes: 300 };

/// Whether we may mount. Without that right a test returns, which is no skip that `STEAD_TEST_ALL` forbids: the same
/// tests run once as root and once not.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Mounted {
    /// Mounts a new image; `None` where that cannot be done, and then the test is to return. The image is in memory
    /// where there is room: what has reached it outlives whatever becomes of the filesystem in it, and is there sooner.
    pub(crate) fn image(image: Image<'_>) -> Option<Mounted> {
        let folder = is_root().then(|| tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())?;
        Mounted::image_in(folder.path().join("image"), folder, image)
    }

    /// The same, with the image elsewhere.
    pub(crate) fn image_in(path: PathBuf, folder: TempDir, image: Image<'_>) -> Option<Mounted> {
        if !is_root() || !testkit::tool(image.make[0]) {
            return None;
        }
        File::create(&path).unwrap().set_len(image.megabytes << 20).unwrap();
        run(Command::new(image.make[0]).args(&image.make[1..]).arg(&path)).unwrap();
        Mounted::first(path, folder, &["-o", "loop"])
    }

    /// Mounts a tmpfs.
    pub(crate) fn tmpfs(options: &str) -> Option<Mounted> {
        let folder = is_root().then(|| tempfile::tempdir().unwrap())?;
        Mounted::first("tmpfs".into(), folder, &["-t", "tmpfs", "-o", options])
    }

    fn first(image: PathBuf, folder: TempDir, args: &[&str]) -> Option<Mounted> {
        let point = folder.path().join("m");
        fs::create_dir(&point).unwrap();
        match Mount::new(args, &image, &point) {
            Ok(mount) => Some(Mounted { mount: Some(mount), point, image, _folder: folder }),
            Err(why) => {
                testkit::skip(&format!("cannot mount: {why}"));
                None
            }
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.point
    }

    /// Changes how it is mounted.
    pub(crate) fn change(&self, options: &str) {
        let options = format!("remount,{options}");
        // Busy as long as a process that another test forked has our descriptors.
        testkit::wait_until("it is mounted anew", || {
            run(Command::new("mount").args(["-o", &options]).arg(&self.point)).ok()
        });
    }

    /// Unmounts an image and mounts it again, as a system does that comes back.
    pub(crate) fn reboot(&mut self) {
        let mount = self.mount.take().expect("it is mounted");
        // A process that another test forks keeps our descriptors until it is another program.
        testkit::wait_until("it is unmounted", || run(Command::new("umount").arg(&mount.point)).ok());
        std::mem::forget(mount);
        // As long as somebody has it in another mount namespace, what comes back is the filesystem without power.
        self.mount = Some(testkit::wait_until("it is mounted and works", || {
            let mount = Mount::new(&["-o", "loop"], &self.image, &self.point).ok()?;
            let probe = self.point.join("probe");
            fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).ok().map(|()| mount)
        }));
    }
}

impl Mount {
    /// Mounts `what` at `point`.
    pub(crate) fn new(args: &[&str], what: &Path, point: &Path) -> Result<Mount, String> {
        run(Command::new("mount").args(args).arg(what).arg(point))?;
        Ok(Mount { point: point.to_path_buf() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let umount = |args: &[&OsStr]| run(Command::new("umount").args(args).arg(&self.point));
        // The last resort takes effect once the last descriptor is closed.
        let _ = umount(&[]).or_else(|_| umount(&[OsStr::new("-l")]));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let out = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if out.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&out.stderr).trim()))
}
