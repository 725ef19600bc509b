"""The fixtures of a judge's cases: the submission, the lab's own answer, the service's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autograder.judge.actor import Actor
from autograder.judge.bench import Bench

if TYPE_CHECKING:
    from autograder.judge.requests import Requests

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


@pytest.fixture(scope="session")
def requests(pytestconfig: pytest.Config) -> Requests:
    """What the submission's code asked the Tinker service, by the service's own account."""
    from autograder.judge.requests import Requests

    return Requests(pytestconfig.stash[BENCH])
