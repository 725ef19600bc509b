"""What hostile code does to the system around it: no point is gained and nothing is harmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .attacks import network, others, process, reading, resources, writing
from .harness import Arena, Attack

pytestmark = pytest.mark.jail
FAMILIES = (process, others, resources, reading, writing, network)
ATTACKS = [attack for family in FAMILIES for attack in family.ATTACKS]


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


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.works_outside], ids=str)
def test_the_same_code_works_where_nothing_holds_it(
    arenas: Callable[[str], Arena], attack: Attack
) -> None:
    arenas("trusted").succeeds(attack)
