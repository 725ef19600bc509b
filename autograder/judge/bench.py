"""Puts the right code behind `student` and `reference`: a fresh process for each exercise.

A cell that does not end, or that ends its process, is left out from then on, so that it costs its
time once and only the exercises that need it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.judge.actor import Actor
from autograder.judge.compare import Rules
from autograder.judge.failure import died_text, error_text
from autograder.judge.subject import Stopped, Subject
from autograder.judge.trace import Step, Trace, behaves_like
from autograder.judge.values import LONG, plain
from autograder.lab import ExerciseSpec, Limits
from autograder.sandbox.ops import CellReport, Returned, SourceCell

Spawn = Callable[[ExerciseSpec, Limits], Subject]


class Bench:
    """One submission's cells, the process they run in, and the reference beside it."""

    def __init__(
        self, cells: Sequence[SourceCell], spawn: Spawn, reference: Subject | None = None
    ) -> None:
        self.student = Actor("student")
        self.reference = Actor("reference")
        self.reference._subject = reference  # pyright: ignore[reportPrivateUsage]
        self.cell_errors: dict[str, str] = {}
        self.cell_notes: dict[str, None] = {}
        self.printed: dict[str, str] = {}
        self.level = "trusted"
        self.dead: str | None = None
        self._cells = tuple(cells)
        self._spawn = spawn
        self._reference = reference
        self._left_out: set[str] = set()
        self._exercise: ExerciseSpec | None = None
        self._subject: Subject | None = None

    @property
    def subject(self) -> Subject:
        """The student's code for the exercise at hand."""
        assert self._subject is not None
        return self._subject

    def turn_to(self, exercise: ExerciseSpec) -> None:
        """A fresh process for `exercise`, unless it is the one at hand."""
        if self._exercise == exercise:
            return
        self.close()
        self._exercise = exercise
        self.dead = None
        self._subject = self._loaded(exercise, exercise.limits)
        self.level = self._subject.level
        self.student._subject = self._subject  # pyright: ignore[reportPrivateUsage]

    def start_example(self) -> None:
        """Forget the objects of the example before."""
        if self.dead is None:
            self.subject.reset()
        if self._reference is not None:
            self._reference.reset()

    def end_early(self, reason: str) -> None:
        """The student's process is gone: the exercise's other cases cannot run."""
        self.dead = reason

    def close(self) -> None:
        """End the exercise at hand."""
        if self._subject is not None and self._exercise is not None:
            self.printed[self._exercise.name] = self._subject.close()
        self._subject = self._exercise = None

    def hangs_alone(self) -> bool:
        """Whether the call that ran out of time does so by itself, with half the time.

        If it does not, the exercise was slow as a whole and no single call is to blame.
        """
        assert self._exercise is not None
        if self.subject.pending is None:
            return False
        limits = self._exercise.limits
        less = {"cpu_seconds": limits.cpu_seconds / 2, "wall_seconds": limits.wall_seconds / 2}
        half = limits.model_copy(update=less)
        again = self._loaded(self._exercise, half)
        try:
            op, say = self.subject.pending
            trace: Trace = (*self.subject.trace, Step(op, Returned(None), say))
            behaves_like(trace, lambda op: again.ask(op, str), Rules())
        except Stopped as stopped:
            return stopped.reason == "timeout"
        finally:
            again.close()
        return False

    def _loaded(self, exercise: ExerciseSpec, limits: Limits) -> Subject:
        while True:
            subject = self._spawn(exercise, limits)
            culprit = self._load(subject)
            if culprit is None:
                return subject
            self._left_out.add(culprit)
            subject.close()

    def _load(self, subject: Subject) -> str | None:
        """Run the cells one by one; the id of the cell that ended the process, if one did."""
        for cell in self._cells:
            if cell.id in self._left_out:
                continue
            try:
                reports = subject.load([cell])
            except Stopped as stopped:
                self.cell_errors[cell.id] = died_text(stopped.reason, "running this cell")
                return cell.id
            self.heed(reports)
        return None

    def heed(self, reports: Sequence[CellReport]) -> None:
        """Keep what happened to cells when they ran."""
        for report in reports:
            self.cell_notes |= {_note(report.id, note): None for note in report.notes}
            if report.error is not None:
                self.cell_errors[report.id] = error_text(report.error)


def _note(cell: str, note: str) -> str:
    return plain(f"Cell {cell}: {note}", LONG)
