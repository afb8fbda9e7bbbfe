# SPDX-License-Identifier: MIT
"""S3 against the worst program: it double-forks, leaves its session, ignores TERM, and its
grandchildren never stop forking.  After stop_timeout nothing of it is left, whoever vergerd is."""

import os
import signal
import time

import processes
import pytest
import verger as harness
from processes import eventually

HOSTILE = (
    "puppet ignore TERM ignore INT ignore QUIT ignore HUP "
    "fork setsid fork bomb 4 pause end fork setsid pause end exit 0 end {main}"
)

SETTINGS = [
    pytest.param({}, {}, id="root-with-cgroups", marks=pytest.mark.needs_root),
    pytest.param({"VERGER_CGROUP": "no"}, {}, id="root-without-cgroups", marks=pytest.mark.needs_root),
    pytest.param(
        {},
        {"user": harness.NAMELESS_UID, "group": harness.NAMELESS_UID, "extra_groups": []},
        id="ordinary-user",
        marks=pytest.mark.needs_root,
    ),
    pytest.param({"VERGER_CGROUP": "no"}, {}, id="whoever-runs-the-tests"),
]


def is_bombing(daemon):
    """Whether the grandchildren have begun: two looks show different processes."""
    before = {p.pid for p in processes.descendants(daemon.pid_itself)}
    after = {p.pid for p in processes.descendants(daemon.pid_itself)}
    return len(before) >= 5 and before != after


def start(verger, env, options, main="pause", keys=""):
    if "user" in options:
        verger.own(options["user"])
    return verger.start(
        f"[program:hostile]\ncommand = {HOSTILE.format(main=main)}\nstop_timeout = 500ms\n{keys}\n",
        env=env,
        **options,
    )


@pytest.mark.parametrize("env, options", SETTINGS)
def test_s3_nothing_is_left_after_stop_timeout(verger, env, options):
    daemon = start(verger, env, options)
    daemon.server("hostile")
    eventually(lambda: is_bombing(daemon), "the bomb")
    began = time.monotonic()
    assert daemon.stop(seconds=15) == 0  # before the bomb has burnt out by itself
    assert 0.5 <= time.monotonic() - began
    # whoever had slipped away would be ours now
    assert processes.strays() == []


@pytest.mark.parametrize("env, options", SETTINGS)
def test_s3_nothing_is_left_between_two_generations(verger, env, options):
    daemon = start(verger, env, options, keys="restart_delay = 0\nmin_uptime = 0")
    first = daemon.server("hostile")
    eventually(lambda: is_bombing(daemon), "the bomb")
    marked = processes.stat(first).started
    os.kill(first, signal.SIGKILL)
    second = daemon.pid("hostile", other_than=first)
    living = [p for p in processes.descendants(daemon.pid_itself) if p.state != "Z"]
    oldest = min(p.started for p in living)
    assert processes.stat(second).started >= marked
    assert oldest >= processes.stat(second).started, "somebody of the first generation is there"
    assert daemon.stop() == 0
    assert processes.strays() == []


@pytest.mark.parametrize("env, options", SETTINGS)
def test_s3_others_are_spared(verger, env, options):
    if "user" in options:
        verger.own(options["user"])
    daemon = verger.start(
        f"[program:hostile]\ncommand = {HOSTILE.format(main='sleep-ms 300 exit 1')}\n"
        "restart = never\nstop_timeout = 300ms\n"
        "[program:peaceful]\ncommand = puppet fork setsid fork pause end pause end pause\n",
        env=env,
        **options,
    )
    pid = daemon.server("peaceful")
    family = eventually(
        lambda: len(processes.descendants(pid)) == 2 and processes.descendants(pid), "its family"
    )
    daemon.await_log(r"hostile: .*(for good|given up)")
    left = {p.pid for p in processes.descendants(daemon.pid_itself) if p.state != "Z"}
    assert left == {pid, *(p.pid for p in family)}
