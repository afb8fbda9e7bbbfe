# SPDX-License-Identifier: MIT
"""Logs in a container: programs inherit vergerd's own output, and whoever started vergerd reads."""

import fcntl
import json
import os
import re
import select
import socket
import threading

import logs
import pytest
from logs import await_trouble, await_well, check_the_rest_goes_on, content, numbered, program
from processes import eventually

ONCE = {"restart": "never"}
FORMATS = pytest.mark.parametrize("form", ["prefix", "json"])


class Sink:
    """The reading end of what vergerd writes to: a thread that reads when it may, `at_once` bytes a
    time, and keeps each read."""

    def __init__(self, fd, at_once=1 << 16):
        self.fd = fd
        self.reads = []
        self._at_once = at_once
        self._may, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            if self._may.wait(0.01) and select.select([self.fd], [], [], 0.01)[0]:
                got = os.read(self.fd, self._at_once)
                if not got:
                    return
                self.reads.append(got)

    def go(self):
        self._may.set()

    def text(self):
        return b"".join(self.reads)

    def close(self):
        """The reader goes away."""
        if self.fd >= 0:
            self._over.set()
            self._thread.join()
            os.close(self.fd)
            self.fd = -1


@pytest.fixture
def sinks(verger):
    """Makes sinks, and closes them before vergerd is stopped: nothing may wait for them."""
    made, writers = [], []

    def make(flags=0, at_once=1 << 16, reads=True):
        readable, writable = os.pipe2(os.O_CLOEXEC | flags)
        made.append(Sink(readable, at_once))
        writers.append(writable)
        if reads:
            made[-1].go()
        return made[-1], writable

    def started(fd):
        """vergerd has it: it ends when vergerd does."""
        writers.remove(fd)
        os.close(fd)

    make.started = started
    yield make
    for fd in writers:
        os.close(fd)
    for sink in made:
        sink.close()


def start(verger, sinks, writable, text, own="", **options):
    """vergerd with its output and its own log in that pipe, as a container's log driver has it."""
    options.setdefault("stderr", writable)
    daemon = verger.start(text, own, stdout=writable, **options)
    sinks.started(writable)
    return daemon


def own_lines(text):
    """vergerd's own lines among others, and the others."""
    pattern = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z (debug|info|warning|error) ")
    lines = text.splitlines(keepends=True)
    return [line for line in lines if pattern.match(line)], [
        line for line in lines if not pattern.match(line)
    ]


# lines


@pytest.mark.valgrind
@FORMATS
def test_l4_one_write_a_line_and_vergerds_own_beside(verger, sinks, form):
    """A pipe in packet mode gives each write back as it was."""
    sink, writable = sinks(os.O_DIRECT)
    names = [f"p{n}" for n in range(4)]
    daemon = start(
        verger, sinks, writable,
        "".join(
            program(
                name, f"puppet width {30 + 100 * n} chunk {11 + 50 * n} count {name} 200",
                log_format=form, stderr="stdout", **ONCE,
            )
            for n, name in enumerate(names)
        ),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    eventually(lambda: b"ended with status 0" in sink.text(), "the last line")
    not_lines = [read for read in sink.reads if not read.endswith(b"\n") or read.count(b"\n") != 1]
    assert not_lines == [], [r[:50] + r[-50:] for r in not_lines]
    own, others = own_lines(sink.text())
    assert own
    if form == "json":
        told = [json.loads(one) for one in others]
        said = "".join(one["message"] + "\n" for one in told).encode()
        assert all(one["message"].startswith(one["program"] + " ") for one in told)
    else:
        assert all(re.match(rb"(p\d) \| \1 ", line) for line in others)
        said = b"".join(line.split(b" | ", 1)[1] for line in others)
    assert logs.by_tag(said) == {
        name: numbered(name, 200, 30 + 100 * n) for n, name in enumerate(names)
    }


@FORMATS
def test_l4_long_lines_and_a_slow_reader(verger, sinks, form):
    """Lines are larger than what a pipe takes at once (PIPE_BUF), and the pipe is full all the time."""
    sink, writable = sinks(at_once=3000)
    fcntl.fcntl(writable, fcntl.F_SETPIPE_SZ, 4096)
    names, width, lines = ["a", "b", "c"], 6000, 40
    daemon = start(
        verger, sinks, writable,
        "".join(
            program(
                name, f"puppet width {width} chunk 1000 count {name} {lines} pause",
                log_format=form, stderr="stdout",
            )
            for name in names
        )
        + program(
            "busy", "puppet exit 0",
            stdout="null", stderr="null", restart="always", restart_delay="0s", start_limit="none",
            restart_delay_max="10ms",
        ),
    )  # fmt: skip

    def said():
        _, others = own_lines(sink.text())
        others = [line for line in others if line.endswith(b"\n")]
        if form == "json":
            return "".join(json.loads(line)["message"] + "\n" for line in others).encode()
        return b"".join(re.sub(rb"^. \| ", b"", line) for line in others)

    expected = {name: numbered(name, lines, width) for name in names}
    eventually(lambda: said() and logs.by_tag(said()) == expected, lambda: sink.text()[-300:])
    assert b"busy" in sink.text()
    sink.close()
    assert daemon.stop() == 0


def test_l4_two_pipes_for_two_streams(verger, sinks):
    out, out_fd = sinks()
    err, err_fd = sinks()
    daemon = start(
        verger, sinks, out_fd,
        program("web", "puppet say one complain two say three complain four", log_format="json", **ONCE),
        "exit_when = all",
        stderr=err_fd,
    )  # fmt: skip
    sinks.started(err_fd)
    assert daemon.wait() == 0
    eventually(lambda: b"ended with" in err.text(), "the last line")
    eventually(lambda: out.text().count(b"\n") == 2, out.text)
    assert [(o["stream"], o["message"]) for o in logs.objects(out.text())] == [
        ("stdout", "one"), ("stdout", "three"),
    ]  # fmt: skip
    told = [json.loads(line) for line in own_lines(err.text())[1]]
    assert [(o["stream"], o["message"]) for o in told] == [("stderr", "two"), ("stderr", "four")]


def test_l4_order_of_both_streams_in_one_pipe(verger, sinks):
    sink, writable = sinks()
    words = " ".join(f"say out-{n} complain err-{n}" for n in range(100))
    daemon = start(
        verger, sinks, writable,
        program("web", f"puppet {words}", stderr="stdout", log_format="prefix", **ONCE),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    eventually(lambda: b"ended with" in sink.text(), "the last line")
    expected = b"".join(b"web | out-%d\nweb | err-%d\n" % (n, n) for n in range(100))
    assert b"".join(own_lines(sink.text())[1]) == expected


def test_l4_a_socket_as_standard_output(verger, sinks):
    """As systemd and inetd give it; /dev/stdout cannot be opened then, and is not."""
    ours, theirs = socket.socketpair()
    sink = Sink(os.dup(ours.fileno()))
    sink.go()
    daemon = verger.start(
        program("web", "puppet count web 500", stdout="/dev/stdout", log_format="prefix", **ONCE),
        "exit_when = all",
        stdout=theirs.fileno(),
    )
    theirs.close()
    assert daemon.wait() == 0
    eventually(lambda: sink.text().count(b"\n") == 500, "the lines")
    sink.close()
    ours.close()
    assert sink.text().replace(b"web | ", b"") == numbered("web", 500)


def test_l4_a_file_as_standard_output_is_appended_to(verger):
    """/dev/stdout opened anew would begin at its start, and overwrite it."""
    log = verger.write("all.log", "before\n")
    with open(log, "ab") as file:
        daemon = verger.start(
            program(
                "web", "puppet count web 100",
                stdout="/dev/stdout", stderr="stdout", log_format="prefix", **ONCE,
            ),
            "exit_when = all",
            stdout=file,
        )  # fmt: skip
        assert daemon.wait() == 0
    assert content(log).replace(b"web | ", b"") == b"before\n" + numbered("web", 100)


@pytest.mark.needs_root
def test_dev_stdout_can_be_opened_by_another_user(verger, sinks):
    sink, writable = sinks()
    script = verger.write(
        "script", "echo out >/dev/stdout; echo err >/dev/stderr; echo fd >/proc/self/fd/1\n"
    )
    daemon = start(
        verger, sinks, writable,
        program("web", f"sh {script}", user="nobody", stderr="stdout", log_format="prefix", **ONCE),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    eventually(lambda: b"ended with" in sink.text(), "the last line")
    assert own_lines(sink.text())[1] == [b"web | out\n", b"web | err\n", b"web | fd\n"]


# nobody reads

LINES, WIDTH = 20000, 100


def flood(verger, stalled):
    return program(
        "web", f"puppet say first await {verger.path('go')} width {WIDTH} chunk 4096 count web {LINES} "
        f"touch {verger.path('done')} pause",
        log_format="prefix", log_stalled=stalled, stderr="stdout",
    ) + logs.rest(verger)  # fmt: skip


@pytest.mark.parametrize("stalled", ["block", "drop"])
def test_l4_l2_c3_the_reader_goes_away(verger, sinks, stalled):
    sink, writable = sinks()
    daemon = start(verger, sinks, writable, flood(verger, stalled))
    logs.await_rest(verger)
    eventually(lambda: b"web | first\n" in sink.text(), "the first line")
    client = daemon.client()
    sink.close()
    verger.write("go", "")
    await_trouble(client, "web", "its reader is gone")
    check_the_rest_goes_on(verger, daemon)
    if stalled == "drop":
        eventually(verger.path("done").exists, "the program not to wait")
    else:
        assert not verger.path("done").exists() and client.status("web")["log"]["lost_bytes"] == 0
    assert daemon.stop() == 0


def test_l4_l1_l2_c3_a_full_pipe(verger, sinks):
    """vergerd's own lines wait as well, and come in their place."""
    sink, writable = sinks(reads=False)
    daemon = start(verger, sinks, writable, flood(verger, "block"))
    logs.await_rest(verger)
    client = daemon.client()
    verger.write("go", "")
    await_trouble(client, "web", "read|does not answer")
    check_the_rest_goes_on(verger, daemon)
    assert not verger.path("done").exists()
    sink.go()
    eventually(verger.path("done").exists, "all of it to be written")
    last = b"web | " + logs.line("web", LINES, WIDTH)
    eventually(lambda: last in sink.text(), "the last line")
    await_well(client, "web")
    own, others = own_lines(sink.text())
    assert b"".join(others).replace(b"web | ", b"") == b"first\n" + numbered("web", LINES, WIDTH)
    assert any(b"other" in line for line in own)


def test_l4_l2_a_full_pipe_with_drop(verger, sinks):
    sink, writable = sinks(reads=False)
    daemon = start(verger, sinks, writable, flood(verger, "drop"))
    logs.await_rest(verger)
    client = daemon.client()
    verger.write("go", "")
    eventually(verger.path("done").exists, "the program not to wait")
    await_trouble(client, "web", "read|does not answer")
    check_the_rest_goes_on(verger, daemon)
    sink.go()
    await_well(client, "web")
    eventually(lambda: logs.NOTE.search(sink.text()), "the note")
    assert daemon.stop() == 0
    eventually(lambda: b"ended with" in sink.text(), "the last line")
    _, others = own_lines(sink.text())
    assert others[0] == b"web | first\n"
    bare = b"".join(others[1:]).replace(b"web | ", b"")
    assert logs.check_lost(bare, "web", LINES, WIDTH) > 0


def test_l4_what_waits_in_a_slow_pipe_at_the_end_is_written(verger, sinks):
    sink, writable = sinks(at_once=4096)
    daemon = start(
        verger, sinks, writable,
        program("web", "puppet width 100 chunk 4096 count web 3000", log_format="prefix", **ONCE),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    eventually(lambda: b"ended with status 0" in sink.text(), "the last line")
    _, others = own_lines(sink.text())
    assert b"".join(others).replace(b"web | ", b"") == numbered("web", 3000, 100)
