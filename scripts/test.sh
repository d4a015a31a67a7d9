#!/usr/bin/env bash
# Every check of the project, in parts. `make test` runs it after the set-up; so does CI.
#
#   scripts/test.sh              all parts
#   scripts/test.sh unit peers   these parts only
#
# All parts run even when one fails. The end says the minutes of each part beside its share of twenty (on two cores,
# from clean), what was skipped and why, what failed, and as its last line "N passed, N failed, N skipped".
# The whole output of a part is in target/test-logs/PART.log.
#
# A test that cannot run here prints `skipped: WHAT: WHY` and returns; it is counted as skipped, never as passed.
set -uo pipefail
# The same cases in every run; another number looks elsewhere.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1}
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT" || exit 1

LOGS=$ROOT/target/test-logs
# A part that hangs is ended: an hour is three times the whole budget, for machines slower than two cores of today.
PART_SECONDS_MAX=${PART_SECONDS_MAX:-3600}
export CARGO_TERM_PROGRESS_WHEN=never
# One profile for everything, and always the whole workspace: another selection would choose other features of the
# shared dependencies and build them again.
CARGO_TEST="cargo test --locked --workspace --quiet"

# ---- the parts ------------------------------------------------------------------------------------------------------

part_format() { cargo fmt --all --check; }
part_lints() { cargo clippy --locked --workspace --all-targets --quiet -- -D warnings; }
part_build() { cargo test --locked --workspace --no-run --quiet; }
part_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet; }

# Libraries, programs, doc tests, and every integration test that has no part of its own: golden files, tidy, arrows.
part_unit() {
    local failed=0
    run_tests --lib --bins || failed=1
    run_beside "$(integration_tests | grep -vE '^(sim|process|peer)_')" || failed=1
    $CARGO_TEST --doc || failed=1
    return $failed
}
# The simulated plant and the long properties, all from printed seeds.
part_simulation() { run_named "$(integration_tests | grep '^sim_')"; }
# The program as processes: start, kill, restart, reload, sockets and files. They wait more than they compute, so their
# files run side by side.
part_processes() { run_beside "$(integration_tests | grep '^process_')"; }
# Against programs that this project did not write: a broker, its clients, promtool.
part_peers() { run_named "$(integration_tests | grep '^peer_')"; }

# Name, share of the twenty minutes.
PARTS="format:0 lints:4 build:4 docs:1 unit:3 simulation:4 processes:2 peers:2"

# ---- running tests --------------------------------------------------------------------------------------------------

# The names of the workspace's integration tests: a `tests` folder beside a Cargo.toml that is no workspace of its own.
integration_tests() {
    local folder
    git ls-files --cached --others --exclude-standard -- '*.rs' | grep -E '(^|/)tests/[^/]+(/main)?\.rs$' |
        while read -r file; do
            folder=${file%tests/*}
            [ -f "${folder}Cargo.toml" ] || continue
            [ -n "$folder" ] && grep -q '^\[workspace\]' "${folder}Cargo.toml" && continue
            file=${file##*tests/}
            file=${file%/main.rs}
            printf '%s\n' "${file%.rs}"
        done | sort -u
}

# `--show-output` also prints what passing tests said, which is where they say that they skipped something.
run_tests() { $CARGO_TEST --no-fail-fast "$@" -- --show-output; }

run_named() {
    local name arguments=()
    for name in $1; do arguments+=(--test "$name"); done
    if [ ${#arguments[@]} -eq 0 ]; then
        echo "no tests of this part yet"
        return 0
    fi
    run_tests "${arguments[@]}"
}

# The same, twice as many files at a time as there are cores; what each said comes in the order of their names.
run_beside() {
    local name failed=0
    export CARGO_TEST LOGS
    # shellcheck disable=SC2016 # the variables are those of the shell that runs one file
    printf '%s\n' "$1" | xargs -P $(($(nproc) * 2)) -I NAME bash -c \
        '$CARGO_TEST --no-fail-fast --test "$1" -- --show-output >"$LOGS/$1.part" 2>&1' one NAME || failed=1
    for name in $1; do
        cat "$LOGS/$name.part"
        rm -f "$LOGS/$name.part"
    done
    return $failed
}

# ---- counting and reporting -----------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0 running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; exit 130' INT TERM
rows=() failures=() skips=()

# Adds the numbers of cargo's "test result:" lines that follow the word $2 in file $1.
count() { grep -aoE "[0-9]+ $2" "$1" 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'; }

# What log $1 of a part says about its failure: the sections of the tests that failed, or its end where none did.
# The names of those tests are kept for the report, which is what remains where only the end of an output is kept.
what_failed() {
    local sections name
    sections=$(awk '/^failures:$/ { on = 1 } /^test result:/ { if (on) print "=end"; on = 0 } on' "$1")
    if [ -z "$sections" ]; then
        tail -n 200 "$1"
        return
    fi
    printf '%s\n' "$sections" | grep -v '^=end$' | tail -n 400
    # A section ends with the list of names, four spaces before each.
    while IFS= read -r name; do failures+=("$name"); done < <(
        printf '%s\n' "$sections" | awk '/^failures:$/ { list = "" } /^    [^ ]+( - .*)?$/ { list = list $0 "\n"; next }
            /^=end$/ { printf "%s", list; list = "" } NF { list = "" }'
    )
}

run_part() {
    local part=$1 share=$2 log=$LOGS/$1.log begin status=0 minutes verdict results
    begin=$(date +%s)
    printf '== %s\n' "$part"
    # A shell of its own, so that `timeout` can end the part with everything it started; Ctrl-C reaches it by the trap.
    timeout --kill-after=20 "$PART_SECONDS_MAX" "$ROOT/scripts/test.sh" --inside "$part" </dev/null >"$log" 2>&1 &
    running=$!
    wait $running || status=$?
    minutes=$(awk -v s=$(($(date +%s) - begin)) 'BEGIN { printf "%.1f", s / 60 }')
    results=$LOGS/$part.results
    grep -a '^test result: ' "$log" >"$results" || true
    local part_passed part_failed part_skipped
    part_passed=$(count "$results" passed)
    part_failed=$(count "$results" failed)
    part_skipped=$(($(grep -acE '^skipped: ' "$log") + $(count "$results" ignored)))
    # A skipped test returns without failing: take it from those that passed.
    part_passed=$((part_passed - $(grep -acE '^skipped: ' "$log")))
    [ $part_passed -ge 0 ] || part_passed=0
    if grep -q '^no tests of this part yet$' "$log"; then
        part_passed=0 part_failed=0
    elif ! [ -s "$results" ]; then # a part without tests of its own is one check
        part_passed=$((status == 0)) part_failed=$((status != 0))
    elif [ $status -ne 0 ] && [ "$part_failed" -eq 0 ]; then # it broke outside a test: a crash, a time-out, no build
        part_failed=1
    fi
    verdict=ok
    if [ $status -eq 124 ] || [ $status -eq 137 ]; then
        verdict="ended after $PART_SECONDS_MAX s"
    elif [ $status -ne 0 ]; then
        verdict=FAILED
    fi
    if [ $status -ne 0 ]; then
        failures+=("$part ($verdict): target/test-logs/$part.log")
        what_failed "$log"
    fi
    passed=$((passed + part_passed)) failed=$((failed + part_failed)) skipped=$((skipped + part_skipped))
    while IFS= read -r line; do skips+=("${line#skipped: }"); done < <(grep -aE '^skipped: ' "$log" | sort -u)
    rows+=("$part $minutes $share $part_passed $part_failed $part_skipped $verdict")
    printf '   %s, %s minutes, %s passed, %s failed, %s skipped\n' \
        "$verdict" "$minutes" "$part_passed" "$part_failed" "$part_skipped"
}

report() {
    local row part minutes share p f s verdict over total
    printf '\n%-12s %8s %6s %8s %7s %8s  %s\n' part minutes share passed failed skipped result
    for row in "${rows[@]}"; do
        read -r part minutes share p f s verdict <<<"$row"
        over=$(awk -v m="$minutes" -v s="$share" 'BEGIN { if (m > s + 0.5) print " (over its share)" }')
        printf '%-12s %8s %6s %8s %7s %8s  %s\n' "$part" "$minutes" "$share" "$p" "$f" "$s" "$verdict$over"
    done
    total=$(printf '%s\n' "${rows[@]}" | awk '{ sum += $2 } END { printf "%.1f", sum }')
    printf '%-12s %8s %6s\n' all "$total" 20
    if [ ${#skips[@]} -gt 0 ]; then
        printf '\nskipped, and why:\n'
        printf '  %s\n' "${skips[@]}"
    fi
    if [ ${#failures[@]} -gt 0 ]; then
        printf '\nfailed:\n'
        printf '  %s\n' "${failures[@]}"
    fi
    printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
}

if [ "${1:-}" = --inside ]; then
    "part_$2"
    exit
fi

mkdir -p "$LOGS"
wanted=${*:-}
for entry in $PARTS; do
    part=${entry%%:*}
    case " ${wanted:-$part} " in *" $part "*) run_part "$part" "${entry##*:}" ;; esac
done
if [ ${#rows[@]} -eq 0 ]; then
    say "no such part: $wanted (there are: ${PARTS//:[0-9]/})" >&2
    exit 2
fi
report
[ ${#failures[@]} -eq 0 ]
