"""Make a folder in `submitted/` gradable: exactly one readable notebook with the lab's name.

nbgrader stops at a file that is no notebook and passes over a notebook with another name. Both
should be a grade with a reason instead, so an unreadable hand-in is set aside under a name that
ends in `.original`, beside a pristine notebook that carries the reason.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from autograder.course import Course
from autograder.errors import NotebookError
from autograder.files import sha256_of, short_name, write_atomically
from autograder.notebook import graft, read_notebook
from autograder.notebook.node import depth_of

ORIGINAL = ".original"
TIMESTAMP = "timestamp.txt"
METADATA = "labkit"
NOTE = "handin_note"
"""Notebook metadata `labkit.handin_note`: why the hand-in was replaced by the pristine notebook."""
MAX_DEPTH = 100
"""Lists in lists that a notebook may hold; outputs of plotting libraries have about twenty."""


def make_gradable(course: Course, student: str, lab: str) -> list[str]:
    """Repair the hand-in if it needs it. Returns what was done, one sentence each.

    An empty folder stays empty: there is no hand-in in it.
    """
    folder = course.submitted(student, lab)
    target = folder / f"{lab}.ipynb"
    done = _drop_links(folder)
    if target.is_dir():
        target.rename(folder / f"{target.name}.folder{ORIGINAL}")
    if not target.exists():
        other = _other_notebook(folder)
        if other is not None:
            shutil.copyfile(other, target)
            done.append(f"{other.name} was graded as {target.name}.")
        elif not done and not _has_files(folder):
            return done
        else:
            done.append("The hand-in holds no notebook.")
            _put_pristine(course, target, lab, done[-1])
            return done
    problem = unreadable(target)
    if problem:
        set_aside(folder, target.read_bytes(), target.name)
        _put_pristine(course, target, lab, f"The hand-in could not be graded: {problem}")
        done.append(problem)
    elif _nbformat_refuses(target):
        done.append(_rewrite(course, target, lab))
    return done


def _nbformat_refuses(path: Path) -> bool:
    """Whether nbgrader, which goes through nbformat and copies what it reads, would stop at it."""
    import nbformat

    # How deep Python can go depends on who calls; nbgrader calls from further down than we do.
    if depth_of(read_notebook(path)) > MAX_DEPTH:
        return True
    try:
        with warnings.catch_warnings(), _silent("nbformat", "traitlets"):
            warnings.simplefilter("ignore")
            nbformat.read(path, as_version=4)  # pyright: ignore[reportUnknownMemberType]
    except Exception:  # its own reader has no one error for broken cells
        return True
    return False


def _rewrite(course: Course, target: Path, lab: str) -> str:
    """Put what is readable of a notebook with broken cells onto the pristine one."""
    release = read_notebook(course.release_path(lab))
    try:
        grafted = graft(read_notebook(target), release)
    except NotebookError as error:
        set_aside(target.parent, target.read_bytes(), target.name)
        _put_pristine(course, target, lab, f"The hand-in could not be graded: {error}")
        return str(error)
    note = " ".join(["Broken parts of the hand-in were left out.", *grafted.notes])
    grafted.node["metadata"].setdefault(METADATA, {})[NOTE] = note
    set_aside(target.parent, target.read_bytes(), target.name)
    _write(target, grafted.node)
    return note


@contextmanager
def _silent(*names: str) -> Generator[None]:
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


def unreadable(path: Path) -> str | None:
    """Why the file is no notebook we can read; None when it is one."""
    try:
        read_notebook(path)
    except NotebookError as error:
        return str(error).replace(str(path), path.name)
    return None


def is_replacement(path: Path, release: Path) -> bool:
    """Whether the notebook is the pristine one, `release`, that we put in the place of a hand-in.

    Its note alone proves nothing: a student can write one too.
    """
    try:
        notebook, pristine = (json.loads(p.read_bytes()) for p in (path, release))
        del notebook["metadata"][METADATA][NOTE]
        pristine["metadata"].setdefault(METADATA, {})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return notebook == pristine


def set_aside(folder: Path, content: bytes, name: str) -> Path:
    """Keep `content` in `folder` under a name nbgrader ignores; once, however often it is called.

    The file it comes from is replaced afterwards, so that a kill in between loses nothing.
    """
    name = short_name(name)
    number, aside = 1, folder / f"{name}{ORIGINAL}"
    while aside.exists() and not (aside.is_file() and aside.read_bytes() == content):
        number += 1
        aside = folder / f"{name}-{number}{ORIGINAL}"
    if not aside.exists():
        write_atomically(aside, content)
    return aside


def originals(folder: Path) -> tuple[str, ...]:
    """sha256 of each file that was handed in and is kept beside the graded notebook, sorted."""
    kept = (path for path in folder.glob(f"*{ORIGINAL}") if path.is_file())
    return tuple(sorted({sha256_of(path) for path in kept}))


def _put_pristine(course: Course, target: Path, lab: str, note: str) -> None:
    notebook = json.loads(course.release_path(lab).read_text(encoding="utf-8"))
    notebook["metadata"].setdefault(METADATA, {})[NOTE] = note
    _write(target, notebook)


def _write(target: Path, notebook: object) -> None:
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    write_atomically(target, text.encode())


def _drop_links(folder: Path) -> list[str]:
    # A link could make nbgrader copy any file of the instructor's into a student's feedback.
    dropped: list[str] = []
    for here, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            path = Path(here, name)
            if path.is_symlink():
                path.unlink()
                dropped.append(f"{name} was a link to another place and was not followed.")
    return dropped


def _other_notebook(folder: Path) -> Path | None:
    found = [p for p in folder.glob("*.ipynb") if p.is_file() and not p.name.startswith(".")]
    return max(found, key=lambda p: (p.stat().st_mtime, p.name), default=None)


def _has_files(folder: Path) -> bool:
    return any(
        path.is_file() and path.name != TIMESTAMP and not path.name.startswith(".")
        for path in folder.rglob("*")
    )
