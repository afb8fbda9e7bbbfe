# SPDX-License-Identifier: MIT
"""Targets that take nothing: readers that sleep, disks that are full, read-only or gone, a file
server that does not answer.  Meanwhile everything else goes on (C3, L2)."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import logs
import processes
import pytest
import verger as harness
from logs import (
    await_bytes,
    await_trouble,
    await_well,
    check_the_rest_goes_on,
    content,
    numbered,
    program,
)
from processes import eventually

WIDTH = 100
LINES = 20000  # 2 MB: more than all buffers together hold
# how long a reader sleeps; the proof of 30 s is the same with another number
STALL_SECONDS = float(os.environ.get("VERGER_STALL_SECONDS", "1"))


def writer(verger, log, lines=LINES, command="", **keys):
    return program(
        "web", f"puppet width {WIDTH} chunk 4096 {command} count web {lines} "
        f"touch {verger.path('done')} pause",
        stdout=log, **keys,
    )  # fmt: skip


def start(verger, text, **options):
    daemon = verger.start(text + logs.rest(verger), **options)
    logs.await_rest(verger)
    return daemon, daemon.client()


# nobody reads


def test_l2_c3_a_fifo_without_a_reader(verger):
    fifo = verger.path("fifo")
    os.mkfifo(fifo)
    daemon, client = start(verger, writer(verger, fifo, log_max_size="1T"))
    daemon.server("web")
    log = await_trouble(client, "web", "FIFO")
    assert not log["drops"] and log["lost_bytes"] == 0
    daemon.await_log(r"log .*/fifo: nobody reads this FIFO")
    assert "FIFO" in check_the_rest_goes_on(verger, daemon)
    assert not verger.path("done").exists()
    reader = logs.Reader(verger, fifo)
    await_bytes(reader.read, numbered("web", LINES, WIDTH))
    await_well(client, "web")
    daemon.await_log(r"log .*/fifo: takes output again; 0 bytes were lost")


def test_l2_a_reader_that_goes_and_comes_back(verger):
    """What the dead reader's pipe held is the reader's loss; vergerd goes on where it stopped."""
    fifo, go = verger.path("fifo"), verger.path("go")
    os.mkfifo(fifo)
    first = logs.Reader(verger, fifo, "first")
    daemon, client = start(
        verger, writer(verger, fifo, LINES, f"count web 10 await {go}", log_format="prefix")
    )
    eventually(lambda: first.read().count(b"\n") == 10, "the first lines")
    first.process.kill()
    first.process.wait()
    verger.write("go", "")
    await_trouble(client, "web", "FIFO|reader")
    check_the_rest_goes_on(verger, daemon)
    second = logs.Reader(verger, fifo, "second")
    eventually(verger.path("done").exists, "all of it to be written")
    last = b"web | " + logs.line("web", LINES + 10, WIDTH)
    eventually(lambda: second.read().endswith(last), "the last line")
    # no line is torn, doubled or missing
    text = second.read().replace(b"web | ", b"")
    assert text == numbered("web", LINES, WIDTH, first=11), logs.difference(
        text, numbered("web", LINES, WIDTH, first=11)
    )


@pytest.mark.parametrize("form", ["raw", "prefix"])
def test_l1_l2_c3_a_reader_that_sleeps_with_block(verger, form):
    fifo = verger.path("fifo")
    os.mkfifo(fifo)
    reader = logs.Reader(verger, fifo)
    os.kill(reader.pid, signal.SIGSTOP)
    daemon, client = start(
        verger, writer(verger, fifo, log_format=form, log_max_size="1T")
    )
    await_trouble(client, "web", "read")
    daemon.await_log("fifo: its reader does not read")
    until = time.monotonic() + STALL_SECONDS
    check_the_rest_goes_on(verger, daemon)
    while time.monotonic() < until:
        check_the_rest_goes_on(verger, daemon)
    assert not verger.path("done").exists(), "the program is to wait"
    os.kill(reader.pid, signal.SIGCONT)
    expected = numbered("web", LINES, WIDTH)
    if form == "prefix":
        expected = b"web | " + expected.replace(b"\n", b"\nweb | ").removesuffix(b"web | ")
    await_bytes(reader.read, expected)
    await_well(client, "web")
    daemon.await_log("fifo: takes output again; 0 bytes were lost")


@pytest.mark.parametrize("form", ["raw", "prefix", "json"])
def test_l2_c3_a_reader_that_sleeps_with_drop(verger, form):
    fifo = verger.path("fifo")
    os.mkfifo(fifo)
    reader = logs.Reader(verger, fifo)
    os.kill(reader.pid, signal.SIGSTOP)
    daemon, client = start(
        verger,
        writer(verger, fifo, log_format=form, log_stalled="drop").replace(
            " pause", f" await {verger.path('go')} count web 1 pause"
        ),
    )
    eventually(verger.path("done").exists, "the program not to wait")
    log = await_trouble(client, "web", "read")
    assert log["drops"]
    eventually(lambda: client.status("web")["log"]["lost_bytes"] > 0, "a loss")
    daemon.await_log("fifo: its reader does not read")
    check_the_rest_goes_on(verger, daemon)
    # what lasts for a moment only is not told in the log
    daemon.await_log("fifo: its reader does not read")
    os.kill(reader.pid, signal.SIGCONT)
    await_well(client, "web")
    # told although the program is silent
    eventually(lambda: b" bytes lost: nobody took them" in reader.read(), "the note")
    verger.write("go", "")
    last = f"web {LINES + 1} ".encode()
    eventually(lambda: last in reader.read(), "the last line")
    eventually(lambda: reader.read().endswith(b"\n"), "its end")
    lost = check_dropped(reader.read(), form)
    status = client.status("web")["log"]
    assert status["lost_lines"] == lost and not status["stalled"]
    assert daemon.await_log(r"fifo: takes output again; (\d+) bytes were lost")[1] == str(
        status["lost_bytes"]
    )


def check_dropped(text, form):
    if form == "json":
        told = logs.objects(text)
        assert {one["stream"] for one in told if one["message"].startswith("verger:")} == {"verger"}
        text = "".join(one["message"] + "\n" for one in told).encode()
    elif form == "prefix":
        text = re.sub(rb"(?m)^web \| ", b"", text)
    lost = logs.check_lost(text, "web", LINES + 1, WIDTH)
    assert 0 < lost < LINES
    return lost


# disks


class Disk:
    """A folder on which something is mounted, in a world of vergerd's own."""

    def __init__(self, verger):
        self.verger = verger
        self.folder = verger.path("disk")
        self.folder.mkdir()
        self.fds = []

    def world(self, script):
        return {"wrapper": logs.mounting(script.format(self.folder))}

    def inside(self, daemon):
        """The folder as vergerd sees it; also when vergerd has ended."""
        self.fds.append(os.open(logs.inside(daemon, self.folder), os.O_RDONLY | os.O_DIRECTORY))
        return logs.held(self.fds[-1])

    def close(self):
        while self.fds:
            os.close(self.fds.pop())


@pytest.fixture
def disk(verger):
    found = Disk(verger)
    yield found
    found.close()


def mounts(test):
    return pytest.mark.needs_root(pytest.mark.needs_world(*harness.MOUNTING)(test))


TMPFS = 'mount -t tmpfs -o size={size} none "{{0}}"'


def fill(folder, name="ballast"):
    """Leaves no room on the disk."""
    with open(folder / name, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))


@mounts
@pytest.mark.parametrize("stalled", ["block", "drop"])
def test_l1_l2_l3_c3_a_full_disk(verger, disk, stalled):
    daemon, client = start(
        verger,
        writer(
            verger, disk.folder / "web.log", LINES, f"count web 1000 await {verger.path('go')}",
            log_format="prefix", log_stalled=stalled, log_max_size="none",
        ),
        **disk.world(TMPFS.format(size="512k")),
    )  # fmt: skip
    folder = disk.inside(daemon)
    log = folder / "web.log"
    eventually(lambda: content(log).count(b"\n") == 1000, "the first lines")
    # left from when it was rotated
    (folder / "web.log-20200101T000000.000000Z").write_bytes(numbered("old", 1000, WIDTH))
    fill(folder)
    verger.write("go", "")
    await_trouble(client, "web", "No space left on device")
    assert logs.rotated(log) == [], "the rotated files are to go first"
    daemon.await_log(r"log .*/web.log: No space left on device")
    assert "No space left on device" in check_the_rest_goes_on(verger, daemon)
    if stalled == "drop":
        eventually(verger.path("done").exists, "the program not to wait")
    else:
        assert not verger.path("done").exists()
    in_trouble = content(log)
    # room for all of it
    logs.in_world_of(daemon, "mount", "-o", "remount,size=16m", disk.folder)
    (folder / "ballast").unlink()
    await_well(client, "web")
    eventually(verger.path("done").exists, "all of it to be written")
    daemon.await_log("web.log: takes output again")
    assert daemon.stop() == 0
    lost = sum(int(n) for n in re.findall(r"takes output again; (\d+) bytes", daemon.log()))
    text = logs.whole(log)
    assert in_trouble in text, "what was there is to stay as it was"
    check_after_the_full_disk(text, stalled, lost)


def check_after_the_full_disk(text, stalled, lost):
    bare, lines = re.sub(rb"(?m)^web \| ", b"", text), LINES + 1000
    if stalled == "block":
        assert lost == 0
        assert bare == numbered("web", lines, WIDTH), logs.difference(bare, numbered("web", lines, WIDTH))
    else:
        logs.check_lost(bare, "web", lines, WIDTH, "No space left on device")
        assert lost == sum(int(size) for _, size, _ in logs.NOTE.findall(bare)) > 0


@mounts
def test_l3_a_full_disk_takes_the_oldest_rotated_files_first(verger, disk):
    daemon, client = start(
        verger,
        writer(verger, disk.folder / "web.log", log_max_size="64k", log_keep=1000),
        **disk.world(TMPFS.format(size="512k")),
    )
    log = disk.inside(daemon) / "web.log"
    eventually(verger.path("done").exists, "the lines")
    expected = numbered("web", LINES, WIDTH)
    eventually(lambda: logs.whole(log).endswith(expected[-200:]), "the last lines")
    text = logs.whole(log)
    assert expected.endswith(text) and len(text) > 300_000, len(text)
    logs.rotated_and_at_line_ends(log, 1 << 16)
    assert "lost" not in daemon.log() and not client.status("web").get("log")
    check_the_rest_goes_on(verger, daemon)


@mounts
def test_l1_l2_a_disk_that_is_read_only_at_first(verger, disk):
    daemon, client = start(
        verger,
        writer(verger, disk.folder / "web.log", log_max_size="256k", log_keep=100),
        **disk.world('mount -t tmpfs -o size=16m,ro none "{0}"'),
    )
    log = disk.inside(daemon) / "web.log"
    await_trouble(client, "web", "Read-only file system")
    check_the_rest_goes_on(verger, daemon)
    assert client.status("web")["log"]["lost_bytes"] == 0
    logs.in_world_of(daemon, "mount", "-o", "remount,rw", disk.folder)
    await_bytes(lambda: logs.whole(log), numbered("web", LINES, WIDTH))
    await_well(client, "web")


def test_l1_a_folder_that_is_removed_and_comes_back(verger):
    folder, go = verger.path("folder"), verger.path("go")
    folder.mkdir()
    log = folder / "web.log"
    # slow enough to have something to write when it is found out
    daemon, client = start(
        verger, writer(verger, log, LINES, f"count web 10 await {go} pace 6", log_format="prefix")
    )
    eventually(lambda: content(log).count(b"\n") == 10, "the first lines")
    shutil.rmtree(folder)
    # it is looked for once a second: what was written into the removed file is gone with it
    verger.write("go", "")
    await_trouble(client, "web", "No such file or directory")
    check_the_rest_goes_on(verger, daemon)
    folder.mkdir()
    eventually(verger.path("done").exists, "all of it to be written")
    last = b"web | " + logs.line("web", LINES + 10, WIDTH)
    eventually(lambda: content(log).endswith(last), "the last line")
    check_is_an_end(content(log).replace(b"web | ", b""))
    await_well(client, "web")


def check_is_an_end(text, lines=LINES + 10):
    """Of numbered lines: the last ones are there, without a gap."""
    count = text.count(b"\n")
    expected = numbered("web", count, WIDTH, first=lines + 1 - count)
    assert text == expected, logs.difference(text, expected)


# disks that do not answer, and such as are broken

EXT4_MADE = 'mount -o loop "{image}" "{{0}}"'


def make_ext4(disk):
    """A small disk with a file system of its own; the script that mounts it."""
    image = disk.verger.path("image")
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    script = EXT4_MADE.format(image=image)
    # where there are no loop devices nothing can be shown
    trial = subprocess.run(
        [*logs.mounting(script.format(disk.folder)), "true"], capture_output=True, text=True
    )
    if trial.returncode:
        pytest.skip(f"no loop device: {trial.stderr.strip()}")
    return script


def hung(test):
    return mounts(pytest.mark.needs("mkfs.ext4", "losetup")(test))


@hung
@pytest.mark.parametrize("stalled", ["block", "drop"])
def test_l1_l2_c3_a_disk_that_hangs(verger, disk, stalled):
    script = make_ext4(disk)
    log_path = disk.folder / "web.log"
    daemon, client = start(
        verger,
        writer(
            verger, log_path, LINES, f"count web 10 await {verger.path('go')}",
            log_format="prefix", log_stalled=stalled,
        )
        + program("direct", "puppet say up pause", stdout=disk.folder / "direct.log", autostart="no")
        + program(
            "captured", "puppet say up pause",
            stdout=disk.folder / "captured.log", log_format="prefix", autostart="no",
        ),
        **disk.world(script),
    )  # fmt: skip
    folder = disk.inside(daemon)
    log = folder / "web.log"
    eventually(lambda: content(log).count(b"\n") == 10, "the first lines")
    with logs.frozen(folder):
        verger.write("go", "")
        await_trouble(client, "web", "does not answer")
        daemon.await_log(r"log .*/web.log: does not answer")
        check_the_rest_goes_on(verger, daemon)
        if stalled == "drop":
            eventually(verger.path("done").exists, "the program not to wait")
            eventually(lambda: client.status("web")["log"]["lost_bytes"] > 0, "a loss")
        # a program that would have its file there cannot start, and nobody waits for it
        daemon.client().send("Start", {"names": ["direct", "captured"]})
        daemon.await_log("direct.*does not answer")
        check_the_rest_goes_on(verger, daemon)
        with daemon.client() as second:
            assert second.status("direct")["state"] != "running"
            assert second.outcome("Stop", "direct")["result"] == "done"
    if stalled == "block":
        expected = numbered("web", LINES + 10, WIDTH)
        await_bytes(lambda: content(log).replace(b"web | ", b""), expected)
    eventually(verger.path("done").exists, "all of it to be written")
    await_well(client, "web")
    daemon.await_log("web.log: takes output again")
    assert daemon.stop() == 0
    if stalled == "drop":
        logs.check_lost(content(log).replace(b"web | ", b""), "web", LINES + 10, WIDTH)


@hung
def test_c3_vergerd_ends_while_a_disk_hangs(verger, disk):
    script = make_ext4(disk)
    daemon, client = start(
        verger,
        writer(
            verger, disk.folder / "web.log", LINES, f"count web 10 await {verger.path('go')}",
            log_format="prefix",
        ),
        **disk.world(script),
    )  # fmt: skip
    folder = disk.inside(daemon)
    eventually(lambda: content(folder / "web.log").count(b"\n") == 10, "the first lines")
    with logs.frozen(folder):
        verger.write("go", "")
        await_trouble(client, "web", "does not answer")
        daemon.send(signal.SIGTERM)
        # all programs have ended, and what could not be written is told
        daemon.await_no_pid("web")
        daemon.await_log("web.log: [0-9]+ bytes could not be written")
        daemon.await_log("ended with status 0")
    assert daemon.wait() == 0
    # what it had begun to write is there; the program has ended in the middle of a line
    text = content(folder / "web.log").replace(b"web | ", b"").removesuffix(b"\n")
    assert numbered("web", LINES + 10, WIDTH).startswith(text), logs.difference(
        text, numbered("web", LINES + 10, WIDTH)
    )


# _IOR('X', 125, __u32): the file system is as broken as after an error of the disk
EXT4_SHUTDOWN, WITHOUT_LOG = 0x8004587D, 2


@hung
def test_l1_l2_c3_a_disk_that_breaks_and_is_replaced(verger, disk):
    script = make_ext4(disk)
    daemon, client = start(
        verger,
        writer(
            verger, disk.folder / "web.log", LINES, f"count web 10 await {verger.path('go')}",
            log_format="prefix",
        ),
        **disk.world(script),
    )  # fmt: skip
    folder = disk.inside(daemon)
    eventually(lambda: content(folder / "web.log").count(b"\n") == 10, "the first lines")
    fcntl.ioctl(disk.fds[-1], EXT4_SHUTDOWN, WITHOUT_LOG.to_bytes(4, sys.byteorder))
    verger.write("go", "")
    await_trouble(client, "web", "Input/output error")
    check_the_rest_goes_on(verger, daemon)
    assert client.status("web")["log"]["lost_bytes"] == 0
    logs.in_world_of(daemon, "mount", "-t", "tmpfs", "none", disk.folder)
    eventually(verger.path("done").exists, "all of it to be written")
    daemon.await_log("web.log: takes output again; 0 bytes were lost")
    # what was not written to the first disk is on the second
    await_bytes(
        lambda: content(disk.inside(daemon) / "web.log").replace(b"web | ", b""),
        numbered("web", LINES, WIDTH, first=11),
    )


# memory


def test_l2_memory_stays_bounded(verger):
    """50 programs that write as fast as they can to what takes nothing, and do not wait."""
    fifos = [verger.path(f"fifo{n}") for n in range(50)]
    for fifo in fifos:
        os.mkfifo(fifo)
    daemon, client = start(
        verger,
        "".join(
            program(
                f"web{n}", f"puppet width 1000 chunk 65536 count-until web {verger.path('stop')} pause",
                stdout=fifo, log_format="prefix", log_stalled="drop" if n % 2 else "block",
            )
            for n, fifo in enumerate(fifos)
        ),
    )  # fmt: skip
    readers = [os.open(fifo, os.O_RDWR | os.O_NONBLOCK) for fifo in fifos]
    try:
        eventually(
            lambda: all(
                (client.status(f"web{n}").get("log") or {}).get("lost_bytes", 0) > 10_000_000
                for n in range(1, 50, 2)
            ),
            "losses",
            120,
        )
        check_the_rest_goes_on(verger, daemon)
        used = int(processes.status(daemon.pid_itself)["VmRSS"].split()[0])
        # a read and what was made of it, for each, besides vergerd itself
        assert used < 50 * 300 + LARGE_BUILD_KB, f"{used} kB"
    finally:
        # it writes what it has left as soon as somebody reads
        daemon.send(signal.SIGTERM)
        eventually(lambda: drain(readers) or not daemon.is_alive(), "vergerd to end")
        for fd in readers:
            os.close(fd)


def drain(fds):
    """Reads what there is."""
    for fd in fds:
        with contextlib.suppress(BlockingIOError):
            while os.read(fd, 1 << 20):
                pass


# what a build with sanitizers or valgrind takes for itself
LARGE_BUILD_KB = 6_000 if processes.PATIENCE <= 1 else 400_000
