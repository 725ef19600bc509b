"""Makes hypothesis give the same inputs for the same seed, whatever else is imported or running."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import core as _core
from hypothesis.internal.conjecture import engine, providers
from hypothesis.internal.constants_ast import Constants

SHRINK_EXAMPLES = 400
"""Inputs tried to make a counterexample smaller. A count, not a time: load changes nothing."""


def seed_of(*parts: str) -> int:
    """A 64-bit seed that depends on `parts` alone."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big")


@contextmanager
def same_inputs_everywhere() -> Generator[None]:
    """Within it, hypothesis looks at neither the imported modules nor the clock.

    It mixes constants found in local source files into its values, and gives up shrinking after
    five minutes; both would make the counterexample depend on the machine.
    """
    constants = providers._get_local_constants  # pyright: ignore[reportPrivateUsage]
    patience = engine.MAX_SHRINKING_SECONDS
    core: Any = _core
    seeded = core.deterministic_PRNG
    states = random.getstate(), np.random.get_state()
    none = Constants()
    providers._get_local_constants = lambda: none  # pyright: ignore[reportPrivateUsage]
    engine.MAX_SHRINKING_SECONDS = 10**9
    core.deterministic_PRNG = _seed_globals
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = constants  # pyright: ignore[reportPrivateUsage]
        engine.MAX_SHRINKING_SECONDS = patience
        core.deterministic_PRNG = seeded
        random.setstate(states[0])
        np.random.set_state(states[1])
        providers.CONSTANTS_CACHE.cache.clear()


@contextmanager
def no_pytest_settings() -> Generator[None]:
    """Without what the surroundings tell pytest: a verdict depends on no environment variable."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DEBUG")
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def _seed_globals() -> Generator[None]:
    """What hypothesis does before each example, without saving and restoring: a sixth of its time.

    Here the states from before are restored once, at the end of the run.
    """
    seed_globals()
    yield


def seed_globals() -> None:
    """The state of Python's and numpy's global generators before every example."""
    random.seed(0)
    np.random.seed(0)


def fix_inputs(test: Callable[..., Any], *, number: int, examples: int, shrink: bool) -> None:
    """Give a `@given` test its seed and our settings, whatever it was decorated with."""
    seed(number)(test)
    phases = (Phase.explicit, Phase.generate) + ((Phase.shrink,) if shrink else ())
    chosen = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
        verbosity=Verbosity.quiet,
        backend="hypothesis",
    )
    test._hypothesis_internal_use_settings = chosen  # pyright: ignore[reportFunctionMemberAccess]
