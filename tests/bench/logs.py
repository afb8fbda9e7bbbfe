#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a log costs: throughput and processor time of vergerd, direct and captured, beside `cat >> file`
and beside svlogd, s6-log, multilog and supervisord where they are installed.

Like bench.py: all are up at once and take turns, round by round; what counts is the ratio to `cat` of
the same run.  The processor time is that of the logger alone, never of the program that writes.
"""

import argparse
import json
import os
import select
import shutil
import statistics
import sys
import time
from pathlib import Path

import bench
import loggers
import measure

# The promises (contract I5 and the issue of the logs).
I5_CPU_S_PER_GB = 0.6  # captured raw, 4-KiB writes
I5_THROUGHPUT = 1.0  # of cat, the same
MEMORY_MAX_KB = 16 * 1024  # resident, whatever programs do

CPUCLOCK_SCHED = 2  # of linux/posix-timers: the clock of a whole process, threads that have ended too
DEADLINE_S = 120
LINE = 100
WARM_UP = LINE * 10000  # bytes
SETTLE_S = 2.5  # then a program counts as up, and what its start needed has been given back
WRITES = [(100, "100-byte lines"), (4096, "4-KiB writes"), (65536, "64-KiB writes")]
CAT, DIRECT, RAW = "cat >> file", "verger, direct", "verger, captured raw"


class Failed(Exception):
    """A logger did not do what it was started for."""


def cpu_ns(pids):
    return sum(time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED) for pid in pids)


def size_of(directory):
    total = 0
    for entry in os.scandir(directory):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:
            pass  # renamed just now: counted at the next look
    return total


def await_size(directory, least, what):
    deadline = time.monotonic() + DEADLINE_S
    while (size := size_of(directory)) < least:
        if time.monotonic() > deadline:
            raise Failed(f"{what}: only {size} of {least} bytes are in the log")
        time.sleep(0.0002)
    return time.monotonic()


class Station:
    """One logger over one spout, up for the whole run; writes when it is told to."""

    def __init__(self, way, directory, spout):
        self.way, self.log = way, directory / "log"
        self.log.mkdir(parents=True)
        for fifo in ("orders", "reports"):
            os.mkfifo(directory / fifo)
        # read and write: neither end ever sees the other's end
        self.orders = os.open(directory / "orders", os.O_RDWR | os.O_CLOEXEC)
        self.reports = os.open(directory / "reports", os.O_RDWR | os.O_CLOEXEC)
        command = [str(spout), "orders", str(directory / "orders"), str(directory / "reports")]
        self.directory, self.stamp = directory, 0
        self.running = way.start(directory, command)

    def warm_up(self):
        """Everything has started and has been used once, and the length of a stamp is known."""
        self._write(4096, WARM_UP)
        if self.way.stamped:
            await_size(self.log, 4 * LINE, self.way.name)
            with open(self.log / "current", "rb") as log:
                self.stamp = len(log.readline()) - LINE
        await_size(self.log, self._expect(WARM_UP), self.way.name)
        self._sweep()

    def _expect(self, total):
        return total + total // LINE * self.stamp - self.way.slack

    def _write(self, size, total):
        os.write(self.orders, f"{size} {total}\n".encode())
        self._await_report()

    def _await_report(self):
        deadline = time.monotonic() + DEADLINE_S
        while not select.select([self.reports], [], [], 0.2)[0]:
            ended = any(process.poll() is not None for process in self.running.processes)
            if ended or time.monotonic() > deadline:
                errors = (self.directory / "stderr").read_text(errors="replace")
                raise Failed(f"{self.way.name}: {errors[-1000:] or 'the program cannot go on'}")
        os.read(self.reports, 64)

    def _sweep(self):
        """Empties the file that is written to, which all have opened for appending, and removes the
        rotated ones."""
        for entry in os.scandir(self.log):
            if entry.name == "current":
                os.truncate(entry.path, 0)
            elif entry.name not in ("config", "lock", "state"):
                os.unlink(entry.path)

    def write(self, size, total):
        """(seconds, CPU seconds of the logger)"""
        before, cpu = size_of(self.log), cpu_ns(self.running.pids)
        expected = before + self._expect(total)
        began = time.monotonic()
        self._write(size, total)
        ended = await_size(self.log, expected, self.way.name)
        used = cpu_ns(self.running.pids) - cpu
        if not self.way.slack and size_of(self.log) != expected:
            raise Failed(f"{self.way.name}: more in the log than was written")
        self._sweep()
        return ended - began, used / 1e9


class Plan:
    def __init__(self, quick):
        self.rounds = 1 if quick else 7
        megabyte = LINE * 10000
        self.total = {
            100: megabyte * (4 if quick else 64),
            4096: megabyte * (16 if quick else 384),
            65536: megabyte * (16 if quick else 384),
        }
        self.crowd = 40 if quick else 1000
        self.crowd_s = 2 if quick else 10
        self.hoard = LINE * 10000 * (4 if quick else 64)


class Bench:
    def __init__(self, build, plan, ways, places, say):
        self.spout = build / "tests" / "bench" / "spout"
        self.vergerd = build / "src" / "daemon" / "vergerd"
        self.plan, self.ways, self.places, self.say = plan, ways, places, say
        self.speed, self.cpu = {}, {}  # by place
        self.over_cat = bench.Samples()  # throughput, round by round
        self.crowd_cpu, self.crowd_pss = bench.Samples(), bench.Samples()
        self.memory, self.failures = [], []

    def fail(self, way, failure):
        self.failures.append((way.kind, str(failure)))
        self.say(f"FAILED: {failure}")

    def flat(self, place, directory):
        speed, cpu = self.speed[place], self.cpu[place] = bench.Samples(), bench.Samples()
        stations = []
        for i, way in enumerate(self.ways):
            try:
                station = Station(way, directory / str(i), self.spout)
                station.warm_up()
                stations.append(station)
            except (OSError, Failed) as failure:
                self.fail(way, failure)
        time.sleep(SETTLE_S)
        for number in range(self.plan.rounds):
            for size, name in WRITES:
                self.say(f"{place}: {name}, round {number + 1} of {self.plan.rounds}")
                # each begins a round in its turn: what was there before it is not always the same
                first = number % len(stations)
                rates = {}
                for station in stations[first:] + stations[:first]:
                    total = self.plan.total[size] // station.way.share
                    try:
                        seconds, used = station.write(size, total)
                    except (OSError, Failed) as failure:
                        self.fail(station.way, failure)
                        stations.remove(station)
                        continue
                    row = station.way.name
                    rates[row] = total / 1e6 / seconds
                    speed.add(row, size, rates[row])
                    cpu.add(row, size, used / (total / 1e9))
                for row, rate in rates.items():
                    if CAT in rates:
                        self.over_cat.add((place, row), size, rate / rates[CAT])
        measure.end_descendants()

    def crowd(self, directory):
        """Many programs that say a little, each into its own log."""
        n = self.plan.crowd
        why = measure.room_for(n * 2)
        for i, way in enumerate(way for way in self.ways if way.crowd):
            if why:
                self.say(f"skipped: {n} programs: {why}")
                return
            self.say(f"{n} programs: {way.name}")
            place = directory / f"crowd-{i}"
            (place / "log").mkdir(parents=True)
            try:
                running = way.crowd(place, [str(self.spout), "drip", "100"], n)
                self.await_crowd(way, place, n, running)
                time.sleep(1)
                used, began = cpu_ns(running.pids), time.monotonic()
                time.sleep(self.plan.crowd_s)
                seconds = time.monotonic() - began
                used = cpu_ns(running.pids) - used
                self.crowd_cpu.add(way.name, n, used / 1e6 / seconds)
                self.crowd_pss.add(way.name, n, measure.memory(running.pids)[0])
            except (OSError, Failed) as failure:
                self.fail(way, failure)
            measure.end_descendants()
            shutil.rmtree(place, ignore_errors=True)

    @staticmethod
    def await_crowd(way, place, n, running):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            logs = [p for p in place.glob("**/log/*") if p.name not in ("config", "lock", "state")]
            if sum(p.stat().st_size > 0 for p in logs) >= n:
                return
            ended = any(process.poll() is not None for process in running.processes)
            if ended or time.monotonic() > deadline:
                raise Failed(f"{way.name}: not all of {n} programs have a log")
            time.sleep(0.1)

    def hoard(self, directory):
        """The most that vergerd ever holds while programs write as fast as they can, one of them without
        any end of a line, two to a FIFO whose reader sleeps."""
        place = directory / "hoard"
        (place / "run").mkdir(parents=True)
        fifo = place / "fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDWR | os.O_CLOEXEC)  # open, and never read
        total = self.plan.hoard
        flat = [(f"flat-{i}", "flat 4096", f"{place}/flat-{i}", "timestamp", "block") for i in range(8)]
        flat.append(("endless", "endless 4096", f"{place}/endless", "json", "block"))
        stalled = [
            ("dropped", "flat 4096", str(fifo), "prefix", "drop"),
            ("blocked", "flat 4096", str(fifo) + "-2", "raw", "block"),
        ]
        os.mkfifo(str(fifo) + "-2")
        other = os.open(str(fifo) + "-2", os.O_RDWR | os.O_CLOEXEC)
        text = f"[verger]\nrun_dir = {place}/run\n"
        for name, words, target, form, when in flat + stalled:
            text += (
                f"\n[program:{name}]\ncommand = {self.spout} {words} {total}\npidfile =\n"
                f"stdout = {target}\nlog_max_size = 50M\nlog_keep = 200\n"
                f"log_format = {form}\nlog_stalled = {when}\n"
            )
        (place / "verger.ini").write_text(text)
        process = loggers.spawn(place, [str(self.vergerd), "-c", str(place / "verger.ini")])
        deadline = time.monotonic() + DEADLINE_S
        try:
            for name, _, target, form, _ in flat:
                least = total
                while sum(p.stat().st_size for p in place.glob(f"{name}*")) < least:
                    if time.monotonic() > deadline or process.poll() is not None:
                        errors = (place / "stderr").read_text(errors="replace")
                        raise Failed(f"{name}: not all is in the log; {errors[-1000:]}")
                    time.sleep(0.05)
            status = Path(f"/proc/{process.pid}/status").read_text()
            most = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
            self.memory.append(most)
        except (OSError, Failed) as failure:
            self.failures.append(("verger", str(failure)))
            self.say(f"FAILED: {failure}")
        os.close(reader)
        os.close(other)
        measure.end_descendants()
        shutil.rmtree(place, ignore_errors=True)

    def run(self):
        for place, directory in self.places:
            self.flat(place, directory)
        self.crowd(self.places[0][1])
        if any(way.kind == "verger" for way in self.ways):
            self.say("memory")
            self.hoard(self.places[0][1])

    # --- what is said about it ---

    def best_over_cat(self, place, row, size):
        """Of the least disturbed rounds: on a busy machine it is this that says something."""
        return max(self.speed[place].get(row, size)) / max(self.speed[place].get(CAT, size))

    def print_tables(self):
        columns = [size for size, _ in WRITES]
        for place, _ in self.places:
            speed, cpu = self.speed[place], self.cpu[place]
            print(f"\n{place}: MB/s (median; × cat: median of the rounds, best of each) and CPU-s/GB of the logger "
                  "(median; least)")
            print(f"  {'':28}" + "".join(f"{name:>38}" for _, name in WRITES))
            for row in speed.rows:
                line = f"  {row:28}"
                for size in columns:
                    if speed.get(row, size):
                        ratio = self.over_cat.median((place, row), size)
                        times = f"(×{ratio:.2f}, {self.best_over_cat(place, row, size):.2f})" if ratio else ""
                        line += (f"{speed.median(row, size):10,.0f} {times:13}"
                                 f"{cpu.median(row, size):7.2f} ({cpu.least(row, size):.2f})")
                    else:
                        line += f"{'–':>38}"
                print(line)
        n = self.plan.crowd
        print(f"\n{n:,} programs that write 10 lines a second each: CPU-ms of the logger a second; PSS in kB")
        for row in self.crowd_cpu.rows:
            print(f"  {row:28}{self.crowd_cpu.median(row, n):10.1f}{self.crowd_pss.median(row, n):12,.0f}")
        for most in self.memory:
            print(f"\nthe most that vergerd had resident under 11 programs that write all they can: {most:,} kB")

    def contracts(self):
        """[(what, value, limit, met, asserted)]"""
        found = []
        for place, _ in self.places:
            cpu, name = self.cpu[place], f"{place}: "
            for size, what in WRITES:
                if cpu.get(DIRECT, size):
                    most = max(cpu.get(DIRECT, size))
                    found.append((f"I5 {name}direct, CPU-s/GB, {what}", most, 0, most == 0, True))
            value = cpu.median(RAW, 4096)
            if value is not None:
                found.append((f"I5 {name}captured raw, CPU-s/GB, 4-KiB writes", value, I5_CPU_S_PER_GB,
                              value <= I5_CPU_S_PER_GB, False))
            value = self.over_cat.median((place, RAW), 4096)
            if value is not None:
                for of, ratio in ("the rounds", value), ("the best", self.best_over_cat(place, RAW, 4096)):
                    found.append((f"{name}captured raw, × cat's MB/s, 4-KiB writes, {of} (at least)", ratio,
                                  I5_THROUGHPUT, ratio >= I5_THROUGHPUT, False))
            found += self.against_peers(place)
        for most in self.memory:
            found.append(("most resident memory, kB", most, MEMORY_MAX_KB, most <= MEMORY_MAX_KB, True))
        return found

    def against_peers(self, place):
        """Captured raw and stamped beside the best of the peers that do the same."""
        speed, found = self.speed[place], []
        for ours, stamped in ((RAW, False), ("verger, captured timestamp", True)):
            peers = [w.name for w in self.ways if w.kind == "peer" and w.stamped == stamped]
            for size, what in WRITES:
                value = speed.median(ours, size)
                best = max((speed.median(p, size) or 0 for p in peers), default=0)
                if value and best:
                    found.append((f"{place}: {ours}, × the best peer's MB/s, {what} (at least)", value / best,
                                  1, value >= best, False))
        return found

    def print_contracts(self):
        print("\ntargets")
        for what, value, limit, met, asserted in self.contracts():
            verdict = "met" if met else ("BROKEN" if asserted else "not met")
            print(f"  {verdict:8} {value:12.3f}, target {limit:<6} {what}")

    def to_json(self):
        data = {}
        for place, _ in self.places:
            data[f"{place}: MB/s"] = self.speed[place].summary()
            data[f"{place}: CPU-s/GB"] = self.cpu[place].summary()
        data["crowd: CPU-ms a second"] = self.crowd_cpu.summary()
        data["crowd: PSS kB"] = self.crowd_pss.summary()
        data["targets"] = [
            dict(zip(("what", "value", "limit", "met", "asserted"), line)) for line in self.contracts()
        ]
        data["failures"] = self.failures
        return data


def parse_arguments():
    root = Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=root / "build" / "release")
    parser.add_argument("--quick", action="store_true", help="half a minute: does it all run?")
    parser.add_argument("--only", metavar="WORD", help="only loggers whose name holds it, and cat")
    parser.add_argument("--disk", default="/var/tmp", help="directory on a disk (%(default)s)")
    parser.add_argument("--no-assert", action="store_true", help="broken contracts are no failure")
    parser.add_argument("--json", metavar="FILE", help="write everything there as well")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    for path in (build / "src" / "daemon" / "vergerd", build / "tests" / "bench" / "spout"):
        if not path.is_file():
            sys.exit(f"logs: {path}: build it first, or name the build directory with --build")
    ways = loggers.all_ways(build / "src" / "daemon" / "vergerd")
    if arguments.only:
        ways = [way for way in ways if way.kind == "limit" or arguments.only in way.name]
    places = loggers.places(arguments.disk)
    if arguments.quick:
        places, unused = places[:1], places[1:]
        for _, directory in unused:
            directory.rmdir()
    measure.adopt_orphans()
    run = Bench(build, Plan(arguments.quick), ways, places,
                lambda text: print(f"# {text}", file=sys.stderr, flush=True))
    began = time.monotonic()
    try:
        run.run()
    finally:
        measure.end_descendants()
        for _, directory in places:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"vergerd {arguments.build}, {os.cpu_count()} processors, Linux {os.uname().release}, "
          f"{time.monotonic() - began:.0f} s")
    run.print_tables()
    run.print_contracts()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(run.to_json(), indent=1, ensure_ascii=False) + "\n")
    ours_failed = any(kind != "peer" for kind, _ in run.failures)
    broken = any(asserted and not met for _, _, _, met, asserted in run.contracts())
    return 1 if ours_failed or (broken and not arguments.no_assert) else 0


if __name__ == "__main__":
    sys.exit(main())
