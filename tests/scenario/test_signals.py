# SPDX-License-Identifier: MIT
"""G1 and G2: what vergerd does with signals, and what it hands on."""

import os
import signal

import processes
import pytest
from processes import always, eventually

ALL_CLAIMABLE = [
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGCONT,
    signal.SIGTSTP,
    signal.SIGRTMIN,
    signal.SIGRTMIN + 5,
    signal.SIGRTMAX,
]


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def name_of(signo):
    """As puppet writes it."""
    return signal.Signals(signo).name[3:] if signo < signal.SIGRTMIN else str(int(signo))


def listener(verger, name="web", keys=""):
    """A program that notes every signal it gets."""
    notes = verger.path(f"{name}.notes")
    return f"""
[program:{name}]
command = puppet notes {notes} note all exit-on TERM 0 touch {notes}.up pause
{keys}
"""


def await_listening(verger, *names):
    for name in names:
        eventually(verger.path(f"{name}.notes.up").exists, f"{name} to listen")


def heard(verger, name="web"):
    return lines(verger.path(f"{name}.notes"))


def await_heard(verger, expected, name="web"):
    eventually(
        lambda: heard(verger, name) == expected,
        lambda: f"{name} to hear {expected}, it heard {heard(verger, name)}",
    )


# G1


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_g1_orderly_shutdown(verger, signo):
    daemon = verger.start(listener(verger))
    await_listening(verger, "web")
    assert daemon.stop(signo) == 0
    assert [name for name in heard(verger) if name != "CONT"] == ["TERM"]


@pytest.mark.parametrize("signo", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_g1_what_nobody_claims_harms_nobody(verger, signo):
    daemon = verger.start(listener(verger))
    await_listening(verger, "web")
    pid = daemon.pid("web")
    daemon.send(signo)
    always(lambda: daemon.is_alive() and daemon.pid("web") == pid, "it did harm", 0.3)
    assert heard(verger) == []


@pytest.mark.valgrind
def test_g1_usr2_reopens_the_log(verger):
    log = verger.path("own.log")
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\nrestart_delay = 0\nmin_uptime = 0\n",
        verger=f"log = {log}",
    )
    pid = daemon.server("web")
    eventually(lambda: "web" in log.read_text(), "the log")
    log.rename(verger.path("own.log.1"))
    daemon.send(signal.SIGUSR2)
    eventually(log.exists, "the log to be opened again")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: "web" in log.read_text(), "lines in the new log")


@pytest.mark.parametrize("signo", ALL_CLAIMABLE, ids=name_of)
def test_g1_a_claimed_signal_is_relayed_instead(verger, signo):
    claim = f"SIG{name_of(signo)}" if signo < signal.SIGRTMIN else str(int(signo))
    daemon = verger.start(
        listener(verger, "web", f"forward_signals = {claim}") + listener(verger, "other")
    )
    await_listening(verger, "web", "other")
    daemon.send(signo)
    await_heard(verger, [name_of(signo)])
    always(lambda: heard(verger) == [name_of(signo)], "more than once", 0.1)
    assert heard(verger, "other") == []
    daemon.check_alive()


@pytest.mark.valgrind
def test_g1_translated(verger):
    daemon = verger.start(listener(verger, keys="forward_signals = USR1:QUIT HUP:USR2"))
    await_listening(verger, "web")
    daemon.send(signal.SIGUSR1)
    await_heard(verger, ["QUIT"])
    daemon.send(signal.SIGHUP)
    await_heard(verger, ["QUIT", "USR2"])


def test_g1_dropped(verger):
    daemon = verger.start(listener(verger, keys="forward_signals = HUP:0 USR1"))
    await_listening(verger, "web")
    daemon.send(signal.SIGHUP)
    daemon.send(signal.SIGUSR1)
    await_heard(verger, ["USR1"])


def test_g1_several_programs_may_claim_one_signal(verger):
    daemon = verger.start(
        listener(verger, "web", "forward_signals = USR1")
        + listener(verger, "db", "forward_signals = USR1:USR2")
    )
    await_listening(verger, "web", "db")
    daemon.send(signal.SIGUSR1)
    await_heard(verger, ["USR1"], "web")
    await_heard(verger, ["USR2"], "db")


# G2


@pytest.mark.parametrize(
    "scope, hearers",
    [("main", {"main"}), ("group", {"main", "group"}), ("tree", {"main", "group", "session"})],
)
def test_g2_exactly_once_at_exactly_those_configured(verger, scope, hearers):
    def noting(name):
        notes = verger.path(f"{name}.notes")
        return f"notes {notes} note all exit-on TERM 0 touch {notes}.up"

    daemon = verger.start(
        f"""
[program:web]
command = puppet fork {noting("group")} pause end fork setsid {noting("session")} pause end
  {noting("main")} pause
forward_signals = USR1
forward_to = {scope}
"""
    )
    await_listening(verger, "main", "group", "session")
    daemon.send(signal.SIGUSR1)
    for name in hearers:
        await_heard(verger, ["USR1"], name)
    always(
        lambda: all(
            heard(verger, name) == (["USR1"] if name in hearers else [])
            for name in ("main", "group", "session")
        ),
        "a signal too many",
        0.2,
    )


def test_g2_every_one_of_many_arrives(verger):
    daemon = verger.start(listener(verger, keys="forward_signals = USR1 USR2 HUP"))
    await_listening(verger, "web")
    expected = []
    for signo in [signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP] * 20:
        daemon.send(signo)
        expected.append(name_of(signo))
        await_heard(verger, expected)


def test_g2_a_signal_for_a_program_that_is_not_there_is_lost_quietly(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit 1\nrestart_delay = 1h\nrestart_delay_max = 1h\nforward_signals = USR1\n"
    )
    daemon.await_log(r"web: .*\b1\b")
    daemon.await_no_pid("web")
    daemon.send(signal.SIGUSR1)
    always(daemon.is_alive, "it died of it", 0.2)
