#!/usr/bin/env bash
# Looks for inputs that break a reader of foreign bytes or texts.
#
#   scripts/fuzz.sh TARGET [SECONDS]
#
# Targets: tic, mqtt, http, modbus, sunspec, p1, vedirect, bthome, yaml, rules; of what finds devices announced, broker,
# interview, meter, proposal.
#
# Begins from the corpus that the tests replay, and from what earlier runs found worth keeping (target/fuzz/corpus). An
# input that breaks something lies in target/fuzz/artifacts: put it into the tests' corpus with the mend. The first build
# compiles everything anew, with the compiler's coverage passes: minutes.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
target=${1:-tic}
seconds=${2:-60}
case $target in
  tic) seeds=firmware/tic-decoder/corpus ;;
  mqtt | http | modbus | sunspec | p1 | vedirect) seeds=drivers/corpus/$target ;;
  announced | broker | interview | meter) seeds=drivers/corpus/$target ;;
  proposal) seeds=drivers/corpus/announced ;;
  bthome) seeds=firmware/bthome-decoder/corpus ;;
  yaml) seeds=core/config/corpus/yaml ;;
  rules) seeds=rules/corpus ;;
  *) say "no such target: $target (scripts/fuzz.sh lists them)" >&2; exit 2 ;;
esac
if ! cargo fuzz --version >/dev/null 2>&1; then
  say "installing cargo-fuzz, which drives the fuzzer"
  cargo install --locked cargo-fuzz
fi
# Beside the other builds and not among the sources.
work=${CARGO_TARGET_DIR:-$ROOT/target}/fuzz
export CARGO_TARGET_DIR=$work
found=$work/artifacts/$target/
mkdir -p "$work/corpus/$target" "$found"
# The coverage passes are not in stable Rust's options; this lets the stable compiler use them for this build alone.
export RUSTC_BOOTSTRAP=1
say "building the fuzzer of $target"
begin=$(date +%s)
cargo fuzz build --sanitizer none --fuzz-dir fuzz "$target"
say "built in $(($(date +%s) - begin)) s"
exec cargo fuzz run --sanitizer none --fuzz-dir fuzz "$target" "$work/corpus/$target" "$seeds" -- \
  "-max_total_time=$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024 "-artifact_prefix=$found"
