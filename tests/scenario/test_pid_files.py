# SPDX-License-Identifier: MIT
"""P1 to P5 and P9: what a PID file says is true, whole, and ours."""

import os
import signal
import stat
import time

import processes
import pytest
import verger as harness
from processes import always, eventually
from verger import read_pid

WEB = """
[program:web]
command = puppet pause
restart_delay = 50ms
"""


# P1: one true number


@pytest.mark.valgrind
def test_p1_names_the_main_process_and_not_its_workers(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet fork pause end fork pause end pause\n"
    )
    pid = daemon.server("web")
    workers = eventually(
        lambda: len(processes.children(pid)) == 2 and processes.children(pid), "two workers"
    )
    assert processes.stat(pid).parent == daemon.pid_itself
    assert daemon.pid("web") == pid
    assert pid not in workers


@pytest.mark.valgrind
def test_p1_stays_right_through_a_chain_of_execs(verger):
    daemon = verger.start(
        """
[program:web]
command = sh -c 'exec sh -c "exec puppet exec first env puppet exec second puppet pause"'
"""
    )
    pid = daemon.pid("web")
    eventually(lambda: processes.words(pid) == ["second", "pause"], "the last program of the chain")
    assert daemon.pid("web") == pid


def test_p1_a_wrapper_that_stays_is_the_main_process(verger):
    daemon = verger.start("[program:web]\ncommand = sh -c 'puppet pause; exit 7'\n")
    pid = daemon.server("web")
    eventually(lambda: processes.children(pid), "the server below its wrapper")
    assert processes.words(pid)[0] == "sh"


@pytest.mark.valgrind
def test_p1_each_generation_has_its_own_number(verger):
    daemon = verger.start(WEB)
    seen = [daemon.server("web")]
    for _ in range(5):
        os.kill(seen[-1], signal.SIGKILL)
        seen.append(daemon.server("web", other_than=seen[-1]))
    assert len(set(seen)) == len(seen)


def test_p1_instances_have_a_file_each(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\ninstances = 3\n")
    pids = {daemon.server(f"web:{n}") for n in range(3)}
    assert len(pids) == 3


# P2: never early, never late


def test_p2_the_file_is_there_before_the_programs_first_instruction(verger):
    verger.path("seen").mkdir()
    daemon = verger.start(
        """
[program:web]
instances = 50
directory = ${here}/seen
command = puppet copy ${run_dir}/${program}.pid said.${instance} pid-to is.${instance} pause
"""
    )
    for n in range(50):
        is_ = verger.path(f"seen/is.{n}")
        eventually(is_.exists, f"instance {n}")  # which appears whole
        assert verger.path(f"seen/said.{n}").read_text() == is_.read_text()
    daemon.stop()


def watch_generations(daemon, program, seconds, generations, kill=True):
    """Reads a PID file as fast as it can while the program dies and returns.  Whenever the same file says
    the same number before and after, the number must have been a child of vergerd in between, alive or
    dead but not reaped (P2); every read is whole (P3).  Goes on for that many seconds and longer, until
    it has seen more than that many generations."""
    path = daemon.pidfile(program)
    seen, last_kill = set(), 0.0
    began = time.monotonic()
    while time.monotonic() < began + seconds or len(seen) <= generations:
        assert time.monotonic() < began + seconds + processes.DEADLINE, f"{len(seen)} generations"
        pid = read_pid(path)
        if pid is None:
            continue
        process = processes.stat(pid)
        if read_pid(path) != pid:
            continue
        assert process is not None, f"the file named {pid}, which did not exist"
        assert process.parent == daemon.pid_itself, f"the file named {process}"
        seen.add(pid)
        if kill and time.monotonic() - last_kill > 0.002:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # the one before had not been dealt with yet
            last_kill = time.monotonic()


FLEETING = """
[program:web]
command = puppet {}
restart_delay = 0
restart_delay_max = 0
start_limit = none
min_uptime = 0
"""


@pytest.mark.parametrize("life", ["pause", "fork pause end pause"])
def test_p2_p3_no_reader_is_ever_handed_a_stranger_or_half_a_number(verger, life):
    daemon = verger.start(FLEETING.format(life))
    daemon.pid("web")
    watch_generations(daemon, "web", 3, 20)


def test_p2_p3_hold_for_programs_that_end_at_once(verger):
    daemon = verger.start(FLEETING.format("exit 0"))
    watch_generations(daemon, "web", 2, 5, kill=False)


def test_p2_the_file_stays_while_a_thread_outlives_the_main_thread(verger):
    # /proc calls such a process a zombie; it is not one
    end = verger.path("end")
    daemon = verger.start(f"[program:web]\ncommand = puppet thread {end} 7\nrestart = never\n")
    pid = daemon.server("web")
    eventually(lambda: processes.stat(pid).state == "Z", "the main thread to end")
    always(lambda: daemon.pid("web") == pid, "the file went while the process lived", 0.2)
    end.touch()
    daemon.await_no_pid("web")
    daemon.await_log(r"web: .*\b7\b")


# P4: absent means not running


def test_p4_no_file_in_back_off(verger):
    daemon = verger.start("[program:web]\ncommand = puppet exit 3\nrestart_delay = 1h\nrestart_delay_max = 1h\n")
    daemon.await_log(r"web: .*\b3\b")
    daemon.await_no_pid("web")
    always(lambda: read_pid(daemon.pidfile("web")) is None, "a file in back-off", 0.2)


@pytest.mark.valgrind
def test_p4_no_file_after_giving_up(verger):
    daemon = verger.start(
        "[program:web]\ncommand = puppet exit 3\nrestart_delay = 0\nstart_limit = 3/60s\n"
    )
    daemon.await_log(r"web: .*(for good|given up)")
    daemon.await_no_pid("web")
    daemon.check_alive()


def test_p4_no_file_for_a_program_that_does_not_start_by_itself(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\nautostart = no\n[program:db]\n"
                          "command = puppet pause\n")
    daemon.server("db")
    assert read_pid(daemon.pidfile("web")) is None


def test_p4_a_clean_shutdown_leaves_no_file(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\ninstances = 20\n")
    for n in range(20):
        daemon.server(f"web:{n}")
    assert (verger.run_dir / "vergerd.pid").exists()
    assert daemon.stop() == 0
    assert not list(verger.run_dir.glob("*.pid"))


@pytest.mark.valgrind
def test_p4_a_missing_directory_prevents_the_start_until_it_is_there(verger):
    pidfile = verger.path("later") / "web.pid"
    daemon = verger.start(
        f"""
[program:web]
command = puppet touch {verger.path("started")} pause
pidfile = {pidfile}
restart_delay = 100ms
restart_delay_max = 100ms
start_limit = none
"""
    )
    daemon.await_log(rf"web: .*{pidfile.parent} does not exist")
    assert not verger.path("started").exists()
    pidfile.parent.mkdir()
    pid = eventually(lambda: read_pid(pidfile), "the retried start")
    assert processes.stat(pid).parent == daemon.pid_itself
    daemon.stop()
    assert not pidfile.exists()


@pytest.mark.needs_root
@pytest.mark.needs_world(*harness.MOUNTING)
@pytest.mark.parametrize(
    "options, reason",
    [("ro", "Read-only file system"), ("size=4k,nr_inodes=2", "No space left on device")],
)
def test_p4_a_disk_that_takes_no_file_prevents_the_start(verger, options, reason):
    disk = verger.path("disk")
    disk.mkdir()
    first = options.split(",")[0]
    fill = "true" if first == "ro" else f"touch {disk}/filler"
    wrapper = [
        "unshare", "-m", "sh", "-c",
        f'mount -t tmpfs -o {options} none {disk} && {fill} && exec "$@"', "sh",
    ]  # fmt: skip
    daemon = verger.start(
        f"""
[program:web]
command = puppet pause
pidfile = {disk}/web.pid
restart_delay = 100ms
restart_delay_max = 100ms
start_limit = none

[program:db]
command = puppet pause
""",
        wrapper=wrapper,
    )
    daemon.await_log(rf"web: .*{reason}", count=2)
    daemon.server("db")
    assert len(processes.children(daemon.pid_itself)) == 1, "web runs without its file"
    if first != "ro":
        inside = f"/proc/{daemon.pid_itself}/root{disk}"
        os.unlink(f"{inside}/filler")
        eventually(lambda: read_pid(f"{inside}/web.pid"), "the retried start")


# P5: only ours is removed


@pytest.mark.valgrind
def test_p5_a_stale_file_is_replaced(verger):
    gone = verger.bystander("true")
    gone.wait()
    (verger.run_dir / "web.pid").write_text(f"{gone.pid}\n")
    daemon = verger.start(WEB)
    pid = eventually(
        lambda: read_pid(daemon.pidfile("web")) not in (None, gone.pid) and daemon.pid("web"),
        "the stale file to be replaced",
    )
    assert processes.stat(pid).parent == daemon.pid_itself


@pytest.mark.parametrize("text", ["", "\n", "-1\n", "0\n", "99999999999999999999\n"])
def test_p5_a_file_without_a_pid_in_it_is_stale(verger, text):
    (verger.run_dir / "web.pid").write_text(text)
    daemon = verger.start(WEB)

    def is_ours():
        text_now = daemon.pidfile("web").read_text() if daemon.pidfile("web").exists() else ""
        return text_now != text and harness.PID_FILE.fullmatch(text_now.encode())

    eventually(is_ours, lambda: f"our PID in the file:\n{daemon.tail()}")


def test_p5_a_file_that_is_something_else_is_left_alone(verger):
    # whoever writes `pidfile = /etc/app.conf` by mistake keeps his file
    path = verger.write("run/web.pid", "port = 8080\n")
    verger.foreign_files.add("web.pid")
    daemon = verger.start(WEB)
    daemon.await_log(rf"web: .*{path}.*left alone")
    assert path.read_text() == "port = 8080\n"


def test_p5_a_file_of_a_living_process_is_respected(verger):
    stranger = verger.bystander()
    path = verger.run_dir / "web.pid"
    path.write_text(f"{stranger.pid}\n")
    daemon = verger.start(WEB + "start_limit = none\n")
    daemon.await_log(rf"web: .*{path}.*\b{stranger.pid}\b")
    always(lambda: read_pid(path) == stranger.pid, "a stranger's file was replaced", 0.3)
    stranger.kill()
    stranger.wait()
    daemon.pid("web", other_than=stranger.pid)


@pytest.mark.valgrind
def test_p5_a_symlink_is_never_followed(verger):
    victim = verger.write("victim", "precious\n")
    (verger.run_dir / "web.pid").symlink_to(victim)
    verger.foreign_files.add("web.pid")
    daemon = verger.start(WEB)
    assert daemon.wait() == 78
    daemon.await_log(r"\[program:web\] pidfile: .*web\.pid.*symbolic link")
    assert victim.read_text() == "precious\n"
    assert (verger.run_dir / "web.pid").is_symlink()


def test_p5_a_symlink_that_comes_later_is_not_followed_either(verger):
    victim = verger.write("victim", "precious\n")
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    path = daemon.pidfile("web")
    path.unlink()
    path.symlink_to(victim)
    os.kill(pid, signal.SIGKILL)
    daemon.await_log(rf"web: .*{path}.*symbolic link")
    assert victim.read_text() == "precious\n"
    path.unlink()
    daemon.pid("web", other_than=pid)


def make_fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize("make", [os.mkdir, make_fifo], ids=["directory", "fifo"])
def test_p5_a_path_that_is_no_file_is_refused(verger, make):
    path = verger.run_dir / "web.pid"
    make(path)
    verger.foreign_files.add("web.pid")
    mode = path.lstat().st_mode
    daemon = verger.start(WEB)
    assert daemon.wait() == 78
    daemon.await_log(rf"\[program:web\] pidfile: .*{path}")
    assert path.lstat().st_mode == mode


def test_p5_a_file_that_somebody_has_put_in_its_place_is_left_alone(verger):
    daemon = verger.start(WEB)
    daemon.server("web")
    path = daemon.pidfile("web")
    path.unlink()
    path.write_text("4242424\n")
    verger.foreign_files.add("web.pid")
    assert daemon.stop() == 0
    assert path.read_text() == "4242424\n"


def test_p5_a_file_that_somebody_has_removed_does_no_harm(verger):
    daemon = verger.start(WEB)
    pid = daemon.server("web")
    daemon.pidfile("web").unlink()
    os.kill(pid, signal.SIGKILL)
    daemon.pid("web", other_than=pid)
    assert daemon.stop() == 0


def test_p5_two_programs_may_not_claim_one_path(verger):
    config = verger.config(
        "[program:one]\ncommand = true\npidfile = /tmp/x.pid\n"
        "[program:two]\ncommand = true\npidfile = /tmp//./x.pid\n"
    )
    result = verger.run("-t", "-c", config)
    assert result.returncode == 78
    assert "[program:two] pidfile" in result.stderr
    assert "one" in result.stderr


def test_p5_a_second_vergerd_on_the_same_run_dir_is_refused_by_name(verger):
    first = verger.start(WEB)
    pid = first.server("web")
    again = verger.run("-c", verger.path("verger.ini"))
    assert again.returncode not in (0, None)
    assert str(first.pid_itself) in again.stderr
    assert str(verger.run_dir) in again.stderr
    assert daemon_is_untouched(first, pid)


def daemon_is_untouched(daemon, pid):
    return daemon.is_alive() and daemon.pid("web") == pid


def test_p5_a_crashed_vergerd_does_not_block_the_next(verger):
    verger.expects_crash = True
    first = verger.start("[program:web]\ncommand = puppet exit 0\nrestart = never\n")
    first.await_log(r"web: ")
    first.crash()
    second = verger.launch("-c", verger.path("verger.ini"))
    eventually(lambda: read_pid(verger.run_dir / "vergerd.pid") == second.pid_itself, "the lock")


def test_p3_vergerds_own_file_is_never_seen_empty(verger):
    path = verger.run_dir / "vergerd.pid"
    for _ in range(30):
        daemon = verger.start("[program:web]\ncommand = puppet pause\n")
        while read_pid(path) != daemon.pid_itself:
            daemon.check_alive()
        assert daemon.stop() == 0


@pytest.mark.needs_root
def test_p5_a_directory_that_anybody_may_write_to_is_refused(verger):
    open_to_all = verger.path("open")
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    daemon = verger.start(WEB + f"pidfile = {open_to_all}/web.pid\n")
    daemon.await_log(rf"web: .*{open_to_all}.*may be written by everybody")
    assert not list(open_to_all.iterdir())


# P9: permissions


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_p9_mode_0644_whatever_the_umask(verger):
    daemon = verger.start(WEB + "umask = 077\n", umask=0o077)
    daemon.server("web")
    assert mode_of(daemon.pidfile("web")) == 0o644


def test_p9_mode_as_asked_for(verger):
    daemon = verger.start(WEB + "pidfile_mode = 0600\n")
    daemon.server("web")
    assert mode_of(daemon.pidfile("web")) == 0o600


@pytest.mark.needs_root
def test_p9_written_as_root_for_a_program_that_is_not(verger):
    daemon = verger.start(WEB + "user = nobody\n")
    pid = daemon.server("web")
    assert processes.status(pid)["Uid"].split()[0] == str(harness.NOBODY_UID)
    assert daemon.pidfile("web").stat().st_uid == 0


@pytest.mark.needs_root
def test_p9_owner_as_asked_for(verger):
    daemon = verger.start(WEB + "pidfile_owner = nobody\n")
    daemon.server("web")
    assert daemon.pidfile("web").stat().st_uid == harness.NOBODY_UID


@pytest.mark.valgrind
def test_p9_a_directory_below_run_dir_is_made_with_safe_permissions(verger):
    daemon = verger.start(WEB + "pidfile = ${run_dir}/sub/web.pid\n", umask=0)
    path = verger.run_dir / "sub/web.pid"
    eventually(lambda: read_pid(path), "the file")
    assert mode_of(path.parent) == 0o755


def test_p9_no_other_directory_is_made(verger):
    elsewhere = verger.path("elsewhere")
    daemon = verger.start(WEB + f"pidfile = {elsewhere}/web.pid\n")
    daemon.await_log(rf"web: .*{elsewhere}")
    assert not elsewhere.exists()
