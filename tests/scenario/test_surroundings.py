# SPDX-License-Identifier: MIT
"""Where vergerd has to live: as PID 1, under another subreaper, as an ordinary user, as a user
without a name, without any place to write to, and with what a careless parent has left it."""

import os
import signal
import subprocess

import processes
import pytest
import verger as harness
from processes import always, eventually, in_one_of
from verger import read_pid

WEB = """
[program:web]
command = puppet pause
restart_delay = 50ms
"""


def as_user(uid, gid=None):
    return {"user": uid, "group": uid if gid is None else gid, "extra_groups": []}


def check_the_main_job(daemon):
    """A program runs, has its file, comes back when killed, and goes with vergerd."""
    first = daemon.server("web")
    os.kill(first, signal.SIGKILL)
    second = daemon.server("web", other_than=first)
    assert processes.stat(second).parent == daemon.pid_itself
    assert daemon.stop() == 0
    assert not processes.exists(second)


# users


@pytest.mark.needs_root
@pytest.mark.parametrize("uid", [harness.NOBODY_UID, harness.NAMELESS_UID], ids=["nobody", "nameless"])
def test_as_an_ordinary_user(verger, uid):
    verger.own(uid)
    daemon = verger.start(WEB, **as_user(uid))
    pid = daemon.server("web")
    assert processes.status(pid)["Uid"].split() == [str(uid)] * 4
    assert daemon.pidfile("web").stat().st_uid == uid
    check_the_main_job(daemon)


@pytest.mark.needs_root
def test_as_a_nameless_user_of_group_0(verger):
    # as OpenShift does: any uid, group 0, directories writable for that group
    verger.run_dir.chmod(0o770)
    daemon = verger.start(WEB, **as_user(harness.NAMELESS_UID, gid=0))
    check_the_main_job(daemon)


@pytest.mark.needs_root
def test_default_run_dir_of_an_ordinary_user(verger):
    runtime = verger.path("xdg")
    runtime.mkdir()
    os.chown(runtime, harness.NOBODY_UID, harness.NOBODY_UID)
    config = verger.write("plain.ini", WEB)
    daemon = verger.launch(
        "-c", config, env={"XDG_RUNTIME_DIR": str(runtime)}, **as_user(harness.NOBODY_UID)
    )
    pid = eventually(lambda: read_pid(runtime / "verger/web.pid"), "the file")
    assert processes.stat(pid).parent == daemon.pid_itself
    assert daemon.stop() == 0
    assert not list((runtime / "verger").glob("*.pid"))


# nowhere to write to


def await_puppet(daemon, other_than=None):
    """The program, where no PID file says which process it is."""

    def found():
        below = map(processes.stat, processes.children(daemon.pid_itself))
        return [p.pid for p in below if p and p.name == "puppet" and p.pid != other_than]

    return eventually(found, "the program")[0]


@pytest.mark.needs_root
def test_no_writable_directory_is_said_once_and_works(verger):
    config = verger.write("plain.ini", WEB)
    daemon = verger.launch("-c", config, **as_user(harness.NAMELESS_UID))
    first = await_puppet(daemon)
    os.kill(first, signal.SIGKILL)
    await_puppet(daemon, other_than=first)
    said = [line for line in daemon.log().splitlines() if "run_dir" in line or "PID file" in line]
    assert len(said) == 1, daemon.log()
    assert daemon.stop() == 0


READ_ONLY = (
    "mount --make-rprivate / && "
    "for m in $(awk '$2 !~ \"^/(proc|sys|dev)\" {print $2}' /proc/self/mounts | sort -r); do "
    "mount -o remount,bind,ro $m 2>/dev/null || mount --bind -o ro $m $m 2>/dev/null; done; "
    "mount -t tmpfs -o ro none /dev/shm 2>/dev/null; "
    "mount -o remount,bind,ro / && ! touch /tmp/x /run/x 2>/dev/null && "
    'exec "$@"'
)


@pytest.mark.needs_root
@pytest.mark.needs_world("unshare", "-m", "sh", "-c", READ_ONLY, "sh")
def test_read_only_root_without_any_writable_directory(verger):
    config = verger.write("plain.ini", WEB)
    daemon = verger.launch("-c", config, wrapper=["unshare", "-m", "sh", "-c", READ_ONLY, "sh"])
    first = await_puppet(daemon)
    os.kill(first, signal.SIGKILL)
    await_puppet(daemon, other_than=first)
    assert daemon.stop() == 0


# PID 1


AS_PID_1 = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.mark.needs_root
@pytest.mark.needs_world(*AS_PID_1)
def test_x3_as_pid_1(verger):
    orphans = "fork fork sleep-ms 50 exit 0 end exit 0 end " * 20
    daemon = verger.start(
        f"[program:web]\ncommand = puppet {orphans} wait pause\n",
        wrapper=AS_PID_1,
        forked=True,
    )
    inside = daemon.pid("web")
    web = eventually(
        lambda: [
            pid
            for pid in processes.children(daemon.pid_itself)
            if processes.status(pid).get("NSpid", "").split()[-1:] == [str(inside)]
        ],
        "the program by the number it has in there",
    )[0]
    eventually(
        lambda: [p.pid for p in processes.descendants(daemon.pid_itself)] == [web],
        "orphans to be reaped",
    )
    os.kill(web, signal.SIGKILL)
    daemon.pid("web", other_than=inside)
    assert daemon.stop() == 0


@pytest.mark.needs_root
@pytest.mark.needs_world(*AS_PID_1)
def test_g3_command_as_pid_1(verger):
    daemon = verger.launch(
        "--", "puppet", "exit-on", "TERM", "7", "touch", verger.path("up"), "pause",
        wrapper=AS_PID_1,
        forked=True,
    )  # fmt: skip
    eventually(verger.path("up").exists, "the command")
    assert daemon.stop() == 7


# other parents


def test_x3_below_another_subreaper(verger):
    # we, the test, are one: vergerd must be the nearer of the two
    daemon = verger.start(
        "[program:web]\ncommand = puppet fork fork pause end exit 0 end wait pause\n"
    )
    pid = daemon.server("web")
    orphan = eventually(
        lambda: [p for p in processes.children(daemon.pid_itself) if p != pid], "the orphan"
    )[0]
    assert processes.stat(orphan).parent == daemon.pid_itself
    assert daemon.stop() == 0
    assert not processes.exists(orphan)


def test_a_parent_that_ignores_sigchld(verger):
    daemon = verger.start(
        WEB,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        restore_signals=False,
    )
    check_the_main_job(daemon)


def test_g1_a_parent_that_blocks_and_ignores_everything(verger):
    def spoil():
        for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(signo, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    daemon = verger.start(WEB, preexec_fn=spoil, restore_signals=False)
    check_the_main_job(daemon)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_s2_closed_standard_streams(verger, closed):
    def close():
        for fd in closed:
            os.close(fd)

    daemon = verger.start(WEB, preexec_fn=close)
    pid = daemon.server("web")
    fds = processes.await_descriptors(pid, {0, 1, 2})
    for fd in closed:
        # nothing of ours has slipped into the gap
        assert fds[fd] == "/dev/null"
    check_the_main_job(daemon)


def test_children_that_vergerd_did_not_start_are_no_trouble(verger):
    # a shell that leaves a child behind and then becomes vergerd
    daemon = verger.start(
        WEB, wrapper=["sh", "-c", 'sleep 0.3 & puppet exit 1 & exec "$@"', "sh"]
    )
    pid = daemon.server("web")
    eventually(
        lambda: processes.children(daemon.pid_itself) == [pid],
        lambda: f"the strangers to be reaped: {processes.descendants(daemon.pid_itself)}",
    )


def test_an_environment_without_path(verger):
    daemon = verger.launch(
        "-c", verger.config(f"[program:web]\ncommand = {verger.binaries}/puppet pause\n")
    )
    daemon.server("web")
    clean = ["env", "-i", *verger.command("-t", "-c", verger.path("verger.ini"))]
    assert subprocess.run(clean, check=False, timeout=processes.DEADLINE).returncode == 0


# the lesser ways of kernels and sandboxes that allow less


@pytest.mark.parametrize("way", ["clone3", "clone", "fork"])
def test_every_way_to_make_a_process(verger, way):
    daemon = verger.start(
        WEB + "\n[program:bad]\ncommand = puppet pause\ndirectory = /nowhere\n",
        env={"VERGER_SPAWN": way},
    )
    daemon.await_log(r"bad: .*directory /nowhere: No such file or directory")
    check_the_main_job(daemon)


def test_probe_prints_what_was_found(verger):
    result = verger.run("--probe")
    assert result.returncode == 0
    for word in ("pidfd", "subreaper", "cgroup"):
        assert word in result.stdout, result.stdout


def test_a_wall_of_idle_programs_uses_no_time(verger):
    # I1 in small: no context switch while nothing happens
    daemon = verger.start("[program:web]\ninstances = 20\ncommand = puppet pause\n")
    for n in range(20):
        daemon.server(f"web:{n}")

    def switches():
        status = processes.status(daemon.pid_itself)
        return int(status["voluntary_ctxt_switches"])

    def woken():
        before = switches()
        always(daemon.is_alive, "it ended", 2)
        return switches() - before

    # what it has to do once, some time after a start, it may do
    in_one_of(4, woken, lambda times: times == 0)
