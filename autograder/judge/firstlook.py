"""The first look at a submission: every kept question, in one process for all exercises.

Most answers are right. An exercise that answers every question as the reference did, or so that its
cases pass, is right; one that answers each case with its stub is not written. Any other is judged
as if nobody had looked: see `settle`.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis.errors import HypothesisException

from autograder.judge.actor import Actor
from autograder.judge.batched import BatchedSubject
from autograder.judge.bench import Bench
from autograder.judge.determinism import seed_globals
from autograder.judge.observed import Used
from autograder.judge.places import Jailed, stub_of
from autograder.judge.questions import Question, Questions
from autograder.judge.rehearsal import Example, OffScript, Prompter, Scene
from autograder.judge.subject import Stopped, Subject, is_refusal, is_stub
from autograder.judge.trace import call_shown
from autograder.judge.verdicts import cell_notes
from autograder.lab import LabSpec, Limits
from autograder.sandbox import wire
from autograder.sandbox.errors import WireError
from autograder.sandbox.limits import Usage
from autograder.sandbox.ops import Raised, SourceCell

SHARE = 4
"""A look may take this part of the time that the tightest exercise may: most take far less."""
_NO_CODE = ("not attempted", "undefined")


@dataclass(frozen=True)
class Doubt:
    """What was wrong: the case, the call, and a digest of all answers up to there."""

    case: str
    call: str
    digest: str


@dataclass
class Look:
    """What a look found. Mappings are by exercise."""

    level: str
    right: list[str] = field(default_factory=list[str])
    """Exercises that are right in every case."""
    unwritten: list[str] = field(default_factory=list[str])
    """Exercises of which every case stops at the stub."""
    wrong: dict[str, Doubt] = field(default_factory=dict[str, "Doubt"])
    """Those that are not. Nothing is said of the rest."""
    notes: tuple[str, ...] = ()
    """What happened to the cells, as a verdict tells it."""
    used: dict[str, Used] = field(default_factory=dict[str, Used])
    printed: dict[str, str] = field(default_factory=dict[str, str])


class Looker:
    """Looks at submissions of one lab."""

    def __init__(self, spec: LabSpec, asked: Questions, reference: Prompter) -> None:
        self._spec = spec
        self._asked = asked
        self._reference = reference

    def look(self, cells: Sequence[SourceCell], exercises: Sequence[str], spawn: Jailed) -> Look:
        """Look at `exercises` in the order given, in one jailed process that loads `cells` once."""
        subject = spawn(self._spec.exercises[0], _limits(self._spec))
        look = Look(subject.level)
        try:
            with _accounted(look, subject, "".join(exercises[:1])):
                errors = self._load(cells, subject, look)
            loading = subject.printed
            for name in exercises:
                if name in self._asked and (name not in errors or errors[name]):
                    before = len(subject.printed)
                    with _accounted(look, subject, name):
                        stub = stub_of(self._spec, self._spec.exercise(name))
                        subject.start_anew(stub, stopped_at_stub=name in errors)
                        self._look_at(name, subject, look)
                    look.printed[name] = loading + subject.printed[before:]
        except Stopped:  # whatever ended the process comes up again, alone
            pass
        finally:
            subject.close()
            _note_peak(look, subject.usage)
        return look

    def _load(
        self, cells: Sequence[SourceCell], subject: BatchedSubject, look: Look
    ) -> dict[str, bool]:
        """Run the cells; whether it was the stub that stopped those that stopped.

        Of the others a look must say nothing; of all exercises, if one cell was refused.
        """
        reports = subject.load(cells)
        bench = Bench((), spawn=_nowhere)
        bench.heed(reports)
        look.notes = tuple(cell_notes(bench, self._spec))
        errors = {report.id: report.error for report in reports if report.error is not None}
        if any(is_refusal(error) for error in errors.values()):
            return dict.fromkeys(self._spec.by_name, False)
        known = self._spec.by_name
        return {
            cell: cell in known and is_stub(error, stub_of(self._spec, known[cell]))
            for cell, error in errors.items()
        }

    def _look_at(self, name: str, subject: BatchedSubject, look: Look) -> None:
        digest = hashlib.sha256()
        for number, question in enumerate(self._asked[name]):
            for call in self._wrong(question, subject, digest):
                if number == 0 and self._is_unwritten(name, subject):
                    look.unwritten.append(name)
                else:
                    look.wrong[name] = Doubt(question.scene.case, call, digest.hexdigest())
                return
        look.right.append(name)

    def _is_unwritten(self, name: str, subject: BatchedSubject) -> bool:
        """Whether the first thing that each case asks stops at the stub."""
        for question in self._asked[name]:
            subject.reset()
            try:
                subject.ask(wire.decode(question.scene.examples[0].own[0][0]), str)
            except Stopped as stopped:
                if stopped.reason == "not attempted":
                    continue
                if stopped.reason not in _NO_CODE:
                    raise
            return False
        return True

    def _wrong(self, question: Question, subject: BatchedSubject, digest: Any) -> Iterator[str]:
        """The calls of a case that are not answered as they should be, in its words."""
        examples = question.scene.examples
        if question.encoded is None:
            for example in examples:
                yield from self._played(question.scene, example, subject, digest)
            return
        answers = subject.ask_all(question.encoded)
        digest.update(b"".join(answers))
        if len(answers) != sum(len(example.own) for example in examples):
            yield ""
        rest = iter(answers)
        for example in examples:
            given = tuple(itertools.islice(rest, len(example.own)))
            # The case passed on these very bytes; it is asked again only about others.
            if given != tuple(answer for _, answer in example.own):
                yield from self._reconsidered(question.scene, example, given, subject)

    def _played(
        self, scene: Scene, example: Example, subject: BatchedSubject, digest: Any
    ) -> Iterator[str]:
        """Nothing if the case accepts what the code itself answers, step by step."""
        subject.reset()
        accepted = self._accepts(scene, example, subject)
        for step in subject.trace:
            digest.update(wire.encode(step.outcome))
        if not accepted:
            yield call_shown(subject.trace)

    def _reconsidered(
        self, scene: Scene, example: Example, given: Sequence[bytes], subject: BatchedSubject
    ) -> Iterator[str]:
        """Nothing if the case accepts the answers that were given."""
        try:
            answers = [_within_bounds(answer, subject) for answer in given]
        except WireError:
            yield ""
            return
        student = Prompter(subject, stub=subject.stub)
        student.follow([(op, said) for (op, _), said in zip(example.own, answers, strict=False)])
        if not self._accepts(scene, example, student):
            yield call_shown(student.trace)

    def _accepts(self, scene: Scene, example: Example, student: Subject) -> bool:
        """Whether the case passes. What it would need another process for, it does not."""
        self._reference.reset()
        self._reference.follow(example.answers)
        actors = {
            "student": _on_stage("student", student),
            "reference": _on_stage("reference", self._reference),
        }
        seed_globals()
        try:
            fixtures = {name: actors[name] for name in example.fixtures}
            scene.test(**fixtures, **example.fresh_inputs())
        except (Exception, HypothesisException, OffScript):
            return False
        except Stopped as stopped:
            if stopped.reason in _NO_CODE:
                return False
            raise
        finally:
            self._reference.follow(None)
        return not student.refused


def _within_bounds(answer: bytes, subject: BatchedSubject) -> bytes:
    """An answer as it is decoded when it comes alone."""
    outcome = subject.bounded(wire.decode(answer))
    return wire.encode(outcome) if type(outcome) is Raised else answer


@contextmanager
def _accounted(look: Look, subject: BatchedSubject, name: str) -> Generator[None]:
    """Put what the code uses meanwhile on the account of exercise `name`."""
    cpu, wall, printed = subject.cpu_seconds, time.monotonic(), len(subject.printed)
    try:
        yield
    finally:
        usage = Usage(
            cpu_seconds=subject.cpu_seconds - cpu,
            wall_seconds=time.monotonic() - wall,
            output_bytes=len(subject.printed) - printed,
        )
        look.used[name] = look.used.get(name, Used()).plus(usage)


def _note_peak(look: Look, usage: Usage) -> None:
    peak = Usage(peak_mb=usage.peak_mb)
    look.used = {name: used.plus(peak) for name, used in look.used.items()}


def _limits(spec: LabSpec) -> Limits:
    """Those of the tightest exercise, with a part of its time."""
    each = [exercise.limits for exercise in spec.exercises]
    return Limits(
        cpu_seconds=min(limits.cpu_seconds for limits in each) / SHARE,
        wall_seconds=min(limits.wall_seconds for limits in each) / SHARE,
        memory_mb=min(limits.memory_mb for limits in each),
        output_kb=min(limits.output_kb for limits in each),
    )


def _nowhere(*_: object) -> BatchedSubject:
    raise AssertionError("nothing runs on this bench")


def _on_stage(role: str, subject: Subject) -> Actor:
    actor = Actor(role)
    actor._subject = subject  # pyright: ignore[reportPrivateUsage]
    return actor
