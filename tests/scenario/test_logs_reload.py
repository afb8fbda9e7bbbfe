# SPDX-License-Identifier: MIT
"""What happens to logs while they are written: logrotate moves them, a reload changes where and how
they are kept, programs and vergerd end."""

import os
import re
import signal
import subprocess

import logs
import processes
import pytest
from logs import await_bytes, content, numbered, program
from processes import eventually

ONCE = {"restart": "never"}


# logrotate


def logrotate(verger, log, *directives):
    """Debian's logrotate, once."""
    body = "\n\t".join(("rotate 100", "missingok", *directives))
    config = verger.write("logrotate.conf", f"{log} {{\n\t{body}\n}}\n")
    result = subprocess.run(
        ["logrotate", "-f", "-s", verger.path("logrotate.state"), config],
        env=verger.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def moved(log):
    """What logrotate has made of a log, oldest first."""
    found = [p for p in log.parent.iterdir() if re.fullmatch(re.escape(log.name) + r"\.\d+", p.name)]
    return sorted(found, key=lambda path: -int(path.suffix[1:]))


def all_of(log):
    return b"".join(content(path) for path in moved(log)) + content(log)


def await_growth(log):
    """Waits until something has been written to a log."""
    before = len(content(log))
    eventually(lambda: len(content(log)) > before, lambda: f"{log} to grow")


@pytest.mark.needs("logrotate")
def test_l1_i5_logrotate_copies_and_cuts_a_direct_log(verger):
    log, stop = verger.path("web.log"), verger.path("stop")
    daemon = verger.start(program("web", f"puppet pace 1 count-until web {stop} pause", stdout=log))
    pid = daemon.server("web")
    assert os.readlink(f"/proc/{pid}/fd/1") == str(log), "it is to be direct"
    for _ in range(3):
        await_growth(log)
        # what is written between the copy and the cut is lost: that is logrotate's way, not ours
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: processes.stat(pid).state == "T", "the program to stop")
        logrotate(verger, log, "copytruncate")
        assert content(log) == b""
        os.kill(pid, signal.SIGCONT)
    await_growth(log)
    verger.write("stop", "")
    eventually(lambda: logs.has_ended(content(log)), "the last line")
    assert len(moved(log)) == 3 and all(content(path) for path in moved(log))
    logs.check_up_to_the_end(all_of(log), "web")


@pytest.mark.needs("logrotate")
@pytest.mark.parametrize("how", ["vergerctl", "USR2"])
@pytest.mark.parametrize("mode", ["create", "nocreate"])
def test_l1_g1_logrotate_moves_a_captured_log_and_has_it_opened_again(verger, how, mode):
    log, stop = verger.path("web.log"), verger.path("stop")
    daemon = verger.start(
        program(
            "web", f"puppet chunk 333 count-until web {stop} pause",
            stdout=log, log_max_size="1T", pidfile=verger.path("web.pid"),
        )
    )  # fmt: skip
    eventually(lambda: content(log), "the first lines")
    ask = {
        "vergerctl": f"vergerctl -s {daemon.socket} logs --reopen",
        "USR2": f"kill -USR2 {daemon.pid_itself}",
    }[how]
    for _ in range(5):
        logrotate(verger, log, mode, "postrotate", ask, "endscript")
        if how == "vergerctl":
            # it has waited: the old file is as it will be
            assert log.exists()
            old = content(moved(log)[-1])
            await_growth(log)
            assert content(moved(log)[-1]) == old
        eventually(lambda: content(log), "the new file to be written to")
    verger.write("stop", "")
    eventually(lambda: logs.has_ended(content(log)), "the last line")
    assert len(moved(log)) == 5
    logs.check_up_to_the_end(all_of(log), "web")


def test_l1_reopening_fails_and_the_old_file_goes_on(verger):
    """The new place cannot be opened: nothing is lost, and whoever asked is told."""
    folder, log = verger.path("folder"), verger.path("folder/web.log")
    folder.mkdir()
    daemon = verger.start(
        program(
            "web", f"puppet count web 10 await {verger.path('go')} count web 10 pause",
            stdout=log, log_format="prefix",
        )
    )  # fmt: skip
    eventually(lambda: content(log).count(b"\n") == 10, "the first lines")
    log.rename(folder / "old")
    log.mkdir()
    result = daemon.ctl("logs", "--reopen")
    assert result.returncode != 0 and "web.log" in result.stderr
    verger.write("go", "")
    await_bytes(lambda: content(folder / "old").replace(b"web | ", b""), numbered("web", 20))


# reload


def reload(verger, daemon, text):
    verger.config(text)
    return daemon.client().call("Reload")["changes"]


FORMATS = (
    ("prefix", rb"web \| web \d+\n"),
    ("json", rb'\{.*"message":"web \d+"\}\n'),
    ("timestamp", rb"\d{4}-\S+Z web \d+\n"),
    ("raw", rb"web \d+\n"),
)


@pytest.mark.valgrind
@pytest.mark.parametrize("stderr", ["stdout", "inherit"])
def test_l1_the_format_changes(verger, stderr):
    """While it runs; errors that were inherited and are captured from now on need a restart."""
    log, stop = verger.path("web.log"), verger.path("stop")

    def section(form):
        return program(
            "web", f"puppet pace 1 count-until web {stop} pause",
            stdout=log, stderr=stderr, log_format=form, log_max_size="1T",
        )  # fmt: skip

    daemon = verger.start(section("raw"))
    pid = daemon.server("web")
    for form, begins in FORMATS:
        await_growth(log)
        (change,) = reload(verger, daemon, section(form))
        assert (change["action"] == "restart") == (stderr == "inherit" and form in ("prefix", "raw"))
        eventually(
            lambda: re.fullmatch(begins, content(log).splitlines(keepends=True)[-1]),
            lambda: f"{form}: {content(log)[-200:]!r}",
        )
    verger.write("stop", "")
    eventually(lambda: logs.has_ended(content(log)), "the last line")
    said = b"".join(b"%s\n" % one for one in re.findall(rb"web \d+(?: end)?", content(log)))
    assert said.count(b"\n") == content(log).count(b"\n")
    if stderr == "stdout":
        assert daemon.pid("web") == pid
        logs.check_up_to_the_end(said, "web")
    else:
        lives = re.split(rb"(?m)^(?=web 1(?: end)?$)", said)[1:]
        assert len(lives) == 3
        for life in lives[:-1]:
            assert life == numbered("web", life.count(b"\n"))
        logs.check_up_to_the_end(lives[-1], "web")


def test_l1_l3_size_and_number_of_files_change_while_it_runs(verger):
    log, stop = verger.path("web.log"), verger.path("stop")

    def section(size, keep):
        return program(
            "web", f"puppet width 100 pace 1 count-until web {stop} pause",
            stdout=log, log_max_size=size, log_keep=keep,
        )  # fmt: skip

    daemon = verger.start(section("1M", 1000))
    pid = daemon.server("web")
    await_growth(log)
    assert not logs.rotated(log)
    reload(verger, daemon, section("4k", 1000))
    eventually(lambda: len(logs.rotated(log)) >= 6, "small files")
    reload(verger, daemon, section("4k", 2))
    eventually(lambda: len(logs.rotated(log)) <= 2, "fewer of them")
    reload(verger, daemon, section("1M", 2))
    verger.write("stop", "")
    eventually(lambda: logs.has_ended(content(log)), "the last line")
    assert daemon.pid("web") == pid
    text = logs.whole(log)
    (first,) = re.match(rb"web (\d+) ", text).groups()
    count = text.count(b"\n")
    expected = numbered("web", count - 1, 100, first=int(first)) + logs.line(
        "web", int(first) + count - 1, 100, " end"
    )
    assert text == expected, logs.difference(text, expected)


LINES, WIDTH = 20000, 100


def flood(verger, log, **keys):
    """Writes 2 MB as fast as it can, says that it has, and waits."""
    return program(
        "web", f"puppet width {WIDTH} chunk 65536 count web {LINES} touch {verger.path('done')} pause",
        stdout=log, **keys,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["raw", "prefix"])
def test_l1_another_path_restarts_and_the_old_log_is_complete(verger, form):
    old, new = verger.path("old.log"), verger.path("new.log")
    keys = {"log_format": form, "log_max_size": "1T", "autostart": "no"}
    daemon = verger.start(flood(verger, old, **keys))
    client = daemon.client()
    client.outcome("Start", "web")
    pid = daemon.server("web")
    eventually(verger.path("done").exists, "all of it to be written")
    reload(verger, daemon, flood(verger, new, **keys))
    daemon.pid("web", other_than=pid)
    for log in (old, new):
        await_bytes(lambda: content(log).replace(b"web | ", b""), numbered("web", LINES, WIDTH))


@pytest.mark.parametrize("form", ["raw", "prefix"])
def test_l1_a_program_that_is_removed_leaves_all_its_lines(verger, form):
    log = verger.path("web.log")
    daemon = verger.start(flood(verger, log, log_format=form, log_max_size="1T"))
    eventually(verger.path("done").exists, "all of it to be written")
    reload(verger, daemon, program("another", "puppet pause", stdout="null"))
    client = daemon.client()
    eventually(lambda: set(client.states()) == {"another"}, client.states)
    await_bytes(lambda: content(log).replace(b"web | ", b""), numbered("web", LINES, WIDTH))
    # nothing of it is left in vergerd
    eventually(
        lambda: str(log) not in processes.descriptors(daemon.pid_itself).values(),
        lambda: processes.descriptors(daemon.pid_itself),
    )


def test_l1_twenty_programs_share_a_log_and_come_and_go(verger):
    log, stop = verger.path("all.log"), verger.path("stop")

    def sections(numbers):
        return "".join(
            program(
                f"p{n}", f"puppet width {20 + n} pace 2 count-until p{n} {stop} pause",
                stdout=log, log_max_size="64k", log_keep=1000,
            )
            for n in numbers
        )  # fmt: skip

    def all_have_spoken(numbers):
        text = logs.whole(log)
        return all(f"p{n} 20 ".encode() in text for n in numbers)

    daemon = verger.start(sections(range(20)))
    eventually(lambda: all_have_spoken(range(20)), "all programs")
    pids = {n: daemon.pid(f"p{n}") for n in range(20)}
    reload(verger, daemon, sections(range(10, 30)))
    eventually(lambda: all_have_spoken(range(30)), "the new ones")
    client = daemon.client()
    eventually(lambda: set(client.states()) == {f"p{n}" for n in range(10, 30)}, client.states)
    assert {n: daemon.pid(f"p{n}") for n in range(10, 20)} == {n: pids[n] for n in range(10, 20)}
    verger.write("stop", "")
    eventually(lambda: len(re.findall(rb" end( x*)?\n", logs.whole(log))) == 20, "the last lines")
    assert daemon.stop() == 0
    told = logs.by_tag(logs.whole(log))
    assert set(told) == {f"p{n}" for n in range(30)}
    for n in range(30):
        text = told[f"p{n}"]
        if n >= 10:
            logs.check_up_to_the_end(text, f"p{n}", 20 + n)
        else:
            assert text == numbered(f"p{n}", text.count(b"\n"), 20 + n)


# ends


@pytest.mark.parametrize("form", ["raw", "prefix", "json"])
def test_l1_killed_in_the_middle_of_a_line(verger, form):
    log = verger.path("web.log")
    daemon = verger.start(
        program(
            "web", "puppet count web 1000 put 'half a li' die KILL",
            stdout=log, log_format=form, log_max_size="1T", **ONCE,
        ),
        "exit_when = all",
    )  # fmt: skip
    daemon.wait()
    text = content(log)
    if form == "json":
        text = "".join(one["message"] + "\n" for one in logs.objects(text)).encode()
    elif form == "prefix":
        text = text.replace(b"web | ", b"")
    assert text.removesuffix(b"\n") == numbered("web", 1000) + b"half a li"


@pytest.mark.parametrize("form", ["raw", "prefix"])
def test_l1_all_is_written_when_vergerd_has_ended(verger, form):
    log = verger.path("web.log")
    daemon = verger.start(flood(verger, log, log_format=form, log_max_size="256k", log_keep=100))
    eventually(verger.path("done").exists, "all of it to be written")
    assert daemon.stop() == 0
    text = logs.whole(log).replace(b"web | ", b"")
    assert text == numbered("web", LINES, WIDTH), logs.difference(text, numbered("web", LINES, WIDTH))


def test_l1_a_child_that_outlives_its_program_has_its_say(verger):
    """The program ends at once; what it has left behind writes on until it is stopped or ends."""
    log = verger.path("web.log")
    daemon = verger.start(
        program(
            "web", "puppet fork count child 5000 exit 0 end count web 10 exit 0",
            stdout=log, log_format="prefix", **ONCE,
        ),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    told = logs.by_tag(content(log).replace(b"web | ", b""))
    assert told["web"] == numbered("web", 10)
    child = told.get("child", b"")
    # it is stopped with the family, at the end of a line or in its midst
    assert numbered("child", 5000).startswith(child[: child.rfind(b"\n", 0, -1) + 1])


# the last lines


@pytest.mark.parametrize("target", ["file", "direct", "inherit", "syslog"])
def test_why_shows_the_last_words(verger, target):
    """From the file, and from memory where there is none that could be read."""
    keys = {
        "file": {"stdout": verger.path("web.log"), "log_format": "prefix"},
        "direct": {"stdout": verger.path("web.log")},
        "inherit": {"log_format": "json"},
        # whether there is a daemon or not
        "syslog": {"stdout": "syslog", "log_stalled": "drop"},
    }[target]
    daemon = verger.start(
        program(
            "web", "puppet count web 30 complain 'cannot open the database' exit 3",
            stderr="stdout", **keys, **ONCE,
        )
        + program("keeper", "puppet pause")
    )  # fmt: skip
    client = daemon.client()
    client.await_state("web", "failed")
    # the end of a program may be known before its last lines are
    eventually(
        lambda: "cannot open the database" in daemon.ctl("why", "web").stdout,
        lambda: daemon.ctl("why", "web").stdout,
    )
    assert "web 30" in daemon.ctl("why", "web").stdout
