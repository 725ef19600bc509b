"""Properties of the graft that hold for any notebook, mutilated or made up."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import NotebookError
from autograder.notebook import Grafted, Node, graft, read_release

RELEASE = read_release(Path(__file__).resolve().parent.parent / "data" / "labs" / "lab00_tiny")
IDS = [cell["id"] for cell in RELEASE["cells"]]
SETUP = [c["source"] for c in RELEASE["cells"] if "setup" in c["metadata"].get("tags", [])]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
sources = st.sampled_from(
    [
        "",
        "x = 1",
        "def double(x):\n    return 2 * x",
        "def mean(n): ...",
        "def total(:",
        "import os",
    ]
) | st.text(max_size=20)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "nbgrader": st.fixed_dictionaries({"grade_id": st.sampled_from(IDS) | junk}) | junk,
        "tags": st.lists(st.sampled_from(["setup", "solution", "demo"])) | junk,
    },
)
attachments = junk | st.dictionaries(
    st.text(max_size=4),
    junk | st.dictionaries(st.sampled_from(["image/png", "image/svg+xml"]), junk | st.just("aaaa")),
    max_size=2,
)
made_up = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | junk,
        "id": st.sampled_from(IDS) | junk,
        "source": sources | st.lists(sources, max_size=2) | junk,
        "metadata": metadata | junk,
        "attachments": attachments,
    },
)


@st.composite
def mutilated(draw: st.DrawFn) -> dict[str, Any]:
    """The release with cells answered, dropped, doubled, moved, retyped, and strangers between."""
    cells: list[Any] = []
    for original in draw(st.lists(st.sampled_from(RELEASE["cells"]), max_size=14)):
        cell = copy.deepcopy(original)
        if draw(st.booleans()):
            cell["source"] = draw(sources)
        if draw(st.integers(0, 9)) == 0:
            cell["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw"]))
        if draw(st.integers(0, 9)) == 0:
            cell["metadata"] = draw(metadata)
        if draw(st.integers(0, 4)) == 0:
            cell["attachments"] = draw(attachments)
        cells.append(cell)
    for stranger in draw(st.lists(made_up | junk, max_size=3)):
        cells.insert(draw(st.integers(0, len(cells))), stranger)
    return {"nbformat": 4, "metadata": draw(metadata), "cells": cells}


def attempt(notebook: Any) -> Grafted | None:
    try:
        return graft(notebook, RELEASE)
    except NotebookError as error:
        assert "\n" not in str(error)
        return None


RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@RELAXED
@given(st.dictionaries(st.sampled_from(["cells", "metadata", "nbformat"]), junk) | junk)
def test_nothing_but_a_notebook_error_is_raised(notebook: Any) -> None:
    attempt(notebook)


@RELAXED
@given(mutilated())
def test_the_labs_setup_always_wins(notebook: dict[str, Any]) -> None:
    grafted = attempt(notebook)
    if grafted is not None:
        assert [c.source for c in grafted.cells if c.kind == "setup"] == SETUP


@RELAXED
@given(mutilated())
def test_grafting_twice_changes_nothing(notebook: dict[str, Any]) -> None:
    once = attempt(notebook)
    if once is not None:
        twice = graft(once.node, RELEASE)
        assert twice.cells == once.cells
        assert twice.node == once.node


@RELAXED
@given(mutilated())
def test_the_lab_keeps_its_cells_and_their_order(notebook: dict[str, Any]) -> None:
    grafted = attempt(notebook)
    if grafted is not None:
        there = [c["id"] for c in grafted.node["cells"] if not c["id"].startswith("your-cell-")]
        assert there == [key for key in IDS if key in there]
        assert set(IDS) - set(there) <= {"double", "total"}
        kept = {c["id"]: c for c in grafted.node["cells"]}
        for cell in RELEASE["cells"]:
            if cell["id"] in kept:
                assert kept[cell["id"]]["metadata"] == cell["metadata"]
                assert kept[cell["id"]]["cell_type"] == cell["cell_type"]


@RELAXED
@given(mutilated())
def test_the_students_notebook_is_left_as_it_was(notebook: dict[str, Any]) -> None:
    before = copy.deepcopy(notebook)
    attempt(notebook)
    assert repr(notebook) == repr(before)


@RELAXED
@given(mutilated())
def test_every_cell_to_run_has_an_id_of_its_own(notebook: dict[str, Any]) -> None:
    grafted = attempt(notebook)
    if grafted is not None:
        ids = [c.id for c in grafted.cells]
        assert len(ids) == len(set(ids))
        assert all(type(c) is Node for c in grafted.node["cells"])
