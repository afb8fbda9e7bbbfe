# SPDX-License-Identifier: MIT
"""The smallest WSGI application; says which worker answered."""

import os


def application(environ, start_response):
    body = f"hello from process {os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
