#!/usr/bin/env bash
# Measures how many times faster than life the village of forty homes runs on one core. `make bench-plant` runs it.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
cd "$ROOT"

TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
CARGO_TARGET_DIR=$TARGET/bench/plant cargo run --locked --release --quiet --manifest-path bench/plant/Cargo.toml
