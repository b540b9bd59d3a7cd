//! Names of users.

use std::ffi::CStr;

/// The name of the user with this number, or the number where the system has no name for it.
pub(crate) fn user_name(uid: u32) -> String {
    let mut buffer = vec![0_u8; 4096];
    // SAFETY: passwd is plain data, for which all zeros is a valid value.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    // SAFETY: all pointers are to live memory of the stated size; the result is looked at only on success.
    let status =
        unsafe { libc::getpwuid_r(uid, &raw mut entry, buffer.as_mut_ptr().cast(), buffer.len(), &raw mut found) };
    if status != 0 || found.is_null() || entry.pw_name.is_null() {
        return uid.to_string();
    }
    // SAFETY: on success pw_name points to a NUL-terminated string inside `buffer`.
    unsafe { CStr::from_ptr(entry.pw_name) }.to_string_lossy().into_owned()
}
