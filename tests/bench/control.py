#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What control costs: a status, a restart by command, and what a flood of calls does to a restart;
beside supervisorctl, `sv` and `s6-svstat` where they are installed.

Like bench.py: all take turns in one run, the replaced programs tell themselves that they run, and
what counts is the ratio to a run of `true` (or to the same restart without load) of the same run.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import bench
import candidates
import measure
from measure import Life

# The promises: whole commands, in µs, beside a run of `true` in the same run.
STATUS_1000_US = 4100  # the fastest peer measured on a like machine (dinit)
STATUS_1000_CPU_US = 2000  # of vergerd
STATUS_1_OVER_TRUE_US = 1500
RESTART_OVER_TRUE_US = 2000
FLOOD_RATE = 10000  # calls a second
FLOOD_DELAY_US = 5000

SUPERVISORD_CONTROL = """
[unix_http_server]
file = {directory}/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{directory}/supervisor.sock
"""


class Controlled:
    """A supervisor with its commands; each takes the directory of its life and the number of programs."""

    def __init__(self, candidate, status, restart):
        self.candidate, self.status, self.restart = candidate, status, restart


def verger(tools, ctl, env=None):
    def socket(directory):
        return str(directory / "run" / "control.sock")

    def name(n):
        return "tiny" if n == 1 else "tiny:0"

    return Controlled(
        candidates.Candidate("vergerctl", candidates.verger(tools), "verger", env=env or {}),
        lambda directory, n: [ctl, "-s", socket(directory), "status"],
        lambda directory, n: [ctl, "-s", socket(directory), "restart", name(n)],
    )


def supervisor(tools):
    prepare = candidates.supervisord(tools)

    def with_control(directory, n):
        command = prepare(directory, n)
        with open(directory / "supervisord.conf", "a") as config:
            config.write(SUPERVISORD_CONTROL.format(directory=directory))
        return command

    def ctl(directory, *words):
        return ["/usr/bin/supervisorctl", "-c", str(directory / "supervisord.conf"), *words]

    return Controlled(
        candidates.Candidate("supervisorctl", with_control, "peer"),
        lambda directory, n: ctl(directory, "status"),
        lambda directory, n: ctl(directory, "restart", "tiny" if n == 0 else "tiny:0"),
    )


def runit(tools):
    def services(directory, n):
        return [str(directory / "services" / f"tiny-{i}") for i in range(n)]

    return Controlled(
        candidates.Candidate(
            "sv",
            candidates.service_folders(tools, "/usr/bin/runsvdir"),
            "peer",
            stop_signal=signal.SIGHUP,
            settle_s=1.5,  # a young service is made to wait for a second
        ),
        lambda directory, n: ["sv", "status", *services(directory, n)],
        lambda directory, n: ["sv", "restart", *services(directory, 1)],
    )


def s6(tools):
    def svstat(directory, n):
        folders = " ".join(f"{directory}/services/tiny-{i}" for i in range(n))
        return ["sh", "-c", f"for f in {folders}; do s6-svstat $f; done"]

    return Controlled(
        candidates.Candidate(
            "s6-svstat", candidates.service_folders(tools, "s6-svscan", "-c", "{n}"), "peer"
        ),
        svstat,
        lambda directory, n: ["s6-svc", "-r", str(directory / "services" / "tiny-0")],
    )


def installed(tools, ctl):
    yield verger(tools, ctl)
    if shutil.which("supervisorctl", path="/usr/bin"):
        yield supervisor(tools)
    if shutil.which("sv"):
        yield runit(tools)
    if shutil.which("s6-svstat") and shutil.which("s6-svscan"):
        yield s6(tools)


class Bench:
    def __init__(self, tools, ctl, flood, quick, say):
        self.tools, self.flood, self.quick, self.say = tools, flood, quick, say
        self.scratch = measure.Scratch()
        self.counts = [1, 20] if quick else [1, 100, 1000]
        self.rounds = 2 if quick else 5
        self.all = list(installed(tools, ctl))
        self.true, self.status, self.restart = bench.Samples(), bench.Samples(), bench.Samples()
        self.command, self.cpu, self.flooded = bench.Samples(), bench.Samples(), bench.Samples()
        self.answered = []
        self.failures = []

    def one(self, controlled, n):
        name = controlled.candidate.name
        repeats = 5 if self.quick else 20 if controlled.candidate.kind == "verger" else 3
        with Life(self.scratch, self.tools, controlled.candidate, n) as life:
            time.sleep(controlled.candidate.settle_s)
            env = {**os.environ, **controlled.candidate.env}
            before = measure.cpu_us([life.pid])
            times = measure.once(self.tools, controlled.status(life.directory, n), env, repeats)
            self.status.add(name, n, *times)
            after = measure.cpu_us([life.pid])
            if before is not None and controlled.candidate.kind == "verger":
                self.cpu.add(name, n, (after - before) / repeats)
            for told, whole in life.order(repeats, controlled.restart(life.directory, n)):
                self.restart.add(name, n, told)
                self.command.add(name, n, whole)
            life.stop()

    def under_flood(self, n):
        """kill -9 to the replacement, with and without somebody who asks without end."""
        controlled = self.all[0]
        seconds = 2 if self.quick else 4
        with Life(self.scratch, self.tools, controlled.candidate, n) as life:
            time.sleep(controlled.candidate.settle_s)
            kills = 10 if self.quick else 100
            for exec_us, _ in life.restart(kills):
                self.flooded.add("quiet", n, exec_us)
            for method, parameters in (
                ("Status", '{"names":["tiny:0"]}'),
                ("Status", "{}"),
            ):
                row = f"flood of {method} {parameters}"
                flood = subprocess.Popen(
                    [self.flood, life.directory / "run" / "control.sock", str(FLOOD_RATE),
                     str(seconds), f"io.verger.Supervisor.{method}", parameters],
                    stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                while flood.poll() is None:
                    for exec_us, _ in life.restart(5):
                        self.flooded.add(row, n, exec_us)
                self.answered.append((row, n, int(flood.stdout.read().split()[1]) / seconds))
            life.stop()

    def run(self):
        for number in range(self.rounds):
            for n in self.counts:
                self.say(f"{n} programs, round {number + 1} of {self.rounds}")
                self.true.add("true", n, *measure.once(self.tools, ["/bin/true"], {}, 20))
                for controlled in self.all:
                    if controlled.candidate.kind == "peer" and number >= 2:
                        continue
                    try:
                        self.one(controlled, n)
                    except measure.Failed as failure:
                        self.failures.append((controlled.candidate, n, str(failure)))
                        self.say(f"FAILED: {failure}")
        self.say("flood")
        self.under_flood(self.counts[-1])

    # --- what is said about it ---

    def sections(self):
        return [
            ("status, the whole command", "ms", self.status, 1000),
            ("processor time of the supervisor for one status", "µs", self.cpu, 1),
            ("restart of one by command: to the replacement's first instruction", "ms", self.restart, 1000),
            ("restart of one by command: the whole command", "ms", self.command, 1000),
            ("kill -9 to the replacement's first instruction", "ms", self.flooded, 1000),
            ("a run of true", "ms", self.true, 1000),
        ]

    def contracts(self):
        most = self.counts[-1]
        found = []

        def judge(what, value, limit):
            if value is not None:
                found.append((what, value, limit))

        def over_true(samples, n):
            value, true = samples.median("vergerctl", n), self.true.median("true", n)
            return value - true if value is not None else None

        judge(f"status of {most}, µs", self.status.median("vergerctl", most), STATUS_1000_US)
        judge(f"vergerd's processor time for it, µs", self.cpu.median("vergerctl", most),
              STATUS_1000_CPU_US)
        judge("status of 1, µs over true", over_true(self.status, 1), STATUS_1_OVER_TRUE_US)
        for n in self.counts:
            judge(f"restart of one of {n} by command, µs over true", over_true(self.restart, n),
                  RESTART_OVER_TRUE_US)
        quiet = self.flooded.median("quiet", most)
        for row in self.flooded.rows:
            if row != "quiet":
                judge(f"median delay of a restart by a {row}, µs",
                      self.flooded.median(row, most) - quiet, FLOOD_DELAY_US)
        return found

    def print_tables(self):
        for title, unit, samples, divisor in self.sections():
            bench.print_table(title, unit, samples, self.counts, None, divisor)
        for row, n, rate in self.answered:
            print(f"\n{row} with {n} programs: {rate:,.0f} answers a second")
        print("\ntargets")
        for what, value, limit in self.contracts():
            print(f"  {'met' if value <= limit else 'not met':8} {value:10.0f} of at most {limit:<6} {what}")

    def to_json(self):
        data = {title: samples.summary() for title, _, samples, _ in self.sections()}
        data["targets"] = [dict(zip(("what", "value", "limit"), line)) for line in self.contracts()]
        return data


def main():
    root = Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=root / "build" / "release")
    parser.add_argument("--quick", action="store_true", help="half a minute: does it all run?")
    parser.add_argument("--only", metavar="WORD", help="only candidates whose name holds it")
    parser.add_argument("--json", metavar="FILE", help="write everything there as well")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    ctl, flood = build / "src" / "ctl" / "vergerctl", build / "tests" / "bench" / "flood"
    for path in (ctl, flood):
        if not path.is_file():
            sys.exit(f"control: {path}: build it first, or name the build directory with --build")
    measure.adopt_orphans()
    run = Bench(bench.find_tools(build), str(ctl), str(flood), arguments.quick,
                lambda text: print(f"# {text}", file=sys.stderr, flush=True))
    if arguments.only:
        run.all = [c for c in run.all if arguments.only in c.candidate.name]
    try:
        run.run()
    finally:
        measure.end_descendants()
        run.scratch.remove()
    print(f"vergerctl {arguments.build}, {os.cpu_count()} processors, Linux {os.uname().release}")
    run.print_tables()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(run.to_json(), indent=1) + "\n")
    return any(candidate.kind == "verger" for candidate, _, _ in run.failures)


if __name__ == "__main__":
    sys.exit(main())
