# SPDX-License-Identifier: MIT
"""R1, R2 and R4: who is restarted, after what delay, and what happens when the machine refuses."""

import os
import re
import resource
import signal

import processes
import pytest
import verger as harness
from processes import always, eventually
from verger import read_pid

# each start leaves a line with the time in nanoseconds
TALLY = "sh -c 'date +%s%N >> {tally}; {ending}'"


def starts(verger):
    tally = verger.path("tally")
    if not tally.exists():
        return []
    return [int(line) / 1e9 for line in tally.read_text().splitlines()]


def counting(verger, ending, keys):
    command = TALLY.format(tally=verger.path("tally"), ending=ending)
    return f"[program:web]\ncommand = {command}\n{keys}\n"


QUICK = "restart_delay = 10ms\nrestart_delay_max = 10ms\nstart_limit = none\nmin_uptime = 0\n"


# R1: policy


@pytest.mark.parametrize(
    "policy, ending, again",
    [
        ("always", "exit 0", True),
        ("always", "exit 3", True),
        ("always", "kill -KILL $$$$", True),
        ("on-failure", "exit 0", False),
        ("on-failure", "exit 3", True),
        ("on-failure", "kill -KILL $$$$", True),
        ("on-failure", "kill -TERM $$$$", True),
        ("never", "exit 0", False),
        ("never", "exit 3", False),
        ("never", "kill -KILL $$$$", False),
    ],
)
def test_r1_restart_policy(verger, policy, ending, again):
    daemon = verger.start(counting(verger, ending, QUICK + f"restart = {policy}"))
    eventually(lambda: len(starts(verger)) >= 1, "the first start")
    if again:
        eventually(lambda: len(starts(verger)) >= 3, "restarts")
    else:
        daemon.await_log(r"web: .*(for good|given up)")
        always(lambda: len(starts(verger)) == 1, "it was restarted", 0.3)
        assert read_pid(daemon.pidfile("web")) is None


@pytest.mark.valgrind
@pytest.mark.parametrize("ending", ["exit 0", "exit 3", "exit 7", "kill -HUP $$$$"])
def test_r1_success_exit_lists_codes_and_signals(verger, ending):
    daemon = verger.start(
        counting(verger, ending, QUICK + "restart = on-failure\nsuccess_exit = 0 3 7 HUP")
    )
    daemon.await_log(r"web: .*ended for good")
    always(lambda: len(starts(verger)) == 1, "it was restarted", 0.3)


def test_r1_a_requested_stop_never_restarts(verger):
    daemon = verger.start(counting(verger, "while :; do sleep 0.05; done", QUICK))
    daemon.server("web")
    eventually(lambda: len(starts(verger)) == 1, "the start")
    assert daemon.stop() == 0
    assert len(starts(verger)) == 1


def test_r1_a_death_by_the_stop_signal_after_a_request_is_no_failure(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\non_failure = exit\nrestart = on-failure\n"
    )
    daemon.server("web")
    assert daemon.stop() == 0


# R2: back-off


def gaps(verger, count):
    eventually(lambda: len(starts(verger)) > count, f"{count} restarts")
    times = starts(verger)[: count + 1]
    return [after - before for before, after in zip(times, times[1:])]


def test_r2_delays_grow_up_to_their_maximum(verger):
    daemon = verger.start(
        counting(
            verger,
            "exit 1",
            "restart_delay = 100ms\nrestart_delay_max = 400ms\nrestart_jitter = 0%\n"
            "start_limit = none\n",
        )
    )
    # never earlier, whatever else the machine does; and how late is what vergerd says it means
    for gap, least in zip(gaps(verger, 5), [0.1, 0.2, 0.4, 0.4, 0.4]):
        assert least * 0.95 <= gap
    said = [int(n) for n in re.findall(r"web: next start in (\d+)ms", daemon.log())]
    assert said[:5] == [100, 200, 400, 400, 400]


def test_r2_jitter_spreads_the_delays(verger):
    daemon = verger.start(
        "[program:web]\ninstances = 20\ncommand = puppet exit 1\nrestart_delay = 400ms\n"
        "restart_delay_max = 400ms\nrestart_jitter = 50%\nstart_limit = none\n"
    )
    daemon.await_log(r"web:\d+: next start in", count=20)
    delays = {int(n) for n in re.findall(r"next start in (\d+)ms", daemon.log())}
    assert len(delays) > 5, delays
    assert all(200 <= delay <= 600 for delay in delays), delays


def test_r2_the_first_restart_after_a_healthy_run_is_immediate(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\nmin_uptime = 300ms\nrestart_delay = 1h\n"
        "restart_delay_max = 1h\n"
    )
    pid = daemon.server("web")
    always(lambda: processes.is_alive(pid), "it ended by itself", 0.5)
    os.kill(pid, signal.SIGKILL)
    daemon.pid("web", other_than=pid)


def test_r2_a_life_that_was_too_short_is_delayed(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet pause\nmin_uptime = 1h\nrestart_delay = 1h\n"
        "restart_delay_max = 1h\n"
    )
    pid = daemon.server("web")
    os.kill(pid, signal.SIGKILL)
    daemon.await_no_pid("web")
    always(lambda: read_pid(daemon.pidfile("web")) is None, "no delay", 0.5)


@pytest.mark.valgrind
def test_r2_a_shutdown_does_not_wait_for_a_delay(verger):
    daemon = verger.start("[program:web]\ncommand = puppet exit 1\nrestart_delay = 1h\nrestart_delay_max = 1h\n")
    daemon.await_log(r"web: next start in")
    assert daemon.stop() == 0


def test_r3_giving_up_after_start_limit_says_so(verger):
    daemon = verger.start(
        counting(
            verger,
            "exit 1",
            "restart_delay = 10ms\nrestart_delay_max = 10ms\nstart_limit = 4/60s\n",
        )
    )
    daemon.await_log(r"web: .*(for good|given up)")
    always(lambda: len(starts(verger)) <= 4, "more starts than allowed", 0.3)


# R4: failures of the machine are retried


@pytest.mark.needs_root
def test_r4_processes_refused(verger):
    # a user of our own: the kernel counts the processes of a user wherever they are, and other tests
    # may be running
    uid = harness.NAMELESS_UID + os.getpid()
    verger.own(uid)
    # all that this user may have: vergerd, one program, and three bystanders that go later
    crowd = [verger.bystander(user=uid) for _ in range(3)]

    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (5, 5))
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

    daemon = verger.start(
        "[program:web]\ninstances = 4\ncommand = puppet pause\nrestart_delay = 50ms\n"
        "restart_delay_max = 50ms\nstart_limit = none\n",
        preexec_fn=limit,
    )
    daemon.await_log(r"web:\d: .*Resource temporarily unavailable", count=3)
    assert len(processes.children(daemon.pid_itself)) == 1
    for bystander in crowd:
        bystander.kill()
        bystander.wait()
    for n in range(4):
        daemon.server(f"web:{n}")


def test_r4_descriptors_refused(verger):
    # vergerd holds a descriptor per program and keeps some back for itself: the first twenty leave
    # too few for the next ten, until they end
    end = verger.path("end")
    daemon = verger.start(
        f"[program:crowd]\ninstances = 20\ncommand = puppet await {end} exit 0\nrestart = never\n"
        "[program:web]\ninstances = 10\ncommand = puppet pause\nrestart_delay = 50ms\n"
        "restart_delay_max = 50ms\nstart_limit = none\n",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    daemon.await_log(r"(web|crowd):\d+: .*Too many open files")
    daemon.check_alive()
    end.touch()
    daemon.await_log(r"web:\d+: running", count=10)


@pytest.mark.needs_root
@pytest.mark.needs_world(*harness.MOUNTING)
def test_r4_disk_full(verger):
    disk = verger.path("disk")
    disk.mkdir()
    daemon = verger.start(
        f"[program:web]\ncommand = puppet pause\nstdout = {disk}/log/web.log\n"
        "restart_delay = 50ms\nrestart_delay_max = 50ms\nstart_limit = none\n",
        wrapper=[
            "unshare", "-m", "sh", "-c",
            f"mount -t tmpfs -o size=4k,nr_inodes=3 none {disk} && mkdir {disk}/log && "
            f'touch {disk}/filler && exec "$@"', "sh",
        ],
    )  # fmt: skip
    daemon.await_log(r"web: .*No space left on device", count=2)
    os.unlink(f"/proc/{daemon.pid_itself}/root{disk}/filler")
    daemon.server("web")
