# SPDX-License-Identifier: MIT
"""Fixtures of the scenarios: see verger.py for what a scenario is."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import processes
import pytest
import verger as harness


def pytest_configure(config):
    config.addinivalue_line("markers", "needs_root: only root can set this scene")
    config.addinivalue_line("markers", "needs(*programs): servers or tools that must be installed")
    config.addinivalue_line(
        "markers", "needs_world(*wrapper): mounts or namespaces of this wrapper must be allowed here"
    )
    config.addinivalue_line("markers", "valgrind: part of the run of tests/run under valgrind")
    processes.become_subreaper()


def pytest_runtest_setup(item):
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("needs root")
    for mark in item.iter_markers("needs"):
        _require(mark.args)
    for mark in item.iter_markers("needs_world"):
        _require_world(mark.args)


@functools.lru_cache(maxsize=None)
def _refusal(wrapper):
    """What becomes of `true` behind this wrapper: nothing, or why it cannot be."""
    try:
        result = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        return str(missing)
    return result.stderr.strip() or f"status {result.returncode}" if result.returncode else ""


def _require_world(wrapper):
    """In a chroot or an unprivileged container nobody may mount, which says nothing about vergerd."""
    if refusal := _refusal(wrapper):
        pytest.skip(f"not allowed here: {' '.join(wrapper[:2])}: {refusal.splitlines()[-1]}")


def _require(programs):
    """A missing server skips the test with a reason; where all are promised (CI) it fails it."""
    missing = [program for program in programs if not _installed(program)]
    if not missing:
        return
    reason = f"not installed: {' '.join(missing)}"
    if os.environ.get("VERGER_REQUIRE_SERVERS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _installed(program):
    if program.startswith("/"):
        return os.path.exists(program)
    return shutil.which(program, path=harness.SYSTEM_PATH) is not None


@pytest.fixture(scope="session")
def binaries():
    """Copies of the programs, the control script, the Varlink client and the examples in a place that
    every user may enter, wherever the checkout is."""
    place = Path(tempfile.mkdtemp(prefix="verger-bin-"))
    place.chmod(0o755)
    try:
        for name in ("vergerd", "vergerctl", "puppet"):
            shutil.copy(harness.built(name, name.upper()), place / name)
        shutil.copy(harness.SOURCE / "packaging" / "verger-control", place)
        shutil.copy(harness.SOURCE / "docs" / "how-to" / "varlink-client.py", place)
        shutil.copytree(harness.EXAMPLES, place / "examples")
    except FileNotFoundError as missing:
        pytest.exit(str(missing), returncode=2)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def verger(request, binaries):
    """The world of this test; held to its promises when the test is over."""
    scenario = harness.Scenario(binaries)
    request.node.scenario = scenario
    try:
        yield scenario
    finally:
        # a fault found here is a failure of the test like any other
        scenario.finish()
    if not getattr(request.node, "has_failed", False):
        scenario.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    scenario = getattr(item, "scenario", None)
    if report.failed and scenario:
        item.has_failed = True
        report.sections.append(("scratch directory", str(scenario.root)))
        report.sections += scenario.logs()
