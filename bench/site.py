#!/usr/bin/env python3
"""site.py N FOLDER [--port P] [--banks]: writes the site that the measurements run: N meters, N relays, N rules.

With --banks, meters and relays are not devices of their own but points and outputs of devices with up to 1,000 of each, every
such device in a file of its own: a site file of 10,000 devices would be longer than Ballast reads.

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
BANK = """  {kind}s_{b}:
    file: {kind}s-{b}
    bus: broker
"""
BANK_FILE = """# Written by bench/site.py.
device: {kind}s-{b}
label: Many of a kind
driver: mqtt
source: made for the measurements

{what}:
"""
BANK_METER = "  m{n}: {{ topic: meter/{n}/frequency, unit: Hz, period: 1 min, max_age: 1 h, resolution: 0.01 Hz }}\n"
BANK_RELAY = "  r{n}: {{ kind: contact, topic: relay/{n}/set, closed: ON, open: OFF, qos: 0 }}\n"
BANK_SIZE = 1000
# Rules of one file; a file of all rules would be longer than Ballast reads.
FILE_SIZE = 1000

# No minimum times and no counts: they would be measured instead of the program. The lease is the default.
OUTPUT = "  {relay}: {{ default: closed, safe: open, at_start: closed }}\n"
RULE = 'rule "r{n}" when {meter} < "49.8 Hz" until {meter} > "49.9 Hz" {{ open({relay}); }}\n'
OPPOSITE = 'rule "r{n}" when {meter} > "49.9 Hz" until {meter} < "49.8 Hz" {{ open({relay}); }}\n'


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def each(form, numbers):
    def names(n):
        b = (n - 1) // BANK_SIZE + 1
        return (f"meters_{b}.m{n}", f"relays_{b}.r{n}") if args.banks else (f"meter_{n}.value", f"relay_{n}")
    return "".join(form.format(n=n, meter=names(n)[0], relay=names(n)[1]) for n in numbers)


def pieces(first, last, size):
    return [range(at, min(at + size, last + 1)) for at in range(first, last + 1, size)]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("count", type=int)
parser.add_argument("folder")
parser.add_argument("--port", type=int, default=18830)
parser.add_argument("--banks", action="store_true")
args = parser.parse_args()
numbers = range(1, args.count + 1)
devices = each(METER, numbers) + each(RELAY, numbers)
if args.banks:
    banks = list(enumerate(pieces(1, args.count, BANK_SIZE), start=1))
    kinds = [("meter", "points", BANK_METER), ("relay", "outputs", BANK_RELAY)]
    devices = "".join(BANK.format(kind=kind, b=b) for kind, _, _ in kinds for b, _ in banks)
    for kind, what, form in kinds:
        for b, members in banks:
            text = BANK_FILE.format(kind=kind, b=b, what=what) + each(form, members)
            write(args.folder, f"devices/{kind}s-{b}.yaml", text)
write(args.folder, "site.yaml", SITE.format(count=args.count, port=args.port) + devices)
write(args.folder, "safety.yaml", "outputs:\n" + each(OUTPUT, numbers))
for members in pieces(2, args.count, FILE_SIZE):
    write(args.folder, f"rules/rules-{members[0]}.rhai", each(RULE, members))
write(args.folder, "rules/changed.rhai", each(RULE, [1]))
write(args.folder, "changed-old.rhai", each(RULE, [1]))
write(args.folder, "changed-new.rhai", each(OPPOSITE, [1]))
