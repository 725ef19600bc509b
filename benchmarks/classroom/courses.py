"""The same hand-ins in two courses: ours, and a stock nbgrader course that tests with asserts.

The stock course has nbgrader's own configuration. Its notebook is the lab's without demonstrations
and figures, which stock nbgrader would execute for every student and the judge does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from killing.hand_ins import filled

from autograder.audit.material import Material
from autograder.build import notebook_text, source_notebook
from autograder.course_init import init_course
from autograder.lab import solutions_folder
from autograder.notebook import read_notebook
from classroom.asserts import ASSERTS
from classroom.hand_ins import LAB, Write, path_in

PROGRAMS = Path(sys.executable).parent
LEFT_OUT = ("demo", "tools")


def our_course(root: Path, known: Material, students: Iterable[int], write: Write) -> None:
    """A `labkit` course at `root` with the hand-ins of `students`."""
    course = init_course(root, labs=[known.spec.name], seed="benchmark")
    _hand_in(root, read_notebook(course.release_path(known.spec.name)), known, students, write)


def stock_course(root: Path, known: Material, students: Iterable[int], write: Write) -> None:
    """An nbgrader course at `root` whose check cells are asserts, with the same hand-ins."""
    source: Any = source_notebook(solutions_folder() / LAB)
    source.cells = [c for c in source.cells if not {*LEFT_OUT} & {*c.metadata.get("tags", ())}]
    for cell in source.cells:
        exercise = cell.id.removeprefix("check_")
        if cell.id != exercise:
            cell.source = ASSERTS[exercise]
    folder = root / "source" / LAB
    folder.mkdir(parents=True)
    (folder / f"{LAB}.ipynb").write_text(notebook_text(source), encoding="utf-8")
    nbgrader = [str(PROGRAMS / "nbgrader"), "generate_assignment", LAB]
    environment = with_programs()
    subprocess.run(nbgrader, cwd=root, env=environment, check=True, capture_output=True)
    release = read_notebook(root / "release" / LAB / f"{LAB}.ipynb")
    _hand_in(root, release, known, students, write)


def with_programs() -> dict[str, str]:
    """The environment in which nbgrader finds `alembic` and the kernel."""
    return {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}"}


def _hand_in(
    root: Path, release: Any, known: Material, students: Iterable[int], write: Write
) -> None:
    for number in students:
        path = path_in(root, number, known.spec.name)
        path.parent.mkdir(parents=True)
        path.write_text(filled(release, write(known, number)), encoding="utf-8")
