#!/usr/bin/env python3
"""Measures a start up to the first command, and then what happens when nothing happens.

  start.py --exec CMD --pidfile F [--log F] [--settle S] [--idle S]

CMD is run and leaves its number in F; it goes on to run. CPU time is that of all its threads at the moment when its first
command arrived, which the load generator tells only after all relays have answered. Then, after a pause, wake-ups are counted:
the times at which a thread of it began to run because something it had waited for came. Prints one line of JSON.
"""
import argparse, json, os, subprocess, time

from client import Client


def threads(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        yield f"/proc/{pid}/task/{task}"


def cpu_s(pid):
    """All threads that live, to the nanosecond; the kernel's other figure counts in hundredths of a second."""
    total = 0
    for task in threads(pid):
        with open(f"{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def status(path, key):
    with open(f"{path}/status") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def wakes(pid):
    return sum(status(task, "voluntary_ctxt_switches") for task in threads(pid))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exec", required=True)
    parser.add_argument("--pidfile", required=True)
    parser.add_argument("--log", default="/dev/null")
    parser.add_argument("--port", type=int, default=18830)
    parser.add_argument("--settle", type=float, default=3.0)
    parser.add_argument("--idle", type=float, default=10.0)
    args = parser.parse_args()
    client = Client(args.port, "bench-start")
    with open(args.log, "w") as log:
        begin = time.monotonic()
        process = subprocess.Popen(["sh", "-c", "exec " + args.exec], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    with open(args.pidfile, "w") as file:
        file.write(str(process.pid))
    while not client.commands and process.poll() is None and time.monotonic() < begin + 60:
        time.sleep(0.001)
    if not client.commands:
        raise SystemExit("no command in a minute")
    line = {"tag": "first", "first_cpu_s": cpu_s(process.pid), "first_ms": (client.commands[0][0] - begin) * 1000}
    time.sleep(args.settle)
    line["settled_cpu_s"], line["commands"] = cpu_s(process.pid), len(client.commands)
    before = wakes(process.pid), cpu_s(process.pid)
    time.sleep(args.idle)
    line["wakes_per_s"] = (wakes(process.pid) - before[0]) / args.idle
    line["idle_cpu_ms_per_s"] = (cpu_s(process.pid) - before[1]) / args.idle * 1000
    line["rss_kb"] = status(f"/proc/{process.pid}", "VmRSS")
    line["threads"] = len(list(threads(process.pid)))
    print(json.dumps(line))


main()
