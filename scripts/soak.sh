#!/usr/bin/env bash
# Storms over engine, rules, guard and link with the optimised program, for hours.
#
#   scripts/soak.sh [FIRST..LAST] [HOURS]
#
# Two thousand storms of a day where nothing is said. What was counted goes to target/soak.txt as well. The first storm that
# breaks a promise ends it: seed, step and commit are told, and the command that shows it again.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
seeds=${1:-1..2000}
hours=${2:-24}
BALLAST_COMMIT=$(git rev-parse --short HEAD)
export BALLAST_COMMIT
say "building"
cargo build --locked --release --package ballast
program=${CARGO_TARGET_DIR:-target}/release/ballast
say "storms of seeds $seeds, $hours hours each"
begin=$(date +%s)
status=0
"$program" sim --storm --seeds "$seeds" --hours "$hours" | tee target/soak.txt || status=$?
say "$(($(date +%s) - begin)) s; what was counted is in target/soak.txt as well"
exit $status
