# SPDX-License-Identifier: MIT
"""packaging/verger-control: what a platform's hook can do with nothing but PID files, in the LSB
manner."""

import os
import signal
import subprocess

import processes
import pytest
import verger as harness
from processes import eventually
from verger import read_pid

PROGRAMS = """
[defaults]
restart_delay = 10ms
stdout = null
stderr = null
min_uptime = 0

[program:web]
command = puppet pause

[program:job]
command = puppet exit-on TERM 0 pause
restart = on-failure
"""


class Control:
    """The script, for one run_dir."""

    def __init__(self, verger):
        self.verger = verger
        self.config = verger.config(PROGRAMS, verger=f"log = {verger.path('verger.log')}")

    def __call__(self, *args, shell="dash", **options):
        result = subprocess.run(
            [shell, str(self.verger.binaries / "verger-control"), "-d", str(self.verger.run_dir), "-c", str(self.config), *args],
            env=self.verger.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30 * processes.PATIENCE,
            check=False,
            **options,
        )
        self.said = result.stdout + result.stderr
        # a vergerd in the background has lost its parent to us: if it has ended, we reap it
        processes.reap_strays(known=self.known())
        return result.returncode

    def known(self):
        return {bystander.pid for bystander in self.verger.bystanders}

    def pid(self, name):
        return read_pid(self.verger.run_dir / f"{name}.pid")


@pytest.fixture
def control(verger):
    control = Control(verger)
    yield control
    pid = control.pid("vergerd")
    if pid and pid not in (daemon.pid_itself for daemon in verger.daemons):
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, "vergerd to end")


def test_vergerd_itself(control):
    assert control("status") == 3
    assert control("start") == 0, control.said
    first = control.pid("vergerd")
    assert control("start") == 0, "a second start has nothing to do"
    assert control.pid("vergerd") == first
    assert control("status") == 0
    assert str(first) in control.said
    assert control("restart") == 0, control.said
    second = control.pid("vergerd")
    assert second not in (None, first)
    assert control("stop") == 0
    assert control("stop") == 0, "a second stop has nothing to do"
    assert control("status") == 3
    assert control("try-restart") == 0
    assert control.pid("vergerd") is None


def test_a_program_that_is_restarted_always(control, verger):
    assert control("start", "web") == 0, control.said
    first = control.pid("web")
    assert control("status", "web") == 0
    assert control("restart", "web") == 0, control.said
    second = control.pid("web")
    assert second not in (None, first)
    # a busy machine may take longer than the two seconds that are usual
    assert control("-w", "60", "stop", "web") == 1
    assert "restart policy" in control.said
    eventually(lambda: control.pid("web") not in (None, first, second), "its return")


def test_a_program_that_stays_away_when_stopped(control):
    assert control("start", "job") == 0, control.said
    # it runs; that it has come to where it listens to TERM is another matter
    pid = control.pid("job")
    eventually(lambda: processes.listens(pid, signal.SIGTERM), "it to listen")
    assert control("stop", "job") == 0, control.said
    assert control("status", "job") == 3
    assert control("-t", "1", "start", "job") == 1, "there is no way to start it by a PID file"


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_status_tells_dead_from_not_running(control, verger, shell):
    gone = verger.bystander("true")
    gone.wait()
    (verger.run_dir / "web.pid").write_text(f"{gone.pid}\n")
    verger.foreign_files.add("web.pid")
    assert control("status", "web", shell=shell) == 1
    assert control("status", "nothing-of-that-name", shell=shell) == 3


@pytest.mark.parametrize("text", ["", "x\n", "-1\n", "0\n", "1 2\n", "012\n"])
def test_what_is_no_pid_is_never_signalled(control, verger, text):
    (verger.run_dir / "web.pid").write_text(text)
    verger.foreign_files.add("web.pid")
    assert control("stop", "web") == 0
    assert control("status", "web") == 3


@pytest.mark.needs_root
def test_not_allowed_is_4(control, verger):
    stranger = verger.bystander()
    (verger.run_dir / "web.pid").write_text(f"{stranger.pid}\n")
    verger.foreign_files.add("web.pid")
    assert control("stop", "web", user=harness.NOBODY_UID) == 4
    assert stranger.poll() is None


def test_a_wrong_configuration_is_6(control):
    control.config.write_text("[program:web]\n")
    assert control("start") == 6
    assert "command" in control.said


@pytest.mark.parametrize("args", [[], ["dance"], ["start", "a", "b"], ["-x", "start"]])
def test_usage_is_2(control, args):
    assert control(*args) == 2
