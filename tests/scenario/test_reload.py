# SPDX-License-Identifier: MIT
"""Reload: a file that was edited is applied program by program and key by key; whatever it does not
concern goes on, and a file with a fault changes nothing (B1)."""

import json
import os
import random
import re
import signal
import threading

import processes
import pytest
from processes import always, eventually
from varlink import Refused
from verger import await_text, read_pid

DEFAULTS = "[defaults]\nrestart_delay = 10ms\nmin_uptime = 0\nstdout = null\nstderr = null\n"


def program(name, keys="", command="puppet pause"):
    return f"[program:{name}]\ncommand = {command}\n{keys}\n"


def await_running(client, *names):
    """The PIDs of these programs once they all run."""
    return {name: client.await_state(name, "running")["pid"] for name in names}


def pids(client):
    return {p["name"]: p.get("pid") for p in client.call("Status")["programs"]}


def actions(reply):
    return {change.get("program"): change["action"] for change in reply["changes"]}


def keys_of(reply, name):
    (change,) = [c for c in reply["changes"] if c.get("program") == name]
    return {k["key"]: (k.get("old"), k.get("new")) for k in change["keys"]}


def exec_of(pid):
    """The words of a process, once it has become its program."""
    eventually(lambda: processes.words(pid), "its words")
    return processes.words(pid)


class World:
    """A vergerd whose file is edited."""

    def __init__(self, verger):
        self.verger = verger
        self.daemon = self.client = None

    def start(self, programs, verger=""):
        self.daemon = self.verger.start(DEFAULTS + programs, verger)
        self.client = self.daemon.client()
        return self.client

    def edit(self, programs, verger=""):
        self.verger.config(DEFAULTS + programs, verger)

    def reload(self, programs, verger="", **parameters):
        """Edits and reloads; returns the reply."""
        self.edit(programs, verger)
        return self.client.call("Reload", **parameters)

    def hang_up(self, programs, verger=""):
        """Edits and sends HUP; returns when it has been worked off."""
        self.edit(programs, verger)
        before = self._hang_ups()
        self.daemon.send(signal.SIGHUP)
        eventually(lambda: self._hang_ups() != before, "the reload that HUP asks for")

    def _hang_ups(self):
        """Reloads so far, and refusals; not each is told in the log when there are many."""
        reloads = self.client.call("Status")["daemon"]["reloads"]
        return reloads, self.daemon.log().count("nothing is changed")


@pytest.fixture
def world(verger):
    return World(verger)


# B1: a fault changes nothing


FAULTY = """
[program:web]
command = puppet say other pause
stop_timeot = 3s

[program:db]
command = puppet pause
restart = sometimes
"""


@pytest.mark.parametrize("how", ["verb", "hup"])
def test_b1_a_file_with_faults_changes_nothing_and_says_where(world, how):
    client = world.start(program("web") + program("db"))
    before = await_running(client, "web", "db")
    if how == "hup":
        world.hang_up(FAULTY)
        log = world.daemon.await_log(r"verger\.ini:\d+: .*stop_timeot").string
        told = re.findall(r"verger\.ini:(\d+): .*(stop_timeot|restart)", log)
    else:
        with pytest.raises(Refused, match="Faults") as caught:
            world.reload(FAULTY)
        faults = caught.value.parameters["faults"]
        told = [(f["line"], f["text"]) for f in faults if f["level"] == "error"]
        assert {f["file"] for f in faults} == {str(world.verger.path("verger.ini"))}
    text = world.verger.path("verger.ini").read_text().splitlines()
    assert len(told) == 2
    assert [text[int(line) - 1] for line, _ in told] == ["stop_timeot = 3s", "restart = sometimes"]
    assert pids(client) == before
    assert client.call("Status")["daemon"]["reloads"] == 0
    # and the file put right is applied
    assert actions(world.reload(program("web", "nice = 1") + program("db"))) == {"web": "restart"}


def test_b1_a_file_that_is_gone_changes_nothing(world):
    client = world.start(program("web"))
    before = await_running(client, "web")
    world.verger.path("verger.ini").unlink()
    with pytest.raises(Refused, match="Faults|Failed|NoConfiguration") as caught:
        client.call("Reload")
    assert "verger.ini" in str(caught.value)
    assert pids(client) == before


# what does not take a restart


def test_a_live_key_keeps_the_process_and_holds_at_its_next_use(world):
    deaf = "puppet ignore TERM pause"
    client = world.start(program("web", "stop_timeout = 300s", deaf))
    (pid,) = await_running(client, "web").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    reply = world.reload(program("web", "stop_timeout = 100ms", deaf))
    assert actions(reply) == {"web": "change"}
    assert reply["applied"] is True and reply["untouched"] == 0
    # stop_timeout is the grace of the last step of stop_signal: the two are one value
    assert keys_of(reply, "web") == {"stop_signal": ("TERM/5m", "TERM/100ms")}
    assert pids(client) == {"web": pid}
    assert client.outcome("Stop", "web")["result"] == "done"


def test_a_live_policy_holds_at_the_next_end(world):
    client = world.start(program("web", "restart = never"))
    (pid,) = await_running(client, "web").values()
    world.reload(program("web", "restart = always"))
    assert pids(client) == {"web": pid}
    os.kill(pid, signal.SIGKILL)
    second = world.daemon.server("web", other_than=pid)
    world.hang_up(program("web", "restart = never"))
    os.kill(second, signal.SIGKILL)
    client.await_state("web", "failed")


def test_g1_forward_signals_change_live(world):
    notes = world.verger.path("notes")
    noting = f"puppet notes {notes} note all exit-on TERM 0 touch {notes}.up pause"
    client = world.start(program("web", command=noting))
    before = await_running(client, "web")
    eventually(world.verger.path("notes.up").exists, "the program to listen")
    assert actions(world.reload(program("web", "forward_signals = USR1", noting))) == {
        "web": "change"
    }
    world.daemon.send(signal.SIGUSR1)
    eventually(lambda: notes.read_text() == "USR1\n", "the signal")
    # HUP belongs to the program now: reload goes on by control
    world.reload(program("web", "forward_signals = HUP:USR2", noting))
    world.daemon.send(signal.SIGHUP)
    eventually(lambda: notes.read_text() == "USR1\nUSR2\n", "the signal")
    world.reload(program("web", command=noting))
    assert pids(client) == before


def test_the_log_moves_and_changes_its_level_live(world):
    first, second = world.verger.path("first.log"), world.verger.path("second.log")
    client = world.start(program("web"), verger=f"log = {first}\n")
    before = await_running(client, "web")
    reply = world.reload(program("web"), verger=f"log = {second}\n")
    assert [c["action"] for c in reply["changes"]] == ["daemon"]
    assert {k["key"] for k in reply["changes"][0]["keys"]} == {"log"}
    assert pids(client) == before
    client.outcome("Restart", "web")
    await_text(second, "web: running, PID")
    assert "web: stopping" in second.read_text()
    assert "web: stopping" not in first.read_text()
    # a log that cannot be opened leaves it where it was
    world.reload(program("web"), verger=f"log = {world.verger.path('nowhere')}/x.log\n")
    await_text(second, "nowhere/x.log: .*; the log stays where it was")
    world.reload(program("web"), verger=f"log = {second}\n")
    text = world.verger.path("verger.ini").read_text()
    world.verger.write("verger.ini", text.replace("log_level = debug", "log_level = error"))
    world.client.call("Reload")
    told = second.read_text().count("stopping")
    client.outcome("Restart", "web")
    world.daemon.stop()
    assert second.read_text().count("stopping") == told, "info is told at the level of error"


def test_the_log_becomes_json_live(world):
    log = world.verger.path("own.log")
    client = world.start(program("web"), verger=f"log = {log}\n")
    await_running(client, "web")
    world.reload(program("web"), verger=f"log = {log}\nlog_format = json\n")
    client.outcome("Restart", "web")
    world.daemon.stop()
    lines = log.read_text().splitlines()
    objects = [json.loads(line) for line in lines if line.startswith("{")]
    assert not lines[0].startswith("{") and len(objects) < len(lines)
    assert all(o.keys() >= {"time", "level", "message"} for o in objects)
    (running,) = [o for o in objects if o["message"].startswith("running, PID")]
    assert running["program"] == "web" and running["level"] == "info"
    assert objects[-1]["message"] == "ended with status 0" and "program" not in objects[-1]


# what does


@pytest.mark.parametrize("how", ["verb", "hup"])
@pytest.mark.parametrize(
    "keys, command",
    [
        ("", "puppet say hello pause"),
        ("environment = A=1", "puppet pause"),
        ("nice = 1", "puppet pause"),
    ],
    ids=["command", "environment", "nice"],
)
def test_what_needs_a_restart_restarts_exactly_that_program(world, how, keys, command):
    client = world.start(program("web") + program("db") + program("job", "autostart = no"))
    before = await_running(client, "web", "db")
    edited = program("web", keys, command) + program("db") + program("job", "autostart = no")
    if how == "hup":
        world.hang_up(edited)
    else:
        reply = world.reload(edited)
        assert actions(reply) == {"web": "restart"} and reply["untouched"] == 2
        assert [o["result"] for o in reply["programs"]] == ["done"]
        assert len(keys_of(reply, "web")) == 1
    pid = world.daemon.server("web", other_than=before["web"])
    assert pids(client)["db"] == before["db"]
    assert client.state("job") == "stopped"
    assert not processes.exists(before["web"])
    if keys.startswith("environment"):
        assert processes.environment(pid)["A"] == "1"
    elif keys:
        assert processes.stat(pid).nice == 1
    else:
        assert exec_of(pid) == command.split()


def test_a_comment_or_a_blank_is_no_change(world):
    client = world.start(program("web", "stop_timeout = 60s\nrestart = always"))
    before = await_running(client, "web")
    reply = world.reload("; a comment\n\n" + program("web", "stop_timeout = 1m"))
    assert (reply["changes"], reply["untouched"]) == ([], 1)
    assert pids(client) == before
    assert client.call("Status")["daemon"]["reloads"] in (0, 1)


def test_verger_environment_restarts_all(world):
    client = world.start(program("web") + program("db"))
    before = await_running(client, "web", "db")
    reply = world.reload(program("web") + program("db"), verger="environment = COLOUR=red\n")
    restarted = {name: action for name, action in actions(reply).items() if name}
    assert restarted == {"web": "restart", "db": "restart"}
    for name, pid in await_running(client, "web", "db").items():
        assert pid != before[name]
        assert processes.environment(pid)["COLOUR"] == "red"


def test_p2_a_pid_file_moves_and_never_lies(world):
    old, new = (world.verger.run_dir / name for name in ("web.pid", "elsewhere.pid"))
    client = world.start(program("web"))
    await_running(client, "web")
    lies, done = [], threading.Event()

    def observe():
        while not done.is_set():
            for path in (old, new):
                pid = read_pid(path)
                # the same file with the same content afterwards proves that it was true
                if pid and not processes.exists(pid) and read_pid(path) == pid:
                    lies.append((path, pid))

    observer = threading.Thread(target=observe)
    observer.start()
    try:
        for n in range(20):
            target = (new, old)[n % 2]
            world.reload(program("web", f"pidfile = {target}"))
            assert read_pid(target) == client.await_state("web", "running")["pid"]
            assert not (old, new)[n % 2].exists()
            assert client.status("web")["pidfile"] == str(target)
    finally:
        done.set()
        observer.join()
    assert lies == []


@pytest.mark.parametrize("key", ["run_dir", "pidfile", "control_socket"])
def test_what_cannot_be_changed_is_refused_by_name(world, key):
    client = world.start(program("web"))
    before = await_running(client, "web")
    text = world.verger.path("verger.ini").read_text()
    other = world.verger.path("other")
    other.mkdir()
    if key == "run_dir":
        text = text.replace(str(world.verger.run_dir), str(other))
    else:
        text = text.replace("[verger]\n", f"[verger]\n{key} = {other}/file\n")
    world.verger.write("verger.ini", text + program("new"))
    with pytest.raises(Refused, match="Faults") as caught:
        client.call("Reload")
    (fault,) = [f for f in caught.value.parameters["faults"] if f["level"] == "error"]
    assert key in fault["text"]
    assert pids(client) == before


# programs come and go


def test_a_program_that_is_added_is_started(world):
    client = world.start(program("web"))
    before = await_running(client, "web")
    reply = world.reload(program("web") + program("db") + program("job", "autostart = no"))
    assert actions(reply) == {"db": "start", "job": "add"}
    now = pids(client)
    assert now["web"] == before["web"] and now["db"] == world.daemon.pid("db")
    assert client.state("job") == "stopped"
    assert client.outcome("Start", "job")["result"] == "done"


def cgroup_of(pid):
    """The folder of its control group below that of vergerd, or None without one of its own."""
    for line in processes.read(pid, "cgroup").decode().splitlines():
        path = line.split(":", 2)[2]
        if "verger" in path:
            return next(
                (
                    candidate
                    for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
                    if os.path.isdir(candidate := base + path)
                ),
                None,
            )
    return None


def test_a_program_that_is_removed_leaves_nothing(world):
    client = world.start(program("web") + program("db"))
    before = await_running(client, "web", "db")
    folder = cgroup_of(before["db"])
    stream = world.daemon.client().stream("Monitor", names=["db"])
    next(stream)
    reply = world.reload(program("web"))
    assert actions(reply) == {"db": "stop"}
    assert pids(client) == {"web": before["web"]}
    assert not processes.exists(before["db"])
    assert not os.path.lexists(world.daemon.pidfile("db"))
    if folder:
        eventually(lambda: not os.path.exists(folder), f"{folder} to go")
    with pytest.raises(Refused, match="NoSuchProgram"):
        client.status("db")
    # under the same name it is a new one
    world.reload(program("web") + program("db"))
    assert client.status("db")["restarts"] == 0
    assert client.call("Why", name="db")["ends"] == []


def test_s5_removed_programs_stop_in_order(world):
    notes = world.verger.path("notes")

    def goodbye(name, seconds):
        return (
            f"sh -c 'trap \"sleep {seconds}; echo {name} >> {notes}; exit 0\" TERM; "
            f"touch {notes}.{name}; while :; do sleep 0.02; done'"
        )

    client = world.start(
        program("db", command=goodbye("db", 0))
        + program("app", "requires = db:started", goodbye("app", 0.2))
        + program("other")
    )
    before = await_running(client, "db", "app", "other")
    for name in ("db", "app"):
        eventually(world.verger.path(f"notes.{name}").exists, f"{name} to listen")
    assert actions(world.reload(program("other"))) == {"db": "stop", "app": "stop"}
    assert notes.read_text().split() == ["app", "db"]
    assert pids(client) == {"other": before["other"]}


def test_instances_grow_and_shrink_without_touching_the_others(world):
    def instances(count):
        return program("web", f"instances = {count}") if count else ""

    client = world.start(instances(2) + program("db"))
    before = await_running(client, "web:0", "web:1", "db")
    reply = world.reload(instances(4) + program("db"))
    assert actions(reply) == {"web:2": "start", "web:3": "start"} and reply["untouched"] == 3
    four = await_running(client, "web:0", "web:1", "web:2", "web:3", "db")
    assert before.items() <= four.items()
    reply = world.reload(instances(1) + program("db"))
    assert set(actions(reply).values()) <= {"stop", "add", "start"}
    now = pids(client)
    assert now.get("db") == before["db"]
    # one instance is still NAME:0, or NAME where the file does not speak of instances
    (name,) = now.keys() - {"db"}
    if name == "web:0":
        assert now[name] == before["web:0"]
    gone = set(four) - set(now)
    assert all(not processes.exists(four[name]) for name in gone)
    assert sorted(p.name for p in world.verger.run_dir.glob("web*.pid")) == [f"{name}.pid"]


def test_a_dry_run_tells_the_plan_and_does_nothing(world):
    client = world.start(program("web") + program("db"))
    before = await_running(client, "web", "db")
    edited = program("web", "nice = 3") + program("new")
    plan = world.reload(edited, dry_run=True)
    assert plan["applied"] is False
    assert actions(plan) == {"web": "restart", "db": "stop", "new": "start"}
    assert not plan.get("programs")
    assert pids(client) == before
    done = client.call("Reload")
    assert done["applied"] is True and done["changes"] == plan["changes"]
    assert set(pids(client)) == {"web", "new"}


def test_x3_a_shutdown_after_a_removal_finds_its_strays(world):
    grace = "stop_timeout = 500ms\n"
    client = world.start(program("web", grace) + program("db", grace))
    await_running(client, "web", "db")
    world.reload(program("web", grace + "on_state_change = puppet fork setsid pause end exit 0"))
    client.outcome("Restart", "web")
    eventually(lambda: len(processes.children(world.daemon.pid_itself)) > 1, "a stray")
    assert world.daemon.stop() == 0


def test_a_cycle_or_a_missing_dependency_is_a_fault(world):
    client = world.start(program("web") + program("db"))
    before = await_running(client, "web", "db")
    with pytest.raises(Refused, match="Faults"):
        world.reload(program("web", "requires = db:ready") + program("db", "requires = web:ready"))
    with pytest.raises(Refused, match="Faults"):
        world.reload(program("web", "requires = db:ready"))
    assert pids(client) == before


# while something is in progress


def test_a_reload_during_a_back_off_tries_what_is_new(world):
    keys = "restart_delay = 1h\nrestart_delay_max = 1h\nmin_uptime = 1s"
    client = world.start(program("web", keys, "puppet exit 1"))
    client.await_state("web", "backoff")
    world.reload(program("web", keys))
    assert client.await_state("web", "running")


def test_a_live_change_during_a_back_off_leaves_it_be(world):
    keys = "restart_delay = 1h\nrestart_delay_max = 1h\nmin_uptime = 1s\n"
    client = world.start(program("web", keys, "puppet exit 1"))
    client.await_state("web", "backoff")
    reply = world.reload(program("web", keys + "stop_timeout = 3s", "puppet exit 1"))
    assert set(actions(reply)) == {"web"}
    assert client.state("web") in ("backoff",)


def test_a_reload_during_a_stop_lets_it_end_and_stay_stopped(world):
    keys = "stop_timeout = 300s"
    client = world.start(program("web", keys, "puppet exit-on USR1 0 ignore TERM pause"))
    (pid,) = await_running(client, "web").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    stopper = world.daemon.client()
    stopper.send("Stop", {"names": ["web"]})
    client.await_state("web", "stopping")
    world.reload(program("web", keys, "puppet say new pause"))
    os.kill(pid, signal.SIGUSR1)
    assert stopper.receive()[0]["programs"][0]["result"] == "done"
    assert client.state("web") == "stopped"
    started = client.outcome("Start", "web")["pid"]
    assert exec_of(started) == ["puppet", "say", "new", "pause"]


def test_a_removal_during_a_stop(world):
    client = world.start(
        program("web", "stop_timeout = 400ms", "puppet ignore TERM pause") + program("db")
    )
    (pid, _) = await_running(client, "web", "db").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    stopper = world.daemon.client()
    stopper.send("Stop", {"names": ["web"]})
    client.await_state("web", "stopping")
    world.edit(program("db"))
    client.call("Reload", wait=False)
    leaving = client.status("web")
    assert leaving["removed"] is True and leaving["state"] == "stopping"
    assert stopper.receive()[0]["programs"][0]["result"] == "done"
    eventually(lambda: set(pids(client)) == {"db"}, "the removal")
    assert not processes.exists(pid)


def test_one_that_is_put_back_while_it_is_being_removed(world):
    deaf = program("web", "stop_timeout = 400ms", "puppet ignore TERM pause")
    client = world.start(deaf + program("db"))
    (pid, _) = await_running(client, "web", "db").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    world.edit(program("db"))
    client.call("Reload", wait=False)
    assert client.status("web")["removed"] is True
    world.reload(deaf + program("db"))
    again = client.await_state("web", "running")
    assert not again.get("removed")
    assert again["pid"] != pid or processes.is_alive(pid)


def test_a_reload_while_programs_are_being_started(world):
    def many(word):
        return program("many", "instances = 200", f"puppet say {word} pause")

    client = world.start(many("old"))
    client.await_state("many:0", "starting", "running")
    world.reload(many("new"), timeout_ms=30000)
    programs = client.call("Status")["programs"]
    assert {p["state"] for p in programs} == {"running"} and len(programs) == 200
    assert {exec_of(p["pid"])[2] for p in programs} == {"new"}


def test_a_reload_of_what_waits_for_another(world):
    db = program("db", "autostart = no")
    client = world.start(program("web", "requires = db:started") + db)
    client.await_state("web", "waiting")
    world.reload(program("web", "requires = db:started", "puppet say new pause") + db, wait=False)
    assert client.state("web") == "waiting"
    client.outcome("Start", "db")
    pid = client.await_state("web", "running")["pid"]
    assert exec_of(pid) == ["puppet", "say", "new", "pause"]


def test_a_dependency_that_is_dropped_sets_free_who_waits(world):
    client = world.start(program("web", "requires = db:started") + program("db", "autostart = no"))
    client.await_state("web", "waiting")
    world.reload(program("web") + program("db", "autostart = no"))
    assert client.await_state("web", "running")


def test_two_reloads_in_a_row(world):
    slow = "stop_timeout = 300ms"
    client = world.start(program("web", slow, "puppet ignore TERM pause"))
    (pid,) = await_running(client, "web").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    first = world.daemon.client()
    world.edit(program("web", slow, "puppet say one pause"))
    first.send("Reload")
    client.await_state("web", "stopping")
    world.reload(program("web", slow, "puppet say two pause"))
    assert first.receive()[0]["applied"] is True
    now = client.await_state("web", "running")["pid"]
    assert exec_of(now) == ["puppet", "say", "two", "pause"]


def test_a_change_that_is_taken_back_before_it_took_effect(world):
    slow, deaf = "stop_timeout = 300ms", "puppet ignore TERM pause"
    client = world.start(program("web", slow, deaf))
    (pid,) = await_running(client, "web").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    world.edit(program("web", slow, "puppet say one pause"))
    client.call("Reload", wait=False)
    client.await_state("web", "stopping")
    world.reload(program("web", slow, deaf))
    now = client.await_state("web", "running")["pid"]
    assert exec_of(now) == deaf.split()


@pytest.mark.parametrize("how", ["verb", "hup"])
def test_a_reload_during_a_shutdown_is_refused(world, how):
    deaf = "puppet ignore TERM pause"
    client = world.start(program("web", "stop_timeout = 300s", deaf))
    (pid,) = await_running(client, "web").values()
    eventually(lambda: signal.SIGTERM in processes.signal_set(pid, "SigIgn"), "its deafness")
    client.call("Shutdown")
    if how == "hup":
        world.hang_up(program("web", "stop_timeout = 300s", deaf) + program("new"))
        world.daemon.await_log("SIGHUP: .*shutting down")
    else:
        with pytest.raises(Refused, match="ShuttingDown"):
            world.reload(program("new"))
    assert set(pids(client)) == {"web"}
    client.call("Shutdown", now=True)
    assert world.daemon.wait() == 0


def test_a_failed_program_that_is_put_right_starts(world):
    client = world.start(
        program("web", "restart = never", "puppet exit 1") + program("db")
    )
    client.await_state("web", "failed")
    before = await_running(client, "db")
    reply = world.reload(program("web", "restart = never") + program("db"))
    assert actions(reply) == {"web": "start"}
    assert client.await_state("web", "running")
    assert pids(client)["db"] == before["db"]


def test_a_stopped_program_stays_stopped(world):
    client = world.start(program("web") + program("db"))
    await_running(client, "web", "db")
    client.outcome("Stop", "web")
    reply = world.reload(program("web", "nice = 2", "puppet say new pause") + program("db"))
    assert actions(reply) == {"web": "change"}
    assert client.state("web") == "stopped"
    always(lambda: client.state("web") == "stopped", "it was started", 0.1)
    pid = client.outcome("Start", "web")["pid"]
    assert exec_of(pid) == ["puppet", "say", "new", "pause"]
    assert processes.stat(pid).nice == 2


def test_who_waits_for_a_program_that_is_removed_is_told(world):
    client = world.start(program("web") + program("db"))
    await_running(client, "web", "db")
    waiting = world.daemon.client()
    waiting.send("Wait", {"names": ["web"], "state": "failed"})
    client.call("Status")
    world.reload(program("db"))
    try:
        (outcome,) = waiting.receive()[0]["programs"]
        assert outcome["result"] == "failed" and outcome["reason"]
    except Refused as error:
        assert error.name == "NoSuchProgram"


def test_a_reload_sees_what_vergerctl_did_not_wait_for(world):
    """Reload with wait=false is answered at once and done all the same."""
    client = world.start(program("web"))
    before = await_running(client, "web")
    world.edit(program("web", "nice = 1") + program("db"))
    reply = client.call("Reload", wait=False)
    assert reply["applied"] is True
    pid = world.daemon.server("web", other_than=before["web"])
    eventually(lambda: processes.stat(pid).nice == 1, "the new value")
    assert client.await_state("db", "running")


def test_c3_a_reload_with_a_thousand_programs(world):
    text = "".join(program(f"p{n}") for n in range(1000))
    client = world.start(text)
    eventually(lambda: set(s for s in client.states().values()) == {"running"}, "all", seconds=60)
    before = pids(client)
    reply = world.reload(text.replace("[program:p500]\n", "[program:p500]\nnice = 1\n"))
    assert actions(reply) == {"p500": "restart"} and reply["untouched"] == 999
    now = pids(client)
    assert {name for name in now if now[name] != before[name]} == {"p500"}
    assert client.call("Stop", all=True, seconds=60)["programs"]


# the long walk


class Model:
    """What the file says, edited at random."""

    NAMES = [f"p{n}" for n in range(6)]

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.programs = {}  # name → {"word", "environment", "stop_timeout", "instances"}
        for name in self.NAMES[:3]:
            self.programs[name] = self.fresh()

    @staticmethod
    def fresh():
        return {"word": "w0", "environment": "0", "stop_timeout": 10, "instances": 2}

    def edit(self):
        """One random edit; returns what it was, for the message of a failure."""
        name = self.random.choice(self.NAMES)
        if name not in self.programs:
            self.programs[name] = self.fresh()
            return f"add {name}"
        if self.random.random() < 0.2 and len(self.programs) > 1:
            del self.programs[name]
            return f"remove {name}"
        key = self.random.choice(list(self.programs[name]))
        value = self.random.randint(2, 4) if key == "instances" else self.random.randint(0, 99)
        self.programs[name][key] = f"w{value}" if key == "word" else value
        return f"{name}: {key} = {value}"

    def text(self):
        return "".join(
            program(
                name,
                f"environment = MARK={p['environment']}\nstop_timeout = {p['stop_timeout']}s\n"
                f"instances = {p['instances']}",
                f"puppet say {p['word']} pause",
            )
            for name, p in self.programs.items()
        )

    def expected(self):
        """What each instance is to be: what takes a restart if it differs."""
        return {
            f"{name}:{n}": (p["word"], str(p["environment"]))
            for name, p in self.programs.items()
            for n in range(p["instances"])
        }


def test_two_hundred_edits_in_a_row(world):
    model = Model(seed=3)
    client = world.start(model.text())
    await_running(client, *model.expected())
    before, was = pids(client), model.expected()
    story = []
    for step in range(200):
        story.append(model.edit())
        if step % 10 == 9:
            world.hang_up(model.text())
            eventually(
                lambda: client.states() == dict.fromkeys(model.expected(), "running"),
                lambda: f"{story[-3:]}: {client.states()}",
            )
        else:
            world.reload(model.text())
        expected, now = model.expected(), pids(client)
        assert now.keys() == expected.keys(), story
        for name, (word, mark) in expected.items():
            assert exec_of(now[name])[2] == word, (name, story)
            assert processes.environment(now[name])["MARK"] == mark, (name, story)
            assert read_pid(world.daemon.pidfile(name)) == now[name]
            if was.get(name) == expected[name]:
                assert now[name] == before[name], f"{name} was restarted for nothing: {story}"
            else:
                assert now[name] != before.get(name), f"{name} was not restarted: {story}"
        before, was = now, expected
    files = {p.name for p in world.verger.run_dir.glob("p*.pid")}
    assert files == {f"{name}.pid" for name in model.expected()}
    assert len(processes.children(world.daemon.pid_itself)) == len(model.expected())


def test_g1_a_signal_claimed_together_with_a_restart_is_forwarded_afterwards(verger):
    """Settings that are kept aside claim their signals when they take their place."""
    daemon = verger.start("[program:web]\ncommand = puppet pause\n")
    first = daemon.pid("web")
    verger.config(
        "[program:web]\ncommand = puppet exit-on USR1 0 pause\nforward_signals = RTMIN+1:USR1\n"
    )
    daemon.client().call("Reload")
    second = daemon.server("web", other_than=first)
    daemon.send(signal.SIGRTMIN + 1)  # nobody listening would be its end
    daemon.pid("web", other_than=second)
    daemon.check_alive()
