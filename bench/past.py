#!/usr/bin/env python3
"""past.py FOLDER [--days D] [--seed S]: writes a past of examples/village as a table, one row every ten seconds.

The table has all 39 measured points of the village. What it says follows from the seed alone: days with sun and clouds, a
battery that fills and empties, homes that take more in the evening, and now and then a frequency that falls.
"""
import argparse
import math
import os
import random

LOADS = {
    "clinic": 2000, "water_pump": 2500, "cold_chain": 2500, "homes_north": 6000, "homes_south": 6000, "homes_east": 6000,
    "homes_west": 6000, "comfort_market": 5000, "comfort_school": 4000, "comfort_workshop": 4000, "water_heater": 6000,
}
NAMES = [
    "feeder_meter.frequency", "feeder_meter.voltage", "feeder_meter.power", "inverter.frequency", "grid.mode",
    "pv.power", "pv.irradiance", "battery.soc", "battery.power", "battery.charge", "battery.discharge",
    "genset.running", "genset.power", "genset.energy", "standby.running", "standby.power", "standby.energy",
] + [f"{load}.{point}" for load in LOADS for point in ("power", "energy")]
STEP_S = 10
BEGIN_S = 1772323200  # 2026-03-01


def rows(days, seed):
    """One row for each moment, as text."""
    chance = random.Random(seed)
    cloud, soc, dip = 0.8, 60.0, 0
    energy = dict.fromkeys(["genset", "standby", *LOADS], 0.0)
    for number in range(days * 86400 // STEP_S):
        second = number * STEP_S
        hour = (second / 3600 + 1) % 24
        cloud = min(1.0, max(0.1, cloud + chance.gauss(0, 0.02)))
        sun = max(0.0, math.sin((hour - 6) / 12 * math.pi)) * cloud
        busy = 0.35 + 0.5 * math.exp(-(((hour - 20) / 2) ** 2)) + 0.1 * chance.random()
        powers = {load: rated * min(1.0, busy * (0.8 + 0.4 * chance.random())) for load, rated in LOADS.items()}
        powers["water_heater"] = 6000.0 if 10 < hour < 14 else 0.0
        need = sum(powers.values()) - 40000 * sun
        genset = min(50000.0, max(0.0, need * 0.7))
        battery = need - genset
        soc = min(100.0, max(5.0, soc - battery * STEP_S / 3600 / 60000 * 100))
        # A shortage comes about twice a day and lasts for a minute.
        dip = 6 if dip == 0 and chance.random() < 0.0002 else max(0, dip - 1)
        frequency = 50 - battery / 150000 + chance.gauss(0, 0.01) - (0.35 if dip else 0.0)
        for name, power in [("genset", genset), *powers.items()]:
            energy[name] += power * STEP_S / 3.6e6
        cells = [
            f"{frequency:.3f}", f"{230 + chance.gauss(0, 1):.1f}", f"{need:.0f}", f"{frequency:.2f}", "island",
            f"{40000 * sun:.0f}", f"{1000 * sun:.0f}", f"{soc:.1f}", f"{battery:.0f}", f"{max(0.0, -battery):.0f}",
            f"{max(0.0, battery):.0f}", "true" if genset > 0 else "false", f"{genset:.0f}", f"{energy['genset']:.3f}",
            "false", "0", "0",
        ]
        for load in LOADS:
            cells += [f"{powers[load]:.0f}", f"{energy[load]:.3f}"]
        yield f"{BEGIN_S + second}," + ",".join(cells)


def main():
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with open(os.path.join(options.folder, "past.csv"), "w", encoding="utf-8") as table:
        table.write("time," + ",".join(NAMES) + "\n")
        for row in rows(options.days, options.seed):
            table.write(row + "\n")


if __name__ == "__main__":
    main()
