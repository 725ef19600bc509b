"""From a first look to a verdict: what is right is settled, all else is judged by itself.

A look decides what is right or not written, and never what is wrong. An exercise that was wrong in
the look and is right by itself was spoilt by another one, or answers as it likes; then both are
repeated. Code that answers otherwise than before gets no second chance: who throws a coin once a
process passes by being wrong and right in turn, six times, in one of 64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from autograder.judge.failure import CHANGED, SAME_EVERY_TIME, Failure
from autograder.judge.firstlook import Doubt, Look, Looker
from autograder.judge.incidents import advice
from autograder.judge.observed import CaseResult, Observed, Used, case_results
from autograder.judge.scoring import earned, verdict_of
from autograder.judge.session import Case, CaseRun
from autograder.judge.verdict import Counterexample, ExerciseVerdict, Verdict
from autograder.lab import LabSpec

ROUNDS = 2
"""How often code that was wrong in a look and right alone has to be both again."""

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
    right = {e.exercise: e for e in known.verdict.exercises if e.exercise in seen.right}
    passed = {case.name: case for case in known.observed.cases if case.exercise in right}
    for name in seen.unwritten:
        right[name], stubs = _unwritten(known, name)
        passed |= {case.name: case for case in stubs}
    left = [name for name in exercises if name not in right]
    verdict = known.verdict.model_copy(update={"level": seen.level, "notes": seen.notes})
    observed = Observed()
    if left:
        verdict, observed = alone(left)
        verdict, observed = _with_doubts(verdict, observed, seen, look, alone)
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


def joined(lab: LabSpec, parts: Sequence[tuple[Verdict, Observed]]) -> tuple[Verdict, Observed]:
    """One verdict from those on different exercises of one submission; at least one."""
    verdicts, seen = [v for v, _ in parts], [o for _, o in parts]
    order = list(lab.by_name)
    found = sorted(
        (e for v in verdicts for e in v.exercises), key=lambda e: order.index(e.exercise)
    )
    cases = sorted((c for o in seen for c in o.cases), key=lambda c: order.index(c.exercise))
    notes = dict.fromkeys(note for v in verdicts for note in v.notes)
    incidents = dict.fromkeys(incident for v in verdicts for incident in v.incidents)
    told = {"exercises": tuple(found), "notes": tuple(notes), "incidents": tuple(incidents)}
    used: dict[str, Used] = reduce(_summed, (o.used for o in seen))
    names = dict.fromkeys(name for o in seen for name in o.details)
    details = {
        n: tuple(dict.fromkeys(d for o in seen for d in o.details.get(n, ()))) for n in names
    }
    printed = {name: text for o in seen for name, text in o.printed.items()}
    return (
        verdicts[0].model_copy(update=told),
        Observed(cases=tuple(cases), used=used, details=details, printed=printed),
    )


def _summed(one: Mapping[str, Used], other: Mapping[str, Used]) -> dict[str, Used]:
    return {
        name: one.get(name, Used()).with_more(other.get(name, Used())) for name in {**one, **other}
    }


def _with_doubts(
    verdict: Verdict,
    observed: Observed,
    seen: Look,
    look: Callable[[], Look],
    alone: Alone,
) -> tuple[Verdict, Observed]:
    """The same, without what passed only because it was asked once more."""
    doubted = [e for e in verdict.exercises if e.status == "passed" and e.exercise in seen.wrong]
    steady = _steady({e.exercise: seen.wrong[e.exercise] for e in doubted}, look, alone)
    for exercise in doubted:
        doubt = seen.wrong[exercise.exercise]
        if exercise.exercise in steady:
            continue  # another exercise spoils it, which is not its fault
        cases = tuple(_failed(c, doubt) if c.name == doubt.case else c for c in observed.cases)
        observed = observed.model_copy(update={"cases": cases})
        worse = _changed(exercise, doubt, cases)
        listed = (worse if e is exercise else e for e in verdict.exercises)
        verdict = verdict.model_copy(update={"exercises": tuple(listed)})
    return verdict, observed


def _steady(doubts: Mapping[str, Doubt], look: Callable[[], Look], alone: Alone) -> set[str]:
    """Exercises that are wrong in the same way in each further look, and right each time alone."""
    steady = set(doubts)
    for _ in range(ROUNDS):
        if steady:
            again = look().wrong
            steady = {name for name in steady if again.get(name) == doubts[name]}
        if steady:
            verdict, _observed = alone(sorted(steady))
            steady &= {e.exercise for e in verdict.exercises if e.status == "passed"}
    return steady


def _unwritten(known: Known, name: str) -> tuple[ExerciseVerdict, Sequence[CaseResult]]:
    """What a run says of an exercise of which every case stops at the stub."""
    own = [case for case in known.observed.cases if case.exercise == name]
    cases = [Case(name, c.name, points=c.points, core=c.core, examples=0) for c in own]
    runs = [CaseRun(case, Failure("not attempted"), done=True) for case in cases]
    exercise = known.spec.exercise(name)
    verdict = verdict_of(known.spec, exercise, runs, cell_error=None, diagnosis=None)
    return verdict, case_results(runs)


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
    passed = [case for case in own if case.outcome == "passed"]
    return exercise.model_copy(
        update={
            "points": earned((case, case.outcome == "passed") for case in own),
            "status": "failed",
            "cases_passed": len(passed),
            "counterexample": _example(doubt),
            "next_step": advice("changed answer"),
            "incidents": (*exercise.incidents, "changed answer"),
        }
    )
