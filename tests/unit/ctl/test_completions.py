# SPDX-License-Identifier: MIT
"""The completions: each is valid for its shell, and bash, zsh and fish complete real words with them."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from fake_vergerd import FakeVergerd, daemon, last

VERGERCTL = Path(os.environ.get("VERGERCTL", "build/dev/src/ctl/vergerctl")).resolve()
FOLDER = Path(os.environ.get("VERGER_BUILD", "build/dev")) / "packaging" / "completions"
FILES = {"bash": FOLDER / "vergerctl", "zsh": FOLDER / "_vergerctl", "fish": FOLDER / "vergerctl.fish"}


def need(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


@pytest.fixture
def vergerd(tmp_path):
    programs = [{"name": name} for name in ("web", "worker:0", "worker:1", "$(touch owned)", "a b")]
    fake = FakeVergerd(tmp_path / "s", {"Status": [last(programs=programs, daemon=daemon())]})
    yield fake
    fake.close()


@pytest.mark.parametrize("shell", FILES)
def test_every_completion_is_valid(shell):
    need(shell)
    done = subprocess.run([shell, "-n", str(FILES[shell])], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def complete_in_bash(folder, words, breaks):
    """What bash offers after `words`, the last of which is being typed."""
    quoted = " ".join(f"'{w}'" for w in words)
    script = f"""
        source '{FILES["bash"]}'
        COMP_WORDBREAKS=$'{breaks}'
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
        _vergerctl 2>/dev/null
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder, timeout=120)
    return done.stdout.split("\n")[:-1]


def test_bash_completes_verbs_options_and_names(tmp_path, vergerd):
    need("bash")
    ctl = str(VERGERCTL)

    def complete(*words, breaks=" "):
        return complete_in_bash(tmp_path, [ctl, *words], breaks)

    assert complete("sta") == ["status", "start"]
    assert complete("logs", "--fo") == ["--follow"]
    assert complete("wait", "--for", "st") == ["stopped", "starting", "stopping"]
    assert complete("-s", vergerd.path, "why", "w") == ["web", "worker:0", "worker", "worker:1"]
    # readline hands NAME:0 over in three words, and wants only what follows the colon
    assert complete("-s", vergerd.path, "why", "worker", ":", "", breaks=" :") == ["0", "1"]


def test_bash_runs_nothing_that_a_name_says(tmp_path, vergerd):
    need("bash")
    offered = complete_in_bash(tmp_path, [str(VERGERCTL), "-s", vergerd.path, "stop", ""], " ")
    assert r"\$\(touch\ owned\)" in offered and r"a\ b" in offered
    assert not (tmp_path / "owned").exists()


def test_fish_completes_names(vergerd):
    need("fish")
    script = f"set -p PATH {VERGERCTL.parent}; source {FILES['fish']}; complete -C 'vergerctl -s {vergerd.path} stop w'"
    done = subprocess.run(["fish", "-N", "-c", script], capture_output=True, text=True, timeout=120)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["web", "worker", "worker:0", "worker:1"]


def test_zsh_completes_verbs_and_names(tmp_path, vergerd):
    need("zsh")
    master, slave = pty.openpty()
    environment = {"TERM": "dumb", "HOME": str(tmp_path), "PATH": f"{VERGERCTL.parent}:{os.environ['PATH']}"}
    zsh = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, env=environment,
                           start_new_session=True)  # fmt: skip
    os.close(slave)

    def type_and_see(typed, expected):
        os.write(master, typed.encode())
        seen, deadline = "", time.monotonic() + 120
        while expected not in seen and time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536).decode(errors="replace")
        assert expected in seen

    try:
        type_and_see(f"fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; print re''ady\n", "ready")
        type_and_see("vergerctl resta\t", "restart ")
        type_and_see(f"\x15vergerctl -s {vergerd.path} stop wor\t:\t", "worker:")
        type_and_see("\x15vergerctl logs --fol\t", "--follow")
    finally:
        zsh.kill()
        zsh.wait(10)
        os.close(master)
