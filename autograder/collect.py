"""`labkit collect`: bring hand-ins, however they arrive, into nbgrader's `submitted/STUDENT/LAB/`.

Understood are nbgrader's own layout, folders STUDENT/FILE, files STUDENT_ANYTHING.ipynb or
STUDENT.ipynb, and zip archives of these (a student's own archive too). Everything is copied;
nothing that was handed in is lost: the older of two hand-ins and what is no notebook stay beside
the graded notebook under names that end in `.original`, and what belongs to no student of the
roster or to no lab goes to `quarantine/`. One bad file never stops the others.

The time of a hand-in is what a student cannot choose: nbgrader's `timestamp.txt` in nbgrader's own
layout, the date that an archive of the whole class gives the file, the date of a student's own
archive, else the date of the file. A `timestamp.txt` that was handed in counts for nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from autograder.archives import unpack
from autograder.course import Course
from autograder.errors import LabkitError
from autograder.files import sha256_of, short_name, write_atomically
from autograder.handin import TIMESTAMP, is_replacement, make_gradable, set_aside
from autograder.handin_source import TIME_FORMAT, Candidate, Finder, recorded_time
from autograder.roster import read_roster

State = Literal["new", "updated", "unchanged", "older"]


@dataclass(frozen=True)
class Collected:
    """One student's hand-in for one lab after collecting."""

    student: str
    lab: str
    source: str
    state: State
    notes: tuple[str, ...] = ()
    """What was done to it: replaced because it is no notebook, other files of the student kept."""


@dataclass
class Collection:
    """What came of a `labkit collect`."""

    collected: list[Collected] = field(default_factory=list[Collected])
    quarantined: list[str] = field(default_factory=list[str])
    """Files that belong to no student of the roster or no lab, with the reason."""
    warnings: list[str] = field(default_factory=list[str])
    """Archive members and files that were left out."""


def collect(course: Course, paths: Sequence[Path], *, lab: str | None = None) -> Collection:
    """Collect hand-ins from files, folders and archives; `lab` says which lab all of them are.

    Raises:
        LabkitError: a path does not exist.
        LabError: the course has no such lab.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise LabkitError(f"There is nothing at {', '.join(missing)}.")
    known = set(read_roster(course.roster_path)) if course.roster_path.exists() else None
    only = course.lab(lab) if lab else None
    result = Collection()
    with tempfile.TemporaryDirectory(prefix="labkit-collect-") as temporary:
        finder = Finder(
            course,
            known,
            only,
            unpack=lambda archive, into: result.warnings.extend(unpack(archive, into)),
            warn=result.warnings.append,
        )
        found = [c for path in paths for c in finder.find(path, Path(temporary))]
        by_owner: dict[tuple[str, str], list[Candidate]] = {}
        for candidate in found:
            reason = _homeless(candidate, known)
            if reason:
                _quarantine(course, candidate, reason, result)
            else:
                key = (candidate.student or "", candidate.lab or "")
                by_owner.setdefault(key, []).append(candidate)
        for (student, of_lab), candidates in sorted(by_owner.items()):
            result.collected.append(_take(course, student, of_lab, candidates))
    return result


def _homeless(candidate: Candidate, known: set[str] | None) -> str | None:
    if candidate.student is None:
        return "its name tells no student"
    if known is not None and candidate.student not in known:
        return f"{candidate.student!r} is not on the roster"
    if candidate.lab is None:
        return "it is not clear which lab it is; say so with --lab"
    return None


def _quarantine(course: Course, candidate: Candidate, reason: str, result: Collection) -> None:
    folder = course.root / "quarantine"
    folder.mkdir(exist_ok=True)
    content = candidate.path.read_bytes()
    target = _free_name(folder / short_name(candidate.origin.replace("/", "__")), content)
    if not target.exists():
        write_atomically(target, content)
    result.quarantined.append(f"{candidate.origin}: {reason}. Kept as quarantine/{target.name}.")


def _free_name(target: Path, content: bytes) -> Path:
    """`target`, or a numbered neighbour, that is free or has this content already."""
    number, name = 1, target
    while name.exists() and name.read_bytes() != content:
        number += 1
        name = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return name


def _take(course: Course, student: str, lab: str, candidates: Sequence[Candidate]) -> Collected:
    """Put the newest hand-in in place and keep the others beside it."""
    notebooks = [c for c in candidates if c.is_notebook] or list(candidates)
    *older, newest = sorted(notebooks, key=lambda c: (c.time, c.origin))
    folder = course.submitted(student, lab)
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    for candidate in older:
        notes += _keep(folder, candidate.path, candidate.origin)
    state = _place(folder, course.release_path(lab), newest, notes)
    notes += make_gradable(course, student, lab)
    return Collected(student, lab, newest.origin, state, tuple(notes))


def _place(folder: Path, release: Path, newest: Candidate, notes: list[str]) -> State:
    """Copy the newest hand-in to its place unless it is there, or something newer is."""
    target = folder / release.name
    handed_in = _handed_in(folder)
    content = sha256_of(newest.path)
    there = recorded_time(folder) or 0.0
    if content == handed_in.get(target) or (content in handed_in.values() and newest.time <= there):
        return "unchanged"
    if target.exists() and (newest.time < there or not newest.is_notebook):
        notes += _keep(folder, newest.path, newest.origin)
        return "older"
    state: State = "updated" if handed_in else "new"
    if target.exists() and not is_replacement(target, release):
        notes += _keep(folder, target, target.name, "The hand-in before it")
    # The time first: after a kill between the two, collecting again finishes the job.
    when = datetime.fromtimestamp(newest.time, UTC).strftime(TIME_FORMAT)
    write_atomically(folder / TIMESTAMP, f"{when}\n".encode())
    if newest.is_notebook:
        write_atomically(target, newest.path.read_bytes())
    else:
        _keep(folder, newest.path, newest.origin)
    return state


def _keep(folder: Path, path: Path, origin: str, called: str = "") -> list[str]:
    """Copy a file beside the graded notebook under a name nbgrader ignores. Returns what to say."""
    if sha256_of(path) in [h for p, h in _handed_in(folder).items() if p != path]:
        return []
    aside = set_aside(folder, path.read_bytes(), Path(origin).name)
    return [f"{called or origin} is not graded; it is kept as {aside.name}."]


def _handed_in(folder: Path) -> dict[Path, str]:
    """The hash of every file a student handed in that is in `folder`."""
    files = (p for p in folder.iterdir() if p.is_file() and p.name != TIMESTAMP)
    return {p: sha256_of(p) for p in files}
