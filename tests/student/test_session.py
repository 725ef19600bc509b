"""Which of the sources a kernel has run make up the notebook that `check` looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.check import session
from autograder.check.session import executed_notebook
from autograder.notebook import Grafted, Node, graft, read_release

DATA = Path(__file__).resolve().parent.parent / "data"
FIRST = "def double(x):\n    return x"
SECOND = "def double(x):\n    return 2 * x"


@pytest.fixture
def release() -> Node:
    return read_release(DATA / "labs" / "lab00_tiny")


@pytest.fixture(autouse=True)
def ids(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the front end told about cell ids; nothing, unless a test says so."""
    known: dict[str, str] = {}
    monkeypatch.setattr(session, "_cell_ids", known)
    return known


def sources(grafted: Grafted) -> dict[str, str]:
    return {cell.id: cell.source for cell in grafted.cells}


def test_the_last_run_of_a_cell_counts(release: Node) -> None:
    grafted = graft(executed_notebook([FIRST, SECOND, FIRST], release), release)
    assert sources(grafted)["double"] == FIRST
    assert "there 2 times" not in " ".join(grafted.notes)


def test_a_run_that_defines_nothing_does_not_replace_the_answer(
    release: Node, ids: dict[str, str]
) -> None:
    ids["print(1)"] = "double"
    grafted = graft(executed_notebook([SECOND, "print(1)"], release), release)
    assert sources(grafted)["double"] == SECOND


def test_what_was_not_run_is_missing(release: Node) -> None:
    assert graft(executed_notebook([SECOND], release), release).missing == {"total"}


def test_helpers_run_before_what_uses_them(release: Node) -> None:
    helper = "def twice(x):\n    return 2 * x"
    answer = "def double(x):\n    return twice(x)"
    grafted = graft(executed_notebook([answer, helper, answer], release), release)
    assert list(sources(grafted).values())[-2:] != [answer, answer]
    assert sources(grafted)["your-cell-1"] == helper
    assert sources(grafted)["double"] == answer


def test_a_helper_run_again_counts_once_as_it_was_run_last(
    release: Node, ids: dict[str, str]
) -> None:
    ids.update({"a = 1": "mine", "a = 2": "mine"})
    grafted = graft(executed_notebook([SECOND, "a = 1", "a = 2"], release), release)
    assert [c.source for c in grafted.cells if c.kind == "helper"] == ["a = 2"]


def test_the_labs_own_cells_are_no_helpers(release: Node, ids: dict[str, str]) -> None:
    own = [cell["source"] for cell in release["cells"] if cell["cell_type"] == "code"]
    ids["slow = 1"] = "demo-1"  # a demo that the student changed
    grafted = graft(executed_notebook([*own, SECOND, "slow = 1"], release), release)
    assert [c.id for c in grafted.cells] == ["setup", "double", "setup_2", "total"]


def test_a_changed_demo_is_known_from_the_saved_notebook(release: Node) -> None:
    saved = Node(release, cells=[Node(cell, source=cell["source"]) for cell in release["cells"]])
    next(c for c in saved.cells if c.id == "demo-1").source = "slow = 1"
    grafted = graft(executed_notebook([SECOND, "slow = 1"], release, saved), release)
    assert [c for c in grafted.cells if c.kind == "helper"] == []


def test_an_answer_to_two_exercises_in_one_cell_counts_for_both(release: Node) -> None:
    both = SECOND + "\n\ndef total(n):\n    return sum(n)"
    grafted = graft(executed_notebook([both], release), release)
    assert grafted.missing == frozenset()
    assert sources(grafted)["your-cell-1"] == both


def test_a_check_says_that_a_name_only_looks_right(
    notebook: Path, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = SECOND.replace("double", "dоuble")  # noqa: RUF001
    ids[strange] = "double"
    monkeypatch.setattr(session, "executed_sources", lambda: [strange])
    monkeypatch.chdir(notebook.parent)
    told = repr(session.check_here("double"))
    assert "Note: Cell double defines dоuble, which is not double: letter 2 is CYRILLIC" in told  # noqa: RUF001
    assert "total" not in told


def test_a_changed_setup_cell_is_said(release: Node, ids: dict[str, str]) -> None:
    ids["import os"] = "setup"
    grafted = graft(executed_notebook(["import os", SECOND], release), release)
    assert "Cell setup was changed" in grafted.notes[0]
