"""One process's way to verdicts of one course: reads a hand-in, looks in the cache, asks the judge.

nbgrader makes its preprocessors anew for each notebook, so what must live longer (the zygote with
torch imported, the release notebooks) lives here, one `Session` a course folder and process. The
same session serves `labkit grade`, `nbgrader autograde` and formgrader's threads.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder import ledger
from autograder.course import Course, canonical_json
from autograder.errors import EnvironmentRefused, NotebookError
from autograder.files import sha256_of, write_atomically
from autograder.grading import cache
from autograder.grading.processes import Processes
from autograder.grading.records import entry_of, log_judged
from autograder.handin import METADATA, NOTE, originals
from autograder.judge.observed import Observed
from autograder.judge.verdict import Verdict
from autograder.lab import LabSpec
from autograder.notebook import Grafted, Node, graft, read_notebook
from autograder.sandbox.errors import ForkDied, SandboxError

NOTE_LIMIT = 400
ATTEMPTS = 3


@dataclass(frozen=True)
class Reading:
    """A hand-in as it will be judged."""

    student: str
    lab: str
    submission: str
    """sha256 of the file."""
    grafted: Grafted
    notes: tuple[str, ...]
    key: str
    originals: tuple[str, ...] = ()
    """sha256 of files of theirs that are kept beside it."""


@dataclass(frozen=True)
class Lab:
    """What every hand-in of one lab shares."""

    spec: LabSpec
    folder: Path
    hash: str
    release: Node


class Session:
    """Verdicts of one course. Methods may be called from several threads."""

    def __init__(self, course: Course, *, trust: bool = False) -> None:
        self.course = course
        self.trust = trust or course.data.trust_students
        self._labs: dict[str, Lab] = {}
        self._last: Reading | None = None
        """A conversion reads its hand-in at every step; it is parsed and grafted once."""
        self.processes = Processes(seed=course.data.seed, trust=self.trust)
        self.observed: dict[str, Observed] = {}
        """What the judge saw beside a verdict, by the verdict's key, until both are stored."""
        self._guard = threading.RLock()

    @cached_property
    def level(self) -> str:
        """The sandbox level hand-ins are judged at.

        Raises:
            EnvironmentRefused: this machine offers none.
        """
        if self.trust:
            return "trusted"
        from autograder.sandbox.probe import probe

        found = probe()
        if found.level is None:
            raise EnvironmentRefused(
                f"No sandbox here, so no student's code is run: {found.reasons}. {found.remedy} "
                "Or run their code as your own user: --trust-students (the reports will say so)."
            )
        return found.level

    def lab(self, name: str) -> Lab:
        """The lab called `name`, read once.

        Raises:
            CourseError: the lab is not where it should be, or changed since it was pinned.
        """
        with self._guard:
            if name not in self._labs:
                self._labs[name] = Lab(
                    spec=self.course.spec(name),
                    folder=self.course.solution_dir(name),
                    hash=self.course.require_unchanged(name),
                    release=read_notebook(self.course.release_path(name)),
                )
            return self._labs[name]

    def read(self, student: str, lab: str) -> Reading:
        """The hand-in in `submitted/`; one of another lab reads as a pristine notebook."""
        folder = self.course.submitted(student, lab)
        path = folder / f"{lab}.ipynb"
        last = self._last
        if last is None or (last.student, last.lab, last.submission) != (
            student,
            lab,
            file_hash(path),
        ):
            last = self.read_file(path, student, lab)
        reading = replace(last, originals=originals(folder))
        self._last = reading  # another thread may put its own there at any time
        return reading

    def remember(self, reading: Reading) -> None:
        """Let the next `read` of this hand-in give `reading`, unless the file has changed."""
        self._last = reading

    def read_file(self, path: Path, student: str, lab: str) -> Reading:
        """A notebook anywhere, read as the hand-in of `student` would be."""
        known = self.lab(lab)
        notes: tuple[str, ...] = ()
        try:
            notebook = read_notebook(path)
            notes = _handin_notes(notebook)
            grafted = graft(notebook, known.release)
        except NotebookError as error:
            notes = (*notes, str(error).replace(str(path), path.name))
            grafted = graft(known.release, known.release)
        key = cache.verdict_key(
            grafted.cells, lab_hash=known.hash, seed=self.course.data.seed, level=self.level
        )
        return Reading(student, lab, file_hash(path), grafted, (*notes, *grafted.notes), key)

    def cached(self, reading: Reading) -> cache.Judged | None:
        """The verdict, when it is known."""
        return cache.load(self.course.verdicts, reading.key)

    def judge(self, reading: Reading) -> cache.Judged:
        """The judge's verdict, whatever the cache says; the cache has it afterwards.

        Raises:
            CourseError: the lab's source is not the pinned one.
        """
        self.course.require_unchanged(reading.lab)
        start = time.monotonic()
        verdict = self._judge_stubbornly(reading)
        self.course.require_unchanged(reading.lab)  # while it was judged, or since it was read
        judged = cache.Judged(
            verdict=verdict,
            observed=self.observed.pop(reading.key, Observed()),
            seconds=round(time.monotonic() - start, 3),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        cache.store(self.course.verdicts, reading.key, judged)
        return judged

    def _judge_stubbornly(self, reading: Reading) -> Verdict:
        """Ask again when the machinery failed: it may have run short of memory, or been killed."""
        for _ in range(ATTEMPTS - 1):
            zygote = self.processes.started
            try:
                return judge_cells(reading, self.lab(reading.lab), self)
            except ForkDied:
                continue
            except SandboxError:
                self.processes.forget(zygote)
        return judge_cells(reading, self.lab(reading.lab), self)

    def verdict(self, reading: Reading) -> Verdict:
        """The verdict on a hand-in, with what happened to its notebook, entered in the ledger."""
        judged = self.cached(reading) or self.judge(reading)
        verdict = with_notes(judged.verdict, reading.notes)
        entry = entry_of(reading, self.lab(reading.lab), judged, verdict, self.course)
        if ledger.append(self.course.ledger_path, entry):
            log_judged(self.course, entry)
        return verdict

    def close(self) -> None:
        """End the processes that judge."""
        self.processes.close()


def judge_cells(reading: Reading, lab: Lab, session: Session) -> Verdict:
    """Ask the judge, and keep what was printed. What tests of all the rest replace."""
    printed: list[str] = []

    def keep(seen: Observed) -> None:
        # What was printed has a file of its own.
        session.observed[reading.key] = seen.model_copy(update={"printed": {}})

    verdict = session.processes.judge(
        reading.grafted.cells,
        lab.folder,
        level=session.level,
        on_stdout=lambda exercise, text: printed.append(f"--- {exercise}\n{text}\n"),
        on_observed=keep,
    )
    if printed:
        folder = session.course.logs / "printed"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{reading.student}-{reading.lab}.txt"
        write_atomically(folder / name, "".join(printed).encode(errors="replace"))
    return verdict


def _handin_notes(notebook: Node) -> tuple[str, ...]:
    ours: Any = notebook.metadata.get(METADATA)
    note: Any = ours.get(NOTE) if isinstance(ours, dict) else None  # pyright: ignore
    # A student can write this key too; it only adds a sentence to their own feedback.
    return (" ".join(str(note).split())[:NOTE_LIMIT],) if isinstance(note, str) else ()


def with_notes(verdict: Verdict, notes: tuple[str, ...]) -> Verdict:
    """The verdict with more notes in front; each note once."""
    return verdict.model_copy(update={"notes": tuple(dict.fromkeys((*notes, *verdict.notes)))})


def file_hash(path: Path) -> str:
    """sha256 of a file; that of nothing when it is not there."""
    try:
        return sha256_of(path)
    except OSError:
        return hashlib.sha256().hexdigest()


_sessions: dict[Path, tuple[str, Session]] = {}
_guard = threading.Lock()


def session_for(root: Path, *, trust: bool | None = None) -> Session:
    """This process's session for the course at `root`; a new one when `course.json` changed.

    `trust` None keeps what an earlier caller of this process asked for.
    """
    root = root.resolve()
    course = Course.load(root)
    data = canonical_json(json.loads(course.data.model_dump_json()))
    with _guard:
        known = _sessions.get(root)
        wanted = trust if trust is not None else bool(known and known[1].trust)
        if (
            known is None
            or known[0] != data
            or known[1].trust != (wanted or course.data.trust_students)
        ):
            if known is not None:
                known[1].close()
            known = (data, Session(course, trust=wanted))
            _sessions[root] = known
        return known[1]


@atexit.register
def close_sessions() -> None:
    """End every zygote of this process."""
    with _guard:
        for _, session in _sessions.values():
            session.close()
        _sessions.clear()
