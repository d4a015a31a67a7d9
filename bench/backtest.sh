#!/usr/bin/env bash
# Measures what a month of a site's past costs: 30 days of the village's 39 points, a row every 10 s, through its rules and
# through others. `make bench-backtest` runs it.
#
#   DAYS=30 SEED=1     how long the past is, and the number from which it is drawn
#   LIMIT_S=10         CPU-seconds that 30 days may take; other lengths in proportion
#   BALLAST=PROGRAM    a program that was built already
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
cd "$ROOT"

DAYS=${DAYS:-30}
SEED=${SEED:-1}
LIMIT_S=${LIMIT_S:-10}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
BINARY=${BALLAST:-$TARGET/release/ballast}
PLACE=$TARGET/bench/backtest

[ -n "${BALLAST:-}" ] || cargo build --locked --release --quiet --package ballast
mkdir -p "$PLACE/other"
[ -f "$PLACE/past-$DAYS-$SEED.csv" ] || {
    python3 bench/past.py "$PLACE" --days "$DAYS" --seed "$SEED"
    mv "$PLACE/past.csv" "$PLACE/past-$DAYS-$SEED.csv"
}
# The other rules heat water earlier and begin the evening earlier.
cp examples/village/rules/*.rhai "$PLACE/other/"
sed -i 's/site.surplus > "3 kW"/site.surplus > "2 kW"/' "$PLACE/other/balance.rhai"
sed -i 's/"18:00", "23:00"/"17:00", "22:00"/g' "$PLACE/other/evening.rhai"

# What it answers is kept, so that two programs can be compared: they have to say the same.
TIMEFORMAT='%U %S %R'
spent=$({ time "$BINARY" backtest examples/village --history "$PLACE/past-$DAYS-$SEED.csv" --with "$PLACE/other" \
    --format json >"$PLACE/answer.json"; } 2>&1)
awk -v spent="$spent" -v days="$DAYS" -v limit="$LIMIT_S" 'BEGIN {
    split(spent, part, " ")
    cpu = part[1] + part[2]
    limit = limit * days / 30
    printf "%d days, %d moments of 39 points, two sets of rules: %.1f CPU-seconds in %.1f s (limit %.1f)\n", \
        days, days * 8640, cpu, part[3], limit
    exit cpu > limit
}'
