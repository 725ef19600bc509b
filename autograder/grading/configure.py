"""What a course's `nbgrader_config.py` calls: hand nbgrader's autograding to the judge.

Runs in every nbgrader command, in formgrader and in `labkit grade`, more than once in some of
them. The settings come first and the repair of half-written folders last, because nbgrader only
logs an error in a configuration file and goes on with what was set.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from autograder.course import COURSE_FILE, Course
from autograder.grading.repair import clear_half_written
from autograder.handin import ORIGINAL

CONFIG_FILE = "nbgrader_config.py"
TEMPLATES = Path(__file__).parent / "templates"
OURS = "autograder.grading.preprocessors"
THEIRS = "nbgrader.preprocessors"

SANITIZE = [
    f"{OURS}.GraftSubmission",
    f"{THEIRS}.ClearOutput",
    f"{THEIRS}.DeduplicateIds",
    f"{THEIRS}.OverwriteKernelspec",
    f"{THEIRS}.OverwriteCells",
    f"{OURS}.CheckMetadataOnce",
]
AUTOGRADE = [
    f"{OURS}.JudgeSubmission",
    f"{THEIRS}.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    f"{THEIRS}.LimitOutput",
    f"{OURS}.SaveGradesAtOnce",
    f"{THEIRS}.AssignLatePenalties",
]
"""Without nbgrader's second look at the cells' metadata: no step since the first changed any."""


def configure(c: Any, config_file: str | Path) -> None:
    """Set up nbgrader for the course that `config_file` is in."""
    root = Path(config_file).resolve().parent
    c.Autograde.sanitize_preprocessors = SANITIZE
    c.Autograde.autograde_preprocessors = AUTOGRADE
    c.Autograde.pre_convert_hook = "autograder.grading.repair.before_conversion"
    # The notebook is checked once a conversion, not again after every step of it.
    c.Exporter.optimistic_validation = True
    c.Autograde.post_convert_hook = "autograder.grading.repair.after_conversion"
    c.CoursePreprocessor.course_dir = str(root)
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.ignore = [
        ".ipynb_checkpoints",
        "*.pyc",
        "__pycache__",
        "feedback",
        f"*{ORIGINAL}",
    ]
    _configure_release(c)
    _configure_pages(c)
    put_programs_on_path()
    _drop_noise()
    if (root / COURSE_FILE).is_file():
        clear_half_written(Course.load(root))


def _configure_release(c: Any) -> None:
    # nbgrader's own list, with stubs that name the exercise.
    from nbgrader.converters import GenerateAssignment

    steps: Any = GenerateAssignment.class_traits()["preprocessors"].default()
    c.GenerateAssignment.preprocessors = [
        "autograder.build.clear.ClearLabSolutions" if step.__name__ == "ClearSolutions" else step
        for step in steps
    ]


def _configure_pages(c: Any) -> None:
    import nbgrader

    theirs = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
    c.HTMLExporter.extra_template_basedirs = [str(TEMPLATES), str(theirs)]
    c.HTMLExporter.filters = {"markdown2html": "autograder.grading.markdown.safe_markdown"}


def put_programs_on_path() -> None:
    """Let nbgrader find `alembic`, which it starts by name when it makes a gradebook."""
    programs = str(Path(sys.executable).parent)
    known = os.environ.get("PATH", "").split(os.pathsep)
    if programs not in known:
        os.environ["PATH"] = os.pathsep.join([programs, *filter(None, known)])


def _is_worth_saying(record: logging.LogRecord) -> bool:
    return "'checksum' for cell" not in record.getMessage()


def _drop_noise() -> None:
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    # nbgrader's use of SQLAlchemy warns at every new submission; nobody can act on it.
    warnings.filterwarnings("ignore", message=".*not in session, add operation along")
    # Cells without ids or with the same id twice. The graft names all cells anew.
    for category in (MissingIDFieldWarning, DuplicateCellId):
        warnings.filterwarnings("ignore", category=category)
    # nbgrader reports a changed checksum for cells that differ by nothing but hidden tests.
    from traitlets.log import get_logger

    log: Any = get_logger()
    if _is_worth_saying not in log.filters:
        log.addFilter(_is_worth_saying)
