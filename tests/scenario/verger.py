# SPDX-License-Identifier: MIT
"""The world of one scenario: a scratch directory, the real vergerd in it, and the proof at the end
that neither a process nor a PID file was left.

Nothing here sleeps in order to wait: every wait polls a condition and has a deadline.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import processes
import varlink
from processes import eventually

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
EXAMPLES = SOURCE / "conf" / "examples"

# A PID file is exactly this; anything else is torn, empty or two numbers (P1, P3).
PID_FILE = re.compile(rb"[1-9][0-9]*\n")

# What of our own environment reaches vergerd: the switches of its tests, and those of the
# sanitizers.
PASSED_ON = ("VERGER_SPAWN", "VERGER_CGROUP", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# For the mark needs_world: a wrapper that makes a mount of its own, which not everybody may
MOUNTING = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /tmp && exec "$@"', "sh"]

# An id that has no passwd entry on any sane machine, as OpenShift hands them out.
NAMELESS_UID = 1000650000
NOBODY_UID = 65534


class Fault(AssertionError):
    """vergerd broke a promise that every scenario relies on."""


def built(name, variable):
    """Path of a built program: from the environment, else from the default build directory."""
    default = {
        "vergerd": "src/daemon/vergerd",
        "vergerctl": "src/ctl/vergerctl",
        "puppet": "tests/scenario/puppet",
    }[name]
    path = Path(os.environ.get(variable) or SOURCE / "build" / "dev" / default)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: build it, or set {variable}")
    return path


def read_pid(path):
    """The PID in a file, or None without file.  Every other content fails the test (P3)."""
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    if not PID_FILE.fullmatch(text):
        raise Fault(f"{path} holds {text!r} instead of one PID and a newline")
    return int(text)


def await_text(path, pattern):
    """Waits until a file that a thread of vergerd writes holds a match, and returns all of it."""

    def found():
        text = path.read_text(errors="replace") if path.exists() else ""
        return text if re.search(pattern, text) else None

    return eventually(found, lambda: f"{pattern!r} in {path}:\n{path.read_text()}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Tool:
    """A vergerctl that runs on, with its output in a file."""

    def __init__(self, process, output):
        self.process = process
        self.output = output

    def said(self):
        return self.output.read_text(errors="replace")

    def wait(self, seconds=None):
        """Waits for its end; returns its status as a shell gives it."""
        eventually(
            lambda: self.process.poll() is not None,
            lambda: f"{self.process.args} to end: {self.said()}",
            seconds,
        )
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()


class Vergerd:
    """A vergerd that runs."""

    def __init__(self, scenario, process, log, run_dir, forked=False):
        self.scenario = scenario
        self.process = process
        self.log_path = log
        self.run_dir = run_dir
        # behind `unshare --fork` the daemon is the child of what was started
        self.pid_itself = self._forked_pid() if forked else process.pid

    def _forked_pid(self):
        return eventually(
            lambda: next((p for p in processes.children(self.process.pid)), None),
            "vergerd behind its wrapper",
        )

    # what it says

    def log(self):
        return self.log_path.read_text(errors="replace")

    def tail(self):
        """The end of the log, for the message of a failure."""
        return "\n".join(self.log().splitlines()[-30:])

    def await_log(self, pattern, seconds=None, count=1):
        """Waits for a line that matches `pattern` (for the `count`th such line); returns the last."""
        compiled = re.compile(pattern, re.MULTILINE)

        def found():
            matches = list(compiled.finditer(self.log()))
            return matches[count - 1] if len(matches) >= count else None

        return eventually(found, lambda: f"{pattern!r} in the log:\n{self.tail()}", seconds)

    # its control socket

    @property
    def socket(self):
        return self.run_dir / "control.sock"

    def client(self, path=None):
        """A connection, as soon as there is somebody to connect to."""

        def connected():
            self.check_alive()
            try:
                return varlink.Client(path or self.socket)
            except (FileNotFoundError, ConnectionRefusedError):
                return None

        client = eventually(connected, lambda: f"the control socket:\n{self.tail()}")
        self.scenario.clients.append(client)
        return client

    def ctl(self, *args, **options):
        """vergerctl with these arguments, to its end."""
        return self.scenario.ctl("-s", self.socket, *args, **options)

    # its PID files

    def pidfile(self, program):
        return self.run_dir / f"{program}.pid"

    def pid(self, program, other_than=None, seconds=None):
        """The PID in the program's file as soon as there is one (and it is another than that)."""

        def found():
            self.check_alive()
            pid = read_pid(self.pidfile(program))
            return pid if pid != other_than else None

        return eventually(found, lambda: f"PID file of {program}:\n{self.tail()}", seconds)

    def server(self, program, other_than=None, seconds=None):
        """Like pid(), once the process has become its program: it exists before that."""
        pid = self.pid(program, other_than, seconds)
        ours = processes.stat(self.pid_itself).name  # what a child is called until it execs

        def has_become_its_program():
            process = processes.stat(pid)
            return process is None or (process.name != ours and processes.has_words(process))

        eventually(has_become_its_program, f"{program} to exec")
        return pid

    def await_no_pid(self, program, seconds=None):
        eventually(
            lambda: not os.path.lexists(self.pidfile(program)),
            lambda: f"PID file of {program} to go:\n{self.tail()}",
            seconds,
        )

    # its life

    def is_alive(self):
        return self.process.poll() is None

    def check_alive(self):
        if not self.is_alive():
            raise Fault(f"vergerd has ended with {self.process.returncode}:\n{self.tail()}")

    def send(self, signo):
        os.kill(self.pid_itself, signo)

    def wait(self, seconds=None):
        """Waits for its end by itself; returns its status as a shell gives it."""
        eventually(
            lambda: self.process.poll() is not None,
            lambda: f"vergerd to end:\n{self.tail()}",
            seconds,
        )
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def stop(self, signo=signal.SIGTERM, seconds=None):
        self.send(signo)
        return self.wait(seconds)

    def crash(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self):
        """It does nothing meanwhile; what happens meanwhile comes to it at once afterwards."""
        self.send(signal.SIGSTOP)
        try:
            eventually(lambda: processes.stat(self.pid_itself).state == "T", "vergerd to freeze")
            yield
        finally:
            self.send(signal.SIGCONT)


class Scenario:
    """One test's world.  finish() holds it to its promises."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.examples = binaries / "examples"
        self.root = Path(tempfile.mkdtemp(prefix="verger-"))
        self.root.chmod(0o755)
        self.run_dir = self.root / "run"
        self.run_dir.mkdir()
        self.run_dir.chmod(0o755)
        self.daemons = []
        self.bystanders = []
        self.clients = []
        self.tools = []
        self.expects_crash = False
        self.foreign_files = set()  # names in run_dir that are not vergerd's and may stay
        self._count = 0

    # configuration

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def config(self, programs, verger="", name="verger.ini"):
        """Writes a configuration: [verger] with our run_dir and `verger`, then `programs`."""
        head = f"[verger]\nrun_dir = {self.run_dir}\nlog_level = debug\n{verger}\n\n"
        return self.write(name, head + programs)

    def path(self, name):
        return self.root / name

    def own(self, uid, gid=None):
        """Gives the scratch directory to an ordinary user."""
        for path in (self.root, self.run_dir):
            os.chown(path, uid, uid if gid is None else gid)

    # processes

    def environment(self, extra=None):
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env.update(
            PATH=f"{self.binaries}:{SYSTEM_PATH}",
            HOME=str(self.root),
            LANG="C.UTF-8",
            PYTHONDONTWRITEBYTECODE="1",
        )
        env.update(extra or {})
        return env

    def command(self, *args):
        """vergerd with these arguments, behind whatever VERGER_WRAPPER asks for (valgrind)."""
        wrapper = os.environ.get("VERGER_WRAPPER", "").replace("@scratch@", str(self.root))
        return [*shlex.split(wrapper), str(self.binaries / "vergerd"), *map(str, args)]

    def launch(self, *args, env=None, wrapper=(), forked=False, **popen):
        """Starts vergerd with just these arguments; its output is its log."""
        self._count += 1
        log = self.root / f"vergerd-{self._count}.log"
        popen.setdefault("cwd", self.root)
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("umask", 0o022)
        with open(log, "ab") as sink:
            if "user" in popen:
                os.chown(log, popen["user"], -1)  # it may open its own standard error again
            popen.setdefault("stdout", sink)
            popen.setdefault("stderr", sink)
            process = subprocess.Popen(
                [*wrapper, *self.command(*args)], env=self.environment(env), **popen
            )
        daemon = Vergerd(self, process, log, self.run_dir, forked)
        self.daemons.append(daemon)
        return daemon

    def start(self, programs, verger="", **options):
        """Starts vergerd on a configuration of these sections."""
        return self.launch("-c", self.config(programs, verger), **options)

    def run(self, *args, seconds=None, env=None, **options):
        """Runs vergerd to its end: for everything that prints and returns."""
        options.setdefault("cwd", self.root)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            self.command(*args),
            env=self.environment(env),
            capture_output=True,
            timeout=(seconds or processes.DEADLINE) * processes.PATIENCE,
            text=True,
            errors="replace",
            **options,
        )

    def ctl(self, *args, seconds=None, env=None, **options):
        """Runs vergerctl to its end."""
        options.setdefault("cwd", self.root)
        options.setdefault("stdin", subprocess.DEVNULL)
        if not {"stdout", "stderr"} & options.keys():
            options["capture_output"] = True
        return subprocess.run(
            [str(self.binaries / "vergerctl"), *map(str, args)],
            env=self.environment(env),
            timeout=(seconds or processes.DEADLINE) * processes.PATIENCE,
            text=True,
            errors="replace",
            check=False,
            **options,
        )

    def tool(self, *args, env=None, **popen):
        """Starts vergerctl, for what goes on until it is interrupted."""
        output = self.root / f"vergerctl-{len(self.tools) + 1}.out"
        popen.setdefault("stdin", subprocess.DEVNULL)
        with open(output, "ab") as sink:
            process = subprocess.Popen(
                [str(self.binaries / "vergerctl"), *map(str, args)],
                env=self.environment(env),
                cwd=self.root,
                stdout=sink,
                stderr=subprocess.STDOUT,
                **popen,
            )
        self.tools.append(Tool(process, output))
        return self.tools[-1]

    def bystander(self, *argv, **popen):
        """A process that has nothing to do with vergerd and must survive it."""
        process = subprocess.Popen(argv or ["sleep", "600"], cwd=self.root, **popen)
        self.bystanders.append(process)
        return process

    # the end

    def _known(self):
        return {d.process.pid for d in self.daemons} | {b.pid for b in self.bystanders}

    def _end_clients(self):
        for client in self.clients:
            client.close()
        for tool in self.tools:
            tool.process.kill()
            tool.process.wait()

    def _stop_daemons(self):
        for daemon in self.daemons:
            if daemon.is_alive():
                try:
                    daemon.stop()
                except processes.TooLate:
                    daemon.crash()
                    raise

    def _reap_background(self):
        """The starter of a vergerd in the background is gone: when it ends, it is ours to reap."""

        def are_reaped():
            ours = [p for p in processes.strays(self._known()) if p.name == "vergerd"]
            for process in ours:
                if process.parent == os.getpid():
                    os.waitpid(process.pid, os.WNOHANG)
            return not ours

        eventually(are_reaped, lambda: f"vergerd to end: {processes.strays()}")

    def _check_processes(self):
        if not self.expects_crash:
            self._reap_background()
        left = processes.strays(known={b.pid for b in self.bystanders})
        if left and not self.expects_crash:
            raise Fault(f"vergerd left processes behind: {left}")

    def _check_pid_files(self):
        if self.expects_crash:
            return
        files = [p.name for p in self.run_dir.rglob("*")]
        left = {name for name in files if ".pid" in name or name == "control.sock"}
        if left - self.foreign_files:
            raise Fault(f"vergerd left files behind: {sorted(left - self.foreign_files)}")

    def _check_valgrind(self):
        """vergerd's own reports; its children are silent (--child-silent-after-fork)."""
        for report in self.root.glob("valgrind.*"):
            text = report.read_text(errors="replace")
            fds = re.search(r"FILE DESCRIPTORS: (\d+) open \((\d+) std\)", text)
            errors = re.search(r"ERROR SUMMARY: (\d+) errors", text)
            inherited = text.count("<inherited from parent>")
            if fds and int(fds[1]) > int(fds[2]) + inherited:
                raise Fault(f"descriptors leaked:\n{text}")
            if errors and int(errors[1]) > 0:
                raise Fault(f"valgrind found errors:\n{text}")

    def finish(self):
        try:
            self._end_clients()
            self._stop_daemons()
            self._check_processes()
            self._check_pid_files()
            self._check_valgrind()
        finally:
            for process in self.bystanders:
                process.kill()
                process.wait()
            processes.end_strays()
            for daemon in self.daemons:
                daemon.process.poll()

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def logs(self):
        """What vergerd has said last, for the report of a failed test."""
        return [(d.log_path.name, d.tail()) for d in self.daemons if d.log_path.exists()]
