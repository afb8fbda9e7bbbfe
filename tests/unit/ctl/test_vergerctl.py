# SPDX-License-Identifier: MIT
"""vergerctl against a vergerd that says what it is told to: tables, sentences, exit statuses, and what it
does when the answer is hostile, late or never comes."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import fcntl
import termios

import pytest
from fake_vergerd import FakeVergerd, daemon, error, last, more

VERGERCTL = os.environ.get("VERGERCTL", "build/dev/src/ctl/vergerctl")
SINCE = "2026-01-01T00:00:00.000000Z"
WEB = {"name": "web", "state": "running", "since": SINCE, "pid": 4711, "restarts": 2}
API = {"name": "api", "state": "failed", "since": SINCE, "restarts": 11, "reason": "given up; exited with 3"}


def outcome(name, result, state, **more_members):
    return {"name": name, "result": result, "state": state, **more_members}


@pytest.fixture
def fake(tmp_path):
    made = []

    def make(path=None, **answers):
        made.append(FakeVergerd(path or tmp_path / "control.sock", answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


def run(socket_path, *words, timeout=120, **options):
    done = subprocess.run(
        [VERGERCTL, "-s", str(socket_path), *words], capture_output=True, text=True, timeout=timeout, **options
    )
    return done.returncode, done.stdout, done.stderr


def listens(pid, signo):
    """Whether the process takes the signal by now, be it by a handler or by a descriptor."""
    with open(f"/proc/{pid}/status") as file:
        masks = [int(line.split()[1], 16) for line in file if line.startswith(("SigCgt:", "SigBlk:"))]
    return any(mask & 1 << (signo - 1) for mask in masks)


def run_on_terminal(socket_path, *words, columns=80, rows=24, environment=None, keys=None, painted=b"PROGRAM"):
    """What a person sees: the exit status, and all that was written to the terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [VERGERCTL, "-s", str(socket_path), *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", **(environment or {})},
    )  # fmt: skip
    os.close(slave)
    seen = b""
    while True:
        # it has painted: keys come one by one, and it hears signals
        if keys and painted in seen:
            keys(master, process)
            keys = None
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(master)
    return process.wait(120), seen.decode(errors="replace")


# --- status ---


def test_status_is_a_table_that_awk_can_read(fake):
    vergerd = fake(Status=[last(programs=[WEB, API], daemon=daemon())])
    status, out, err = run(vergerd.path, "status")
    assert status == 3
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["PROGRAM", "STATE", "FOR", "PID", "RESTARTS", "WHY"]
    assert (rows[1][:2], rows[1][-2:]) == (["web", "running"], ["4711", "2"])
    assert rows[2][:2] == ["api", "failed"] and out.splitlines()[2].endswith("11  given up; exited with 3")
    assert err == "vergerctl: 1 of 2 is not running\n"
    assert "\033" not in out


def test_no_verb_means_status_and_asks_for_what_is_shown_only(fake):
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon())])
    assert run(vergerd.path)[0] == 0
    parameters = vergerd.calls[0]["parameters"]
    assert set(parameters) == {"fields"} and "last_exit" not in parameters["fields"]


def test_status_of_what_has_done_its_work_is_good(fake):
    vergerd = fake(Status=[last(programs=[{"name": "migrate", "state": "exited", "since": SINCE}], daemon=daemon())])
    assert run(vergerd.path, "status", "migrate")[0] == 0
    assert vergerd.calls[0]["parameters"]["names"] == ["migrate"]


def test_status_as_json_is_what_vergerd_said(fake):
    said = {"programs": [WEB, API], "daemon": daemon()}
    vergerd = fake(Status=[last(**said)])
    status, out, err = run(vergerd.path, "--json", "status")
    assert (status, json.loads(out), err) == (3, said, "")
    assert "fields" not in vergerd.calls[0].get("parameters", {})


def test_long_reasons_are_cut_on_a_terminal_only(fake):
    long = {**API, "reason": "word " * 60 + "END"}
    vergerd = fake(Status=[last(programs=[long], daemon=daemon())])
    assert run(vergerd.path)[1].splitlines()[1].endswith("END")
    _, seen = run_on_terminal(vergerd.path, "--no-color", columns=80)
    lines = seen.split("\r\n")
    assert lines[1].endswith("...") and len(lines[1]) == 80


def test_colours_are_for_terminals_that_want_them(fake):
    vergerd = fake(Status=[last(programs=[WEB, API], daemon=daemon())])
    assert "\033[31mfailed\033[0m" in run_on_terminal(vergerd.path)[1]
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\033" not in run_on_terminal(vergerd.path, environment=environment)[1]
    assert "\033" not in run_on_terminal(vergerd.path, "--no-color")[1]


@pytest.mark.parametrize("verb", ["status", "why"])
def test_b3_no_data_steers_a_terminal(fake, verb):
    evil = "\033]0;owned\007\x9b31m\u202e\r\n"
    program = {**API, "name": "a" + evil, "reason": evil}
    vergerd = fake(
        Status=[last(programs=[program], daemon=daemon())],
        Why=[last(program=program, ends=[{"at": evil, "meaning": evil}], output=[evil], processes=[], advice=[evil])],
    )
    _, seen = run_on_terminal(vergerd.path, "--no-color", verb, *(["a"] if verb == "why" else []))
    assert "\\x1b]0;owned\\x07" in seen
    assert not set(seen.replace("\r\n", "")) & set("\033\007\x9b\u202e\r\n")


def test_text_that_is_not_ascii_is_aligned_by_its_width(fake):
    wide = {**WEB, "name": "日本"}
    vergerd = fake(Status=[last(programs=[wide, {**WEB, "name": "abcd"}], daemon=daemon())])
    _, out, _ = run(vergerd.path, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    assert out.splitlines()[1].startswith("日本     running")
    assert out.splitlines()[2].startswith("abcd     running")


def test_a_vergerd_that_shuts_down_says_so_first(fake):
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon(shutting_down=True))])
    assert run(vergerd.path)[1].startswith("vergerd is shutting down\nPROGRAM")


def test_watch_paints_and_gives_the_terminal_back(fake):
    halt = threading.Event()
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon())], Monitor=[more(events=[]), halt])

    def press_q(master, process):
        os.write(master, b"q")

    status, seen = run_on_terminal(vergerd.path, "status", "--watch", keys=press_q)
    halt.set()
    assert status == 0
    assert seen.count("PROGRAM") >= 1 and "\033[?1049h" in seen
    assert seen.endswith("\033[?7h\033[?25h\033[?1049l")


def test_watch_ends_by_signal_with_the_terminal_given_back(fake):
    halt = threading.Event()
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon())], Monitor=[more(events=[]), halt])

    def terminate(master, process):
        process.send_signal(signal.SIGTERM)

    status, seen = run_on_terminal(vergerd.path, "status", "--watch", keys=terminate)
    halt.set()
    assert status == 128 + signal.SIGTERM and seen.endswith("\033[?1049l")


# --- start, stop, restart, wait ---


def test_start_says_nothing_when_all_is_well(fake):
    vergerd = fake(Start=[last(programs=[outcome("web", "done", "running", pid=7)])])
    assert run(vergerd.path, "start", "web") == (0, "", "")
    assert vergerd.calls[0]["parameters"] == {"names": ["web"]} and vergerd.calls[0]["more"]
    assert run(vergerd.path, "start", "web", "-v")[1] == "web: running (PID 7)\n"


def test_r3_what_did_not_start_is_told_with_its_reason_and_the_next_step(fake):
    vergerd = fake(Start=[last(programs=[outcome("web", "done", "running"),
                                         outcome("api", "failed", "failed", reason="exited with 3")])])  # fmt: skip
    status, out, err = run(vergerd.path, "start", "web", "api")
    assert (status, out) == (1, "")
    assert err == "vergerctl: api: start failed: exited with 3; vergerctl why api tells more\n"


def test_s6_what_takes_too_long_is_124(fake):
    vergerd = fake(Stop=[last(programs=[outcome("web", "timed_out", "stopping", reason="still there: 12 (python3)")])])
    status, _, err = run(vergerd.path, "stop", "--timeout", "1500ms", "web")
    assert status == 124 and "still there: 12 (python3)" in err
    assert vergerd.calls[0]["parameters"]["timeout_ms"] == 1500


def test_progress_is_live_on_a_terminal(fake):
    vergerd = fake(Stop=[more(programs=[outcome("web", "pending", "stopping", reason="still there: 12")]),
                         last(programs=[outcome("web", "done", "stopped")])])  # fmt: skip
    status, seen = run_on_terminal(vergerd.path, "--no-color", "stop", "web")
    assert status == 0
    assert re.search(r"web  stopping  \d+ms  still there: 12", seen)
    assert seen.endswith("web: stopped\r\n")


def test_interrupting_a_wait_leaves_the_rest_to_vergerd(fake):
    halt = threading.Event()
    vergerd = fake(Restart=[more(programs=[outcome("web", "pending", "stopping")]), halt])
    process = subprocess.Popen([VERGERCTL, "-s", vergerd.path, "restart", "web"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not vergerd.calls or not listens(process.pid, signal.SIGINT):
        assert time.monotonic() < deadline, "it does not listen"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    halt.set()
    assert process.returncode == 130 and "vergerd goes on" in err


def test_wait_sends_the_state(fake):
    vergerd = fake(Wait=[last(programs=[outcome("web", "done", "stopped")])])
    assert run(vergerd.path, "wait", "web", "--for", "stopped")[0] == 0
    assert vergerd.calls[0]["parameters"] == {"names": ["web"], "state": "stopped"}


def test_no_wait_and_all(fake):
    vergerd = fake(Start=[last(programs=[outcome("web", "pending", "starting")])])
    assert run(vergerd.path, "start", "--all", "--no-wait")[0] == 0
    assert vergerd.calls[0]["parameters"] == {"all": True, "wait": False}


# --- reload ---

PLAN = [
    {"program": "web", "action": "restart", "keys": [{"key": "command", "old": "a", "new": "b"}]},
    {"program": "api", "action": "change", "keys": [{"key": "umask", "new": "022"}, {"key": "nice", "old": "1"}]},
    {"program": "new", "action": "add", "keys": []},
    {"action": "daemon", "keys": [{"key": "log_level", "old": "info", "new": "debug"}]},
]


def test_reload_tells_its_plan(fake):
    vergerd = fake(Reload=[last(applied=False, changes=PLAN, untouched=5, warnings=[])])
    status, out, err = run(vergerd.path, "reload", "--dry-run")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "restart web: command: 'a' -> 'b'",
        "change api",
        "        umask: none -> '022'",
        "        nice: '1' -> none",
        "add new",
        "change [verger]: log_level: 'info' -> 'debug'",
        "5 programs would be untouched",
    ]
    assert vergerd.calls[0]["parameters"] == {"dry_run": True}


def test_b1_reload_of_a_faulty_file_tells_every_fault(fake):
    faults = [{"level": "error", "file": "/etc/v.ini", "line": n, "text": f"fault {n}"} for n in (3, 9)]
    vergerd = fake(Reload=[error("Faults", faults=faults)])
    status, out, err = run(vergerd.path, "reload")
    assert (status, out) == (1, "")
    assert err.splitlines()[:2] == ["vergerctl: /etc/v.ini:3: fault 3", "vergerctl: /etc/v.ini:9: fault 9"]
    assert "nothing has changed" in err


def test_reload_of_names_is_the_programs_own(fake):
    vergerd = fake(ReloadProgram=[last(programs=[outcome("web", "done", "running")])])
    assert run(vergerd.path, "reload", "web")[0] == 0
    assert vergerd.calls[0]["parameters"] == {"names": ["web"]}


# --- pid, signal, why, logs, events, config, shutdown ---


def test_p8_pid_prints_the_number_alone(fake):
    vergerd = fake(Pid=[last(name="web", pid=4711, pidfile="/run/web.pid")])
    assert run(vergerd.path, "pid", "web") == (0, "4711\n", "")


def test_p8_pid_of_what_does_not_run_is_3_and_no_number(fake):
    vergerd = fake(Pid=[error("NotRunning", name="web", state="backoff")])
    status, out, err = run(vergerd.path, "pid", "web")
    assert (status, out) == (3, "") and "backoff" in err


def test_p8_signal_goes_through_vergerd(fake):
    vergerd = fake(Signal=[last(programs=[outcome("web", "done", "running")])])
    assert run(vergerd.path, "signal", "web", "HUP", "--to", "tree")[0] == 0
    assert vergerd.calls[0]["parameters"] == {"names": ["web"], "signal": "HUP", "to": "tree"}


def test_why_is_a_page(fake):
    ends = [{"at": SINCE, "uptime_ms": 200, "signal": "SIGKILL", "meaning": "probably out of memory"}]
    vergerd = fake(Why=[last(program=API, ends=ends, output=["Traceback"], output_from="/var/log/api.log",
                             processes=["12 (python3)"], advice=["look at the log"])])  # fmt: skip
    status, out, _ = run(vergerd.path, "why", "api")
    assert status == 0
    for words in ("api  failed", "was killed by SIGKILL after 200ms: probably out of memory",
                  "last output (/var/log/api.log)", "  Traceback", "12 (python3)", "- look at the log"):  # fmt: skip
        assert words in out


def test_logs_of_several_programs_have_their_names_before_them(fake):
    vergerd = fake(
        Status=[last(programs=[{"name": "web"}, {"name": "worker"}], daemon=daemon())],
        Logs=[more(program="web", lines=["a\033[1mb"]), more(program="worker", lines=["c"]), last(program="", lines=[])],
    )
    status, out, _ = run(vergerd.path, "logs", "-n", "3")
    assert (status, out) == (0, "web    | a\033[1mb\nworker | c\n")
    assert vergerd.calls[1]["parameters"] == {"lines": 3}
    _, seen = run_on_terminal(vergerd.path, "--no-color", "logs")
    assert "a\\x1b[1mb" in seen


def at(second, text):
    return f"2026-11-30T08:15:{second:02}Z {text}"


def two_programs(*replies):
    return {"Status": [last(programs=[{"name": "web"}, {"name": "db"}], daemon=daemon())], "Logs": list(replies)}


def test_logs_of_several_programs_are_put_in_order(fake):
    vergerd = fake(
        **two_programs(
            more(program="web", lines=[at(1, "a"), "  of a", at(4, "d")]),
            more(program="web", lines=[at(5, "e")]),
            more(program="db", stream="stdout", lines=[at(2, "b")]),
            last(program="db", stream="stderr", lines=[at(3, "c"), at(6, "f")]),
        )
    )
    _, out, err = run(vergerd.path, "logs")
    told = [line.split() for line in out.splitlines()]
    assert [(line[0], line[-1]) for line in told] == [
        ("web", "a"), ("web", "a"), ("db", "b"), ("db", "c"), ("web", "d"), ("web", "e"), ("db", "f"),
    ] and err == ""  # fmt: skip
    # as they come when they are followed
    _, out, _ = run(vergerd.path, "logs", "-f")
    assert [line.split()[-1] for line in out.splitlines()] == ["a", "a", "d", "e", "b", "c", "f"]


def test_logs_as_json_are_objects_of_a_time(fake):
    vergerd = fake(
        **two_programs(
            more(program="web", lines=["first", at(3, "c"), "  of c", at(4, "d\N{REPLACEMENT CHARACTER}")]),
            last(program="db", stream="stderr", lines=[at(2, "b")], note="and so on"),
        )
    )
    _, out, err = run(vergerd.path, "--json", "logs")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"program": "db", "lines": [], "note": "and so on"},
        {"program": "db", "stream": "stderr", "time": "2026-11-30T08:15:02.000000Z", "lines": [at(2, "b")]},
        {"program": "web", "lines": ["first"]},
        {"program": "web", "time": "2026-11-30T08:15:03.000000Z", "lines": [at(3, "c"), "  of c"]},
        {"program": "web", "time": "2026-11-30T08:15:04.000000Z", "lossy": True,
         "lines": [at(4, "d\N{REPLACEMENT CHARACTER}")]},
    ] and err == ""


def test_each_program_has_its_colour(fake):
    vergerd = fake(**two_programs(more(program="web", lines=["a"]), last(program="db", lines=["b"])))
    _, seen = run_on_terminal(vergerd.path, "logs")
    colours = re.findall(r"(\033\[\d+m)(web|db) *\033\[0m\033\[2m \| \033\[0m[ab]\r\n", seen)
    assert [name for _, name in colours] == ["web", "db"] and colours[0][0] != colours[1][0]


def packed(path, text, command="gzip"):
    path.write_bytes(subprocess.run([command, "-c"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)
    return str(path)


def one_program(*replies):
    return {"Status": [last(programs=[{"name": "web"}], daemon=daemon())], "Logs": list(replies)}


def test_files_that_vergerd_has_not_read_are_read(fake, tmp_path):
    files = [
        packed(tmp_path / "a.gz", "1\n2\n"), packed(tmp_path / "b.zst", "3\n4", "zstd"),
        packed(tmp_path / "c.xz", "5\n6\n", "xz"),
    ]  # fmt: skip
    (tmp_path / "d").write_text("7\n")
    vergerd = fake(**one_program(more(program="web", lines=[], unread=files, unread_lines=4),
                                 last(program="web", lines=["8"], unread=[str(tmp_path / "d")])))  # fmt: skip
    assert run(vergerd.path, "logs", "-n", "6") == (0, "3\n4\n5\n6\n7\n8\n", "")
    # no more than is needed: the oldest is not looked at
    (tmp_path / "a.gz").unlink()
    assert run(vergerd.path, "logs", "-f") == (0, "3\n4\n5\n6\n7\n8\n", "")


def test_what_is_no_utf8_in_files_is_replaced_in_json_only(fake, tmp_path):
    (tmp_path / "a").write_bytes(b"caf\xe9 \0 \xc3\xa9\n")
    vergerd = fake(**one_program(last(program="web", lines=["b"], unread=[str(tmp_path / "a")])))
    done = subprocess.run([VERGERCTL, "-s", vergerd.path, "logs"], stdout=subprocess.PIPE, timeout=20, check=True)
    assert done.stdout == b"caf\xe9 \0 \xc3\xa9\nb\n"
    _, out, _ = run(vergerd.path, "--json", "logs")
    told = json.loads(out)
    assert told["lines"][0] == "caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER} \N{LATIN SMALL LETTER E WITH ACUTE}"
    assert told["lossy"] is True
    _, seen = run_on_terminal(vergerd.path, "logs")
    assert seen.startswith("caf\\xe9 \\x00 ")


def test_files_that_cannot_be_read_are_named(fake, tmp_path):
    (tmp_path / "no.gz").write_text("this is not packed")
    (tmp_path / "link.gz").symlink_to(packed(tmp_path / "real.gz", "x\n"))
    files = [str(tmp_path / name) for name in ("none.gz", "no.gz", "link.gz")]
    files.append(packed(tmp_path / "good.gz", "good\n"))
    vergerd = fake(**one_program(last(program="web", lines=["end"], unread=files)))
    status, out, err = run(vergerd.path, "logs")
    assert (status, out) == (0, "good\nend\n")
    assert "none.gz: No such file or directory; its lines are left out" in err
    assert "no.gz: gzip has failed" in err and "link.gz: " in err and len(err.splitlines()) == 3
    status, out, err = run(vergerd.path, "logs", env={"PATH": str(tmp_path)})
    assert (status, out) == (0, "end\n") and "good.gz: gzip: No such file" in err


def test_since_is_asked_for_and_kept_to_in_packed_files(fake, tmp_path):
    files = [
        packed(tmp_path / "a.gz", f"{at(1, 'a')}\n of a\n{at(2, 'b')}\n of b\n"),
        packed(tmp_path / "b.gz", f" of b\n{at(3, 'c')}\n"),
    ]
    vergerd = fake(**one_program(last(program="web", lines=[at(4, "d")], unread=files)))
    status, out, err = run(vergerd.path, "logs", "--since", "2026-11-30T08:15:01.5Z")
    assert (status, err) == (0, "")
    assert out.splitlines() == [at(2, "b"), " of b", " of b", at(3, "c"), at(4, "d")]
    assert vergerd.calls[1]["parameters"] == {"since": "2026-11-30T08:15:01.500000Z"}
    run(vergerd.path, "logs", "--since", "1h", "-n", "3")
    assert vergerd.calls[3]["parameters"].keys() == {"since", "lines"}


def test_since_for_lines_without_times_says_so(fake, tmp_path):
    files = [packed(tmp_path / "a.gz", "a\nb\n")]
    vergerd = fake(**one_program(last(program="web", lines=["c"], unread=files)))
    status, out, err = run(vergerd.path, "logs", "--since", "10m")
    assert (status, out) == (0, "a\nb\nc\n")
    assert "web: its lines begin with no times" in err and len(err.splitlines()) == 1


def test_ctrl_c_ends_the_reading_of_files(fake, tmp_path):
    large = packed(tmp_path / "large.gz", "x\n" * 10_000_000)
    vergerd = fake(**one_program(more(program="web", lines=[], unread=[large] * 1000), threading.Event()))

    def interrupt(master, process):
        os.kill(process.pid, signal.SIGINT)

    assert run_on_terminal(vergerd.path, "logs", "-f", keys=interrupt, painted=b"x")[0] == 0


def test_events_are_json_lines_and_end_with_vergerd(fake):
    event = {"time": SINCE, "program": "web", "from": "running", "to": "backoff", "code": 1}
    vergerd = fake(Monitor=[more(events=[]), more(events=[event, event]), None])
    status, out, _ = run(vergerd.path, "--json", "events")
    assert (status, [json.loads(line) for line in out.splitlines()]) == (5, [event, event])
    status, out, err = run(vergerd.path, "events", "web")
    assert "web: running -> backoff" in out and "ended the connection" in err


def test_config_show_tells_where_each_value_comes_from(fake):
    values = [{"section": "program:web", "key": "command", "value": "app", "file": "/v.ini", "line": 12},
              {"section": "program:web", "key": "umask", "value": "022", "differs": "077"}]  # fmt: skip
    vergerd = fake(Config=[last(file="/v.ini", values=values, faults=[])])
    status, out, err = run(vergerd.path, "config", "show", "web")
    assert status == 0 and "reload --dry-run" in err
    assert out.splitlines() == ["[program:web] command = app  # /v.ini:12",
                                "[program:web] umask = 022  # default; the file says by now: 077"]  # fmt: skip


def test_shutdown_waits_for_the_end(fake):
    halt = threading.Event()
    vergerd = fake(Shutdown=[last(), halt, None])
    process = subprocess.Popen([VERGERCTL, "-s", vergerd.path, "shutdown", "--now"])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    halt.set()
    assert process.wait(120) == 0
    assert vergerd.calls[0]["parameters"] == {"now": True}


def test_names_are_for_completion(fake):
    programs = [{"name": "web:0", "group": "site"}, {"name": "web:1", "group": "site"}, {"name": "db"}]
    vergerd = fake(Status=[last(programs=programs, daemon=daemon())])
    assert run(vergerd.path, "names")[1].split() == ["web:0", "web", "site", "web:1", "db"]


# --- doctor ---


def test_p1_doctor_holds_every_pid_file_against_what_vergerd_tells(fake, tmp_path):
    true, false = tmp_path / "true.pid", tmp_path / "false.pid"
    true.write_text(f"{os.getpid()}\n")
    false.write_text(f"{os.getppid()}\n")
    programs = [{"name": name, "pid": os.getpid(), "pidfile": str(path)} for name, path in (("a", true), ("b", false))]

    def status(parameters):
        names = parameters.get("names") or ["a", "b"]
        return [last(programs=[p for p in programs if p["name"] in names], daemon=daemon())]

    vergerd = fake(Status=status, Doctor=[last(findings=[{"level": "good", "subject": "kernel", "text": "has pidfds"}])])
    code, out, _ = run(vergerd.path, "doctor")
    assert code == 1
    assert re.search(rf"^bad +b: {false} says {os.getppid()}, but its PID is {os.getpid()}$", out, re.M)
    assert "1 of 2 are exactly" in out and re.search("^good +kernel: has pidfds", out, re.M)
    programs.pop()
    assert run(vergerd.path, "doctor")[0] == 0


def test_doctor_tells_a_stale_socket_from_a_missing_one(fake, tmp_path):
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    code, out, _ = run(stale, "doctor")
    assert code == 1 and "is stale" in out
    (tmp_path / "vergerd.pid").write_text(f"{os.getpid()}\n")
    code, out, _ = run(tmp_path / "none.sock", "doctor")
    assert code == 1 and f"it runs (PID {os.getpid()}" in out


# --- nobody there, or somebody else ---


def test_unreachable_is_5_and_says_which_path_and_why(tmp_path):
    stale, plain = tmp_path / "stale", tmp_path / "plain"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
    plain.write_text("")
    for path, why in ((tmp_path / "none", "no such socket"), (stale, "nobody listens"), (plain, "this is no socket")):
        status, out, err = run(path, "status")
        assert (status, out) == (5, "") and str(path) in err and why in err


def test_permission_denied_names_the_groups(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to become nobody")
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        os.chmod(path, 0o600)
        for folder in (tmp_path, *tmp_path.parents[:-1]):
            os.chmod(folder, os.stat(folder).st_mode | 0o011)
        # nobody may be allowed to enter the folder of the build
        tool = shutil.copy(VERGERCTL, tmp_path / "vergerctl")
        done = subprocess.run([tool, "-s", str(path)], user=65534, group=65534, capture_output=True, text=True)
    assert done.returncode == 5 and "control_group" in done.stderr


def test_paths_longer_than_a_socket_address(fake, tmp_path):
    folder = tmp_path / ("d" * 200)
    folder.mkdir()
    vergerd = fake(path=folder / "control.sock", Status=[last(programs=[WEB], daemon=daemon())])
    assert run(vergerd.path)[0] == 0


def test_errors_of_vergerd_have_sentences_and_statuses(fake):
    cases = [
        (error("NoSuchProgram", name="wbe", similar="web"), 4, "did you mean 'web'?"),
        (error("ShuttingDown"), 1, "shutting down"),
        (error("Failed", reason="because"), 1, "because"),
        (error("org.varlink.service.PermissionDenied"), 4, "you may not"),
        (error("org.varlink.service.MethodNotFound", method="x"), 1, "another version"),
        (error("com.example.Odd"), 1, "com.example.Odd"),
    ]
    vergerd = fake()
    for answer, status, words in cases:
        vergerd.answers["Status"] = [answer]
        assert run(vergerd.path, "status", "wbe")[0] == status
        assert words in run(vergerd.path, "status", "wbe")[2]


@pytest.mark.parametrize("answer", [
    b"\0", b"{}\0", b"[]\0", b"HTTP/1.1 400 Bad Request\r\n\r\n\0", b'{"parameters":[]}\0', b'{"parameters":{"programs":{}}}\0',
    b'{"parameters":{"programs":[1,null,"x",{"name":7}]}}\0', b"{" * 5000 + b"\0", b'{"error":7}\0', b"\xff\xfe\0",
    b'{"parameters":{"programs":[{"name":"\\ud800"}]}}\0', b'{"error":"io.verger.Supervisor.Faults"}\0',
])  # fmt: skip
@pytest.mark.parametrize("words", [["status"], ["--json", "status"], ["events"], ["why", "x"], ["start", "x"], ["doctor"]])
def test_b3_hostile_answers_are_no_crash(fake, answer, words):
    methods = ("Status", "Monitor", "Why", "Start", "Doctor")
    vergerd = fake(**{method: [answer, None] for method in methods})
    status, _, err = run(vergerd.path, *words)
    assert 0 <= status <= 5, err


def test_an_answer_in_pieces_is_put_together(fake):
    whole = json.dumps(last(programs=[WEB], daemon=daemon())).encode() + b"\0"
    vergerd = fake(Status=[whole[i : i + 7] for i in range(0, len(whole), 7)])
    assert run(vergerd.path)[0] == 0


def test_s6_a_vergerd_that_does_not_answer_is_given_up(fake):
    halt = threading.Event()
    vergerd = fake(Status=[halt])
    status, _, err = run(vergerd.path, "status")
    halt.set()
    assert status == 5 and "does not answer" in err


# --- standard output ---


def test_a_full_disk_is_told(fake):
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon())])
    with open("/dev/full", "w") as full:
        done = subprocess.run([VERGERCTL, "-s", vergerd.path], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_a_reader_that_has_gone_ends_a_stream_quietly(fake):
    events = [more(events=[{"time": SINCE, "program": "web", "from": "running", "to": "x" * 100}])] * 2000
    vergerd = fake(Monitor=events)
    done = subprocess.run(f"'{VERGERCTL}' -s '{vergerd.path}' events | head -1", shell=True, capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stderr == b""


# --- the command line ---


@pytest.mark.parametrize(("words", "sentence"), [
    (["stauts"], "did you mean 'status'?"),
    (["restrt", "web"], "did you mean 'restart'?"),
    (["frobnicate"], "vergerctl --help"),
    (["status", "--wach"], "did you mean --watch?"),
    (["status", "--follow"], "status has no option --follow"),
    (["start"], "start --all"),
    (["start", "--all", "web"], "exclude each other"),
    (["pid"], "vergerctl pid NAME"),
    (["pid", "a", "b"], "vergerctl pid NAME"),
    (["signal", "web"], "vergerctl signal NAME SIGNAL"),
    (["logs", "-n", "many"], "expected a number of lines"),
    (["logs", "--since", "soon"], "--since soon: expected a time such as"),
    (["logs", "--reopen", "--since", "1h"], "takes neither names nor"),
    (["stop", "x", "--timeout", "soon"], "expected a duration"),
    (["wait", "x", "--for", "dead"], "expected one of"),
    (["-s"], "-s takes a value"),
    (["config", "convert"], "later version"),
    (["config", "frob"], "config show"),
    (["upgrade"], "later version"),
])  # fmt: skip
def test_mistakes_get_a_sentence_and_2(words, sentence):
    done = subprocess.run([VERGERCTL, *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_options_may_stand_anywhere(fake):
    vergerd = fake(Status=[last(programs=[WEB], daemon=daemon())])
    done = subprocess.run([VERGERCTL, "status", "web", "--json", "-s", vergerd.path], capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)


def test_help_and_version(fake):
    for words in (["--help"], ["status", "--help"], ["logs", "-h"], ["--version"]):
        done = subprocess.run([VERGERCTL, *words], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout
    assert "--watch" in subprocess.run([VERGERCTL, "status", "--help"], capture_output=True, text=True).stdout


def test_check_has_vergerd_look_at_the_file(tmp_path):
    good, bad = tmp_path / "good.ini", tmp_path / "bad.ini"
    good.write_text("[program:web]\ncommand = true\n")
    bad.write_text("[program:web]\ncommand = true\nretrys = 3\n")
    for path, status in ((good, 0), (bad, 1)):
        done = subprocess.run([VERGERCTL, "check", str(path)], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
    assert "bad.ini:3" in done.stderr
