# SPDX-License-Identifier: MIT
"""The vergerd under test, and what can be seen of it: what it tells, its PID files, and the
processes that are really there.  Knows nothing of what should be.
"""

import os
import signal
from typing import NamedTuple, Optional

import processes
import varlink
import verger as harness

LOG_OF_HANGUP = "SIGHUP: reading the configuration again"
FIELDS = ["name", "state", "pid", "restarts", "waits_for", "removed"]
# a wait that vergerd has to end itself; ours is longer
VERB_SECONDS = 20


class Sight(NamedTuple):
    """One program, seen from all sides."""

    state: str
    pid: Optional[int]  # as Status tells it
    restarts: int
    waits_for: Optional[str]
    removed: bool
    pid_file: Optional[int]
    set_up: Optional[int]  # the PID with which the puppet said that it is ready for signals
    processes: tuple  # (PID, when it was started) of everything that belongs to it

    @property
    def process(self):
        return next((process for process in self.processes if process[0] == self.pid), None)


class Event(NamedTuple):
    program: str
    before: str
    after: str


def _program_of(process):
    """Which program a process belongs to: its environment tells, from the first instruction on."""
    try:
        text = processes.read(process.pid, "environ")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    for pair in text.split(b"\0"):
        if pair.startswith(b"VERGER_PROGRAM="):
            return pair.split(b"=", 1)[1].decode()
    return None


class Subject:
    """A vergerd in a scratch directory of its own."""

    def __init__(self, binaries):
        self.scenario = harness.Scenario(binaries)
        self.up = self.scenario.path("up")
        self.up.mkdir()
        self.up.chmod(0o777)
        self.daemon = self.client = self._monitor = None
        self._hangups = 0

    def write(self, text):
        self.scenario.write("verger.ini", text)

    def start(self):
        self.daemon = self.scenario.launch("-c", "verger.ini")
        self._monitor = self.daemon.client()
        self._monitor.send("Monitor", more=True)
        self._monitor.receive()
        self.client = self.daemon.client()

    # what can be done to it

    def call(self, method, **parameters):
        return self.client.call(method, VERB_SECONDS * 2, **parameters)

    def call_all(self, calls):
        """Sends them all before it reads a reply; returns the replies, None for an error."""
        for method, parameters in calls:
            self.client.send(method, parameters)
        replies = []
        for _ in calls:
            try:
                replies.append(self.client.receive()[0])
            except varlink.Refused:
                replies.append(None)
        return replies

    def kill(self, pid):
        """kill -9 from outside; returns when vergerd has reaped it and so knows."""
        was = processes.stat(pid)
        os.kill(pid, signal.SIGKILL)

        def gone():
            now = processes.stat(pid)
            return now is None or now.started != was.started

        processes.eventually(gone, f"vergerd to reap {pid}")

    def hang_up(self):
        """SIGHUP; returns what vergerd's log said of it when it is worked off."""
        self._hangups += 1
        self.daemon.send(signal.SIGHUP)
        found = self.daemon.await_log(LOG_OF_HANGUP, count=self._hangups)
        self.client.call("Status", fields=["name"])
        return found.string[found.end() :] + self.daemon.log()[len(found.string) :]

    def await_events(self, seconds):
        """Returns when vergerd has told of a change, or after that time."""
        self._monitor.has_reply(seconds)

    def events(self):
        """What has been told and not been taken yet."""
        found = []
        while self._monitor.has_reply():
            reply, _ = self._monitor.receive()
            found += [Event(e["program"], e["from"], e["to"]) for e in reply["events"]]
        return found

    # what can be seen of it

    def reloads(self):
        return self.client.call("Status", names=[], fields=["name"])["daemon"]["reloads"]

    def look(self):
        """Everything, as {name: Sight}.  A program that Status does not tell of and that left
        something is there with the state None."""
        self.daemon.check_alive()
        told = {p["name"]: p for p in self.client.call("Status", fields=FIELDS)["programs"]}
        living, files = self._processes(), self._pid_files()
        names = list(told) + [n for n in [*living, *files] if n not in told]
        return {
            name: Sight(
                state=told.get(name, {}).get("state"),
                pid=told.get(name, {}).get("pid"),
                restarts=told.get(name, {}).get("restarts", 0),
                waits_for=told.get(name, {}).get("waits_for"),
                removed=told.get(name, {}).get("removed", False),
                pid_file=files.get(name),
                set_up=harness.read_pid(self.up / name),
                processes=tuple(sorted(living.get(name, ()))),
            )
            for name in names
        }

    def _pid_files(self):
        found = {}
        for entry in os.listdir(self.scenario.run_dir):
            if entry.endswith(".pid") and entry != "vergerd.pid":
                pid = harness.read_pid(self.scenario.run_dir / entry)
                if pid is not None:
                    found[entry[: -len(".pid")]] = pid
        return found

    def _processes(self):
        found = {}
        for process in processes.descendants(self.daemon.pid_itself):
            name = "(zombie)" if process.state == "Z" else _program_of(process) or "(nobody's)"
            found.setdefault(name, []).append((process.pid, process.started))
        return found

    # its end

    def shut_down(self, verb):
        """Ends it in an orderly way; its status."""
        if verb:
            self.client.call("Shutdown")
            return self.daemon.wait()
        return self.daemon.stop()

    def finish(self):
        """Holds it to the promises of every scenario: nothing is left of anything."""
        try:
            self.scenario.finish()
        finally:
            self.scenario.remove()
