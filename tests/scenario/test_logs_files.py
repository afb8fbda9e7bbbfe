# SPDX-License-Identifier: MIT
"""Logs in files: those that programs write themselves, and those that vergerd writes, rotates and
packs."""

import os
import re

import logs
import processes
import pytest
from logs import await_bytes, content, numbered, program
from processes import eventually

STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
ONCE = {"restart": "never"}


def start(verger, text, **options):
    daemon = verger.start(text, **options)
    return daemon, daemon.client()


# direct


def wakeups(pid):
    """How often the process has gone to sleep and was taken off its processor, all threads."""
    tasks = os.listdir(f"/proc/{pid}/task")
    facts = [processes.status(f"{pid}/task/{task}") for task in tasks]
    return sum(int(f.get("voluntary_ctxt_switches", 0)) for f in facts)


def test_i5_a_direct_log_costs_no_descriptor_no_thread_and_no_wakeup(verger):
    log, go, done = (verger.path(name) for name in ("web.log", "go", "done"))
    rounds = 5
    text = "".join(f"await {go}{n} count web 20000 touch {done}{n} " for n in range(rounds))
    daemon, client = start(
        verger, program("web", f"puppet chunk 4096 {text}pause", stdout=log, stderr="stdout")
    )
    pid = daemon.server("web")
    client.await_state("web", "running")
    assert os.readlink(f"/proc/{pid}/fd/1") == os.readlink(f"/proc/{pid}/fd/2") == str(log)
    # threads that have opened it are gone after a while
    tasks = f"/proc/{daemon.pid_itself}/task"
    eventually(lambda: os.listdir(tasks) == [str(daemon.pid_itself)], "one thread")
    held = processes.descriptors(daemon.pid_itself).values()
    assert str(log) not in held
    assert not [path for path in held if path.startswith("pipe:")]
    todo = iter(range(rounds))

    def switches_while_it_writes():
        n = next(todo)
        eventually(lambda: processes.is_at_rest([daemon.pid_itself]), "vergerd to rest")
        before = wakeups(daemon.pid_itself)
        verger.write(f"go{n}", "")
        eventually(verger.path(f"done{n}").exists, "the lines")
        return wakeups(daemon.pid_itself) - before

    processes.in_one_of(rounds, switches_while_it_writes, lambda switches: switches == 0)
    assert content(log) == numbered("web", content(log).count(b"\n"))


def test_a_direct_log_that_is_cut_goes_on_at_its_beginning(verger):
    log, go = verger.path("web.log"), verger.path("go")
    start(verger, program("web", f"puppet count web 100 await {go} count web 100 pause", stdout=log))
    await_bytes(lambda: content(log), numbered("web", 100))
    os.truncate(log, 0)
    verger.write("go", "")
    await_bytes(lambda: content(log), numbered("web", 100, first=101))


@pytest.mark.valgrind
def test_l1_a_direct_log_is_appended_to_over_restarts_and_vergerds(verger):
    log = verger.write("web.log", "before\n")
    daemon, client = start(verger, program("web", "puppet say one pause", stdout=log))
    await_bytes(lambda: content(log), b"before\none\n")
    client.outcome("Restart", "web")
    await_bytes(lambda: content(log), b"before\none\none\n")
    assert daemon.stop() == 0
    verger.launch("-c", verger.path("verger.ini"))
    await_bytes(lambda: content(log), b"before\none\none\none\n")


# rotation


@pytest.mark.valgrind
def test_l1_l3_rotation_by_size_at_line_ends(verger):
    log, lines = verger.path("web.log"), 5000
    daemon, _ = start(
        verger,
        program(
            "web", f"puppet width 61 chunk 1000 count web {lines} pause",
            stdout=log, log_max_size="8k", log_keep=1000,
        ),
    )  # fmt: skip
    await_bytes(lambda: logs.whole(log), numbered("web", lines, 61))
    files = logs.rotated_and_at_line_ends(log, 8192)
    # as full as they may be: the next line would not have gone into it
    assert all(file.stat().st_size > 8192 - 61 for file in files)
    assert daemon.stop() == 0
    assert logs.whole(log) == numbered("web", lines, 61)


def test_l3_only_so_many_are_kept_and_the_oldest_go(verger):
    log, lines = verger.path("web.log"), 5000
    start(
        verger,
        program(
            "web", f"puppet width 50 count web {lines} say done pause",
            stdout=log, log_max_size="4k", log_keep=3,
        ),
    )  # fmt: skip
    eventually(lambda: content(log).endswith(b"done\n"), "the last line")
    assert len(logs.rotated(log)) == 3
    text = logs.whole(log)
    assert (numbered("web", lines, 50) + b"done\n").endswith(text) and len(text) > 3 * 4000


def test_l3_a_line_larger_than_the_file_may_be_has_one_of_its_own(verger):
    log = verger.path("web.log")
    start(
        verger,
        program(
            "web", "puppet count web 3 width 9000 count web 2 width 0 count web 3 pause",
            stdout=log, log_max_size="4k", log_keep=100,
        ),
    )  # fmt: skip
    small, large = numbered("web", 3), numbered("web", 2, 9000, first=4)
    await_bytes(lambda: logs.whole(log), small + large + numbered("web", 3, first=6))
    assert [file.stat().st_size for file in logs.rotated(log)] == [len(small), 9000, 9000]


def test_l1_l3_rotation_by_age(verger):
    log, stop = verger.path("web.log"), verger.path("stop")
    daemon, client = start(
        verger,
        program(
            "web", f"puppet pace 20 count-until web {stop} pause",
            stdout=log, log_max_age="1s", log_keep=1000,
        ),
    )  # fmt: skip
    eventually(lambda: len(logs.rotated(log)) >= 2, "two rotations")
    verger.write("stop", "")
    eventually(lambda: logs.has_ended(content(log)), "the last line")
    logs.check_up_to_the_end(logs.whole(log), "web")
    logs.rotated_and_at_line_ends(log, 1 << 20)


PACKED = {"gzip": ".gz", "zstd": ".zst", "xz": ".xz"}


@pytest.mark.parametrize(
    "packer", [pytest.param(name, marks=pytest.mark.needs(name)) for name in PACKED]
)
def test_l1_l3_rotated_files_are_packed(verger, packer):
    log, lines = verger.path("web.log"), 3000
    daemon, _ = start(
        verger,
        program(
            "web", f"puppet width 100 count web {lines} pause",
            stdout=log, log_max_size="100k", log_keep=100, log_compress=packer,
        ),
    )  # fmt: skip

    def all_packed():
        files = logs.rotated(log)
        return len(files) == 2 and all(file.suffix == PACKED[packer] for file in files)

    # at the lowest priority that there is: others on the machine come first
    eventually(all_packed, lambda: f"packed files: {logs.rotated(log)}", 120)
    await_bytes(lambda: logs.whole(log), numbered("web", lines, 100))
    # nothing half done is left, and the files are as readable as the log
    eventually(lambda: len([p for p in log.parent.iterdir() if p.name.startswith("web.log")]) == 3, "order")
    assert {file.stat().st_mode for file in logs.rotated(log)} == {log.stat().st_mode}
    assert daemon.stop() == 0


def fake_packer(verger, script):
    folder = verger.path("fakes")
    folder.mkdir()
    verger.write("fakes/gzip", f"#!/bin/sh\n{script}\n", 0o755)
    return f"{folder}:{verger.binaries}"


FAILURES = {
    "missing": None,
    "fails": "head -c 100\nexit 3",
    "dies": "head -c 100\nkill -9 $$",
    "writes-nothing-and-fails": "exit 1",
    "not-to-be-run": "",
}


@pytest.mark.parametrize("how", FAILURES)
def test_l1_a_packer_that_fails_loses_nothing(verger, how):
    log, lines, script = verger.path("web.log"), 2000, FAILURES[how]
    path = f"{fake_packer(verger, script)}:/usr/bin:/bin" if script is not None else str(verger.binaries)
    if how == "not-to-be-run":
        verger.path("fakes/gzip").write_text("#!/no/such/interpreter\n")
    daemon, client = start(
        verger,
        program(
            "web", f"puppet width 100 count web {lines} pause",
            stdout=log, log_max_size="50k", log_keep=100, log_compress="gzip",
        ),
        env={"PATH": path},
    )  # fmt: skip
    await_bytes(lambda: logs.whole(log), numbered("web", lines, 100))
    daemon.await_log(r"warning.*gzip|gzip.*warning|web\.log.*(pack|gzip)", 120)
    assert logs.whole(log) == numbered("web", lines, 100)
    assert client.state("web") == "running"
    assert daemon.stop() == 0
    left = [p.name for p in log.parent.iterdir() if p.name.startswith("web.log")]
    assert sorted(left) == sorted([p.name for p in logs.rotated(log)] + ["web.log"])
    assert logs.whole(log) == numbered("web", lines, 100)


# formats


def formatted(verger, command, form, **keys):
    """All that a program leaves in a log of this format when it has ended."""
    log = verger.path("web.log")
    daemon = verger.start(
        program("web", command, stdout=log, stderr="stdout", log_format=form, **{**ONCE, **keys}),
        "exit_when = all",
    )
    assert daemon.wait() == 0
    return content(log)


def test_l1_timestamp(verger):
    text = formatted(verger, "puppet say one say two put three", "timestamp")
    lines = text.split(b"\n")
    assert [re.sub(STAMP, b"T", line) for line in lines] == [b"T one", b"T two", b"T three", b""]
    stamps = [line.split()[0] for line in lines[:-1]]
    assert stamps == sorted(stamps)


def test_l1_prefix_and_the_last_line_that_was_not_ended(verger):
    assert formatted(verger, "puppet say one put two", "prefix") == b"web | one\nweb | two\n"


def test_l1_raw_is_copied_byte_by_byte(verger):
    text = formatted(
        verger, "python3 -c \"import os; os.write(1, bytes(range(256)) + b'no end')\"", "raw",
        log_max_size="1M",
    )  # fmt: skip
    assert text == bytes(range(256)) + b"no end"


def test_l1_json_has_all_there_is_to_know(verger):
    (first, second, last) = logs.objects(
        formatted(verger, "puppet say 'a \"b\"' complain ouch put end", "json")
    )
    assert first["message"] == 'a "b"' and second["message"] == "ouch" and last["message"] == "end"
    for one in (first, second, last):
        assert set(one) == {"time", "program", "instance", "stream", "pid", "message"}
        assert re.fullmatch(STAMP.decode(), one["time"])
        assert (one["program"], one["instance"], one["stream"]) == ("web", 0, "stdout")
        assert one["pid"] == first["pid"]


def test_json_names_streams_and_instances(verger):
    log, errors = verger.path("out"), verger.path("err")
    daemon = verger.start(
        program(
            "web", "puppet say out complain err",
            instances=2, stdout=log, stderr=errors, log_format="json", **ONCE,
        ),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    for path, stream, said in ((log, "stdout", "out"), (errors, "stderr", "err")):
        told = sorted(logs.objects(content(path)), key=lambda one: one["instance"])
        assert [(o["program"], o["instance"], o["stream"], o["message"]) for o in told] == [
            (f"web:{n}", n, stream, said) for n in (0, 1)
        ]


def test_json_has_the_right_pid_across_quick_restarts(verger):
    log = verger.path("web.log")
    lives = logs.Lives(verger, stdout=log, log_format="json")
    daemon, _ = start(verger, lives.section)
    lives.await_lives(60, lambda: content(log).count(b"\n"))
    assert daemon.stop() == 0
    told = logs.objects(content(log))
    assert [one["pid"] for one in told] == [int(one["message"]) for one in told]
    assert list(dict.fromkeys(one["pid"] for one in told))[:60] == lives.pids()[:60]


LONG = 40000


def test_l1_long_lines_are_split_with_marks(verger):
    text = formatted(verger, f"puppet width {LONG + 1} count web 1 say short", "prefix")
    pieces = text.split(b"\n")
    assert pieces[-2:] == [b"web | short", b""]
    first, second, third = pieces[:3]
    assert first.startswith(b"web | web 1 x") and first.endswith(b" [...]")
    assert second.startswith(b"web | [...] x") and second.endswith(b"x [...]")
    assert third.startswith(b"web | [...] x") and third.endswith(b"x")
    bare = b"".join(
        piece.removeprefix(b"web | ").removeprefix(b"[...] ").removesuffix(b" [...]")
        for piece in pieces[:3]
    )
    assert bare + b"\n" == numbered("web", 1, LONG + 1)


def test_l1_long_lines_in_json_are_partial(verger):
    told = logs.objects(formatted(verger, f"puppet width {LONG + 1} count web 1 say short", "json"))
    assert [one.get("partial") for one in told] == [True, True, None, None]
    assert "".join(one["message"] for one in told[:3]) == numbered("web", 1, LONG + 1).decode()[:-1]
    assert told[3]["message"] == "short"


BAD = "python3 -c \"import os; os.write(1, b'caf\\\\xe9 \\\\xff\\\\xfe \\\\x00 \\\\x1b[1m\\\\n')\""
BAD_BYTES = b"caf\xe9 \xff\xfe \x00 \x1b[1m\n"


def test_l1_invalid_utf8_is_left_alone_in_text(verger):
    assert formatted(verger, BAD, "prefix") == b"web | " + BAD_BYTES


def test_invalid_utf8_is_replaced_in_json(verger):
    (told,) = logs.objects(formatted(verger, BAD, "json"))
    assert told["message"].replace("\N{REPLACEMENT CHARACTER}", "?") == "caf? ?? \0 \x1b[1m"


def test_l1_order_of_both_streams(verger):
    words = " ".join(f"say out-{n} complain err-{n}" for n in range(200))
    text = formatted(verger, f"puppet {words}", "prefix")
    expected = "".join(f"web | out-{n}\nweb | err-{n}\n" for n in range(200))
    assert text == expected.encode()


def test_l1_errors_in_a_file_of_their_own(verger):
    log, errors = verger.path("web.log"), verger.path("web.err")
    daemon = verger.start(
        program(
            "web", "puppet say one complain two say three put four",
            stdout=log, stderr=errors, log_format="prefix", **ONCE,
        ),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    assert content(log) == b"web | one\nweb | three\nweb | four\n"
    assert content(errors) == b"web | two\n"


# sharing


@pytest.mark.valgrind
@pytest.mark.parametrize("form", ["raw", "prefix"])
def test_l1_programs_that_share_a_file_never_mix_lines(verger, form):
    log, lines, names = verger.path("all.log"), 400, [f"p{n}" for n in range(6)]
    daemon = verger.start(
        "".join(
            program(
                name, f"puppet width {20 + 7 * n} chunk {5 + 3 * n} count {name} {lines}",
                stdout=log, log_format=form, log_max_size="16k", log_keep=1000, **ONCE,
            )
            for n, name in enumerate(names)
        ),
        "exit_when = all",
    )  # fmt: skip
    assert daemon.wait() == 0
    text = logs.whole(log)
    logs.rotated_and_at_line_ends(log, 16384)
    if form == "prefix":
        assert all(
            text.split(b" | ", 1)[0] == text.split(b" | ", 1)[1].split(b" ", 1)[0]
            for text in text.splitlines()
        )
        text = b"".join(line.split(b" | ", 1)[1] + b"\n" for line in text.splitlines())
    told = logs.by_tag(text)
    assert set(told) == set(names)
    for n, name in enumerate(names):
        expected = numbered(name, lines, 20 + 7 * n)
        assert told[name] == expected, logs.difference(told[name], expected)


def test_l1_a_line_without_an_end_is_ended_before_anothers(verger):
    log, go = verger.path("all.log"), verger.path("go")
    daemon = verger.start(
        program("a", f"puppet put half await {go} say -whole", stdout=log, **ONCE)
        + program("b", "puppet say other", stdout=log, autostart="no", **ONCE)
    )
    client = daemon.client()
    await_bytes(lambda: content(log), b"half")
    client.outcome("Start", "b")
    await_bytes(lambda: content(log), b"half\nother\n")
    verger.write("go", "")
    await_bytes(lambda: content(log), b"half\nother\n-whole\n")
