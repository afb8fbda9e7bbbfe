# SPDX-License-Identifier: MIT
"""Control by the socket: every method, and one explicit outcome for whatever is asked for while
something else is in progress.  All of it by a plain Varlink client, whose every reply is held
against the interface description (varlink.py)."""

import os
import signal
import statistics
import subprocess
import time

import processes
import pytest
import verger as harness
import varlink
from processes import always, eventually, in_one_of
from varlink import Refused, encode
from verger import await_text, read_pid

WEB = "[program:web]\ncommand = puppet pause\n"
# does not end at TERM, but when its grace is over, or when we let it go with USR1
DEAF = (
    "[program:{name}]\ncommand = puppet exit-on USR1 0 ignore TERM pause\nstop_timeout = {grace}\n"
)


def refused(client, method, **parameters):
    """The error that a call gets."""
    with pytest.raises(Refused) as caught:
        client.call(method, **parameters)
    return caught.value


def start_deaf(verger, grace, name="web", more=""):
    """A vergerd whose program does not hear TERM."""
    daemon = verger.start(DEAF.format(name=name, grace=grace) + more)
    await_deafness(daemon, name)
    return daemon, daemon.client()


def await_deafness(daemon, name="web", other_than=None):
    pid = daemon.server(name, other_than)
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    return pid


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


# introspection


def test_the_service_tells_what_it_is(verger):
    daemon = verger.start(WEB)
    info = daemon.client().call(f"{varlink.SERVICE}.GetInfo")
    assert set(info) == {"vendor", "product", "version", "url", "interfaces"}
    assert sorted(info["interfaces"]) == sorted([varlink.SERVICE, varlink.INTERFACE])
    assert info["version"] in verger.run("--version").stdout


def test_the_description_is_the_installed_file(verger):
    client = verger.start(WEB).client()
    describe = f"{varlink.SERVICE}.GetInterfaceDescription"
    said = client.call(describe, interface=varlink.INTERFACE)["description"]
    assert said == varlink.DESCRIPTION.read_text()
    own = client.call(describe, interface=varlink.SERVICE)["description"]
    assert varlink.Description(own).methods.keys() == {"GetInfo", "GetInterfaceDescription"}
    error = refused(client, describe, interface="org.example.nobody")
    assert error.name == "InterfaceNotFound"
    assert error.parameters == {"interface": "org.example.nobody"}


# one call of everything

CALLS = {
    "Status": {},
    "Stop": {"names": ["web"]},
    "Start": {"names": ["web"]},
    "Restart": {"all": True},
    "Wait": {"names": ["web"], "state": "running"},
    "ReloadProgram": {"names": ["web"]},
    "Signal": {"names": ["web"], "signal": "WINCH"},
    "Pid": {"name": "web"},
    "Why": {"name": "web"},
    "Monitor": {},
    "Logs": {},
    "Reload": {"dry_run": True},
    "Config": {},
    "Doctor": {},
    "ReopenLogs": {},
    "Shutdown": {},
}
MANY_REPLIES = {"Monitor", "Logs"}
# nobody dies of WINCH, however early it comes
LISTENER = (
    "[program:web]\ncommand = puppet say hello pause\nreload_signal = WINCH\nstdout = {log}\n"
)


def test_every_method_answers_as_described(verger):
    assert CALLS.keys() == varlink.SUPERVISOR.methods.keys(), "a method without a call here"
    daemon = verger.start(LISTENER.format(log=verger.path("web.log")))
    daemon.server("web")
    for method, parameters in CALLS.items():
        client = daemon.client()  # a new one for each: streams do not end
        if method in MANY_REPLIES:
            client.send(method, parameters, more=True)
            client.receive()
        else:
            client.call(method, **parameters)
    assert daemon.wait() == 0


@pytest.mark.parametrize(
    "method, parameters, error, about",
    [
        ("Fly", {}, "MethodNotFound", {"method": f"{varlink.INTERFACE}.Fly"}),
        ("org.example.nobody.Fly", {}, "InterfaceNotFound", {"interface": "org.example.nobody"}),
        ("Status", {"names": "web"}, "InvalidParameter", {"parameter": "names"}),
        ("Status", {"names": [1]}, "InvalidParameter", {"parameter": "names"}),
        ("Status", {"colour": None}, "InvalidParameter", {"parameter": "colour"}),
        ("Start", {"names": ["web"], "force": True}, "InvalidParameter", {"parameter": "force"}),
        ("Start", {"names": ["web"], "wait": "yes"}, "InvalidParameter", {"parameter": "wait"}),
        ("Start", {"all": 1}, "InvalidParameter", {"parameter": "all"}),
        ("Stop", {"names": ["web"], "timeout_ms": -5}, "InvalidParameter",
         {"parameter": "timeout_ms"}),
        ("Wait", {"names": ["web"], "state": "happy"}, "InvalidParameter", {"parameter": "state"}),
        ("Wait", {"names": ["web"]}, "InvalidParameter", {"parameter": "state"}),
        ("Signal", {"names": ["web"], "signal": "NOSUCH"}, "InvalidParameter",
         {"parameter": "signal"}),
        ("Signal", {"names": ["web"], "signal": "0"}, "InvalidParameter", {"parameter": "signal"}),
        ("Signal", {"names": ["web"], "signal": "TERM", "to": "all"}, "InvalidParameter",
         {"parameter": "to"}),
        ("Pid", {}, "InvalidParameter", {"parameter": "name"}),
        ("Start", {}, "InvalidParameter", {"parameter": "names"}),
        ("Stop", {}, "InvalidParameter", {"parameter": "names"}),
        ("Restart", {"names": []}, "InvalidParameter", {"parameter": "names"}),
        ("Monitor", {}, "ExpectedMore", {}),
        ("Pid", {"name": "wbb"}, "NoSuchProgram", {"name": "wbb", "similar": "web"}),
        ("Start", {"names": ["web", "zzzzzz"]}, "NoSuchProgram", {"name": "zzzzzz"}),
        ("Stop", {"names": ["z*"]}, "NoSuchProgram", {"name": "z*"}),
    ],
)  # fmt: skip
def test_a_mistake_gets_an_error_that_names_it_and_does_nothing(
    verger, method, parameters, error, about
):
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    client = daemon.client()
    said = refused(client, method, **parameters)
    assert said.name == error
    assert {k: v for k, v in said.parameters.items() if v is not None} == about
    assert client.status("web")["pid"] == pid, "it did something all the same"


def test_names_are_programs_instances_groups_and_patterns(verger):
    daemon = verger.start(
        """
[program:web]
command = puppet pause
instances = 2
[program:api]
command = puppet pause
[program:db]
command = puppet pause
[group:front]
programs = web api
"""
    )
    client = daemon.client()

    def names(*asked):
        return [p["name"] for p in client.call("Status", names=list(asked))["programs"]]

    everything = ["web:0", "web:1", "api", "db"]
    assert names() == everything
    assert [p["name"] for p in client.call("Status")["programs"]] == everything
    assert names("web") == ["web:0", "web:1"]
    assert names("web:1") == ["web:1"]
    assert sorted(names("front")) == ["api", "web:0", "web:1"]
    assert names("*:0") == ["web:0"]
    assert names("[ad]*") == ["api", "db"]
    assert sorted(names("db", "d?", "front", "db")) == sorted(everything), "each of them once"


def test_fields_choose_what_is_told(verger):
    client = verger.start(WEB).client()
    client.await_state("web", "running")
    (program,) = client.call("Status", fields=["name", "pid"])["programs"]
    assert set(program) == {"name", "pid"}
    assert refused(client, "Status", fields=["colour"]).name == "InvalidParameter"
    everything = client.call("Status", names=None, fields=None)["programs"]
    assert len(everything) == 1 and len(everything[0]) > 10, "null is the same as left out"


def test_status_tells_the_facts(verger):
    daemon = verger.start(WEB + "restart_delay = 0\nmin_uptime = 0\n[group:all]\nprograms = web\n")
    first = daemon.server("web")
    client = daemon.client()
    os.kill(first, signal.SIGKILL)
    pid = daemon.server("web", other_than=first)
    web = client.await_state("web", "running")
    assert web["pid"] == pid
    assert web["pidfile"] == str(daemon.pidfile("web"))
    assert web["group"] == "all"
    assert web["ready"] is True
    assert web["restarts"] == 1
    assert web["last_exit"]["signal"] == "SIGKILL"
    assert web["last_exit"]["at"].endswith("Z") and web["since"].endswith("Z")
    assert 0 <= web["uptime_ms"] < 60_000 * processes.PATIENCE
    about = client.call("Status")["daemon"]
    assert about["pid"] == daemon.pid_itself
    assert about["config"] == str(verger.path("verger.ini"))
    assert about["run_dir"] == str(verger.run_dir)
    assert about["programs"] == 1
    assert about["shutting_down"] is False
    assert about["reloads"] == 0


# idempotent verbs


def test_start_and_stop_are_idempotent(verger):
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    client = daemon.client()
    for _ in range(2):
        outcome = client.outcome("Start", "web")
        assert (outcome["result"], outcome["state"], outcome["pid"]) == ("done", "running", pid)
    for _ in range(2):
        outcome = client.outcome("Stop", "web")
        assert (outcome["result"], outcome["state"]) == ("done", "stopped")
        assert outcome.get("pid") is None
    assert not processes.exists(pid)
    assert read_pid(daemon.pidfile("web")) is None
    started = client.outcome("Start", "web")
    assert started["pid"] == daemon.pid("web") != pid


def test_a_start_is_done_when_a_oneshot_has_done_its_work(verger):
    daemon = verger.start(
        f"""
[defaults]
type = oneshot
autostart = no
restart = never
[program:good]
command = puppet sleep-ms 100 touch {verger.path("done")}
[program:bad]
command = puppet exit 3
"""
    )
    client = daemon.client()
    good = client.outcome("Start", "good")
    assert (good["result"], good["state"]) == ("done", "exited")
    assert verger.path("done").exists()
    bad = client.outcome("Start", "bad")
    assert (bad["result"], bad["state"]) == ("failed", "failed")
    assert "3" in bad["reason"]


def test_more_tells_each_step_on_the_way(verger):
    daemon, client = start_deaf(verger, "300ms")
    told = [o for reply in client.stream("Restart", names=["web"]) for o in reply["programs"]]
    assert told[-1]["result"] == "done"
    assert {outcome["result"] for outcome in told[:-1]} == {"pending"}
    seen = [outcome["state"] for outcome in told]
    assert seen[-1] == "running" and "stopping" in seen, seen


# while something is in progress


def test_a_start_during_a_stop_comes_after_it(verger):
    daemon, client = start_deaf(verger, "300s")
    pid = daemon.pid("web")
    other = daemon.client()
    client.send("Stop", {"names": ["web"]})
    other.await_state("web", "stopping")
    other.send("Start", {"names": ["web"]})
    daemon.client().state("web")  # by now it has been heard
    os.kill(pid, signal.SIGUSR1)
    (outcome,) = other.receive()[0]["programs"]
    assert (outcome["result"], outcome["state"]) == ("done", "running")
    assert outcome["pid"] != pid and not processes.exists(pid)
    # who asked for the stop is told something definite as well
    (stopped,) = client.receive()[0]["programs"]
    assert stopped["result"] in ("done", "failed")
    assert stopped.get("reason") or stopped["result"] == "done"
    client.call("Shutdown", now=True)
    assert daemon.wait() == 0


def test_a_stop_during_a_back_off_takes_effect_at_once(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit 1\nrestart_delay = 1h\nrestart_delay_max = 1h\n"
    )
    client = daemon.client()
    program = client.await_state("web", "backoff")
    assert 3000_000 < program["next_start_ms"] <= 3960_000
    assert program["reason"]
    assert client.outcome("Stop", "web")["state"] == "stopped"


def test_a_start_during_a_back_off_does_not_wait_for_its_end(verger):
    flag = verger.path("flag")
    daemon = verger.start(
        f"[program:web]\ncommand = sh -c 'test -e {flag} || exit 1; exec puppet pause'\n"
        "restart_delay = 1h\nrestart_delay_max = 1h\n"
    )
    client = daemon.client()
    client.await_state("web", "backoff")
    flag.touch()
    outcome = client.outcome("Start", "web")
    assert (outcome["result"], outcome["state"]) == ("done", "running")


def test_a_start_that_fails_says_why_though_it_is_tried_again(verger):
    daemon = verger.start(
        "[program:web]\nautostart = no\ncommand = /nowhere/server\nrestart_delay = 1h\n"
        "restart_delay_max = 1h\n"
    )
    outcome = daemon.client().outcome("Start", "web")
    assert (outcome["result"], outcome["state"]) == ("failed", "backoff")
    assert "/nowhere/server" in outcome["reason"]


def test_two_restarts_at_once_are_both_answered(verger):
    daemon, client = start_deaf(verger, "200ms")
    pid = daemon.pid("web")
    other = daemon.client()
    for each in (client, other):
        each.send("Restart", {"names": ["web"]})
    for each in (client, other):
        (outcome,) = each.receive()[0]["programs"]
        assert (outcome["result"], outcome["state"]) == ("done", "running")
        assert outcome["pid"] != pid
    assert daemon.pid("web") == client.status("web")["pid"]


def test_a_stop_and_a_start_in_one_breath(verger):
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    client = daemon.client()
    client.send("Stop", {"names": ["web"]})
    client.send("Start", {"names": ["web"]})
    assert client.receive()[0]["programs"][0]["state"] == "stopped"
    (outcome,) = client.receive()[0]["programs"]
    assert outcome["state"] == "running" and outcome["pid"] != pid


def test_a_restart_of_what_is_stopped_starts_it(verger):
    client = verger.start(WEB + "autostart = no\n").client()
    assert client.outcome("Restart", "web")["state"] == "running"


def test_a_start_of_what_requires_a_stopped_one_says_whom_it_waits_for(verger):
    daemon = verger.start(
        WEB + "autostart = no\nrequires = db:started\n"
        "[program:db]\nautostart = no\ncommand = puppet pause\n"
    )
    client = daemon.client()
    outcome = client.outcome("Start", "web")
    assert (outcome["result"], outcome["state"]) == ("failed", "waiting")
    assert "db" in outcome["reason"]
    waiting = client.status("web")
    assert waiting["waits_for"] == "db" and "db" in waiting["reason"]
    assert client.outcome("Start", "db")["result"] == "done"
    assert client.outcome("Wait", "web", state="running")["result"] == "done"


# a oneshot at work, and somebody who comes after it and notes that it was started
ONE_AFTER_THE_OTHER = """\
[program:migrate]
type = oneshot
command = puppet pause

[program:web]
command = puppet text-to started "at work" pause
after = migrate
"""


@pytest.mark.parametrize("method", ["Stop", "Restart"])
def test_s5_programs_asked_together_do_not_set_each_other_off(verger, method):
    daemon = verger.start(ONE_AFTER_THE_OTHER)
    daemon.pid("migrate")
    client = daemon.client()
    client.call(method, all=True, wait=method == "Stop")
    state = "stopped" if method == "Stop" else "waiting"
    client.call("Wait", names=["web"], state=state, timeout_ms=30000)
    assert not verger.path("started").exists()


def test_a_start_is_missed_when_what_it_waits_for_fails_later(verger):
    daemon = verger.start(
        "[defaults]\nautostart = no\n"
        "[program:migrate]\ntype = oneshot\nrestart = never\n"
        "command = puppet sleep-ms 200 exit 3\n"
        "[program:web]\ncommand = puppet pause\nrequires = migrate:done\n"
    )
    reply = daemon.client().call("Start", names=["migrate", "web"], timeout_ms=60000)
    outcomes = {o["name"]: o for o in reply["programs"]}
    assert outcomes["migrate"]["result"] == "failed"
    assert outcomes["web"]["result"] == "failed"
    assert "migrate" in outcomes["web"]["reason"]


def test_a_stop_of_what_rests_leaves_its_dependents_alone(verger):
    daemon = verger.start(
        "[program:db]\ncommand = puppet exit 0\ntype = oneshot\n"
        "[program:web]\ncommand = puppet pause\nrequires = db:done\n"
    )
    pid = daemon.pid("web")
    reply = daemon.client().call("Stop", names=["db"])
    assert [(o["name"], o["result"]) for o in reply["programs"]] == [("db", "done")]
    assert daemon.pid("web") == pid


def test_what_never_ran_is_stopped_since_vergerd_is_there(verger):
    daemon = verger.start(WEB + "autostart = no\n")
    reply = daemon.client().call("Status")
    assert reply["programs"][0]["since"] >= reply["daemon"]["since"][:19]


def test_s5_a_stop_takes_what_requires_it_along(verger):
    daemon = verger.start(WEB + "requires = db:started\n[program:db]\ncommand = puppet pause\n")
    client = daemon.client()
    client.await_state("web", "running")
    told = client.call("Stop", names=["db"])["programs"]
    assert {(o["name"], o["result"], o["state"]) for o in told} == {
        ("web", "done", "stopped"),
        ("db", "done", "stopped"),
    }
    assert client.states() == {"web": "stopped", "db": "stopped"}


def test_two_clients_wait_for_the_same_program(verger):
    daemon = verger.start(WEB + "autostart = no\n")
    waiting = [daemon.client() for _ in range(3)]
    for client in waiting:
        client.send("Wait", {"names": ["web"], "state": "running"})
    other = daemon.client()
    other.state("web")  # by now they all have been heard
    assert not any(client.has_reply() for client in waiting)
    pid = other.outcome("Start", "web")["pid"]
    for client in waiting:
        (outcome,) = client.receive()[0]["programs"]
        assert (outcome["result"], outcome["pid"]) == ("done", pid)


def test_who_leaves_while_waiting_harms_nobody(verger):
    daemon, client = start_deaf(verger, "300ms")
    for _ in range(20):
        leaver = daemon.client()
        leaver.send("Stop", {"names": ["web"]})
        leaver.close()
    client.await_state("web", "stopping", "stopped")
    assert client.outcome("Wait", "web", state="stopped")["result"] == "done"


# S4: a wait ends with a sentence


def test_s4_a_stop_that_takes_too_long_names_who_is_still_there(verger):
    daemon, client = start_deaf(verger, "300s")
    pid = daemon.pid("web")
    outcome = client.outcome("Stop", "web", timeout_ms=100)
    assert (outcome["result"], outcome["state"]) == ("timed_out", "stopping")
    assert f"{pid} (puppet)" in outcome["reason"]
    assert processes.is_alive(pid)
    why = client.call("Why", name="web")
    assert any(str(pid) in line for line in why["processes"])
    assert str(pid) in client.status("web")["reason"]
    # the request holds all the same
    os.kill(pid, signal.SIGUSR1)
    assert client.outcome("Wait", "web", state="stopped")["result"] == "done"
    assert not processes.exists(pid)


def test_a_wait_for_what_does_not_come_runs_out_of_time(verger):
    client = verger.start(WEB).client()
    client.await_state("web", "running")
    outcome = client.outcome("Wait", "web", state="stopped", timeout_ms=50)
    assert (outcome["result"], outcome["state"]) == ("timed_out", "running")
    assert outcome["reason"]


def test_waits_run_out_in_their_own_order(verger):
    daemon = verger.start(WEB)
    daemon.server("web")
    clients = {ms: daemon.client() for ms in (900, 300, 600)}
    # asked while it sleeps, so that it hears of all of them at once
    with daemon.frozen():
        for ms, client in clients.items():
            client.send("Wait", {"names": ["web"], "state": "failed", "timeout_ms": ms})

    def all_answered():
        # the longest first: when its time is over, that of the others is
        answered = [clients[ms].has_reply() for ms in (900, 600, 300)]
        assert answered == sorted(answered), answered
        return all(answered)

    eventually(all_answered, "the waits to run out")


def test_no_wait_is_answered_at_once(verger):
    daemon, client = start_deaf(verger, "300s")
    outcome = client.outcome("Stop", "web", wait=False)
    assert outcome["state"] == "stopping"
    assert processes.is_alive(daemon.pid("web"))
    client.call("Shutdown", now=True)
    assert daemon.wait() == 0


# R3: giving up and its cure


def test_r3_giving_up_keeps_the_last_exits_and_words_and_a_start_clears_the_count(verger):
    flag, tally, log = verger.path("flag"), verger.path("tally"), verger.path("web.log")
    daemon = verger.start(
        f"[program:web]\nrestart_delay = 0\nstart_limit = 12/60s\nstderr = {log}\n"
        f"command = sh -c 'test -e {flag} && exec puppet pause; echo x >> {tally}; "
        "echo cannot bind port 80 >&2; exit 3'\n"
    )
    client = daemon.client()
    failed = client.await_state("web", "failed")
    assert len(lines(tally)) == 12
    assert "12" in failed["reason"] and "status 3" in failed["reason"]
    eventually(lambda: client.call("Why", name="web")["output"], "the last words")
    why = client.call("Why", name="web")
    assert len(why["ends"]) >= 10
    assert all(end["code"] == 3 and end["failed_start"] for end in why["ends"])
    assert why["ends"] == sorted(why["ends"], key=lambda end: end["at"], reverse=True)
    assert why["output"][-1] == "cannot bind port 80"
    assert why["output_from"] == str(log)
    assert why["advice"]
    # the count begins anew
    client.call("Start", names=["web"])
    eventually(lambda: len(lines(tally)) == 24, lambda: f"{len(lines(tally))} starts")
    client.await_state("web", "failed")
    assert len(lines(tally)) == 24
    flag.touch()
    assert client.outcome("Start", "web")["state"] == "running"
    assert client.status("web")["restarts"] == 24


@pytest.mark.parametrize(
    "command, end, meaning, reason",
    [
        ("puppet exit 7", {"code": 7}, None, "status 7"),
        ("sh -c nosuchcommand", {"code": 127}, "did not find a command", "status 127"),
        ("puppet die KILL", {"signal": "SIGKILL"}, "memory", "SIGKILL"),
        ("puppet die SEGV", {"signal": "SIGSEGV"}, "crashed", "SIGSEGV"),
        ("/nowhere/server", {}, None, "/nowhere/server"),
    ],
)
def test_r3_why_tells_what_an_end_means(verger, command, end, meaning, reason):
    daemon = verger.start(f"[program:web]\ncommand = {command}\nrestart = never\n")
    client = daemon.client()
    client.await_state("web", "failed")
    why = client.call("Why", name="web")
    last = why["ends"][0]
    assert {key: last[key] for key in ("code", "signal") if last.get(key) is not None} == end
    assert (last.get("error") is not None) == (not end)
    assert meaning is None or meaning in last["meaning"], last
    assert reason in why["program"]["reason"], why["program"]
    assert why["advice"]


def test_r3_why_of_what_waits_for_a_failed_one(verger):
    daemon = verger.start(
        WEB + "requires = db:done\n[program:db]\ncommand = puppet exit 1\nrestart = never\n"
        "type = oneshot\n"
    )
    client = daemon.client()
    client.await_state("db", "failed")
    why = client.call("Why", name="web")
    assert why["program"]["state"] == "waiting"
    assert why["program"]["waits_for"] == "db"
    assert any("db" in advice for advice in why["advice"])
    assert why["ends"] == []


# P8: PIDs and signals without a race


def test_p8_pid_of_one_that_has_just_died_is_never_told(verger):
    daemon = verger.start(WEB + "restart = never\n")
    pid = daemon.server("web")
    client = daemon.client()
    assert client.call("Pid", name="web")["pid"] == pid
    # the question is there before vergerd hears of the death
    with daemon.frozen():
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: processes.stat(pid).state == "Z", "the death")
        client.send("Pid", {"name": "web"})
    with pytest.raises(Refused, match="NotRunning") as caught:
        client.receive()
    assert caught.value.parameters["name"] == "web"


@pytest.mark.parametrize("state, keys", [("stopped", "autostart = no"), ("backoff", "")])
def test_p8_pid_of_what_does_not_run(verger, state, keys):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit 1\nrestart_delay = 1h\nrestart_delay_max = 1h\n"
        f"{keys}\n"
    )
    client = daemon.client()
    client.await_state("web", state)
    error = refused(client, "Pid", name="web")
    assert error.name == "NotRunning"
    assert error.parameters == {"name": "web", "state": state}
    outcome = client.outcome("Signal", "web", signal="TERM")
    assert (outcome["result"], outcome["state"]) == ("failed", state)
    assert outcome["reason"]


@pytest.mark.parametrize(
    "to, hearers",
    [
        (None, {"main"}),
        ("main", {"main"}),
        ("group", {"main", "group"}),
        ("tree", {"main", "group", "session"}),
    ],
)
def test_p8_a_signal_reaches_exactly_those_it_is_sent_to(verger, to, hearers):
    def noting(name):
        notes = verger.path(f"{name}.notes")
        return f"notes {notes} note all exit-on TERM 0 touch {notes}.up"

    daemon = verger.start(
        "[program:web]\n"
        f"command = puppet fork {noting('group')} pause end "
        f"fork setsid {noting('session')} pause end {noting('main')} pause\n"
    )
    names = ("main", "group", "session")
    for name in names:
        eventually(verger.path(f"{name}.notes.up").exists, f"{name} to listen")
    parameters = {"names": ["web"], "signal": "SIGUSR1"} | ({"to": to} if to else {})
    (outcome,) = daemon.client().call("Signal", **parameters)["programs"]
    assert outcome["result"] == "done"
    expected = {name: ["USR1"] if name in hearers else [] for name in names}

    def heard():
        return {name: lines(verger.path(f"{name}.notes")) for name in names}

    eventually(lambda: heard() == expected, heard)
    always(lambda: heard() == expected, "a signal too many", 0.1)


# the stream of events


def test_events_are_complete_and_in_order(verger):
    daemon = verger.start(
        WEB + "restart_delay = 0\nmin_uptime = 0\n[program:db]\ncommand = puppet pause\n"
    )
    client = daemon.client()
    for name in ("web", "db"):
        client.await_state(name, "running")
    stream = daemon.client().stream("Monitor")
    assert next(stream)["events"] == [], "the first reply tells that it has begun"
    only_db = daemon.client().stream("Monitor", names=["db"])
    next(only_db)
    # the story
    client.outcome("Stop", "web")
    pid = client.outcome("Start", "web")["pid"]
    os.kill(pid, signal.SIGKILL)
    daemon.server("web", other_than=pid)
    client.await_state("web", "running")
    client.outcome("Stop", "db")
    # what was told of it
    events = []
    while not (events and events[-1]["program"] == "db" and events[-1]["to"] == "stopped"):
        events += next(stream)["events"]
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)
    web = [e for e in events if e["program"] == "web"]
    for before, after in zip(web, web[1:]):
        assert after["from"] == before["to"], "an event is missing"
        assert after["from"] != after["to"]
    tos = [web[0]["from"]] + [e["to"] for e in web]
    for chapter in (
        "running stopping stopped",
        "stopped waiting starting running",
        "running stopping waiting starting running",
    ):
        assert chapter in " ".join(tos)
    (death,) = [e for e in web if e.get("signal") == "SIGKILL"]
    assert death["from"] in ("running", "stopping")
    # and a stream of some programs has nothing of others
    db = []
    while not (db and db[-1]["to"] == "stopped"):
        db += next(only_db)["events"]
    assert db == [e for e in events if e["program"] == "db"]


# several calls at once


def test_oneway_calls_are_done_and_not_answered(verger):
    daemon = verger.start(WEB)
    daemon.server("web")
    client = daemon.client()
    client.send("Stop", {"names": ["web"]}, oneway=True)
    client.send("NoSuchMethod", oneway=True)
    client.send("Wait", {"names": ["web"], "state": "stopped"})
    (outcome,) = client.receive()[0]["programs"]
    assert outcome["result"] == "done"
    assert not client.has_reply(0.05)


def test_pipelined_calls_are_answered_in_order(verger):
    daemon = verger.start("".join(f"[program:p{n}]\ncommand = puppet pause\n" for n in range(10)))
    client = daemon.client()
    asked = [f"p{n % 10}" for n in range(500)]
    client.socket.sendall(b"".join(encode("Status", {"names": [name]}) for name in asked))
    client._awaited += ["Status"] * len(asked)
    answered = [client.receive()[0]["programs"][0]["name"] for _ in asked]
    assert answered == asked


def test_a_call_may_come_in_single_bytes(verger):
    client = verger.start(WEB).client()
    for byte in encode("Status"):
        client.socket.sendall(bytes([byte]))
    client._awaited.append("Status")
    assert client.receive()[0]["programs"][0]["name"] == "web"


def test_a_client_that_has_said_all_gets_its_answers(verger):
    daemon, client = start_deaf(verger, "300ms")
    client.send("Status")
    client.send("Status")
    client.socket.shutdown(1)
    assert client.receive() and client.receive()
    assert client.is_closed()


# what is not UTF-8


def test_b3_bytes_that_are_no_text_break_no_reply(verger):
    log = verger.path("web.log")
    verger.write(
        "verger.ini",
        b"[verger]\nrun_dir = %b\n[program:web]\ncommand = sh -c 'echo \xff\xfe\x80; exit 1'\n"
        b"environment = NAME=\xc3\x28\nrestart = never\nstdout = %b\n"
        % (bytes(verger.run_dir), bytes(log)),
    )
    daemon = verger.launch("-c", verger.path("verger.ini"))
    client = daemon.client()
    client.await_state("web", "failed")
    config = client.call("Config")
    for key in ("command", "environment"):
        (value,) = [v for v in config["values"] if v["key"] == key and "web" in v["section"]]
        assert "\N{REPLACEMENT CHARACTER}" in value["value"]
        assert value["lossy"] is True
    (said,) = [r for r in client.stream("Logs", names=["web"]) if r["lines"]]
    assert said["lines"] == ["\N{REPLACEMENT CHARACTER}" * 3]
    assert said["lossy"] is True
    eventually(lambda: client.call("Why", name="web")["output"], "the last words")
    why = client.call("Why", name="web")
    assert why["output"] == ["\N{REPLACEMENT CHARACTER}" * 3] and why["lossy"] is True


@pytest.mark.parametrize("name", ["\N{SNOWMAN}", "a" * 5000, 'quote"\\', "new\nline", "\x1b[2J"])
def test_b3_names_from_clients_come_back_as_they_are(verger, name):
    error = refused(verger.start(WEB).client(), "Pid", name=name)
    assert error.name == "NoSuchProgram" and error.parameters["name"] == name


# configuration, findings, logs


def test_config_tells_each_value_and_where_it_stands(verger):
    extra = verger.write("extra.ini", "[program:db]\ncommand = puppet pause\nnice = 5\n")
    keys = "stop_timeout = 3s\nreload_signal = HUP\non_state_change = true\nrestart_delay = {}\n"
    daemon = verger.start(WEB + keys.format("3s"), verger=f"include = {extra}")
    client = daemon.client()
    config = client.call("Config")
    assert config["file"] == str(verger.path("verger.ini"))
    values = {(v["section"], v["key"]): v for v in config["values"]}
    text = verger.path("verger.ini").read_text().splitlines()
    for key, value, line in (
        ("restart_delay", "3s", "restart_delay = 3s"),
        ("stop_signal", "TERM/3s", "stop_timeout = 3s"),  # the two are one value
        ("reload_signal", "HUP", "reload_signal = HUP"),
        ("on_state_change", "true", "on_state_change = true"),
    ):
        told = values["program:web", key]
        assert told["value"] == value
        assert told["file"] == str(verger.path("verger.ini"))
        assert text[told["line"] - 1] == line
    assert values["program:db", "nice"]["file"] == str(extra)
    default = values["program:web", "restart"]
    assert default["value"] == "always" and not default.get("file")
    assert all(v.get("differs") is None for v in config["values"])
    only = client.call("Config", names=["db"])["values"]
    assert {v["section"] for v in only} == {"program:db"}
    # edited, and not yet reloaded
    verger.config(WEB + keys.format("4s"), verger=f"include = {extra}")
    changed = [v for v in client.call("Config")["values"] if v.get("differs") is not None]
    assert [(v["key"], v["value"], v["differs"]) for v in changed] == [
        ("restart_delay", "3s", "4s")
    ]
    # and broken
    verger.config(WEB + "restart_dely = 4s\n")
    config = client.call("Config")
    assert ["restart_dely" in fault["text"] for fault in config["faults"]] == [True]
    assert ("program:web", "restart_delay", "3s") in [
        (v["section"], v["key"], v.get("value")) for v in config["values"]
    ]


def test_doctor_finds_what_is_wrong(verger):
    daemon = verger.start(WEB + "[program:bad]\ncommand = puppet exit 1\nrestart = never\n")
    client = daemon.client()
    client.await_state("bad", "failed")
    found = client.call("Doctor")["findings"]
    (bad,) = [f for f in found if f["level"] == "bad"]
    assert bad["subject"] == "bad" and bad["advice"]
    assert any(f["level"] == "good" for f in found)
    verger.config("[program:web]\n")
    (configuration,) = [
        f for f in client.call("Doctor")["findings"] if f["subject"] == "configuration"
    ]
    assert configuration["level"] == "bad"


def test_reopen_logs(verger):
    log = verger.path("own.log")
    client = verger.start(WEB, verger=f"log = {log}").client()
    client.await_state("web", "running")
    log.rename(verger.path("own.log.1"))
    client.call("ReopenLogs")
    eventually(lambda: not client.call("ReopenLogs", only_ask=True)["pending"], "the new file")
    assert log.exists()
    client.outcome("Stop", "web")
    await_text(log, "web: stopped")


def test_the_log_tells_who_asked_for_what(verger):
    daemon = verger.start(WEB)
    daemon.client().outcome("Stop", "web")
    daemon.await_log(rf"(?i)stop.*web.*PID {os.getpid()}\b")


# the end


def test_shutdown_by_control(verger):
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    client = daemon.client()
    assert client.call("Shutdown") == {}
    assert daemon.wait() == 0
    assert not processes.exists(pid)
    assert not daemon.socket.exists()


def test_status_is_told_and_starts_are_refused_during_a_shutdown(verger):
    daemon, client = start_deaf(verger, "300s", more="[program:db]\ncommand = puppet pause\n")
    waiting = daemon.client()
    waiting.send("Wait", {"names": ["web"], "state": "failed"})
    stream = daemon.client().stream("Monitor")
    next(stream)
    client.call("Shutdown")
    client.await_state("db", "stopped")
    told = client.call("Status")
    assert told["daemon"]["shutting_down"] is True
    assert client.state("web") == "stopping"
    assert daemon.client().state("web") == "stopping", "new clients are heard as well"
    for method in ("Start", "Restart", "Reload"):
        parameters = {} if method == "Reload" else {"names": ["db"]}
        assert refused(client, method, **parameters).name == "ShuttingDown"
    assert client.outcome("Stop", "db")["state"] == "stopped"
    client.call("Shutdown", now=True)
    assert daemon.wait() == 0
    # who waits or listens is told that it is over
    (outcome,) = waiting.receive()[0]["programs"]
    assert outcome["result"] == "failed" and outcome["reason"]
    events = [event for reply in stream for event in reply["events"]]
    assert ("web", "stopping", "stopped") in [(e["program"], e["from"], e["to"]) for e in events]


def test_no_control_socket_when_none_is_wanted(verger):
    daemon = verger.start(WEB, verger="control_socket =")
    daemon.server("web")
    assert not daemon.socket.exists()


# S7: a thousand programs


def answer_time(client):
    asked = time.monotonic()
    told = client.call("Status")
    return time.monotonic() - asked, [p["state"] for p in told["programs"]]


def longest_pause(verger, count):
    """Starts and stops that many programs; returns the longest time that an answer took meanwhile,
    and the usual time when nothing else happens."""
    daemon = verger.start(
        f"[program:many]\ninstances = {count}\ncommand = puppet pause\nstdout = null\n"
        "stderr = null\n",
        verger=f"log = {verger.path('verger.log')}",
    )
    client, busy = daemon.client(), []

    def all_are(state):
        seconds, states = answer_time(client)
        busy.append(seconds)
        return states.count(state) == count

    eventually(lambda: all_are("running"), "all of them to run", seconds=60)
    idle = [answer_time(client)[0] for _ in range(30)]
    stopper = daemon.client()
    stopper.send("Stop", {"all": True})
    eventually(lambda: all_are("stopped"), "all of them to stop", seconds=60)
    stopped = stopper.receive()[0]["programs"]
    assert {o["result"] for o in stopped} == {"done"} and len(stopped) == count
    assert daemon.stop() == 0
    return max(busy), statistics.median(idle)


def test_s7_a_thousand_programs_start_and_stop_without_a_pause_in_answers(verger):
    # an answer is never far from what it takes when nothing else happens
    in_one_of(
        3,
        lambda: longest_pause(verger, 1000),
        lambda took: took[0] < 100 * took[1] * processes.PATIENCE,
    )


# B4: who may do what

OPERATORS, VIEWERS, STRANGER = 54321, 54322, 54323
MAY_LOOK = {"Status", "Wait", "Pid", "Why", "Logs", "Monitor"}
MAY_OPERATE = {"Start", "Stop", "Restart", "Signal", "ReloadProgram", "Doctor", "ReopenLogs"}
MAY_ADMINISTER = {"Config", "Reload", "Shutdown"}


def ask_as(verger, daemon, method, parameters, uid, groups, gid=STRANGER):
    """What the plain client of docs/how-to prints and says when somebody else runs it."""
    more = ["more"] if method in MANY_REPLIES else []
    client = verger.binaries / "varlink-client.py"
    name = method if "." in method else f"{varlink.INTERFACE}.{method}"
    # streams do not end by themselves: the first reply is enough
    with subprocess.Popen(
        ["/usr/bin/python3", client, daemon.socket, name, varlink.json.dumps(parameters), *more],
        user=uid,
        group=gid,
        extra_groups=groups,
        cwd="/",
        env={"PATH": harness.SYSTEM_PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stdout.readline()
        process.terminate()
        return first, process.stderr.read()


@pytest.mark.needs_root
@pytest.mark.parametrize(
    "role, groups, may",
    [
        ("view", [VIEWERS], MAY_LOOK),
        ("operate", [OPERATORS], MAY_LOOK | MAY_OPERATE),
        ("both", [VIEWERS, OPERATORS], MAY_LOOK | MAY_OPERATE),
        ("stranger", [], set()),
    ],
)
def test_b4_roles_go_by_the_groups_of_the_peer(verger, role, groups, may):
    assert MAY_LOOK | MAY_OPERATE | MAY_ADMINISTER == CALLS.keys()
    daemon = verger.start(
        LISTENER.format(log=verger.path("web.log")),
        verger=f"control_group = {OPERATORS}\nview_group = {VIEWERS}\n",
    )
    daemon.server("web")
    assert daemon.socket.stat().st_mode & 0o777 == 0o666
    for method, parameters in CALLS.items():
        told, error = ask_as(verger, daemon, method, parameters, harness.NOBODY_UID, groups)
        if method in may:
            assert told and "Permission" not in error, (method, told, error)
        else:
            assert "PermissionDenied" in error, (method, told, error)
    daemon.check_alive()


@pytest.mark.needs_root
def test_b4_the_primary_group_counts_as_well(verger):
    daemon = verger.start(WEB, verger=f"view_group = {VIEWERS}\n")
    daemon.server("web")
    told, error = ask_as(verger, daemon, "Status", {}, harness.NOBODY_UID, [], gid=VIEWERS)
    assert '"web"' in told, error
    told, error = ask_as(verger, daemon, "Stop", {"all": True}, harness.NOBODY_UID, [], gid=VIEWERS)
    assert "PermissionDenied" in error


@pytest.mark.needs_root
def test_b4_without_groups_the_socket_is_for_its_owner(verger):
    verger.own(harness.NAMELESS_UID)
    own = {"user": harness.NAMELESS_UID, "group": harness.NAMELESS_UID, "extra_groups": []}
    daemon = verger.start(WEB, **own)
    daemon.server("web")
    assert daemon.socket.stat().st_mode & 0o777 == 0o600
    told, error = ask_as(verger, daemon, "Status", {}, harness.NOBODY_UID, [])
    assert not told and "Permission" in error
    # its own user and root may do everything
    told, error = ask_as(verger, daemon, "Config", {}, harness.NAMELESS_UID, [])
    assert "restart_delay" in told, error
    assert daemon.client().call("Config")["values"]


@pytest.mark.needs_root
def test_b4_a_reload_changes_who_may(verger):
    daemon = verger.start(WEB)
    daemon.server("web")
    assert daemon.socket.stat().st_mode & 0o777 == 0o600
    verger.config(WEB, verger=f"view_group = {VIEWERS}\n")
    daemon.client().call("Reload")
    assert daemon.socket.stat().st_mode & 0o777 == 0o666
    told, error = ask_as(verger, daemon, "Status", {}, harness.NOBODY_UID, [VIEWERS])
    assert '"web"' in told, error


# the plain client of the documentation


def test_the_plain_client_calls_and_streams(verger):
    daemon = verger.start(WEB)
    daemon.server("web")
    client = [str(verger.binaries / "varlink-client.py"), str(daemon.socket)]

    def run(*args):
        return subprocess.run(
            [*client, *args],
            capture_output=True,
            text=True,
            timeout=processes.DEADLINE,
            check=False,
        )

    result = run(f"{varlink.INTERFACE}.Status")
    assert result.returncode == 0
    assert varlink.json.loads(result.stdout)["programs"][0]["name"] == "web"
    result = run(f"{varlink.INTERFACE}.Restart", '{"names": ["web"]}', "more")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) > 1
    result = run(f"{varlink.INTERFACE}.Pid", '{"name": "nobody"}')
    assert result.returncode == 1
    assert "NoSuchProgram" in result.stderr
    source = (harness.SOURCE / "docs/how-to/varlink-client.py").read_text()
    assert len(source.splitlines()) <= 35, "it is to stay short enough to be read"


def test_r3_the_last_words_are_those_of_the_dead(verger):
    """The next life begins at once, and writes to the same file."""
    daemon = verger.start(
        "[program:web]\nstdout = web.log\nmin_uptime = 0\nrestart_delay = 0\n"
        "command = sh -c 'echo life $$$$; exec puppet exit-on USR1 3 pause'\n"
    )
    first = daemon.server("web")
    eventually(lambda: processes.listens(first, signal.SIGUSR1), "it to listen")
    os.kill(first, signal.SIGUSR1)
    second = daemon.server("web", other_than=first)
    client = daemon.client()
    eventually(lambda: client.call("Why", name="web")["output"], "what it said")
    output = client.call("Why", name="web")["output"]
    assert f"life {first}" in output and f"life {second}" not in output
