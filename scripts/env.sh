# Sourced by the other scripts: where they stand and where they find their tools. Sets variables, does nothing else.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Programs that only the tests need are unpacked here, beside the build and not into the system.
TOOLS=$ROOT/target/tools
# A shell opened before Rust was installed does not know cargo yet; Debian keeps servers out of a user's path.
CARGO_BIN=${CARGO_HOME:-$HOME/.cargo}/bin
case :$PATH: in *":$CARGO_BIN:"*) ;; *) PATH=$CARGO_BIN:$PATH ;; esac
PATH=$TOOLS/bin:$PATH:/usr/sbin:/sbin
export ROOT TOOLS PATH

say() { printf '%s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
