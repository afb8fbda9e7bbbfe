# SPDX-License-Identifier: MIT
"""A vergerd that says what it is told to: a Varlink service of some lines, so that vergerctl can be
tried against answers that a real one gives rarely or never."""

import json
import os
import socket
import threading


class FakeVergerd:
    """answers: method → a list of replies, or a function of (parameters, connection) that returns one.

    A reply is {"parameters": …}, bytes that are sent as they are, or a threading.Event to wait for;
    None ends the connection.  What was asked is kept in `calls`.
    """

    def __init__(self, path, answers):
        self.path, self.answers, self.calls = str(path), answers, []
        self.listener = socket.socket(socket.AF_UNIX)
        folder, name = os.path.split(self.path)
        before = os.getcwd()
        os.chdir(folder)  # a path may be longer than a socket's address
        self.listener.bind(name)
        os.chdir(before)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        pending = b""
        with connection:
            while True:
                while b"\0" not in pending:
                    try:
                        received = connection.recv(65536)
                    except OSError:
                        return
                    if not received:
                        return
                    pending += received
                message, pending = pending.split(b"\0", 1)
                call = json.loads(message)
                self.calls.append(call)
                if not self.answer(connection, call):
                    return

    def answer(self, connection, call):
        replies = self.answers[call["method"].rpartition(".")[2]]
        if callable(replies):
            replies = replies(call.get("parameters", {}))
        for reply in replies:
            if reply is None:
                return False
            if isinstance(reply, threading.Event):
                reply.wait(120)
                continue
            try:
                connection.sendall(reply if isinstance(reply, bytes) else json.dumps(reply).encode() + b"\0")
            except OSError:
                return False
        return True

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # which ends the thread in accept()
        except OSError:
            pass
        self.listener.close()


def last(**parameters):
    return {"parameters": parameters}


def more(**parameters):
    return {"parameters": parameters, "continues": True}


def error(name, /, **parameters):
    name = name if "." in name else f"io.verger.Supervisor.{name}"
    return {"error": name, "parameters": parameters}


def daemon(**changed):
    facts = {
        "version": "0.1.0", "pid": 1, "config": "/etc/verger/verger.ini", "run_dir": "/run/verger",
        "since": "2026-01-01T00:00:00.000000Z", "uptime_ms": 1000, "loaded": "2026-01-01T00:00:00.000000Z",
        "reloads": 0, "programs": 3, "shutting_down": False,
    }  # fmt: skip
    return {**facts, **changed}
