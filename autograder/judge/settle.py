"""From a first look to a verdict: what is right is settled, all else is judged by itself.

A look decides what is right and never what is wrong. An exercise that was wrong in the look and is
right by itself was spoilt by another one, or answers as it likes; then the look is repeated. Code
that answers otherwise than before gets no second chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.judge.failure import CHANGED, SAME_EVERY_TIME
from autograder.judge.firstlook import Doubt, Look, Looker
from autograder.judge.incidents import advice
from autograder.judge.observed import CaseResult, Observed, Used
from autograder.judge.verdict import Counterexample, ExerciseVerdict, Verdict
from autograder.lab import LabSpec

Alone = Callable[[Sequence[str]], tuple[Verdict, Observed]]


@dataclass(frozen=True)
class Known:
    """What a rehearsal found for every submission: how to look, and what is said when all is right.

    `verdict` and `observed` are those of the reference.
    """

    spec: LabSpec
    looker: Looker
    verdict: Verdict
    observed: Observed


def settle(
    exercises: Sequence[str], known: Known, look: Callable[[], Look], alone: Alone
) -> tuple[Verdict, Observed]:
    """The verdict on `exercises`, from a `look` at all and from judging those left `alone`."""
    seen = look()
    left = [name for name in exercises if name not in seen.right]
    right = {e.exercise: e for e in known.verdict.exercises if e.exercise in seen.right}
    passed = {case.name: case for case in known.observed.cases if case.exercise in right}
    verdict = known.verdict.model_copy(update={"level": seen.level, "notes": seen.notes})
    observed = Observed()
    if left:
        verdict, observed = alone(left)
        verdict, observed = _with_doubts(verdict, observed, seen, look)
    found = right | {e.exercise: e for e in verdict.exercises if e.exercise in left}
    cases = passed | {case.name: case for case in observed.cases}
    return (
        verdict.model_copy(update={"exercises": tuple(found[name] for name in exercises)}),
        observed.model_copy(
            update={
                "cases": tuple(cases[c.name] for c in known.observed.cases if c.name in cases),
                "used": _summed(seen.used, observed.used),
                "printed": {n: t for n, t in seen.printed.items() if n in right} | observed.printed,
            }
        ),
    )


def _summed(one: Mapping[str, Used], other: Mapping[str, Used]) -> dict[str, Used]:
    return {
        name: one.get(name, Used()).with_more(other.get(name, Used())) for name in {**one, **other}
    }


def _with_doubts(
    verdict: Verdict, observed: Observed, seen: Look, look: Callable[[], Look]
) -> tuple[Verdict, Observed]:
    """The same, without what passed only because it was asked once more."""
    doubted = [e for e in verdict.exercises if e.status == "passed" and e.exercise in seen.wrong]
    if not doubted:
        return verdict, observed
    again = look()
    for exercise in doubted:
        doubt = seen.wrong[exercise.exercise]
        if again.wrong.get(exercise.exercise) == doubt:
            continue  # the same as before: another exercise spoils it, which is not its fault
        cases = tuple(_failed(c, doubt) if c.name == doubt.case else c for c in observed.cases)
        observed = observed.model_copy(update={"cases": cases})
        worse = _changed(exercise, doubt, cases)
        listed = (worse if e is exercise else e for e in verdict.exercises)
        verdict = verdict.model_copy(update={"exercises": tuple(listed)})
    return verdict, observed


def _failed(case: CaseResult, doubt: Doubt) -> CaseResult:
    return case.model_copy(update={"outcome": "failed", "counterexample": _example(doubt)})


def _example(doubt: Doubt) -> Counterexample:
    call = doubt.call or "the same call"
    return Counterexample(call=call, expected=SAME_EVERY_TIME, got=CHANGED)


def _changed(
    exercise: ExerciseVerdict, doubt: Doubt, cases: Sequence[CaseResult]
) -> ExerciseVerdict:
    """The verdict on an exercise of which one case is not to be believed."""
    own = [case for case in cases if case.exercise == exercise.exercise]
    core = all(case.outcome == "passed" for case in own if case.core)
    passed = [case for case in own if case.outcome == "passed"]
    return exercise.model_copy(
        update={
            "points": float(sum(case.points for case in passed if case.core or core)),
            "status": "failed",
            "cases_passed": len(passed),
            "counterexample": _example(doubt),
            "next_step": advice("changed answer"),
            "incidents": (*exercise.incidents, "changed answer"),
        }
    )
