# SPDX-License-Identifier: MIT
"""A forking HTTP server without any framework: the parent listens and keeps its workers at their
number, each worker answers a hundred requests and makes room for a fresh one."""

import os
import signal
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT = int(os.environ.get("PORT", "8080"))
WORKERS = int(os.environ.get("WORKERS", "4"))
REQUESTS_PER_WORKER = 100


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from process {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Stop(Exception):
    """Somebody wants us to end."""


def on_term(*_):
    raise Stop


def work(server):
    """The life of a worker; never returns."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for _ in range(REQUESTS_PER_WORKER):
        server.handle_request()
    os._exit(0)


def main():
    server = HTTPServer(("127.0.0.1", PORT), Hello)
    workers = set()
    signal.signal(signal.SIGTERM, on_term)
    try:
        while True:
            while len(workers) < WORKERS:
                pid = os.fork()
                if pid == 0:
                    work(server)
                workers.add(pid)
            ended, _ = os.wait()
            workers.discard(ended)
    except Stop:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        for pid in workers:
            os.waitpid(pid, 0)


main()
