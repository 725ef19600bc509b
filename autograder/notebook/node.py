"""A notebook's JSON as dictionaries with attribute access, and safe ways to look into a cell.

`Node` stands in for nbformat's NotebookNode where importing nbformat would cost more than the work
itself. The readers below never raise: a student's file may hold any type anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

LAB_TAGS = frozenset({"setup", "solution", "check", "written", "demo", "tools"})
"""Tags of the lab's own cells; a cell with one of them is never a student's helper."""

RUN_TAGS = ("setup", "solution")
"""Tags of the release's cells that run when grading, which are also the kinds of `SourceCell`."""


class Node(dict[str, Any]):
    """A JSON object whose members are attributes too, like nbformat's NotebookNode."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether `value` is a JSON object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


def member(node: object, name: str) -> Any:
    """Member `name` of `node`; None when there is none or `node` is no object."""
    return node.get(name) if is_object(node) else None


def cells_of(notebook: object) -> list[Any]:
    """The notebook's cells, whatever they are; empty when it has no list of them."""
    cells = member(notebook, "cells")
    return cells if is_array(cells) else []


def grade_id_of(cell: object) -> str | None:
    """The cell's nbgrader `grade_id`, if it has a usable one."""
    grade_id = member(member(member(cell, "metadata"), "nbgrader"), "grade_id")
    return grade_id if isinstance(grade_id, str) and grade_id else None


def cell_id_of(cell: object) -> str | None:
    """The cell's own id (format 4.5 and later), if it has a usable one."""
    cell_id = member(cell, "id")
    return cell_id if isinstance(cell_id, str) and cell_id else None


def tags_of(cell: object) -> frozenset[str]:
    """The cell's tags."""
    tags = member(member(cell, "metadata"), "tags")
    if not is_array(tags):
        return frozenset()
    return frozenset(tag for tag in tags if isinstance(tag, str))


def kind_of(cell: object) -> str:
    """Which of `LAB_TAGS` the cell of a release has; "text" when none."""
    return next(iter(sorted(tags_of(cell) & LAB_TAGS)), "text")


def source_of_cell(cell: object) -> str | None:
    """The cell's source as text that can be encoded; None when it is not text at all."""
    source = member(cell, "source")
    if is_array(source):
        if not all(isinstance(line, str) for line in source):
            return None
        source = "".join(source)
    if not isinstance(source, str):
        return None
    # Half a surrogate pair is legal in JSON, but no encoder takes it.
    return source.encode("utf-8", "replace").decode("utf-8")


def find_cell(notebook: object, key: str) -> Any:
    """The last cell whose grade_id, or else whose id, is `key`; None when there is none."""
    found = [c for c in cells_of(notebook) if key == (grade_id_of(c) or cell_id_of(c))]
    return found[-1] if found else None


def depth_of(value: object) -> int:
    """How many arrays and objects lie in one another at most; 0 for a single value."""
    depth, level = 0, [value]
    while level := [v for v in level if is_array(v) or is_object(v)]:
        depth += 1
        level = [inner for v in level for inner in (v if is_array(v) else v.values())]
    return depth
