//! A fork without exec, to see what happens to locks in it.
#![expect(unsafe_code, reason = "fork has no safe form")]

/// Runs `work` in a fork of this process, without exec, and returns whether it returned true there.
///
/// The child has one thread, this one; `work` must not rely on locks that other threads may hold.
///
/// # Panics
/// If the system cannot fork or wait.
pub fn in_fork(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` and leaves by _exit; what it may rely on is the caller's part, said above.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork failed");
    if pid == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(false);
        // SAFETY: no destructors and no exit handlers of the parent's run here, which is what we want.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    let mut status = 0;
    // SAFETY: the pointer is to live memory and the child is ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid, "waitpid failed");
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
}
