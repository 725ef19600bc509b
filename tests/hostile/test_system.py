"""What hostile code does to processes and uses up: no point is gained and nothing is harmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .attacks import others, process, resources
from .harness import Arena, Attack

pytestmark = [pytest.mark.jail, pytest.mark.slow]
ATTACKS = [*process.ATTACKS, *others.ATTACKS, *resources.ATTACKS]


@pytest.fixture(scope="module")
def begun(request: pytest.FixtureRequest, arena: Arena) -> None:
    """What only waits, waits beside the rest."""
    chosen = [item for item in request.session.items if item.path == request.path]
    arena.begin(item.callspec.params["attack"] for item in chosen)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_nothing_is_gained_and_nobody_harmed(
    withstood: Callable[[Attack], None], attack: Attack
) -> None:
    withstood(attack)
