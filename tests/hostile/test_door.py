"""What hostile code does through the door to the Tinker service: nobody gains, nobody is harmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.notebook import reference_cells
from autograder.sandbox import door as doors
from autograder.sandbox.probe import probe
from tests.service.conftest import Running, null_service

from .attacks import door
from .harness import Arena, Attack, Setting
from .victim import Victim, victim_at

pytestmark = [pytest.mark.jail, pytest.mark.slow]
LAB = Path(__file__).parent / "labs" / "lab95_door"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with null_service(tmp_path_factory.mktemp("service") / "state") as running:
        yield running


@pytest.fixture(scope="module")
def victim(service: Running) -> Iterator[Victim]:
    with victim_at(service) as victim:
        yield victim


@pytest.fixture(scope="module", params=["A", "B"])
def arena(
    request: pytest.FixtureRequest, victim: Victim, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    """An arena whose jails have a door, with another submission at work on the same service."""
    offered = probe().level
    if offered is None or (request.param == "A" and offered != "A"):
        pytest.skip(f"this kernel offers level {offered}")
    setting = Setting(
        lab=LAB,
        imports=("numpy", "torch", "tinker"),
        service=(victim.service.url, victim.service.key),
        names=victim.names(),
        harm=lambda: [] if victim.untouched() else ["the other submission's runs"],
    )
    opened = Arena(request.param, tmp_path_factory.mktemp(f"door-{request.param}"), setting)
    yield opened
    opened.close()


@pytest.mark.parametrize("attack", door.ATTACKS, ids=str)
def test_nothing_is_gained_and_nobody_harmed(
    withstood: Callable[[Attack], None], attack: Attack
) -> None:
    withstood(attack)


def test_the_honest_student_trains_and_reads_what_the_level_leaves_open(arena: Arena) -> None:
    verdict = arena.examiner.judge(reference_cells(LAB), service=arena.setting.service)
    assert (verdict.points, verdict.level) == (3, arena.level)
    assert verdict.notes == ((doors.WEAKER,) if arena.level == "B" else ())
    assert [found.incidents for found in verdict.exercises] == [()]


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len({str(attack) for attack in door.ATTACKS}) == len(door.ATTACKS) >= 30
