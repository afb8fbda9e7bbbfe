#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The bench: what verger costs, measured beside bare loops of system calls and beside its peers.

One run interleaves all candidates, round by round, so that whatever else the machine does meets all
of them; what counts is the ratio to the bare loop of the same run.  See README.md.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import measure
from candidates import Candidate, Tools, all_candidates, wrapper, wrappers
from measure import Failed, Life

# The promises of the design that can be measured here (contracts I1 to I4).
I1_SWITCHES = 0  # in the idle time, with 100 programs
I2_PSS_ONE_KB = 400
I2_PSS_1000_KB = 1500
I2_PRIVATE_PER_PROGRAM_KB = 1.0
I3_RATIO = 1.1  # of a bare vfork+exec loop
I4_MEDIAN_US = 1000  # from the kill to the new PID in the file

COMPANY = 40  # other processes that map libc, as on an ordinary host

LIMIT = "bare vfork+exec"
LIMIT_WITH_FILES = "bare vfork+exec, PID files"
LIMIT_WITH_DUTIES = "bare, all of these and sessions"


class Plan:
    """How much is done."""

    def __init__(self, quick):
        self.counts = [1, 20, 100] if quick else [1, 100, 1000, 10000]
        self.rounds = {1: 2, 20: 2, 100: 1} if quick else {1: 15, 100: 9, 1000: 5, 10000: 3}
        self.kills = 10 if quick else 100  # in each of the first two lives
        self.idle_programs = 20 if quick else 100
        self.idle_s = 3 if quick else 30
        self.idle_settle_s = 2.5
        self.once_rounds = 2 if quick else 10  # of ten runs each
        self.peers_most = 20 if quick else 1000


class Samples:
    """{row: {column: [numbers]}}"""

    def __init__(self):
        self.rows = {}

    def add(self, row, column, *numbers):
        self.rows.setdefault(row, {}).setdefault(column, []).extend(numbers)

    def get(self, row, column):
        return self.rows.get(row, {}).get(column, [])

    def median(self, row, column):
        numbers = self.get(row, column)
        return statistics.median(numbers) if numbers else None

    def least(self, row, column):
        return min(self.get(row, column), default=None)

    def summary(self):
        return {
            row: {
                str(column): {
                    "median": statistics.median(numbers),
                    "min": min(numbers),
                    "p99": percentile(numbers, 99),
                    "samples": len(numbers),
                }
                for column, numbers in columns.items()
            }
            for row, columns in self.rows.items()
        }


def percentile(numbers, percent):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * percent / 100) - 1)]


class Bench:
    def __init__(self, tools, plan, say):
        self.tools, self.plan, self.say = tools, plan, say
        self.candidates = all_candidates(tools)
        self.scratch = measure.Scratch()
        self.start, self.cpu, self.stop = Samples(), Samples(), Samples()  # µs
        self.exec_again, self.file_again = Samples(), Samples()  # µs
        self.pss, self.private = Samples(), Samples()  # kB
        self.idle, self.once, self.wrapper_pss = Samples(), Samples(), Samples()
        self.skipped, self.failures = [], 0

    # --- what is measured ---

    def live(self, candidate, n, life_number):
        """One life: start, memory, restarts in the first two lives, stop."""
        with Life(self.scratch, self.tools, candidate, n) as life:
            self.start.add(candidate.name, n, life.start_us)
            if n <= 1000 and (used := life.cpu_us()):
                self.cpu.add(candidate.name, n, used / n)
            if life_number < 2:
                time.sleep(candidate.settle_s)
                pss, private = life.memory()
                self.pss.add(candidate.name, n, pss)
                self.private.add(candidate.name, n, private)
                if n <= 1000:
                    self.restart(candidate, n, life)
            self.stop.add(candidate.name, n, life.stop())

    def restart(self, candidate, n, life):
        kills = min(self.plan.kills, candidate.restarts or self.plan.kills)
        if candidate.settle_s > 1:
            kills = min(kills, n)  # each program once: a young one is made to wait
        for exec_us, file_us in life.restart(kills):
            self.exec_again.add(candidate.name, n, exec_us)
            if file_us >= 0:
                self.file_again.add(candidate.name, n, file_us)

    def skip(self, candidate, n, why):
        if (candidate.name, n, why) not in self.skipped:
            self.skipped.append((candidate.name, n, why))
            self.say(f"skipped: {candidate.name} with {n} programs: {why}")

    def fail(self, candidate, n, failure):
        self.skip(candidate, n, f"FAILED: {failure}")
        self.failures += candidate.kind != "peer"

    def why_not(self, candidate, n):
        if n > candidate.most:
            return candidate.why_most
        if candidate.kind == "peer" and n > self.plan.peers_most:
            return f"more than {self.plan.peers_most} only without --quick"
        return measure.room_for(n)

    def round(self, n, number):
        for candidate in self.candidates:
            if candidate.rounds and number >= candidate.rounds:
                continue
            why = self.why_not(candidate, n)
            if why:
                self.skip(candidate, n, why)
                continue
            try:
                self.live(candidate, n, number)
            except Failed as failure:
                self.fail(candidate, n, failure)

    def many(self):
        for n in self.plan.counts:
            for number in range(self.plan.rounds[n]):
                self.say(f"{n} programs, round {number + 1} of {self.plan.rounds[n]}")
                self.round(n, number)

    def idleness(self):
        """All at once: whoever is idle disturbs nobody."""
        n = self.plan.idle_programs
        self.say(f"idle for {self.plan.idle_s} s with {n} programs")
        with ExitStack() as stack:
            lives = [
                stack.enter_context(Life(self.scratch, self.tools, c, n))
                for c in self.candidates
                if c.kind != "limit" and "PID files" not in c.name
            ]
            time.sleep(self.plan.idle_settle_s)
            before = [life.context_switches() for life in lives]
            time.sleep(self.plan.idle_s)
            for life, switches in zip(lives, before):
                self.idle.add(life.candidate.name, n, life.context_switches() - switches)
            for life in lives:
                life.stop()

    def single(self):
        """`X -- true`, and the memory of X with a child that waits."""
        true = ["/bin/true"]
        commands = [
            ("none: true itself", true, {}),
            ("bare vfork+exec+wait", [str(self.tools.gauge), "--once", "1", *true], {}),
            *((name, [*words, *true], env) for name, words, env in wrappers(self.tools)),
        ]
        self.say("one child: true, and one that waits")
        for _ in range(self.plan.once_rounds):
            for name, command, env in commands:
                self.once.add(name, 1, *measure.once(self.tools, command, env, 10))
        for name, words, env in wrappers(self.tools):
            one = Candidate(name, wrapper(self.tools, *words), "peer", env=env)
            with Life(self.scratch, self.tools, one, 1) as life:
                time.sleep(0.2)
                self.wrapper_pss.add(name, 1, life.memory()[0])
                life.stop()

    def run(self):
        self.many()
        self.idleness()
        self.single()

    # --- what is said about it ---

    def sections(self):
        """(title, unit, samples, columns, rows to compare with, divisor) of each table."""
        counts = self.plan.counts
        return [
            ("start of N programs, from exec to the last exec (I3)", "ms", self.start, counts, LIMIT, 1000),
            ("processor time of a start, for each program", "µs", self.cpu, counts, LIMIT_WITH_DUTIES, 1),
            ("kill -9 to the new PID in the PID file (I4)", "ms", self.file_again, counts,
             LIMIT_WITH_FILES, 1000),
            ("kill -9 to the exec of the replacement", "ms", self.exec_again, counts, LIMIT_WITH_FILES, 1000),
            ("stop of N programs, until no process is left", "ms", self.stop, counts, LIMIT, 1000),
            ("memory of all its own processes, PSS (I2)", "kB", self.pss, counts, LIMIT, 1),
            ("memory of all its own processes, private (I2)", "kB", self.private, counts, LIMIT, 1),
            ("run of `true` below it", "ms", self.once, [1], "bare vfork+exec+wait", 1000),
            ("PSS with one child that waits", "kB", self.wrapper_pss, [1], None, 1),
        ]

    def print_tables(self):
        for title, unit, samples, columns, base, divisor in self.sections():
            print_table(title, unit, samples, columns, base, divisor)
        self.print_slopes()
        n = self.plan.idle_programs
        print(f"\ncontext switches in {self.plan.idle_s} s, idle with {n} programs (I1)")
        for row in self.idle.rows:
            print(f"  {row:34} {self.idle.get(row, n)[0]:10d}")

    def slopes(self):
        """Private kB for each further program, by row."""
        most = max(n for n in self.plan.counts if n <= 1000)
        found = {}
        for row in self.private.rows:
            one, many = self.private.median(row, 1), self.private.median(row, most)
            if one is not None and many is not None:
                found[row] = (many - one) / (most - 1)
        return found

    def print_slopes(self):
        print("\nprivate memory for each further program (I2)")
        for row, slope in self.slopes().items():
            print(f"  {row:34} {slope:10.2f} kB")

    def contracts(self):
        """[(number, what, value, limit, met, asserted)]"""
        found = []

        def judge(number, what, value, limit, asserted):
            if value is not None:
                found.append((number, what, value, limit, value <= limit, asserted))

        for c in (c for c in self.candidates if c.kind == "verger"):
            name = c.name
            for switches in self.idle.get(name, self.plan.idle_programs):
                judge("I1", f"{name}: context switches in {self.plan.idle_s} s", switches, I1_SWITCHES, True)
            judge("I2", f"{name}: PSS with 1 program, kB", self.pss.median(name, 1), I2_PSS_ONE_KB, True)
            judge("I2", f"{name}: PSS with 1000 programs, kB", self.pss.median(name, 1000),
                  I2_PSS_1000_KB, True)
            # a hundred programs differ from one by a few pages only: too coarse to be held against it
            judge("I2", f"{name}: private kB for each further program", self.slopes().get(name),
                  I2_PRIVATE_PER_PROGRAM_KB, 1000 in self.plan.counts)
            for n in self.plan.counts:
                if n > 1:
                    judge("I3", f"{name}: start of {n}, × {LIMIT}",
                          ratio(self.start.median, name, LIMIT, n), I3_RATIO, False)
            for n in self.plan.counts:
                judge("I4", f"{name}: restart among {n}, median µs", self.file_again.median(name, n),
                      I4_MEDIAN_US, False)
        return found

    def print_contracts(self):
        print("\ncontracts")
        for number, what, value, limit, met, asserted in self.contracts():
            verdict = "met" if met else ("BROKEN" if asserted else "not met")
            print(f"  {number} {verdict:8} {value:10.2f} of at most {limit:<6} {what}")

    def to_json(self):
        data = {title: samples.summary() for title, _, samples, *_ in self.sections()}
        data["idle context switches (I1)"] = self.idle.summary()
        data["private kB for each further program (I2)"] = self.slopes()
        data["contracts"] = [
            dict(zip(("number", "what", "value", "limit", "met", "asserted"), line))
            for line in self.contracts()
        ]
        data["skipped"] = self.skipped
        return data


def ratio(pick, row, base, column):
    """Of the medians (pick = samples.median) or of the least (samples.least)."""
    value, limit = pick(row, column), pick(base, column)
    return value / limit if value is not None and limit else None


def cell(samples, row, base, column, divisor):
    numbers = samples.get(row, column)
    if not numbers:
        return "–"
    median, least = statistics.median(numbers) / divisor, min(numbers) / divisor
    digits = 0 if divisor == 1 else 2 if median < 100 else 0
    text = f"{median:.{digits}f}"
    if divisor != 1:
        text += f" ({least:.{digits}f}"
        text += f"; {percentile(numbers, 99) / divisor:.{digits}f})" if len(numbers) >= 50 else ")"
    factor = ratio(samples.median, row, base, column) if base else None
    if factor is None:
        return text
    text += f" ×{factor:.2f}"
    return text if divisor == 1 else text + f" ({ratio(samples.least, row, base, column):.2f})"


def print_table(title, unit, samples, columns, base, divisor):
    note = ": median (least; 99th percentile) × of medians (of the least)" if divisor != 1 else ""
    print(f"\n{title}, {unit}{note}{f'; × {base}' if base else ''}")
    width = 26 if divisor == 1 else 36
    columns = [c for c in columns if any(samples.get(row, c) for row in samples.rows)]
    print(f"  {'':34}" + "".join(f"{format(c, ','):>{width}}" for c in columns))
    for row in samples.rows:
        cells = (cell(samples, row, base, c, divisor) for c in columns)
        print(f"  {row:34}" + "".join(f"{text:>{width}}" for text in cells))


def parse_arguments():
    here = Path(__file__).resolve().parent
    build = here.parent.parent / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=build, help="build directory (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="under a minute: does it all run?")
    parser.add_argument("--only", metavar="WORD", help="only candidates whose name holds it, and the limits")
    parser.add_argument("--no-assert", action="store_true", help="broken contracts are no failure")
    parser.add_argument("--json", metavar="FILE", help="write everything there as well")
    return parser.parse_args()


def find_tools(build):
    bench = build / "tests" / "bench"
    tools = Tools(build / "src" / "daemon" / "vergerd", bench / "bare", bench / "gauge", bench / "tiny")
    for path in vars(tools).values():
        if not path.is_file():
            sys.exit(f"bench: {path}: build it first, or name the build directory with --build")
    return tools


def keep_company():
    """PSS shares out what several processes map: on a machine where nothing else runs all of libc
    would fall on the few that are measured.  An ordinary host has some dozens; they end with us."""
    for _ in range(COMPANY):
        subprocess.Popen(["sleep", "infinity"])


def main():
    arguments = parse_arguments()
    measure.adopt_orphans()
    bench = Bench(
        find_tools(arguments.build.resolve()),
        Plan(arguments.quick),
        lambda text: print(f"# {text}", file=sys.stderr, flush=True),
    )
    if arguments.only:
        bench.candidates = [
            c for c in bench.candidates if c.kind == "limit" or arguments.only in c.name
        ]
    began = time.monotonic()
    try:
        keep_company()
        bench.run()
    finally:
        measure.end_descendants()
        bench.scratch.remove()
    print(f"vergerd {arguments.build}, {os.cpu_count()} processors, Linux {os.uname().release}, "
          f"{time.monotonic() - began:.0f} s")
    bench.print_tables()
    bench.print_contracts()
    for name, n, why in bench.skipped:
        print(f"skipped: {name} with {n:,}: {why}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(bench.to_json(), indent=1, ensure_ascii=False))
    broken = [c for c in bench.contracts() if c[5] and not c[4]]
    sys.exit(1 if bench.failures or (broken and not arguments.no_assert) else 0)


if __name__ == "__main__":
    main()
