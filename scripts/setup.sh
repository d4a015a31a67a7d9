#!/usr/bin/env bash
# Finds what this machine lacks to build, try or test Ballast, says what it will do, and does it.
#
#   scripts/setup.sh build    a C compiler; checks the Rust that is installed
#   scripts/setup.sh test     the same, and the programs that the tests run against
#   scripts/setup.sh aarch64  as for build, and what builds and runs programs for ARM; what cannot be had is told, and skipped
#   scripts/setup.sh bench    the same, and what the load generator and its peers need
#   scripts/setup.sh home-assistant
#                             a Home Assistant of the tests' own (700 MB; `make test` works without it and says so)
#
# It runs without a terminal, it may run twice, and it asks apt for nothing when nothing is missing.
# The test programs (mosquitto, its clients, promtool) are unpacked into target/tools and not installed: Debian's
# packages would start a broker on port 1883 and a Prometheus server, now and at every boot. Python packages that the
# tests run against go into an environment of their own there.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"

die() {
    say "setup: $1" >&2
    shift
    for line in "$@"; do say "       $line" >&2; done
    exit 1
}

# ---- Rust -----------------------------------------------------------------------------------------------------------

# The oldest Rust that Cargo.toml accepts, such as 1.90.
oldest_rust() { sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml | head -n 1; }

# True when version $1 is $2 or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_rust() {
    local oldest found
    oldest=$(oldest_rust)
    if ! have cargo || ! have rustc; then
        die "Rust is not installed; Ballast needs $oldest or newer" \
            "install it as shown on https://rustup.rs, then run make again (Debian 12's own rustc, 1.63, is too old)"
    fi
    found=$(rustc --version | awk '{ print $2 }')
    at_least "${found%%-*}" "$oldest" && return
    if have rustup; then
        die "Rust $found is installed; Ballast needs $oldest or newer" "run: rustup update stable"
    fi
    die "Rust $found is installed ($(command -v rustc)); Ballast needs $oldest or newer" \
        "install a newer one beside it as shown on https://rustup.rs"
}

# rustfmt and clippy are part of a normal Rust, and absent from a minimal one.
check_rust_tools() {
    local missing=()
    have cargo-fmt && cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    have cargo-clippy && cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    [ ${#missing[@]} -eq 0 ] && return
    have rustup || die "cargo lacks ${missing[*]}, which the tests run" "install them for $(command -v cargo)"
    say "setup: adding ${missing[*]} to Rust with rustup"
    rustup component add "${missing[@]}"
}

# ---- Debian packages ------------------------------------------------------------------------------------------------

lists_are_fresh=no

# Root, or somebody whom sudo will ask for a password or let through without one.
can_be_root() { [ "$(id -u)" = 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

need_apt() {
    have apt-get || die "missing: $*" \
        "this is not Debian, Ubuntu or Raspberry Pi OS: install them your own way, then run make again"
}

refresh_lists() {
    [ $lists_are_fresh = yes ] && return
    lists_are_fresh=yes
    if ! can_be_root; then
        say "setup: not root, and no sudo that lets this through: going on with the package lists that are here" >&2
        return
    fi
    say "setup: apt-get update"
    as_root apt-get -qq -o DPkg::Lock::Timeout=120 update ||
        say "setup: apt-get update failed; going on with the package lists that are here" >&2
}

# Installs packages for everybody on this machine. Only for what a build needs.
install_packages() {
    need_apt "$@"
    can_be_root || die "missing: $*" \
        "only root can install them, and there is no sudo that lets this through; run once as root:" \
        "  apt-get update && apt-get install $*" "then run make again"
    say "setup: installing for this machine, with apt: $*"
    refresh_lists
    mkdir -p target
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@" >target/setup.log ||
        die "apt could not install: $*" "read its message above and in target/setup.log, then run make again"
}

# Unpacks packages, with the libraries they lack here, into target/tools; the system stays as it is.
unpack_packages() {
    need_apt "$@"
    say "setup: unpacking into target/tools, without installing: $*"
    refresh_lists
    local wanted sandbox=()
    # Root would be warned that apt's own user cannot write here.
    [ "$(id -u)" != 0 ] || sandbox=(-o APT::Sandbox::User=root)
    # What an installation would fetch, asked without root and without doing it.
    wanted=$(apt-get -qq --print-uris --no-install-recommends install "$@" | sed -n "s/^'[^']*' \([^_ ]*\)_.*/\1/p")
    # Installed, and yet its program was not found (in a container that drops files, say): unpack it all the same.
    [ -n "$wanted" ] || wanted=$*
    mkdir -p "$TOOLS/debs"
    # shellcheck disable=SC2086
    (cd "$TOOLS/debs" && apt-get -qq "${sandbox[@]}" download $wanted) || die "apt could not download: $*"
    for deb in "$TOOLS"/debs/*.deb; do dpkg -x "$deb" "$TOOLS/unpacked"; done
    # The servers' own files are not used, and the Prometheus server alone takes 100 MB.
    rm -rf "$TOOLS/debs" "$TOOLS"/unpacked/{etc,usr/share,usr/bin/prometheus}
}

# Makes an unpacked program callable as target/tools/bin/NAME, with the libraries unpacked beside it.
wrap_program() {
    local name=$1 program libraries
    program=$(find "$TOOLS/unpacked" -type f -name "$name" -path '*bin/*' 2>/dev/null | head -n 1)
    [ -n "$program" ] || die "$name is not in the package that should hold it"
    libraries=$(find "$TOOLS/unpacked" -type d -path '*/lib/*-linux-*' -prune | paste -sd:)
    mkdir -p "$TOOLS/bin"
    cat >"$TOOLS/bin/$name" <<END
#!/bin/sh
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$program" "\$@"
END
    chmod +x "$TOOLS/bin/$name"
}

# ---- what each purpose needs ----------------------------------------------------------------------------------------

setup_build() {
    check_rust
    local missing=()
    # SQLite and the cryptography of TLS are compiled from C.
    have cc || missing+=(gcc libc6-dev)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

setup_test() {
    setup_build
    check_rust_tools
    have git || install_packages git
    # Program, and the package that ships it. promtool comes in the package of the Prometheus server.
    local packages=() programs=() program package
    while read -r program package; do
        # A program that ran before this checkout moved, or before an upgrade, is unpacked again.
        have "$program" && runs "$program" && continue
        programs+=("$program")
        case " ${packages[*]-} " in *" $package "*) ;; *) packages+=("$package") ;; esac
    done <<'END'
mosquitto mosquitto
mosquitto_pub mosquitto-clients
mosquitto_sub mosquitto-clients
mosquitto_passwd mosquitto
promtool prometheus
END
    if [ ${#programs[@]} -ne 0 ] && ! have apt-get; then
        say "setup: not found, and no apt to get them: ${programs[*]}; the tests that need them will be skipped" >&2
    elif [ ${#programs[@]} -ne 0 ]; then
        unpack_packages "${packages[@]}"
        for program in "${programs[@]}"; do wrap_program "$program"; done
    fi
    setup_python
}

# A Python of the tests' own in target/tools/python, with the devices that were written by others. Without it, or without a
# way to its packages, the tests that need them are skipped and say so.
setup_python() {
    local wanted=scripts/python-tests.txt own=$TOOLS/python
    cmp -s "$wanted" "$own/installed.txt" && "$own/bin/python" -c '' 2>/dev/null && return
    # Debian's Python comes without what makes environments. Who cannot install it goes on without: the tests say so.
    python3 -c 'import ensurepip, venv' 2>/dev/null || ! have apt-get || ! can_be_root ||
        (install_packages python3-venv) || true
    say "setup: making target/tools/python with the packages of $wanted"
    mkdir -p "$TOOLS"
    if python3 -m venv --clear "$own" >target/setup.log 2>&1 &&
        "$own/bin/python" -m pip -q --disable-pip-version-check install -r "$wanted" >>target/setup.log 2>&1; then
        cp "$wanted" "$own/installed.txt"
    else
        say "setup: no Python for the tests (see target/setup.log; Debian has it in python3-venv); what needs it is skipped" >&2
    fi
}

# A Home Assistant of the tests' own in target/tools/home-assistant. Large, so only who asks for it gets it.
setup_home_assistant() {
    local wanted=scripts/home-assistant.txt own=$TOOLS/home-assistant
    cmp -s "$wanted" "$own/installed.txt" && "$own/bin/python" -c '' 2>/dev/null && return
    say "setup: making target/tools/home-assistant with the packages of $wanted; this takes minutes"
    mkdir -p "$TOOLS"
    python3 -m venv --clear "$own" || die "no Python environment can be made" "Debian has it in python3-venv"
    "$own/bin/python" -m pip -q --disable-pip-version-check install -r "$wanted" ||
        die "Home Assistant could not be installed" "its release of $wanted needs Python 3.11 or 3.12"
    cp "$wanted" "$own/installed.txt"
}

# A compiler and a C library for ARM, and an emulator that runs what they make. Where they cannot be had the replay is skipped
# and says so: a machine without them is no mistake.
setup_aarch64() {
    setup_build
    local missing=()
    have qemu-aarch64 || have qemu-aarch64-static || missing+=(qemu-user)
    # Its library comes in a package of its own, which is only recommended.
    if ! have aarch64-linux-gnu-gcc || [ ! -e "$(aarch64-linux-gnu-gcc -print-file-name=libc.so.6)" ]; then
        missing+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
    fi
    if [ ${#missing[@]} -ne 0 ] && ! (install_packages "${missing[@]}"); then
        say "setup: going on without ${missing[*]}: the replay on aarch64 will be skipped" >&2
        exit 0
    fi
}

# True when a program starts at all: it prints its help or its version without missing a library.
runs() {
    case $1 in
        promtool) promtool --version ;;
        *) "$1" --help ;;
    esac >/dev/null 2>&1 || [ $? -lt 126 ]
}

setup_bench() {
    setup_build
    have mosquitto || setup_test
    have python3 || install_packages python3
    have curl || install_packages curl
    have chrt || install_packages util-linux
}

case ${1:-} in
    build) setup_build ;;
    test) setup_test ;;
    aarch64) setup_aarch64 ;;
    bench) setup_bench ;;
    home-assistant) setup_home_assistant ;;
    *) die "which set-up? build, test, aarch64, bench or home-assistant" ;;
esac
say "setup: everything that ${1} needs is here"
