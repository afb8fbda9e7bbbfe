# SPDX-License-Identifier: MIT
"""Output in the system log and in the journal: what their daemons are sent, and what becomes of it
while they are away.  The daemons are made up here, in a world of vergerd's own, and one is real."""

import contextlib
import re
import select
import socket
import struct
import threading

import logs
import pytest
import verger as harness
from logs import await_trouble, await_well, check_the_rest_goes_on, content, numbered, program
from processes import eventually

ONCE = {"restart": "never"}
KINDS = pytest.mark.parametrize("kind", ["syslog", "journal"])

# /dev and /run of the world are folders of the test; what it binds there is seen there
DEVICES = "null zero full random urandom"
WORLD = (
    "for f in {devices}; do touch {root}/dev/$f && mount --bind /dev/$f {root}/dev/$f || exit; done && "
    "mount --rbind {root}/dev /dev && mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
    "mount --bind {root}/journal /run/systemd/journal"
)
IN_THE_WORLD = pytest.mark.needs_world(*harness.MOUNTING)


def parse_journal(datagram):
    """An entry in the journal's native protocol."""
    fields = {}
    while datagram:
        name, separator, rest = datagram.partition(b"\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
            datagram = rest
        else:
            assert separator, name
            (size,) = struct.unpack_from("<Q", rest)
            value = rest[8 : 8 + size]
            assert rest[8 + size : 9 + size] == b"\n"
            datagram = rest[9 + size :]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]*", name), name
        assert name.decode() not in fields
        fields[name.decode()] = value
    return fields


SYSLOG = re.compile(
    rb"<(?P<priority>\d+)>(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<tag>[^\[:]+)\[(?P<pid>\d+)\]: "
    rb"(?P<text>.*)",
    re.DOTALL,
)


class Daemon:
    """Something that listens at a socket and keeps what it is sent."""

    def __init__(self, path, reads):
        self.path = path
        self.datagrams = []
        self.socket = None
        self._may = threading.Event()
        if reads:
            self.go()
        self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # elsewhere first: nobody is to find one that is not listening yet
        beside = self.path.with_name("beside")
        self.socket.bind(str(beside))
        beside.chmod(0o666)
        beside.rename(self.path)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            if self._may.wait(0.01) and select.select([self.socket], [], [], 0.01)[0]:
                self._receive()

    def _receive(self):
        with contextlib.suppress(BlockingIOError):
            while got := self.socket.recv(1 << 18, socket.MSG_DONTWAIT):
                self.datagrams.append(got)

    def go(self):
        """It reads from now on."""
        self._may.set()

    def stop(self):
        """What it was sent it has read: nothing is its fault."""
        if self.socket:
            self.path.unlink()
            self._over.set()
            self._thread.join()
            # nobody who has it open may send more while the rest is read
            self.socket.shutdown(socket.SHUT_RD)
            self._receive()
            self.socket.close()
            self.socket = None


class Places:
    """Where the daemons listen."""

    def __init__(self, verger):
        self.root = verger.root
        for name in ("dev", "journal"):
            (self.root / name).mkdir()
            (self.root / name).chmod(0o755)
        self.world = {"wrapper": logs.mounting(WORLD.format(root=self.root, devices=DEVICES))}
        self.paths = {"syslog": self.root / "dev" / "log", "journal": self.root / "journal" / "socket"}
        self.daemons = []

    def daemon(self, kind, reads=True):
        self.daemons.append(Daemon(self.paths[kind], reads))
        return self.daemons[-1]


@pytest.fixture
def places(verger):
    found = Places(verger)
    yield found
    for daemon in found.daemons:
        daemon.stop()


def texts(kind, datagrams):
    """What the programs have said."""
    if kind == "journal":
        return [parse_journal(datagram)["MESSAGE"] for datagram in datagrams]
    return [SYSLOG.fullmatch(datagram)["text"] for datagram in datagrams]


def spoken(kind, daemon):
    return b"".join(text + b"\n" for text in texts(kind, list(daemon.datagrams)))


# what they are sent


@pytest.mark.needs_root
@IN_THE_WORLD
def test_l1_syslog_has_name_pid_and_priority(verger, places):
    daemon = places.daemon("syslog")
    vergerd = verger.start(
        program(
            "web", "puppet say one complain two put three pause",
            stdout="syslog", stderr="stdout", instances=2,
        ),
        **places.world,
    )  # fmt: skip
    client = vergerd.client()
    pids = {f"web:{n}": client.status(f"web:{n}")["pid"] for n in (0, 1)}
    eventually(lambda: len(daemon.datagrams) == 4, lambda: daemon.datagrams)
    assert vergerd.stop() == 0
    for name, pid in pids.items():
        found = [SYSLOG.fullmatch(one) for one in daemon.datagrams]
        ours = [one for one in found if one["tag"].decode() == name.replace(":", "/")]
        assert [one["text"] for one in ours] == [b"one", b"two", b"three"]
        assert {int(one["pid"]) for one in ours} == {pid}
        # daemon.info
        assert {int(one["priority"]) for one in ours} == {3 * 8 + 6}


@pytest.mark.needs_root
@IN_THE_WORLD
def test_l1_the_journal_has_fields(verger, places):
    daemon = places.daemon("journal")
    vergerd = verger.start(
        program("web", "puppet say one say '' put three pause", stdout="journal", instances=2)
        + program("err", "puppet complain ouch pause", stdout="null", stderr="journal"),
        **places.world,
    )
    client = vergerd.client()
    pids = {name: client.status(name)["pid"] for name in ("web:0", "web:1", "err")}
    eventually(lambda: len(daemon.datagrams) == 5, lambda: daemon.datagrams)
    assert vergerd.stop() == 0
    entries = [parse_journal(one) for one in daemon.datagrams]
    for n, name in enumerate(("web:0", "web:1")):
        ours = [one for one in entries if one["VERGER_PROGRAM"].decode() == name]
        assert [one["MESSAGE"] for one in ours] == [b"one", b"", b"three"]
        for one in ours:
            assert one["SYSLOG_IDENTIFIER"].decode() == name
            assert int(one["SYSLOG_PID"]) == int(one["OBJECT_PID"]) == pids[name]
            assert int(one["PRIORITY"]) == 6
            assert int(one.get("VERGER_INSTANCE", b"0")) == n
            assert one["VERGER_STREAM"] == b"stdout"
    (err,) = [one for one in entries if one["VERGER_PROGRAM"] == b"err"]
    assert err["MESSAGE"] == b"ouch" and err["VERGER_STREAM"] == b"stderr"
    assert int(err["OBJECT_PID"]) == pids["err"]


BYTES = b"caf\xe9 \x01 = \xff\\"


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
def test_l1_bytes_and_long_lines(verger, places, kind):
    """The journal takes any bytes; of long lines all pieces come."""
    daemon = places.daemon(kind)
    verger.write("bytes", BYTES + b"\n")
    verger.start(
        program(
            "web", f"sh -c 'cat {verger.path('bytes')}; "
            "exec puppet width 30000 count web 1 width 0 count web 1 pause'",
            stdout=kind,
        ),
        **places.world,
    )  # fmt: skip
    eventually(lambda: b"web 2" in texts(kind, daemon.datagrams), lambda: daemon.datagrams)
    first, *pieces, last = texts(kind, daemon.datagrams)
    if kind == "journal":
        assert first == BYTES
    bare = [piece.removeprefix(b"[...] ").removesuffix(b" [...]") for piece in pieces]
    assert len(pieces) > 1 and b"".join(bare) + b"\n" == numbered("web", 1, 30000)
    assert last == b"web 2"


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
def test_l1_the_pid_is_that_of_each_life(verger, places, kind):
    daemon = places.daemon(kind)
    lives = logs.Lives(verger, stdout=kind)
    vergerd = verger.start(lives.section, **places.world)
    lives.await_lives(24, lambda: len(daemon.datagrams))
    assert vergerd.stop() == 0
    for datagram in daemon.datagrams:
        if kind == "journal":
            entry = parse_journal(datagram)
            assert entry["OBJECT_PID"] == entry["SYSLOG_PID"] == entry["MESSAGE"]
        else:
            found = SYSLOG.fullmatch(datagram)
            assert found["pid"] == found["text"]


# daemons that are away

LINES, WIDTH = 6000, 100  # more than a pipe and what was read already hold


def writer(verger, kind, stalled="block"):
    return program(
        "web", f"puppet count web 10 await {verger.path('go')} width {WIDTH} chunk 4096 count web {LINES} "
        f"touch {verger.path('done')} pause",
        stdout=kind, log_stalled=stalled,
    ) + logs.rest(verger)  # fmt: skip


def expected():
    return numbered("web", 10) + numbered("web", LINES, WIDTH, first=11)


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
def test_l1_l2_c3_a_daemon_that_comes_late(verger, places, kind):
    vergerd = verger.start(writer(verger, kind), **places.world)
    logs.await_rest(verger)
    verger.write("go", "")
    client = vergerd.client()
    await_trouble(client, "web", "No such file|nobody")
    check_the_rest_goes_on(verger, vergerd)
    assert not verger.path("done").exists(), "the program is to wait"
    daemon = places.daemon(kind)
    eventually(lambda: spoken(kind, daemon) == expected(), "all lines")
    await_well(client, "web")
    vergerd.await_log(r"takes output again; 0 bytes were lost")


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
def test_l1_l2_c3_a_daemon_that_is_restarted(verger, places, kind):
    first = places.daemon(kind)
    vergerd = verger.start(writer(verger, kind), **places.world)
    logs.await_rest(verger)
    eventually(lambda: spoken(kind, first) == numbered("web", 10), "the first lines")
    first.stop()
    verger.write("go", "")
    client = vergerd.client()
    await_trouble(client, "web", "refused|No such file|nobody")
    check_the_rest_goes_on(verger, vergerd)
    second = places.daemon(kind)
    rest = expected().removeprefix(numbered("web", 10))
    eventually(lambda: spoken(kind, second) == rest, "the rest")
    await_well(client, "web")


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
def test_l1_a_daemon_that_is_restarted_again_and_again(verger, places, kind):
    """In the midst of the lines; vergerd finds the new one at once."""
    daemon = places.daemon(kind)
    verger.start(writer(verger, kind), **places.world)
    logs.await_rest(verger)
    verger.write("go", "")
    for turn in range(1, 6):
        eventually(lambda: len(daemon.datagrams) > 500 * turn, lambda: len(daemon.datagrams))
        daemon.stop()
        daemon.start()
    eventually(lambda: len(daemon.datagrams) >= LINES + 10, lambda: len(daemon.datagrams))
    assert spoken(kind, daemon) == expected(), logs.difference(spoken(kind, daemon), expected())


@pytest.mark.needs_root
@IN_THE_WORLD
@KINDS
@pytest.mark.parametrize("stalled", ["block", "drop"])
def test_l1_l2_c3_a_daemon_that_does_not_read(verger, places, kind, stalled):
    daemon = places.daemon(kind, reads=False)
    vergerd = verger.start(writer(verger, kind, stalled), **places.world)
    logs.await_rest(verger)
    client = vergerd.client()
    verger.write("go", "")
    await_trouble(client, "web", "does not read")
    check_the_rest_goes_on(verger, vergerd)
    if stalled == "drop":
        eventually(verger.path("done").exists, "the program not to wait")
        eventually(lambda: client.status("web")["log"]["lost_bytes"] > 0, "a loss")
        daemon.go()
        eventually(lambda: logs.NOTE.search(spoken(kind, daemon)), "the note")
    else:
        assert not verger.path("done").exists()
        daemon.go()
        eventually(lambda: spoken(kind, daemon) == expected(), "all lines")
    await_well(client, "web")
    assert vergerd.stop() == 0
    if stalled == "drop":
        check_dropped(spoken(kind, daemon))


def check_dropped(text):
    first = numbered("web", 10)
    assert text.startswith(first)
    written = [int(n) for n in re.findall(rb"^web (\d+)", text, re.MULTILINE)]
    notes = logs.NOTE.findall(text)
    assert written == sorted(set(written))
    assert len(written) + sum(int(lines) for lines, _, _ in notes) == LINES + 10
    kept = len(text) - sum(len(m[0]) + 1 for m in logs.NOTE.finditer(text))
    assert kept + sum(int(size) for _, size, _ in notes) == len(expected())


# a real one


@pytest.mark.needs_root
@pytest.mark.needs("rsyslogd")
@IN_THE_WORLD
def test_l1_rsyslog(verger, places):
    log = verger.path("rsyslog.log")
    config = verger.write(
        "rsyslog.conf",
        f"""global(workDirectory="{verger.root}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{places.paths['syslog']}" RateLimit.Interval="0")
template(name="plain" type="string" string="%syslogfacility-text%.%syslogseverity-text% %syslogtag%%msg%\\n")
action(type="omfile" file="{log}" template="plain")
""",
    )

    def rsyslog():
        return verger.bystander(
            "rsyslogd", "-n", "-f", str(config), "-i", str(verger.path("rsyslog.pid"))
        )

    server = rsyslog()
    eventually(places.paths["syslog"].exists, "rsyslogd to listen")
    vergerd = verger.start(writer(verger, "syslog"), **places.world)
    pid = vergerd.client().status("web")["pid"]
    tag = f"daemon.info web[{pid}]: ".encode()

    def said():
        return content(log).replace(tag, b"")

    eventually(lambda: said() == numbered("web", 10), lambda: content(log))
    server.terminate()
    server.wait()
    verger.write("go", "")
    await_trouble(vergerd.client(), "web", ".")
    rsyslog()
    eventually(lambda: said().count(b"\n") == LINES + 10, lambda: content(log)[-500:])
    assert said() == expected(), logs.difference(said(), expected())
    assert vergerd.stop() == 0
