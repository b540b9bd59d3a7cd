//! What flock says of itself.

/// The usage of the program under this name.
pub(super) fn help(name: &str) -> String {
    format!(
        "\
Take a lock from a shell script, as flock(1) does: run a command under it

Usage:
  {name} [OPTIONS] FILE|FOLDER COMMAND [ARGUMENT]...
  {name} [OPTIONS] FILE|FOLDER -c LINE
  {name} [OPTIONS] DESCRIPTOR

{REST}
"
    )
}

/// The rest of it, which the manual has as well.
pub(super) const REST: &str = "\
Options, which end at the first word that is none:
  -s, --shared                      Share the lock with others who share it
  -x, -e, --exclusive               Have it alone (the default)
  -u, --unlock                      Give it back
  -n, --nb, --nonblocking           Fail at once if it is not free
  -w, --wait, --timeout SECONDS     Wait at most so long, fractions allowed; 0 is -n
  -E, --conflict-exit-code NUMBER   Exit so if it was not to be had, instead of 1
  -o, --close                       Do not let the command inherit it
  -F, --no-fork                     Become the command
  -c, --command LINE                Let $SHELL run LINE; only after FILE
      --fd NUMBER                   The descriptor to lock, as in `flock NUMBER`
      --fcntl                       Lock bytes, as fcntl(2) F_OFD_SETLK does (Linux)
      --start OFFSET                The first byte; implies --fcntl
      --length NUMBER               How many, 0 for all there will ever be; implies --fcntl
      --verbose                     Say how long it took, or why it was not to be had
  -h, --help                        Print help
  -V, --version                     Print version

All this is flock(1) of util-linux, with its exit codes: it takes no record, names no
holder and notices no file that was replaced; `stead run` does. A link to stead that
is named flock is this command. FILE is created if missing, and never written into.

Examples:
  stead flock -n /run/lock/backup ./backup
  stead flock -w 0.5 -E 75 a.lock -c 'read n <n; echo $((n+1)) >n'
  ( stead flock 9; ./deploy ) 9>deploy.lock
  ln -s \"$(command -v stead)\" ~/bin/flock

Exit codes:
  The command's own, or 128 + the signal that killed it
    1  the lock was not to be had (-n, -w), or what -E says
   64  the command line is wrong
   65  it cannot be locked: no such descriptor, not by this filesystem
   66  FILE cannot be opened
   69  the command cannot be run
   71  the system has no locks, processes, files or timers left
   73  FILE cannot be created: the filesystem is full or read-only";
