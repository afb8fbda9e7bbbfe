# SPDX-License-Identifier: MIT
"""What vergerd has promised to do, as small as it can be said: from docs/contracts.md,
verger.ini(5) and docs/reference/lifecycle.md, not from the sources.

A World is one thing that may be the case.  What is asked for changes what is wanted; `settle` then
lets everything happen that happens by itself, and returns every World that may come of it: where
two things race (a program that ends at once, and another that waits for it), both ways are right.
Time is not here: delays are zero or longer than any test.
"""

from dataclasses import dataclass, replace
from typing import Optional

from config import EXIT_CODES, START_LIMIT, Config, Spec

# How a state of here is shown.  PICKED is waiting no more, and not yet started.
STOPPED, WAITING, PICKED, RUNNING, LEAVING = "stopped", "waiting", "picked", "running", "leaving"
BACKOFF, EXITED, FAILED = "backoff", "exited", "failed"
AT_REST = (STOPPED, EXITED, FAILED)
HAS_PROCESS = (RUNNING, LEAVING)

KILLED = 128 + 9


@dataclass(frozen=True)
class Life:
    """One program."""

    spec: Spec  # the settings it lives by
    state: str = STOPPED
    wanted: bool = False
    starts: int = 0
    failures: int = 0  # failed starts since somebody asked for it, or its limit was changed
    limit: Optional[int] = None  # by which they were counted
    well: bool = False  # how it last ended
    fate: Optional[int] = None  # the status with which it is going to end by itself
    process: Optional[tuple] = None  # what was seen of it: told by observe, until it ends
    removed: bool = False
    fresh: Optional[Spec] = None  # what it will live by once nothing is left of its process

    @property
    def limited(self):
        return START_LIMIT if self.spec.section.temper == "limited" else None

    @property
    def impatient(self):
        """Every life counts as a failed start: shorter than min_uptime."""
        return self.spec.section.temper != "eager"

    @property
    def restarts(self):
        return max(0, self.starts - 1)


class World:
    def __init__(self, config: Config, lives=None):
        self.config = config
        self.lives = dict(lives or {})

    @classmethod
    def at_boot(cls, config):
        world = cls(config)
        for name, spec in config.specs().items():
            world.lives[name] = Life(spec)
        for name, life in list(world.lives.items()):
            if life.spec.section.autostart:
                world.start(name)
        return world

    def copy(self):
        return World(self.config, self.lives)

    def key(self):
        return tuple(sorted(self.lives.items(), key=lambda item: item[0]))

    def _set(self, name, **changes):
        self.lives[name] = replace(self.lives[name], **changes)

    def observe(self, sights):
        """Notes which processes these are, to know them again."""
        for name, life in self.lives.items():
            if life.state == RUNNING:
                self._set(name, process=sights[name].process)

    # --- dependencies ---

    def meets(self, on, condition):
        life = self.lives.get(on)
        if life is None:
            return False
        if life.state == EXITED:
            oneshot = life.spec.section.type == "oneshot"
            return life.well if condition == "done" else oneshot
        return life.state == RUNNING and condition != "done"

    def missing(self, name):
        """The dependencies that keep it waiting."""
        found = []
        for on, condition, required in self.lives[name].spec.depends:
            if self.meets(on, condition):
                continue
            other = self.lives.get(on)
            is_coming = other and other.wanted and other.state not in AT_REST
            if required or is_coming:
                found.append(on)
        return found

    def requiring(self, name):
        return [
            other
            for other, life in self.lives.items()
            if any(on == name and required for on, _, required in life.spec.depends)
        ]

    # --- what can be asked for ---

    def start(self, name):
        """R3: always allowed, and clears the count."""
        life = self.lives[name]
        # while it leaves, the start is kept until nothing of it is left (S3)
        state = life.state if life.state in (RUNNING, LEAVING, PICKED) else WAITING
        self._set(name, wanted=True, failures=0, state=state)

    def stop(self, name):
        """And first, what requires it (S5).  What has come to rest stays as it is."""
        life = self.lives[name]
        if life.state in AT_REST:
            return
        state = LEAVING if life.state in HAS_PROCESS else STOPPED
        self._set(name, wanted=False, state=state)
        for other in self.requiring(name):
            if self.lives[other].wanted:
                self.stop(other)

    def restart(self, name):
        running = self.lives[name].state == RUNNING
        self.start(name)
        if running:
            self._set(name, state=LEAVING)

    def end(self, name, status):
        """Its main process is made to end with this status."""
        if self.lives[name].state == RUNNING:
            self._set(name, fate=status)

    # --- reload ---

    def plan(self, config):
        """What a reload does to whom; programs that are not in it stay untouched."""
        fresh, actions = config.specs(), {}
        for name, life in self.lives.items():
            if name not in fresh:
                actions[name] = "stop"
        for name, spec in fresh.items():
            life = self.lives.get(name)
            if life is None:
                actions[name] = "start" if spec.section.autostart else "add"
            elif life.spec.needs_restart(spec) or self.config.mark != config.mark:
                actions[name] = self._plan_restart(life, spec)
            elif life.spec.differs(spec):
                actions[name] = "change"
        return actions

    def _plan_restart(self, life, spec):
        if life.state == RUNNING:
            return "restart"
        # what it failed by, or was done with, may be what is different now
        is_tried = life.state in (EXITED, FAILED, BACKOFF) and spec.section.autostart
        return "start" if is_tried else "change"

    def reload(self, config):
        fresh, actions = config.specs(), self.plan(config)
        for name, spec in fresh.items():
            if name not in self.lives:
                self.lives[name] = Life(spec)
            elif actions.get(name) == "restart" or self.lives[name].state == LEAVING:
                self._set(name, fresh=spec, removed=False)
            else:
                self._set(name, spec=spec)
        for name, action in actions.items():
            if action == "start":
                self.start(name)
            elif action == "restart":
                self.restart(name)
            elif action == "stop":
                self._remove(name)
        self.config = config

    def _remove(self, name):
        if self.lives[name].state in HAS_PROCESS:
            self._set(name, wanted=False, state=LEAVING, removed=True)
        else:
            del self.lives[name]

    # --- what happens by itself ---

    def settle(self, halfway=False):
        """Every World at rest that may come of this one; or also those on the way there."""
        found, seen, todo = {}, set(), [self.copy()]
        while todo:
            world = todo.pop()
            world._pick()
            if world.key() in seen:
                continue
            seen.add(world.key())
            moves = world._moves(all_orders=halfway)
            if halfway or not moves:
                found[world.key()] = world
            for move, name in moves:
                after = world.copy()
                move(after, name)
                todo.append(after)
        return list(found.values())

    def _pick(self):
        """Whoever's conditions are met starts, whatever happens to these meanwhile."""
        for name, life in self.lives.items():
            if life.state == WAITING and not self.missing(name):
                self._set(name, state=PICKED)

    def _moves(self, all_orders):
        """The moves to try: one of them where the order does not matter."""
        plain, ends = [], []
        for name, life in self.lives.items():
            if life.state == LEAVING:
                plain.append((World._leave, name))
            elif life.state == PICKED:
                plain.append((World._rise, name))
            elif life.state == RUNNING and life.fate is not None:
                ends.append((World._fall, name))
        if all_orders or any(self._is_watched(name) for _, name in ends):
            return plain + ends
        return (plain + ends)[:1]

    def _is_watched(self, name):
        """Somebody may come in time to see it run, or too late."""
        for life in self.lives.values():
            for on, condition, required in life.spec.depends:
                pending = life.wanted and life.state in (WAITING, LEAVING)
                if on == name and required and condition != "done" and pending:
                    return True
        return False

    def _leave(self, name):
        """Nothing of it is left."""
        life = self.lives[name]
        if life.removed:
            del self.lives[name]
            return
        state = WAITING if life.wanted else STOPPED
        spec = life.fresh or life.spec
        self._set(name, state=state, fate=None, process=None, spec=spec, fresh=None)

    def _rise(self, name):
        life = self.lives[name]
        act = life.spec.section.act
        if act == "absent":
            self._cannot_start(name)
            return
        fate = EXIT_CODES.get(act)
        self._set(name, state=RUNNING, starts=life.starts + 1, fate=fate, process=None)

    def _fails_too_often(self, name):
        life = self.lives[name]
        if not life.limited:
            return False
        failures = life.failures + 1 if life.limit == life.limited else 1
        self._set(name, failures=failures, limit=life.limited)
        return failures >= life.limited

    def _cannot_start(self, name):
        life = self.lives[name]
        if life.spec.section.restart == "never" or self._fails_too_often(name):
            self._set(name, state=FAILED, wanted=False)
        elif life.spec.section.temper == "patient":
            self._set(name, state=BACKOFF)
        else:
            self._set(name, state=WAITING)

    def _restarts(self, life, well):
        if well and life.spec.section.type == "oneshot":
            return False
        return {"always": True, "on-failure": not well, "never": False}[life.spec.section.restart]

    def _fall(self, name):
        """It has ended by itself (R1, R3)."""
        life = self.lives[name]
        well = str(life.fate) in life.spec.section.success.split()
        self._set(name, fate=None, process=None, well=well)
        if not self._restarts(life, well):
            self._set(name, state=EXITED if well else FAILED, wanted=False)
        elif life.impatient and self._fails_too_often(name):
            self._set(name, state=FAILED, wanted=False)
        elif life.spec.section.temper == "patient":
            self._set(name, state=BACKOFF)
        else:
            self._set(name, state=WAITING)


def settle_all(worlds, halfway=False):
    """The same for several."""
    found = {}
    for world in worlds:
        for after in world.settle(halfway):
            found[after.key()] = after
    return list(found.values())
