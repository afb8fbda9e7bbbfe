# SPDX-License-Identifier: MIT
"""S3 to S7: a stop reaches the whole family, in order, with grace and with a deadline."""

import os
import signal
import time

import processes
import pytest
from processes import always, eventually, in_one_of


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


# S3: a stop is correct for the whole tree


def test_s3_a_worker_gets_its_grace_though_its_parent_is_gone(verger):
    notes = verger.path("notes")
    # the worker hears TERM, needs a moment for it, and says good-bye
    worker = f"sh -c 'trap \"sleep 0.4; echo bye >> {notes}; exit 0\" TERM; touch {notes}.up; " \
             "while :; do sleep 0.05; done'"  # fmt: skip
    verger.write("web", f"#!/bin/sh\nsetsid {worker} &\nexec puppet pause\n", mode=0o755)
    daemon = verger.start("[program:web]\ncommand = ${here}/web\nstop_timeout = 300s\n")
    daemon.server("web")
    eventually(verger.path("notes.up").exists, "the worker")
    assert daemon.stop() == 0
    assert lines(notes) == ["bye"]


@pytest.mark.valgrind
def test_s3_what_ignores_the_signal_is_killed_though_its_parent_is_gone(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet fork setsid ignore TERM pause end pause\n"
        "stop_timeout = 500ms\n"
    )
    pid = daemon.server("web")
    worker = eventually(lambda: processes.children(pid), "the worker")[0]
    eventually(lambda: signal.SIGTERM in processes.signal_set(worker, "SigIgn"), "its deafness")
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began >= 0.5
    assert not processes.exists(worker)


@pytest.mark.valgrind
def test_s3_a_restart_begins_when_no_member_is_left(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet fork setsid ignore TERM pause end pause\n"
        "stop_timeout = 400ms\nrestart_delay = 0\nmin_uptime = 0\n"
    )
    pid = daemon.server("web")
    worker = eventually(lambda: processes.children(pid), "the worker")[0]
    eventually(lambda: signal.SIGTERM in processes.signal_set(worker, "SigIgn"), "its deafness")
    os.kill(pid, signal.SIGKILL)
    daemon.pid("web", other_than=pid)
    assert not processes.is_alive(worker), "two generations at once"


@pytest.mark.valgrind
def test_s3_stop_steps_follow_each_other(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\ncommand = puppet notes {notes} note all touch {notes}.up pause\n"
        "stop_signal = TERM/2s INT/2s KILL\n"  # enough for it to get its turn in between
    )
    daemon.server("web")
    eventually(verger.path("notes.up").exists, "the program to listen")
    assert daemon.stop() == 0
    assert [name for name in lines(notes) if name != "CONT"] == ["TERM", "INT"]


def test_s3_the_stop_signal_is_the_one_asked_for(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\nstop_signal = QUIT\n"
        f"command = puppet notes {notes} note TERM exit-on QUIT 0 touch {notes}.up pause\n"
    )
    eventually(verger.path("notes.up").exists, "the program to listen")
    assert daemon.stop() == 0
    assert lines(notes) == ["QUIT"]


def test_s3_a_stopped_process_hears_the_stop(verger):
    daemon = verger.start("[program:web]\ncommand = puppet exit-on TERM 0 pause\n"
                          "stop_timeout = 300s\n")  # fmt: skip
    pid = daemon.server("web")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: processes.stat(pid).state == "T", "the program to freeze")
    # SIGKILL would come long after our patience has ended
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    "kill, heard_by",
    [("main", {"main"}), ("group", {"main", "group"}), ("tree", {"main", "group", "session"})],
)
def test_s3_kill_says_who_hears_the_signal(verger, kill, heard_by):
    def noting(name):
        return f"notes {verger.path(name)} note TERM touch {verger.path(name)}.up"

    daemon = verger.start(
        f"""
[program:web]
command = puppet fork {noting("group")} pause end fork setsid {noting("session")} pause end
  {noting("main")} pause
kill = {kill}
stop_timeout = 2s
"""
    )
    daemon.server("web")
    for name in ("main", "group", "session"):
        eventually(verger.path(f"{name}.up").exists, f"{name} to listen")
    assert daemon.stop() == 0
    assert {name for name in ("main", "group", "session") if lines(verger.path(name))} == heard_by


@pytest.mark.valgrind
def test_s3_stop_command_stands_in_for_the_first_signal(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\ncommand = puppet notes {notes} note TERM exit-on QUIT 0 touch {notes}.up pause\n"
        "stop_command = sh -c 'kill -QUIT $(cat ${run_dir}/web.pid)'\n"
    )
    daemon.server("web")
    eventually(verger.path("notes.up").exists, "the program to listen")
    assert daemon.stop() == 0
    assert lines(notes) == ["QUIT"]


def test_s3_a_stop_command_that_does_nothing_is_followed_by_the_next_step(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\ncommand = puppet notes {notes} note TERM exit-on INT 0 touch {notes}.up pause\n"
        "stop_command = true\nstop_signal = TERM/300ms INT/300s\n"
    )
    eventually(verger.path("notes.up").exists, "the program to listen")
    assert daemon.stop() == 0
    assert lines(notes) == ["INT"]


# S4: a stop that waits says for whom


def test_s4_the_log_names_those_who_are_still_there(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet fork setsid ignore TERM pause end pause\n"
        "stop_timeout = 700ms\n"
    )
    pid = daemon.server("web")
    worker = eventually(lambda: processes.children(pid), "the worker")[0]
    eventually(lambda: signal.SIGTERM in processes.signal_set(worker, "SigIgn"), "its deafness")
    daemon.send(signal.SIGTERM)
    daemon.await_log(rf"web: .*\b{worker}\b.*puppet|web: .*puppet.*\b{worker}\b")
    daemon.wait()


# S5: order

SLOW_GOODBYE = (
    "sh -c 'trap \"sleep {seconds}; echo {name} >> {notes}; exit 0\" TERM; touch {notes}.{name}; "
    "while :; do sleep 0.02; done'"
)


def saying_goodbye(verger, name, seconds=0.3):
    return SLOW_GOODBYE.format(name=name, seconds=seconds, notes=verger.path("notes"))


def await_listening(verger, *names):
    for name in names:
        eventually(verger.path(f"notes.{name}").exists, f"{name} to listen")


@pytest.mark.valgrind
@pytest.mark.parametrize("key", ["after = db", "requires = db:started"])
def test_s5_dependents_stop_first(verger, key):
    daemon = verger.start(
        f"""
[program:db]
command = {saying_goodbye(verger, "db", 0)}

[program:app]
command = {saying_goodbye(verger, "app")}
{key}
"""
    )
    await_listening(verger, "db", "app")
    assert daemon.stop() == 0
    assert lines(verger.path("notes")) == ["app", "db"]


def test_s5_unrelated_programs_stop_at_the_same_time(verger):
    names = [f"p{n}" for n in range(6)]
    notes = verger.path("notes")
    # each ends only when all the others have been asked to end as well
    verger.write(
        "together",
        f"""#!/bin/sh
asked() {{
	touch {notes}.asked.$1
	while [ $(ls {notes}.asked.* | wc -l) -lt {len(names)} ]; do sleep 0.02; done
	echo $1 >> {notes}
	exit 0
}}
trap "asked $1" TERM
touch {notes}.$1
while :; do sleep 0.02; done
""",
        mode=0o755,
    )
    daemon = verger.start(
        "[defaults]\nstop_timeout = 300s\n"
        + "".join(f"[program:{name}]\ncommand = ${{here}}/together {name}\n" for name in names)
    )
    await_listening(verger, *names)
    assert daemon.stop() == 0
    assert sorted(lines(notes)) == names


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_s5_a_second_signal_means_now(verger, signo):
    daemon = verger.start(
        "[program:web]\ncommand = puppet ignore TERM pause\nstop_timeout = 300s\n"
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    daemon.send(signo)
    daemon.await_log(r"web: .*stopping")
    always(lambda: processes.is_alive(pid), "killed without grace", 0.2)
    daemon.send(signo)
    daemon.wait()


# S6: every wait has a deadline


def test_s6_stop_timeout_ends_the_patience(verger):
    daemon = verger.start(
        "[defaults]\nstop_timeout = 300s\n"
        "[program:web]\ncommand = puppet ignore TERM pause\nstop_timeout = 700ms\n"
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    began = time.monotonic()
    assert daemon.stop() == 0
    assert 0.7 <= time.monotonic() - began


def test_s6_stop_deadline_bounds_the_whole_shutdown(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet ignore TERM pause\nstop_timeout = 300s\n",
        verger="stop_deadline = 700ms",
    )
    pid = daemon.server("web")
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    began = time.monotonic()
    daemon.stop()
    assert 0.7 <= time.monotonic() - began


def test_s6_stop_delay_keeps_serving_for_a_while(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\ncommand = puppet notes {notes} exit-on TERM 0 touch {notes}.up pause\n",
        verger="stop_delay = 600ms",
    )
    eventually(verger.path("notes.up").exists, "the program to listen")
    began = time.time()
    assert daemon.stop() == 0
    assert lines(notes) == ["TERM"]
    # the program notes the moment as well; file systems read a clock that is some ms behind
    assert notes.stat().st_mtime - began >= 0.6 - 0.05, "stopped at once"


def test_s6_a_stop_command_that_hangs_delays_nothing(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\nstop_command = puppet ignore TERM pause\n"
        "stop_timeout = 500ms\n"
    )
    daemon.server("web")
    assert daemon.stop() == 0


# S7: a thousand programs


def answer_time(daemon, log):
    """How long vergerd takes to hear a signal: USR2 makes it open its log again."""
    log.rename(log.with_suffix(".old"))
    asked = time.monotonic()
    daemon.send(signal.SIGUSR2)
    eventually(log.exists, "the log to be opened again")
    return time.monotonic() - asked


def longest_pause(verger, count):
    """Starts and stops that many programs; returns the longest time that an answer took meanwhile."""
    log = verger.path(f"verger-{len(verger.daemons)}.log")
    daemon = verger.start(
        f"[program:many]\ninstances = {count}\ncommand = puppet pause\n"
        "stdout = null\nstderr = null\n",
        verger=f"log = {log}",
    )
    eventually(lambda: log.exists() and "many:0" in log.read_text(), "the first of them")
    answers = []

    def are_all_there():
        answers.append(answer_time(daemon, log))
        return len(list(verger.run_dir.glob("many:*.pid"))) == count

    eventually(are_all_there, "all PID files", seconds=60)
    pids = {daemon.pid(f"many:{n}") for n in range(count)}
    assert len(pids) == count
    assert pids == set(processes.children(daemon.pid_itself))
    assert daemon.stop(seconds=60) == 0
    return max(answers)


def test_s7_a_thousand_programs_start_and_stop_without_a_pause_in_answers(verger):
    in_one_of(3, lambda: longest_pause(verger, 1000), lambda took: took < 1 * processes.PATIENCE)
