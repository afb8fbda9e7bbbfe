# SPDX-License-Identifier: MIT
"""X1 to X3: when vergerd ends, with what status, and that it leaves nobody behind."""

import os
import signal
import time

import processes
import pytest
from processes import always, eventually

BESIDE = """
[program:beside]
command = puppet pause
"""


# X1: a program's end can be ours


@pytest.mark.valgrind
@pytest.mark.parametrize("ending, status", [("exit 7", 7), ("exit 0", 0), ("die USR1", 138)])
def test_x1_on_exit_passes_its_status_on(verger, ending, status):
    end = verger.path("end")
    daemon = verger.start(
        f"[program:job]\ncommand = puppet await {end} {ending}\nrestart = never\non_exit = exit\n"
        + BESIDE
    )
    beside = daemon.server("beside")
    end.touch()
    assert daemon.wait() == status
    assert not processes.exists(beside)


def test_x1_on_failure_waits_until_it_has_failed_for_good(verger):
    daemon = verger.start(
        "[program:job]\ncommand = puppet exit 9\nrestart = on-failure\non_failure = exit\n"
        "restart_delay = 10ms\nrestart_delay_max = 10ms\nstart_limit = 3/60s\n" + BESIDE
    )
    assert daemon.wait() == 9


def test_x1_on_failure_is_not_concerned_by_success(verger):
    daemon = verger.start(
        "[program:job]\ncommand = puppet exit 0\nrestart = never\non_failure = exit\n" + BESIDE
    )
    daemon.await_log(r"job: .*ended for good")
    always(daemon.is_alive, "vergerd ended", 0.3)


def test_x1_the_rest_is_stopped_in_order(verger):
    notes = verger.path("notes")

    def saying(name, seconds):
        return (
            f"sh -c 'trap \"sleep {seconds}; echo {name} >> {notes}; exit 0\" TERM; "
            f"touch {notes}.{name}; while :; do sleep 0.02; done'"
        )

    daemon = verger.start(
        f"""
[program:db]
command = {saying("db", 0)}

[program:app]
command = {saying("app", 0.3)}
after = db

[program:job]
command = sh -c 'while [ ! -e {notes}.db ] || [ ! -e {notes}.app ]; do sleep 0.02; done; exit 5'
restart = never
on_exit = exit
"""
    )
    assert daemon.wait() == 5
    assert notes.read_text().split() == ["app", "db"]


@pytest.mark.valgrind
def test_x1_exit_when_all(verger):
    daemon = verger.start(
        "[program:one]\ncommand = puppet exit 0\nrestart = never\n"
        "[program:two]\ncommand = puppet sleep-ms 200 exit 0\nrestart = never\n",
        verger="exit_when = all",
    )
    assert daemon.wait() == 0


def test_x1_exit_when_any(verger):
    daemon = verger.start(
        "[program:one]\ncommand = puppet sleep-ms 200 exit 4\nrestart = never\n" + BESIDE,
        verger="exit_when = any",
    )
    assert daemon.wait() == 4


def test_x1_exit_code_from_names_the_program_that_counts(verger):
    daemon = verger.start(
        "[program:one]\ncommand = puppet exit 4\nrestart = never\n"
        "[program:two]\ncommand = puppet sleep-ms 200 exit 5\nrestart = never\n",
        verger="exit_when = all\nexit_code_from = two",
    )
    assert daemon.wait() == 5


def test_x1_exit_code_is_that_of_the_first_that_ended_badly(verger):
    bad, worse = verger.path("end.bad"), verger.path("end.worse")
    daemon = verger.start(
        "[program:good]\ncommand = puppet exit 0\nrestart = never\n"
        f"[program:bad]\ncommand = puppet await {bad} exit 6\nrestart = never\n"
        f"[program:worse]\ncommand = puppet await {worse} exit 7\nrestart = never\n",
        verger="exit_when = all",
    )
    daemon.server("bad")
    daemon.server("worse")
    bad.touch()
    daemon.await_no_pid("bad")
    worse.touch()
    assert daemon.wait() == 6


# X2: status


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_x2_a_requested_shutdown_is_a_success(verger, signo):
    daemon = verger.start(BESIDE)
    daemon.server("beside")
    assert daemon.stop(signo) == 0


def test_x2_a_wrong_command_line_is_64_and_printed(verger):
    result = verger.run("--no-such-option")
    assert result.returncode == 64
    assert "no-such-option" in result.stderr


def test_x2_a_wrong_configuration_is_78_and_printed(verger):
    result = verger.run("-c", verger.write("bad.ini", "[program:web]\ncomand = true\n"))
    assert result.returncode == 78
    assert "comand" in result.stderr


@pytest.mark.parametrize(
    "command, status", [("/nowhere/server", 127), ("no-such-server", 127), ("/etc/passwd", 126)]
)
def test_x2_126_and_127_keep_their_meaning(verger, command, status):
    result = verger.run("--", command)
    assert result.returncode == status
    assert command in result.stderr


# X3: everything is reaped


def test_x2_a_shutdown_may_come_at_any_moment_of_the_start(verger):
    for moment in range(40):
        daemon = verger.start("[program:web]\ncommand = puppet pause\ninstances = 5\n")
        # not a wait for anything: the moments are spread over the first 20 ms of its life
        time.sleep(moment * 0.0005)
        assert daemon.stop() in (0, 128 + signal.SIGTERM)
        left = sorted(path.name for path in verger.run_dir.glob("*.pid"))
        assert not left, f"left behind when stopped after {moment * 0.5} ms: {left}"


@pytest.mark.valgrind
def test_x3_orphans_are_reaped(verger):
    # a hundred grandchildren whose parents have gone come to vergerd and die there
    orphan = "fork fork sleep-ms 50 exit 1 end exit 0 end " * 100
    daemon = verger.start(f"[program:web]\ncommand = puppet {orphan} wait pause\n")
    pid = daemon.server("web")
    eventually(
        lambda: [p.pid for p in processes.descendants(daemon.pid_itself)] == [pid],
        lambda: f"orphans to be reaped: {processes.descendants(daemon.pid_itself)}",
    )


def test_x3_zombies_of_a_program_go_with_it(verger):
    daemon = verger.start(
        f"[program:web]\ncommand = puppet {'fork exit 0 end ' * 20} pause\n"
        "restart = never\n"
    )  # fmt: skip
    pid = daemon.server("web")
    eventually(lambda: len(processes.children(pid)) == 20, "zombies")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not processes.children(daemon.pid_itself), "them to be reaped")


def test_x3_remaining_processes_get_the_programs_grace_at_exit(verger):
    bye = verger.path("bye")
    # the main process ends vergerd; a process it has left behind still has something to do
    verger.write(
        "job",
        f"""#!/bin/sh
setsid sh -c 'trap "sleep 0.4; echo bye > {bye}; exit" TERM; touch {bye}.up
while :; do sleep 0.02; done' &
while [ ! -e {bye}.up ]; do sleep 0.02; done
exit 3
""",
        mode=0o755,
    )
    daemon = verger.start(
        "[program:job]\ncommand = ${here}/job\nrestart = never\non_exit = exit\n"
        "stop_timeout = 300s\n"
    )
    assert daemon.wait() == 3
    assert bye.read_text() == "bye\n"
