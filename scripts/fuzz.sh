#!/usr/bin/env bash
# Looks for inputs that break a reader of foreign bytes or texts.
#
#   scripts/fuzz.sh tic|mqtt|yaml|rules [SECONDS]
#
# Begins from the corpus that the tests replay. What it finds lies in fuzz/artifacts; put it into that corpus with the mend.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-tic}
seconds=${2:-60}
case $target in
  tic) seeds=firmware/tic-decoder/corpus ;;
  mqtt) seeds=drivers/corpus/mqtt ;;
  yaml) seeds=core/config/corpus ;;
  rules) seeds=rules/corpus ;;
  *) echo "no such target: $target (tic, mqtt, yaml, rules)" >&2; exit 2 ;;
esac
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "installing cargo-fuzz, which drives the fuzzer"
  cargo install --locked cargo-fuzz
fi
mkdir -p "fuzz/corpus/$target"
# The coverage passes are not in stable Rust's options; this lets the stable compiler use them for this build alone.
export RUSTC_BOOTSTRAP=1
exec cargo fuzz run --sanitizer none --fuzz-dir fuzz "$target" "fuzz/corpus/$target" "$seeds" -- \
  "-max_total_time=$seconds" -max_len=65536 -timeout=10
