"""Puts the right code behind `student` and `reference`: a fresh process for each exercise.

A cell that does not end, or that ends its process, is left out from then on, so that it costs its
time once and only the exercises that need it. What all processes use is summed up: when the whole
hand-in has no time left, no further process is started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograder.judge.actor import Actor
from autograder.judge.compare import Rules
from autograder.judge.failure import died_text, error_text
from autograder.judge.incidents import OTHER_CELLS, Incident, limit_text
from autograder.judge.observed import Used, details_of
from autograder.judge.subject import SpentSubject, Stopped, Subject, is_refusal
from autograder.judge.text import LONG, plain
from autograder.judge.trace import Step, Trace, behaves_like
from autograder.lab import ExerciseSpec, Limits, SubmissionLimits
from autograder.sandbox.ops import CellReport, Returned, SourceCell

Spawn = Callable[[ExerciseSpec, Limits], Subject]


class Bench:
    """One submission's cells, the process they run in, and the reference beside it."""

    def __init__(
        self,
        cells: Sequence[SourceCell],
        spawn: Spawn,
        reference: Subject | None = None,
        total: SubmissionLimits | None = None,
    ) -> None:
        self.student = Actor("student")
        self.reference = Actor("reference")
        self.reference._subject = reference  # pyright: ignore[reportPrivateUsage]
        self.cell_errors: dict[str, str] = {}
        self.cell_notes: dict[str, None] = {}
        self.printed: dict[str, str] = {}
        self.used: dict[str, Used] = {}
        self.incidents: dict[str, dict[Incident, None]] = {}
        """By exercise, in the order seen; those of the student's own cells under `OTHER_CELLS`."""
        self.details: dict[str, list[str]] = {}
        self.level = "trusted"
        self.dead: str | None = None
        self._cells = tuple(cells)
        self._spawn = spawn
        self._reference = reference
        self._total = total or SubmissionLimits()
        self._scarce: set[Incident] = set()
        """The limits of the process at hand that are what was left to the whole hand-in."""
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
        if not isinstance(self._subject, SpentSubject):
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

    def observe(self, incident: Incident, detail: str = "", where: str | None = None) -> None:
        """Keep what was seen of the exercise at hand, or of `where`."""
        name = where or (self._exercise.name if self._exercise else OTHER_CELLS)
        self.incidents.setdefault(name, {})[incident] = None
        if detail:
            self.details[name] = list(details_of([*self.details.get(name, []), detail]))

    def account_for(self, stopped: Stopped, where: str | None = None) -> str:
        """Name and keep how a process ended; the limit that it hit, empty if it hit none."""
        assert self._exercise is not None
        if stopped.incident in self._scarce:
            stopped.incident = "submission limit"
        incident: Incident = stopped.incident or "process ended"
        self.observe(incident, stopped.detail, where)
        return limit_text(incident, self._exercise.limits, self._total)

    def close(self) -> None:
        """End the exercise at hand."""
        if self._subject is not None and self._exercise is not None:
            if self._subject.refused:
                self.observe("refused")
            self.printed[self._exercise.name] = self._end(self._subject, self._exercise)
            self.cell_notes |= dict.fromkeys(self._subject.notes)
            for incident in self._subject.seen:
                self.observe(incident)
        self._subject = self._exercise = None

    def hangs_alone(self, stopped: Stopped) -> bool:
        """Whether the call that ran out of time does so by itself, with half the time.

        If it does not, the exercise was slow as a whole and no single call is to blame; nor is one
        when the time was that of the whole hand-in.
        """
        assert self._exercise is not None
        if self.subject.pending is None or stopped.incident == "submission limit":
            return False
        limits = self._exercise.limits
        less = {"cpu_seconds": limits.cpu_seconds / 2, "wall_seconds": limits.wall_seconds / 2}
        half = limits.model_copy(update=less)
        again = self._loaded(self._exercise, half)
        try:
            op, say = self.subject.pending
            trace: Trace = (*self.subject.trace, Step(op, Returned(None), say))
            behaves_like(trace, lambda op: again.ask(op, str), Rules())
        except Stopped as ended:
            return ended.reason == "timeout" and ended.incident not in self._scarce
        finally:
            self._end(again, self._exercise)
        return False

    def _loaded(self, exercise: ExerciseSpec, limits: Limits) -> Subject:
        while True:
            subject = self._started(exercise, limits)
            culprit = self._load(subject)
            if culprit is None:
                return subject
            self._left_out.add(culprit)
            self._end(subject, exercise)

    def _started(self, exercise: ExerciseSpec, limits: Limits) -> Subject:
        """A process within `limits` and within what is left to the whole hand-in."""
        cpu = self._total.cpu_seconds - sum(used.cpu_seconds for used in self.used.values())
        wall = self._total.wall_seconds - sum(used.wall_seconds for used in self.used.values())
        self._scarce = {"submission limit"}
        if cpu <= 0 or wall <= 0:
            return SpentSubject()
        if cpu < limits.cpu_seconds:
            self._scarce.add("cpu limit")
        if wall < limits.wall_seconds:
            self._scarce.add("wall limit")
        less = {
            "cpu_seconds": min(cpu, limits.cpu_seconds),
            "wall_seconds": min(wall, limits.wall_seconds),
        }
        return self._spawn(exercise, limits.model_copy(update=less))

    def _end(self, subject: Subject, exercise: ExerciseSpec) -> str:
        """Close a process of `exercise`; what it printed."""
        printed = subject.close()
        self.used[exercise.name] = self.used.get(exercise.name, Used()).plus(subject.usage)
        return printed

    def _load(self, subject: Subject) -> str | None:
        """Run the cells one by one; the id of the cell that ended the process, if one did."""
        for cell in self._cells:
            if cell.id in self._left_out:
                continue
            try:
                reports = subject.load([cell])
            except Stopped as stopped:
                limit = self.account_for(stopped, _owner(cell))
                self.cell_errors[cell.id] = died_text(stopped.reason, "running this cell", limit)
                return cell.id
            self.heed(reports)
            if any(report.error is not None and is_refusal(report.error) for report in reports):
                self.observe("refused", where=_owner(cell))
        return None

    def heed(self, reports: Sequence[CellReport]) -> None:
        """Keep what happened to cells when they ran."""
        for report in reports:
            self.cell_notes |= {_note(report.id, note): None for note in report.notes}
            if report.error is not None:
                self.cell_errors[report.id] = error_text(report.error)


def _owner(cell: SourceCell) -> str:
    """The exercise that a cell belongs to: a solution cell is called as its exercise is."""
    return cell.id if cell.kind == "solution" else OTHER_CELLS


def _note(cell: str, note: str) -> str:
    return plain(f"Cell {cell}: {note}", LONG)
