# SPDX-License-Identifier: MIT
"""The same steps as a shell script: what a person needs to see a divergence with their own eyes."""

import shlex

HEAD = """\
#!/bin/sh
# Run it anywhere.  After each step it prints what vergerd tells; the comments say what should be.
PATH={path}:$PATH
{environment}cd "$(mktemp -d)" && mkdir run up && pwd || exit
trap 'kill $vergerd' EXIT
ctl() {{ vergerctl -s run/control.sock "$@"; }}
settle() {{ sleep 0.5; ctl status; }}
"""


class Script:
    def __init__(self, path, environment):
        settings = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in sorted(environment.items()))
        self._lines = [HEAD.format(path=shlex.quote(path), environment=settings)]
        self._file = None

    def file(self, text):
        """The configuration becomes this."""
        if text != self._file:
            self._lines.append(f"cat > verger.ini <<'END'\n{text.rstrip()}\nEND\n")
            self._file = text

    def run(self, *words):
        self._lines.append(shlex.join(words) + "\n")

    def line(self, text):
        self._lines.append(text + "\n")

    def expect(self, worlds):
        """What should be now, in each of the Worlds."""
        self._lines.append("settle\n")
        for number, world in enumerate(worlds[:4]):
            either = "# should be" if number == 0 else "#        or"
            lives = ", ".join(
                f"{name} {life.state}" + (f" ({life.restarts} restarts)" if life.restarts else "")
                for name, life in sorted(world.lives.items())
            )
            self._lines.append(f"{either}: {lives}\n")

    def text(self):
        return "\n".join(self._lines)
