#!/usr/bin/env bash
# Builds and runs tests for Windows (x86_64-pc-windows-gnu) under Wine on Debian 12, as root. Debian's own second
# toolchain (rustc-web with its library source) builds the Windows standard library, because rustup may offer no other
# target. About a minute of packages once, 40 s cold, 5 s warm.
#
# Where Wine is not Windows: locks are not mandatory, a thread that waits for a lock cannot be woken (waits poll), a
# deleted file keeps its name until the last one closes it, and unlocking what is not locked is another error.
#
# usage: .ci/windows-wine-test.sh [cargo test arguments]      default: -p stead --lib --tests
# Needs the packages below; installs those that are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- -p stead --lib --tests

packages=(rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64-win32 wine64 wine)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null
fi

export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/portability/build}
export WINEPREFIX=${WINEPREFIX:-$CARGO_TARGET_DIR/wineprefix} WINEARCH=win64 WINEDEBUG=-all
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine
mkdir -p "$CARGO_TARGET_DIR"
[ -d "$WINEPREFIX" ] || wine wineboot -i >/dev/null 2>&1

# The standard library imports bcryptprimitives.dll!ProcessPrng, which Wine 8 lacks.
cat >"$CARGO_TARGET_DIR/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE out, SIZE_T left) {
    while (left) {
        ULONG step = left > 0x1000000 ? 0x1000000 : (ULONG)left;
        if (!SystemFunction036(out, step)) return FALSE;
        out += step; left -= step;
    }
    return TRUE;
}
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved) { return TRUE; }
C
x86_64-w64-mingw32-gcc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
  "$CARGO_TARGET_DIR/prng.c" -ladvapi32

exec /usr/bin/cargo test -j2 -Zbuild-std=std,panic_unwind --target x86_64-pc-windows-gnu "$@"
