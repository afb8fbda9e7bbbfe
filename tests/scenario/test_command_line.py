# SPDX-License-Identifier: MIT
"""The command line: what is printed, and what `--daemon` promises to the script that called it."""

import os
import signal
import subprocess

import processes
import pytest
from processes import eventually
from verger import read_pid

GOOD = "[program:web]\ncommand = puppet pause\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(verger, option):
    result = verger.run(option)
    assert result.returncode == 0
    assert "vergerd" in result.stdout and "-c" in result.stdout
    assert result.stderr == ""


def test_version(verger):
    result = verger.run("--version")
    assert result.returncode == 0
    assert result.stdout.startswith("vergerd ")


def test_t_is_silent_about_success_on_standard_error(verger):
    result = verger.run("-t", "-c", verger.config(GOOD))
    assert result.returncode == 0
    assert result.stderr == ""


def test_print_config_can_be_read_again(verger):
    first = verger.run(
        "--print-config", "-c", verger.config(GOOD + "[defaults]\nstop_signal = QUIT/2s\n")
    )
    assert first.returncode == 0, first.stderr
    assert "stop_signal = QUIT" in first.stdout
    second = verger.run("--print-config", "-c", verger.write("again.ini", first.stdout))
    assert second.stdout == first.stdout


def test_configuration_by_environment(verger):
    result = verger.run("-t", env={"VERGER_CONFIG": str(verger.config("[program:web]\n"))})
    assert result.returncode == 78
    assert "verger.ini" in result.stderr


def test_configuration_in_the_working_directory(verger):
    verger.config("[program:web]\n")
    result = verger.run("-t")
    assert result.returncode == 78
    assert "verger.ini" in result.stderr


@pytest.mark.parametrize("args", [["-c"], ["--nonsense"], ["stray"]])
def test_x2_wrong_command_lines(verger, args):
    result = verger.run(*args)
    assert result.returncode == 64
    assert result.stderr


# --daemon


def background(verger, programs):
    """Runs vergerd --daemon; returns what its starter said and the PID of the daemon, if there is one."""
    config = verger.config(programs, verger=f"log = {verger.path('verger.log')}")
    said = verger.path("said")
    with open(said, "wb") as sink:  # not a pipe: programs that inherit our output would keep it open
        result = subprocess.run(
            verger.command("--daemon", "-c", config),
            env=verger.environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            timeout=processes.DEADLINE,
            check=False,
        )
    result.stderr = said.read_text()
    return result, read_pid(verger.run_dir / "vergerd.pid")


def end(pid):
    os.kill(pid, signal.SIGTERM)
    # its starter is gone, so it is ours: reap it
    eventually(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "the daemon to end")


def test_daemon_returns_when_all_is_up(verger):
    result, pid = background(verger, GOOD + "[program:db]\ncommand = puppet pause\n")
    try:
        assert result.returncode == 0, result.stderr
        assert all(read_pid(verger.run_dir / f"{name}.pid") for name in ("web", "db"))
        assert processes.stat(pid).session == pid or processes.stat(pid).session != os.getsid(0)
    finally:
        end(pid)


def test_daemon_says_which_program_has_failed(verger):
    result, pid = background(
        verger, GOOD + "[program:bad]\ncommand = /nowhere/server\nrestart = never\n"
    )
    try:
        assert result.returncode == 1
        assert "bad" in result.stderr and "/nowhere/server" in result.stderr
    finally:
        if pid:
            end(pid)


def test_daemon_reports_a_wrong_configuration(verger):
    result, pid = background(verger, "[program:web]\n")
    assert result.returncode == 78
    assert pid is None


def test_daemon_lets_go_of_the_terminal_and_of_pipes(verger):
    # a caller that reads our output until its end must not hang
    process = subprocess.Popen(
        verger.command(
            "--daemon", "-c",
            verger.config(
                GOOD + "stdout = null\nstderr = null\n", verger=f"log = {verger.path('log')}"
            ),
        ),
        env=verger.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    verger.bystanders.append(process)
    try:
        process.communicate(timeout=processes.DEADLINE)
    finally:
        pid = read_pid(verger.run_dir / "vergerd.pid")
        assert {processes.descriptors(pid)[fd] for fd in (0, 1, 2)} == {"/dev/null"}
        end(pid)


def test_daemon_cannot_be_started_twice(verger):
    _, pid = background(verger, GOOD)
    try:
        again, _ = background(verger, GOOD)
        assert again.returncode != 0
        assert str(pid) in again.stderr
        assert processes.is_alive(pid)
    finally:
        end(pid)
