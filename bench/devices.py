#!/usr/bin/env python3
"""devices.py: how fast devices are read, and what that costs; writes the section "Devices" of docs/performance.md.

    devices.py --ballast PROGRAM --peers FOLDER --place FOLDER [--rounds 3] [--dead-rounds 1] [--seconds 10]
               [--only modbus,dead,mqtt]

`bench/devices.sh` runs it; bench/README.md says what is measured. The programs of one round meet the same machine, one after
the other, those with and without a dead unit at the same time; a ratio is the median of the ratios within each round.
"""
import argparse, contextlib, datetime, json, os, shutil, socket, statistics, subprocess, sys, time

UNITS, REGISTERS, DEAD = 100, 50, 50
POINTS = 10_000
# Seconds until everything is asked at its usual rate, where nobody is dead.
WARM = 4

SITE = """# Written by bench/devices.py.
site: bench_{name}
label: Measurements
uuid: 8a1d1fb8-3f0a-5b53-9c52-7a0d6a3f1c12
time_zone: Europe/Paris
location: {{ latitude: 48.117 deg, longitude: -1.678 deg }}

buses:
  bus: {bus}

devices:
"""
METERS = """# Written by bench/devices.py.
device: meters
label: Many registers
driver: modbus
source: made for the measurements

parameters:
  unit: {{ about: its address }}

points:
"""
REGISTER = ('  r{n}: {{ unit_id: "${{unit}}", register: {n}, type: u16, unit: W, period: {period}, '
            'max_age: 5 min, resolution: 1 W }}\n')
BANK = """# Written by bench/devices.py.
device: bank-{b}
label: Many points
driver: mqtt
source: made for the measurements

points:
"""
TOPIC = "  m{n}: {{ topic: meter/{n}/frequency, unit: Hz, period: 1 s, max_age: 1 min, resolution: 0.01 Hz }}\n"


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def fresh(name):
    folder = os.path.join(arguments.place, name)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def modbus_site(name, port, units, period):
    folder = fresh(name)
    bus = f'{{ driver: modbus, url: "tcp://127.0.0.1:{port}" }}'
    devices = "".join(f'  unit_{unit}: {{ file: meters, bus: bus, with: {{ unit: "{unit}" }} }}\n' for unit in units)
    write(folder, "site.yaml", SITE.format(name=name.replace("-", "_"), bus=bus) + devices)
    registers = "".join(REGISTER.format(n=n, period=period) for n in range(REGISTERS))
    write(folder, "devices/meters.yaml", METERS.format() + registers)
    write(folder, "safety.yaml", "outputs: {}\n")
    return folder


def mqtt_site(name, port):
    folder = fresh(name)
    bus = f'{{ driver: mqtt, url: "mqtt://127.0.0.1:{port}", client: ballast-bench }}'
    banks = range(1, POINTS // 1000 + 1)
    write(folder, "site.yaml", SITE.format(name=name.replace("-", "_"), bus=bus) + "".join(
        f"  bank_{b}: {{ file: bank-{b}, bus: bus }}\n" for b in banks))
    for b in banks:
        numbers = range((b - 1) * 1000 + 1, b * 1000 + 1)
        write(folder, f"devices/bank-{b}.yaml", BANK.format(b=b) + "".join(TOPIC.format(n=n) for n in numbers))
    write(folder, "safety.yaml", "outputs: {}\n")
    return folder


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Process:
    """A program that is ended by its own number."""

    def __init__(self, command, log):
        self.log = open(os.path.join(arguments.place, log), "w")
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def line(self):
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"it ended: {self.child.args}")
        return line

    def cpu_s(self):
        """CPU time of all its threads so far, to the nanosecond."""
        tasks = f"/proc/{self.child.pid}/task"
        return sum(int(open(f"{tasks}/{task}/schedstat").read().split()[0]) for task in os.listdir(tasks)) / 1e9

    def end(self):
        self.child.kill()
        self.child.wait()

    __enter__ = lambda self: self
    __exit__ = lambda self, *_: self.end()


def gateway(port, delay_us, dead=None, log="gateway.log"):
    command = [os.path.join(arguments.peers, "gateway"), str(port), str(delay_us)] + ([str(dead)] if dead else [])
    process = Process(command, log)
    assert process.line() == "ready\n"
    return process


def counts(process):
    process.child.stdin.write("\n")
    process.child.stdin.flush()
    return json.loads(process.line())


def ballast(site, log="ballast.log"):
    state = os.path.join(arguments.place, "state-" + log.removesuffix(".log"))
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(state)
    command = [arguments.ballast, "run", site, "--state", state, "--metrics", f"127.0.0.1:{free_port()}"]
    process = Process(command, log)
    time.sleep(1)
    if process.child.poll() is not None:
        sys.exit(f"it ended: {open(os.path.join(arguments.place, log)).read()}")
    # What it prints goes nowhere; the pipe must not fill.
    subprocess.Popen(["cat"], stdin=process.child.stdout, stdout=subprocess.DEVNULL)
    return process


def bare(port):
    return Process([os.path.join(arguments.peers, "bare"), str(port), str(UNITS), str(REGISTERS)], "bare.log")


def others(before=None):
    """CPU time of everything on this machine, as (busy, all); with `before` the share of all cores that was busy since."""
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    now = (sum(fields) - fields[3] - fields[4], sum(fields))
    return now if before is None else (now[0] - before[0]) / max(now[1] - before[1], 1)


def watch(pairs, seconds):
    """What each gateway counts of its program in one window, which is the same for all of them."""
    before = [(counts(peer), program.cpu_s()) for peer, program in pairs]
    machine = others()
    time.sleep(seconds)
    busy, found = others(machine), []
    for (peer, program), (early, cpu) in zip(pairs, before):
        late, cpu = counts(peer), program.cpu_s() - cpu
        span = late["seconds"] - early["seconds"]
        answered = [now - then for now, then in zip(late["answered"], early["answered"])]
        found.append({"rate": sum(answered) / span, "cpu": cpu / span, "answered": answered, "seconds": span,
                      "unanswered": late["unanswered"] - early["unanswered"], "machine": busy,
                      "load": os.getloadavg()[0]})
    return found


def modbus(results, delay_us):
    """Bare loop and Ballast, one after the other, each against its own gateway."""
    name = f"modbus-{delay_us}"
    for program in ("bare", "ballast"):
        port = free_port()
        with gateway(port, delay_us) as peer:
            start = (lambda: bare(port)) if program == "bare" else (
                lambda: ballast(modbus_site(name, port, range(1, UNITS + 1), "1 ms")))
            with start() as running:
                time.sleep(WARM)
                [found] = watch([(peer, running)], arguments.seconds)
        slowest = min(found["answered"][1:UNITS + 1]) / found["seconds"]
        results.append({"run": name, "program": program, "slowest": slowest} | found)


def dead(results):
    """The neighbours of a unit that never answers, and the same units without it, at the same time.

    By default a second is waited for it, and then it rests 128 times as long: a shorter window would hold one try or none. A
    machine is not as fast in one such window as in the next, by more than the goal: so both share it.
    """
    living = [unit for unit in range(1, UNITS + 1) if unit != DEAD]
    with contextlib.ExitStack() as both:
        pairs = []
        for name, units, silent in (("without", living, None), ("beside", range(1, UNITS + 1), DEAD)):
            port = free_port()
            peer = both.enter_context(gateway(port, 2000, silent, f"gateway-{name}.log"))
            site = modbus_site(f"dead-{name}", port, units, "1 ms")
            pairs.append((peer, both.enter_context(ballast(site, f"ballast-{name}.log"))))
        time.sleep(arguments.settle)
        found = watch(pairs, arguments.settle)
    results.extend({"run": "dead", "program": name} | line for name, line in zip(("without", "beside"), found))


def mqtt(results):
    for name in ("points", "rules"):
        port = free_port()
        conf = os.path.join(arguments.place, "mosquitto.conf")
        with open(conf, "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n")
        if name == "points":
            site = mqtt_site("mqtt", port)
        else:
            site = fresh("mqtt-rules")
            own = os.path.join(os.path.dirname(__file__), "site.py")
            subprocess.run([sys.executable, own, str(POINTS), site, "--port", str(port), "--banks"], check=True)
        with Process(["mosquitto", "-c", conf], "mosquitto.log") as broker:
            time.sleep(0.5)
            with ballast(site) as running, Process(
                    [os.path.join(arguments.peers, "publish"), str(port), str(POINTS)], "publish.log") as publisher:
                publisher.line()
                time.sleep(12)
                sent, cpu, of_broker, machine = counts(publisher), running.cpu_s(), broker.cpu_s(), others()
                time.sleep(2 * arguments.seconds)
                late = counts(publisher)
                span = late["seconds"] - sent["seconds"]
                results.append({"run": "mqtt", "program": name, "cpu": (running.cpu_s() - cpu) / span,
                                "broker": (broker.cpu_s() - of_broker) / span, "rate": (late["sent"] - sent["sent"]) / span,
                                "machine": others(machine), "load": os.getloadavg()[0]})


def number(value, places):
    return f"{value:,.{places}f}"


def cell(values, places=2):
    middle = number(statistics.median(values), places)
    return middle if len(values) == 1 else f"{middle} ({number(min(values), places)}-{number(max(values), places)})"


def table(title, head, rows):
    return [f"#### {title}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"] + [
        "| " + " | ".join(row) + " |" for row in rows] + [""] if rows else []


def ratios(results, run, above, below, value=lambda line: line["rate"]):
    of = lambda program: [value(line) for line in results if (line["run"], line["program"]) == (run, program)]
    return [one / other for one, other in zip(of(above), of(below)) if other]


def neighbours(line):
    """Answers a second to each neighbour of the dead unit."""
    living = [count for unit, count in enumerate(line["answered"]) if 1 <= unit <= UNITS and unit != DEAD]
    return statistics.mean(living) / line["seconds"]


def tested(results):
    """Each goal with what was found: what, values, comparison, goal."""
    found = []
    for delay in DELAYS:
        what = f"{UNITS} units, {REGISTERS} registers each, answers after {delay / 1000:g} ms: rate to the bare loop"
        found.append((what, ratios(results, f"modbus-{delay}", "ballast", "bare"), ">=", 0.9))
    for name, what in (("points", f"{POINTS:,} MQTT points at 1 Hz: share of a core"),
                       ("rules", "the same with a rule and an output for each: share of a core")):
        found.append((what, [line["cpu"] for line in results if (line["run"], line["program"]) == ("mqtt", name)], "<=", 0.25))
    cost = [1 - ratio for ratio in ratios(results, "dead", "beside", "without", neighbours)]
    found.append(("a dead unit: what its neighbours lose of their rate", cost, "<=", 0.01))
    return [goal for goal in found if goal[1]]


def page(results):
    busy = cell([100 * line["machine"] for line in results], 0)
    out = ["## Devices", "",
           "Written by `make bench-devices`; what is measured and how is in [bench](../bench/README.md).",
           f"Rounds: {arguments.rounds}, interleaved; with the dead unit {min(arguments.rounds, arguments.dead_rounds)}."
           f" Median (smallest-biggest). Commit {commit()},"
           f" {datetime.date.today()}; the machine was {busy} % busy meanwhile, all of this included, load average"
           f" {cell([line['load'] for line in results], 1)}.", ""]
    rows = []
    for what, values, how, goal in tested(results):
        is_met = statistics.median(values) >= goal if how == ">=" else statistics.median(values) <= goal
        rows.append([what, cell(values, 3), f"{how} {goal}", "reached" if is_met else "**missed**"])
    out += table("Goals", ["what", "found", "goal", ""], rows)
    rows = []
    for delay in DELAYS:
        for program in ("bare", "ballast"):
            lines = [line for line in results if (line["run"], line["program"]) == (f"modbus-{delay}", program)]
            if lines:
                rows.append([f"{delay / 1000:g} ms", program, cell([line["rate"] for line in lines], 0),
                             cell([line["rate"] * REGISTERS for line in lines], 0),
                             cell([line["slowest"] for line in lines], 1),
                             cell([100 * line["cpu"] for line in lines], 1)])
    out += table(f"One gateway, {UNITS} units, {REGISTERS} registers each", [
        "answers after", "program", "answers per s", "values per s", "slowest unit, reads per s", "CPU %"], rows)
    rows = [[program, cell([neighbours(line) for line in lines], 3), cell([line["unanswered"] for line in lines], 0)]
            for program in ("without", "beside")
            if (lines := [line for line in results if (line["run"], line["program"]) == ("dead", program)])]
    span = f"at the same time, from {arguments.settle} s after the start on, for {arguments.settle} s"
    out += table(f"{UNITS - 1} units without and beside a dead one, {span}", [
        "", "reads per s of each", "requests to the dead one"], rows)
    rows = [[what, cell([line["rate"] for line in lines], 0), cell([100 * line["cpu"] for line in lines], 1),
             cell([100 * line["broker"] for line in lines], 1)]
            for name, what in (("points", "points alone"), ("rules", "a rule and an output for each"))
            if (lines := [line for line in results if (line["run"], line["program"]) == ("mqtt", name)])]
    out += table(f"{POINTS:,} MQTT points at 1 Hz", ["site", "messages per s", "CPU % of Ballast", "CPU % of the broker"], rows)
    return "\n".join(out)


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--ballast", required=True)
parser.add_argument("--peers", required=True)
parser.add_argument("--place", required=True)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--dead-rounds", type=int, default=1, help="of those, how many hold the dead unit: minutes each")
parser.add_argument("--seconds", type=float, default=10)
parser.add_argument("--settle", type=int, default=129)
parser.add_argument("--only", default="modbus,dead,mqtt")
parser.add_argument("--output", help="the page whose last section is replaced")
arguments = parser.parse_args()
# As fast as loopback goes, and as a gateway to a fast serial line answers.
DELAYS = (0, 2000)
os.makedirs(arguments.place, exist_ok=True)
found = []
wanted = arguments.only.split(",")
for turn in range(arguments.rounds):
    print(f"== round {turn + 1} of {arguments.rounds}", flush=True)
    if "modbus" in wanted:
        for delay in DELAYS:
            modbus(found, delay)
    if "mqtt" in wanted:
        mqtt(found)
    if "dead" in wanted and turn < arguments.dead_rounds:
        dead(found)
    for line in found[-8:]:
        print({key: value for key, value in line.items() if key != "answered"}, flush=True)
with open(os.path.join(arguments.place, "results.jsonl"), "w") as file:
    file.writelines(json.dumps(line) + "\n" for line in found)
text = page(found)
print(text)
if arguments.output:
    with open(arguments.output) as file:
        before = file.read().split("\n## Devices\n")[0].rstrip()
    with open(arguments.output, "w") as file:
        file.write(f"{before}\n\n{text.rstrip()}\n")
