"""The parts of pages that are written from the service's code hold what the code holds."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from autograder import lab
from autograder.judge.incidents import INCIDENTS
from shared.models.base import PACKAGE
from shared.tinker import recipe_source, recipes
from shared.tinker.service.app import NOT_SERVED, ROUTES
from shared.tinker.service.limits import Limits
from shared.tinker.service.loss_specs import LOSS_SPECS


@pytest.fixture(scope="module")
def parts(repository: Path) -> Iterator[ModuleType]:
    """The module as MkDocs loads it: its folder is on the path while it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / "tools"))
        yield importlib.import_module("site_service")


def test_every_part_is_asked_for_by_a_page_and_every_page_asks_for_one_that_is(
    parts: ModuleType, repository: Path
) -> None:
    asked = {
        name
        for path in (repository / "site").rglob("*.md")
        for name in parts.MARK.findall(path.read_text(encoding="utf-8"))
    }
    assert asked == set(parts.PARTS)


def test_a_part_that_is_not_known_fails_the_build(parts: ModuleType) -> None:
    with pytest.raises(KeyError):
        parts.fill("<!-- generated: no-such -->")


def test_every_route_is_on_the_page_with_what_it_does(parts: ModuleType) -> None:
    text = parts.endpoints()
    for route in ROUTES:
        (line,) = (one for one in text.splitlines() if f"`{route.method} {route.path}`" in one)
        assert len(line.split("|")[2].strip()) > 10, line


def test_every_path_that_is_not_served_has_its_reason(parts: ModuleType) -> None:
    text = parts.not_served()
    assert all(f"`/api/v1/{path}` | {reason} |" in text for path, reason in NOT_SERVED.items())


def test_every_limit_is_on_the_page_with_its_value(parts: ModuleType) -> None:
    text = parts.caps()
    assert all(f"`{field.name}`" in text for field in dataclasses.fields(Limits))
    assert "| `body_bytes` | 128 MiB |" in text
    assert "| `num_samples` | 1,024 |" in text
    assert "| `hold_seconds` | 20 s |" in text


def test_every_loss_has_a_row_and_a_formula(parts: ModuleType, repository: Path) -> None:
    page = (repository / "site/reference/protocol.md").read_text(encoding="utf-8")
    text = parts.losses()
    for name, spec in LOSS_SPECS.items():
        assert f"| `{name}` |" in text
        assert f"\n`{name}`\n:   " in page, f"{name} has no formula on the page"
        assert all(f"`{key}` {value:g}" in text for key, value in spec.defaults.items())


def test_refusals_are_what_the_checks_say_today(parts: ModuleType) -> None:
    text = parts.refusals()
    assert "forward_backward_custom" in text
    assert "holds nan at position [1]" in text
    assert text.count("\n") >= 10


def test_every_recipe_of_the_cookbook_is_named_and_each_that_cannot_run_says_why(
    parts: ModuleType,
) -> None:
    states = parts.recipe_states()
    assert set(states) == set(recipe_source.names())
    assert {name for name, (state, _) in states.items() if state == "runs"} == set(recipes.TESTED)
    assert all(why for state, why in states.values() if state == "cannot run")
    text = parts.recipe_lists()
    assert all(f"`{name}`" in text for name in states)


def test_the_card_is_the_packages_own(
    parts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = PACKAGE / "MODEL_CARD.md"
    if path.exists():
        assert parts.model_card() in path.read_text(encoding="utf-8")
    monkeypatch.setattr(parts, "PACKAGE", tmp_path)
    assert "not measured" in parts.model_card()
    (tmp_path / "MODEL_CARD.md").write_text("# labkit/tiny\n\nSmall.\n", encoding="utf-8")
    assert parts.model_card() == "Small."


def test_the_loss_curve_is_drawn_from_the_record_alone(parts: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "loss_curve.csv"
    assert "not recorded" in parts.loss_curve(path)
    path.write_text("step,loss,learning_rate\n1,6.5,0.1\n2,4.0,0.1\n3,0.5,0.1\n")
    drawn = parts.loss_curve(path)
    assert "falls from 6.50 to 0.50 in 3 steps" in drawn
    assert drawn.count("<text") == 8 + 5 + 1  # losses 0 to 7, five steps, one label
    assert "\n\n" not in drawn  # a blank line would end the HTML block


@pytest.fixture(scope="module")
def grading(parts: ModuleType) -> ModuleType:
    """The module of the parts about grading."""
    return parts.site_grading


def test_the_limits_shown_are_the_defaults(grading: ModuleType) -> None:
    text = grading.lab_limits()
    assert "| processor time | 10 s | 120 s |" in text
    assert f"| {lab.Limits().memory_mb} MB |" in text


def test_every_family_of_attacks_has_its_count(grading: ModuleType) -> None:
    rows = [line for line in grading.attacks().splitlines() if line.startswith("| ")][2:]
    counts = {row.split(" | ")[0].removeprefix("| "): row.split(" | ")[-1] for row in rows}
    assert set(grading.FAMILIES) <= set(counts)
    assert all(int(count.removesuffix(" |")) > 0 for count in counts.values())


def test_every_word_for_an_incident_is_explained(grading: ModuleType) -> None:
    assert set(grading.WORDS) == set(INCIDENTS)
    assert all(f"| `{word}` |" in grading.incidents() for word in INCIDENTS)


def test_the_attacks_on_the_page_are_those_of_the_suite(
    grading: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "attacks").mkdir()
    (tmp_path / "harness.py").write_text("from types import SimpleNamespace as Attack\n")
    (tmp_path / "attacks" / "zoo.py").write_text(
        "from ..harness import Attack\n"
        "ATTACKS = [Attack(family='reads', name='reads `/etc/*`'), "
        "Attack(family='zoo', name='opens | a cage')]\n"
    )
    text = grading.attacks(tmp_path)
    (row,) = (line for line in text.splitlines() if line.startswith("| reads |"))
    assert row.endswith("| 1 |")
    assert "| zoo | opens \\| a cage |" in text
    assert r"    - reads \`/etc/\*\`" in text


def test_without_the_suite_the_families_are_told(grading: ModuleType, tmp_path: Path) -> None:
    text = grading.attacks(tmp_path)
    assert all(f"| {family} |" in text for family in grading.FAMILIES)
    assert "???" not in text
