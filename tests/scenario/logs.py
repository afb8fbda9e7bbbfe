# SPDX-License-Identifier: MIT
"""What tests of logs share: numbered lines (puppet: count) and whether all of them are there, files
that were rotated, targets that take nothing."""

import contextlib
import fcntl
import gzip
import json
import lzma
import os
import re
import signal
import subprocess
from pathlib import Path

import processes
from processes import eventually

ROTATED = re.compile(r"-\d{8}T\d{6}\.\d{6}Z(\.gz|\.zst|\.xz)?$")
NOTE = re.compile(rb"verger: (\d+) lines?, (\d+) bytes lost: ([^\n]*)")
# of _IOWR('X', 119, int) and 120: to hold a file system still, and to let it go on
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


def program(name, command, **keys):
    """A section; keys as in the file."""
    lines = [f"[program:{name}]", f"command = {command}"]
    return "\n".join(lines + [f"{key} = {value}" for key, value in keys.items()]) + "\n"


# lines


def line(tag, number, width=0, mark=""):
    text = f"{tag} {number}{mark}"
    if len(text) + 1 < width:
        text = f"{text} ".ljust(width - 1, "x")
    return f"{text}\n".encode()


def numbered(tag, count, width=0, first=1):
    """What `puppet width WIDTH count TAG COUNT` writes."""
    return b"".join(line(tag, n, width) for n in range(first, first + count))


def difference(got, expected):
    """Where two texts part, in a few words; empty when they do not."""
    if got == expected:
        return ""
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    return (
        f"{len(got)} bytes instead of {len(expected)}, the same up to {at}: "
        f"{got[max(at - 40, 0):at + 60]!r} instead of {expected[max(at - 40, 0):at + 60]!r}"
    )


def await_bytes(read, expected, seconds=None):
    """Waits until read() returns just that."""
    eventually(lambda: read() == expected, lambda: difference(read(), expected), seconds)


def by_tag(text):
    """Lines of several programs, told apart by the first word of each."""
    assert text.endswith(b"\n"), text[-100:]
    found = {}
    for one in text.split(b"\n")[:-1]:
        found.setdefault(one.split(b" ", 1)[0].decode(errors="replace"), []).append(one)
    return {tag: b"".join(one + b"\n" for one in lines) for tag, lines in found.items()}


def check_up_to_the_end(text, tag, width=0):
    """Holds that this is all that `count-until TAG` has written; returns how many lines that were."""
    count = text.count(b"\n")
    expected = numbered(tag, count - 1, width) + line(tag, count, width, " end")
    assert text == expected, difference(text, expected)
    return count


def has_ended(text):
    """Whether `count-until` has written its last line."""
    return re.search(rb"\d end( x*)?\n\Z", text) is not None


def objects(text):
    """Lines of JSON."""
    return [json.loads(one.decode()) for one in text.splitlines()]


def check_lost(text, tag, count, width, reason=None):
    """Holds that of `count` lines each was either written, in order and whole, or told of as lost, as
    lines and as bytes; returns how many were lost."""
    written = [int(n) for n in re.findall(rb"^%s (\d+)" % tag.encode(), text, re.MULTILINE)]
    notes = NOTE.findall(text)
    lost_lines = sum(int(lines) for lines, _, _ in notes)
    lost_bytes = sum(int(size) for _, size, _ in notes)
    kept = b"".join(line(tag, n, width) for n in written)
    rest = re.sub(rb"(?m)^[^\n]*" + NOTE.pattern + rb"\n", b"", text)
    assert written == sorted(set(written)), "lines are doubled or out of order"
    assert rest == kept, difference(rest, kept)
    assert len(written) + lost_lines == count, (len(written), notes)
    assert len(kept) + lost_bytes == len(numbered(tag, count, width)), notes
    if reason:
        assert {why.decode() for _, _, why in notes} == {reason}
    return lost_lines


# files


def content(path):
    """Of a file that may be missing."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""


def rotated(path):
    """The rotated files of a log, oldest first."""
    path = Path(path)
    found = [p for p in path.parent.iterdir() if p.name.startswith(path.name + "-")]
    return sorted(p for p in found if ROTATED.search(p.name))


def unpacked(path):
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
    return path.read_bytes()


def whole(path):
    """A log with all that was rotated.  Only for one that is not being packed."""
    while True:
        names = rotated(path)
        text = b"".join(unpacked(p) for p in names) + content(path)
        if rotated(path) == names:
            return text


def rotated_and_at_line_ends(path, max_size):
    """Holds that of what each rotated file is to be; returns them."""
    files = rotated(path)
    for file in files:
        text = unpacked(file)
        assert text.endswith(b"\n") and len(text) <= max_size, f"{file}: {text[-60:]!r}"
    return files


# lives


class Lives:
    """A program that says its PID and ends, again and again.  vergerd keeps so many lives apart whose
    output it has not read (CHANNEL_LIVES_MAX), so that each sixth waits until that has been seen."""

    AT_ONCE = 6

    def __init__(self, verger, name="web", **keys):
        self.verger = verger
        self.pids_path = verger.path("pids")
        script = verger.write(
            "life",
            f"""echo $$
echo $$ >>{self.pids_path}
count=$(wc -l <{self.pids_path})
[ $((count % {self.AT_ONCE})) != 0 ] || puppet await {verger.path('seen')}-$count
printf %s $$
""",
        )
        self.section = program(
            name, f"sh {script}",
            restart="always", restart_delay="0s", restart_delay_max="1ms", start_limit="none", **keys,
        )  # fmt: skip

    def pids(self):
        return [int(pid) for pid in content(self.pids_path).split()]

    def await_lives(self, count, said):
        """Waits until `said()`, the lines that have arrived, are of so many lives: two of each, but
        for the one that waits."""
        for seen in range(self.AT_ONCE, count + 1, self.AT_ONCE):
            eventually(lambda: said() >= 2 * seen - 1, lambda: f"{said()} lines of {seen} lives")
            self.verger.write(f"seen-{seen}", "")


# what goes on meanwhile

OTHER = "other"


def rest(verger):
    """Programs that must not notice what becomes of another's log: one that is killed and restarted
    and has a captured log, and one that is started and stopped."""
    return program(
        OTHER, "puppet say up pause", stdout=verger.path("other.log"), log_format="prefix",
        restart="always", restart_delay="0s", restart_delay_max="1ms", start_limit="none",
    ) + program("idle", "puppet pause", stdout="null", autostart="no")  # fmt: skip


def await_rest(verger, times=1):
    """Waits until the other program has said so often that it is up."""
    log = verger.path("other.log")
    expected = f"{OTHER} | up\n".encode() * times
    eventually(lambda: content(log) == expected, lambda: f"the other program: {content(log)!r}")


def check_the_rest_goes_on(verger, daemon):
    """Control answers, a program that is killed comes back, others start, stop and log.  Returns what
    status says."""
    with daemon.client() as client:
        said = content(verger.path("other.log")).count(b"\n")
        pid = client.status(OTHER)["pid"]
        os.kill(pid, signal.SIGKILL)
        daemon.pid(OTHER, other_than=pid)
        await_rest(verger, said + 1)
        assert client.outcome("Start", "idle")["result"] == "done"
        assert client.outcome("Stop", "idle")["result"] == "done"
    result = daemon.ctl("status")
    assert OTHER in result.stdout, result.stderr
    return result.stdout


def await_trouble(client, name, pattern):
    """Waits until status says so of a program's log; returns what it says."""

    def found():
        log = client.status(name).get("log") or {}
        return log.get("stalled") and re.search(pattern, log.get("trouble") or "") and log

    return eventually(found, lambda: f"trouble of {name}: {client.status(name)}")


def await_well(client, name):
    eventually(
        lambda: not (client.status(name).get("log") or {}).get("stalled"),
        lambda: f"{name} to be well: {client.status(name)}",
    )


# readers


class Reader:
    """Reads a FIFO into a file, from another process, which can be stopped."""

    def __init__(self, verger, fifo, name="read"):
        self.path = verger.path(name)
        # open for writing as well, so that it need not wait for a writer, and has no end
        self.process = verger.bystander(
            "sh", "-c", 'exec cat 0<>"$0" >"$1"', str(fifo), str(self.path)
        )
        eventually(lambda: processes.words(self.pid) == ["cat"], "the reader")

    def read(self):
        return content(self.path)

    @property
    def pid(self):
        return self.process.pid


# mounts


def mounting(script):
    """A wrapper that runs `script` in a mount namespace of its own before vergerd."""
    return ["unshare", "-m", "sh", "-c", f'{script} && exec "$@"', "sh"]


def inside(daemon, path):
    """A path as vergerd sees it."""
    return Path(f"/proc/{daemon.pid_itself}/root{path}")


def held(fd):
    """The path of a folder that is open here: it stays when the world it was in is gone."""
    return Path(f"/proc/self/fd/{fd}")


def in_world_of(daemon, *argv):
    """Runs a command in vergerd's mount namespace."""
    subprocess.run(["nsenter", "-t", str(daemon.pid_itself), "-m", *map(str, argv)], check=True)


@contextlib.contextmanager
def frozen(folder):
    """The file system of this folder takes nothing, and does not say so either: as a file server
    that does not answer."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, FIFREEZE, 0)
        try:
            yield
        finally:
            fcntl.ioctl(fd, FITHAW, 0)
    finally:
        os.close(fd)
