"""The fixtures of a judge's cases: `student`, the submission, and `reference`, the lab's own."""

from __future__ import annotations

import pytest

from autograder.judge.actor import Actor
from autograder.judge.bench import Bench

BENCH: pytest.StashKey[Bench] = pytest.StashKey()
"""Where a run keeps what its fixtures talk to."""


@pytest.fixture(scope="session")
def student(pytestconfig: pytest.Config) -> Actor:
    """The submission's code."""
    return pytestconfig.stash[BENCH].student


@pytest.fixture(scope="session")
def reference(pytestconfig: pytest.Config) -> Actor:
    """The lab's own answer, in float64."""
    return pytestconfig.stash[BENCH].reference
