# SPDX-License-Identifier: MIT
"""B1 and B2: every fault of a configuration in one clear sentence with file, line and key, and
nothing that runs is harmed by it."""

import os
import socket

import processes
import pytest
import verger as harness
from processes import eventually

CONFIG_ERROR = 78


def check(verger, text, name="bad.ini"):
    """vergerd -t on a file with this content; returns its status and lines."""
    path = verger.write(name, text)
    result = verger.run("-t", "-c", path)
    assert "Traceback" not in result.stderr and "Sanitizer" not in result.stderr, result.stderr
    return result.returncode, result.stderr.splitlines()


def refused(verger, text, *parts):
    """The configuration is refused, and some one line has all the parts in it."""
    status, said = check(verger, text)
    assert status == CONFIG_ERROR, said
    assert any(all(part in line for part in parts) for line in said), (parts, said)
    return said


def accepted(verger, text):
    status, said = check(verger, text)
    assert status == 0, said
    return said


# the file as such


def test_b1_missing_file(verger):
    result = verger.run("-c", "/nowhere/verger.ini")
    assert result.returncode == CONFIG_ERROR
    assert "/nowhere/verger.ini: No such file or directory" in result.stderr


def test_b1_directory_instead_of_a_file(verger):
    result = verger.run("-c", verger.run_dir)
    assert result.returncode == CONFIG_ERROR
    assert f"{verger.run_dir}" in result.stderr
    assert "directory" in result.stderr


@pytest.mark.needs_root
def test_b1_unreadable_file(verger):
    path = verger.write("verger.ini", "[program:web]\ncommand = true\n", mode=0o600)
    result = verger.run("-c", path, user=harness.NOBODY_UID, group=harness.NOBODY_UID)
    assert result.returncode == CONFIG_ERROR
    assert f"{path}: Permission denied" in result.stderr


def test_b1_no_file_anywhere(verger):
    result = verger.run()
    assert result.returncode in (64, CONFIG_ERROR)
    assert "verger.ini" in result.stderr


def test_b1_empty_file(verger):
    # nothing to host is no fault of the file, and must be survived
    accepted(verger, "")


def test_b2_byte_order_mark_and_crlf_are_handled(verger):
    accepted(verger, b"\xef\xbb\xbf[program:web]\r\ncommand = puppet exit 0\r\n")
    result = verger.run("--print-config", "-c", verger.path("bad.ini"))
    assert "\r" not in result.stdout
    assert "puppet exit 0\n" in result.stdout


def test_b2_nul_bytes(verger):
    refused(verger, b"[program:web]\ncommand = tr\0ue\n", "bad.ini:2", "NUL")


@pytest.mark.valgrind
def test_b2_values_of_100_kb(verger):
    value = "x" * 100_000
    accepted(verger, f"[program:web]\ncommand = puppet say {value}\n")
    result = verger.run("--print-config", "-c", verger.path("bad.ini"))
    assert value in result.stdout


def test_b2_names_of_300_bytes_are_handled_or_reported(verger):
    name = "n" * 300
    status, said = check(verger, f"[program:{name}]\ncommand = true\n")
    assert status == 0 or any("bad.ini:1" in line for line in said), said
    refused(verger, f"[program:web]\n{name} = true\ncommand = true\n", "bad.ini:2")


def test_b2_names_of_255_bytes_are_handled(verger):
    accepted(verger, f"[program:web]\ncommand = true\nenvironment = {'N' * 255}=1\n")


def test_b2_a_long_line_is_not_cut_into_keys(verger):
    comment = "# " + "x" * 500 + " command = rm\n"
    accepted(verger, f"[program:web]\n{comment}command = true\n")


# keys


def test_b2_unknown_key_with_the_one_that_was_meant(verger):
    refused(
        verger,
        "[program:web]\ncommand = true\nrestart_dealy = 1s\n",
        "bad.ini:3", "[program:web]", "restart_dealy", "restart_delay",
    )  # fmt: skip


def test_b2_unknown_key_without_anything_like_it(verger):
    refused(verger, "[program:web]\ncommand = true\nzzzzzz = 1\n", "bad.ini:3", "zzzzzz")


def test_b2_unknown_section(verger):
    refused(verger, "[porgram:web]\ncommand = true\n", "bad.ini:1", "porgram:web", "program")


def test_b1_key_of_another_section(verger):
    refused(verger, "[program:web]\ncommand = true\nrun_dir = /tmp\n", "bad.ini:3", "run_dir")


def test_b1_key_outside_a_section(verger):
    refused(verger, "command = true\n", "bad.ini:1", "command")


def test_b1_line_that_is_no_key(verger):
    refused(verger, "[program:web]\ncommand = true\njust words\n", "bad.ini:3")


@pytest.mark.parametrize("text", ["$x", "$1", "US$ 5", "$"])
def test_b2_a_dollar_without_a_brace_is_a_dollar(verger, text):
    accepted(verger, f"[program:web]\ncommand = echo {text}\n")


def test_b1_duplicate_key(verger):
    refused(
        verger, "[program:web]\ncommand = true\ncommand = false\n", "bad.ini:3", "command", "2"
    )


def test_b1_duplicate_program(verger):
    refused(
        verger,
        "[program:web]\ncommand = true\n[program:db]\ncommand = true\n[program:web]\ncommand = x\n",
        "bad.ini:5", "web",
    )  # fmt: skip


def test_b1_program_without_command(verger):
    refused(verger, "[program:web]\nnice = 1\n", "bad.ini:1", "[program:web]", "command")


@pytest.mark.valgrind
def test_b1_all_faults_in_one_run(verger):
    said = refused(
        verger,
        "[verger]\nlog_level = loud\n[program:web]\ncommand = true\nnice = many\nrestart = maybe\n"
        "stop_signal = TREM\n",
        "bad.ini:2", "log_level", "loud",
    )  # fmt: skip
    for line, key in ((5, "nice"), (6, "restart"), (7, "stop_signal")):
        assert any(f"bad.ini:{line}" in text and key in text for text in said), (key, said)


@pytest.mark.parametrize(
    "key, value",
    [
        ("restart", "sometimes"),
        ("type", "daemon"),
        ("stop_timeout", "ten"),
        ("stop_timeout", "-1"),
        ("stop_timeout", "10 apples"),
        ("stop_signal", "NOPE"),
        ("stop_signal", "TERM/"),
        ("start_limit", "10"),
        ("start_limit", "x/y"),
        ("restart_jitter", "200%"),
        ("nice", "100"),
        ("oom_score_adj", "5000"),
        ("umask", "9"),
        ("pidfile_mode", "rw-r--r--"),
        ("autostart", "perhaps"),
        ("instances", "-3"),
        ("instances", "0x10"),
        ("limit_nofile", "many"),
        ("limit_nofile", "200:100"),
        ("success_exit", "256"),
        ("forward_signals", "KILL"),
        ("forward_signals", "USR1:NOPE"),
        ("kill", "everyone"),
        ("environment", "NOVALUE"),
        ("user", "no-such-user"),
        ("group", "no-such-group"),
        ("stdin", ""),
        ("log_max_size", "huge"),
        ("log_max_age", "daily"),
        ("log_keep", "10001"),
        ("log_compress", "gz"),
        ("log_format", "plain"),
        ("log_stalled", "wait"),
        ("log_memory", "2M"),
        ("requires", "nobody-of-that-name"),
        ("requires", "web"),
    ],
)
def test_b1_a_wrong_value_is_named(verger, key, value):
    said = refused(
        verger, f"[program:web]\ncommand = true\n{key} = {value}\n", "bad.ini:3", f"{key}"
    )
    if value:
        word = {"TERM/": "duration"}.get(value, value.split(":")[-1].split("/")[0])
        assert any("bad.ini:3" in line and word in line for line in said), said


# logs


def test_b1_a_size_as_people_write_it(verger):
    refused(
        verger, "[program:web]\ncommand = true\nlog_max_size = 50 MB\n",
        "bad.ini:3", "log_max_size", "'50 MB'", "did you mean 50M?",
    )  # fmt: skip


def test_b1_programs_that_share_a_log_agree_on_it(verger):
    one = "[program:one]\ncommand = true\nstdout = /l\nlog_keep = 3\n"
    two = "[program:two]\ncommand = true\nstderr = /l\nlog_keep = 4\n"
    refused(verger, one + two, "bad.ini:8", "[program:two]", "'one' and 'two'", "log_keep")
    accepted(verger, one + two.replace("4", "3"))


@pytest.mark.parametrize("place", ["pidfile = /p", "control_socket = /p"])
def test_b1_a_log_that_is_something_else(verger, place):
    refused(
        verger, f"[verger]\n{place}\n[program:web]\ncommand = true\nstdout = /p\n",
        "bad.ini:5", "[program:web]", "stdout", "vergerd itself",
    )  # fmt: skip


# words and expansion


@pytest.mark.parametrize("command", ["sh -c 'echo", 'sh -c "echo', "sh \\"])
def test_b1_unterminated_quotes(verger, command):
    refused(verger, f"[program:web]\ncommand = {command}\n", "bad.ini:2", "command")


def test_b1_unset_variable(verger):
    refused(
        verger, "[program:web]\ncommand = echo ${NO_SUCH_NAME}\n", "bad.ini:2", "NO_SUCH_NAME"
    )


def test_b1_variable_with_a_message(verger):
    refused(
        verger,
        "[program:web]\ncommand = echo ${PORT_OF_APP:?the platform sets it}\n",
        "bad.ini:2", "PORT_OF_APP", "the platform sets it",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${A:", "${1A}"])
def test_b1_malformed_expansion(verger, text):
    refused(verger, f"[program:web]\ncommand = echo {text}\n", "bad.ini:2", "command")


# includes


@pytest.mark.valgrind
def test_b1_include_keeps_its_own_name(verger):
    verger.write("conf.d/one.ini", "[program:one]\ncommand = true\n")
    verger.write("conf.d/two.ini", "[program:two]\ncommand = true\nnise = 1\n")
    refused(verger, "[verger]\ninclude = conf.d/*.ini\n", "two.ini:3", "nise", "nice")


def test_b1_include_loop(verger):
    verger.write("b.ini", "[verger]\ninclude = bad.ini\n[program:b]\ncommand = true\n")
    status, said = check(verger, "[verger]\ninclude = b.ini\n[program:a]\ncommand = true\n")
    assert status == CONFIG_ERROR
    assert any("include" in line and ".ini:2" in line for line in said), said


def test_b1_include_itself(verger):
    refused(verger, "[verger]\ninclude = bad.ini\n", "include", "bad.ini:2")


def test_b1_include_of_a_file_that_is_missing(verger):
    refused(verger, "[verger]\ninclude = nowhere.ini\n[program:a]\ncommand = true\n",
            "bad.ini:2", "nowhere.ini")  # fmt: skip


def test_b1_dependency_circle(verger):
    refused(
        verger,
        "[program:a]\ncommand = true\nrequires = b\n[program:b]\ncommand = true\nrequires = a\n",
        "requires", "a", "b",
    )  # fmt: skip


# nothing that runs is harmed


def test_b1_nothing_is_started_from_a_configuration_with_a_fault(verger):
    touched = verger.path("touched")
    config = verger.config(
        f"[program:good]\ncommand = puppet touch {touched} pause\n[program:bad]\nnice = 1\n"
    )
    result = verger.run("-c", config)
    assert result.returncode == CONFIG_ERROR
    assert not touched.exists()
    assert not list(verger.run_dir.iterdir())


def test_b1_a_failed_second_start_harms_nothing_that_runs(verger):
    daemon = verger.start("[program:web]\ncommand = puppet pause\n")
    pid = daemon.server("web")
    config = verger.config("[program:web]\ncommand = puppet pause\nnonsense = 1\n", name="2.ini")
    assert verger.run("-c", config).returncode == CONFIG_ERROR
    assert verger.run("-c", verger.path("verger.ini")).returncode != 0
    assert daemon.pid("web") == pid
    daemon.check_alive()


@pytest.mark.parametrize(
    "bad",
    [
        "command = /nowhere/server",
        "command = /etc",
        "command = /etc/passwd",
        "command = puppet pause\ndirectory = /nowhere",
        "command = puppet pause\npidfile = /nowhere/bad.pid",
        "command = puppet pause\npidfile = /proc/bad.pid",
        "command = puppet pause\nstdout = /nowhere/log",
    ],
)
def test_b1_one_bad_program_leaves_the_others_alone(verger, bad):
    daemon = verger.start(
        f"[program:web]\ncommand = puppet pause\n[program:bad]\nrestart_delay = 50ms\n{bad}\n"
    )
    pid = daemon.server("web")
    daemon.await_log(r"bad: ", count=2)
    assert daemon.pid("web") == pid


def test_b1_a_pid_path_that_is_a_socket(verger):
    path = verger.path("web.pid")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    refused(verger, f"[program:web]\ncommand = true\npidfile = {path}\n", "bad.ini:3", str(path))
    assert path.is_socket()


def test_b1_a_pid_path_that_is_a_device(verger):
    refused(
        verger, "[program:web]\ncommand = true\npidfile = /dev/null\n", "bad.ini:3", "/dev/null"
    )


def test_b1_run_dir_that_cannot_be_had(verger):
    result = verger.run(
        "-c",
        verger.write("verger.ini", "[verger]\nrun_dir = /proc/verger\n[program:a]\ncommand = true\n"),
    )
    assert result.returncode != 0
    assert "/proc/verger" in result.stderr


def test_b1_a_fifo_as_output_does_not_hold_vergerd_up(verger):
    fifo = verger.path("fifo")
    os.mkfifo(fifo)
    daemon = verger.start(
        f"[program:stuck]\ncommand = puppet pause\nstdout = {fifo}\nrestart_delay = 50ms\n"
        "[program:web]\ncommand = puppet pause\n"
    )
    eventually(lambda: processes.is_alive(daemon.server("web")), "the other program")
