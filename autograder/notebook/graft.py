"""Putting a student's work onto the pristine release: what is graded is the release plus answers.

So nothing a student does to the lab's own cells counts: edited setup, points, ids or locked cells,
missing, doubled, moved or retyped cells. The student's own code cells are kept where they stand.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from autograder.errors import NotebookError
from autograder.notebook.names import definitions, look_alike, same_text
from autograder.notebook.node import Node, cells_of
from autograder.notebook.pictures import MAX_PICTURE, MAX_PICTURES, loses_pictures, pictures_of
from autograder.notebook.read import lab_named
from autograder.notebook.student import (
    OwnCell,
    ReleaseCell,
    StudentCell,
    StudentWork,
    release_cells,
    student_work,
)
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Grafted:
    """A submission ready to run: `cells` in order, and what was done to the notebook."""

    cells: tuple[SourceCell, ...]
    notes: tuple[str, ...]
    missing: frozenset[str]
    """Exercises whose solution cell is gone and which no cell of the student's own defines."""
    node: Node
    """The pristine release with the student's answers and own cells; `notebook` for nbformat."""

    @property
    def notebook(self) -> NotebookNode:
        """The grafted notebook as nbformat's own type (a copy)."""
        import nbformat

        return cast("NotebookNode", nbformat.from_dict(self.node))  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True)
class _Answer:
    """What stands in one solution or written cell. `source` None: the cell is left out."""

    source: str | None
    notes: tuple[str, ...] = ()
    missing: bool = False
    pictures: Node = field(default_factory=Node)


def graft(student: Node | dict[str, Any], release: Node | dict[str, Any]) -> Grafted:
    """The student's answers and own cells on the pristine `release`.

    Raises:
        NotebookError: the notebook holds no cell of this lab.
    """
    lab = release_cells(release)
    work = student_work(student, lab)
    _refuse_other_lab(student, release, lab, work)
    answered = [cell for cell in lab.values() if cell.kind in ("solution", "written")]
    answers = {cell.key: _answer(cell, work) for cell in answered}
    notes = [*work.notes, *_setup_notes(lab, work), *_order_notes(lab, work)]
    for answer in answers.values():
        notes.extend(answer.notes)
    cells, nodes = _assemble(lab, answers, work.own)
    node = Node({name: copy.deepcopy(value) for name, value in release.items() if name != "cells"})
    node["cells"] = nodes
    missing = frozenset(key for key, a in answers.items() if a.missing)
    return Grafted(tuple(cells), tuple(dict.fromkeys(notes)), missing, node)


def _refuse_other_lab(
    student: object, release: object, lab: dict[str, ReleaseCell], work: StudentWork
) -> None:
    graded = ("solution", "check", "written")
    if any(lab[key].kind in graded for key in work.of_release):
        return
    wanted, named = lab_named(release) or "this lab", lab_named(student)
    if named is not None and named != wanted:
        raise NotebookError(f"This notebook is from {named}; one of {wanted} is expected.")
    raise NotebookError(
        f"This notebook is from another lab or from none: none of its {len(cells_of(student))} "
        f"cells belongs to {wanted}."
    )


def _answer(cell: ReleaseCell, work: StudentWork) -> _Answer:
    """Which of the student's cells answers the release's `cell`, and why."""
    names = definitions(cell.source) if cell.kind == "solution" else frozenset[str]()
    own = any(names & definitions(other.source) for other in work.own)
    candidates = work.of_release.get(cell.key, [])
    if not candidates:
        if own:
            return _Answer(None, (f"Cell {cell.key} is missing; your own cell counts instead.",))
        note = f"Cell {cell.key} is missing; the lab's empty one was put in its place."
        return _Answer(cell.source, (note,), missing=cell.kind == "solution")
    chosen = _choose(candidates, cell, names)
    notes = _answer_notes(cell, candidates, chosen)
    if not chosen.source.strip() or same_text(chosen.source, cell.source):
        return _Answer(None if own else cell.source, notes)
    if cell.code:
        wanted = frozenset[str]() if own else names
        return _Answer(chosen.source, (*notes, *_name_notes(cell.key, wanted, chosen.source)))
    if loses_pictures(chosen.node):
        limits = f"up to {MAX_PICTURES} PNG, JPEG or GIF of {MAX_PICTURE * 3 // 4_000_000} MB"
        lost = f"Cell {cell.key} holds a picture that was left out; {limits} are kept."
        notes = (*notes, lost)
    return _Answer(chosen.source, notes, pictures=pictures_of(chosen.node))


def _choose(
    candidates: Sequence[StudentCell], cell: ReleaseCell, names: frozenset[str]
) -> StudentCell:
    """Of doubled cells the last that was worked on, rather one that defines what it should."""
    preferences: tuple[Callable[[StudentCell], bool], ...] = (
        lambda c: bool(c.source.strip()) and not same_text(c.source, cell.source),
        lambda c: bool(names & definitions(c.source)),
        lambda c: (c.cell_type == "code") == cell.code,
    )
    left = list(candidates)
    for preferred in preferences:
        left = [c for c in left if preferred(c)] or left
    return left[-1]


def _answer_notes(
    cell: ReleaseCell, candidates: Sequence[StudentCell], chosen: StudentCell
) -> tuple[str, ...]:
    notes: list[str] = []
    if len(candidates) > 1:
        notes.append(
            f"Cell {cell.key} is there {len(candidates)} times; "
            "the last one that was worked on counts."
        )
    if (chosen.cell_type == "code") != cell.code:
        was, read = ("text", "code") if cell.code else ("code", "text")
        notes.append(f"Cell {cell.key} was turned into a {was} cell; it was read as {read}.")
    return tuple(notes)


def _name_notes(key: str, names: frozenset[str], source: str) -> tuple[str, ...]:
    found = look_alike(names, source)
    if found is None:
        return ()
    wanted, there, at = found
    letter = unicodedata.name(there[at], f"U+{ord(there[at]):04X}")
    return (
        f"Cell {key} defines {there}, which is not {wanted}: letter {at + 1} is {letter} and only "
        "looks right. Type the name anew.",
    )


def _setup_notes(lab: dict[str, ReleaseCell], work: StudentWork) -> list[str]:
    return [
        f"Cell {cell.key} was changed; the lab's own text of it was used. "
        "Put imports and helpers of your own into a new cell."
        for cell in lab.values()
        if cell.kind == "setup"
        and any(not same_text(c.source, cell.source) for c in work.of_release.get(cell.key, []))
    ]


def _order_notes(lab: dict[str, ReleaseCell], work: StudentWork) -> list[str]:
    """A note when solution cells were moved; where else cells stand makes no difference."""
    solutions = [key for key, cell in lab.items() if cell.kind == "solution"]
    there = [key for key in work.of_release if key in solutions]
    if there == sorted(there, key=solutions.index):
        return []
    return ["Solution cells were moved; they were run in the lab's order."]


def _assemble(
    lab: dict[str, ReleaseCell], answers: dict[str, _Answer], own: Sequence[OwnCell]
) -> tuple[list[SourceCell], list[Node]]:
    """The cells to run and the notebook's cells, helpers behind the release cell they followed."""
    cells: list[SourceCell] = []
    nodes: list[Node] = []
    numbers = iter(range(1, len(own) + 1))

    def add_helpers(after: str) -> None:
        for helper in own:
            if helper.after == after:
                key = f"your-cell-{next(numbers)}"
                cells.append(SourceCell(key, "helper", helper.source))
                nodes.append(_helper_node(key, helper.source))

    add_helpers("")
    for cell in lab.values():
        answer = answers.get(cell.key, _Answer(cell.source))
        if answer.source is not None:
            nodes.append(_release_node(cell, answer.source, answer.pictures))
            if cell.code and cell.kind in ("setup", "solution"):
                cells.append(SourceCell(cell.key, cell.kind, answer.source))
        add_helpers(cell.key)
    return cells, nodes


def _release_node(cell: ReleaseCell, source: str, pictures: Node) -> Node:
    node = copy.deepcopy(cell.node)
    node["source"] = source
    if pictures:
        node["attachments"] = Node({**node.get("attachments", {}), **pictures})
    if cell.code:
        node["outputs"] = []
        node["execution_count"] = None
    return node


def _helper_node(key: str, source: str) -> Node:
    return Node(
        id=key,
        cell_type="code",
        metadata=Node(),
        execution_count=None,
        outputs=[],
        source=source,
    )
