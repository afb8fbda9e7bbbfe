# SPDX-License-Identifier: MIT
"""Configurations as the test makes them up: values that can be edited and written as an INI file.
What vergerd makes of one is model.py; how they are drawn is machine.py.

Every configuration here comes to rest: whatever ends by itself is given up, left alone or kept
in back-off for longer than any test, so that there is always a moment at which nothing happens.
"""

from dataclasses import dataclass, field, replace

NAMES = "abcdef"

# What a program does (the puppet's words), and the type it is.  `UP` tells that it is set up: from
# then on it understands USR1 (end well) and USR2 (end with 3).
LISTEN = "ignore HUP exit-on USR1 0 exit-on USR2 3"
UP = 'pid-to "${here}/up/${program}"'
ACTS = {
    "serve": ("simple", f"puppet {LISTEN} {UP} pause"),
    "family": ("simple", f"puppet ignore HUP fork setsid pause end {LISTEN} {UP} pause"),
    "stubborn": ("simple", f"puppet ignore TERM {LISTEN} {UP} pause"),
    "daemon": ("forking", f"puppet fork setsid {LISTEN} {UP} pause end exit 0"),
    "task": ("oneshot", f"puppet {LISTEN} {UP} pause"),
    "done": ("oneshot", "puppet exit 0"),
    "broken": ("oneshot", "puppet exit 3"),
    "brief": ("simple", "puppet exit 0"),
    "dies": ("simple", "puppet exit 3"),
    "absent": ("simple", f"puppet {LISTEN} {UP} pause"),  # in a directory that is not there
}
EXIT_CODES = {"done": 0, "broken": 3, "brief": 0, "dies": 3}  # acts that end by themselves
PROCESSES = {"family": 2}  # of a program that runs; 1 for all others

# How a program takes its failures.  An hour is longer than any test; so is the time for a stop
# (HEAD), lest KILL hides that somebody was never told to stop.
TEMPERS = {
    "eager": "",  # starts again at once, always: see HEAD
    "limited": "min_uptime = 1h\nstart_limit = 2/1h\n",
    "patient": "min_uptime = 1h\nrestart_delay = 1h\n",
}
START_LIMIT = 2

HEAD = """\
[verger]
run_dir = ${{here}}/run
log_level = debug
{environment}
[defaults]
min_uptime = 0
restart_delay = 0
restart_delay_max = 1h
restart_jitter = 0%
start_limit = none
stop_timeout = 1m
"""


@dataclass(frozen=True)
class Section:
    """One [program:NAME]."""

    act: str = "serve"
    temper: str = "eager"
    restart: str = "always"
    success: str = "0"
    autostart: bool = True
    instances: int = 1
    kill: str = "tree"  # changed without a restart
    mark: int = 0  # in its environment: changed by a restart
    requires: tuple = ()  # of (section, condition or "")
    after: tuple = ()

    @property
    def type(self):
        return ACTS[self.act][0]

    def text(self, name):
        lines = [f"[program:{name}]", f"command = {ACTS[self.act][1]}"]
        if self.type != "simple":
            lines.append(f"type = {self.type}")
        if self.act == "absent":
            lines.append("directory = absent")
        if self.act == "stubborn":
            lines.append("stop_signal = TERM/20ms")
        if self.restart != ("on-failure" if self.type == "oneshot" else "always"):
            lines.append(f"restart = {self.restart}")
        if self.success != "0":
            lines.append(f"success_exit = {self.success}")
        if not self.autostart:
            lines.append("autostart = no")
        if self.instances > 1:
            lines.append(f"instances = {self.instances}")
        if self.kill != "tree":
            lines.append(f"kill = {self.kill}")
        if self.mark:
            lines.append(f"environment = MARK={self.mark}")
        for key, relations in (("requires", self.requires), ("after", self.after)):
            if relations:
                words = (f"{on}:{condition}" if condition else on for on, condition in relations)
                lines.append(f"{key} = {' '.join(words)}")
        return "\n".join(lines) + "\n" + TEMPERS[self.temper]


@dataclass(frozen=True)
class Spec:
    """One program of a configuration: a section, or an instance of it."""

    name: str
    section: Section
    depends: tuple  # of (program, condition, required)
    group: str

    # what can be changed in place, and what takes a restart (the keys' lists in verger.ini(5))
    def needs_restart(self, other):
        mine, its = self.section, other.section
        return (mine.act, mine.mark) != (its.act, its.mark)

    def differs(self, other):
        def seen(spec):
            own = replace(spec.section, instances=1, requires=(), after=())
            return own, spec.depends, spec.group

        return seen(self) != seen(other)


@dataclass(frozen=True)
class Config:
    sections: dict = field(default_factory=dict)  # never changed; in the order of the file
    group: tuple = ()  # sections in [group:g]
    mark: int = 0  # in the environment of all programs

    def text(self):
        environment = f"environment = ALL={self.mark}\n" if self.mark else ""
        parts = [HEAD.format(environment=environment)]
        parts += [section.text(name) for name, section in self.sections.items()]
        if self.group:
            parts.append(f"[group:g]\nprograms = {' '.join(self.group)}\n")
        return "\n".join(parts)

    def members(self, name):
        """The programs of a section."""
        count = self.sections[name].instances
        return [name] if count == 1 else [f"{name}:{i}" for i in range(count)]

    def specs(self):
        """By name of the program, in the order of the file."""
        found = {}
        for name, section in self.sections.items():
            group = "g" if name in self.group else ""
            depends = tuple(self._depends(section))
            for program in self.members(name):
                found[program] = Spec(program, section, depends, group)
        return found

    def _depends(self, section):
        for required, relations in ((True, section.requires), (False, section.after)):
            for on, condition in relations:
                usual = "done" if self.sections[on].type == "oneshot" else "ready"
                for program in self.members(on):
                    yield program, condition or usual, required


# --- edits: any of them can be applied to any configuration ---


def sound(config):
    """The same, without what no file may say and what would never come to rest."""
    sections = {}
    for name, section in sorted(config.sections.items()):
        requires = tuple((on, how) for on, how in section.requires if on in sections)
        named = {on for on, how in requires}
        after = tuple((on, how) for on, how in section.after if on in sections and on not in named)
        temper = section.temper
        if temper == "eager" and (section.act in EXIT_CODES or section.act == "absent"):
            temper = "limited"
        sections[name] = replace(section, requires=requires, after=after, temper=temper)
    group = tuple(name for name in config.group if name in sections)
    return replace(config, sections=sections, group=group)


def nth(items, n):
    items = list(items)
    return items[n % len(items)]


def put(config, name, section):
    return sound(replace(config, sections={**config.sections, name: section}))


def remove(config, n):
    if len(config.sections) < 2:
        return config
    gone = nth(config.sections, n)
    kept = {name: section for name, section in config.sections.items() if name != gone}
    return sound(replace(config, sections=kept))


def rename(config, n, name):
    old = nth(config.sections, n)
    if name in config.sections:
        return config

    def renamed(relations):
        return tuple((name if on == old else on, how) for on, how in relations)

    sections = {
        name if known == old else known: replace(
            section, requires=renamed(section.requires), after=renamed(section.after)
        )
        for known, section in config.sections.items()
    }
    return sound(replace(config, sections=sections))


def change(config, n, **keys):
    name = nth(config.sections, n)
    return put(config, name, replace(config.sections[name], **keys))


def relate(config, n, key, on, condition):
    """Adds a relation, or takes it back if it is there."""
    name = nth(config.sections, n)
    others = [other for other in config.sections if other < name]
    if not others:
        return config
    target = nth(others, on)
    section = config.sections[name]
    kept = tuple(pair for pair in getattr(section, key) if pair[0] != target)
    if kept == getattr(section, key):
        kept += ((target, condition),)
    return put(config, name, replace(section, **{key: kept}))


def regroup(config, n):
    name = nth(config.sections, n)
    group = set(config.group) ^ {name}
    return replace(config, group=tuple(sorted(group)))


# --- files with a fault ---

FAULTS = {
    "unknown key": lambda text: text + "[program:z]\ncommand = puppet pause\nrestrat = always\n",
    "bad value": lambda text: text + "[program:z]\ncommand = puppet pause\ninstances = many\n",
    "no command": lambda text: text + "[program:z]\n",
    "unknown requirement": lambda text: text
    + "[program:z]\ncommand = puppet pause\nrequires = nobody\n",
    "circle": lambda text: text
    + "[program:y]\ncommand = puppet pause\nrequires = z\n"
    + "[program:z]\ncommand = puppet pause\nrequires = y\n",
    "program twice": lambda text: text + text[text.index("[program:") :],
    "empty file": lambda text: "[program:",
    "another run_dir": lambda text: text.replace("${here}/run", "${here}/elsewhere"),
    "PID file of another": lambda text: text
    + "[program:z]\ncommand = puppet pause\npidfile = run/vergerd.pid\n",
}
