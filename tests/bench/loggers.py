# SPDX-License-Identifier: MIT
"""Who takes part in logs.py: how each is started over a program that writes to its standard output."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from candidates import clean_environment

KEEP = 200  # rotated files: nothing is deleted but by the bench, between two rounds
ROTATE = 50 * 1024 * 1024
MULTILOG_ROTATE = 16777215  # its most
SLACK = 256 * 1024  # what a peer may still hold in its own buffer; verger and cat: nothing


@dataclass
class Way:
    """One row.  `start(directory, command)` returns the PIDs that are the logger's own."""

    name: str
    start: object
    kind: str  # "limit", "verger" or "peer"
    stamped: bool = False
    slack: int = 0
    share: int = 1  # of the bytes that the fast ones get, one part in so many
    crowd: object = None  # start(directory, command, n); None = takes no part there


@dataclass
class Running:
    pids: list
    processes: list = field(default_factory=list)


def spawn(directory, command, **streams):
    with open(directory / "stderr", "ab") as errors:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=clean_environment({}),
            **{"stdin": subprocess.DEVNULL, "stdout": errors, "stderr": errors, **streams},
        )


def pipeline(logger):
    """`program | logger`, as the peers are used."""

    def start(directory, command):
        reader = spawn(directory, logger(directory), stdin=subprocess.PIPE)
        writer = spawn(directory, command, stdout=reader.stdin)
        reader.stdin.close()
        return Running([reader.pid], [writer, reader])

    return start


def many(start):
    def crowd(directory, command, n):
        every = Running([])
        for i in range(n):
            place = directory / str(i)
            (place / "log").mkdir(parents=True)
            one = start(place, command)
            every.pids += one.pids
            every.processes += one.processes
        return every

    return crowd


def cat(directory):
    return ["/bin/sh", "-c", f"exec cat >> {directory}/log/current"]


def svlogd(*options):
    def command(directory):
        (directory / "log" / "config").write_text(f"s{ROTATE}\nn{KEEP}\n")
        return ["svlogd", *options, str(directory / "log")]

    return command


def s6_log(*script):
    return lambda directory: ["s6-log", f"n{KEEP}", f"s{ROTATE}", *script, str(directory / "log")]


def multilog(*script):
    return lambda directory: [
        "multilog", *script, f"s{MULTILOG_ROTATE}", f"n{KEEP}", str(directory / "log")
    ]  # fmt: skip


VERGER_INI = """\
[verger]
run_dir = {directory}/run

[program:spout]
command = {command}
restart = never
pidfile =
stdout = {directory}/log/{file}
{keys}
"""

CAPTURED = f"log_max_size = {ROTATE}\nlog_keep = {KEEP}\n"


def verger(vergerd, keys=""):
    def start(directory, command, n=1):
        words = " ".join(map(str, command))
        file = "current" if n == 1 else "${program}-${instance}"
        more = keys if n == 1 else f"{keys}instances = {n}\n"
        (directory / "run").mkdir()
        config = directory / "verger.ini"
        config.write_text(
            VERGER_INI.format(directory=directory, command=words, file=file, keys=more)
        )
        process = spawn(directory, [str(vergerd), "-c", str(config)])
        return Running([process.pid], [process])

    return start


SUPERVISORD_CONF = """\
[supervisord]
nodaemon = true
silent = true
logfile = {directory}/supervisord.log
pidfile = {directory}/supervisord.pid
childlogdir = {directory}
minfds = {minfds}

[program:spout]
command = {command}
process_name = %(process_num)d
numprocs = {n}
startsecs = 0
autorestart = false
stdout_logfile = {directory}/log/{file}
stdout_logfile_maxbytes = {rotate}
stdout_logfile_backups = {keep}
stderr_logfile = NONE
"""


def supervisord(directory, command, n=1):
    config = directory / "supervisord.conf"
    config.write_text(
        SUPERVISORD_CONF.format(
            directory=directory,
            command=" ".join(map(str, command)),
            minfds=n * 8 + 100,
            n=n,
            file="current" if n == 1 else "%(process_num)d",
            rotate=ROTATE,
            keep=KEEP,
        )
    )
    process = spawn(directory, ["/usr/bin/supervisord", "-c", str(config)])
    return Running([process.pid], [process])


def all_ways(vergerd):
    """Peers only where they are installed."""
    direct, raw = verger(vergerd), verger(vergerd, CAPTURED)
    stamped = verger(vergerd, CAPTURED + "log_format = timestamp\n")
    json = verger(vergerd, CAPTURED + "log_format = json\n")
    ways = [
        Way("cat >> file", pipeline(cat), "limit"),
        Way("verger, direct", direct, "verger", crowd=direct),
        Way("verger, captured raw", raw, "verger", crowd=raw),
        Way("verger, captured timestamp", stamped, "verger", True, crowd=stamped),
        Way("verger, captured json", json, "verger", True, share=2),
    ]

    def peer(program, name, start, path=None, **more):
        if shutil.which(program, path=path):
            ways.append(Way(name, start, "peer", slack=SLACK, **more))

    def piped(program, name, command, stamped=False, crowd=False):
        start = pipeline(command)
        peer(program, name, start, stamped=stamped, share=4, crowd=many(start) if crowd else None)

    peer("supervisord", "supervisord", supervisord, "/usr/bin", share=4, crowd=supervisord)
    piped("s6-log", "s6-log", s6_log())
    piped("s6-log", "s6-log T", s6_log("T"), True, crowd=True)
    piped("svlogd", "svlogd", svlogd("-b", "65536"))
    piped("svlogd", "svlogd -ttt", svlogd("-ttt", "-b", "65536"), True, crowd=True)
    piped("multilog", "multilog", multilog())
    piped("multilog", "multilog t", multilog("t"), True)
    return ways


def places(disk):
    """(name, directory) of a tmpfs and of a disk where they differ."""
    memory = Path("/dev/shm")
    disk = Path(disk)
    found = []
    if os.access(memory, os.W_OK):
        found.append(("tmpfs", memory))
    if not found or os.stat(disk).st_dev != os.stat(memory).st_dev:
        found.append(("disk", disk))
    return [(name, Path(tempfile.mkdtemp(prefix="verger-logs-", dir=where))) for name, where in found]
