"""Names the known mistake that behaves exactly as the student's code did.

The mistakes of a lab are trusted code and run here, in the judge's process, in the student's own
precision: they replay what the cases asked, and one that answers differently is out. First every
case of the exercise counts; if that leaves none, only the case that failed (the same mistake may
treat some other edge in another way). Two that are left say different things: nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path

from autograder.errors import LabError
from autograder.judge.compare import Rules
from autograder.judge.remembered import Answers, Memory
from autograder.judge.session import CaseRun
from autograder.judge.subject import LocalSubject, Stopped
from autograder.judge.trace import Trace, behaves_like
from autograder.sandbox.ops import SourceCell

TRACES_REPLAYED = 200
"""Examples of one exercise that a mistake must answer as the student's code did."""


@dataclass(frozen=True)
class Diagnosis:
    """A known mistake: its file's stem and the sentence for the student."""

    id: str
    sentence: str


@dataclass(frozen=True)
class Mistake:
    """A known mistake and the lab's cells with it in place of the right answer."""

    diagnosis: Diagnosis
    cells: tuple[SourceCell, ...]
    subject: LocalSubject | None = None
    """The cells loaded, if they are already."""


Start = Callable[[Sequence[SourceCell]], LocalSubject]


def known_mistakes(
    lab_dir: Path, exercise: str, reference: Sequence[SourceCell]
) -> tuple[Mistake, ...]:
    """The mistakes `lab_dir` knows of `exercise`, by file name.

    Raises:
        LabError: one has no sentence for the student.
    """
    from autograder.notebook import replace_cell, source_of

    found: list[Mistake] = []
    for path in sorted((lab_dir / "mistakes").glob(f"{exercise}__*.py")):
        sentence, code = source_of(path)
        if not sentence.strip():
            raise LabError(f"{path} has no docstring: it is the sentence a student reads.")
        diagnosis = Diagnosis(path.stem, " ".join(sentence.split()))
        found.append(Mistake(diagnosis, replace_cell(tuple(reference), exercise, code)))
    return tuple(found)


def loaded(mistakes: Iterable[Mistake], start: Start) -> tuple[Mistake, ...]:
    """The same with their cells loaded. One that does not run is told when it is asked for."""

    def attempt(mistake: Mistake) -> Mistake:
        try:
            return replace(mistake, subject=start(mistake.cells))
        except LabError:
            return mistake

    return tuple(attempt(mistake) for mistake in mistakes)


def diagnose(
    mistakes: Iterable[Mistake],
    failing: CaseRun,
    runs: Sequence[CaseRun],
    start: Start,
    memory: Memory | None = None,
) -> Diagnosis | None:
    """The one mistake (or several with one sentence) that answers as the student's code did.

    Args:
        mistakes: what is known of the exercise.
        failing: the case whose counterexample is shown.
        runs: every case of the exercise.
        start: makes a subject of a mistake's cells.
        memory: what the mistakes have answered before; what they answer now is added.

    Raises:
        LabError: a mistake's cells do not run.
    """
    assert failing.failure is not None
    rules = _loosest(rule for run in runs for rule in run.rules)
    near = (failing.failure.trace, *_recorded([failing]))
    rest = _recorded([run for run in runs if run is not failing])
    in_case: list[Diagnosis] = []
    everywhere: list[Diagnosis] = []
    for mistake in mistakes:
        answers = Answers(mistake.diagnosis.id, partial(_running, mistake, start), memory)
        if all(_same(answers, trace, rules) for trace in near):
            in_case.append(mistake.diagnosis)
            if all(_same(answers, trace, rules) for trace in rest):
                everywhere.append(mistake.diagnosis)
    left = everywhere or in_case
    return left[0] if len({diagnosis.sentence for diagnosis in left}) == 1 else None


def _running(mistake: Mistake, start: Start) -> LocalSubject:
    try:
        return mistake.subject or start(mistake.cells)
    except LabError as error:
        raise LabError(f"mistakes/{mistake.diagnosis.id}.py does not run: {error}") from error


def _same(answers: Answers, trace: Trace, rules: Rules) -> bool:
    try:
        return behaves_like(trace, answers.ask, rules)
    except Stopped:  # the mistake does not end on this input; the student's code did
        return False
    finally:
        answers.start_anew()


def _recorded(runs: Sequence[CaseRun]) -> list[Trace]:
    """What the cases recorded, the same share of each."""
    share = max(1, TRACES_REPLAYED // max(1, len(runs)))
    return [trace for run in runs for trace in run.traces[:share]]


def _loosest(rules: Iterable[Rules]) -> Rules:
    """Room for two answers that are each rounded; dtypes only where a case looks at them."""

    def wider(one: Rules, other: Rules) -> Rules:
        return Rules(one.tolerance.loosest(other.tolerance), one.dtypes or other.dtypes)

    widest = reduce(wider, rules, Rules())
    return Rules(widest.tolerance.twice(), None)
