# SPDX-License-Identifier: MIT
"""`vergerctl logs` and the method behind it: the last lines that programs wrote, and what they
write from now on."""

import datetime
import json
import os
import subprocess

import processes
import pytest
from processes import eventually
from varlink import Refused


def writing(name, log, keys=""):
    return f"[program:{name}]\ncommand = puppet pause\nstdout = {log}\n{keys}\n"


def append(path, text):
    with open(path, "ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def numbered(first, last):
    return "".join(f"line {n}\n" for n in range(first, last + 1))


class Following:
    """A Logs stream, and all it has told."""

    def __init__(self, daemon, **parameters):
        self.client = daemon.client()
        self.client.send("Logs", {"follow": True, **parameters}, more=True)
        self.lines = []

    def await_lines(self, expected):
        while self.lines != expected:
            assert len(self.lines) < len(expected), self.lines
            self.lines += self.client.receive()[0]["lines"]


def lines_of(client, seconds=None, **parameters):
    """All lines of a call without follow."""
    replies = client.stream("Logs", seconds, **parameters)
    return [line for reply in replies for line in reply["lines"]]


def test_the_last_lines_of_a_program(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    client = daemon.client()
    client.await_state("web", "running")
    append(log, numbered(1, 100))
    assert lines_of(client, names=["web"]) == [f"line {n}" for n in range(91, 101)]
    assert lines_of(client, names=["web"], lines=3) == ["line 98", "line 99", "line 100"]
    assert lines_of(client, names=["web"], lines=0) == []
    assert len(lines_of(client, names=["web"], lines=1000)) == 100
    result = daemon.ctl("logs", "-n", "2", "web")
    assert (result.returncode, result.stdout.splitlines()) == (0, ["line 99", "line 100"])
    assert len(daemon.ctl("logs", "web").stdout.splitlines()) == 10


def test_an_unfinished_last_line_and_an_empty_file(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    client = daemon.client()
    client.await_state("web", "running")
    assert lines_of(client, names=["web"]) == []
    append(log, "one\n\nthree without an end")
    assert lines_of(client, names=["web"]) == ["one", "", "three without an end"]


def test_long_lines_come_in_pieces_and_lose_nothing(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    client = daemon.client()
    client.await_state("web", "running")
    text = "".join(chr(ord("a") + n % 26) for n in range(300_000))
    append(log, text + "\nshort\n")
    told = lines_of(client, names=["web"], lines=2)
    assert told[-1] == "short"
    assert "".join(told[:-1]) == text


def test_b3_a_nul_in_a_log_is_no_text_and_breaks_no_client(verger):
    """JSON could say it, but most C programs that read JSON refuse to."""
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    client = daemon.client()
    client.await_state("web", "running")
    append(log, b"a\0b\n")
    (told,) = [reply for reply in client.stream("Logs", names=["web"]) if reply["lines"]]
    assert told["lines"] == ["a\N{REPLACEMENT CHARACTER}b"] and told["lossy"] is True
    result = daemon.ctl("logs", "web")
    assert (result.returncode, result.stderr) == (0, "")


def test_both_streams_and_their_names(verger):
    out, err = verger.path("out"), verger.path("err")
    daemon = verger.start(
        "[program:web]\ncommand = puppet say hello complain ouch pause\n"
        f"stdout = {out}\nstderr = {err}\n"
    )
    client = daemon.client()
    eventually(lambda: err.exists() and err.read_text(), "the lines")
    told = list(client.stream("Logs", names=["web"]))
    assert sorted(line for reply in told for line in reply["lines"]) == ["hello", "ouch"]


def test_what_cannot_be_read_gets_a_note(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\nstdout = null\nstderr = null\n")
    client = daemon.client()
    client.await_state("web", "running")
    (reply,) = client.stream("Logs", names=["web"])
    assert reply["lines"] == [] and "null" in reply["note"]
    result = daemon.ctl("logs", "web")
    assert "null" in result.stdout + result.stderr
    with pytest.raises(Refused, match="NoSuchProgram"):
        lines_of(client, names=["nobody"])
    assert daemon.ctl("logs", "nobody").returncode == 4


def test_several_programs_are_told_apart(verger):
    logs = {name: verger.path(f"{name}.log") for name in ("web", "db")}
    daemon = verger.start("".join(writing(name, log) for name, log in logs.items()))
    client = daemon.client()
    for name, log in logs.items():
        client.await_state(name, "running")
        append(log, f"I am {name}\n")
    told = {r["program"]: r["lines"] for r in client.stream("Logs") if r["lines"]}
    assert told == {"web": ["I am web"], "db": ["I am db"]}
    said = [line.split("I am ") for line in daemon.ctl("logs").stdout.splitlines()]
    assert all(name in before for before, name in (line for line in said if len(line) == 2))
    assert sorted(line[1] for line in said if len(line) == 2) == ["db", "web"]


# rotated files


def rotated(log, stamp="20261130T081500.000000Z", packing=""):
    return log.with_name(f"{log.name}-{stamp}{packing}")


def put_packed(path, text):
    command = {".gz": "gzip", ".zst": "zstd", ".xz": "xz"}[path.suffix]
    with open(path, "wb") as out:
        subprocess.run([command, "-c"], input=text.encode(), stdout=out, check=True)


def put_chain(log):
    """Lines 1 to 12 in what the log was rotated to, packed and not, and in itself."""
    put_packed(rotated(log, "20261130T040000.000000Z", ".xz"), numbered(1, 2))
    put_packed(rotated(log, "20261130T050000.000000Z", ".zst"), numbered(3, 4))
    put_packed(rotated(log, "20261130T060000.000000Z", ".gz"), numbered(5, 6))
    append(rotated(log, "20261130T070000.000000Z"), numbered(7, 8))
    append(rotated(log, "20261130T080000.000000Z"), numbered(9, 10))
    append(log, numbered(11, 12))
    for name in ("1", "20261130.gz", "20261130T070000.000000Z.tmp"):
        append(f"{log}-{name}", "a stranger\n")


def test_the_last_lines_are_looked_for_in_rotated_and_packed_files(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    put_chain(log)
    for count in (1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 100):
        first = max(1, 13 - count)
        result = daemon.ctl("logs", "-n", str(count), "web")
        assert (result.returncode, result.stdout, result.stderr) == (0, numbered(first, 12), ""), count


def test_packed_files_are_left_to_the_client(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    client = daemon.client()
    client.await_state("web", "running")
    put_chain(log)
    (reply,) = client.stream("Logs", names=["web"], lines=7)
    assert reply["lines"] == [f"line {n}" for n in range(7, 13)]
    assert [path.rpartition(".")[2] for path in reply["unread"]] == ["xz", "zst", "gz"]
    assert reply["unread_lines"] == 1
    (reply,) = client.stream("Logs", names=["web"], lines=6)
    assert "unread" not in reply


def test_follow_begins_in_packed_files_and_goes_on_over_rotations(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    put_chain(log)
    tool = verger.tool("-s", daemon.socket, "logs", "-f", "-n", "8", "web")
    eventually(lambda: tool.said() == numbered(5, 12), tool.said)
    append(log, numbered(13, 13))
    eventually(lambda: tool.said() == numbered(5, 13), tool.said)
    # twice, before anybody can look
    fresh = verger.path("fresh")
    append(fresh, numbered(16, 16))
    append(log, numbered(14, 14))
    append(rotated(log, "20261130T090000.000001Z"), numbered(15, 15))
    log.rename(rotated(log, "20261130T090000.000000Z"))
    fresh.rename(log)
    eventually(lambda: tool.said() == numbered(5, 16), tool.said)
    # and packed already
    put_packed(rotated(log, "20261130T100000.000000Z", ".gz"), numbered(16, 16))
    put_packed(rotated(log, "20261130T100000.000001Z", ".gz"), numbered(17, 17))
    append(fresh, numbered(18, 18))
    fresh.rename(log)
    eventually(lambda: tool.said() == numbered(5, 18), tool.said)
    tool.interrupt()


def test_l1_follow_loses_nothing_over_rotations_and_packing(verger):
    log, count = verger.path("web.log"), 100_000
    daemon = verger.start(
        f"[program:web]\ncommand = sh -c 'seq {count}; exec puppet pause'\nstdout = {log}\n"
        "autostart = no\nlog_max_size = 64k\nlog_keep = 1000\nlog_compress = gzip\n"
        "log_format = timestamp\n"
    )
    log.touch()
    daemon.client().await_state("web", "stopped")
    tool = verger.tool("-s", daemon.socket, "logs", "-f", "-n", "1", "web")
    append(log, "begun\n")
    eventually(lambda: tool.said() == "begun\n", tool.said)
    daemon.client().outcome("Start", "web")
    eventually(lambda: tool.said().endswith(f" {count}\n"), "the last line")
    told = [line.rpartition(" ")[2] for line in tool.said().splitlines()]
    assert told == ["begun"] + [str(n) for n in range(1, count + 1)]
    tool.interrupt()
    assert len(list(log.parent.glob("web.log-*"))) > 10
    result = daemon.ctl("logs", "-n", "60000", "web")
    told = [line.rpartition(" ")[2] for line in result.stdout.splitlines()]
    assert told == [str(n) for n in range(count - 59999, count + 1)]


def test_a_packed_file_that_is_broken_harms_nobody(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    append(rotated(log, packing=".gz"), "this is not packed")
    append(log, "line\n")
    result = daemon.ctl("logs", "-n", "5", "web")
    assert (result.returncode, result.stdout) == (0, "line\n")
    assert "gzip has failed" in result.stderr


# times


def at(second, text=""):
    moment = datetime.datetime(2026, 11, 30, 8, 0, tzinfo=datetime.timezone.utc)
    moment += datetime.timedelta(seconds=second)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z {text}"


def written_at(path, second):
    """As if it had been written last at that time."""
    moment = datetime.datetime(2026, 11, 30, 8, 0, tzinfo=datetime.timezone.utc).timestamp() + second
    os.utime(path, (moment, moment))


def test_since_a_time(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    put_packed(rotated(log, "20261130T080100.000000Z", ".gz"), "".join(f"{at(n)}\n  {n}\n" for n in range(60)))
    append(rotated(log, "20261130T080200.000000Z"), "".join(f"{at(n)}\n  {n}\n" for n in range(60, 120)))
    append(log, "".join(f"{at(n)}\n  {n}\n" for n in range(120, 180)))
    written_at(log, 179)

    def told(*words):
        result = daemon.ctl("logs", "web", "--since", *words)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.splitlines()

    for second in (0, 59, 60, 61, 119, 120, 179):
        expected = [line for n in range(second, 180) for line in (at(n), f"  {n}")]
        assert told(at(second).strip()) == expected, second
        assert told(at(second).strip(), "-n", "3") == expected[-3:]
    assert told("2026-11-30T08:03:00Z") == []
    assert told("2026-11-30T09:02:59+01:00") == [at(179), "  179"]


def test_since_a_while_ago(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    now = datetime.datetime.now(datetime.timezone.utc)
    for hours in (30, 5, 3):
        append(log, f"{now - datetime.timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ} {hours} hours ago\n")
    for since, expected in (("2d", 3), ("10h", 2), ("4h", 1), ("10m", 0)):
        assert len(daemon.ctl("logs", "--since", since).stdout.splitlines()) == expected
    assert daemon.ctl("logs", "--since", "soon").returncode == 2


def test_since_of_lines_without_times_goes_by_their_files(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    put_chain(log)
    written_at(log, 60)
    result = daemon.ctl("logs", "--since", "2026-11-30T07:30:00Z")
    assert (result.returncode, result.stdout) == (0, numbered(9, 12))
    assert "its lines begin with no times" in result.stderr
    result = daemon.ctl("logs", "--since", "2026-11-30T08:30:00Z")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_several_programs_in_the_order_of_their_lines(verger):
    web, db, raw = (verger.path(f"{name}.log") for name in ("web", "db", "raw"))
    err = verger.path("db.err")
    daemon = verger.start(
        writing("web", web) + writing("db", db, f"stderr = {err}") + writing("raw", raw)
    )
    for name in ("web", "db", "raw"):
        daemon.client().await_state(name, "running")
    put_packed(rotated(web, packing=".gz"), f"{at(1, 'a')}\n  more of a\n")
    append(web, f"{at(4, 'd')}\n")
    append(db, f"{at(2, 'b')}\n{at(5, 'e')}\n")
    append(err, f"{at(3, 'c')}\n")
    append(raw, "no time\n")
    lines = [
        ("raw", "no time"), ("web", at(1, "a")), ("web", "  more of a"), ("db", at(2, "b")),
        ("db", at(3, "c")), ("web", at(4, "d")), ("db", at(5, "e")),
    ]  # fmt: skip
    assert daemon.ctl("logs").stdout.splitlines() == [f"{name:3} | {text}" for name, text in lines]
    told = [json.loads(line) for line in daemon.ctl("--json", "logs").stdout.splitlines()]
    assert [(o["program"], line) for o in told for line in o["lines"]] == lines
    assert [o.get("time", "")[17:19] for o in told] == ["", "01", "02", "03", "04", "05"]
    assert [o.get("stream") for o in told] == [None, None, "stdout", "stderr", None, "stdout"]
    # two files of one program as well
    assert [line[-1] for line in daemon.ctl("logs", "db").stdout.splitlines()] == ["b", "c", "e"]


# following


def test_follow_growth_truncation_and_rotation(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    append(log, "before\n")
    following = Following(daemon, names=["web"])
    expected = ["before"]
    following.await_lines(expected)
    append(log, "grown\nhalf a ")
    append(log, "line\n")
    expected += ["grown", "half a line"]
    following.await_lines(expected)
    # renamed away and made anew, as logrotate's create does
    log.rename(verger.path("web.log.1"))
    append(verger.path("web.log.1"), "last of the old\n")
    append(log, "first of the new\n")
    expected += ["last of the old", "first of the new"]
    following.await_lines(expected)
    # cut to nothing, as copytruncate does
    os.truncate(log, 0)
    append(log, "after\n")
    expected.append("after")
    following.await_lines(expected)


def test_follow_of_a_busy_log_loses_nothing(verger):
    log, count = verger.path("web.log"), 20000
    daemon = verger.start(
        f"[program:web]\ncommand = sh -c 'seq {count}; exec puppet pause'\nstdout = {log}\n"
        "autostart = no\n"
    )
    log.touch()
    client = daemon.client()
    following = Following(daemon, names=["web"])
    client.state("web")
    client.outcome("Start", "web")
    following.await_lines([str(n) for n in range(1, count + 1)])


def test_follow_goes_on_over_a_restart_and_a_reload(verger):
    log = verger.path("web.log")
    text = f"[program:web]\ncommand = sh -c 'echo up; exec puppet pause'\nstdout = {log}\n"
    daemon = verger.start(text)
    client = daemon.client()
    client.await_state("web", "running")
    eventually(lambda: log.exists() and log.read_text(), "the first line")
    following = Following(daemon, names=["web"])
    following.await_lines(["up"])
    client.outcome("Restart", "web")
    following.await_lines(["up", "up"])
    verger.config(text + "stop_timeout = 3s\n")
    client.call("Reload")
    append(log, "more\n")
    following.await_lines(["up", "up", "more"])


def test_follow_by_vergerctl_ends_when_it_is_interrupted_or_vergerd_ends(verger):
    log = verger.path("web.log")
    daemon = verger.start(writing("web", log))
    daemon.client().await_state("web", "running")
    append(log, "one\n")
    first = verger.tool("-s", daemon.socket, "logs", "-f", "web")
    second = verger.tool("-s", daemon.socket, "--json", "logs", "-f", "web")
    eventually(lambda: "one" in first.said() and "one" in second.said(), "the first line")
    append(log, "two\n")
    eventually(lambda: first.said() == "one\ntwo\n", first.said)
    eventually(lambda: "two" in second.said(), second.said)
    assert [line for text in second.said().splitlines() for line in json.loads(text)["lines"]] == [
        "one",
        "two",
    ]
    assert first.interrupt() in (0, 130)
    daemon.stop()
    assert second.wait() in (0, 1, 5)


def test_c3_a_follower_that_does_not_read_delays_nobody(verger):
    log = verger.path("web.log")
    daemon = verger.start(
        "[program:web]\ncommand = sh -c 'yes | head -c 20000000; exec puppet pause'\n"
        f"stdout = {log}\n"
    )
    deaf = daemon.client()
    deaf.send("Logs", {"follow": True, "lines": 1000000}, more=True)
    client = daemon.client()
    assert client.await_state("web", "running")
    eventually(lambda: log.stat().st_size == 20_000_000, "the flood")
    assert client.outcome("Restart", "web", seconds=20)["result"] == "done"
    assert processes.is_alive(daemon.pid_itself)
