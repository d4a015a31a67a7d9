#!/usr/bin/env python3
"""site.py N FOLDER [--port P]: writes the site that the measurements run: N meters, N relays, N rules.

Rule 1 stands in a file of its own, `rules/changed.rhai`; `changed-old.rhai` and `changed-new.rhai` beside the site are what
reload.py puts in its place.
"""
import argparse, os

SITE = """# Written by bench/site.py: {count} meters and {count} relays on one broker.
site: bench_{count}
label: Measurements
uuid: 8a1d1fb8-3f0a-5b53-9c52-7a0d6a3f1c11
time_zone: Europe/Paris
location: {{ latitude: 48.117 deg, longitude: -1.678 deg }}

buses:
  broker: {{ driver: mqtt, url: "mqtt://127.0.0.1:{port}", client: ballast-bench }}

devices:
"""
METER = """  meter_{n}:
    file: mqtt-number
    bus: broker
    with: {{ topic: meter/{n}/frequency, unit: Hz, period: 1 min, max_age: 1 h, resolution: 0.01 Hz }}
"""
# The other programs send their commands unconfirmed, too.
RELAY = """  relay_{n}:
    file: mqtt-relay
    bus: broker
    with: {{ topic: relay/{n}/set, qos: "0" }}
"""
# No minimum times and no counts: they would be measured instead of the program. The lease is the default.
OUTPUT = "  relay_{n}: {{ default: closed, safe: open, at_start: closed }}\n"
RULE = 'rule "r{n}" when meter_{n}.value < "49.8 Hz" until meter_{n}.value > "49.9 Hz" {{ open(relay_{n}); }}\n'
OPPOSITE = 'rule "r{n}" when meter_{n}.value > "49.9 Hz" until meter_{n}.value < "49.8 Hz" {{ open(relay_{n}); }}\n'


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def each(form, numbers):
    return "".join(form.format(n=n) for n in numbers)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("count", type=int)
parser.add_argument("folder")
parser.add_argument("--port", type=int, default=18830)
args = parser.parse_args()
numbers = range(1, args.count + 1)
write(args.folder, "site.yaml", SITE.format(count=args.count, port=args.port) + each(METER, numbers) + each(RELAY, numbers))
write(args.folder, "safety.yaml", "outputs:\n" + each(OUTPUT, numbers))
write(args.folder, "rules/rules.rhai", each(RULE, range(2, args.count + 1)))
write(args.folder, "rules/changed.rhai", each(RULE, [1]))
write(args.folder, "changed-old.rhai", each(RULE, [1]))
write(args.folder, "changed-new.rhai", each(OPPOSITE, [1]))
