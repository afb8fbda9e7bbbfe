# SPDX-License-Identifier: MIT
"""The README's first command, without its building and installing: does it see what it promises,
and does it fail when it does not?"""

import subprocess

import processes
import verger as harness

SCRIPT = harness.SOURCE / "packaging" / "quickstart"


def quickstart(verger, vergerd):
    return subprocess.run(
        ["dash", str(SCRIPT)],
        env=verger.environment(
            {
                "VERGERD": str(vergerd),
                "VERGERCTL": str(verger.binaries / "vergerctl"),
                "RUN_DIR": str(verger.run_dir),
                "PORT": str(harness.free_port()),
                "API_PORT": str(harness.free_port()),
            }
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * processes.PATIENCE,
        check=False,
    )


def test_it_shows_what_it_promises(verger):
    result = quickstart(verger, verger.binaries / "vergerd")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no process and no PID file left" in result.stdout


def test_it_fails_when_a_server_does_not_come_back(verger):
    # a supervisor that starts everything once and does not look again
    here = harness.EXAMPLES.parent
    once = (here / "quickstart.ini").read_text().replace("${here}", str(here))
    verger.write("once.ini", once + "\n[defaults]\nrestart = never\n")
    fake = verger.write(
        "vergerd",
        f"""#!/bin/sh
case $1 in
--version | -t) exit 0 ;;
esac
exec {verger.binaries}/vergerd -c {verger.path("once.ini")}
""",
        mode=0o755,
    )
    result = quickstart(verger, fake)
    assert result.returncode != 0
    assert "web has not come back" in result.stderr


def test_usage(verger):
    result = subprocess.run(
        ["dash", str(SCRIPT), "--nonsense"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 64
    assert "usage:" in result.stderr
