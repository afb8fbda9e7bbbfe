# SPDX-License-Identifier: MIT
"""Hypothesis drives a vergerd with random requests, edits, signals and deaths; after each step,
once nothing happens any more, what is seen must be one of the Worlds that the model allows.

What is not known for certain (which of two things came first) is kept as several Worlds until
something that is seen tells them apart.  When none is left, model and vergerd have diverged.
"""

import functools
import os
import time

import hypothesis.strategies as st
import processes
import varlink
import verger as harness
from config import (
    ACTS, FAULTS, NAMES, TEMPERS, Config, Section,
    change, put, regroup, relate, remove, rename, sound,
)  # fmt: skip
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from judge import Trace, complaints, is_quiet
from model import AT_REST, BACKOFF, EXITED, FAILED, KILLED, RUNNING, STOPPED, WAITING, World
from model import settle_all
from script import Script
from subject import VERB_SECONDS, Subject

# how long nothing may happen before what should have happened is missed
QUIET_SECONDS = 3
QUIET_SECONDS_SHRINKING = 0.4
QUIET_LOOKS = 20  # at least as many, each with an answer of vergerd: a machine that stops is quiet too
# how long something may be under way; once there was a divergence, while it is made smaller
BUSY_SECONDS = 30
BUSY_SECONDS_SHRINKING = 2
VERBS = ("start", "stop", "restart")
SIGNALS = {"USR1": 0, "USR2": 3, "KILL": KILLED, "HUP": None}  # and what the puppets end with


class Divergence(AssertionError):
    """vergerd does what the model does not allow."""


# --- what is drawn ---

small = st.integers(0, 5)
# A process that is born while a stop signal is handed round hears it only as KILL, when the grace is
# over: known, and longer than this test waits.  VERGER_FORKING=1 has programs that fork as well.
FORKING = {"family", "daemon"}
KNOWN = [act for act in ACTS if act not in FORKING or os.environ.get("VERGER_FORKING")]
acts = st.sampled_from(["serve"] * 6 + ["task", *KNOWN, *KNOWN])
restarts = st.sampled_from(["always", "on-failure", "never"])
conditions = st.sampled_from(["", "started", "ready", "done"])
sections = st.builds(
    Section,
    act=acts,
    temper=st.sampled_from(list(TEMPERS)),
    restart=restarts,
    success=st.sampled_from(["0", "0 3"]),
    autostart=st.sampled_from([True, True, False]),
    instances=st.sampled_from([1, 1, 1, 2, 3]),
    kill=st.sampled_from(["tree", "main"]),
)
additions = st.tuples(st.just("put"), st.sampled_from(NAMES), sections)
relations = st.tuples(
    st.just("relate"), small, st.sampled_from(["requires", "requires", "after"]), small, conditions
)
keys = st.one_of(
    st.tuples(st.just("mark"), small),
    st.tuples(st.just("act"), acts),
    st.tuples(st.just("temper"), st.sampled_from(list(TEMPERS))),
    st.tuples(st.just("restart"), restarts),
    st.tuples(st.just("success"), st.sampled_from(["0", "0 3"])),
    st.tuples(st.just("autostart"), st.booleans()),
    st.tuples(st.just("instances"), st.integers(1, 3)),
    st.tuples(st.just("kill"), st.sampled_from(["tree", "main"])),
)
changes = st.tuples(st.just("change"), small, keys)
edits = st.one_of(
    changes,
    additions,
    relations,
    st.tuples(st.just("remove"), small),
    st.tuples(st.just("rename"), small, st.sampled_from(NAMES)),
    st.tuples(st.just("regroup"), small),
    st.tuples(st.just("mark all")),
)
beginnings = st.lists(
    st.one_of(additions, additions, relations, st.tuples(st.just("regroup"), small)), max_size=9
)
choices = st.one_of(
    st.tuples(st.just("program"), small),
    st.tuples(st.just("section"), small),
    st.tuples(st.just("pair"), small, small),
    st.just(("group",)),
    st.just(("all",)),
)


def edited(config, edit):
    kind, *rest = edit
    if kind == "put":
        return put(config, *rest)
    if kind == "change":
        n, (key, value) = rest
        return change(config, n, **{key: value})
    if kind == "relate":
        return relate(config, *rest)
    if kind == "mark all":
        return Config(config.sections, config.group, config.mark + 1)
    return {"remove": remove, "rename": rename, "regroup": regroup}[kind](config, *rest)


def nth(items, n):
    items = list(items)
    return items[n % len(items)]


class Ask:
    """Something asked for: of the model, of vergerd, and in the words of the script."""

    def __init__(self, shell, method, parameters, apply, names=()):
        self.shell = shell
        self.method, self.parameters = method, parameters
        self.apply = apply  # changes a World
        self.names = names  # programs that are meant


def results_of_start(world, name):
    """What may be answered to who waits for a start; None if nobody should wait."""
    life = world.lives[name]
    section = life.spec.section
    if life.state == RUNNING:
        return {"done"} if section.type != "oneshot" else None
    if life.state == EXITED and section.type == "oneshot":
        return {"done"}
    if life.state == WAITING:
        others = [world.lives[on] for on in world.missing(name)]
        in_vain = all(o.state in AT_REST and not o.wanted for o in others)
        return {"failed"} if in_vain and life.process is None else None
    # it was there, for a moment
    if section.act in ("brief", "dies") and life.state in (EXITED, FAILED, BACKOFF):
        return {"done", "failed"}
    return {"failed"}


def unless_enough(step):
    """A step that does nothing any more once enough has been done: Hypothesis cannot be told to
    end.  After a divergence nothing is enough, so that it can be made smaller."""

    @functools.wraps(step)
    def guarded(self, **drawn):
        if Machine.shortest or not Machine.is_enough():
            step(self, **drawn)

    return guarded


class Machine(RuleBasedStateMachine):
    """One vergerd from its start to its end."""

    binaries = None  # folder with the programs under test
    artifacts = None  # where scripts of divergences go
    steps = 0  # of all machines
    shortest = None  # script of a divergence

    @staticmethod
    def is_enough():
        """Whether it is time to end, if there was no divergence."""
        return False

    def __init__(self):
        super().__init__()
        self.subject = Subject(self.binaries)
        self.script = Script(os.environ.get("VERGER_PATH", str(self.binaries)), self._switches())
        self.config = self.disk = Config()
        self.worlds = []
        self.sights = {}
        self.trace = Trace()
        self.reloads = 0
        self.diverged = False

    @staticmethod
    def _switches():
        return {n: os.environ[n] for n in ("VERGER_CGROUP", "VERGER_SPAWN") if n in os.environ}

    # --- rules ---

    @initialize(beginning=beginnings)
    @unless_enough
    def boot(self, beginning):
        config = put(Config(), "a", Section())
        for edit in beginning:
            config = edited(config, edit)
        self._save(config)
        self.config = config
        self.script.line("vergerd -c verger.ini > vergerd.log 2>&1 &\nvergerd=$!")
        self.subject.start()
        self._step(settle_all([World.at_boot(config)]))

    @rule(verb=st.sampled_from(VERBS), whom=choices)
    @unless_enough
    def verb(self, verb, whom):
        ask = self._ask(verb, whom)
        after = self._after([ask])
        expected = self._results(verb, ask, after)
        if expected is None:
            self.script.line(f"{ask.shell} --no-wait")
            self._call(ask.method, **ask.parameters, wait=False)
        else:
            self.script.line(ask.shell)
            timeout = round(VERB_SECONDS * processes.PATIENCE * 1000)
            reply = self._call(ask.method, **ask.parameters, timeout_ms=timeout)
            self._judge_outcomes(ask, reply, expected)
        self._step(after, orderly=verb == "stop")

    @rule(asked=st.lists(st.tuples(st.sampled_from(VERBS), small), min_size=2, max_size=3),
          killed=st.none() | small, reload=st.none() | edits)  # fmt: skip
    @unless_enough
    def burst(self, asked, killed, reload):
        """One request into the middle of the other."""
        asks = [self._ask(verb, ("program", n)) for verb, n in asked]
        if reload:
            self._save(edited(self.disk, reload))
            asks.append(self._reload_ask())
        victim = self._running(killed) if killed is not None else None
        worlds = self._ended(victim, KILLED) if victim else self.worlds
        after = self._after(asks, worlds)
        if victim:
            self.script.line(f'kill -9 "$(cat run/{victim}.pid)"')
            os.kill(self.sights[victim].pid, 9)
        for ask in asks:
            self.script.line(f"{ask.shell} --no-wait")
        self.subject.call_all([(ask.method, {**ask.parameters, "wait": False}) for ask in asks])
        if reload:
            self._applied(self.disk)
        self._step(after)

    @rule(n=small)
    @unless_enough
    def kill(self, n):
        """kill -9, by somebody who knows nothing of vergerd."""
        name = self._running(n)
        if not name:
            return
        self.script.line(f'kill -9 "$(cat run/{name}.pid)"')
        after = settle_all(self._ended(name, KILLED))
        self.subject.kill(self.sights[name].pid)
        self._step(after)

    @rule(n=small, signal=st.sampled_from(list(SIGNALS)), to=st.sampled_from(["main", "tree"]))
    @unless_enough
    def signal(self, n, signal, to):
        name = nth(self.sights, n)
        status = SIGNALS[signal]
        runs = self.sights[name].state == "running"
        after = self.worlds
        if runs and status is not None:
            after = settle_all(self._ended(name, status))
        self.script.line(f"ctl signal {name} {signal} --to {to}")
        try:
            (outcome,) = self._call("Signal", names=[name], signal=signal, to=to)["programs"]
            said = outcome["result"]
        except varlink.Refused as refused:
            said = refused.name
        self._hold(said == "done" if runs else said in ("failed", "NotRunning"), f"answer: {said}")
        pid = self.sights[name].pid
        if runs and status is not None:
            processes.eventually(lambda: self._is_reaped(name, pid), f"the end of {pid}")
        self._step(after)

    @rule(edit=edits, more=st.lists(edits, max_size=3), how=st.sampled_from(["verb", "HUP", "dry"]))
    @unless_enough
    def reload(self, edit, more, how):
        config = self.disk
        for one in [edit, *more]:
            config = edited(config, one)
        self._save(config)
        if how == "dry":
            self._dry_run()
            return
        after = self._after([self._reload_ask()])
        if how == "verb":
            self._reload_by_verb(after)
        else:
            self.script.line("kill -HUP $vergerd")
            self.subject.hang_up()
        self._applied(config)
        self._step(after, orderly=True)

    @rule(fault=st.sampled_from(list(FAULTS)), how=st.sampled_from(["verb", "HUP", "dry"]))
    @unless_enough
    def reload_with_fault(self, fault, how):
        """B1: nothing running is touched by a configuration that does not load in full."""
        text = FAULTS[fault](self.disk.text())
        self.subject.write(text)
        self.script.file(text)
        if how == "HUP":
            self.script.line("kill -HUP $vergerd; tail -3 vergerd.log")
            self._hold("has faults" in self.subject.hang_up(), f"the log on {fault}")
        else:
            self.script.line("ctl reload" + (" --dry-run" if how == "dry" else ""))
            try:
                self._call("Reload", dry_run=how == "dry")
                self._diverge([f"a file with a fault ({fault}) was accepted"])
            except varlink.Refused as refused:
                is_told = refused.name == "Faults" and refused.parameters["faults"]
                self._hold(is_told, f"answer: {refused}")
        self._save(self.disk)
        self._hold(self.subject.reloads() == self.reloads, "the count of reloads")
        self._step(self.worlds)

    @rule(n=small, state=st.sampled_from([STOPPED, WAITING, RUNNING, BACKOFF, EXITED, FAILED]))
    @unless_enough
    def wait(self, n, state):
        """It is so, or it will not be within a millisecond."""
        name = nth(self.sights, n)
        self.script.line(f"ctl wait {name} --for {state} --timeout 1ms")
        (outcome,) = self._call("Wait", names=[name], state=state, timeout_ms=1)["programs"]
        expected = "done" if self.sights[name].state == state else "timed_out"
        self._hold(outcome["result"] == expected, f"answer: {outcome}")
        self._step(self.worlds)

    @rule(n=small)
    @unless_enough
    def pid(self, n):
        """P8: the PID, proven alive, or that there is none."""
        name = nth(self.sights, n)
        self.script.line(f"ctl pid {name}")
        try:
            told = self._call("Pid", name=name)["pid"]
        except varlink.Refused as refused:
            self._hold(refused.name == "NotRunning", f"answer: {refused}")
            told = None
        self._hold(told == self.sights[name].pid, f"answer: {told}")
        self._step(self.worlds)

    @rule(verb=st.sampled_from(VERBS))
    @unless_enough
    def unknown_name(self, verb):
        """Nothing happens to anybody, not even to those who are known."""
        self.script.line(f"ctl {verb} {nth(self.sights, 0)} nobody")
        try:
            self._call(verb.title(), names=[nth(self.sights, 0), "nobody"])
            self._diverge(["a name that is not there was accepted"])
        except varlink.Refused as refused:
            self._hold(refused.name == "NoSuchProgram", f"answer: {refused}")
        self._step(self.worlds)

    def teardown(self):
        try:
            if not self.diverged and self.subject.client:
                self.script.line("kill $vergerd; wait $vergerd; ls run; trap - EXIT")
                status = self.subject.shut_down(verb=len(self.sights) % 2 == 0)
                self._hold(status == 0, f"the status of vergerd: {status}")
            else:
                self._abandon()
            self.subject.finish()
        except (harness.Fault, processes.TooLate) as fault:
            if not self.diverged:
                self._diverge([str(fault)])

    def _abandon(self):
        self.subject.scenario.expects_crash = True
        for daemon in self.subject.scenario.daemons:
            if daemon.is_alive():
                daemon.crash()

    # --- what is asked for ---

    def _ask(self, verb, whom):
        words, names = self._resolve(whom)

        def apply(world):
            for name in names:
                if name in world.lives:
                    getattr(world, verb)(name)

        shell = f"ctl {verb} {' '.join(w.replace('*', chr(39) + '*' + chr(39)) for w in words)}"
        return Ask(shell, verb.title(), {"names": words}, apply, names)

    def _reload_ask(self):
        config = self.disk
        return Ask("ctl reload", "Reload", {}, lambda world: world.reload(config))

    def _resolve(self, whom):
        """The words, and the programs they mean."""
        kind, *rest = whom
        specs = list(self.config.specs())
        if kind == "all":
            return ["*"], specs
        if kind == "group" and self.config.group:
            return ["g"], [p for s in self.config.group for p in self.config.members(s)]
        if kind == "section":
            section = nth(self.config.sections, rest[0])
            return [section], self.config.members(section)
        names = [nth(specs, n) for n in rest or [0]]
        return names, sorted(set(names))

    def _running(self, n):
        names = [name for name, sight in self.sights.items() if sight.state == "running"]
        return nth(names, n) if names else None

    def _is_reaped(self, name, pid):
        seen = processes.stat(pid)
        known = self.sights[name].process
        return seen is None or seen.started != known[1]

    def _ended(self, name, status):
        """The Worlds in which it has been made to end."""
        worlds = [world.copy() for world in self.worlds]
        for world in worlds:
            world.end(name, status)
        return worlds

    def _after(self, asks, worlds=None):
        """Every World at rest that may come of these; each may come while the one before has got
        anywhere on its way."""
        worlds = self.worlds if worlds is None else worlds
        for ask in asks:
            if worlds is not self.worlds:
                worlds = settle_all(worlds, halfway=True)
            worlds = [world.copy() for world in worlds]
            for world in worlds:
                ask.apply(world)
        return settle_all(worlds)

    def _results(self, verb, ask, after):
        """What may be answered for each program; None if the answer may be long in coming."""
        # a stop takes along what requires it
        taken = self._taken_down(after) if verb == "stop" else set()
        found = {name: set() for name in taken.union(ask.names)}
        for world in after:
            for name in found:
                results = {"done"} if verb == "stop" else results_of_start(world, name)
                if results is None:
                    return None
                found[name] |= results
        return found

    def _judge_outcomes(self, ask, reply, expected):
        told = {outcome["name"]: outcome["result"] for outcome in reply["programs"]}
        self._hold(told.keys() == expected.keys(), f"outcomes of {sorted(told)}")
        wrong = [o for o in reply["programs"] if o["result"] not in expected[o["name"]]]
        self._hold(not wrong, f"{ask.shell}: outcomes {wrong}, not of {expected}")

    # --- reload ---

    def _save(self, config):
        self.disk = sound(config)
        self.subject.write(self.disk.text())
        self.script.file(self.disk.text())

    def _judge_plan(self, reply):
        """Keeps the Worlds of which this is the plan."""
        told = {c["program"]: c["action"] for c in reply["changes"] if c["action"] != "daemon"}
        plans = [world.plan(self.disk) for world in self.worlds]
        self._hold(told in plans, f"plan {told}, not {plans}")
        changed = [c for c in reply["changes"] if c["action"] in ("restart", "change")]
        silent = [c for c in changed if not c["keys"]]
        self._hold(not silent, f"changes of no key: {silent}")
        untouched = len(set(self.disk.specs()) - set(told))
        self._hold(reply["untouched"] == untouched, f"untouched: {reply['untouched']}")

    def _dry_run(self):
        self.script.line("ctl reload --dry-run")
        reply = self._call("Reload", dry_run=True)
        self._hold(not reply["applied"], "a dry run was applied")
        self._judge_plan(reply)
        self._hold(self.subject.reloads() == self.reloads, "the count of reloads")
        self._step(self.worlds)

    def _reload_by_verb(self, after):
        touched = set().union(*(world.plan(self.disk) for world in self.worlds))
        there = [(world, name) for world in after for name in touched & world.lives.keys()]
        waits = all(results_of_start(world, name) for world, name in there)
        self.script.line("ctl reload" + ("" if waits else " --no-wait"))
        reply = self._call("Reload", wait=waits)
        self._hold(reply["applied"], "it was not applied")
        self._judge_plan(reply)
        late = [o for o in reply.get("programs") or [] if o["result"] == "timed_out"]
        self._hold(not late, f"outcomes {late}")

    def _applied(self, config):
        is_new = any(w.plan(config) for w in self.worlds) or config.mark != self.config.mark
        now = self.subject.reloads()
        # one that changes nothing may be counted or not
        self._hold(now == self.reloads + 1 or (now == self.reloads and not is_new), "reloads")
        self.reloads = now

    # --- a step and its end ---

    def _call(self, method, **parameters):
        return self.subject.call(method, **parameters)

    def _hold(self, is_so, otherwise):
        if not is_so:
            self._diverge([otherwise])

    def _step(self, after, orderly=False):
        """Waits until what is seen is one of these Worlds, and goes on with that."""
        Machine.steps += 1
        specs = [self.config.specs()]
        self.script.expect(after)
        before = {name: sight.process for name, sight in self.sights.items()}
        stopped = self._taken_down(after) if orderly else set()
        fitting = self._await(after, before)
        self.config = fitting[0].config
        specs.append(self.config.specs())
        for world in fitting:
            world.observe(self.sights)
        self.worlds = list({world.key(): world for world in fitting}.values())
        self._judge_events(specs, stopped)

    def _taken_down(self, after):
        """Programs that are not at rest and are going to be stopped for good, or removed."""

        def is_down(name):
            ends = [world.lives.get(name) for world in after]
            return all(life is None or life.state == STOPPED for life in ends)

        return {n for n, s in self.sights.items() if s.state not in AT_REST and is_down(n)}

    def _await(self, worlds, before):
        """The Worlds that fit, as soon as one does.  Nothing happening for a while is the end."""
        busy = BUSY_SECONDS_SHRINKING if Machine.shortest else BUSY_SECONDS
        deadline = time.monotonic() + busy * processes.PATIENCE
        quiet = QUIET_SECONDS_SHRINKING if Machine.shortest else QUIET_SECONDS
        last, since, looks, same = None, time.monotonic(), 0, 0
        while True:
            sights = self.subject.look()
            judged = [(complaints(world, sights, before), world) for world in worlds]
            fitting = [world for found, world in judged if not found]
            if fitting:
                self.sights = sights
                return fitting
            now = time.monotonic()
            looks, same = looks + 1, same + 1
            if sights != last:
                last, since, same = sights, now, 0
            is_still = is_quiet(sights) and now - since > quiet * processes.PATIENCE
            if (is_still and same > QUIET_LOOKS) or (now > deadline and looks > QUIET_LOOKS):
                self._diverge(min((found for found, _ in judged), key=len))
            self.subject.await_events(0.001 if now - since < 0.02 else 0.02)

    def _judge_events(self, specs, stopped):
        """The stream tells of every change, and in the right order."""
        wanted = {name: sight.state for name, sight in self.sights.items()}
        found = []

        def is_told():
            found.extend(self.trace.follow(self.subject.events(), specs, stopped))
            told = self.trace.states
            return found or all(told.get(name, state) == state for name, state in wanted.items())

        processes.eventually(is_told, lambda: f"events up to {wanted}: {self.trace.states}")
        self.trace.states = wanted
        if found:
            self._diverge(found)

    def _diverge(self, reasons):
        self.diverged = True
        text = self.script.text() + self._report(reasons)
        if not Machine.shortest or len(text) < len(Machine.shortest):
            Machine.shortest = text
            if self.artifacts:
                (self.artifacts / "divergence.sh").write_text(text)
        raise Divergence("\n".join(reasons) + f"\n\n{text}")

    def _report(self, reasons):
        """What was seen instead, as comments of the script."""
        daemon = self.subject.daemon
        try:
            seen = [f"{name}: {sight}" for name, sight in self.subject.look().items()]
            seen += [str(process) for process in processes.descendants(daemon.pid_itself)]
        except (OSError, AssertionError) as error:
            seen = [f"nothing can be seen: {error}"]
        log = daemon.tail().splitlines()
        parts = (("DIVERGED", reasons), ("seen", seen), ("log", log))
        return "".join(f"\n# {title}: {line}" for title, lines in parts for line in lines) + "\n"
