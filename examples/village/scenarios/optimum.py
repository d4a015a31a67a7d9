#!/usr/bin/env python3
"""What perfect foresight would have come to in each scenario and seed: a linear programme, solved by HiGHS.

    ballast bench-policy --truth truth
    python3 -m venv env && env/bin/pip install scipy==1.17.1 numpy
    env/bin/python optimum.py truth > optimum.csv

The tables of `--truth` say what people wish, what sun and wind offer and what each set could give. The optimum knows all of
it beforehand, starts its sets in time, acts without delay, and may cut any share of a load. So it is a bound that no policy
reaches, not a policy. It chooses, for each row of a table (rows are put together until at most 600 are left),

    u[r] the share of consumer r that is cut, p what sun and wind give, g[s] what set s gives, c and d what the battery
    takes and gives, e the energy in the battery,

    at the least    sum of priority[r] * wished[r] * u[r] * time + 0.02 * every change of u of a consumer behind a relay
    so that         sum of wished[r] * (1 - u[r]) = p + sum of g[s] + d - c
                    0 <= g[s] <= able[s], 0 <= p <= sun + wind, 0 <= u <= 1, 0 <= c, d <= what the battery may
                    e' = e + time * (efficiency * c - d / efficiency), soc_min * capacity <= e <= capacity
                    and each quarter of homes misses the same share of what it wished, so that Jain's index is 1.

While no set and no battery can hold a frequency, all is cut, and the time counts as outside of both bands, as it does for
every run. Else the frequency of the optimum never leaves them: with the lost power cut within 20 ms, two sets of 50 kVA that
lose one at 70 kW do not fall below 49 Hz.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

ROWS_MAX = 600
COLUMNS = ["missed_kwh", "missed_homes_kwh", "missed_comfort_kwh", "switchings", "dark_s", "deferred_kwh"]


def read(path):
    """Column names and the numbers of a table, with its rows put together."""
    with path.open() as file:
        rows = csv.reader(file)
        names = next(rows)
        numbers = np.array([[float(cell) for cell in row] for row in rows])
    together = -(-len(numbers) // ROWS_MAX)
    blocks = [numbers[at : at + together] for at in range(0, len(numbers), together)]
    lengths = np.array([len(block) for block in blocks], dtype=float)
    return names, np.array([block.mean(axis=0) for block in blocks]), lengths


class Programme:
    """A linear programme that is written down row by row."""

    def __init__(self):
        self.cost, self.low, self.high = [], [], []
        self.equal, self.most = ([], [], [], []), ([], [], [], [])

    def variables(self, count, cost, low, high):
        first = len(self.cost)
        for values, into in ((cost, self.cost), (low, self.low), (high, self.high)):
            into.extend(np.broadcast_to(values, count))
        return np.arange(first, first + count)

    @staticmethod
    def _row(into, terms, bound):
        rows, columns, factors, bounds = into
        for column, factor in terms:
            rows.append(len(bounds))
            columns.append(column)
            factors.append(factor)
        bounds.append(bound)

    def equals(self, terms, bound):
        self._row(self.equal, terms, bound)

    def at_most(self, terms, bound):
        self._row(self.most, terms, bound)

    def solve(self):
        def matrix(of):
            rows, columns, factors, bounds = of
            if not bounds:
                return None, None
            return coo_matrix((factors, (rows, columns)), (len(bounds), len(self.cost))).tocsr(), bounds

        (equal, equal_to), (most, most_to) = matrix(self.equal), matrix(self.most)
        found = linprog(
            self.cost, most, most_to, equal, equal_to, np.column_stack([self.low, self.high]), method="highs"
        )
        if found.status != 0:
            raise SystemExit(f"no optimum: {found.message}")
        return found.x, found.fun


def optimum(about, names, table, lengths):
    """The penalty and the further columns of one scenario and seed."""
    steps, seconds = len(table), lengths * about["row_s"]
    column = {name: table[:, place] for place, name in enumerate(names)}
    consumers = [one for one in about["consumers"] if one["priority"] > 0]
    wished = np.array([np.maximum(column[f"wished_{one['name']}_w"], 0.0) for one in consumers])
    able = np.array([column[f"able_{one['name']}_w"] for one in about["sets"]])
    battery = about["battery"]
    free = np.maximum(column["solar_w"], 0.0) + np.maximum(column["wind_w"], 0.0)

    # Who can hold a frequency: a set that could be started, a battery with something in it.
    forming = able.sum(axis=0) > 0.0
    if battery and battery["soc_at_start"] > battery["soc_min"] + 0.03:
        forming[:] = True
    # Nobody can start a set before it is able to: after a time without any former, cranking and warming up come first.
    slowest = min((one["start_s"] + one["warm_up_s"] for one in about["sets"]), default=0.0)
    dark_s = 0.0
    left = 0.0
    for step in range(steps):
        if not forming[step]:
            left = slowest
        elif left > 0.0:
            forming[step], left = False, left - seconds[step]
        dark_s += 0.0 if forming[step] else seconds[step]

    programme = Programme()
    hours = seconds / 3600.0
    cuts = []
    for one, watts in zip(consumers, wished):
        cost = one["priority"] * watts * hours / 1e3
        cuts.append(programme.variables(steps, cost, np.where(forming, 0.0, 1.0), 1.0))
    given = programme.variables(steps, 0.0, 0.0, np.where(forming, free, 0.0))
    sets = [programme.variables(steps, 1e-9, 0.0, np.where(forming, watts, 0.0)) for watts in able]
    may = (battery["charge_max_w"], battery["discharge_max_w"]) if battery else (0.0, 0.0)
    into = programme.variables(steps, 1e-9, 0.0, np.where(forming, may[0], 0.0))
    out = programme.variables(steps, 1e-9, 0.0, np.where(forming, may[1], 0.0))
    capacity = battery["capacity_wh"] if battery else 0.0
    lowest = battery["soc_min"] * capacity if battery else 0.0
    begins = battery["soc_at_start"] * capacity if battery else 0.0
    stored = programme.variables(steps, 0.0, min(lowest, begins), capacity)
    for step in range(steps):
        terms = [(cut[step], watts[step]) for cut, watts in zip(cuts, wished)]
        terms += [(given[step], 1.0), (out[step], 1.0), (into[step], -1.0)]
        terms += [(one[step], 1.0) for one in sets]
        programme.equals(terms, wished[:, step].sum())
        if battery:
            charge, discharge = battery["charge_efficiency"], 1.0 / battery["discharge_efficiency"]
            terms = [(stored[step], 1.0), (into[step], -hours[step] * charge), (out[step], hours[step] * discharge)]
            terms += [(stored[step - 1], -1.0)] if step else []
            programme.equals(terms, 0.0 if step else begins)
    changes = []
    per_switching = about["weights"]["per_switching"]
    for cut in cuts:
        change = programme.variables(steps, per_switching, 0.0, 1.0)
        for step in range(steps):
            before = [(cut[step - 1], -1.0)] if step else []
            programme.at_most([(cut[step], 1.0), (change[step], -1.0)] + before, 0.0)
            programme.at_most([(one, -factor) for one, factor in [(cut[step], 1.0)] + before] + [(change[step], -1.0)], 0.0)
        changes.append(change)
    quarters = [place for place, one in enumerate(consumers) if one["name"].startswith("homes_")]
    share = programme.variables(1, 0.0, 0.0, 1.0)
    for place in quarters:
        energy = wished[place] * hours
        terms = [(cut, watt_hours) for cut, watt_hours in zip(cuts[place], energy)]
        programme.equals(terms + [(share[0], -energy.sum())], 0.0)
    x, _ = programme.solve()

    missed = np.array([(x[cut] * watts * hours).sum() / 1e3 for cut, watts in zip(cuts, wished)])
    switchings = sum(x[change].sum() for change in changes)
    penalty = sum(one["priority"] * kwh for one, kwh in zip(consumers, missed))
    penalty += per_switching * switchings
    weights = about["weights"]
    penalty += dark_s * (weights["outside_49_51_per_s"] + weights["outside_47_5_52_per_s"])
    of = lambda word: sum(kwh for one, kwh in zip(consumers, missed) if one["class"] == word)
    deferred = (free * hours).sum() / 1e3 - (x[given] * hours).sum() / 1e3
    return penalty, [missed.sum(), of("homes"), of("comfort"), switchings, dark_s, deferred]


def main():
    folder = Path(sys.argv[1])
    print("# Computed by optimum.py from the tables of `ballast bench-policy --truth`; see its head.")
    print(",".join(["scenario", "seed", "J"] + COLUMNS))
    rows = []
    for path in folder.glob("*.json"):
        about = json.loads(path.read_text())
        names, table, lengths = read(path.with_suffix(".csv"))
        penalty, more = optimum(about, names, table, lengths)
        rows.append((about["scenario"], about["seed"], penalty, more))
        print(f"{path.stem}: {penalty:.3f}, no control {about['J_no_control']:.3f}", file=sys.stderr)
    for scenario, seed, penalty, more in sorted(rows, key=lambda row: row[:2]):
        print(",".join([str(scenario), str(seed), f"{penalty:.4f}"] + [f"{value:.4f}" for value in more]))


if __name__ == "__main__":
    main()
