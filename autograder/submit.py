"""Making the file a student hands in, after looking whether it can be graded.

The hand-in is the student's notebook byte for byte. What is looked at is the grafted notebook,
the same one that grading runs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from autograder.check.find import Work
from autograder.check.run import CellFailure, run_cells
from autograder.errors import CheckFailed, LabkitError
from autograder.files import write_atomically
from autograder.lab import load_spec
from autograder.notebook import MAX_BYTES, Grafted, graft, parse_notebook, read_notebook
from autograder.notebook.names import same_text
from autograder.notebook.student import release_cells

FOLDER = "handin"
"""Folder below the current one that hand-ins are written to."""


@dataclass(frozen=True)
class Examined:
    """A notebook that was looked at, and what is wrong with it."""

    data: bytes
    problems: tuple[str, ...]
    """Each would cost points or make grading harder; with none the hand-in is written."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Receipt:
    """What was handed in: the proof a student keeps."""

    file: Path
    sha256: str
    size: int


def examine(work: Work) -> Examined:
    """Look whether the notebook has every cell and runs from top to bottom.

    Raises:
        NotebookError: it cannot be read, is too large or is from another lab.
    """
    data = _read(work.notebook)
    release = read_notebook(work.lab_dir / f"{work.lab_dir.name}.ipynb")
    grafted = graft(parse_notebook(data, work.notebook.name), release)
    left = _not_attempted(work, grafted)
    # A stub may stand where it raises on loading, in a class body say: that is no mistake.
    failures = [f for f in run_cells(grafted.cells, work.lab_dir) if f.cell not in left]
    problems = [f"The cell of exercise {name} is missing." for name in sorted(grafted.missing)]
    problems += [_told(failure) for failure in failures]
    return Examined(data, tuple(problems), (*grafted.notes, *left.values()))


def hand_in(work: Work, examined: Examined, target: Path) -> Receipt:
    """Write the hand-in to `target`, whole or not at all.

    Raises:
        CheckFailed: the notebook has problems.
        LabkitError: `target` cannot be written, or is the notebook itself.
    """
    if examined.problems:
        raise CheckFailed("Nothing was written. " + " ".join(examined.problems))
    return write_hand_in(work, examined.data, target)


def write_hand_in(work: Work, data: bytes, target: Path) -> Receipt:
    """Write `data` to `target` and say what was written."""
    if target.is_dir():
        target = target / f"{work.lab_dir.name}.ipynb"
    if target.suffix != ".ipynb":
        raise LabkitError(f"{target} is no name for a notebook. It must end in .ipynb.")
    if target.exists() and target.samefile(work.notebook):
        raise LabkitError(f"{target} is your notebook itself. Name another file with --to.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)
    except OSError as error:
        raise LabkitError(f"{target} cannot be written: {error.strerror or error}.") from error
    return Receipt(target, hashlib.sha256(data).hexdigest(), len(data))


def _read(path: Path) -> bytes:
    read_notebook(path)  # for its sentences on size and content
    return path.read_bytes()[: MAX_BYTES + 1]


def _told(failure: CellFailure) -> str:
    return f"Cell {failure.cell} does not run: {' '.join(failure.reason.split())}"


def _not_attempted(work: Work, grafted: Grafted) -> dict[str, str]:
    """A sentence for each exercise and question that still holds what the release holds."""
    spec = load_spec(work.lab_dir)
    release = release_cells(read_notebook(work.lab_dir / f"{work.lab_dir.name}.ipynb"))
    here = release_cells(grafted.node)
    wanted = [*(("Exercise", e) for e in spec.exercises), *(("Question", w) for w in spec.written)]
    return {
        item.name: f"{kind} {item.name} is not attempted ({item.points} points)."
        for kind, item in wanted
        if item.name in here and same_text(here[item.name].source, release[item.name].source)
    }
