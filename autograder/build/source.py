"""The nbgrader source notebook of a lab: `notebook.py` with its short-hand tags spelled out.

Cell ids are the grade_ids, or the cell's kind and a number, so that the same source gives the same
bytes and a student's cell is found again even when its metadata is lost.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from autograder.build.mistakes import with_mistakes
from autograder.errors import LabError
from autograder.lab import LabSpec, load_spec
from autograder.notebook import PercentCell, read_percent

if TYPE_CHECKING:
    from nbformat import NotebookNode

GRADED = ("setup", "solution", "check", "written")
"""Kinds of cells that nbgrader knows of."""


def source_notebook(solution_dir: Path) -> NotebookNode:
    """The lab in `solution_dir` as nbgrader's source notebook, solutions included.

    Raises:
        LabError: the cells do not fit `lab.yml`, or jupytext reads other cells than we do.
    """
    import nbformat

    spec = load_spec(solution_dir)
    cells = read_percent(solution_dir)
    _check_cells(cells, spec, solution_dir)
    _check_against_jupytext(cells, solution_dir)
    filled = [
        cell if cell.code else replace(cell, source=with_mistakes(cell.source, spec, solution_dir))
        for cell in cells
    ]
    numbers: Counter[str] = Counter()
    raw = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": _metadata(spec),
        "cells": [_cell_node(cell, spec, numbers) for cell in filled],
    }
    node = nbformat.from_dict(raw)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    nbformat.validate(node)  # pyright: ignore[reportUnknownMemberType]
    return node  # pyright: ignore[reportReturnType, reportUnknownVariableType]


def notebook_text(notebook: dict[str, Any]) -> str:
    """The notebook as JSON that is the same whenever the notebook is."""
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _metadata(spec: LabSpec) -> dict[str, Any]:
    return {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "labkit": {"lab": spec.name, "titles": {e.name: e.title for e in spec.exercises}},
    }


def _cell_node(cell: PercentCell, spec: LabSpec, numbers: Counter[str]) -> dict[str, Any]:
    numbers[cell.kind] += 1
    node: dict[str, Any] = {
        "id": cell.grade_id or f"{cell.kind}-{numbers[cell.kind]}",
        "cell_type": "code" if cell.code else "markdown",
        "source": cell.source,
        "metadata": {"tags": list(cell.tags)} if cell.tags else {},
    }
    if cell.kind in GRADED:
        node["metadata"]["nbgrader"] = _nbgrader(cell, spec)
    if cell.code:
        node |= {"execution_count": None, "outputs": []}
    return node


def _nbgrader(cell: PercentCell, spec: LabSpec) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "grade": cell.kind in ("check", "written"),
        "solution": cell.kind in ("solution", "written"),
        "locked": cell.kind in ("setup", "check"),
        "task": False,
    }
    if cell.kind == "check":
        metadata["points"] = spec.exercise(cell.grade_id.removeprefix("check_")).points
    if cell.kind == "written":
        metadata["points"] = next(w.points for w in spec.written if w.name == cell.grade_id)
    return metadata


def _check_cells(cells: tuple[PercentCell, ...], spec: LabSpec, solution_dir: Path) -> None:
    exercises = [e.name for e in spec.exercises]
    wanted = {
        "solution": exercises,
        "check": [f"check_{name}" for name in exercises],
        "written": [w.name for w in spec.written],
    }
    found = {kind: [c.grade_id for c in cells if c.kind == kind] for kind in wanted}
    problems = [
        f"  {kind} cells are {', '.join(found[kind]) or 'none'}; "
        f"lab.yml asks for {', '.join(names) or 'none'}"
        for kind, names in wanted.items()
        if found[kind] != names
    ]
    if not any(cell.kind == "setup" for cell in cells):
        problems.append("  there is no setup cell")
    for cell in cells:
        if cell.kind == "check" and cell.source != f'check("{cell.grade_id[6:]}")':
            problems.append(f'  cell {cell.grade_id} must be: check("{cell.grade_id[6:]}")')
        if cell.kind in GRADED and cell.code == (cell.kind == "written"):
            problems.append(f"  cell {cell.grade_id} has the wrong type for {cell.kind}")
        if cell.kind == "solution" and "### BEGIN SOLUTION" not in cell.source:
            problems.append(f"  cell {cell.grade_id} has no ### BEGIN SOLUTION")
    if problems:
        path = solution_dir / "notebook.py"
        raise LabError(f"{path} does not fit its lab.yml:\n" + "\n".join(problems))


def _check_against_jupytext(cells: tuple[PercentCell, ...], solution_dir: Path) -> None:
    """Refuse a file that jupytext, which authors edit it with, reads differently."""
    import jupytext  # pyright: ignore[reportMissingTypeStubs]

    path = solution_dir / "notebook.py"
    text = path.read_text(encoding="utf-8")
    read = cast(dict[str, Any], jupytext.reads(text, fmt="py:percent"))  # pyright: ignore[reportUnknownMemberType]
    theirs = [
        (cell["cell_type"] == "code", str(cell["source"]).strip("\n")) for cell in read["cells"]
    ]
    ours = [(cell.code, cell.source) for cell in cells]
    if theirs == ours:
        return
    differing = [
        n for n, pair in enumerate(zip(ours, theirs, strict=False), 1) if pair[0] != pair[1]
    ]
    where = f"cell {differing[0]}" if differing else "their number"
    raise LabError(
        f"{path} is read differently by jupytext ({len(theirs)} cells) and labkit ({len(ours)}): "
        f"look at {where}. Start every cell with `# %%`, and use no magics and no text before "
        "the first cell."
    )
