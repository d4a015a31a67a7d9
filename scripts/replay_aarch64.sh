#!/usr/bin/env bash
# Shows that an ARM machine decides the same, bit for bit: the village runs here and writes its journal, and the program
# built for aarch64 replays it under an emulator and compares every output. `make test-aarch64` runs it.
#
#   SECONDS_RUN=20       how long the village runs
#   BALLAST=PROGRAM      a program for this machine that was built already
#   BALLAST_ARM=PROGRAM  one for aarch64 that was built already
#   ARM_STD=FOLDER       Rust's standard library for aarch64, as it lies in a `rustlib` (only where it must not be looked for)
#
# `scripts/setup.sh aarch64` installs the tools. Where one is missing it says which and is skipped. From clean both builds take
# ten minutes on two cores, six of them for aarch64; with the programs built it takes half a minute.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"

ARM=aarch64-unknown-linux-gnu
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
# Beside the other builds: another compiler may have to make it.
ARM_TARGET=$TARGET/aarch64
SECONDS_RUN=${SECONDS_RUN:-20}

skip() {
    say "skipped: replay on aarch64: $1"
    exit 0
}

emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
[ -n "$emulator" ] || skip "qemu-aarch64 is missing (Debian: apt-get install qemu-user)"
have aarch64-linux-gnu-gcc || skip "aarch64-linux-gnu-gcc is missing (Debian: apt-get install gcc-aarch64-linux-gnu)"
library=$(aarch64-linux-gnu-gcc -print-file-name=libc.so.6)
[ -e "$library" ] || skip "the C library for aarch64 is missing (Debian: apt-get install libc6-dev-arm64-cross)"
libraries=$(realpath "$(dirname "$library")/..")

# ---- a Rust that builds for aarch64 ---------------------------------------------------------------------------------

# apt for arm64, with lists of its own: this machine's stay as they are, and nothing is installed.
apt_arm() {
    local place=$1
    shift
    mkdir -p "$place/state/lists/partial" "$place/cache/archives/partial"
    (cd "$place" && apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$place/state" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$place/cache" "$@" >/dev/null 2>&1)
}

# Debian's compiler for its browsers, with the standard library for arm64 beside it: both in one version.
debian_rust() {
    local place=$ARM_TARGET/std std=${ARM_STD:-} version
    [ -x /usr/bin/rustc ] || return 1
    if [ -z "$std" ]; then
        version=$(dpkg-query --showformat='${Version}' --show libstd-rust-web-dev 2>/dev/null ||
            dpkg-query --showformat='${Version}' --show rustc-web 2>/dev/null) || return 1
        std=$place/unpacked/usr/lib/rustlib
        if [ ! -d "$std/$ARM" ]; then
            apt_arm "$place" update && apt_arm "$place" download "libstd-rust-web-dev=$version" || return 1
            dpkg-deb --extract "$place"/libstd-rust-web-dev_*_arm64.deb "$place/unpacked"
        fi
    fi
    [ -d "$std/$ARM" ] || return 1
    mkdir -p "$place/root/lib/rustlib"
    ln -sfn "$std/$ARM" "$place/root/lib/rustlib/$ARM"
    ln -sfn /usr/lib/rustlib/x86_64-unknown-linux-gnu "$place/root/lib/rustlib/x86_64-unknown-linux-gnu"
    export RUSTC=/usr/bin/rustc RUSTFLAGS="--sysroot=$place/root"
}

find_rust() {
    local own
    own=$(rustc --print sysroot)/lib/rustlib/$ARM
    if [ -z "${ARM_STD:-}" ]; then
        [ -d "$own" ] && return
        have rustup && timeout 300 rustup --quiet target add "$ARM" 2>/dev/null && [ -d "$own" ] && return
    fi
    debian_rust
}

if [ -z "${BALLAST_ARM:-}" ]; then
    find_rust || skip "Rust has no standard library for aarch64 here (rustup target add $ARM; or Debian's rustc-web)"
    say "building the program for aarch64"
    CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$ARM_TARGET CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        cargo build --locked --quiet --target "$ARM" --package ballast --bin ballast
    BALLAST_ARM=$ARM_TARGET/$ARM/debug/ballast
    unset RUSTC RUSTFLAGS
fi
if [ -z "${BALLAST:-}" ]; then
    CARGO_INCREMENTAL=0 cargo build --locked --quiet --workspace --bin ballast
    BALLAST=$TARGET/debug/ballast
fi

# ---- a journal from here --------------------------------------------------------------------------------------------

place=$(mktemp -d)
program=
cleanup() {
    [ -z "$program" ] || { kill "$program" && wait "$program"; } 2>/dev/null || true
    rm -rf "$place"
}
trap cleanup EXIT
cp -r examples/village "$place/village"
"$BALLAST" run "$place/village" --language en >"$place/said" 2>&1 &
program=$!
for _ in $(seq 100); do
    grep -q ' is running ' "$place/said" && break
    kill -0 "$program" 2>/dev/null || break
    sleep 0.1
done
grep -q ' is running ' "$place/said" || { cat "$place/said" >&2; exit 1; }
# Something is to be decided: by rules, by people, by the guard.
sleep $((SECONDS_RUN / 2))
"$BALLAST" request --site "$place/village" water_heater closed --for 1min >/dev/null
"$BALLAST" request --site "$place/village" comfort_market open --for 5s >/dev/null
sleep $((SECONDS_RUN - SECONDS_RUN / 2))
"$BALLAST" journal --site "$place/village" --output "$place/village.journal" >/dev/null

# ---- and again, on both ---------------------------------------------------------------------------------------------

replay() { "$@" replay "$place/village.journal" --language en; }
here=$(replay "$BALLAST") || { say "$here" >&2; say "it is not the same on this machine either" >&2; exit 1; }
there=$(replay "$emulator" -L "$libraries" "$BALLAST_ARM") || { say "$there" >&2; exit 1; }
[ "$here" = "$there" ] || { say "here:  $here" "there: $there" >&2; exit 1; }
say "aarch64: $there"
