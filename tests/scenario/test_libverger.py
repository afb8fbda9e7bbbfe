# SPDX-License-Identifier: MIT
"""libverger as other programs find it: installed, found by pkg-config and by CMake, and P8 in C
against PID files of a real vergerd.  What needs none is tests/unit/client/test_package.py."""

import os
import re
import shutil
import signal
import subprocess

import processes
import pytest
import verger as harness
from processes import eventually

EXAMPLE = harness.SOURCE / "docs" / "how-to" / "libverger-example.c"

PIDFD = """
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <verger/pidfile.h>

/* look PATH | signal PATH N | wait PATH MS: prints what came of it */
int main(int argc, char **argv)
{
	pid_t pid = 0;
	int r;

	if (argc < 3)
		return 64;
	if (!strcmp(argv[1], "signal")) {
		r = verger_pidfile_signal(argv[2], atoi(argv[3]));
		printf("%s\\n", r < 0 ? strerrorname_np(-r) : "sent");
		return 0;
	}
	r = verger_pidfile_open(argv[2], &pid);
	if (r < 0) {
		printf("%s\\n", strerrorname_np(-r));
		return 0;
	}
	printf("%d\\n", (int)pid);
	fflush(stdout);
	if (!strcmp(argv[1], "wait"))
		printf("%d\\n", verger_pidfd_wait(r, atoi(argv[3])));
	close(r);
	return 0;
}
"""

CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(example C)
find_package(verger REQUIRED)
add_executable(example {source})
target_link_libraries(example PRIVATE verger::verger)
"""


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=60 * processes.PATIENCE,
        check=False,
        **options,
    )
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    return result.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """What `cmake --install` makes of the build under test."""
    build = os.environ.get("VERGER_BUILD") or harness.SOURCE / "build" / "dev"
    place = tmp_path_factory.mktemp("prefix")
    place.chmod(0o755)
    run("cmake", "--install", build, "--prefix", place)
    return place


@pytest.fixture(scope="module")
def flags(prefix):
    """Compiler and linker flags as pkg-config tells them, and where the library is."""
    (pc,) = prefix.rglob("verger.pc")
    text = pc.read_text()
    configured = re.search(r"^prefix=(.*)$", text, re.MULTILINE)[1]
    # the file names the prefix that was configured; ours is where it was installed
    pc.write_text(text.replace(f"={configured}", f"={prefix}"))
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
    words = run("pkg-config", "--cflags", "--libs", "verger", env=env).split()
    library = next(p.parent for p in prefix.rglob("libverger.so*"))
    return [*words, f"-Wl,-rpath,{library}", *sanitizers()]


def sanitizers():
    """What a program needs that is linked with a library made by a sanitizer."""
    build = os.environ.get("VERGER_BUILD") or harness.SOURCE / "build" / "dev"
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
        for line in cache:
            if line.startswith("VERGER_SANITIZE:") and (names := line.strip().split("=", 1)[1]):
                return [f"-fsanitize={names}"]
    return []


def compile_c(source, out, flags):
    strict = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]
    run(shutil.which("cc"), *strict, source, "-o", out, *flags)
    return out


@pytest.fixture(scope="module")
def looker(tmp_path_factory, flags):
    place = tmp_path_factory.mktemp("looker")
    (place / "look.c").write_text(PIDFD)
    return compile_c(place / "look.c", place / "look", flags)


def installed(prefix, *names):
    return [next(prefix.rglob(name), None) for name in names]


def test_everything_is_installed(prefix):
    assert all(
        installed(
            prefix,
            "vergerd",
            "vergerctl",
            "libverger.so",
            "client.h",
            "pidfile.h",
            "io.verger.Supervisor.varlink",
            "verger.pc",
            "verger-config.cmake",
            "vergerd.8",
            "vergerctl.1",
        )
    )


def ask(example, *args):
    """Runs the example program; returns its status and all it said."""
    result = subprocess.run(
        [str(word) for word in (example, *args)],
        capture_output=True,
        text=True,
        timeout=30 * processes.PATIENCE,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def check_example(example, verger):
    """Both things that it can do, with a real vergerd, and what it says about mistakes."""
    daemon = verger.start("[program:web]\ncommand = puppet pause\n")
    pid = daemon.server("web")
    client = daemon.client()
    client.await_state("web", "running")
    assert ask(example, daemon.pidfile("web")) == (0, f"PID {pid} is alive\n")
    assert ask(example, "-s", daemon.socket, "web") == (0, "web is running\n")
    client.outcome("Stop", "web")
    status, said = ask(example, daemon.pidfile("web"))
    assert status == 1 and "No such file" in said
    status, said = ask(example, "-s", daemon.socket, "nobody")
    assert status == 1 and "NoSuchProgram" in said
    assert daemon.stop() == 0
    status, said = ask(example, "-s", daemon.socket, "web")
    assert status == 1 and str(daemon.socket) in said


def test_the_example_with_pkg_config(verger, flags, tmp_path):
    example = compile_c(EXAMPLE, tmp_path / "example", flags)
    check_example(example, verger)


@pytest.mark.needs("cmake")
def test_the_example_with_find_package(verger, prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(CMAKE_PROJECT.format(source=EXAMPLE))
    extra = [f"-DCMAKE_C_FLAGS={' '.join(sanitizers())}"] if sanitizers() else []
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", *extra)
    run("cmake", "--build", tmp_path / "build")
    check_example(tmp_path / "build" / "example", verger)


# P8


def test_p8_a_pid_file_leads_to_its_process(verger, looker):
    daemon = verger.start("[program:web]\ncommand = puppet exit-on USR1 7 pause\nrestart = never\n")
    pid = daemon.server("web")
    eventually(lambda: signal.SIGUSR1 in processes.signal_set(pid, "SigCgt"), "it to listen")
    path = daemon.pidfile("web")
    assert run(looker, "look", path) == f"{pid}\n"
    assert run(looker, "signal", path, 0) == "sent\n"
    assert run(looker, "wait", path, 0) == f"{pid}\n0\n"
    assert run(looker, "signal", path, int(signal.SIGUSR1)) == "sent\n"
    daemon.await_no_pid("web")
    assert run(looker, "look", path) == "ENOENT\n"
    assert run(looker, "signal", path, 0) == "ENOENT\n"


def test_p8_a_wait_ends_with_the_process(verger, looker):
    daemon = verger.start("[program:web]\ncommand = puppet pause\nrestart = never\n")
    daemon.server("web")
    with subprocess.Popen(
        [looker, "wait", daemon.pidfile("web"), "60000"], stdout=subprocess.PIPE, text=True
    ) as waiting:
        pid = int(waiting.stdout.readline())
        os.kill(pid, signal.SIGKILL)
        assert waiting.stdout.readline() == "1\n"


@pytest.mark.parametrize(
    "content, error",
    [
        (b"", "EINVAL"),
        (b"\n", "EINVAL"),
        (b"0\n", "EINVAL"),
        (b"-1\n", "EINVAL"),
        (b"12 34\n", "EINVAL"),
        (b"12\n34\n", "EINVAL"),
        (b"0x10\n", "EINVAL"),
        (b"1e3\n", "EINVAL"),
        (b"99999999999999999999\n", "EINVAL"),
        (b"2147483647\n", "ESRCH"),
        (b"web\n", "EINVAL"),
        (b"9" * 100000, "EINVAL"),
    ],
)
def test_p8_a_hostile_file_leads_nowhere(verger, looker, content, error):
    path = verger.write("web.txt", content)
    assert run(looker, "look", path) == f"{error}\n"
    assert run(looker, "signal", path, 0) == f"{error}\n"


def test_p8_what_is_no_file_leads_nowhere(verger, looker):
    me = verger.write("me", f"{os.getpid()}\n")
    link = verger.path("link")
    link.symlink_to(me)
    assert run(looker, "look", link) == "ELOOP\n"
    assert run(looker, "look", verger.run_dir) in ("EINVAL\n", "EISDIR\n")
    pipe = verger.path("pipe")
    os.mkfifo(pipe)
    assert run(looker, "look", pipe) == "EINVAL\n", "it must not hang either"
    assert run(looker, "look", "/dev/zero") == "EINVAL\n"
    dead = verger.bystander("true")
    dead.wait()
    stale = verger.write("stale", f"{dead.pid}\n")
    assert run(looker, "look", stale) == "ESRCH\n"
