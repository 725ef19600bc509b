"""Undo what a kill left behind, and hold a submission while nbgrader converts it.

nbgrader passes over a submission whose folder exists in `autograded/`, even when a kill left the
folder half filled. A folder is whole when its notebook carries our stamp with a verdict, which is
written after the scores are in the gradebook; any other is removed, unless a process is at it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.grading import locks
from autograder.handin import METADATA, make_gradable


def stamp_of(notebook: Path) -> dict[str, Any]:
    """Our stamp on a graded notebook; empty when it is not whole."""
    try:
        stamp = json.loads(notebook.read_bytes())["metadata"][METADATA]
        return stamp if "verdict" in stamp else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def clear_half_written(course: Course) -> list[Path]:
    """Remove the half-written folders of `autograded/` and `feedback/`; returns them."""
    removed: list[Path] = []
    for student, lab, folder in _folders(course, "autograded"):
        if not stamp_of(folder / f"{lab}.ipynb"):
            removed += _remove(course, student, lab, folder)
    for student, lab, folder in _folders(course, "feedback"):
        page = folder / f"{lab}.html"
        if not (page.is_file() and page.read_bytes().rstrip().endswith(b"</html>")):
            removed += _remove(course, student, lab, folder)
    return removed


def _folders(course: Course, step: str) -> Iterator[tuple[str, str, Path]]:
    for folder in sorted((course.root / step).glob("*/*")):
        if folder.is_dir() and folder.name in course.data.labs:
            yield folder.parent.name, folder.name, folder


def _remove(course: Course, student: str, lab: str, folder: Path) -> list[Path]:
    byte = locks.byte_of(student, lab)
    if locks.held_here(course.root, byte) or not locks.acquire(course.root, byte):
        return []
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        locks.release(course.root, byte)
    return [folder]


def before_conversion(*, assignment: str, student: str, notebooks: list[str]) -> None:
    """Before a conversion (pre-convert hook of nbgrader): take the submission and make it gradable.

    `notebooks` is nbgrader's own list of files to convert; the lab's is put in when it was not
    there at the start.
    """
    folder = Path(notebooks[0]).parent
    lab, owner, root = folder.name, folder.parent.name, folder.parents[2]
    locks.release_submissions(root)
    course = Course.load(root)
    if lab not in course.data.labs:
        return
    locks.acquire(root, locks.byte_of(owner, lab), wait=True)
    make_gradable(course, owner, lab)
    target = str(folder / f"{lab}.ipynb")
    notebooks[:] = [target]


def after_conversion(*, assignment: str, student: str, notebooks: list[str]) -> None:
    """After a conversion (post-convert hook of nbgrader): give the submission back."""
    locks.release_submissions(Path(notebooks[0]).parents[3])
