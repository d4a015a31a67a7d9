#!/usr/bin/env bash
# Changes the guard in every way that cargo-mutants knows, one change at a time, and looks whether a test notices.
#
#   scripts/mutants.sh                      all of core/guard: a quarter of an hour on two cores
#   scripts/mutants.sh --file 'rules/*.rs'  some files, by their name in core/guard/src
#   scripts/mutants.sh --only FILE          the changes whose names stand in FILE, a line each, as in missed.txt
#   scripts/mutants.sh --quick              without the slow tests at the end
#   scripts/mutants.sh --list               only lists the changes
#
# tools/mutants builds all changes at once; the few that it cannot show are tried by cargo-mutants, each with a build of its
# own. The slow tests, the simulation and the models see only what the others miss.
#
# What came out stands in target/mutants/{caught,missed,timeout,unviable}.txt. What is missed is killed by a test that asserts
# what matters, or listed in core/guard/mutants.txt with the reason why it changes nothing. The end says how many are neither.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
out=$ROOT/target/mutants
jobs=${JOBS:-2}
files=()
only=
is_listed=false
is_quick=false
while [ $# -gt 0 ]; do
  case $1 in
    --file) files+=(--file "core/guard/src/$2"); shift ;;
    --only) only=$(realpath "$2"); shift ;;
    --quick) is_quick=true ;;
    --list) is_listed=true ;;
    *) say "$1 is not an option of scripts/mutants.sh" >&2; exit 2 ;;
  esac
  shift
done
if ! cargo mutants --version >/dev/null 2>&1; then
  say "installing cargo-mutants, which knows the changes"
  cargo install --locked cargo-mutants
fi
if $is_listed; then
  exec cargo mutants --list --package ballast-guard "${files[@]}"
fi

# The same numbers for every change, and few of them: each of two thousand changes is run.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1} PROPTEST_CASES=${PROPTEST_CASES:-40}
export BALLAST_PROOF_LENGTH=${BALLAST_PROOF_LENGTH:-3}
export BALLAST_SIM_STEPS=${BALLAST_SIM_STEPS:-60000}
# These take nine tenths of the time: only what the others miss is shown to them.
slow=(arming::a_permit_is_never_made_for_an_output_that_is_not_armed continuity::a_run_is_the_same_however
  exhaustive:: machine::nothing_is_told_more_than_it_may_be)
skipped=()
for name in "${slow[@]}"; do skipped+=(--skip "$name"); done
quick_tests=(--build --lib --build --test=together)
slow_tests=("${quick_tests[@]}" --build --test=sim_envelope --build --test=model)

say "building the tool"
cargo build --locked --package ballast-mutants
tool=${CARGO_TARGET_DIR:-target}/debug/ballast-mutants
mkdir -p "$out"
cargo mutants --list --json --package ballast-guard "${files[@]}" >"$out/list.json"

# The woven source is no place to work in: a copy of what is kept here, with a build folder of its own.
woven() {
  rm -rf "$out/tree"
  mkdir -p "$out/tree"
  git ls-files -z | tar --null --files-from - --create | tar --extract --directory "$out/tree"
  CARGO_TARGET_DIR=$out/build CARGO_INCREMENTAL=1 "$tool" --list "$out/list.json" --tree "$out/tree" \
    --package ballast-guard --build --profile=mutants --jobs "$jobs" "$@"
}

# 2: some were missed. Anything else than that and 0 is no result.
may_miss() {
  local status=0
  "$@" || status=$?
  [ $status -eq 0 ] || [ $status -eq 2 ] || exit $status
}

say "all changes, the quick tests"
rm -rf "$out/quick" "$out/slow" "$out/mutants.out"
may_miss woven --out "$out/quick" "${quick_tests[@]}" ${only:+--only "$only"} "${skipped[@]}"
cp "$out"/quick/*.txt "$out"

if [ -s "$out/left.txt" ]; then
  say "what cannot be woven, one by one"
  arguments=()
  # Names of changes are no patterns: their signs are set aside one by one.
  while IFS= read -r name; do
    arguments+=(--re "$(printf '%s' "${name#*: }" | sed 's/[][\.*^$(){}?+|/]/\\&/g')\$")
  done <"$out/left.txt"
  # Deleted fields are listed whatever is asked for: in other files they would be tried for nothing.
  while IFS= read -r file; do arguments+=(--file "$file"); done < <(cut -d: -f1 "$out/left.txt" | sort -u)
  mkdir -p "$out/tmp"
  # The copies of the tree lie beside the builds and not in a small /tmp; each is built step by step on the one before.
  status=0
  env -u CARGO_TARGET_DIR -u CARGO_INCREMENTAL TMPDIR="$out/tmp" \
    cargo mutants --package ballast-guard --jobs "$jobs" --no-shuffle "${arguments[@]}" || status=$?
  # 3: some did not end.
  [ $status -eq 0 ] || [ $status -eq 2 ] || [ $status -eq 3 ] || exit $status
  for kind in caught missed timeout unviable; do
    grep -Fxf "$out/left.txt" "$out/mutants.out/$kind.txt" >>"$out/$kind.txt" || true
  done
fi

if [ -s "$out/missed.txt" ] && ! $is_quick; then
  say "what was missed, all tests"
  cp "$out/missed.txt" "$out/again.txt"
  may_miss woven --out "$out/slow" --only "$out/again.txt" "${slow_tests[@]}"
  cat "$out/slow/caught.txt" >>"$out/caught.txt"
  cat "$out/slow/timeout.txt" >>"$out/timeout.txt"
  sort "$out/slow/missed.txt" "$out/slow/left.txt" >"$out/missed.txt"
fi

# A place in a file moves with every edit: what counts is the file and the change.
bare() { sed -E 's/^core\/guard\/src\/([^:]+):[0-9]+:[0-9]+: /\1: /' "$1" | sort; }
known=$(grep -vE '^(#|$|    )' core/guard/mutants.txt | sort) || true
left=$(comm -23 <(bare "$out/missed.txt") <(printf '%s\n' "$known"))
count() { wc -l <"$out/$1.txt"; }
say "noticed $(count caught), did not end $(count timeout), do not build $(count unviable), missed $(count missed)"
if [ -n "$left" ]; then
  say "missed, and not listed in core/guard/mutants.txt:"
  say "$left"
  exit 1
fi
