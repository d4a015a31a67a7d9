#!/usr/bin/env bash
# Measures Ballast beside other programs that do the same work, and writes docs/performance.md. `make bench` runs it.
#
#   PEERS="transport direct direct-nodelay node-red ballast"   which programs
#   ROUNDS=5                                                     rounds, interleaved: one of each, then again
#   W1_COUNT=2000 W2_COUNT=100000 SCALE_COUNT=500000             messages of the runs
#   BALLAST_BENCH_DIR=FOLDER                                     the load generator with its peers
#
# The load generator and the peers are not part of this project. They are copied from BALLAST_BENCH_DIR (or from
# ../shared/bench, if that is there) and built in target/bench. Without them, only what needs none is measured.
# bench/README.md says what is measured and why it is fair.
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/env.sh"
cd "$ROOT"

ROUNDS=${ROUNDS:-5}
PEERS=${*:-${PEERS:-transport direct direct-nodelay node-red ballast}}
SOURCE=${BALLAST_BENCH_DIR:-$ROOT/../shared/bench}
PLACE=$ROOT/target/bench
HARNESS=$PLACE/harness
RESULTS=$PLACE/results
SKIPPED=$PLACE/skipped.txt
BINARY=${BALLAST:-${CARGO_TARGET_DIR:-$ROOT/target}/release/ballast}
export W1_COUNT=${W1_COUNT:-2000}
# Numbers of rules whose cost for each message is compared.
SCALES=${SCALES:-100 10000}
PORT=18830
# Not the usual port of the metrics, so that a site that runs on this machine is not in the way.
METRICS=18831

skip() {
    say "skipped: $1: $2"
    echo "$1: $2" >>"$SKIPPED"
}

# The folder the harness keeps between runs is only refreshed where its source changed.
copy_harness() {
    [ -f "$SOURCE/bench.sh" ] || return 1
    mkdir -p "$HARNESS"
    cp -ru "$SOURCE/." "$HARNESS/"
    chmod -R u+w "$HARNESS"
    # It builds into its own folders, whatever this project's target folder is.
    (cd "$HARNESS/loadgen" && env -u CARGO_TARGET_DIR cargo build --release --quiet)
    rm -rf "$HARNESS/results"
}

# Sets up each peer that is asked for; names of those that are ready go to $ready.
ready=()
prepare_peers() {
    local peer log
    for peer in $PEERS; do
        log=$PLACE/setup-$peer.log
        case $peer in
            transport) ready+=("$peer") ;;
            ballast) prepare_ballast && ready+=("$peer") ;;
            *)
                if ! [ -x "$HARNESS/peers/$peer/setup.sh" ]; then
                    skip "$peer" "no such peer in $SOURCE"
                elif (cd "$HARNESS" && env -u CARGO_TARGET_DIR "peers/$peer/setup.sh") >"$log" 2>&1 </dev/null; then
                    ready+=("$peer")
                else
                    skip "$peer" "its set-up failed: $(tail -n 1 "$log")"
                fi
                ;;
        esac
    done
}

prepare_ballast() {
    if [ -z "${BALLAST:-}" ] && ! cargo build --locked --release --package ballast; then
        skip ballast "it does not build"
        return 1
    fi
    mkdir -p "$HARNESS/peers/ballast"
    sed "s|@BINARY@|$BINARY|; s|@SITE@|$PLACE/site-1000|; s|@STATE@|$PLACE/state-1000|; s|@METRICS@|$METRICS|" \
        bench/peer/start.sh >"$HARNESS/peers/ballast/start.sh"
    chmod +x "$HARNESS/peers/ballast/start.sh"
    fresh_site 1000
    "$BINARY" check "$PLACE/site-1000" >"$PLACE/check.log" 2>&1 || {
        skip ballast "its site does not pass the check: target/bench/check.log"
        return 1
    }
}

# Writes the site with $1 rules anew and forgets what earlier runs kept of it; further options go to site.py.
fresh_site() {
    rm -rf "$PLACE/site-$1" "$PLACE/state-$1"
    python3 bench/site.py "$1" "$PLACE/site-$1" --port "$PORT" "${@:2}"
    mkdir -p "$PLACE/state-$1"
}

# A broker that was told to end may hold its port a moment longer.
wait_for_port() {
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || return 0
        sleep 0.1
    done
    say "port $PORT is in use by another program" >&2
    exit 1
}

start_broker() {
    wait_for_port
    mosquitto -c bench/mosquitto.conf >"$PLACE/mosquitto.log" 2>&1 </dev/null &
    broker=$!
    sleep 0.5
    kill -0 $broker 2>/dev/null || { cat "$PLACE/mosquitto.log" >&2; return 1; }
}

# Ends what was started here, by its own number.
stop() {
    [ -n "${1:-}" ] || return 0
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$1" 2>/dev/null || true
}

broker='' controller=''
stop_all() {
    stop "$controller"
    stop "$broker"
    broker='' controller=''
}
trap stop_all EXIT

# Starts Ballast on the site with $1 rules and waits until a relay answers; sets $controller.
start_ballast() {
    "$BINARY" run "$PLACE/site-$1" --state "$PLACE/state-$1" --metrics "127.0.0.1:$METRICS" \
        >"$PLACE/ballast-$1.log" 2>&1 </dev/null &
    controller=$!
    python3 bench/reload.py ready --port "$PORT" --device 1 --seconds 60
}

# Lets broker and controller run before other work, where that is permitted; what they start inherits it.
raise() {
    [ "$RT" = 1 ] || return 0
    local each
    for each in "$broker" "$controller"; do
        chrt --all-tasks --rr --pid 10 "$each"
    done
}
before_others() {
    if [ "$RT" = 1 ]; then chrt --rr 10 "$@"; else "$@"; fi
}

# CPU time until the first command has arrived, and what happens when nothing happens.
measure_start() {
    fresh_site 1000
    start_broker
    python3 bench/start.py --port "$PORT" --pidfile "$PLACE/ballast.pid" --log "$PLACE/ballast-start.log" \
        --exec "$BINARY run $PLACE/site-1000 --state $PLACE/state-1000 --metrics 127.0.0.1:$METRICS" |
        tee -a "$RESULTS/first.jsonl" || skip "start" "Ballast tells its relays nothing: target/bench/ballast-start.log"
    controller=$(cat "$PLACE/ballast.pid")
    stop_all
}

# A rule changes while measurements go on: by command, and by saving the file.
measure_reload() {
    local how site=$PLACE/site-1000
    fresh_site 1000
    start_broker
    if ! start_ballast 1000; then
        skip reload "Ballast does not answer: target/bench/ballast-1000.log"
        stop_all
        return 0
    fi
    raise
    for how in command save; do
        for rule in new old; do
            before_others python3 bench/reload.py change --port "$PORT" --expect $rule --tag "reload-$how" \
                --file "$site/rules/changed.rhai" --with "$site/changed-$rule.rhai" \
                --command "$([ $how = command ] && echo "$BINARY reload --site $site --state $PLACE/state-1000")" |
                tee -a "$RESULTS/reload.jsonl"
        done
    done
    stop_all
}

# The cost of one message with few and with many rules.
measure_scale() {
    local rules
    for rules in $SCALES; do
        fresh_site "$rules" --banks
        start_broker
        if start_ballast "$rules"; then
            "$HARNESS/loadgen/target/release/loadgen" load --tag "scale-$rules" --port "$PORT" --devices "$rules" \
                --flip-every 10 --count "${SCALE_COUNT:-500000}" --rate 0 --prime-rate 2000 --pid "$controller" \
                --broker-pid "$broker" </dev/null | tee -a "$RESULTS/scale.jsonl"
        else
            skip "scale $rules" "Ballast does not answer: target/bench/ballast-$rules.log"
        fi
        stop_all
    done
}

mkdir -p "$PLACE"
rm -rf "$RESULTS" && mkdir -p "$RESULTS"
: >"$SKIPPED"
if ! copy_harness; then
    skip "load generator and peers" "not found at $SOURCE; set BALLAST_BENCH_DIR"
    PEERS=ballast
fi
prepare_peers
# Latency is measured at real-time priority, so that other work on the machine does not hide it.
RT=1
chrt -r 10 true 2>/dev/null || { RT=0; skip "real-time priority" "not permitted to this user; latencies include other work"; }
export RT
for round in $(seq "$ROUNDS"); do
    say "== round $round of $ROUNDS: ${ready[*]-}"
    if [ -x "$HARNESS/bench.sh" ]; then
        for peer in "${ready[@]}"; do
            wait_for_port
            ROUNDS=1 ONLY=start,stat,w1,w2 "$HARNESS/bench.sh" "$peer" </dev/null || skip "$peer, round $round" "it failed"
        done
    fi
    case " ${ready[*]-} " in
        *" ballast "*)
            measure_start
            measure_reload
            [ -x "$HARNESS/bench.sh" ] && measure_scale
            ;;
    esac
done
[ ! -d "$HARNESS/results" ] || cp "$HARNESS"/results/*.jsonl "$RESULTS/" 2>/dev/null || true
python3 bench/report.py "$RESULTS" --skipped "$SKIPPED" --rounds "$ROUNDS" --output docs/performance.md
say "written: docs/performance.md"
