# SPDX-License-Identifier: MIT
"""Processes as /proc shows them: who lives, whose child it is, and how to leave none behind.

The test process makes itself a subreaper, so that whatever a vergerd under test loses comes to us
and is seen, and cannot hide from a test by leaving its session or its parent.
"""

import ctypes
import os
import signal
import time
from typing import NamedTuple, Optional

PR_SET_CHILD_SUBREAPER = 36

# How patient waits are; slow builds (sanitizers, valgrind) raise it.  A deadline is there to end a
# test that has failed, not to measure anything: it may be long, because it costs nothing as long as
# all is well, and a machine that others keep busy reaches a short one.
PATIENCE = float(os.environ.get("VERGER_TEST_PATIENCE", "1"))
DEADLINE = 30.0 * PATIENCE


class TooLate(AssertionError):
    """Something did not come about before its deadline."""


def eventually(condition, what, seconds=None):
    """Waits until condition() is true and returns what it returned; fails naming `what`."""
    deadline = time.monotonic() + (DEADLINE if seconds is None else seconds * PATIENCE)
    pause = 0.001
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise TooLate(f"waited in vain: {said}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def always(condition, what, seconds):
    """Holds that condition() stays true for a while: for things that must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what
        time.sleep(0.005)


def in_one_of(tries, measure, is_good):
    """For what can only be shown by measuring: measures until it is good, at most `tries` times, and
    fails with all results.  What others on the machine do to a measurement comes once; what the
    program under test does to it comes each time."""
    results = []
    for _ in range(tries):
        results.append(measure())
        if is_good(results[-1]):
            return
    raise AssertionError(f"never good in {tries} tries: {results}")


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that tests ask for."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    nice: int
    started: int


def stat(pid) -> Optional[Stat]:
    """None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the name may hold blanks and parentheses: everything up to the last one belongs to it
    name = text[text.index("(") + 1 : text.rindex(")")]
    rest = text[text.rindex(")") + 2 :].split()
    state, parent, group, session = rest[0], int(rest[1]), int(rest[2]), int(rest[3])
    return Stat(int(pid), name, state, parent, group, session, int(rest[16]), int(rest[19]))


def all_stats():
    found = (stat(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [process for process in found if process]


def children(pid):
    return [process.pid for process in all_stats() if process.parent == pid]


def descendants(pid):
    """Everything below `pid`, zombies included, parents before children."""
    by_parent = {}
    for process in all_stats():
        by_parent.setdefault(process.parent, []).append(process)
    found, todo = [], [pid]
    while todo:
        below = by_parent.get(todo.pop(0), [])
        found += below
        todo += [process.pid for process in below]
    return found


def exists(pid):
    """Whether the number is taken, be it by a zombie."""
    return stat(pid) is not None


def is_alive(pid):
    process = stat(pid)
    return process is not None and process.state not in "ZX"


def wait_gone(pid, seconds=None):
    eventually(lambda: not exists(pid), f"process {pid} to be gone: {stat(pid)}", seconds)


def words(pid):
    """The command line, as a list; empty for a moment while the process execs, and when it is gone."""
    try:
        return read(pid, "cmdline").decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def has_words(process):
    """Whether it has its command line, which zombies have not any more."""
    return process.state == "Z" or bool(words(process.pid)) or not exists(process.pid)


def environment(pid):
    # empty for a moment while the process execs
    eventually(lambda: read(pid, "environ"), f"an environment of process {pid}")
    pairs = read(pid, "environ").decode(errors="surrogateescape").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def status(pid):
    """/proc/PID/status as a dictionary of strings; an empty one when there is no such process."""
    try:
        lines = read(pid, "status").decode(errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def signal_set(pid, field):
    """Signals in SigIgn, SigBlk, SigCgt … of /proc/PID/status."""
    mask = int(status(pid).get(field, "0"), 16)
    return {number for number in range(1, 65) if mask & (1 << (number - 1))}


def descriptors(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def await_descriptors(pid, expected):
    """Waits until the process has these descriptors and no other: the loader of a program opens and
    closes some of its own before main(), however long that takes, but what has leaked stays."""
    eventually(
        lambda: set(descriptors(pid)) == set(expected),
        lambda: f"process {pid} to have no descriptors but {expected}: {descriptors(pid)}",
    )
    return descriptors(pid)


def listens(pid, *signals):
    """Whether the process has a handler for each of these signals by now."""
    return set(signals) <= signal_set(pid, "SigCgt")


def is_at_rest(pids, seconds=0.2):
    """Whether none of them has done anything for this long: they have come to where they wait."""

    def look():
        found = [(stat(pid), status(pid)) for pid in pids]
        return [
            (process.state, facts.get("voluntary_ctxt_switches"), facts.get("nonvoluntary_ctxt_switches"))
            for process, facts in found
            if process
        ]

    before = look()
    time.sleep(seconds)
    return len(before) == len(pids) and all(state == "S" for state, *_ in before) and look() == before


def limits(pid, name):
    """(soft, hard) of a line of /proc/PID/limits, as strings."""
    for line in read(pid, "limits").decode().splitlines():
        if line.startswith(name):
            soft, hard = line[len(name) :].split()[:2]
            return soft, hard
    raise KeyError(name)


def read(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def become_subreaper():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def reap_strays(known):
    """Reaps dead children of ours that nobody waits for; `known` are those somebody does wait for."""
    if not known:
        # without a look at anybody: what forks without end leaves thousands, and takes all PIDs
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        return
    for pid in children(os.getpid()):
        if pid not in known:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def strays(known=()):
    """What has been left below us."""
    return [process for process in descendants(os.getpid()) if process.pid not in known]


def end_strays(known=()):
    """Kills whatever has been left below us, each by its PID, until nothing is."""

    def nothing_left():
        left = strays(known)
        for process in left:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap_strays(known)
        return not left

    eventually(nothing_left, lambda: f"left-over processes to die: {strays(known)}")
