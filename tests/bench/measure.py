# SPDX-License-Identifier: MIT
"""One life of one candidate: started by the gauge, measured, stopped; and what /proc tells of it."""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from candidates import clean_environment

PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """A candidate did not do what it was started for."""


def adopt_orphans():
    """Makes us the parent of whatever loses its own, so that nothing we started can get away."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        below = children(todo.pop())
        found += below
        todo += below
    return found


def end_descendants():
    """Ends everything we have started."""
    while left := descendants(os.getpid()):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.01)


def name_of(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def supervisors(pid):
    """The processes that a candidate needs for itself: all but the programs."""
    return [pid, *(p for p in descendants(pid) if name_of(p) not in ("tiny", "run"))]


def memory(pids):
    """(PSS, private) of all of them together, in kB."""
    pss = private = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            key, _, value = line.partition(":")
            if key == "Pss":
                pss += int(value.split()[0])
            elif key in ("Private_Clean", "Private_Dirty"):
                private += int(value.split()[0])
    return pss, private


def context_switches(pids):
    """Voluntary and involuntary switches of all their threads so far."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            for line in Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines():
                if "ctxt_switches" in line:
                    total += int(line.split()[1])
    return total


def cpu_us(pids):
    """Time they have run so far; None where the kernel does not keep it."""
    try:
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1000
    except FileNotFoundError:
        return None


def room_for(n):
    """Why this machine cannot run n programs at once; None when it can."""
    free = int(Path("/proc/sys/kernel/pid_max").read_text()) - len(os.listdir("/proc"))
    if free < n * 1.5:
        return f"only {free} PIDs are free"
    for what, limit in (("open files", resource.RLIMIT_NOFILE), ("processes", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY and hard < n + 200:
            return f"only {hard} {what} are allowed"
    return None


class Scratch:
    """A directory on a tmpfs, where there is one, for configurations and PID files."""

    def __init__(self):
        shm = Path("/dev/shm")
        parent = shm if os.access(shm, os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="verger-bench-", dir=parent))
        self.count = 0

    def fresh(self):
        self.count += 1
        directory = self.root / str(self.count)
        (directory / "run").mkdir(parents=True)
        (directory / "cwd").mkdir()  # without a FIFO "report": tiny tells to its standard output
        return directory

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Life:
    """A candidate that runs N programs, as a context manager; stop() ends it in good order."""

    def __init__(self, scratch, tools, candidate, n):
        self.scratch, self.candidate = scratch, candidate
        self.directory = scratch.fresh()
        command = candidate.prepare(self.directory, n)
        files = ["--pidfiles", str(self.directory / "run")] if candidate.pidfiles else []
        self.errors = self.directory / "stderr"
        with open(self.errors, "wb") as errors:
            self.gauge = subprocess.Popen(
                [tools.gauge, *files, "--report", self.directory / "report", str(n), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self.directory / "cwd",
                env=clean_environment(candidate.env),
                text=True,
            )

    def __enter__(self):
        word, time_us, pid = self._answer("started")
        self.start_us, self.pid = int(time_us), int(pid)
        return self

    def __exit__(self, failure, *_):
        if failure:
            end_descendants()
        self.gauge.stdin.close()
        self.gauge.stdout.close()
        self.gauge.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answer(self, *expected):
        words = self.gauge.stdout.readline().split()
        if not words or words[0] not in expected:
            tail = self.errors.read_text(errors="replace")[-2000:]
            raise Failed(f"{self.candidate.name}: {tail or 'the gauge has ended'}")
        return words

    def _order(self, text):
        self.gauge.stdin.write(text + "\n")
        self.gauge.stdin.flush()

    def restart(self, rounds):
        """Kills programs; [(time of exec, time of PID file or -1)] in µs."""
        self._order(f"restart {rounds} {self.candidate.restart_pause_ms}")
        times = []
        while (answer := self._answer("restarted", "done"))[0] != "done":
            times.append((int(answer[1]), int(answer[2])))
        return times

    def order(self, rounds, command, pause_ms=5):
        """Runs a command that makes a program start anew; [(time of its exec, of the command)]."""
        words = " ".join(str(word) for word in command)
        self._order(f"order {rounds} {pause_ms} {words}")
        times = []
        while (answer := self._answer("ordered", "done"))[0] != "done":
            times.append((int(answer[1]), int(answer[2])))
        return times

    def stop(self):
        """Time in µs until nothing of it is left."""
        self._order(f"stop {int(self.candidate.stop_signal)}")
        return int(self._answer("stopped")[1])

    def memory(self):
        return memory(supervisors(self.pid))

    def cpu_us(self):
        """What it and its programs have used of the processors."""
        return cpu_us([self.pid, *descendants(self.pid)])

    def context_switches(self):
        return context_switches(supervisors(self.pid))


def once(tools, command, env, rounds):
    """Times in µs of whole runs of a command."""
    done = subprocess.run(
        [tools.gauge, "--once", str(rounds), *command],
        capture_output=True,
        text=True,
        env=clean_environment(env),
        timeout=120,
    )
    if done.returncode != 0:
        raise Failed(f"{command}: {done.stderr[-2000:]}")
    return [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("once ")]
