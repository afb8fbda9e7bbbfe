# SPDX-License-Identifier: MIT
"""S1 and S2: a failed start names its step and reason; a program starts with clean hands."""

import os
import resource
import signal

import processes
import pytest
import verger as harness
from processes import eventually

BESIDE = """
[program:beside]
command = puppet pause
"""


# S1: failures speak


def failing(verger, keys):
    """Starts a program with these keys and one beside it; returns the daemon once the latter runs."""
    daemon = verger.start(f"[program:web]\nrestart = never\n{keys}\n{BESIDE}")
    daemon.server("beside")
    return daemon


def test_s1_directory_missing(verger):
    daemon = failing(verger, "command = puppet pause\ndirectory = /nowhere/app")
    daemon.await_log(r"web: .*directory /nowhere/app: No such file or directory")


def test_s1_directory_that_is_a_file(verger):
    daemon = failing(verger, "command = puppet pause\ndirectory = /etc/passwd")
    daemon.await_log(r"web: .*directory /etc/passwd: Not a directory")


@pytest.mark.valgrind
def test_s1_command_not_in_path(verger):
    daemon = failing(verger, "command = no-such-server --port 1")
    daemon.await_log(rf"web: .*no-such-server: not found in PATH .*{verger.binaries}")


def test_s1_command_not_in_the_programs_own_path(verger):
    daemon = failing(verger, "command = puppet pause\nenvironment = PATH=/nowhere/bin")
    daemon.await_log(r"web: .*puppet: not found in PATH /nowhere/bin")


def test_s1_command_missing(verger):
    daemon = failing(verger, "command = /nowhere/server")
    daemon.await_log(r"web: .*/nowhere/server: No such file or directory")


def test_s1_command_not_executable(verger):
    path = verger.write("server", "#!/bin/sh\n", mode=0o644)
    daemon = failing(verger, f"command = {path}")
    daemon.await_log(rf"web: .*{path}.*(Permission denied|not executable)")


def test_s1_command_is_a_directory(verger):
    daemon = failing(verger, f"command = {verger.run_dir}")
    daemon.await_log(rf"web: .*{verger.run_dir}.*directory")


def test_s1_script_whose_interpreter_is_missing(verger):
    path = verger.write("server", "#!/nowhere/python -u\n", mode=0o755)
    daemon = failing(verger, f"command = {path}")
    daemon.await_log(rf"web: .*{path}.*interpreter.*/nowhere/python")


def test_s1_script_without_interpreter(verger):
    path = verger.write("server", "echo hello\n", mode=0o755)
    daemon = failing(verger, f"command = {path}")
    daemon.await_log(rf"web: .*{path}.*(#!|interpreter|Exec format)")


def test_s1_environment_file_missing(verger):
    daemon = failing(verger, "command = puppet pause\nenv_file = /nowhere/env")
    daemon.await_log(r"web: .*/nowhere/env: No such file or directory")


def test_s1_output_file_in_a_missing_directory(verger):
    daemon = failing(verger, "command = puppet pause\nstdout = /nowhere/web.log")
    daemon.await_log(r"web: .*stdout.*/nowhere/web.log: No such file or directory")


@pytest.mark.needs_root
def test_s1_a_user_we_may_not_become(verger):
    verger.own(harness.NOBODY_UID)
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\nuser = root\n",
        user=harness.NOBODY_UID, group=harness.NOBODY_UID, extra_groups=[],
    )  # fmt: skip
    assert daemon.wait() == 78
    daemon.await_log(r"verger.ini:\d+: \[program:web\] user: .*root")


# S2: clean hands


def test_s2_default_signals_and_an_empty_mask(verger):
    def spoil():
        for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGUSR1, signal.SIGCHLD):
            signal.signal(signo, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})

    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\n", preexec_fn=spoil, restore_signals=False
    )
    pid = daemon.server("web")
    assert processes.signal_set(pid, "SigBlk") == set()
    assert processes.signal_set(pid, "SigIgn") == set()


def test_s2_a_session_of_its_own(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\n")
    process = processes.stat(daemon.server("web"))
    assert process.session == process.group == process.pid


def test_s2_no_descriptors_but_three(verger):
    leaked = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    os.dup2(leaked[0], 99)
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\n\n[program:db]\ncommand = puppet pause\n",
        pass_fds=[*leaked, 99],
    )
    for program in ("web", "db"):
        processes.await_descriptors(daemon.server(program), {0, 1, 2})
    for fd in [*leaked, 99]:
        os.close(fd)


def test_s2_only_the_environment_it_was_meant_to_have(verger):
    daemon = verger.start(
        """
[program:web]
command = puppet pause
env_inherit = PATH LANG
environment = COLOR=blue GREETING='hello, world' HOST=${HOSTNAME:-unknown}
""",
        env={"SECRET": "42"},
    )
    env = processes.environment(daemon.server("web"))
    ours = {name for name in env if name.startswith("VERGER_")}
    assert set(env) - ours == {"PATH", "LANG", "COLOR", "GREETING", "HOST"}
    assert env["GREETING"] == "hello, world"


def test_s2_no_environment_at_all(verger):
    daemon = verger.start(
        f"[program:web]\ncommand = {verger.binaries}/puppet pause\nenv_inherit = none\n",
        env={"SECRET": "42"},
    )
    env = processes.environment(daemon.server("web"))
    assert {name for name in env if not name.startswith("VERGER_")} == set()


def test_s2_what_was_meant_for_vergerd_is_not_handed_on(verger):
    private = {"NOTIFY_SOCKET": "/nowhere", "LISTEN_FDS": "1", "LISTEN_PID": "1",
               "WATCHDOG_USEC": "1", "VERGER_CONFIG": "/nowhere.ini"}  # fmt: skip
    daemon = verger.start("[program:web]\ncommand = puppet pause\n", env=private)
    assert not set(private) & set(processes.environment(daemon.server("web")))


@pytest.mark.valgrind
def test_s2_environment_in_layers(verger):
    verger.write("web.env", "# comment\nLAYER=file\nFROM_FILE=yes\n")
    daemon = verger.start(
        """
[defaults]
environment = LAYER=defaults

[program:web]
command = puppet pause
env_file = ${here}/web.env -${here}/may-be-missing.env
environment = LAYER=program
""",
        verger="environment = LAYER=verger FROM_VERGER=yes",
        env={"LAYER": "inherited", "FROM_OUTSIDE": "yes"},
    )
    env = processes.environment(daemon.server("web"))
    assert env["LAYER"] == "program"
    assert env["FROM_FILE"] == env["FROM_VERGER"] == env["FROM_OUTSIDE"] == "yes"


def test_s2_surroundings_as_configured(verger):
    daemon = verger.start(
        """
[program:web]
command = puppet pause
argv0 = python -u app.py
directory = ${here}
umask = 027
nice = 5
limit_nofile = 100:200
limit_core = 0
no_new_privs = yes
"""
    )
    pid = daemon.server("web")
    status = processes.status(pid)
    assert processes.words(pid) == ["python -u app.py", "pause"]
    assert os.readlink(f"/proc/{pid}/cwd") == str(verger.root)
    assert status["Umask"] == "0027"
    assert status["NoNewPrivs"] == "1"
    assert processes.stat(pid).nice == 5
    assert processes.limits(pid, "Max open files") == ("100", "200")
    assert processes.limits(pid, "Max core file size")[0] == "0"


def test_s2_our_own_limits_are_not_changed_for_the_program(verger):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))

    daemon = verger.start("[program:web]\ncommand = puppet pause\n", preexec_fn=limit)
    assert processes.limits(daemon.server("web"), "Max open files") == ("256", "512")


@pytest.mark.needs_root
def test_s2_user_group_and_supplementary_groups(verger):
    daemon = verger.start(
        """
[program:named]
command = puppet pause
user = nobody

[program:numeric]
command = puppet pause
user = 12345
group = 23456

[program:root]
command = puppet pause
"""
    )

    def ids(program):
        status = processes.status(daemon.server(program))
        return status["Uid"].split(), status["Gid"].split(), status["Groups"].split()

    assert ids("named") == (["65534"] * 4, ["65534"] * 4, ["65534"])
    assert ids("numeric")[:2] == (["12345"] * 4, ["23456"] * 4)
    assert "0" not in ids("numeric")[2]
    assert ids("root")[0] == ["0"] * 4


@pytest.mark.needs_root
def test_s2_oom_score(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\noom_score_adj = 500\n")
    assert processes.read(daemon.server("web"), "oom_score_adj") == b"500\n"


@pytest.mark.valgrind
def test_s2_standard_streams(verger):
    out, err, into = verger.path("out.log"), verger.path("err.log"), verger.write("in", "hello\n")
    verger.write("out.log", "kept\n")
    daemon = verger.start(
        f"""
[program:apart]
command = puppet say one complain two pause
stdout = {out}
stderr = {err}

[program:merged]
command = puppet say three complain four pause
stdout = {verger.path("both.log")}
stderr = stdout

[program:silent]
command = puppet say five pause
stdout = null
stderr = null

[program:fed]
command = puppet pause
stdin = {into}
"""
    )
    pids = {name: daemon.server(name) for name in ("apart", "merged", "silent", "fed")}
    eventually(lambda: out.read_text() == "kept\none\n", "appended output")
    eventually(lambda: err.read_text() == "two\n", "standard error")
    both = verger.path("both.log")
    eventually(lambda: both.exists() and both.read_text() == "three\nfour\n", "merged output")
    assert processes.descriptors(pids["silent"])[1] == "/dev/null"
    assert processes.descriptors(pids["apart"])[0] == "/dev/null"
    assert processes.descriptors(pids["fed"])[0] == str(into)


@pytest.mark.valgrind
def test_s2_instances_and_expansion(verger):
    daemon = verger.start(
        """
[program:web]
instances = 3
command = puppet text-to ${here}/said.${instance} ${program}-${COLOR:-none}-$$ pause
""",
        env={"COLOR": "red"},
    )
    for n in range(3):
        daemon.server(f"web:{n}")
        said = verger.path(f"said.{n}")
        eventually(said.exists, "its file")  # which appears whole
        assert said.read_text().rstrip("\n") in (f"web:{n}-red-$", "web-red-$")
