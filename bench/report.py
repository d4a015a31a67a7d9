#!/usr/bin/env python3
"""report.py RESULTS --skipped FILE --rounds N --output FILE: the tables of docs/performance.md.

Reads the JSON lines that the load generator and reload.py printed, one file per program. A cell is the median and, in
brackets, the smallest and the biggest of the rounds. A ratio is the median of the ratios within each round, since the
programs of one round met the same machine.
"""
import argparse, datetime, json, os, platform, re, statistics, subprocess

ORDER = ["transport", "direct", "direct-nodelay", "node-red", "ballast"]


def lines(folder, name):
    path = os.path.join(folder, name + ".jsonl")
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    middle = number(statistics.median(values))
    return middle if min(values) == max(values) else f"{middle} ({number(min(values))}-{number(max(values))})"


def table(title, head, rows):
    if not rows:
        return []
    return [f"### {title}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"] + [
        "| " + " | ".join(row) + " |" for row in rows] + [""]


def key(name):
    return lambda line: line.get(name)


def per_message_us(line):
    if not line.get("count") or line.get("sut_cpu_s") is None:
        return None
    return line["sut_cpu_s"] / line["count"] * 1e6


def mebibytes(name):
    return lambda line: line[name] / 1024 if line.get(name) else None


SECTIONS = [
    ("W1: one device, 100 measurements a second, each causes a command (ms)", "w1",
     [("p50", key("p50_ms")), ("p90", key("p90_ms")), ("p99", key("p99_ms")), ("p99.9", key("p999_ms")),
      ("max", key("max_ms")), ("lost", key("lost")), ("unexpected", key("unexpected")), ("CPU µs per message", per_message_us),
      ("CPU of others", key("foreign_cpu_share"))]),
    ("W2: 1,000 devices and rules, as fast as it goes, one message in ten causes a command", "w2",
     [("CPU µs per message", per_message_us), ("messages per s", key("msgs_per_s")), ("CPU s", key("sut_cpu_s")),
      ("RSS MB after", mebibytes("sut_rss_kb")), ("lost", key("lost")), ("unexpected", key("unexpected")),
      ("CPU of others", key("foreign_cpu_share"))]),
    ("W3: from start to the first command, 1,000 rules", "start",
     [("first command ms", key("first_command_ms")), ("CPU s until all answer", key("start_cpu_s")),
      ("answering", key("answering"))]),
    ("W3: idle, 1,000 rules", "idle",
     [("RSS MB", mebibytes("rss_kb")), ("CPU %", key("idle_cpu_pct")), ("threads", key("threads"))]),
]
FIRST = [("CPU s until the first command", key("first_cpu_s")), ("ms until then", key("first_ms")),
         ("CPU s until all are told", key("settled_cpu_s")), ("wake-ups per s when idle", key("wakes_per_s")),
         ("CPU ms per s when idle", key("idle_cpu_ms_per_s")), ("RSS MB when idle", mebibytes("rss_kb"))]
RELOAD = [("new behaviour ms", key("effect_ms")), ("command returned ms", key("returned_ms")),
          ("lost, changed rule", key("lost_changed")), ("lost, other rule", key("lost_other")),
          ("longest silence ms, changed", key("gap_changed_ms")), ("other", key("gap_other_ms"))]
SCALE = [("CPU µs per message", per_message_us), ("RSS MB", mebibytes("sut_rss_kb")), ("lost", key("lost"))]


def ratio(runs, tag, value, above, below):
    """Median over the rounds of above/below; None when one of them is missing."""
    def of(name):
        return [value(line) for line in runs.get(name, []) if line["tag"] == tag]
    pairs = [(a, b) for a, b in zip(of(above), of(below)) if a is not None and b]
    return statistics.median(a / b for a, b in pairs) if pairs else None


def middle(found, tag, value):
    values = [value(line) for line in found if line["tag"] == tag and value(line) is not None]
    return statistics.median(values) if values else None


def goals(runs, first, reload, scale):
    own = runs.get("ballast", [])
    few, many = (middle(scale, tag, per_message_us) for tag in ("scale-100", "scale-10000"))
    lost = [line["lost_changed"] + line["lost_other"] for line in reload]
    return [
        ("W1 p50 / direct-nodelay", ratio(runs, "w1", key("p50_ms"), "ballast", "direct-nodelay"), 1.5),
        ("W1 p99 / direct-nodelay", ratio(runs, "w1", key("p99_ms"), "ballast", "direct-nodelay"), 3),
        ("W2 CPU per message / direct", ratio(runs, "w2", per_message_us, "ballast", "direct"), 2),
        ("W2 CPU per message / node-red", ratio(runs, "w2", per_message_us, "ballast", "node-red"), 0.5),
        ("W2 lost", middle(own, "w2", key("lost")), 0),
        ("W3 CPU s until the first command, 1,000 rules", middle(first, "first", key("first_cpu_s")), 0.1),
        ("idle RSS MB", middle(first, "first", mebibytes("rss_kb")), 25),
        ("idle wake-ups per s", middle(first, "first", key("wakes_per_s")), 2),
        ("reload by command: new behaviour ms", middle(reload, "reload-command", key("effect_ms")), 60),
        ("reload by saving: new behaviour ms", middle(reload, "reload-save", key("effect_ms")), 800),
        ("reload: commands lost, worst of all", max(lost) if lost else None, 0),
        ("CPU per message, 10,000 rules / 100", many / few if few and many else None, 1.5),
    ]


def other_ratios(runs):
    rows = []
    for name, tag, value in [("W1 p50", "w1", key("p50_ms")), ("W1 p99", "w1", key("p99_ms")),
                             ("W2 CPU per message", "w2", per_message_us)]:
        found = [ratio(runs, tag, value, "ballast", peer) for peer in ("direct-nodelay", "direct", "node-red")]
        if any(x is not None for x in found):
            rows.append([name] + [number(x) for x in found])
    return rows


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if re.match(r"model name|Model", line):
                model = line.split(":", 1)[1].strip()
                break
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release().split('-')[0]}"


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip().split("\n")[0]


def versions(harness):
    """Of what was measured and of what measured it, as far as it is there."""
    found = [first_line(["rustc", "--version"]).split(" (")[0], first_line(["mosquitto", "-h"])]
    node_red = os.path.join(harness, "peers/node-red/node_modules/node-red/package.json")
    if os.path.exists(node_red):
        with open(node_red) as file:
            found.append("Node-RED " + json.load(file)["version"])
        found.append("Node.js " + first_line(["node", "--version"]))
    lock = os.path.join(harness, "peers/direct/Cargo.lock")
    if os.path.exists(lock):
        with open(lock) as file:
            of = re.search(r'name = "rumqttc"\nversion = "([^"]+)"', file.read())
        found.append(f"direct on rumqttc {of[1]}" if of else "")
    return "; ".join(version for version in found if version)


def short(found):
    """What is not reached, with its figure."""
    missed = [(name, value, at_most) for name, value, at_most in found if value is not None and value > at_most]
    absent = [name for name, value, _ in found if value is None]
    rows = [f"- {name}: {number(value)} instead of at most {number(at_most)}" for name, value, at_most in missed]
    rows += [f"- {name}: not measured" for name in absent]
    return ["### What falls short", ""] + (rows or ["Nothing."]) + [""]


def tagged(found, tag):
    return [line for line in found if line["tag"] == tag]


def cells(found, columns):
    return [str(len(found))] + [cell([value(line) for line in found]) for _, value in columns]


def heads(first, columns):
    return [first, "runs"] + [head for head, _ in columns]


def goal_rows(found):
    return [[name, number(value), number(at_most), "reached" if value <= at_most else "**missed**"]
            for name, value, at_most in found if value is not None]


def page(folder, rounds, skipped):
    runs = {name: lines(folder, name) for name in ORDER if lines(folder, name)}
    first, reload, scale = lines(folder, "first"), lines(folder, "reload"), lines(folder, "scale")
    out = ["# How fast", "",
           "Written by `make bench`; what is measured and how is in [bench](../bench/README.md).",
           f"Rounds: {rounds}, interleaved. Median (smallest-biggest).", "",
           f"Commit {commit()}, {datetime.date.today()}, {machine()}. Everything on loopback, QoS 0.",
           f"{versions(os.path.join(folder, '..', 'harness'))}.", ""]
    found = goals(runs, first, reload, scale)
    out += table("Goals", ["what", "found", "at most", ""], goal_rows(found)) + short(found)
    out += table("Ballast as a multiple of the others, in the same rounds",
                 ["what", "direct-nodelay", "direct", "node-red"], other_ratios(runs))
    for title, tag, columns in SECTIONS:
        rows = [[name] + cells(tagged(run, tag), columns) for name, run in runs.items() if tagged(run, tag)]
        out += table(title, heads("program", columns), rows)
    rows = [["ballast"] + cells(tagged(first, "first"), FIRST)] if first else []
    out += table("W3: Ballast's own start, and what happens when nothing happens, 1,000 rules", heads("program", FIRST), rows)
    rows = [[how] + cells(tagged(reload, tag), RELOAD)
            for how, tag in (("`ballast reload`", "reload-command"), ("the file is saved", "reload-save")) if tagged(reload, tag)]
    out += table("W4: one rule changes while measurements go on", heads("how", RELOAD), rows)
    tags = sorted({line["tag"] for line in scale}, key=lambda tag: int(tag.split("-")[1]))
    rows = [[tag.split("-")[1]] + cells(tagged(scale, tag), SCALE) for tag in tags]
    out += table("The cost of a message with few and with many rules", heads("rules", SCALE), rows)
    if skipped:
        out += ["### Not measured", ""] + [f"- {line}" for line in skipped] + [""]
    return "\n".join(out).rstrip() + "\n"


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("results")
parser.add_argument("--rounds", type=int, required=True)
parser.add_argument("--skipped")
parser.add_argument("--output", required=True)
arguments = parser.parse_args()
reasons = sorted(set(open(arguments.skipped).read().splitlines())) if arguments.skipped else []
text = page(arguments.results, arguments.rounds, reasons)
# What bench/devices.py wrote there stays.
if os.path.exists(arguments.output):
    with open(arguments.output) as file:
        devices = file.read().partition("\n## Devices\n")
    text += "".join(devices[1:])
with open(arguments.output, "w") as file:
    file.write(text)
print(text)
