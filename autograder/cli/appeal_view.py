"""What `replay` and `explain` print: text for an instructor, data for a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autograder.judge.feedback import as_text
from autograder.judge.verdict import ExerciseVerdict

if TYPE_CHECKING:
    from autograder.explain import Explanation
    from autograder.judge.observed import CaseResult
    from autograder.replay import Replayed


def replay_text(found: Replayed) -> str:
    """The verdict, what it was judged with, and whether the ledger says the same."""
    lines = [
        f"{found.reading.student}, {found.reading.lab}",
        as_text(found.verdict),
        "",
        f"seed    {found.seed}",
        f"level   {found.level}",
        f"ledger  {_compared(found)}",
    ]
    if found.verdict.incidents:
        lines.insert(-1, f"seen    {', '.join(found.verdict.incidents)}")
    lines += [f"        {sentence}" for sentence in found.changed]
    return "\n".join(lines)


def _compared(found: Replayed) -> str:
    if found.line is None:
        return "has no line on it: nothing to compare with"
    then = found.then
    if then is None:
        return f"has no {found.verdict.exercise} in the line of {found.line['at']}"
    told = f"{then['points']:g} of {then['max_points']:g} points, {then['status']}"
    return f"{told} on {found.line['at']}: {'the same' if found.agrees else 'NOT THE SAME'}"


def replay_data(found: Replayed) -> dict[str, Any]:
    """The same for a script."""
    return {
        "student": found.reading.student,
        "lab": found.reading.lab,
        "submission": found.reading.submission,
        "verdict": found.verdict.model_dump(mode="json"),
        "seed": found.seed,
        "level": found.level,
        "agrees": found.agrees,
        "changed": list(found.changed),
        "line": found.line,
    }


def explain_text(found: Explanation) -> str:
    """The whole hand-in, exercise by exercise, case by case."""
    points = sum(e.points for e in found.verdict.exercises)
    most = sum(e.max_points for e in found.verdict.exercises)
    lines = [f"{found.student}, {found.lab}: {points:g} of {most:g} points", *_ledger_lines(found)]
    lines += [f"problem {problem}" for problem in found.problems]
    lines += [f"changed {sentence}" for sentence in found.changed]
    lines += [f"note    {note}" for note in found.verdict.notes]
    for exercise in found.verdict.exercises:
        lines += ["", *_exercise_lines(found, exercise)]
    return "\n".join(lines)


def _ledger_lines(found: Explanation) -> Iterator[str]:
    line = found.line
    if line is None:
        yield "ledger  no line: not graded yet, judged just now"
    else:
        kept = ", record gone: judged again just now" if found.again else ""
        yield f"ledger  line {found.number}, {line['hash']}"
        yield f"        judged {line['at']} in {line['seconds']:g} s{kept}"
        yield f"file    sha256 {line['submission']}"
        for kept in line.get("originals", ()):
            yield f"        beside it, handed in and not graded: {kept}"
    yield f"level   {found.verdict.level}"
    yield f"seed    {found.seed}"


def _exercise_lines(found: Explanation, exercise: ExerciseVerdict) -> Iterator[str]:
    yield as_text(exercise)
    if exercise.diagnosis_id is not None:
        yield f"    mistake   {exercise.diagnosis_id}"
    if exercise.incidents:
        details = found.observed.details.get(exercise.exercise, ())
        yield f"    seen      {'; '.join([', '.join(exercise.incidents), *details])}"
    used = found.observed.used.get(exercise.exercise)
    if used is not None:
        yield (
            f"    used      {used.cpu_seconds:g} s of processor time, {used.wall_seconds:g} s in "
            f"all, {used.peak_mb:g} MB at most, {used.output_kb:g} KB printed"
        )
    cases = found.cases(exercise.exercise)
    width = max((len(case.name) for case in cases), default=0)
    for case in cases:
        yield from _case_lines(case, width)
    yield f"    {_sum(exercise, cases)}"


def _case_lines(case: CaseResult, width: int) -> Iterator[str]:
    kind = "core" if case.core else "edge"
    yield f"    {case.name:<{width}}  {kind}  {case.points:>4g}  {case.outcome}"
    if case.counterexample is not None:
        example = case.counterexample
        yield f"        {example.call}: expected {example.expected}, got {example.got}"
    for line in (case.error or "").splitlines():
        yield f"        {line}"


def _sum(exercise: ExerciseVerdict, cases: list[CaseResult]) -> str:
    """How the cases make the points."""
    passed = [case for case in cases if case.outcome == "passed"]
    core = sum(case.points for case in passed if case.core)
    edge = sum(case.points for case in passed if not case.core)
    told = f"{core:g} {'point' if core == 1 else 'points'} of core cases"
    if edge and any(case.core for case in cases if case not in passed):
        told += f", {edge:g} of edge cases that do not count while a core case fails"
    elif edge:
        told += f", {edge:g} of edge cases"
    return f"{told}: {exercise.points:g} of {exercise.max_points:g}"


def explain_data(found: Explanation) -> dict[str, Any]:
    """The same for a script."""
    shown = {e.exercise for e in found.verdict.exercises}
    return {
        "student": found.student,
        "lab": found.lab,
        "seed": found.seed,
        "verdict": found.verdict.model_dump(mode="json"),
        "cases": [c.model_dump(mode="json") for c in found.observed.cases if c.exercise in shown],
        "used": {n: u.model_dump() for n, u in found.observed.used.items() if n in shown},
        "judged_again": found.again,
        "line": found.line,
        "problems": list(found.problems),
        "changed": list(found.changed),
    }
