# SPDX-License-Identifier: MIT
"""P7: programs that put themselves into the background are followed to the process that remains."""

import os
import signal

import processes
import pytest
from processes import always, eventually
from verger import read_pid

# what a daemon does: fork, new session, fork, write the file, let the first two go
DOUBLE_FORK = "fork setsid fork {daemon} end exit 0 end exit 0"


def forking(daemon, extra=""):
    return f"""
[program:web]
type = forking
command = puppet {DOUBLE_FORK.format(daemon=daemon)}
restart_delay = 50ms
{extra}
"""


@pytest.mark.valgrind
def test_p7_the_file_names_the_daemon_that_remained(verger):
    own = verger.path("own.pid")
    daemon = verger.start(forking(f"pid-to {own} pause", f"main_pid_file = {own}"))
    pid = daemon.pid("web")
    assert pid == int(own.read_text())
    assert processes.stat(pid).parent == daemon.pid_itself


def test_p7_the_daemon_is_found_without_a_file_of_its_own(verger):
    daemon = verger.start(forking(f"pid-to {verger.path('is')} pause"))
    pid = daemon.pid("web")
    # it may be found before it has come to write
    eventually(verger.path("is").exists, "the daemon to say who it is")
    assert pid == int(verger.path("is").read_text())


def test_p7_workers_of_the_daemon_are_not_mistaken_for_it(verger):
    own = verger.path("own.pid")
    daemon = verger.start(
        forking(f"fork pause end fork pause end pid-to {own} pause", f"main_pid_file = {own}")
    )
    pid = daemon.pid("web")
    assert pid == int(own.read_text())
    eventually(lambda: len(processes.children(pid)) == 2, "its workers")


@pytest.mark.valgrind
def test_p7_a_file_that_comes_late_is_waited_for(verger):
    own = verger.path("own.pid")
    daemon = verger.start(
        forking(f"fork pause end sleep-ms 400 pid-to {own} pause", f"main_pid_file = {own}")
    )
    assert daemon.pid("web") == int(own.read_text())


@pytest.mark.valgrind
def test_p7_its_exit_is_noticed_at_once(verger):
    own = verger.path("own.pid")
    daemon = verger.start(forking(f"pid-to {own} pause", f"main_pid_file = {own}"))
    first = daemon.pid("web")
    os.kill(first, signal.SIGKILL)
    second = daemon.pid("web", other_than=first)
    assert second == int(own.read_text())
    assert not processes.exists(first)


def test_p7_nothing_of_it_is_left_after_a_stop(verger):
    daemon = verger.start(forking("fork ignore TERM pause end pause", "stop_timeout = 300ms"))
    pid = daemon.pid("web")
    workers = eventually(lambda: processes.children(pid), "a worker")
    assert daemon.stop() == 0
    assert not any(map(processes.exists, [pid, *workers]))


def test_p7_a_launcher_that_fails_is_a_failed_start(verger):
    daemon = verger.start(
        "[program:web]\ntype = forking\ncommand = puppet exit 3\nrestart = never\n"
    )
    daemon.await_log(r"web: .*\b3\b")
    assert read_pid(daemon.pidfile("web")) is None


def test_p7_a_launcher_that_leaves_nothing_is_a_failed_start(verger):
    daemon = verger.start(
        "[program:web]\ntype = forking\ncommand = puppet exit 0\nrestart = never\n"
        "ready_timeout = 500ms\n"
    )
    daemon.await_log(r"web: .*(for good|given up)")
    assert read_pid(daemon.pidfile("web")) is None


@pytest.mark.valgrind
def test_p7_s6_a_file_that_never_comes_is_not_waited_for_forever(verger):
    own = verger.path("own.pid")
    daemon = verger.start(
        forking(
            "fork pause end pause",
            f"main_pid_file = {own}\nready_timeout = 500ms\nrestart = never",
        )
    )
    daemon.await_log(r"web: .*(for good|given up)")
    eventually(lambda: not processes.children(daemon.pid_itself), "its processes to be swept")


@pytest.mark.parametrize("text", ["0", "1", "-1", "{vergerd}", "{stranger}", "x", "4294967297"])
def test_p7_a_hostile_number_is_refused(verger, text):
    stranger = verger.bystander()
    own, told = verger.path("own.pid"), verger.path("told")
    # the daemon copies whatever the test puts into `told`, as soon as the daemon's PID is known
    daemon = verger.start(
        forking(
            f"await {told} copy {told} {own} pause",
            f"main_pid_file = {own}\nready_timeout = 1s\nrestart = never\nstop_timeout = 1s",
        )
    )
    hostile = text.format(vergerd=daemon.pid_itself, stranger=stranger.pid)
    verger.write("beside", f"{hostile}\n").rename(told)
    daemon.await_log(r"web: .*(for good|given up)")
    eventually(lambda: not processes.children(daemon.pid_itself), "its processes to be swept")
    assert read_pid(daemon.pidfile("web")) is None
    assert stranger.poll() is None
    daemon.check_alive()


def test_p7_a_number_left_over_from_before_the_start_is_refused(verger):
    stranger = verger.bystander()
    own = verger.write("own.pid", f"{stranger.pid}\n")
    daemon = verger.start(
        forking("pause", f"main_pid_file = {own}\nready_timeout = 500ms\nrestart = never")
    )
    daemon.await_log(r"web: .*(for good|given up)")
    always(lambda: stranger.poll() is None, "the stranger was killed", 0.2)
    assert read_pid(daemon.pidfile("web")) != stranger.pid
