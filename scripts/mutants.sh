#!/usr/bin/env bash
# Changes the guard in every way that cargo-mutants knows, one change at a time, and looks whether a test notices.
#
#   scripts/mutants.sh                          all of core/guard: hours
#   scripts/mutants.sh --shard 0/8              an eighth of it
#   scripts/mutants.sh --file 'rules/*.rs'      some files, by their name in core/guard/src
#   scripts/mutants.sh --missed                 once more those that the last run missed, with the slow tests, the simulation
#                                               and the models as well
#   scripts/mutants.sh --list                   only lists them
#
# What is missed stands in target/mutants/mutants.out/missed.txt. It is killed by a test that asserts what matters, or
# listed in core/guard/mutants.txt with the reason why it changes nothing. The end says how many are neither.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
# Each mutant is built in a copy of the tree with a build folder of its own, step by step on the one before.
unset CARGO_TARGET_DIR CARGO_INCREMENTAL
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1} PROPTEST_CASES=${PROPTEST_CASES:-40}
# Every sequence of so many acts: each takes longer here, where the guard is not optimised.
export BALLAST_PROOF_LENGTH=${BALLAST_PROOF_LENGTH:-3}
out=target/mutants
arguments=(--package ballast-guard --jobs "${JOBS:-2}" --no-shuffle)
# These four take nine tenths of the time: only what the others miss is shown to them.
slow=(arming::a_permit_is_never_made_for_an_output_that_is_not_armed continuity::a_run_is_the_same_however
  exhaustive:: machine::nothing_is_told_more_than_it_may_be)
tests=(-- -- "${slow[@]/#/--skip=}")
while [ $# -gt 0 ]; do
  case $1 in
    --shard) arguments+=(--shard "$2"); shift ;;
    --file) arguments+=(--file "core/guard/src/$2"); shift ;;
    --missed)
      # Names of mutants are no patterns: their signs are set aside one by one.
      [ -s $out/mutants.out/missed.txt ] || { say "no mutant was missed"; exit 0; }
      cp $out/mutants.out/missed.txt $out/again.txt
      while IFS= read -r name; do
        arguments+=(--re "$(printf '%s' "${name#*: }" | sed 's/[][\.*^$(){}?+|/]/\\&/g')\$")
      done <$out/again.txt
      export BALLAST_SIM_STEPS=${BALLAST_SIM_STEPS:-60000}
      tests=()
      arguments+=(--cargo-arg=--test=sim_envelope --cargo-arg=--test=model) ;;
    --list) arguments+=(--list); tests=() ;;
    *) say "$1 is not an option of scripts/mutants.sh" >&2; exit 2 ;;
  esac
  shift
done
if ! cargo mutants --version >/dev/null 2>&1; then
  say "installing cargo-mutants, which makes the changes"
  cargo install --locked cargo-mutants
fi
mkdir -p $out/tmp
# The copies of the tree lie beside the builds and not in a small /tmp.
export TMPDIR=$ROOT/$out/tmp
status=0
cargo mutants "${arguments[@]}" "${tests[@]}" || status=$?
case " ${arguments[*]} " in *" --list "*) exit $status ;; esac
# 2: some were missed, 3: some did not end; both are told below. Anything else is no result.
[ $status -eq 0 ] || [ $status -eq 2 ] || [ $status -eq 3 ] || exit $status
# A place in a file moves with every edit: what counts is the file and the change.
bare() { sed -E 's/^core\/guard\/src\/([^:]+):[0-9]+:[0-9]+: /\1: /' "$1" | sort; }
known=$(grep -vE '^(#|$|    )' core/guard/mutants.txt | sort) || true
left=$(comm -23 <(bare $out/mutants.out/missed.txt) <(printf '%s\n' "$known"))
count() { wc -l <"$out/mutants.out/$1.txt"; }
say "caught $(count caught), timed out $(count timeout), unviable $(count unviable), missed $(count missed)"
if [ -n "$left" ]; then
  say "missed, and not listed in core/guard/mutants.txt:"
  say "$left"
  exit 1
fi
