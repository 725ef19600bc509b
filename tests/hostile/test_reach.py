"""What hostile code reads, writes and calls: nothing is gained, changed or reached."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .attacks import network, reading, writing
from .harness import Arena, Attack

pytestmark = [pytest.mark.jail, pytest.mark.slow]
ATTACKS = [*reading.ATTACKS, *writing.ATTACKS, *network.ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_nothing_is_gained_changed_or_reached(
    withstood: Callable[[Attack], None], attack: Attack
) -> None:
    withstood(attack)


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.works_outside], ids=str)
def test_the_same_code_works_where_nothing_holds_it(
    arenas: Callable[[str], Arena], attack: Attack
) -> None:
    arenas("trusted").succeeds(attack)
