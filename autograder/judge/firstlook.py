"""The first look at a submission: every kept question at once, in one process for all exercises.

Most answers are right. An exercise that answers every question as the reference did, or so that its
cases pass, is settled here. Any other is judged as if nobody had looked: in a process of its own,
by `runner.run`. So a look decides what is right and never what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis.errors import HypothesisException

from autograder.judge.actor import Actor
from autograder.judge.bench import Bench
from autograder.judge.determinism import seed_globals
from autograder.judge.places import Jailed
from autograder.judge.rehearsal import Asked, Example, OffScript, Prompter, Scene
from autograder.judge.runner import cell_notes
from autograder.judge.subject import JailSubject, Stopped
from autograder.lab import LabSpec, Limits
from autograder.sandbox import wire, worker
from autograder.sandbox.errors import WireError
from autograder.sandbox.ops import CellReport, Raised, SourceCell

SHARE = 4
"""A look may take this part of the time that the tightest exercise may: most take far less."""
ROOM = 4 << 20
"""Bytes of answers to one question that surely fit into one message."""


@dataclass(frozen=True)
class Question:
    """One case, ready to be asked."""

    scene: Scene
    encoded: bytes


Questions = Mapping[str, Sequence[Question]]
"""By exercise; one that cannot be settled by a look is absent."""


def questions(scenes: Sequence[Scene]) -> Questions:
    """What to ask, made once for all submissions."""
    found: dict[str, list[Question]] = {}
    unfit: set[str] = set()
    for scene in scenes:
        first = scene.exercise not in found
        question = _question(scene, anew=first)
        if question is None:
            unfit.add(scene.exercise)
        else:
            found.setdefault(scene.exercise, []).append(question)
    return {exercise: asked for exercise, asked in found.items() if exercise not in unfit}


def _question(scene: Scene, *, anew: bool) -> Question | None:
    if sum(len(answer) for e in scene.examples for _, answer in e.own) > ROOM:
        return None
    groups = [[wire.decode(asked) for asked, _ in example.own] for example in scene.examples]
    if not groups or not all(groups):  # nothing could be kept, or nothing was asked
        return None
    try:
        return Question(scene, worker.many(groups, anew=anew))
    except WireError:
        return None


@dataclass
class Look:
    """What a look found."""

    level: str
    right: list[str] = field(default_factory=list[str])
    """Exercises that are right in every case."""
    notes: tuple[str, ...] = ()
    """What happened to the cells, as a verdict tells it."""
    printed: dict[str, str] = field(default_factory=dict[str, str])
    """What the code of these exercises printed."""


def look_at(
    cells: Sequence[SourceCell],
    spec: LabSpec,
    asked: Questions,
    reference: Prompter,
    spawn: Jailed,
) -> Look:
    """Look at a submission's cells in one jailed process."""
    subject = spawn(spec.exercises[0], _limits(spec))
    look = Look(subject.level)
    try:
        look.notes = _notes(subject.load(cells), spec)
        loading = subject.printed
        for exercise in spec.by_name:
            before = len(subject.printed)
            if exercise in asked and all(_right(q, subject, reference) for q in asked[exercise]):
                look.right.append(exercise)
                look.printed[exercise] = loading + subject.printed[before:]
    except Stopped:  # whatever ended the process comes up again, alone
        pass
    finally:
        subject.close()
    return look


def _limits(spec: LabSpec) -> Limits:
    """Those of the tightest exercise, with a part of its time."""
    each = [exercise.limits for exercise in spec.exercises]
    return Limits(
        cpu_seconds=min(limits.cpu_seconds for limits in each) / SHARE,
        wall_seconds=min(limits.wall_seconds for limits in each) / SHARE,
        memory_mb=min(limits.memory_mb for limits in each),
        output_kb=min(limits.output_kb for limits in each),
    )


def _notes(reports: Sequence[CellReport], spec: LabSpec) -> tuple[str, ...]:
    def nowhere(*_: object) -> JailSubject:
        raise AssertionError("nothing runs on this bench")

    bench = Bench((), nowhere)
    bench.heed(reports)
    return tuple(cell_notes(bench, spec))


def _right(question: Question, subject: JailSubject, reference: Prompter) -> bool:
    """Whether every example of a case is answered as it should be."""
    answers = subject.ask_all(question.encoded)
    examples = question.scene.examples
    if len(answers) != sum(len(example.own) for example in examples):
        return False
    start = 0
    for example in examples:
        given = answers[start : start + len(example.own)]
        start += len(given)
        # The case passed on these very bytes; it is asked again only about others.
        same = all(got == kept for got, (_, kept) in zip(given, example.own, strict=True))
        if not same and not _passes(question.scene, example, given, subject, reference):
            return False
    return True


def _passes(
    scene: Scene,
    example: Example,
    given: Sequence[bytes],
    subject: JailSubject,
    reference: Prompter,
) -> bool:
    """Whether the case itself accepts the answers."""
    try:
        own: Asked = tuple(
            (asked, _bounded(answer, subject))
            for (asked, _), answer in zip(example.own, given, strict=True)
        )
    except WireError:
        return False
    student = Prompter(subject, stub=subject.stub)
    student.follow(own)
    reference.follow(example.answers)
    actors = {
        "student": _on_stage("student", student),
        "reference": _on_stage("reference", reference),
    }
    seed_globals()
    try:
        scene.test(**{name: actors[name] for name in example.fixtures}, **example.fresh_inputs())
    except (Exception, HypothesisException, OffScript, Stopped):
        return False
    finally:
        reference.follow(None)
    return True


def _bounded(answer: bytes, subject: JailSubject) -> bytes:
    outcome = wire.decode(answer)
    bounded = subject.bounded(outcome)
    return wire.encode(bounded) if type(outcome) is Raised else answer


def _on_stage(role: str, subject: Prompter) -> Actor:
    actor = Actor(role)
    actor._subject = subject  # pyright: ignore[reportPrivateUsage]
    return actor
