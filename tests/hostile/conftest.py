"""One arena for each level, shared by all attacks, and a table of what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from autograder.sandbox.probe import probe

from .harness import ROW, Arena, Attack


@pytest.fixture(scope="session")
def arenas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Arena]]:
    """Arenas by level, opened when first asked for."""
    opened: dict[str, Arena] = {}
    with ExitStack() as closing, pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOSTILE_SECRET", "secret-environment")
        offered = probe().level

        def at(level: str) -> Arena:
            if offered is None or (level == "A" and offered != "A"):
                pytest.skip(f"this kernel offers level {offered}")
            if level not in opened:
                opened[level] = Arena(level, tmp_path_factory.mktemp(f"level-{level}"))
                closing.callback(opened[level].close)
            return opened[level]

        yield at


@pytest.fixture(scope="session", params=["A", "B"])
def arena(request: pytest.FixtureRequest, arenas: Callable[[str], Arena]) -> Arena:
    """The arena of each level that this machine offers."""
    return arenas(request.param)


@pytest.fixture
def withstood(
    arena: Arena, record_property: Callable[[str, object], None]
) -> Callable[[Attack], None]:
    """Assert that an attack gains nothing and harms nobody, and write it into the table."""

    def hold(attack: Attack) -> None:
        verdict = arena.withstands(attack).of(attack.exercise)
        outcome = f"{verdict.status}, {verdict.points:g} of {verdict.max_points:g}"
        record_property(ROW, [attack.family, attack.name, arena.level, outcome])

    return hold


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table: a family, an attack, a level and how it ended on each line."""
    rows = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == ROW and report.when == "call"
    ]
    if not rows:
        return
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    terminalreporter.section(f"attacks withstood: {len(rows)}")
    for family, attack, level, outcome in sorted(rows):
        terminalreporter.write_line(f"{family:<{first}}  {attack:<{second}}  {level}  {outcome}")
