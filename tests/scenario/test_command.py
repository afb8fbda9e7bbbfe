# SPDX-License-Identifier: MIT
"""G3: `vergerd -- CMD ARG...` does for one command what tini and dumb-init do: it relays every
signal, passes the exit status on, and reaps what the command leaves."""

import os
import pty
import signal
import subprocess

import processes
import pytest
from processes import always, eventually

# every signal a process can catch, but those by which it learns of its own faults and children
CATCHABLE = [
    signo
    for signo in sorted(signal.valid_signals())
    if signo
    not in (
        signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL,
        signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT, signal.SIGPIPE,
    )
]  # fmt: skip


def name_of(signo):
    """As puppet writes it."""
    if signo == signal.SIGIO:
        return "POLL"
    return signal.Signals(signo).name[3:] if signo < signal.SIGRTMIN else str(int(signo))


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def started(verger, *command, **options):
    """vergerd -- COMMAND..., once the command has made the file `up`."""
    daemon = verger.launch("--", *command, **options)
    eventually(verger.path("up").exists, lambda: f"the command to be up:\n{daemon.tail()}")
    return daemon


def main_of(daemon):
    return eventually(lambda: processes.children(daemon.pid_itself), "the command")[0]


# status


@pytest.mark.valgrind
@pytest.mark.parametrize("code", [0, 1, 2, 42, 126, 255])
def test_g3_exit_status_is_passed_on(verger, code):
    assert verger.run("--", "puppet", "exit", str(code)).returncode == code


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1])
def test_g3_death_by_signal_is_128_plus_n(verger, signo):
    result = verger.run("--", "puppet", "die", name_of(signo))
    assert result.returncode == 128 + signo


def test_g3_output_is_the_commands_and_nothing_else(verger):
    result = verger.run("--", "puppet", "say", "hello", "complain", "oh")
    assert result.stdout == "hello\n"
    assert result.stderr == "oh\n"


def test_g3_input_reaches_the_command(verger):
    result = subprocess.run(
        verger.command("--", "cat"),
        input=b"through and through\n",
        capture_output=True,
        env=verger.environment(),
        timeout=processes.DEADLINE,
        check=True,
    )
    assert result.stdout == b"through and through\n"


def test_g3_arguments_are_passed_as_they_are(verger):
    args = ["a b", "", "$HOME", "${PATH}", ";", "#", "'", '"', "\\", "-c", "--", "%d", "ä"]
    result = verger.run("--", "printf", "%s\\n", *args)
    assert result.stdout.split("\n")[:-1] == args


def test_g3_command_not_found_is_127_and_says_so(verger):
    result = verger.run("--", "no-such-command")
    assert result.returncode == 127
    assert "no-such-command" in result.stderr


def test_g3_command_not_executable_is_126_and_says_so(verger):
    path = verger.write("data", "x\n", mode=0o644)
    result = verger.run("--", str(path))
    assert result.returncode == 126
    assert str(path) in result.stderr


def test_g3_no_command_is_a_wrong_command_line(verger):
    assert verger.run("--").returncode == 64


# signals


@pytest.mark.parametrize("signo", CATCHABLE, ids=name_of)
def test_g3_every_catchable_signal_is_relayed_once(verger, signo):
    notes, up = verger.path("notes"), verger.path("up")
    daemon = started(verger, "puppet", "notes", notes, "note", "all", "touch", up, "pause")
    daemon.send(signo)
    eventually(lambda: lines(notes), lambda: f"{name_of(signo)} to arrive:\n{daemon.tail()}")
    always(lambda: lines(notes) == [name_of(signo)], lambda: lines(notes), 0.05)
    daemon.check_alive()
    os.kill(main_of(daemon), signal.SIGKILL)
    assert daemon.wait() == 137


def test_g3_a_signal_that_kills_the_command_is_our_status(verger):
    daemon = started(verger, "puppet", "touch", verger.path("up"), "pause")
    assert daemon.stop(signal.SIGTERM) == 128 + signal.SIGTERM


def test_g3_the_commands_answer_to_a_signal_is_our_status(verger):
    daemon = started(verger, "puppet", "exit-on", "TERM", "3", "touch", verger.path("up"), "pause")
    assert daemon.stop(signal.SIGTERM) == 3


def test_g3_a_command_that_ignores_term_is_not_killed_at_once(verger):
    daemon = started(verger, "puppet", "ignore", "TERM", "touch", verger.path("up"), "pause")
    pid = main_of(daemon)
    daemon.send(signal.SIGTERM)
    always(lambda: processes.is_alive(pid), "killed without grace", 0.5)
    os.kill(pid, signal.SIGKILL)
    assert daemon.wait() == 137


@pytest.mark.parametrize("signo", [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU], ids=name_of)
def test_g3_job_control_signals_do_not_stop_vergerd(verger, signo):
    daemon = started(verger, "puppet", "touch", verger.path("up"), "pause")
    pid = main_of(daemon)
    daemon.send(signo)
    always(lambda: processes.stat(daemon.pid_itself).state != "T", "vergerd was stopped", 0.2)
    os.kill(pid, signal.SIGKILL)
    assert daemon.wait() == 137


# orphans and zombies


def test_g3_zombies_are_reaped(verger):
    orphans = "fork fork exit 0 end exit 0 end ".split() * 30
    daemon = started(verger, "puppet", *orphans, "wait", "touch", verger.path("up"), "pause")
    eventually(
        lambda: len(processes.descendants(daemon.pid_itself)) == 1,
        lambda: f"zombies: {processes.descendants(daemon.pid_itself)}",
    )
    daemon.stop()


@pytest.mark.valgrind
def test_g3_double_forked_orphans_are_ours_and_go_with_us(verger):
    orphan = ["fork", "setsid", "fork", "pause", "end", "exit", "0", "end", "wait"]
    daemon = started(verger, "puppet", *orphan, "touch", verger.path("up"), "pause")
    left = processes.descendants(daemon.pid_itself)
    assert len(left) == 2
    assert all(process.parent == daemon.pid_itself for process in left)
    daemon.stop()
    assert not any(processes.exists(process.pid) for process in left)


def test_g3_what_remains_hears_term_and_gets_a_grace(verger):
    notes, up = verger.path("notes"), verger.path("up")
    behind = ["fork", "setsid", "notes", notes, "exit-on", "TERM", "0", "touch", up, "pause", "end"]
    daemon = started(verger, "puppet", *behind, "await", up, "exit", "5")
    assert daemon.wait() == 5
    assert lines(notes) == ["TERM"]


def test_g3_what_remains_and_ignores_term_is_killed(verger):
    up = verger.path("up")
    behind = ["fork", "setsid", "ignore", "TERM", "touch", up, "pause", "end"]
    daemon = verger.launch(
        "--stop-timeout", "500ms", "--", "puppet", *behind, "await", up, "exit", "5"
    )
    assert daemon.wait() == 5


# options that mirror keys


def test_g3_p1_pidfile_option(verger):
    pidfile = verger.path("cmd.pid")
    daemon = started(
        verger, "puppet", "touch", verger.path("up"), "pause",
    )  # fmt: skip
    daemon.stop()
    verger.path("up").unlink()
    daemon = verger.launch(
        "--pidfile", pidfile, "--argv0", "python -u app.py", "--",
        "puppet", "copy", pidfile, verger.path("seen"), "touch", verger.path("up"), "pause",
    )  # fmt: skip
    eventually(verger.path("up").exists, "the command")
    pid = main_of(daemon)
    assert verger.path("seen").read_text() == f"{pid}\n"
    assert processes.words(pid)[0] == "python -u app.py"
    daemon.stop()
    assert not pidfile.exists()


def test_g3_r1_restart_option(verger):
    daemon = verger.launch(
        "--restart", "on-failure", "--restart-delay", "10ms", "--min-uptime", "0", "--",
        "sh", "-c", "echo x >> tally; [ $(wc -l < tally) -ge 3 ] || exit 1",
    )  # fmt: skip
    assert daemon.wait() == 0
    assert len(lines(verger.path("tally"))) == 3


def test_g3_forward_option(verger):
    notes, up = verger.path("notes"), verger.path("up")
    daemon = verger.launch(
        "--forward", "HUP:USR1", "--", "puppet", "notes", notes, "note", "all", "touch", up, "pause"
    )
    eventually(up.exists, "the command")
    daemon.send(signal.SIGHUP)
    eventually(lambda: lines(notes) == ["USR1"], "USR1")
    os.kill(main_of(daemon), signal.SIGKILL)
    daemon.wait()


def test_g3_on_a_terminal_the_command_is_in_the_foreground(verger):
    # what reads from the terminal must not be stopped by SIGTTIN, and ^C must reach it
    main, terminal = pty.openpty()
    daemon = verger.launch(
        "--", "sh", "-c", "echo ready; read line; echo got $line; exit 4",
        stdin=terminal, stdout=terminal, stderr=terminal,
        preexec_fn=lambda: (os.setsid(), os.close(os.open(os.ttyname(0), os.O_RDWR))),
    )  # fmt: skip
    os.write(main, b"words\n")
    assert daemon.wait() == 4
    said = b""
    os.set_blocking(main, False)

    def has_answered():
        nonlocal said
        try:
            said += os.read(main, 4096)
        except BlockingIOError:
            pass
        return b"got words" in said

    eventually(has_answered, lambda: f"its answer: {said}")
    os.close(terminal)
    os.close(main)
