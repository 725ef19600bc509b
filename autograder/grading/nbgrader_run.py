"""nbgrader's own converters, run in this process with the course's own configuration.

What the command `nbgrader` would read is read here too: Jupyter's configuration folders first, the
course's `nbgrader_config.py` last. What nbgrader says goes to a file in the course's `logs/`.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading.configure import CONFIG_FILE


def load_config(course: Course) -> Any:
    """The configuration an nbgrader command in the course folder would have.

    Raises:
        CourseError: the course has no `nbgrader_config.py`, or it does not hand over to us.
    """
    from nbgrader.apps.baseapp import NbGrader
    from traitlets.config.loader import PyFileConfigLoader

    path = course.root / CONFIG_FILE
    if not path.is_file():
        raise CourseError(f"{path} is missing. Make it again: labkit course init {course.root}")
    app: Any = NbGrader()
    app.load_cwd_config = False
    app.log.disabled = True  # "no nbgrader_config.py found": it is looked for below
    try:
        app.load_config_file()
    finally:
        app.log.disabled = False
    config: Any = app.config
    config.merge(PyFileConfigLoader(CONFIG_FILE, path=str(course.root)).load_config())
    if config.CoursePreprocessor.course_dir != str(course.root):
        raise CourseError(
            f"{path} does not hand over to the judge. Remove it and make it again: "
            f"labkit course init {course.root}"
        )
    return config


def run(name: str, config: Any, lab: str, *, student: str | None, log: logging.Logger) -> None:
    """Run nbgrader's converter class `name` on one lab, for one student or all.

    Raises:
        CourseError: nbgrader could not; the reason is in the log.
    """
    from nbgrader import converters
    from nbgrader.coursedir import CourseDirectory

    directory: Any = CourseDirectory(config=config)
    directory.assignment_id = lab
    if student is not None:
        directory.student_id = glob.escape(student)
    converter: Any = getattr(converters, name)(coursedir=directory, config=config, log=log)
    converter.force = True
    try:
        converter.start()
    except converters.NbGraderException as error:
        raise CourseError(str(error)) from error


@contextmanager
def logging_to(path: Path) -> Generator[logging.Logger]:
    """A logger that writes to `path` and nowhere else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger(f"labkit.{path.stem}")
    log.setLevel(logging.INFO)
    log.propagate = False
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield log
    finally:
        log.removeHandler(handler)
        handler.close()
