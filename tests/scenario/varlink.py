# SPDX-License-Identifier: MIT
"""A Varlink client written from the specification (https://varlink.org), and the judge of replies:
what comes back has to be what the interface description promises, member by member.

Knows nothing of verger but the description, which it reads.
"""

import json
import os
import re
import select
import socket
import time
from pathlib import Path

import processes

SERVICE = "org.varlink.service"
INTERFACE = "io.verger.Supervisor"
DESCRIPTION = Path(__file__).resolve().parents[2] / "include" / "verger" / f"{INTERFACE}.varlink"


class Broken(AssertionError):
    """What came is no Varlink, or not what the description promises."""


class Refused(Exception):
    """An error as a reply."""

    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name = name.rsplit(".", 1)[1]
        self.full_name = name
        self.parameters = parameters


# the description


class Description:
    """Types, methods and errors of an interface; holds values against them."""

    TOKEN = re.compile(r"#[^\n]*|->|[A-Za-z0-9_.-]+|\[\]|\[string\]|[(),:?]")
    SIMPLE = {
        "bool": lambda value: isinstance(value, bool),
        "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "string": lambda value: isinstance(value, str),
        "object": lambda value: True,
    }

    def __init__(self, text):
        found = self.TOKEN.findall(text)
        self._tokens = [token for token in found if not token.startswith("#")]
        self.types, self.methods, self.errors = {}, {}, {}
        self._expect("interface")
        self.name = self._take()
        while self._tokens:
            self._member()

    def _take(self):
        return self._tokens.pop(0)

    def _expect(self, *wanted):
        for token in wanted:
            got = self._take()
            if got != token:
                raise Broken(f"{got!r} instead of {token!r} in the interface description")

    def _member(self):
        kind, name = self._take(), self._take()
        if kind == "type":
            self.types[name] = self._type()
        elif kind == "error":
            self.errors[name] = self._type()
        else:
            takes = self._type()
            self._expect("->")
            self.methods[name] = (takes, self._type())

    def _type(self):
        token = self._take()
        if token in ("?", "[]", "[string]"):
            return (token, self._type())
        if token != "(":
            return token
        fields, values = {}, []
        while self._tokens[0] != ")":
            name = self._take()
            if self._tokens[0] == ":":
                self._take()
                fields[name] = self._type()
            else:
                values.append(name)
            if self._tokens[0] == ",":
                self._take()
        self._take()
        return values or fields

    def judge(self, value, kind, where):
        """Raises Broken unless `value` is of the type `kind`."""
        if isinstance(kind, tuple):
            self._judge_compound(value, kind, where)
        elif isinstance(kind, dict):
            self._judge_fields(value, kind, where)
        elif isinstance(kind, list):
            if value not in kind:
                raise Broken(f"{where}: {value!r} is none of {kind}")
        elif kind in self.SIMPLE:
            if not self.SIMPLE[kind](value):
                raise Broken(f"{where}: {value!r} is no {kind}")
        else:
            self.judge(value, self.types[kind], where)

    def _judge_compound(self, value, kind, where):
        wrapper, inner = kind
        if wrapper == "?":
            if value is not None:
                self.judge(value, inner, where)
        elif wrapper == "[]":
            if not isinstance(value, list):
                raise Broken(f"{where}: {value!r} is no list")
            for index, item in enumerate(value):
                self.judge(item, inner, f"{where}[{index}]")
        else:
            for name, item in value.items():
                self.judge(item, inner, f"{where}.{name}")

    def _judge_fields(self, value, fields, where):
        if not isinstance(value, dict):
            raise Broken(f"{where}: {value!r} is no object")
        for name in value.keys() - fields.keys():
            raise Broken(f"{where}.{name} is not in the description (it is {value[name]!r})")
        for name, kind in fields.items():
            if name in value:
                self.judge(value[name], kind, f"{where}.{name}")
            elif not (isinstance(kind, tuple) and kind[0] == "?"):
                raise Broken(f"{where}: {name} is missing in {value!r}")

    def judge_reply(self, method, parameters):
        self.judge(parameters, self.methods[method][1], method)

    def judge_error(self, name, parameters):
        if name not in self.errors:
            raise Broken(f"error {name} is not in the description")
        self.judge(parameters, self.errors[name], name)


SUPERVISOR = Description(DESCRIPTION.read_text())
# of the specification, "Service Interface" and "Errors"
STANDARD_ERRORS = {
    "InterfaceNotFound": {"interface": "string"},
    "MethodNotFound": {"method": "string"},
    "MethodNotImplemented": {"method": "string"},
    "InvalidParameter": {"parameter": "string"},
    "PermissionDenied": {},
    "ExpectedMore": {},
}


# the client


def connect(path):
    """A socket connected to `path`, however long that is."""
    path = Path(path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def encode(method, parameters=None, **flags):
    """A call as bytes; a method without interface is one of vergerd's."""
    name = method if "." in method else f"{INTERFACE}.{method}"
    call = {"method": name, "parameters": parameters or {}, **flags}
    return json.dumps(call).encode() + b"\0"


class Client:
    """One connection.  Every reply is held against the description."""

    def __init__(self, path):
        self.socket = connect(path)
        self._bytes = b""
        self._awaited = []  # methods whose replies have not come

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # calls out

    def send(self, method, parameters=None, **flags):
        self.socket.sendall(encode(method, parameters, **flags))
        if not flags.get("oneway"):
            self._awaited.append(method)

    # replies in

    def _read(self, seconds):
        """The next message as bytes; None when the connection has ended."""
        deadline = time.monotonic() + (
            processes.DEADLINE if seconds is None else seconds * processes.PATIENCE
        )
        while b"\0" not in self._bytes:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise processes.TooLate(f"no reply to {self._awaited[:1]}")
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._bytes += more
        message, _, self._bytes = self._bytes.partition(b"\0")
        return message

    def _judge(self, method, message):
        error, parameters = message.get("error"), message.get("parameters", {})
        if unknown := message.keys() - {"error", "parameters", "continues"}:
            raise Broken(f"{unknown} in a reply to {method}")
        if error and error.startswith(f"{SERVICE}."):
            SUPERVISOR.judge(parameters, STANDARD_ERRORS[error.rsplit(".", 1)[1]], error)
        elif error:
            interface, _, name = error.rpartition(".")
            assert interface == INTERFACE, error
            SUPERVISOR.judge_error(name, parameters)
        elif "." not in method:
            SUPERVISOR.judge_reply(method, parameters)

    def receive(self, seconds=None):
        """The next reply: its parameters and whether more follow.  Raises Refused for an error, and
        ConnectionError at the end."""
        text = self._read(seconds)
        if text is None:
            raise ConnectionError("vergerd has closed the connection")
        message = json.loads(text.decode())  # strict: what is no UTF-8 has no place in a reply
        method, continues = self._awaited[0], message.get("continues", False)
        self._judge(method, message)
        if not continues:
            self._awaited.pop(0)
        if message.get("error"):
            raise Refused(message["error"], message.get("parameters", {}))
        return message.get("parameters", {}), continues

    def is_closed(self, seconds=None):
        """Whether vergerd ends the connection without another word."""
        return self._read(seconds) is None

    def has_reply(self, seconds=0.0):
        """Whether there is something to receive."""
        return b"\0" in self._bytes or bool(select.select([self.socket], [], [], seconds)[0])

    def call(self, method, seconds=None, **parameters):
        """Sends a call and returns the parameters of its reply."""
        self.send(method, parameters)
        reply, continues = self.receive(seconds)
        if continues:
            raise Broken(f"{method} continues though nobody asked for more")
        return reply

    def stream(self, method, seconds=None, **parameters):
        """Sends a call with `more`; yields the parameters of each reply up to the last one."""
        self.send(method, parameters, more=True)
        continues = True
        while continues:
            reply, continues = self.receive(seconds)
            yield reply

    # what tests ask for all the time

    def status(self, name):
        """The Program of that name."""
        (program,) = self.call("Status", names=[name])["programs"]
        return program

    def state(self, name):
        return self.status(name)["state"]

    def states(self):
        return {p["name"]: p["state"] for p in self.call("Status")["programs"]}

    def await_state(self, name, *states, seconds=None):
        """Polls until the program is in one of these states; returns it."""
        seen = set()

        def reached():
            program = self.status(name)
            seen.add(program["state"])
            return program if program["state"] in states else None

        return processes.eventually(reached, lambda: f"{name} to be {states}: {seen}", seconds)

    def outcome(self, method, name, seconds=None, **parameters):
        """Calls a verb for one program; returns its Outcome."""
        (outcome,) = self.call(method, seconds, names=[name], **parameters)["programs"]
        return outcome
