# SPDX-License-Identifier: MIT
"""Runs what the tutorial types, in one shell, and compares what is seen with what the tutorial shows.

In a block fenced as `console`, a line that starts with `$ ` is typed, lines that start with `>` continue it, and
the lines after it are its output.  `…` stands for any text within a line; a line of nothing else, for any lines.
Each port is exchanged for a free one, so that nobody who has 8000 in use fails here.  People who are told to
`sleep 1` look again when that was too short; so does the test.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[2]
PAGES = sorted((SOURCE / "docs" / "tutorial").glob("*.md"))
PORTS = re.compile(r"\b80[0-9][0-9]\b")
NEEDED = ("bash", "curl", "pgrep", "ps", "python3")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
SECONDS = 300
END = "--end-of-output--"
# so often one goes back to a pause, from one of so many commands after it
PAUSES_MAX, AFTER_PAUSE = 30, 3


class Command(NamedTuple):
    line: int
    typed: str
    shown: list


def commands_of(page):
    found, inside = [], False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Command(number, line[2:], []))
        elif inside and line.startswith(">"):
            last = found[-1]
            found[-1] = last._replace(typed=f"{last.typed}\n{line[2:]}")
        elif inside:
            found[-1].shown.append(line)
    return found


def pattern_of(shown):
    """A regular expression for all of the output."""
    parts = []
    for line in shown:
        if line == "…":
            parts.append(r"(?:.*\n)*")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")) + r"\n")
    return re.compile("".join(parts))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


class Shell:
    """A bash that stays, so that folders and variables do."""

    def __init__(self, folder, path):
        self.bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"},
            text=True,
            start_new_session=True,
        )

    def run(self, typed):
        self.bash.stdin.write(f"{typed}\necho {END}\n")
        self.bash.stdin.flush()
        seen = []
        for line in self.bash.stdout:
            if line == f"{END}\n":
                return "".join(seen)
            seen.append(line)
        raise AssertionError(f"the shell has ended: {''.join(seen)}")

    def end(self):
        self.bash.stdin.close()
        self.bash.wait(timeout=120)


def stop_what_is_left(folder):
    """A failed page may have left its vergerd running."""
    for file in folder.rglob("vergerd.pid"):
        os.kill(int(file.read_text()), signal.SIGTERM)


def give_up(number, frame):
    raise TimeoutError(f"the tutorial takes longer than {SECONDS} s")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bin").mkdir()
    for name, folder in (("vergerd", "daemon"), ("vergerctl", "ctl")):
        built = os.environ.get(name.upper()) or SOURCE / "build" / "dev" / "src" / folder / name
        (tmp_path / "bin" / name).symlink_to(built)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield tmp_path
    signal.alarm(0)
    stop_what_is_left(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_shows_what_happens(page, folder):
    path = f"{folder / 'bin'}:{SYSTEM_PATH}"
    missing = [program for program in NEEDED if not shutil.which(program, path=SYSTEM_PATH)]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    ports = {}

    def exchange(text):
        return PORTS.sub(lambda m: ports.setdefault(m[0], free_port()), text)

    shell = Shell(folder, path)
    commands, at, pause, pauses = commands_of(page), 0, None, 0
    while at < len(commands):
        command = commands[at]
        if command.typed.startswith("sleep "):
            pause, pauses = at, pauses + 1
        seen = shell.run(exchange(command.typed))
        expected = exchange("\n".join(command.shown))
        where = f"{page.relative_to(SOURCE)}:{command.line}: {command.typed}"
        if pattern_of(expected.splitlines()).fullmatch(seen):
            at += 1
        elif pause is not None and at - pause <= AFTER_PAUSE and pauses < PAUSES_MAX:
            at = pause
        else:
            raise AssertionError(f"{where}\nshows\n{expected}\nbut it is\n{seen}")
    shell.end()
