# SPDX-License-Identifier: MIT
"""Holds what is seen (subject.py) against what may be (model.py), and says in sentences where they
differ.  Asks nobody and waits for nothing.
"""

from config import PROCESSES
from model import BACKOFF, EXITED, FAILED, RUNNING, STOPPED, WAITING

SHOWN = {state: state for state in (STOPPED, WAITING, RUNNING, BACKOFF, EXITED, FAILED)}
RESTING = set(SHOWN.values())


def _of_running(world, name, sight, before):
    """Its PID and everything that follows from it (P1, P4, S3)."""
    life = world.lives[name]
    expected = PROCESSES.get(life.spec.section.act, 1)
    if sight.pid is None:
        yield "runs without a PID"
        return
    if sight.pid_file != sight.pid:
        yield f"has PID {sight.pid}, and its PID file says {sight.pid_file}"
    if sight.set_up != sight.pid:
        yield f"has PID {sight.pid}, and the process itself says {sight.set_up}"
    if len(sight.processes) != expected or sight.process is None:
        yield f"should be {expected} process(es), PID {sight.pid} among them: {sight.processes}"
    elif life.process is None and sight.process == before.get(name):
        yield f"should have been started anew, and is still PID {sight.pid}"
    elif life.process is not None and sight.process != life.process:
        yield f"should have been left alone as PID {life.process[0]}, and is PID {sight.pid}"


def _of_absent(sight):
    """Nothing of it is left (P4, S3)."""
    if sight.pid is not None:
        yield f"does not run, and is told to be PID {sight.pid}"
    if sight.pid_file is not None:
        yield f"does not run, and its PID file says {sight.pid_file}"
    if sight.processes:
        yield f"does not run, and has left {sight.processes}"


def _of_one(world, name, sight, before):
    life = world.lives[name]
    shown = SHOWN[life.state]
    if sight.state != shown:
        yield f"should be {shown}, and is {sight.state}"
    if sight.restarts != life.restarts:
        yield f"should have restarts = {life.restarts}, and has {sight.restarts}"
    if sight.removed:
        yield "is told to be removed"
    if shown == WAITING and sight.waits_for not in world.missing(name):
        yield f"should wait for one of {world.missing(name)}, and waits for {sight.waits_for}"
    if shown == RUNNING:
        yield from _of_running(world, name, sight, before)
    else:
        yield from _of_absent(sight)


def complaints(world, sights, before):
    """Sentences; none if that is what is seen.  `before`: the processes seen one step earlier."""
    found = []
    for name in sorted(set(world.lives) | set(sights)):
        if name not in sights:
            found.append(f"{name} should be there, and nothing tells of it")
        elif name not in world.lives:
            found.append(f"{name} should be unknown: {sights[name]}")
        else:
            found += [f"{name} {text}" for text in _of_one(world, name, sights[name], before)]
    return found


def is_quiet(sights):
    """Whether nothing is under way, as far as vergerd tells."""
    return all(s.state in RESTING and (s.state != WAITING or s.waits_for) for s in sights.values())


class Trace:
    """The stream of events: each begins where the one before ended, and the order is right (S5)."""

    ACTIVE = ("starting", "running", "stopping")

    def __init__(self):
        self.states = {}

    def follow(self, events, specs, orderly):
        """Sentences.  `specs`: the settings of before and of after this step; `orderly`: programs
        whose stop was asked for, while nothing ended by itself."""
        found = []
        for event in events:
            known = self.states.get(event.program)
            if known not in (None, event.before):
                found.append(f"{event}: it was {known}")
            if (event.before, event.after) == ("waiting", "starting"):
                found += self._judge_start(event, specs)
            if event.after == "stopping" and event.program in orderly:
                found += self._judge_stop(event, specs[0], orderly)
            self.states[event.program] = event.after
        return found

    def _is_met(self, on, condition, specs):
        state = self.states.get(on)
        if state is None:
            return True  # nothing has been told of it yet
        oneshot = any(s[on].section.type == "oneshot" for s in specs if on in s)
        if condition == "done":
            return state == "exited"
        if condition == "started" and state == "starting":
            return True
        return state == "running" or (state == "exited" and oneshot)

    def _judge_start(self, event, specs):
        """What it requires was there, by the settings of before or by those of after."""
        missing = None
        for settings in specs:
            if event.program not in settings:
                continue
            depends = settings[event.program].depends
            missing = [
                on for on, how, required in depends if required and not self._is_met(on, how, specs)
            ]
            if not missing:
                return []
        return [f"{event}: it requires {missing}, in vain: {self.states}"] if missing else []

    def _judge_stop(self, event, specs, orderly):
        """Nothing that requires it, and stops as well, was there any more."""
        return [
            f"{event}: {name} requires it, and is {self.states.get(name)}"
            for name in orderly & specs.keys()
            if any(on == event.program and required for on, _, required in specs[name].depends)
            and self.states.get(name) in self.ACTIVE
        ]
