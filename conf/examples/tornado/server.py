# SPDX-License-Identifier: MIT
"""A Tornado server that stops on TERM once it has answered what it had accepted."""

import asyncio
import os
import signal

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler


class Hello(RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write(f"hello from process {os.getpid()}\n")


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = HTTPServer(Application([("/", Hello)]))
    server.listen(int(os.environ.get("PORT", "8080")), "127.0.0.1")
    await stop.wait()
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
