# SPDX-License-Identifier: MIT
"""The stateful property test: vergerd against the model, for as many steps as are asked for.

README.md tells how to run it and how to read a failure.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scenario"))

import hypothesis
import processes
import pytest
import verger as harness
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from machine import Divergence, Machine

SEED = int(os.environ.get("VERGER_SEED", "1"))
STEPS = int(os.environ.get("VERGER_STEPS", "0"))
SECONDS = 40 * processes.PATIENCE  # where STEPS says nothing

# An example is the life of one vergerd.  A round is many of them: Hypothesis begins each with a few
# that are very small.
STEPS_OF_EXAMPLE = 50
EXAMPLES_OF_ROUND = 100

PROFILE = settings(
    max_examples=EXAMPLES_OF_ROUND,
    stateful_step_count=STEPS_OF_EXAMPLE,
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def place():
    """Copies of the programs under test, and room for a script that outlives a failure."""
    folder = Path(tempfile.mkdtemp(prefix="verger-property-"))
    folder.chmod(0o755)
    for name in ("vergerd", "vergerctl", "puppet"):
        shutil.copy(harness.built(name, name.upper()), folder / name)
    yield folder
    if not Machine.shortest:
        shutil.rmtree(folder)


def play(seed):
    """One round."""
    machine = hypothesis.seed(seed)(type("Machine", (Machine,), {}))
    run_state_machine_as_test(machine, settings=PROFILE)


def test_vergerd_does_what_the_model_says(place):
    processes.become_subreaper()
    Machine.binaries = Machine.artifacts = place
    began, seed = time.monotonic(), SEED

    def is_enough():
        return Machine.steps >= STEPS if STEPS else time.monotonic() - began > SECONDS

    Machine.is_enough = staticmethod(is_enough)
    while not is_enough():
        try:
            play(seed)
        except Flaky as flaky:
            # Hypothesis played it again and it went another way
            if not Machine.shortest:
                print(f"seed {seed}: not every time the same, and no divergence: {flaky}")
                seed += 1
                continue
            # two things raced, and the other one won this time: what was seen is a fault anyway
            raise Divergence(f"not every time, but once:\n{Machine.shortest}") from flaky
        finally:
            if Machine.shortest:
                print(f"\nseed {seed} (VERGER_SEED); script: {place}/divergence.sh")
        seed += 1
    seconds = time.monotonic() - began
    print(f"\n{Machine.steps} steps, seeds {SEED} to {seed - 1}, {seconds:.0f} s: no divergence")
