"""A `labkit grade` that is killed: run by `test_kill.py` as a program of its own.

Arguments: the course folder, the stage and the number of the step at which to SIGKILL itself. With
the stage "none" it waits for others to kill it.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.grading import cache, grade_lab, session


def die(*args: Any, **kwargs: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def helpers() -> Any:
    spec = importlib.util.spec_from_file_location(
        "helpers", Path(__file__).with_name("conftest.py")
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    root, stage, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    plain = helpers()
    session.Session.level = "A"  # type: ignore[assignment]
    session.judge_cells = plain.plain_judge
    cache.tool_hash = lambda: "tools"  # type: ignore[assignment]
    left = [number]

    def counted(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            return die() if left[0] < 0 else function(*args, **kwargs)

        return call

    if stage == "judge":
        cache.store = counted(cache.store)
    elif stage != "none":
        from nbconvert.writers import FilesWriter
        from nbgrader.preprocessors import SaveAutoGrades

        owner, name = {
            "sanitized": (SaveAutoGrades, "preprocess"),
            "before writing": (FilesWriter, "write"),
        }[stage]
        setattr(owner, name, counted(getattr(owner, name)))
    grade_lab(Course.load(root), plain.LAB)
    print("not killed")


main()
