#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The proof of L1, L2 and L3: numbered lines from many programs, through rotations, packing, reloads,
logs that are renamed by hand and opened again, readers that stand still, a disk that fills up and is
freed, programs that are killed and restarted.

With log_stalled = block no line may be missing, doubled, cut or out of order; with drop the lines
that are not there must be exactly those that vergerd says it has lost.  What happens is drawn from
--seed; when, follows from how far the programs are, never from the clock.
"""

import argparse
import ctypes
import json
import mmap
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE_S = 120  # nothing at all has happened for so long: it never will
COMMAND_S = 60  # of a vergerctl
WITHOUT_END = 1 << 62
IN_NAMESPACE = "VERGER_PROOF_IN_NAMESPACE"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

ROTATED = re.compile(r"-(\d{8}T\d{6}\.\d{6}Z)(\.gz|\.zst|\.xz)?")
UNPACK = {None: ["cat"], ".gz": ["gzip", "-dc"], ".zst": ["zstd", "-qdc"], ".xz": ["xz", "-dc"]}
PACKERS = {"gzip": "gzip", "zstd": "zstd", "xz": "xz"}
VERSE = re.compile(rb"@@(\w+) (\d+) (\d+) ")


class Failed(Exception):
    """The proof cannot go on."""


def die_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_children():
    """Ends what a vergerd that was killed has left: it has come to us."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    while children := mine.read_text().split():
        for pid in map(int, children):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def await_(condition, what, patience=PATIENCE_S):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"in vain for {patience} s: {what}")
        time.sleep(0.005)


class Ledger:
    """ledger.h seen from here."""

    LIVES_MAX = 1023
    SIZE = 32 + LIVES_MAX * 32

    def __init__(self, path):
        self.path = path
        with open(path, "wb+") as file:
            file.truncate(self.SIZE)
            self.map = mmap.mmap(file.fileno(), self.SIZE)

    def allow(self, line):
        struct.pack_into("Q", self.map, 0, line)

    def done(self):
        """The last line that is written for certain, by the life under way."""
        lives = struct.unpack_from("Q", self.map, 16)[0]
        return struct.unpack_from("Q", self.map, 32 + (lives - 1) * 32 + 8)[0] if lives else 0


class Log:
    """A target: a file with those that were rotated from it, or a FIFO with its reader."""

    def __init__(self, name, path, keys, place="file"):
        self.name, self.path, self.keys, self.place = name, path, keys, place
        self.programs = []
        self.by_hand = []  # (path, rotated names before, rotated names after)
        self.lives_in = path  # where its bytes are in the end; of a FIFO: the reader's file
        self.reader = None

    @property
    def drops(self):
        return self.keys.get("log_stalled") == "drop"

    def rotated(self):
        """{stamp: suffix}; where a file is there both plain and packed the plain one counts."""
        found = {}
        for entry in os.listdir(self.path.parent):
            if entry.startswith(self.path.name):
                match = ROTATED.fullmatch(entry[len(self.path.name) :])
                if match and found.get(match[1], "") is not None:
                    found[match[1]] = match[2]
        return found


class Program:
    def __init__(self, name, log, lines, seed, sizes, buffer, ledger):
        self.name, self.log, self.lines, self.seed = name, log, lines, seed
        self.sizes, self.buffer, self.ledger = sizes, buffer, ledger
        log.programs.append(self)

    def command(self, scribe):
        numbers = (self.lines, self.seed, *self.sizes, self.buffer, self.ledger.path)
        return " ".join(map(str, (scribe, self.name, *numbers)))


class Cast:
    """Who takes part."""

    def __init__(self, root, lines, rng, with_disk):
        self.root, self.rng = root, rng
        self.logs, self.programs = [], []
        self.small = root / "small" if with_disk else None
        self.lines = max(lines // (18 + bool(with_disk) + 2 * 3 + bool(with_disk) * 3), 100)
        # eight files each, if nothing happened
        self.size = max(self.lines * 150 // 8, 100_000)
        for directory in ("logs", "ledgers", "run"):
            (root / directory).mkdir()
        self._captured()
        self._shared()
        self._others()
        if with_disk:
            self._on_small_disk()

    def _log(self, name, keys, place="file", directory="logs"):
        log = Log(name, self.root / directory / name, dict(keys), place)
        self.logs.append(log)
        return log

    def _program(self, name, log, factor=1, long_lines=True):
        least = self.rng.randint(64, 120)
        sizes = (least, least + self.rng.choice((80, 150, 600)), 500, 5000 if long_lines else 0)
        buffer = self.rng.choice((0, 0, 300, 4096, 65536))
        ledger = Ledger(self.root / "ledgers" / name)
        program = Program(
            name, log, self.lines * factor, self.rng.randrange(1 << 30), sizes, buffer, ledger
        )
        self.programs.append(program)

    def _captured(self):
        packers = [p for p in PACKERS if shutil.which(p)] + ["no"] * 4
        for i in range(9):
            form = ("raw", "timestamp", "prefix", "json")[i % 4]
            keys = {"log_format": form, "log_max_size": self.size, "log_keep": 10000}
            keys["log_compress"] = packers[i % len(packers)]
            self._program(f"own{i}", self._log(f"own{i}.log", keys))

    def _shared(self):
        """Lines of several programs in one file.  Raw, nothing tells whose a piece of a long line is."""
        for form, count in (("prefix", 3), ("raw", 2), ("json", 2)):
            keys = {"log_format": form, "log_max_size": self.size * 2, "log_keep": 10000}
            log = self._log(f"shared-{form}.log", keys)
            for i in range(count):
                self._program(f"{form}{i}", log, long_lines=form != "raw")

    def _others(self):
        self._program("direct", self._log("direct.log", {}))
        self._program("fifo", self._log("fifo", {"log_format": "prefix"}, "fifo"))
        for form in ("raw", "json"):
            keys = {"log_format": form, "log_stalled": "drop"}
            log = self._log(f"drop-{form}", keys, "fifo")
            self._program(f"drop{form}", log, factor=3, long_lines=False)

    def _on_small_disk(self):
        """Rotated files would be removed from a full disk, as they should be: these have none."""
        keys = {"log_format": "raw", "log_max_size": "1T"}
        self._program("disk", self._log("disk.log", keys, "disk", "small"))
        keys = {"log_format": "timestamp", "log_max_size": "1T", "log_stalled": "drop"}
        log = self._log("drop-disk.log", keys, "disk", "small")
        self._program("dropdisk", log, factor=3, long_lines=False)

    def small_disk_size(self):
        return max(self.lines * 150, 400_000)


class Daemon:
    def __init__(self, root, build, cast):
        self.root, self.cast = root, cast
        self.ctl = build / "src" / "ctl" / "vergerctl"
        self.scribe = build / "tests" / "proof" / "scribe"
        self.config = root / "verger.ini"
        self.slowest = 0.0
        self.write_config()
        with open(root / "vergerd.log", "wb") as log:
            self.process = subprocess.Popen(
                [build / "src" / "daemon" / "vergerd", "-c", self.config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=root,
                preexec_fn=die_with_us,
            )
        self.socket = root / "run" / "control.sock"
        await_(self.socket.exists, "the control socket")

    def write_config(self):
        text = (
            f"[verger]\nrun_dir = {self.root}/run\nexit_when = all\n\n[defaults]\n"
            "restart = on-failure\nrestart_delay = 0\nmin_uptime = 0\nstart_limit = none\n"
            "stop_timeout = 1s\npidfile =\nstderr = stdout\n"
        )
        text += "\n[program:last]\ncommand = sleep infinity\nstdout = null\nrestart = never\n"
        for log in self.cast.logs:
            for program in log.programs:
                text += f"\n[program:{program.name}]\ncommand = {program.command(self.scribe)}\n"
                text += f"stdout = {log.path}\n"
                text += "".join(f"{key} = {value}\n" for key, value in log.keys.items())
        self.config.write_text(text)

    def is_up(self):
        return self.process.poll() is None

    def order(self, *words, good=(0,)):
        began = time.monotonic()
        try:
            done = subprocess.run(
                [self.ctl, "-s", self.socket, *words],
                capture_output=True,
                text=True,
                timeout=COMMAND_S,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"vergerctl {' '.join(words)}: no answer in {COMMAND_S} s") from None
        self.slowest = max(self.slowest, time.monotonic() - began)
        if done.returncode not in good and self.is_up():
            raise Failed(f"vergerctl {' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")

    def status(self):
        command = [self.ctl, "-s", self.socket, "--json", "status"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S)
        return json.loads(done.stdout)["programs"]

    def has_open(self, inode):
        directory = f"/proc/{self.process.pid}/fd"
        try:
            for fd in os.listdir(directory):
                try:
                    status = os.stat(f"{directory}/{fd}")
                except FileNotFoundError:
                    continue
                if (status.st_dev, status.st_ino) == inode:
                    return True
        except FileNotFoundError:
            pass
        return False

    def end(self):
        if self.is_up():
            self.process.kill()
        self.process.wait()


class Story:
    """What happens, step by step; every step lets all programs write some lines more."""

    def __init__(self, cast, daemon, steps, rng, say):
        self.cast, self.daemon, self.steps, self.rng, self.say = cast, daemon, steps, rng, say
        self.standing = 0  # steps for which the readers of the FIFOs stand still
        self.full = 0  # steps for which the small disk has been full
        self.counts = {}
        self.fifos = {log: os.open(log.path, os.O_RDWR | os.O_CLOEXEC) for log in self.with_fifo()}

    def with_fifo(self):
        return [log for log in self.cast.logs if log.place == "fifo"]

    def on_disk(self):
        return [log for log in self.cast.logs if log.place == "disk"]

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    # --- readers of FIFOs ---

    def start_readers(self):
        for log in self.with_fifo():
            log.lives_in = log.path.with_name(log.path.name + ".read")
            with open(log.lives_in, "wb") as out:
                log.reader = subprocess.Popen(["cat", log.path], stdout=out, preexec_fn=die_with_us)

    def stand_still(self, steps):
        if not self.standing:
            for log in self.with_fifo():
                log.reader.send_signal(signal.SIGSTOP)
            self.count("readers stopped")
        self.standing = max(self.standing, steps)

    def go_on(self):
        for log in self.with_fifo():
            log.reader.send_signal(signal.SIGCONT)
        self.standing = 0

    def end_readers(self):
        """At their end when nobody has the FIFO open any more, neither vergerd nor we."""
        for log, fd in self.fifos.items():
            os.close(fd)
            log.reader.wait(timeout=PATIENCE_S)

    # --- the small disk ---

    def is_full(self):
        return self.cast.small and os.statvfs(self.cast.small).f_bavail == 0

    def free_disk(self):
        """Takes what has been written so far to another place, once vergerd has let go of it."""
        moved = []
        for log in self.on_disk():
            if log.path.exists():
                status = os.stat(log.path)
                moved.append((log, self.rename_by_hand(log), (status.st_dev, status.st_ino)))
        self.daemon.order("logs", "--reopen")
        for log, path, inode in moved:
            await_(lambda i=inode: not self.daemon.has_open(i), f"{log.name} is opened anew")
            kept = self.cast.root / "logs" / path.name
            shutil.copyfile(path, kept)
            os.unlink(path)
            log.by_hand[-1] = (kept, *log.by_hand[-1][1:])
        self.count("disk full and freed")
        self.full = 0

    # --- what may happen ---

    def rename_by_hand(self, log):
        before = set(log.rotated())
        path = log.path.with_name(f"{log.path.name}.hand{len(log.by_hand)}")
        os.rename(log.path, path)
        log.by_hand.append((path, before, set(log.rotated())))
        return path

    def logrotate(self):
        """As logrotate does it, with `create` or without, and the signal afterwards."""
        logs = [log for log in self.cast.logs if log.place == "file" and log.keys]
        for log in self.rng.sample(logs, self.rng.randint(1, 5)):
            try:
                self.rename_by_hand(log)
            except FileNotFoundError:
                continue  # between two files just now
            self.count("renamed by hand")
            if self.rng.random() < 0.5:
                try:
                    os.close(os.open(log.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                except FileExistsError:
                    pass
        if self.rng.random() < 0.5:
            self.daemon.order("logs", "--reopen")
        elif self.daemon.is_up():
            self.daemon.process.send_signal(signal.SIGUSR2)
        self.count("opened anew")

    def reload(self):
        """Other sizes and formats, where the program of a piece of a line can still be told."""
        for log in self.cast.logs:
            if "log_keep" not in log.keys or self.rng.random() < 0.5:
                continue
            log.keys["log_max_size"] = int(self.cast.size * self.rng.uniform(0.7, 2))
            if log.name != "shared-raw.log":
                forms = ["prefix", "json"]
                if len(log.programs) == 1:
                    forms += ["timestamp", "raw"]
                log.keys["log_format"] = self.rng.choice(forms)
        self.daemon.write_config()
        self.daemon.order("reload")
        self.count("reloads")

    def kill(self):
        """Rather one that waits for its log: it dies in the middle of a line."""
        mortal = [p for p in self.cast.programs if not p.log.drops]
        waiting = [p for p in mortal if p not in self.must_go_on()]
        program = self.rng.choice(waiting * 4 + mortal)
        self.daemon.order("signal", program.name, "KILL", good=(0, 1, 3))
        self.count("killed")

    def restart(self):
        program = self.rng.choice([p for p in self.cast.programs if not p.log.drops])
        self.daemon.order("restart", program.name, good=(0, 1))
        self.count("restarted")

    def stall(self):
        self.stand_still(self.rng.randint(1, 3))

    # --- the plot ---

    def must_go_on(self):
        """Whoever has no reason to wait: those that drop never have one (L2)."""
        return [
            p
            for p in self.cast.programs
            if p.log.drops
            or not (p.log.place == "fifo" and self.standing)
            and not (p.log.place == "disk" and self.full)
        ]

    def await_programs(self, line_of):
        """Until all have come to their line; a full disk is noticed on the way."""
        last, since = None, time.monotonic()
        while True:
            if not self.full and self.is_full():
                self.full = 1
            # read before it is looked whether they may wait
            behind = [p for p in self.must_go_on() if p.ledger.done() < line_of(p)]
            if not behind:
                return
            now = [p.ledger.done() for p in self.cast.programs]
            if now != last:
                last, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE_S:
                names = " ".join(f"{p.name}:{p.ledger.done()}/{line_of(p)}" for p in behind)
                raise Failed(f"stand still though nothing holds them: {names}")
            if not self.daemon.is_up() and any(p.ledger.done() < line_of(p) for p in behind):
                raise Failed("vergerd has ended before the programs")
            time.sleep(0.002)

    def step(self, number):
        for program in self.cast.programs:
            program.ledger.allow(program.lines * (number + 1) // self.steps)
        if number == self.steps // 4:
            self.stand_still(self.steps // 4)
        for action in self.rng.choices(
            (self.logrotate, self.reload, self.kill, self.restart, self.stall),
            weights=(3, 3, 4, 2, 1),
            k=self.rng.randint(1, 3),
        ):
            action()
        # a buffered line is finished when the next one is allowed
        self.await_programs(lambda p: p.lines * (number + 1) // self.steps)
        if self.standing == 1:
            self.go_on()
        self.standing = max(0, self.standing - 1)
        if self.full > 2:
            self.free_disk()
        elif self.full:
            self.full += 1

    def run(self):
        for number in range(self.steps - 1):
            self.say(f"step {number + 1} of {self.steps}")
            self.step(number)
        self.say("to the end")
        self.go_on()
        for program in self.cast.programs:
            program.ledger.allow(WITHOUT_END)
        await_(self.is_at_rest, "all programs have ended and all logs have taken what they wrote")
        self.await_packing()
        self.daemon.order("stop", "last", good=(0, 1))
        await_(lambda: not self.daemon.is_up(), "vergerd ends after the programs")
        if self.daemon.process.returncode != 0:
            raise Failed(f"vergerd ended with {self.daemon.process.returncode}")
        self.end_readers()

    def await_packing(self):
        """The packers have what the machine has left over: they may be slow, but not stand still."""
        last, since = None, time.monotonic()
        while state := self.packing():
            if state != last:
                last, since = state, time.monotonic()
            if time.monotonic() - since > PATIENCE_S:
                raise Failed(f"rotated files are not packed: {' '.join(sorted(state))}")
            time.sleep(0.05)

    def packing(self):
        """{file that is not packed yet: size of what it becomes}"""
        found = {}
        for log in self.cast.logs:
            if log.keys.get("log_compress", "no") == "no":
                continue
            for stamp, suffix in log.rotated().items():
                if suffix is None:
                    found[f"{log.path.name}-{stamp}"] = 0
        for entry in os.scandir(self.cast.root / "logs"):
            name = entry.name.rpartition("Z.")[0] + "Z"
            if entry.name.endswith(".tmp") and name in found:
                try:
                    found[name] = entry.stat().st_size
                except FileNotFoundError:
                    pass  # packed just now
        return found

    def is_at_rest(self):
        """A vergerd that ends waits for no disk: so the last program is there until all is well."""
        if self.is_full():
            self.free_disk()
        states = self.daemon.status()
        return not any(
            state["name"] != "last" and state["state"] not in ("exited", "failed", "stopped")
            or "trouble" in json.dumps(state.get("log", {}))
            for state in states
        )


class Verdict:
    """Reads all logs and holds them against the ledgers."""

    def __init__(self, cast, auditor):
        self.cast, self.auditor = cast, auditor
        self.faults, self.rows, self.files, self.packed = [], [], 0, 0

    @staticmethod
    def first_numbers(path, suffix=None):
        """{program: the first line of it}"""
        found = {}
        with subprocess.Popen([*UNPACK[suffix], path], stdout=subprocess.PIPE) as unpack:
            for name, _, number in VERSE.findall(unpack.stdout.read()):
                found.setdefault(name, int(number))
        return found

    def is_later(self, path, other, suffix):
        ours, theirs = self.first_numbers(path), self.first_numbers(other, suffix)
        return any(ours[name] > theirs[name] for name in ours if name in theirs)

    def chain(self, log):
        """[(path, suffix, rotated by vergerd?)], the oldest first."""
        rotated = log.rotated()
        entries = []
        for stamp, suffix in rotated.items():
            path = log.path.with_name(f"{log.path.name}-{stamp}{suffix or ''}")
            entries.append(((stamp, 0, 0), path, suffix, True))
        for i, (path, before, after) in enumerate(log.by_hand):
            # rotated at the very moment of the renaming: only what is in them can tell
            stamps = before | {
                stamp
                for stamp in after - before
                if self.is_later(
                    path, log.path.with_name(f"{log.path.name}-{stamp}{rotated[stamp] or ''}"), rotated[stamp]
                )
            }
            entries.append(((max(stamps, default=""), 1, i), path, None, False))
        entries.sort(key=lambda entry: entry[0])
        if log.lives_in.exists():
            entries.append((None, log.lives_in, None, False))
        return [entry[1:] for entry in entries]

    def check_end(self, path, suffix):
        """L3: a rotated file ends at the end of a line."""
        if suffix:
            with subprocess.Popen([*UNPACK[suffix], path], stdout=subprocess.PIPE) as unpack:
                last = subprocess.run(["tail", "-c", "1"], stdin=unpack.stdout, capture_output=True).stdout
            if unpack.returncode != 0:
                self.faults.append(f"{path.name}: cannot be unpacked")
        else:
            with open(path, "rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - 1, 0))
                last = file.read()
        if last not in (b"\n", b""):
            self.faults.append(f"{path.name}: ends in the middle of a line")

    def read(self, log):
        words = [word for p in log.programs for word in (p.name, str(p.ledger.path))]
        auditor = subprocess.Popen(
            [self.auditor, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for path, suffix, by_vergerd in self.chain(log):
            self.files += 1
            self.packed += suffix is not None
            if by_vergerd:
                self.check_end(path, suffix)
            subprocess.run([*UNPACK[suffix], path], stdout=auditor.stdin, check=True)
        said = auditor.communicate()[0]
        if auditor.returncode != 0:
            raise Failed(f"{log.name}: the auditor failed")
        return {
            line.split()[0]: dict(zip(line.split()[1::2], map(int, line.split()[2::2])))
            for line in said.splitlines()
        }

    def fault(self, log, what):
        self.faults.append(f"{log.name}: {what}")

    def judge(self, log):
        said = self.read(log)
        lost = said.pop("log")
        for name, counts in said.items():
            self.rows.append((log, name, counts, lost))
            for what in ("doubled", "disordered"):
                if counts[what]:
                    self.fault(log, f"{name}: {counts[what]} lines {what}")
            if counts["torn"] > counts["excused"]:
                self.fault(log, f"{name}: {counts['torn']} lines cut, {counts['excused']} by kills")
            if counts["missing"] and not log.drops:
                self.fault(log, f"{name}: {counts['missing']} lines missing")
        torn, excused = (sum(counts[what] for counts in said.values()) for what in ("torn", "excused"))
        if lost["strange"] > max(0, excused - torn) * (len(said) > 1):
            self.fault(log, f"{lost['strange']} lines that nobody wrote")
        self.judge_losses(log, said, lost)

    def judge_losses(self, log, said, lost):
        missing, bytes_missing = (
            sum(counts[what] for counts in said.values()) for what in ("missing", "bytes")
        )
        if not log.drops:
            if lost["notes"]:
                self.fault(log, f"vergerd says that it lost {lost['lines']} lines of a log that blocks")
            return
        if (missing, bytes_missing) != (lost["lines"], lost["bytes"]):
            self.fault(
                log,
                f"{missing} lines, {bytes_missing} bytes are missing, and vergerd says "
                f"{lost['lines']} lines, {lost['bytes']} bytes",
            )
        if not lost["notes"]:
            self.fault(log, "nothing was lost: the run has proved nothing here")

    def run(self):
        for log in self.cast.logs:
            self.judge(log)

    def print_table(self):
        columns = ("written", "seen", "missing", "doubled", "disordered", "torn")
        print(f"  {'log':20}{'program':12}" + "".join(f"{name:>12}" for name in columns)
              + f"{'killed':>10}{'said lost':>12}")  # fmt: skip
        for log, name, counts, lost in self.rows:
            told = f"{lost['lines']:,}" if log.drops else "–"
            print(f"  {log.name:20}{name:12}" + "".join(f"{counts[c]:12,}" for c in columns)
                  + f"{counts['excused']:10,}{told:>12}")  # fmt: skip


def small_disk(root, size):
    """A tmpfs of a few megabytes, which nobody but us and what we start can see."""
    (root / "small").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "verger-proof", root / "small"]
    subprocess.run(command, check=True)


def why_no_disk():
    if os.geteuid() != 0:
        return "only root can mount one"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        return "a mount namespace of our own is not allowed here"
    return None


def parse_arguments():
    build = Path(__file__).resolve().parent.parent.parent / "build" / "dev"
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=build, help="build directory (%(default)s)")
    parser.add_argument("--lines", type=int, default=300_000, help="of all programs together (%(default)s)")
    parser.add_argument("--steps", type=int, default=24, help="how often something happens (%(default)s)")
    parser.add_argument("--seed", type=int, help="of a run that is to be repeated")
    parser.add_argument("--scratch", type=Path, help="where the logs are to be")
    parser.add_argument("--keep", action="store_true", help="leave the logs there; always after a failure")
    return parser.parse_args()


def perform(arguments, root, seed, say):
    rng = random.Random(seed)
    build = arguments.build.resolve()
    with_disk = IN_NAMESPACE in os.environ
    cast = Cast(root, arguments.lines, rng, with_disk)
    if with_disk:
        small_disk(root, cast.small_disk_size())
    for log in cast.logs:
        if log.place == "fifo":
            os.mkfifo(log.path)
    for program in cast.programs:
        program.ledger.allow(0)
    began = time.monotonic()
    daemon = Daemon(root, build, cast)
    story = Story(cast, daemon, arguments.steps, rng, say)
    try:
        story.start_readers()
        story.run()
    finally:
        daemon.end()
        for log in cast.logs:
            if log.reader and log.reader.poll() is None:
                log.reader.kill()
                log.reader.wait()
        end_children()
    ran = time.monotonic() - began
    say("reading")
    verdict = Verdict(cast, build / "tests" / "proof" / "auditor")
    verdict.run()
    total = sum(program.lines for program in cast.programs)
    print(f"{total:,} lines of {len(cast.programs)} programs in {ran:.0f} s, seed {seed}; "
          f"{verdict.files} files, {verdict.packed} packed")  # fmt: skip
    print("  " + ", ".join(f"{n} {what}" for what, n in sorted(story.counts.items()))
          + f"; the slowest command took {daemon.slowest * 1000:.0f} ms")  # fmt: skip
    verdict.print_table()
    for fault in verdict.faults:
        print(f"FAULT {fault}")
    print("verdict: " + ("FAULTS" if verdict.faults else "every line is accounted for"))
    return not verdict.faults


def main():
    arguments = parse_arguments()
    if IN_NAMESPACE not in os.environ:
        reason = why_no_disk()
        if not reason:
            os.environ[IN_NAMESPACE] = "1"
            os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, "-B", *sys.argv])
        print(f"skipped: a disk that fills up: {reason}")
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 31)
    root = Path(tempfile.mkdtemp(prefix="verger-proof-", dir=arguments.scratch))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    good = False
    try:
        good = perform(arguments, root, seed, lambda text: print(f"# {text}", file=sys.stderr, flush=True))
    except Failed as failure:
        print(f"FAULT {failure} (seed {seed})")
    if not good:
        log = (root / "vergerd.log").read_text(errors="replace")
        print(f"seed {seed}; everything is in {root}; the end of vergerd's log:\n{log[-3000:]}")
    if (root / "small").is_mount():
        subprocess.run(["umount", "-l", root / "small"], check=False)
    if good and not arguments.keep:
        shutil.rmtree(root)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
