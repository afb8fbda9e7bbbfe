# SPDX-License-Identifier: MIT
"""Who takes part in the bench: how each writes its configuration for N programs and is started.

Every candidate runs the same `tiny` program and has every delay that it can configure at zero.
"""

import os
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tools:
    """The built programs."""

    vergerd: Path
    bare: Path
    gauge: Path
    tiny: Path


@dataclass
class Candidate:
    """One row of the tables.  `prepare(directory, n)` writes what it needs and returns its command."""

    name: str
    prepare: object
    kind: str  # "limit", "verger" or "peer"
    most: int = 10000  # more programs than that are not asked of it, for the reason in `why_most`
    why_most: str = ""
    pidfiles: bool = False
    stop_signal: int = signal.SIGTERM
    env: dict = field(default_factory=dict)
    rounds: int = 0  # at most that many lives for each N; 0 = as many as the others
    restarts: int = 0  # at most that many kills; 0 = as many as the others
    restart_pause_ms: int = 2
    settle_s: float = 0.2  # before anything is killed


def bare(tools, *options, pidfiles=False):
    def prepare(directory, n):
        files = ["--pidfiles", str(directory / "run")] if pidfiles else []
        return [str(tools.bare), *options, *files, str(n), str(tools.tiny)]

    return prepare


VERGER_INI = """\
[verger]
run_dir = {run_dir}

[defaults]
restart_delay = 0
min_uptime = 0
start_limit = none
{defaults}
"""


def verger(tools, sections=False, defaults=""):
    def programs(n):
        if not sections:
            return f"\n[program:tiny]\ncommand = {tools.tiny}\ninstances = {n}\n"
        return "".join(f"\n[program:tiny-{i}]\ncommand = {tools.tiny}\n" for i in range(n))

    def prepare(directory, n):
        config = directory / "verger.ini"
        head = VERGER_INI.format(run_dir=directory / "run", defaults=defaults)
        config.write_text(head + programs(n))
        return [str(tools.vergerd), "-c", str(config)]

    return prepare


SUPERVISORD_CONF = """\
[supervisord]
nodaemon = true
silent = true
logfile = {directory}/supervisord.log
pidfile = {directory}/supervisord.pid
childlogdir = {directory}
minfds = {minfds}

[program:tiny]
command = {tiny}
directory = {directory}
process_name = %(process_num)d
numprocs = {n}
startsecs = 0
autorestart = true
stdout_logfile = NONE
stderr_logfile = NONE
"""


def supervisord(tools):
    def prepare(directory, n):
        config = directory / "supervisord.conf"
        minfds = n * 8 + 100
        config.write_text(
            SUPERVISORD_CONF.format(directory=directory, minfds=minfds, tiny=tools.tiny, n=n)
        )
        return ["/usr/bin/supervisord", "-c", str(config)]

    return prepare


def service_folders(tools, *command):
    """For runit and s6: a folder for each service, whose `run` is the program itself."""

    def prepare(directory, n):
        services = directory / "services"
        services.mkdir()
        for i in range(n):
            (services / f"tiny-{i}").mkdir()
            (services / f"tiny-{i}" / "run").symlink_to(tools.tiny)
        return [*(word.format(n=n + 10) for word in command), str(services)]

    return prepare


def wrapper(tools, *command):
    """A container init that runs one child."""

    def prepare(directory, n):
        return [*command, str(tools.tiny)]

    return prepare


NO_CGROUP = {"VERGER_CGROUP": "no"}


def all_candidates(tools):
    """Those that run many programs; peers only where they are installed."""
    found = [
        Candidate("bare vfork+exec", bare(tools), "limit"),
        Candidate("bare, execs in parallel", bare(tools, "--parallel"), "limit"),
        Candidate("bare vfork+exec, PID files", bare(tools, pidfiles=True), "limit", pidfiles=True),
        Candidate(
            "bare, all of these and sessions",
            bare(tools, "--parallel", "--session", pidfiles=True),
            "limit",
            pidfiles=True,
        ),
        Candidate("verger", verger(tools), "verger", pidfiles=True),
        Candidate("verger, no cgroups", verger(tools), "verger", pidfiles=True, env=NO_CGROUP),
        Candidate(
            "verger, no cgroups, sections", verger(tools, True), "verger", pidfiles=True, env=NO_CGROUP
        ),
        Candidate(
            "verger, no cgroups, no PID files",
            verger(tools, defaults="pidfile =\n"),
            "verger",
            env=NO_CGROUP,
        ),
    ]
    if shutil.which("supervisord", path="/usr/bin"):
        found.append(
            Candidate(
                "supervisord",
                supervisord(tools),
                "peer",
                most=1000,
                why_most="takes minutes",
                rounds=1,
                restarts=3,
            )
        )
    if shutil.which("runsvdir"):
        found.append(
            Candidate(
                "runit",
                service_folders(tools, "runsvdir"),
                "peer",
                most=1000,
                why_most="a process for each, and 1,000 services at most",
                stop_signal=signal.SIGHUP,
                rounds=1,
                restarts=20,
                settle_s=1.3,  # what dies in its first second is not started again at once
            )
        )
    if shutil.which("s6-svscan"):
        found.append(
            Candidate(
                "s6",
                service_folders(tools, "s6-svscan", "-c", "{n}"),
                "peer",
                most=1000,
                why_most="a process for each",
                rounds=1,
                restarts=3,
                settle_s=1.3,
            )
        )
    return found


def wrappers(tools):
    """Those that run one child, and the words before its command."""
    words = [
        ("verger", [str(tools.vergerd), "--"], {}),
        ("verger, no cgroups", [str(tools.vergerd), "--"], NO_CGROUP),
        ("catatonit", ["catatonit", "--"], {}),
        ("dumb-init", ["dumb-init", "--"], {}),
        ("tini", ["tini", "-s", "--"], {}),
    ]
    return [(name, command, env) for name, command, env in words if shutil.which(command[0])]


def clean_environment(extra):
    """The same few variables for everybody: an environment costs memory in each process."""
    return {"PATH": os.defpath + ":/sbin:/usr/sbin", "LANG": "C.UTF-8", **extra}
