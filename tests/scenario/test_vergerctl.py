# SPDX-License-Identifier: MIT
"""vergerctl as people and scripts meet it: exit statuses, what is said about mistakes, JSON,
terminals and pipes."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import processes
import pytest
import varlink
import verger as harness
from processes import eventually

ESCAPE = "\x1b"
PROGRAMS = """
[defaults]
stdout = null
stderr = null
[program:web]
command = puppet pause
[program:db]
command = puppet pause
[program:job]
command = puppet pause
autostart = no
[group:front]
programs = web job
"""


@pytest.fixture
def daemon(verger):
    daemon = verger.start(PROGRAMS)
    client = daemon.client()
    for name in ("web", "db"):
        client.await_state(name, "running")
    return daemon


def said(result):
    return result.stdout + result.stderr


# exit statuses


def test_0_done(daemon):
    for args in (
        ["status", "web"],
        ["start", "web"],
        ["restart", "web"],
        ["pid", "web"],
        ["signal", "web", "CONT"],
        ["wait", "web"],
        ["wait", "web", "--for", "running", "--timeout", "5"],
        ["why", "web"],
        ["config", "show", "web"],
        ["doctor"],
        ["logs", "web"],
        ["reload", "--dry-run"],
        ["reload"],
        ["stop", "db"],
        ["start", "--no-wait", "db"],
        ["--help"],
        ["--version"],
        ["help"],
        ["shutdown"],
    ):
        result = daemon.ctl(*args)
        assert result.returncode == 0 or args == ["help"], (args, said(result))
    assert daemon.wait() == 0


def test_1_failed(verger):
    daemon = verger.start(
        "[program:bad]\ncommand = /nowhere/bad\nautostart = no\nrestart = never\n"
    )
    daemon.client()
    for args in (["start", "bad"], ["restart", "bad"]):
        result = daemon.ctl(*args)
        assert result.returncode == 1, (args, said(result))
        assert "/nowhere/bad" in said(result)
    verger.write("verger.ini", verger.path("verger.ini").read_text() + "colour = red\n")
    for args in (["reload"], ["check", verger.path("verger.ini")]):
        result = daemon.ctl(*args)
        assert result.returncode == 1, (args, said(result))
        assert re.search(r"verger\.ini:\d+: .*colour", said(result))


def test_2_usage(daemon):
    for args, words in (
        (["fly"], "fly"),
        (["staus"], "status"),
        (["--jsn", "status"], "--json"),
        (["status", "--colour"], "--colour"),
        (["start"], "--all"),
        (["stop"], "--all"),
        (["start", "--all", "web"], "--all"),
        (["pid"], "name"),
        (["pid", "web", "db"], "one"),
        (["signal", "web"], "signal"),
        (["signal", "web", "NOSUCH"], "signal"),
        (["signal", "web", "USR1", "--to", "all"], "main group tree"),
        (["wait", "web", "--for", "happiness"], "running"),
        (["wait", "web", "--timeout", "soon"], "duration"),
        (["logs", "-n", "many"], "number"),
        (["logs", "-n", "-1"], "number"),
        (["status", "--timeout", "5"], "--timeout"),
        (["config"], "show"),
        (["reload", "--dry-run", "web"], "--dry-run"),
        (["-s"], "value"),
        (["shutdown", "web"], "names"),
    ):
        result = daemon.ctl(*args)
        assert result.returncode == 2, (args, said(result))
        assert not result.stdout, (args, result.stdout)
        assert words in result.stderr, (args, result.stderr)
        assert len(result.stderr.splitlines()) <= 3, result.stderr


def test_3_not_running(daemon):
    assert daemon.ctl("status").returncode == 3, "job does not run"
    assert daemon.ctl("status", "job").returncode == 3
    assert daemon.ctl("--json", "status", "job").returncode == 3
    result = daemon.ctl("pid", "job")
    assert result.returncode == 3
    assert not result.stdout and "stopped" in result.stderr
    # that a signal reached nobody is a failure, not an answer
    assert daemon.ctl("signal", "job", "TERM").returncode == 1


def test_4_no_such_program(daemon):
    for args in (
        ["status", "webb"],
        ["start", "webb"],
        ["pid", "webb"],
        ["why", "webb"],
        ["logs", "webb"],
        ["wait", "webb"],
        ["signal", "webb", "TERM"],
        ["reload", "webb"],
    ):
        result = daemon.ctl(*args)
        assert result.returncode == 4, (args, said(result))
        assert "'webb'" in result.stderr and "'web'" in result.stderr, result.stderr


@pytest.mark.needs_root
def test_4_not_allowed(verger):
    daemon = verger.start(PROGRAMS, verger="view_group = 54321\n")
    daemon.server("web")
    nobody = {"user": harness.NOBODY_UID, "group": harness.NOBODY_UID, "cwd": "/"}
    viewer = {**nobody, "extra_groups": [54321]}
    assert daemon.ctl("status", "web", **viewer).returncode == 0
    result = daemon.ctl("stop", "web", **viewer)
    assert result.returncode == 4
    assert "stop" in result.stderr
    assert daemon.ctl("status", **nobody, extra_groups=[]).returncode == 4


def test_5_not_reachable(verger):
    nowhere = verger.path("nowhere.sock")
    result = verger.ctl("-s", nowhere, "status")
    assert result.returncode == 5
    assert str(nowhere) in result.stderr
    daemon = verger.start(PROGRAMS.replace("[defaults]", "[defaults]\nautostart = no"))
    daemon.client()
    daemon.crash()
    verger.foreign_files.add("vergerd.pid")
    result = verger.ctl("-s", daemon.socket, "status")
    assert result.returncode == 5
    assert "listens" in result.stderr
    daemon.socket.unlink()
    assert verger.ctl("-s", verger.write("file", ""), "status").returncode == 5
    # whoever answers there, it is no vergerd
    with varlink.socket.socket(varlink.socket.AF_UNIX) as listener:
        path = verger.path("other.sock")
        listener.bind(str(path))
        listener.listen()
        tool = verger.tool("-s", path, "status")
        peer, _ = listener.accept()
        peer.sendall(b"SSH-2.0-OpenSSH\r\n\0")
        assert tool.wait() == 5
        tool = verger.tool("-s", path, "status")
        peer.close()
        peer, _ = listener.accept()
        peer.close()
        assert tool.wait() == 5


def test_124_timed_out(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet ignore TERM pause\nstop_timeout = 300s\n"
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    result = daemon.ctl("stop", "web", "--timeout", "100ms")
    assert result.returncode == 124
    assert str(pid) in said(result), "who holds it up (S4)"
    result = daemon.ctl("wait", "web", "--for", "stopped", "--timeout", "50ms")
    assert result.returncode == 124
    assert daemon.ctl("shutdown", "--now").returncode == 0
    daemon.wait()


# what is said


def test_status_is_a_table_for_people_and_for_awk(daemon):
    result = daemon.ctl("status")
    table = result.stdout.splitlines()
    assert len(table) == 4
    columns = table[0].split()
    assert columns[:2] == ["PROGRAM", "STATE"]
    rows = {line.split()[0]: dict(zip(columns, line.split())) for line in table[1:]}
    assert rows["web"]["STATE"] == "running" and rows["web"]["PID"] == str(daemon.pid("web"))
    assert rows["job"]["STATE"] == "stopped"
    # aligned
    state = table[0].index("STATE")
    assert all(line[state - 1] == " " and line[state] != " " for line in table)
    assert daemon.ctl().stdout.split()[0] == "PROGRAM", "status is what it does without a verb"


def test_names_groups_and_globs(daemon):
    def shown(*args):
        return [line.split()[0] for line in daemon.ctl("status", *args).stdout.splitlines()[1:]]

    assert shown("web") == ["web"]
    assert sorted(shown("front")) == ["job", "web"]
    assert sorted(shown("*b")) == ["db", "job", "web"]
    assert shown("[dw]*") == ["web", "db"]
    assert daemon.ctl("restart", "web", "d*").returncode == 0


def test_start_and_stop_say_what_became_of_it(daemon):
    result = daemon.ctl("stop", "web")
    assert (result.returncode, said(result)) == (0, ""), "good news is silent in scripts"
    assert daemon.ctl("start", "web").returncode == 0
    result = daemon.ctl("-v", "stop", "web", "db")
    assert result.returncode == 0
    for name in ("web", "db"):
        assert re.search(rf"{name}\b.*stopped", said(result)), said(result)
    result = daemon.ctl("-v", "start", "web")
    assert re.search(rf"web\b.*{daemon.pid('web')}", said(result)), said(result)


def test_why_tells_a_story(verger):
    log = verger.path("web.log")
    daemon = verger.start(
        "[program:web]\ncommand = sh -c 'echo no such table: users >&2; exit 3'\n"
        f"restart_delay = 0\nstart_limit = 3/60s\nstderr = {log}\n"
    )
    client = daemon.client()
    client.await_state("web", "failed")
    eventually(lambda: client.call("Why", name="web")["output"], "the last words")
    story = daemon.ctl("why", "web").stdout
    for word in ("web", "failed", "3", "no such table: users", "vergerctl"):
        assert word in story, story


def test_doctor_and_config_show(verger, daemon):
    result = daemon.ctl("--verbose", "doctor")
    assert "configuration" in result.stdout
    result = daemon.ctl("config", "show", "web")
    line = next(n for n, text in enumerate(verger.path("verger.ini").read_text().splitlines(), 1)
                if text == "command = puppet pause")  # fmt: skip
    assert re.search(rf"puppet pause.*verger\.ini:{line}\b", result.stdout), result.stdout


def test_reload_prints_its_plan(verger, daemon):
    verger.config(PROGRAMS.replace("[program:db]\ncommand = puppet pause\n", "")
                  .replace("[program:web]\n", "[program:web]\nnice = 1\n"))  # fmt: skip
    before = daemon.pid("web")
    plan = daemon.ctl("reload", "--dry-run")
    assert plan.returncode == 0
    assert re.search(r"restart\s+web|web\b.*restart", plan.stdout), plan.stdout
    assert re.search(r"stop\s+db|db\b.*stop", plan.stdout), plan.stdout
    assert "nice" in plan.stdout
    assert daemon.pid("web") == before
    done = daemon.ctl("reload")
    assert done.returncode == 0, said(done)
    assert daemon.pid("web") != before
    assert daemon.ctl("status", "db").returncode == 4


def test_events_are_json_lines(verger, daemon):
    tool = verger.tool("-s", daemon.socket, "--json", "events", "web")
    client = daemon.client()

    def heard():
        return [json.loads(line) for line in tool.said().splitlines()]

    # nothing tells from outside that it listens: what is done is done until it is heard of
    def is_heard():
        client.outcome("Restart", "web")
        return heard()

    eventually(is_heard, tool.said)
    assert tool.interrupt() in (0, 130)
    events = [event for line in heard() for event in line.get("events", [line])]
    assert {"program", "from", "to", "time"} <= set(events[0])


def test_events_and_waits_end_when_vergerd_does(verger, daemon):
    events = verger.tool("-s", daemon.socket, "events")
    waiting = verger.tool("-s", daemon.socket, "wait", "job")
    client = daemon.client()

    def is_heard():
        client.outcome("Restart", "web")
        return "web" in events.said()

    eventually(is_heard, events.said)
    assert daemon.stop() == 0
    assert events.wait() in (0, 1, 5)
    assert waiting.wait() in (1, 5)


def test_pid_prints_a_number_and_nothing_else(daemon):
    result = daemon.ctl("pid", "web")
    assert (result.stdout, result.stderr) == (f"{daemon.pid('web')}\n", "")


# JSON


def test_json_status_has_the_members_that_are_documented(verger):
    daemon = verger.start(
        PROGRAMS + "[program:bad]\ncommand = puppet exit 3\nrestart = never\n"
        "[program:flap]\ncommand = puppet die SEGV\nrestart_delay = 1h\nrestart_delay_max = 1h\n"
        "[program:late]\ncommand = puppet pause\nrequires = job:started\n"
    )
    client = daemon.client()
    for name, state in (("bad", "failed"), ("flap", "backoff"), ("late", "waiting")):
        client.await_state(name, state)
    result = daemon.ctl("--json", "status")
    reply = json.loads(result.stdout)
    assert set(reply) == {"programs", "daemon"}
    varlink.SUPERVISOR.judge_reply("Status", reply)
    programs = {program["name"]: program for program in reply["programs"]}
    assert set(programs) == {"web", "db", "job", "bad", "flap", "late"}
    documented = {
        "name", "group", "state", "ready", "health", "pid", "pidfile", "since", "uptime_ms",
        "restarts", "next_start_ms", "last_exit", "reason",
    }  # fmt: skip
    for program in programs.values():
        # a script may rely on all of them being there, be it as null
        assert documented <= set(program), program
        assert set(program) <= documented | {"waits_for", "removed", "pending", "lossy"}
    assert programs["web"]["pid"] == daemon.pid("web")
    assert programs["bad"]["last_exit"]["code"] == 3
    assert "signal" not in programs["bad"]["last_exit"]
    assert programs["flap"]["last_exit"]["signal"] == "SIGSEGV"
    assert programs["flap"]["next_start_ms"] > 0
    assert programs["late"]["waits_for"] == "job"
    assert programs["job"]["pid"] is None
    assert programs["web"]["group"] == "front"


def test_json_of_every_verb_is_json(daemon):
    for args in (
        ["status"],
        ["start", "job"],
        ["stop", "job"],
        ["restart", "web"],
        ["reload", "--dry-run"],
        ["signal", "web", "CONT"],
        ["pid", "web"],
        ["logs", "web"],
        ["wait", "web"],
        ["why", "web"],
        ["config", "show"],
        ["doctor"],
    ):
        result = daemon.ctl("--json", *args)
        assert result.stdout.strip(), (args, said(result))
        for line in result.stdout.splitlines():
            json.loads(line)


# terminals and pipes


def test_no_escape_sequences_when_it_is_piped(verger, daemon):
    for args in (["status"], ["status", "--watch"], ["restart", "web"], ["why", "web"], ["doctor"]):
        result = daemon.ctl(*args, env={"TERM": "xterm-256color"})
        assert ESCAPE not in said(result), args


class Terminal:
    """vergerctl under a terminal of its own."""

    def __init__(self, verger, *args, env=None, rows=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.output = b""
        os.set_blocking(self.master, False)
        self.tool = subprocess.Popen(
            [str(verger.binaries / "vergerctl"), *map(str, args)],
            env=verger.environment({"TERM": "xterm-256color", **(env or {})}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        verger.bystanders.append(self.tool)

    def read(self):
        try:
            while more := os.read(self.master, 1 << 16):
                self.output += more
        except (BlockingIOError, OSError):
            pass
        return self.output.decode(errors="replace")

    def await_text(self, pattern):
        return eventually(lambda: re.search(pattern, self.read()), self.read)

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self):
        """Waits for its end; what it has written has come through by then."""
        eventually(lambda: (self.read(), self.tool.poll() is not None)[1], self.read)
        # a terminal passes things on when it likes, but in their order
        os.write(self.slave, b"<the end>")
        self.await_text("<the end>")
        self.output = self.output.replace(b"<the end>", b"")
        return self.tool.returncode

    def is_as_before(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(verger):
    opened = []

    def open_terminal(*args, **options):
        opened.append(Terminal(verger, *args, **options))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    "args, env, coloured",
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--no-color"], {}, False),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(daemon, terminal, args, env, coloured):
    table = terminal("-s", daemon.socket, *args, "status", env=env)
    assert table.wait() == 3
    assert "web" in table.read()
    assert (ESCAPE in table.read()) == coloured


@pytest.mark.parametrize("ending", ["q", "interrupt", "vergerd"])
def test_watch_paints_and_gives_the_terminal_back(daemon, terminal, ending):
    screen = terminal("-s", daemon.socket, "status", "--watch")
    screen.await_text(r"web[^\n]*running")
    assert not screen.is_as_before(), "keys come one by one"
    # what changes is painted at once
    pid = daemon.client().outcome("Restart", "web")["pid"]
    screen.await_text(rf"web[^\n]*{pid}")
    if ending == "q":
        screen.type("q")
    elif ending == "interrupt":
        screen.tool.send_signal(signal.SIGINT)
    else:
        daemon.stop()
    assert screen.wait() in ((0, 3) if ending != "vergerd" else (1, 5))
    assert screen.is_as_before()
    text = screen.read()
    assert text.count(f"{ESCAPE}[?1049h") == text.count(f"{ESCAPE}[?1049l") == 1
    assert text.rindex(f"{ESCAPE}[?25h") > text.rindex(f"{ESCAPE}[?25l"), "the cursor is back"


def test_a_wait_shows_progress_on_a_terminal(verger, terminal):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit-on USR1 0 ignore TERM pause\nstop_timeout = 300s\n"
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    screen = terminal("-s", daemon.socket, "stop", "web")
    screen.await_text(r"web[^\n]*stopping")
    os.kill(pid, signal.SIGUSR1)
    assert screen.wait() == 0
    screen.await_text(r"web[^\n]*stopped")
    assert screen.is_as_before()


def test_an_interrupted_wait_says_that_the_request_holds(verger, terminal):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit-on USR1 0 ignore TERM pause\nstop_timeout = 300s\n"
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    client = daemon.client()
    screen = terminal("-s", daemon.socket, "stop", "web")
    client.await_state("web", "stopping")
    screen.await_text(r"web")
    screen.tool.send_signal(signal.SIGINT)
    assert screen.wait() in (130, -signal.SIGINT)
    os.kill(pid, signal.SIGUSR1)
    assert client.outcome("Wait", "web", state="stopped")["result"] == "done"


def test_hostile_text_does_not_reach_the_terminal(verger, terminal):
    log = verger.path("web.log")
    log.write_bytes(b"\x1b]0;owned\x07\x1b[2J\x9b31mred\x00\x08\rhello\n")
    daemon = verger.start(f"[program:web]\ncommand = puppet pause\nstdout = {log}\n")
    daemon.server("web")
    screen = terminal("-s", daemon.socket, "--no-color", "logs", "web")
    assert screen.wait() == 0
    assert "hello" in screen.read()
    assert ESCAPE not in screen.read() and "\x07" not in screen.read()


@pytest.mark.parametrize(
    "args", [["status", "web"], ["--json", "status", "web"], ["config", "show"], ["--help"]]
)
def test_a_full_disk_is_an_error(daemon, args):
    with open("/dev/full", "wb") as full:
        result = daemon.ctl(*args, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1, result
    assert "No space left" in result.stderr


@pytest.mark.parametrize("args", [["config", "show"], ["logs", "-f", "big"], ["events"]])
def test_a_pipe_that_nobody_reads_ends_it_quietly(verger, args):
    log = verger.write("big.log", "some text\n" * 100_000)
    daemon = verger.start(
        f"[program:big]\ncommand = puppet pause\nstdout = {log}\n"
        "restart_delay = 0\nmin_uptime = 0\n"
    )
    client = daemon.client()
    pid = client.await_state("big", "running")["pid"]
    with subprocess.Popen(
        [str(verger.binaries / "vergerctl"), "-s", str(daemon.socket), *args],
        env=verger.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()

        def has_ended():
            if process.poll() is not None:
                return True
            client.outcome("Restart", "big")
            with open(log, "a", encoding="utf-8") as file:
                file.write("more\n")
            return False

        eventually(has_ended, "its end")
        assert "Traceback" not in process.stderr.read()
        assert process.returncode in (0, 1, -signal.SIGPIPE, 128 + signal.SIGPIPE)
    assert pid


# several vergerds


def test_which_vergerd_is_meant(verger):
    daemons = {}
    for name in ("one", "two"):
        run_dir = verger.path(name)
        run_dir.mkdir()
        config = verger.write(
            f"{name}.ini",
            f"[verger]\nrun_dir = {run_dir}\n[program:{name}]\ncommand = puppet pause\n",
        )
        daemons[name] = verger.launch("-c", config)
        daemons[name].run_dir = run_dir
        daemons[name].server(name)

    def shown(*args, **env):
        return verger.ctl(*args, "status", env=env).stdout.splitlines()[1].split()[0]

    one, two = (str(daemons[name].socket) for name in ("one", "two"))
    assert shown("-s", one) == "one"
    assert shown(f"--socket={two}") == "two"
    assert shown(VERGER_SOCKET=two) == "two"
    assert shown("-s", one, VERGER_SOCKET=two) == "one", "what is said counts before what is set"


def test_a_long_socket_path(verger):
    folder = verger.path("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    daemon = verger.start(PROGRAMS, verger=f"control_socket = {path}")
    daemon.server("web")
    assert verger.ctl("-s", path, "pid", "web").stdout == f"{daemon.pid('web')}\n"


def test_check_needs_no_vergerd(verger):
    good = verger.config(PROGRAMS)
    result = verger.ctl("check", good)
    assert result.returncode == 0, said(result)
    bad = verger.write("bad.ini", "[program:web]\ncomand = x\n[program:db]\nnice = 99\n")
    result = verger.ctl("check", bad)
    assert result.returncode == 1
    assert "did you mean" in said(result) and "command" in said(result)
    assert len(re.findall(r"bad\.ini:\d+:", said(result))) >= 2


def test_help_names_each_verb(verger):
    overview = verger.ctl("--help").stdout
    for verb in (
        "status", "start", "stop", "restart", "reload", "signal", "pid", "logs", "events", "wait",
        "why", "check", "config", "shutdown", "doctor",
    ):  # fmt: skip
        assert re.search(rf"^  {verb}\b", overview, re.MULTILINE), verb
        result = verger.ctl(verb, "--help")
        assert result.returncode == 0 and result.stdout.startswith(f"usage: vergerctl {verb}")
    assert all(len(line) <= 100 for line in overview.splitlines())
