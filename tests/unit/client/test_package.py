# SPDX-License-Identifier: MIT
"""libverger as other projects meet it: installed, found by pkg-config and by CMake, used from C and C++, showing
nothing but what its headers declare; and the example of the how-to."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("VERGER_BUILD", SOURCE / "build" / "dev"))
EXAMPLE = SOURCE / "docs" / "how-to" / "libverger-example.c"
LIBRARY = BUILD / "src" / "client" / "libverger.so"


def is_sanitized():
    return "VERGER_SANITIZE:STRING=\n" not in (BUILD / "CMakeCache.txt").read_text()


def run(*words, **options):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=100, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """An installation of the library alone."""
    if is_sanitized():
        pytest.skip("what is built with sanitizers is not installed")
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", folder, "--component", "libverger")
    return folder


def library_folder(prefix):
    return next(prefix.glob("**/libverger.so")).parent


def environment(prefix):
    return {**os.environ, "PKG_CONFIG_PATH": f"{library_folder(prefix)}/pkgconfig",
            "LD_LIBRARY_PATH": str(library_folder(prefix))}  # fmt: skip


@pytest.fixture(scope="module")
def example(prefix, tmp_path_factory):
    program = tmp_path_factory.mktemp("example") / "example"
    # the installed file says where it was configured to go; the test's prefix is elsewhere
    flags = run("pkg-config", "--define-variable=prefix=" + str(prefix),
                f"--define-variable=libdir={library_folder(prefix)}", f"--define-variable=includedir={prefix}/include",
                "--cflags", "--libs", "verger", env=environment(prefix)).split()  # fmt: skip
    run("cc", "-Wall", "-Wextra", "-Werror", EXAMPLE, "-o", program, *flags)
    return program


def test_only_what_the_headers_declare_is_exported():
    declared = set()
    for header in (SOURCE / "include" / "verger").glob("*.h"):
        declared |= set(re.findall(r"\b(verger_\w+)\(", re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)))
    exported = {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()}
    assert exported - {"VERGER_0"} == declared


def test_it_needs_jansson_and_libc_only():
    if is_sanitized():
        pytest.skip("sanitizers bring libraries of their own")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", LIBRARY))
    assert {name.split(".so")[0] for name in needed} == {"libjansson", "libc"}
    assert "[libverger.so.0]" in run("readelf", "-d", LIBRARY)


def test_c_and_c_plus_plus_take_the_headers(tmp_path):
    for compiler, options in (("cc", ["-std=c99"]), ("c++", ["-std=c++11", "-x", "c++"])):
        if not shutil.which(compiler):
            continue
        unit = tmp_path / "unit.c"
        unit.write_text("#include <verger/client.h>\n#include <verger/pidfile.h>\n")
        run(compiler, *options, "-Wall", "-Wextra", "-Werror", "-I", SOURCE / "include", "-fsyntax-only", unit)


def test_p8_the_example_looks_at_pid_files(prefix, example, tmp_path):
    path = tmp_path / "pid"
    path.write_text(f"{os.getpid()}\n")
    assert run(example, path, env=environment(prefix)) == f"PID {os.getpid()} is alive\n"
    path.unlink()
    done = subprocess.run([example, path], capture_output=True, text=True, env=environment(prefix))
    assert (done.returncode, done.stderr) == (1, f"{path}: No such file or directory\n")


def test_the_example_asks_vergerd(prefix, example, tmp_path):
    (tmp_path / "v.ini").write_text(f"[verger]\nrun_dir = {tmp_path}/run\n[program:web]\ncommand = sleep 1000\n")
    daemon = subprocess.Popen([os.environ["VERGERD"], "-c", tmp_path / "v.ini"], stderr=subprocess.PIPE, text=True)
    try:
        for line in daemon.stderr:
            if "web: running" in line:
                break
        said = run(example, "-s", tmp_path / "run" / "control.sock", "web", env=environment(prefix))
        assert said == "web is running\n"
    finally:
        daemon.terminate()
        daemon.communicate(timeout=20)


def test_cmake_finds_the_package(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(user C)\nfind_package(verger 0.1 REQUIRED)\n"
        f"add_executable(example {EXAMPLE})\ntarget_link_libraries(example PRIVATE verger::verger)\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    assert "usage" in subprocess.run([tmp_path / "build" / "example"], capture_output=True, text=True).stderr


def test_the_interface_is_installed(prefix):
    assert "interface io.verger.Supervisor" in (prefix / "share/verger/io.verger.Supervisor.varlink").read_text()
