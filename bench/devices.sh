#!/usr/bin/env bash
# Measures how fast devices are read and what that costs; writes the section "Devices" of docs/performance.md.
# `make bench-devices` runs it.
#
#   ROUNDS=3 DEAD_ROUNDS=1               rounds, and how many of them hold the dead unit, which takes minutes
#   SECONDS_EACH=10 SETTLE=129           length of a window; of that with the dead unit, and the time before it: one round of
#                                        its rests, so that each window holds one try
#   ONLY="modbus,dead,mqtt"              which of the three
#   BALLAST=PROGRAM                      a program that is built already
#
# Without any of these everything is measured, in 13 minutes beside what has to be built.
#
# The peers are small programs of our own in bench/devices: a gateway with simulated units, a bare loop with tokio-modbus,
# a publisher. They are built in target/bench. bench/README.md says what is measured.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
cd "$ROOT"

TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
PEERS=$TARGET/bench/devices-peers
PLACE=$TARGET/bench/devices

CARGO_TARGET_DIR=$PEERS cargo build --locked --release --quiet --manifest-path bench/devices/Cargo.toml
[ -n "${BALLAST:-}" ] || cargo build --locked --release --package ballast
python3 bench/devices.py --ballast "${BALLAST:-$TARGET/release/ballast}" --peers "$PEERS/release" --place "$PLACE" \
    --rounds "${ROUNDS:-3}" --dead-rounds "${DEAD_ROUNDS:-1}" --seconds "${SECONDS_EACH:-10}" --settle "${SETTLE:-129}" \
    --only "${ONLY:-modbus,dead,mqtt}" --output docs/performance.md
say "written: the section Devices of docs/performance.md"
