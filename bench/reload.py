#!/usr/bin/env python3
"""Measures what a change of one rule costs while measurements go on.

  reload.py ready  --device N --seconds S         waits until the controller answers for device N
  reload.py change --file F --with G --expect new [--command CMD]

Two devices get a measurement each 10 ms, and each measurement asks for the other state, so that each of them causes a
command. After two seconds file G is put in the place of F (by renaming, as an editor does) and CMD is run. The changed rule
does the opposite of the old one for device 1, and nothing else: `old` opens below 49.8 Hz and closes above 49.9, `new` opens
above 49.9 and closes below 49.8. The other peers change a word of a payload instead; here that word belongs to the
definition of an output, which is part of the safety set and not of a rule.

The takeover itself moves the output once (the same frequency now asks for the other state), so that one command more than
measurements is expected of device 1. Prints one line of JSON.
"""
import argparse, json, os, shutil, subprocess, sys, threading, time

from client import Client

LOW, HIGH = b"49.7", b"50.0"
PERIOD_S = 0.005  # two devices in turn: 100 measurements a second each


def ready(args):
    client = Client(args.port, "bench-ready")
    end, turn = time.monotonic() + args.seconds, 0
    while time.monotonic() < end:
        client.measure(args.device, LOW if turn % 2 == 0 else HIGH)
        turn += 1
        time.sleep(0.02)
        if any(device == args.device for _, device, _ in client.commands) and turn > 10:
            return
    raise SystemExit("no answer")


def replace(path, new_text_of):
    """As an editor saves: a new file beside the old one, then one rename."""
    shutil.copy(new_text_of, path + ".new~")
    os.rename(path + ".new~", path)


def run_change(args, times):
    times["begin"] = time.monotonic()
    replace(args.file, getattr(args, "with"))
    if args.command:
        done = subprocess.run(args.command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{args.command}: {done.stderr or done.stdout}", file=sys.stderr)
    times["returned"] = time.monotonic()


def first_new_command(commands, sent, expect):
    """When the first command arrived from which on all follow the expected rule; None when none does."""
    first = None
    at = 0
    for arrived, _, payload in commands:
        while at + 1 < len(sent) and sent[at + 1][0] <= arrived:
            at += 1
        is_low = sent[at][1] == LOW
        follows_old = payload == ("OFF" if is_low else "ON")
        if follows_old == (expect == "old"):
            first = arrived if first is None else first
        else:
            first = None
    return first


def change(args):
    client = Client(args.port, "bench-change")
    for value in (LOW, HIGH, LOW, HIGH):
        for device in (1, 2):
            client.measure(device, value)
        time.sleep(0.2)
    client.commands.clear()
    sent, times, worker, turn = {1: [], 2: []}, {}, None, 0
    begin = time.monotonic()
    while True:
        elapsed = time.monotonic() - begin
        if worker is None and elapsed > args.before:
            worker = threading.Thread(target=run_change, args=(args, times))
            worker.start()
        if turn % 4 == 0 and elapsed > args.before + args.after and not worker.is_alive():
            break
        device, value = turn % 2 + 1, LOW if (turn // 2) % 2 == 0 else HIGH
        sent[device].append((time.monotonic(), value))
        client.measure(device, value)
        turn += 1
        time.sleep(max(0.0, begin + turn * PERIOD_S - time.monotonic()))
    time.sleep(1.0)
    report(args, client.commands, sent, times)


def report(args, commands, sent, times):
    of = {device: [c for c in commands if c[1] == device] for device in (1, 2)}
    gap = {d: max((b[0] - a[0] for a, b in zip(of[d], of[d][1:])), default=0.0) * 1000 for d in (1, 2)}
    first = first_new_command([c for c in of[1] if c[0] > times["begin"]], sent[1], args.expect)
    print(json.dumps({
        "tag": args.tag, "expect": args.expect,
        "effect_ms": None if first is None else round((first - times["begin"]) * 1000, 3),
        "returned_ms": round((times["returned"] - times["begin"]) * 1000, 3),
        "sent_changed": len(sent[1]), "commands_changed": len(of[1]), "lost_changed": len(sent[1]) + 1 - len(of[1]),
        "sent_other": len(sent[2]), "commands_other": len(of[2]), "lost_other": len(sent[2]) - len(of[2]),
        "gap_changed_ms": round(gap[1], 3), "gap_other_ms": round(gap[2], 3),
    }))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("mode", choices=["ready", "change"])
parser.add_argument("--port", type=int, default=18830)
parser.add_argument("--device", type=int, default=1)
parser.add_argument("--seconds", type=float, default=30)
parser.add_argument("--file")
parser.add_argument("--with")
parser.add_argument("--command", default="")
parser.add_argument("--expect", choices=["new", "old"], default="new")
parser.add_argument("--tag", default="reload")
parser.add_argument("--before", type=float, default=2.0)
parser.add_argument("--after", type=float, default=2.0)
arguments = parser.parse_args()
{"ready": ready, "change": change}[arguments.mode](arguments)
