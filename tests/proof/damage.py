#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The auditor can fail: a good log passes, and each kind of damage is named as what it is."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from proof import WITHOUT_END, Ledger

LINES = 2000
GOOD = {"missing": 0, "doubled": 0, "disordered": 0, "torn": 0, "strange": 0, "lines": 0}


def stamped(line):
    return b"2026-11-30T08:15:00.123456Z " + line


def as_json(line):
    text = line.rstrip(b"\n").replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\t", b"\\t")
    return b'{"time":"now","program":"web","instance":0,"stream":"stdout","message":"' + text + b'"}\n'


def in_pieces(line):
    return b"web | " + line[:30] + b" [...]\nweb | [...] " + line[30:]


def damages(lines):
    """(what, log, what the auditor is to say beyond GOOD)"""
    note = b"verger: 2 lines, %d bytes lost: No space left on device\n" % len(lines[7] + lines[8])
    swapped = [*lines[:5], lines[6], lines[5], *lines[7:]]
    cut = [*lines[:5], lines[5][:-20] + b"\n", *lines[6:]]
    changed = [lines[0][:-12] + b"~" + lines[0][-11:], *lines[1:]]
    yield "nothing", lines, {}
    yield "stamps", map(stamped, lines), {}
    yield "JSON", map(as_json, lines), {}
    yield "pieces", map(in_pieces, lines), {}
    yield "three formats", [*lines[:9], *map(as_json, lines[9:99]), *map(stamped, lines[99:])], {}
    yield "a line too few", lines[:7] + lines[8:], {"missing": 1}
    yield "the last line gone", lines[:-1], {"missing": 1}
    yield "a line twice", [*lines[:7], lines[6], *lines[7:]], {"doubled": 1}
    yield "two lines swapped", swapped, {"disordered": 1}
    yield "a line cut", cut, {"torn": 1, "missing": 1}
    yield "a byte changed", changed, {"torn": 1, "missing": 1}
    yield "a stranger's line", [*lines, lines[9].replace(b"web", b"db", 1)], {"torn": 1, "strange": 0}
    yield "noise", [b"noise\n", *lines], {"torn": 1}
    yield "lines lost", [*lines[:7], note, *lines[9:]], {"missing": 2, "lines": 2}


def audit(auditor, ledger, log):
    done = subprocess.run(
        [auditor, "web", ledger.path], input=b"".join(log), capture_output=True, check=True
    )
    found = {}
    for line in done.stdout.decode().splitlines():
        words = line.split()
        found.update(zip(words[1::2], map(int, words[2::2])))
    return {key: found[key] for key in GOOD}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=Path, help="directory of scribe and auditor")
    programs = parser.parse_args().programs
    good = True
    with tempfile.TemporaryDirectory(prefix="verger-damage-") as place:
        ledger = Ledger(Path(place) / "ledger")
        ledger.allow(WITHOUT_END)
        sizes = ("64", "200", "500", "900")
        command = [programs / "scribe", "web", str(LINES), "1", *sizes, "300", ledger.path]
        written = subprocess.run(command, capture_output=True, check=True).stdout
        for what, log, expected in damages(written.splitlines(keepends=True)):
            said = audit(programs / "auditor", ledger, log)
            as_it_should = said == {**GOOD, **expected}
            good = good and as_it_should
            print(f"{'ok' if as_it_should else 'WRONG':6} {what}: {said}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
