//! What only ntdll.dll tells. It is in every process; its functions are looked up because few are promised.

use std::ffi::CStr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::NTSTATUS;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::w;

/// The untyped address of a function.
type Function = unsafe extern "system" fn() -> isize;

/// Whether this is Wine, which cannot interrupt a thread that waits for a lock.
pub(super) fn is_wine() -> bool {
    static IS_WINE: OnceLock<bool> = OnceLock::new();
    *IS_WINE.get_or_init(|| function(c"wine_get_version").is_some())
}

/// The finer status behind the last error of this thread: several of them share one error number.
pub(super) fn last_status() -> Option<NTSTATUS> {
    static FUNCTION: OnceLock<Option<Function>> = OnceLock::new();
    let function = (*FUNCTION.get_or_init(|| function(c"RtlGetLastNtStatus")))?;
    // SAFETY: that is its signature; it reads a field of this thread.
    let function: unsafe extern "system" fn() -> NTSTATUS = unsafe { std::mem::transmute(function) };
    // SAFETY: it has no preconditions.
    Some(unsafe { function() })
}

fn function(name: &CStr) -> Option<Function> {
    // SAFETY: both names end in NUL; the module is never unloaded.
    unsafe { GetProcAddress(GetModuleHandleW(w!("ntdll.dll")), name.as_ptr().cast()) }
}
