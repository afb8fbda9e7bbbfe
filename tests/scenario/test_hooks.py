# SPDX-License-Identifier: MIT
"""Commands that vergerd runs beside programs: on_state_change and what `vergerctl reload NAME`
does.  They hear of everything in order, belong to no family, and nothing waits for them (C3)."""

import json
import os
import signal

import processes
import pytest
import verger as harness
from processes import always, eventually
from varlink import Refused
from verger import read_pid

# what hooks leave behind gets the longest grace of a program at the end of vergerd
WEB = (
    "[defaults]\nstop_timeout = 500ms\n"
    "[program:web]\ncommand = puppet pause\nrestart_delay = 0\nmin_uptime = 0\n"
)
SURROUNDINGS = [
    pytest.param({}, id="as-it-is"),
    pytest.param({"VERGER_CGROUP": "no"}, id="without-cgroups"),
]
HOOKS_RUNNING_MAX = 64  # os/hook.h


def hook(verger, text, name="hook"):
    """A script as a hook."""
    return verger.write(name, f"#!/bin/sh\n{text}\n", mode=0o755)


def notes_of(verger):
    """The facts of each call, as the hook below writes them."""
    path = verger.path("notes")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def noting_hook(verger):
    """A hook that notes what it is told, in one write."""
    text = """#!/usr/bin/python3
import json, os
facts = {name: value for name, value in os.environ.items() if name.startswith("VERGER_")}
with open("%s", "a") as notes:
    notes.write(json.dumps(facts) + "\\n")
""" % verger.path("notes")
    return verger.write("note", text, mode=0o755)


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def hooks_of(daemon, *known):
    """Children of vergerd that are none of its programs."""
    return [pid for pid in processes.children(daemon.pid_itself) if pid not in known]


def changes(verger, program="web"):
    return [
        (n["VERGER_PREVIOUS_STATE"], n["VERGER_STATE"])
        for n in notes_of(verger)
        if n["VERGER_PROGRAM"] == program
    ]


def test_a_hook_hears_each_change_in_order_with_the_facts(verger):
    daemon = verger.start(
        WEB + f"on_state_change = {noting_hook(verger)}\n[group:front]\nprograms = web\n"
    )
    client = daemon.client()
    first = client.await_state("web", "running")["pid"]
    os.kill(first, signal.SIGKILL)
    second = daemon.server("web", other_than=first)
    client.await_state("web", "running")
    client.outcome("Stop", "web")
    up = [("stopped", "waiting"), ("waiting", "starting"), ("starting", "running")]
    crash = [("running", "stopping"), ("stopping", "waiting"), *up[1:]]
    expected = up + crash + [("running", "stopping"), ("stopping", "stopped")]
    eventually(lambda: len(changes(verger)) >= len(expected), lambda: changes(verger))
    assert changes(verger) == expected
    notes = notes_of(verger)
    running = [n for n in notes if n["VERGER_STATE"] == "running"]
    assert [n["VERGER_PID"] for n in running] == [str(first), str(second)]
    assert [n["VERGER_RESTARTS"] for n in running] == ["0", "1"]
    assert {n["VERGER_GROUP"] for n in notes} == {"front"}
    assert [n["VERGER_TIME"] for n in notes] == sorted(n["VERGER_TIME"] for n in notes)
    assert notes[0]["VERGER_TIME"].endswith("Z")
    died = next(n for n in notes if n["VERGER_PREVIOUS_STATE"] == "stopping")
    assert died["VERGER_EXIT_SIGNAL"] == "SIGKILL"
    assert "VERGER_EXIT_CODE" not in died


def test_r3_a_hook_hears_that_a_program_was_given_up_once(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit 3\nrestart_delay = 1ms\nstart_limit = 3/60s\n"
        f"on_state_change = {noting_hook(verger)}\n"
    )
    daemon.client().await_state("web", "failed")
    eventually(lambda: ("stopping", "failed") in changes(verger), lambda: changes(verger))
    (given_up,) = [n for n in notes_of(verger) if n["VERGER_STATE"] == "failed"]
    assert given_up["VERGER_EXIT_CODE"] == "3"
    assert "3 failed starts" in given_up["VERGER_REASON"]


@pytest.mark.parametrize("env", SURROUNDINGS)
def test_c3_a_hook_that_hangs_delays_nothing(verger, env):
    daemon = verger.start(WEB + "on_state_change = puppet ignore TERM pause\n", env=env)
    client = daemon.client()
    pid = client.await_state("web", "running")["pid"]
    (hanging,) = eventually(lambda: hooks_of(daemon, pid), "the hook")
    for _ in range(20):
        os.kill(pid, signal.SIGKILL)
        pid = daemon.server("web", other_than=pid)
    # neither is it a member of the family nor does the end of the family wait for it
    assert read_pid(daemon.pidfile("web")) == pid != hanging
    why = client.call("Why", name="web")
    assert not any(str(hanging) in line for line in why["processes"])
    assert client.outcome("Stop", "web")["result"] == "done"
    assert processes.is_alive(hanging)
    # one after the other: a second one waits for its turn
    assert hooks_of(daemon) == [hanging]
    assert client.outcome("Start", "web")["result"] == "done"
    assert daemon.stop() == 0
    assert not processes.exists(hanging)


@pytest.mark.parametrize("now", ["signal", "verb"])
def test_c3_a_hook_that_hangs_does_not_hold_up_an_end_that_is_to_be_now(verger, now):
    daemon = verger.start(
        WEB + "on_state_change = puppet ignore TERM pause\nstop_timeout = 300s\n"
    )
    client = daemon.client()
    pid = client.await_state("web", "running")["pid"]
    eventually(lambda: hooks_of(daemon, pid), "the hook")
    if now == "signal":
        daemon.send(signal.SIGTERM)
        daemon.await_log(r"web: stopped")
        daemon.send(signal.SIGTERM)
    else:
        client.call("Shutdown", now=True)
    assert daemon.wait() == 0


@pytest.mark.parametrize("env", SURROUNDINGS)
def test_c3_what_a_hook_leaves_behind_belongs_to_nobody(verger, env):
    daemon = verger.start(
        WEB + "on_state_change = puppet fork setsid fork setsid pause end exit 0 end exit 0\n",
        env=env,
    )
    client = daemon.client()
    pid = client.await_state("web", "running")["pid"]
    orphan = eventually(
        lambda: [p for p in processes.children(daemon.pid_itself) if p != pid], "what it left"
    )[0]
    assert client.outcome("Stop", "web")["result"] == "done"
    assert client.outcome("Start", "web")["pid"] == read_pid(daemon.pidfile("web"))
    assert orphan != read_pid(daemon.pidfile("web"))


def test_c3_hooks_without_end_are_bounded(verger):
    daemon = verger.start(
        WEB + "[program:flap]\ninstances = 80\ncommand = puppet exit 1\nrestart_delay = 1ms\n"
        "restart_delay_max = 1ms\nstart_limit = none\nstdout = null\nstderr = null\n"
        "on_state_change = puppet exec hanging puppet ignore TERM pause\n",
        verger=f"log = {verger.path('verger.log')}",
    )
    client = daemon.client()

    def hanging():
        return sum(
            processes.words(p.pid)[:1] == ["hanging"]
            for p in processes.descendants(daemon.pid_itself)
            if processes.has_words(p) and p.state != "Z" and processes.is_alive(p.pid)
        )

    eventually(lambda: hanging() >= HOOKS_RUNNING_MAX - 4, lambda: f"hooks: {hanging()}")
    always(lambda: hanging() <= HOOKS_RUNNING_MAX, "more hooks than there may be", 0.3)
    # nobody else is kept waiting
    pid = client.await_state("web", "running")["pid"]
    os.kill(pid, signal.SIGKILL)
    daemon.server("web", other_than=pid)
    eventually(
        lambda: "on_state_change" in verger.path("verger.log").read_text(), "a word about it"
    )
    client.call("Shutdown", now=True)
    assert daemon.wait() == 0


def test_c3_a_hook_that_floods_its_output_harms_nobody(verger):
    daemon = verger.start(
        WEB + f"on_state_change = {hook(verger, 'exec yes flood')}\nstdout = null\nstderr = null\n",
        verger=f"log = {verger.path('verger.log')}",
    )
    client = daemon.client()
    pid = client.await_state("web", "running")["pid"]
    eventually(lambda: hooks_of(daemon, pid), "the hook")
    os.kill(pid, signal.SIGKILL)
    daemon.server("web", other_than=pid)
    assert verger.path("verger.log").stat().st_size < 1 << 20
    assert client.outcome("Stop", "web")["result"] == "done"


@pytest.mark.parametrize("command", ["/nowhere/hook", "puppet exit 1", "puppet die KILL"])
def test_a_hook_that_fails_is_told_and_changes_nothing(verger, command):
    daemon = verger.start(WEB + f"on_state_change = {command}\n")
    pid = daemon.client().await_state("web", "running")["pid"]
    daemon.await_log(r"web: .*on_state_change")
    assert daemon.pid("web") == pid


@pytest.mark.needs_root
def test_s2_a_hook_runs_as_the_user_of_its_program(verger):
    notes = verger.write("ids", "", mode=0o666)
    script = hook(verger, f'echo "$(id -u) $(pwd) $COLOUR" >> {notes}')
    daemon = verger.start(
        f"[program:web]\ncommand = puppet pause\nuser = {harness.NOBODY_UID}\ndirectory = /usr\n"
        f"environment = COLOUR=red\non_state_change = {script}\n"
    )
    daemon.server("web")
    eventually(notes.read_text, "the hook")
    assert notes.read_text().splitlines()[0] == f"{harness.NOBODY_UID} /usr red"


def test_s2_a_hook_has_no_descriptors_of_vergerd(verger):
    notes = verger.path("fds")
    script = hook(verger, f"touch {notes}; exec sleep 600")
    daemon = verger.start(WEB + f"on_state_change = {script}\n")
    pid = daemon.client().await_state("web", "running")["pid"]
    hanging = eventually(lambda: hooks_of(daemon, pid), "the hook")[0]
    eventually(notes.exists, "its look at itself")
    eventually(lambda: "sleep" in processes.words(hanging), "the end of the script")
    processes.await_descriptors(hanging, {0, 1, 2})
    assert processes.signal_set(hanging, "SigBlk") == set()


def test_a_hook_may_call_vergerctl_about_its_own_program(verger):
    """It is asynchronous: vergerd answers while the hook runs."""
    script = hook(
        verger,
        f"[ $VERGER_STATE = running ] || exit 0\n"
        f"vergerctl -s {verger.run_dir}/control.sock pid $VERGER_PROGRAM > {verger.path('told')}",
    )
    daemon = verger.start(WEB + f"on_state_change = {script}\n")
    pid = daemon.server("web")
    eventually(lambda: lines(verger.path("told")), "the answer")
    assert verger.path("told").read_text() == f"{pid}\n"


# reload NAME


def test_reload_signal(verger):
    notes = verger.path("notes")
    daemon = verger.start(
        f"[program:web]\ncommand = puppet notes {notes} note all exit-on TERM 0 "
        f"touch {notes}.up pause\nreload_signal = HUP\n"
    )
    eventually(verger.path("notes.up").exists, "the program to listen")
    pid = daemon.pid("web")
    result = daemon.ctl("reload", "web")
    assert result.returncode == 0, result.stderr
    eventually(lambda: notes.exists() and notes.read_text() == "HUP\n", "the signal")
    assert daemon.pid("web") == pid


def test_reload_command(verger):
    script = hook(verger, f'echo "$VERGER_PROGRAM $VERGER_PID" > {verger.path("told")}')
    daemon = verger.start(WEB + f"reload_command = {script}\n")
    pid = daemon.server("web")
    daemon.client().await_state("web", "running")
    assert daemon.ctl("reload", "web").returncode == 0
    eventually(lambda: lines(verger.path("told")), "the command")
    assert verger.path("told").read_text() == f"web {pid}\n"
    assert daemon.pid("web") == pid


def test_c3_a_reload_command_that_hangs_delays_nothing(verger):
    daemon = verger.start(WEB + "reload_command = puppet ignore TERM pause\n")
    client = daemon.client()
    pid = client.await_state("web", "running")["pid"]
    # it hangs for longer than anybody here waits
    client.call("ReloadProgram", names=["web"])
    eventually(lambda: hooks_of(daemon, pid), "the command")
    assert client.outcome("Stop", "web")["result"] == "done"


def test_a_reload_of_what_has_none_or_does_not_run_is_refused_with_a_sentence(verger):
    daemon = verger.start(
        WEB + "[program:job]\ncommand = puppet pause\nautostart = no\nreload_signal = HUP\n"
    )
    client = daemon.client()
    client.await_state("web", "running")
    none = client.outcome("ReloadProgram", "web")
    assert none["result"] == "failed"
    assert "reload_signal" in none["reason"] or "reload_command" in none["reason"]
    assert daemon.ctl("reload", "web").returncode == 1
    try:
        assert client.outcome("ReloadProgram", "job")["result"] == "failed"
    except Refused as error:  # as definite
        assert error.name == "NotRunning"
