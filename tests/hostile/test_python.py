"""What hostile code does inside Python, at both levels: nobody gains, nobody is harmed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .attacks import names, notebooks, patching, protocol, searching, timing, values
from .harness import Arena, Attack

pytestmark = pytest.mark.jail
FAMILIES = (searching, patching, values, protocol, notebooks, timing, names)
ATTACKS = [attack for family in FAMILIES for attack in family.ATTACKS]


@pytest.fixture(scope="module")
def begun(arena: Arena) -> None:
    """What only waits, waits beside the rest."""
    arena.begin(ATTACKS)


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_nothing_is_gained_and_nobody_harmed(
    withstood: Callable[[Attack], None], attack: Attack
) -> None:
    withstood(attack)


@pytest.mark.parametrize("attack", timing.DETERMINISTIC, ids=str)
def test_the_verdict_has_the_same_bytes_twice(arena: Arena, attack: Attack) -> None:
    one, other = (arena.judge(attack).verdict.model_dump_json() for _ in range(2))
    assert one == other


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len({str(attack) for attack in ATTACKS}) == len(ATTACKS) >= 150
