# SPDX-License-Identifier: MIT
"""The servers of conf/examples, hosted for real: each answers, its PID file names the parent of its
workers, it comes back when killed, and a stop leaves neither process nor file.  (P1, P4, P7, S3, R1
on programs we did not write.)"""

import http.client
import os
import re
import signal
import socket
import subprocess

import processes
import pytest
import verger as harness
from processes import always, eventually
from verger import EXAMPLES, read_pid


def http_get(port):
    """The body of an answer, or None while there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        return response.read().decode() if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def redis_ping(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(100).decode()
            return answer if answer.startswith("+PONG") else None
    except OSError:
        return None


def hosted(verger, example, **options):
    """vergerd on an example as it is, only with PID files in our scratch directory and a port of our
    own."""
    port, second = harness.free_port(), harness.free_port()
    # what the servers themselves write, and leave behind when they are killed
    verger.foreign_files |= {"apache-own.pid", "nginx-own.pid"}
    daemon = verger.start(
        "",
        verger=f"include = {verger.examples}/{example}.ini",
        env={"PORT": str(port), "BACKEND_PORT": str(second)},
        **options,
    )
    return daemon, port


def await_answer(daemon, ask, port):
    return eventually(lambda: ask(port), lambda: f"an answer:\n{daemon.tail()}", seconds=60)


# name, program, how to ask, workers of the process in the PID file (0: it answers itself), its name
# in /proc
SERVERS = {
    "gunicorn": ("web", http_get, 4, "gunicorn", ["gunicorn"]),
    "uwsgi": ("web", http_get, 4, "uwsgi", ["uwsgi", "/usr/lib/uwsgi/plugins/python3_plugin.so"]),
    "tornado": ("web", http_get, 0, "python3", ["/usr/lib/python3/dist-packages/tornado"]),
    "prefork": ("web", http_get, 4, "python3", ["python3"]),
    "apache": ("web", http_get, 2, "apache2", ["apache2", "/usr/lib/apache2/modules/mod_wsgi.so"]),
    "apache-daemon": (
        "web", http_get, 2, "apache2", ["apache2", "/usr/lib/apache2/modules/mod_wsgi.so"],
    ),
    "nginx": ("web", http_get, 2, "nginx", ["nginx"]),
    "nginx-daemon": ("web", http_get, 2, "nginx", ["nginx"]),
    "haproxy": ("proxy", http_get, 1, "haproxy", ["haproxy"]),
    "redis": ("redis", redis_ping, 0, "redis-server", ["redis-server"]),
    "wrapper-exec": ("web", http_get, 0, "python3", ["bash", "python3"]),
    "wrapper-parent": ("web", http_get, 1, "bash", ["bash", "python3"]),
}  # fmt: skip

EACH = [
    pytest.param(name, *facts[:4], id=name, marks=pytest.mark.needs(*facts[4]))
    for name, facts in SERVERS.items()
]


# Names of those who lose a signal that comes while they make their workers, though they answer
# already: uWSGI a TERM or INT, haproxy a USR2.  They are left alone until they wait for requests.
DEAF_WHILE_THEY_START = ("uwsgi", "haproxy")


def check_parent(daemon, pid, workers, name):
    """The number in the file is the server's uppermost process: ours, and the parent of the workers."""
    process = processes.stat(pid)
    assert process.parent == daemon.pid_itself
    assert process.name.startswith(name[:15]), process
    eventually(
        lambda: len(processes.children(pid)) >= workers,
        lambda: f"{workers} workers below {pid}: {processes.descendants(pid)}",
        seconds=60,
    )
    if name in DEAF_WHILE_THEY_START:
        eventually(
            lambda: processes.is_at_rest([pid, *processes.children(pid)]),
            lambda: f"{name} to come to rest: {processes.descendants(pid)}",
            seconds=60,
        )
    return processes.children(pid)


def check_who_answered(answer, pid, workers):
    """The examples say which process has answered: the one in the file, or one below it."""
    said = re.search(r"from process (\d+)", answer)
    if said:
        family = {pid} | {process.pid for process in processes.descendants(pid)}
        assert int(said[1]) in family, (answer, family)


@pytest.mark.parametrize("example, program, ask, workers, name", EACH)
def test_p1_p4_r1_s3_a_server_is_hosted(verger, example, program, ask, workers, name):
    daemon, port = hosted(verger, example)
    answer = await_answer(daemon, ask, port)
    first = daemon.server(program)
    family = check_parent(daemon, first, workers, name)
    if example != "haproxy":
        check_who_answered(answer, first, workers)

    os.kill(first, signal.SIGKILL)
    second = daemon.server(program, other_than=first, seconds=60)
    assert not any(map(processes.is_alive, [first, *family])), "two generations at once"
    await_answer(daemon, ask, port)
    eventually(lambda: read_pid(daemon.pidfile(program)) == second, "a steady number")
    family = check_parent(daemon, second, workers, name)

    assert daemon.stop(seconds=90) == 0
    assert not any(processes.exists(pid) for pid in [second, *family])
    assert read_pid(daemon.pidfile(program)) is None
    assert ask(port) is None


@pytest.mark.needs_root
@pytest.mark.parametrize("example, program, ask, workers, name", EACH)
def test_a_server_is_hosted_for_an_ordinary_user(verger, example, program, ask, workers, name):
    uid = harness.NOBODY_UID
    verger.own(uid)
    daemon, port = hosted(verger, example, user=uid, group=uid, extra_groups=[])
    await_answer(daemon, ask, port)
    pid = daemon.server(program)
    check_parent(daemon, pid, workers, name)
    assert daemon.stop(seconds=90) == 0
    assert not processes.exists(pid)


# what is peculiar about some of them


@pytest.mark.needs(*SERVERS["gunicorn"][4])
def test_p1_gunicorns_workers_come_and_go_and_the_number_stays(verger):
    daemon, port = hosted(verger, "gunicorn")
    await_answer(daemon, http_get, port)
    pid = daemon.server("web")
    before = check_parent(daemon, pid, 4, "gunicorn")
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    eventually(
        lambda: len(set(processes.children(pid)) - set(before)) == 4, "four other workers"
    )
    assert daemon.pid("web") == pid
    await_answer(daemon, http_get, port)


@pytest.mark.needs(*SERVERS["uwsgi"][4])
def test_uwsgi_without_die_on_term_takes_term_for_a_reload(verger):
    """Why the example has die-on-term, and that stop_signal = INT does as well."""
    ini = (verger.examples / "uwsgi/uwsgi.ini").read_text()
    ini = ini.replace("die-on-term = true", "worker-reload-mercy = 3")
    port = harness.free_port()
    daemon = verger.start(
        f"[program:web]\ncommand = uwsgi --ini {verger.write('uwsgi.ini', ini)}\nkill = main\n"
        f"environment = PORT={port} APP_DIR={verger.examples}/uwsgi\nstop_signal = INT\n"
        "stop_timeout = 60s\n"
    )
    await_answer(daemon, http_get, port)
    pid = daemon.server("web")
    before = set(check_parent(daemon, pid, 4, "uwsgi"))
    ask_again(
        pid, signal.SIGTERM, lambda: len(set(processes.children(pid)) - before) == 4, "a reload"
    )
    assert daemon.pid("web") == pid
    await_answer(daemon, http_get, port)
    check_parent(daemon, pid, 4, "uwsgi")
    assert daemon.stop(seconds=90) == 0


def ask_again(pid, signo, condition, what, tries=10):
    """Signals until it is heard: however long one waits, a server may be about to exec or fork when
    the signal comes, and lose it."""
    for _ in range(tries - 1):
        os.kill(pid, signo)
        try:
            return eventually(condition, what, seconds=5)
        except processes.TooLate:
            continue
    os.kill(pid, signo)
    return eventually(condition, what)


@pytest.mark.needs(*SERVERS["haproxy"][4])
def test_p1_haproxy_reloads_by_exec_and_keeps_its_number(verger):
    daemon, port = hosted(verger, "haproxy")
    await_answer(daemon, http_get, port)
    pid = daemon.server("proxy")
    before = check_parent(daemon, pid, 1, "haproxy")
    ask_again(
        pid,
        signal.SIGUSR2,
        lambda: set(processes.children(pid)).isdisjoint(before),
        "another worker",
    )
    await_answer(daemon, http_get, port)
    assert daemon.pid("proxy") == pid


@pytest.mark.needs(*SERVERS["nginx"][4])
@pytest.mark.parametrize("example", ["nginx", "nginx-daemon"])
def test_g1_nginx_reloads_by_a_signal_to_vergerd(verger, example):
    daemon, port = hosted(verger, example)
    await_answer(daemon, http_get, port)
    pid = daemon.server("web")
    before = check_parent(daemon, pid, 2, "nginx")
    daemon.send(signal.SIGHUP)
    eventually(
        lambda: len(processes.children(pid)) >= 2
        and set(processes.children(pid)).isdisjoint(before),
        "other workers",
    )
    assert daemon.pid("web") == pid


@pytest.mark.needs(*SERVERS["apache"][4])
@pytest.mark.parametrize("example", ["apache", "apache-daemon"])
def test_a_left_over_file_of_apache_does_not_keep_it_from_starting(verger, example):
    # alone, Apache would take the stranger for itself, say "already running" and exit with 0
    stranger = verger.bystander()
    (verger.run_dir / "apache-own.pid").write_text(f"{stranger.pid}\n")
    daemon, port = hosted(verger, example)
    await_answer(daemon, http_get, port)
    check_parent(daemon, daemon.server("web"), 2, "apache2")
    assert daemon.stop(seconds=90) == 0
    assert stranger.poll() is None


@pytest.mark.needs(*SERVERS["wrapper-parent"][4])
def test_s3_the_stop_reaches_the_server_behind_a_wrapper(verger):
    daemon, port = hosted(verger, "wrapper-parent")
    await_answer(daemon, http_get, port)
    bash = daemon.server("web")
    server = processes.children(bash)[0]
    assert processes.stat(server).name == "python3"
    assert daemon.stop() == 0
    assert not processes.exists(server)
    assert http_get(port) is None


# a platform that looks for "python -u app.py"


def pgrep(pattern):
    """What a legacy control script would find, among our own processes only."""
    result = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    ours = {process.pid for process in processes.descendants(os.getpid())}
    return [int(line) for line in result.stdout.split() if int(line) in ours]


def run_app_py(verger, run_dir, env, **popen):
    """`python -u app.py`, as the platform runs it."""
    log = verger.write("app.log", "")
    if "user" in popen:
        os.chown(log, popen["user"], -1)
    with open(log, "wb") as sink:
        process = subprocess.Popen(
            ["python", "-u", "app.py"],
            executable="/usr/bin/python3",
            cwd=verger.examples / "app-py",
            env=verger.environment(env),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            **popen,
        )
    daemon = harness.Vergerd(verger, process, log, run_dir)
    verger.daemons.append(daemon)
    return daemon


@pytest.mark.needs("gunicorn", "pgrep", "python3")
@pytest.mark.parametrize("told", ["by environment", "by nobody"])
def test_p1_an_app_py_that_turns_into_vergerd(verger, told):
    port = harness.free_port()
    if told == "by environment":
        config = verger.config("", verger=f"include = {verger.examples}/app-py.ini")
        env = {"PORT": str(port), "VERGER_CONFIG": str(config)}
        daemon = run_app_py(verger, verger.run_dir, env)
    else:
        # as it stands: its own configuration, and PID files where an ordinary user has them by
        # default
        env = {"PORT": str(port), "XDG_RUNTIME_DIR": str(verger.run_dir)}
        ordinary = {}
        if os.geteuid() == 0:
            verger.own(harness.NOBODY_UID)
            ordinary = {"user": harness.NOBODY_UID, "group": harness.NOBODY_UID, "extra_groups": []}
        daemon = run_app_py(verger, verger.run_dir / "verger", env, **ordinary)
    process = daemon.process
    await_answer(daemon, http_get, port)

    assert processes.words(process.pid)[0] == "python -u app.py"
    assert os.readlink(f"/proc/{process.pid}/exe") == str(verger.binaries / "vergerd")
    always(lambda: pgrep("python -u app.py") == [process.pid], "pgrep found another answer", 0.3)

    first = daemon.server("web")
    os.kill(first, signal.SIGKILL)
    second = daemon.server("web", other_than=first)
    await_answer(daemon, http_get, port)
    eventually(lambda: pgrep("python -u app.py") == [process.pid], "exactly one process again")

    # the legacy way to stop: kill what pgrep says
    os.kill(pgrep("python -u app.py")[0], signal.SIGTERM)
    assert daemon.wait() == 0
    assert not processes.exists(second)
    assert http_get(port) is None


def test_p1_vergerd_does_not_care_what_it_is_called(verger):
    config = verger.config("[program:web]\ncommand = puppet pause\n")
    log = verger.path("named.log")
    with open(log, "wb") as sink:
        process = subprocess.Popen(
            ["python -u app.py", "-c", str(config)],
            executable=str(verger.binaries / "vergerd"),
            env=verger.environment(),
            stdout=sink,
            stderr=sink,
        )
    daemon = harness.Vergerd(verger, process, log, verger.run_dir)
    verger.daemons.append(daemon)
    daemon.server("web")
    assert daemon.stop() == 0


# every example is right as it stands


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ini")), ids=lambda path: path.stem)
def test_b1_every_example_is_accepted(verger, path):
    result = verger.run("-t", "-c", path, env={"XDG_RUNTIME_DIR": str(verger.run_dir)})
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["verger.ini", "quickstart.ini"])
def test_b1_what_gets_installed_is_accepted(verger, name):
    result = verger.run("-t", "-c", EXAMPLES.parent / name, env={"RUN_DIR": str(verger.run_dir)})
    assert result.returncode == 0, result.stderr
