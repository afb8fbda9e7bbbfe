#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls a Varlink method and prints each reply: varlink-client.py SOCKET METHOD [PARAMETERS] [more]

    varlink-client.py /run/verger/control.sock io.verger.Supervisor.Status '{"names": ["web"]}'
    varlink-client.py /run/verger/control.sock io.verger.Supervisor.Monitor '{}' more
"""
import json
import socket
import sys

path, method, *rest = sys.argv[1:]
call = {"method": method, "parameters": json.loads(rest[0]) if rest else {}}
if rest[1:] == ["more"]:
    call["more"] = True  # the server may answer more than once

connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect(path)
connection.sendall(json.dumps(call).encode() + b"\0")  # a message is JSON and one NUL

received = b""
while chunk := connection.recv(65536):
    *messages, received = (received + chunk).split(b"\0")
    for message in messages:
        reply = json.loads(message)
        if "error" in reply:
            sys.exit(f"{method}: {reply['error']} {reply.get('parameters', {})}")
        print(json.dumps(reply["parameters"]), flush=True)
        if not reply.get("continues"):
            sys.exit(0)
sys.exit("the connection ended before the reply was complete")
