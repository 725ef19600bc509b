"""What a student's notebook holds, cell by cell, matched against the release it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.notebook.names import binds_something, same_text
from autograder.notebook.node import (
    LAB_TAGS,
    Node,
    cell_id_of,
    cells_of,
    grade_id_of,
    is_object,
    kind_of,
    member,
    source_of_cell,
    tags_of,
)

UNREADABLE_NAMED = 5
"""Cells named one by one that cannot be read: a file of 20 MB holds ten million."""
MAX_SOURCE = 1_000_000
"""Characters of one cell; a longer one fits into no message to a sandbox."""
MAX_OWN_CELLS = 500
"""Code cells of the student's own that are kept: each is loaded, stored and shown by itself."""


@dataclass(frozen=True)
class ReleaseCell:
    """One cell of the pristine release. `key` is its grade_id, or else its cell id."""

    key: str
    kind: str
    code: bool
    source: str
    node: Node


@dataclass(frozen=True)
class StudentCell:
    """One readable cell of the student's notebook. `key` is the release cell it belongs to."""

    key: str | None
    cell_type: str
    source: str
    node: object
    """The cell as it is in the file, which may hold anything."""


@dataclass(frozen=True)
class OwnCell:
    """A code cell the student added, and the release cell it stands behind ("" for the top)."""

    after: str
    source: str


@dataclass
class StudentWork:
    """The student's cells: those of the release by key, and their own."""

    of_release: dict[str, list[StudentCell]] = field(default_factory=dict[str, list[StudentCell]])
    own: list[OwnCell] = field(default_factory=list[OwnCell])
    notes: list[str] = field(default_factory=list[str])


def release_cells(release: object) -> dict[str, ReleaseCell]:
    """The release's cells by key, in order."""
    found: dict[str, ReleaseCell] = {}
    cells = [cell for cell in cells_of(release) if is_object(cell)]
    for number, node in enumerate(cells, start=1):
        key = grade_id_of(node) or cell_id_of(node) or f"cell-{number}"
        found[key] = ReleaseCell(
            key=key,
            kind=kind_of(node),
            code=member(node, "cell_type") == "code",
            source=source_of_cell(node) or "",
            node=Node(node),
        )
    return found


def student_work(student: object, release: Mapping[str, ReleaseCell]) -> StudentWork:
    """Sort the student's cells by the release cell they belong to; what matches none is theirs."""
    work = StudentWork()
    anchor, unreadable, left_out = "", 0, 0
    for number, node in enumerate(cells_of(student), start=1):
        cell = _read(node, release)
        if cell is None or len(cell.source) > MAX_SOURCE:
            unreadable += 1
            why = "could not be read" if cell is None else f"is longer than {MAX_SOURCE} characters"
            if unreadable <= UNREADABLE_NAMED:
                work.notes.append(f"Cell number {number} {why} and was left out.")
        elif cell.key is not None:
            anchor = cell.key
            work.of_release.setdefault(cell.key, []).append(cell)
        elif len(work.own) >= MAX_OWN_CELLS:
            left_out += 1
        elif _is_own_code(node, cell, release):
            work.own.append(OwnCell(anchor, cell.source))
    if unreadable > UNREADABLE_NAMED:
        more = unreadable - UNREADABLE_NAMED
        work.notes.append(f"{more} more cells like these were left out.")
    if left_out:
        work.notes.append(
            f"{left_out} cells of your own were left out; the first {MAX_OWN_CELLS} are kept."
        )
    return work


def _read(node: object, release: Mapping[str, ReleaseCell]) -> StudentCell | None:
    source, cell_type = source_of_cell(node), member(node, "cell_type")
    if source is None or not isinstance(cell_type, str):
        return None
    names = (grade_id_of(node), cell_id_of(node))
    key = next((name for name in names if name is not None and name in release), None)
    return StudentCell(key, cell_type, source, node)


def _is_own_code(node: object, cell: StudentCell, release: Mapping[str, ReleaseCell]) -> bool:
    """Whether a cell that matches no release cell is a helper worth running."""
    # A cell of another lab's exercise may hold a helper; its demos and checks do not.
    if cell.cell_type != "code" or tags_of(node) & (LAB_TAGS - {"solution"}):
        return False
    if not binds_something(cell.source):
        return False
    return not any(same_text(cell.source, other.source) for other in release.values() if other.code)
