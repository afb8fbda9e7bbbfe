# SPDX-License-Identifier: MIT
"""vergerd's own log: whole lines, to where the configuration says, whatever is wrong there."""

import fcntl
import json
import os
import re
import socket

import pytest
from processes import eventually

WEB = "[program:web]\ncommand = puppet pause\nrestart_delay = 10ms\nmin_uptime = 0\n"


# a journal at $0, where nothing of this system is in the way
WITH_JOURNAL = (
    "mount -t tmpfs none /run && mkdir -p /run/systemd/journal"
    ' && mount --bind "$0" /run/systemd/journal && exec "$@"'
)


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


class Fifo:
    """A FIFO whose reader reads when it is told to."""

    def __init__(self, path):
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 4096)
        self.text = ""

    def fill(self):
        try:
            while os.write(self.fd, b"-" * 1023 + b"\n"):
                pass
        except BlockingIOError:
            pass

    def read(self):
        try:
            self.text += os.read(self.fd, 65536).decode()
        except BlockingIOError:
            pass
        return self.text


def test_c3_a_log_that_nobody_reads_keeps_nothing_waiting(verger):
    fifo = Fifo(verger.path("log"))
    client = verger.start(WEB, verger=f"log = {verger.path('log')}").client()
    pid = client.await_state("web", "running")["pid"]
    fifo.fill()
    for _ in range(3):
        client.outcome("Restart", "web")
    assert client.await_state("web", "running")["pid"] != pid
    assert client.call("Shutdown") == {}
    # it is there for some time at the end, and gets what waited
    eventually(lambda: "ended with status 0\n" in fifo.read(), lambda: fifo.text)
    own = [line for line in fifo.text.splitlines() if not line.startswith("-")]
    assert sum("web: running, PID" in line for line in own) == 4
    assert all(line[10] == "T" and line[26] == "Z" for line in own)


def test_l4_programs_and_vergerd_share_a_stream(verger):
    ours, theirs = os.pipe()
    daemon = verger.start(
        "[defaults]\nlog_format = json\nrestart_delay = 10ms\n"
        "[program:a]\ncommand = puppet say one pause\n"
        "[program:b]\ncommand = puppet say two exit 1\nstart_limit = 5/1m\n",
        verger="log_format = json",
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    client = daemon.client()
    client.await_state("b", "failed")
    client.await_state("a", "running")
    daemon.stop()
    with open(ours, encoding="utf-8") as stream:
        lines = objects(stream.read())
    own = [line for line in lines if "level" in line]
    assert [line["message"] for line in lines if line.get("stream")].count("two") == 5
    assert [line["message"] for line in lines if line.get("stream")].count("one") == 1
    assert own[-1]["message"] == "ended with status 0"
    assert lines[-1] == own[-1]


def test_a_refusal_reaches_the_log_that_was_open_already(verger):
    verger.start(WEB).client().await_state("web", "running")
    log = verger.path("second.log")
    second = verger.run("-c", verger.config(WEB, verger=f"log = {log}"))
    assert second.returncode == 75
    assert "another vergerd is running" in log.read_text()


def test_equal_lines_are_counted(verger):
    daemon = verger.start(WEB)
    client = daemon.client()
    for _ in range(30):
        client.call("ReopenLogs")
    daemon.stop()
    text = daemon.log()
    told = text.count("info reopen logs: asked by")
    left_out = re.findall(r"(\d+) .*left out", text)
    assert 10 <= told < 30
    assert told + sum(map(int, left_out)) == 30


@pytest.mark.needs_root
@pytest.mark.needs("unshare", "mount")
def test_the_journal_gets_fields(verger):
    run = verger.path("journal")
    run.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(run / "socket"))
        journal.settimeout(10)
        daemon = verger.start(
            WEB,
            verger="log = journal",
            wrapper=["unshare", "-m", "sh", "-c", WITH_JOURNAL, str(run)],
        )
        record = journal.recv(65536).decode()
        assert "SYSLOG_IDENTIFIER=vergerd\n" in record
        while "VERGER_PROGRAM=web\n" not in record:
            record = journal.recv(65536).decode()
        assert "PRIORITY=6\n" in record and "MESSAGE=web: running, PID " in record
        daemon.stop()
