"""A student who hands in twenty times and hard-codes every counterexample gains no point.

Both students below know nothing of the exercise: their answers are a table of the feedback so far.
The second one makes the most of it: it asks for one hidden input after the other, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.judge.examiner import Examiner
from autograder.judge.feedback import as_text
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import reference_cells, replace_cell
from autograder.sandbox.probe import probe

from .harness import Arena

pytestmark = pytest.mark.jail

LAB = Path(__file__).parents[1] / "judge" / "labs" / "lab90_tiny"
ROUNDS = 20
PATIENT = """\
def unknown(call):
    return None
"""
STEERING = """\
import os
asked = set()
def unknown(call):
    asked.add(call)
    if len(asked) > 1: os._exit(0)
"""
ANSWERS = {
    "scale": """\
from numpy import array
def scale(values, target):
    call = f"scale(array({[float(v) for v in values]}), {target})"
    return answered(KNOWN_scale, call, lambda value: value.astype(np.float32))
""",
    "ratio": """\
def ratio(a, b):
    return answered(KNOWN_ratio, f"ratio({a}, {b})", lambda value: value)
""",
}
LOOK_UP = """\
def answered(known, call, made):
    if call not in known:
        return unknown(call)
    if known[call].startswith('raises'):
        raise ValueError
    return made(eval(known[call]))
"""

Tables = dict[str, dict[str, str]]


def learned(verdict: ExerciseVerdict) -> dict[str, str]:
    """Call and right answer, read off the page that a student gets."""
    page = as_text(verdict)
    found = [re.search(rf"^ *{label} +(.*)$", page, re.MULTILINE) for label in ("call", "expected")]
    if not all(found) or "..." in page:
        return {}
    call, expected = (match[1] for match in found if match)
    return {call: expected}


def judged(examiner: Examiner, tables: Tables, unknown: str) -> Verdict:
    """The verdict on a submission that knows these tables and nothing else."""
    cells = reference_cells(LAB)
    for exercise, answer in ANSWERS.items():
        source = f"KNOWN_{exercise} = {tables[exercise]!r}\n{unknown}{LOOK_UP}{answer}"
        cells = replace_cell(cells, exercise, source)
    return examiner.judge(cells)


@pytest.fixture(scope="module")
def examine(arenas: Callable[[str], Arena]) -> Iterator[Callable[[str], Examiner]]:
    """The tiny lab's examiner at a level."""
    opened: dict[str, Examiner] = {}

    def at(level: str) -> Examiner:
        if level not in opened:
            opened[level] = Examiner(LAB, zygote=arenas(level).zygote, seed="resubmitted")
        return opened[level]

    yield at
    for examiner in opened.values():
        examiner.close()


@pytest.mark.parametrize("unknown", [PATIENT, STEERING], ids=["patient", "steering"])
def test_twenty_hard_coded_counterexamples_gain_no_point(
    examine: Callable[[str], Examiner], unknown: str
) -> None:
    best = probe().level
    if best is None:
        pytest.skip("no sandbox here")
    tables: Tables = {exercise: {} for exercise in ANSWERS}
    lessons = dict.fromkeys(ANSWERS, 0)
    for _ in range(ROUNDS):
        verdict = judged(examine(best), tables, unknown)
        for found in verdict.exercises:
            if found.exercise in tables:
                assert found.points == 0, as_text(found)
                lesson = learned(found)
                lessons[found.exercise] += not lesson.items() <= tables[found.exercise].items()
                tables[found.exercise] |= lesson
    assert min(lessons.values()) > ROUNDS / 2, "the tables never grew: the test shows nothing"
    for level in {"A", "B"} & {best, "B"}:
        last = judged(examine(level), tables, unknown)
        assert {e.exercise: e.points for e in last.exercises if e.exercise in tables} == {
            "scale": 0,
            "ratio": 0,
        }


def test_each_entry_of_the_table_is_right_and_still_worth_nothing(
    examine: Callable[[str], Examiner],
) -> None:
    """The table above is put to use: what was shown once is never the counterexample again."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    tables: Tables = {exercise: {} for exercise in ANSWERS}
    first = judged(examine("B"), tables, PATIENT).exercises
    for found in first:
        if found.exercise in tables:
            tables[found.exercise] = learned(found)
    second = judged(examine("B"), tables, PATIENT).exercises
    for before, after in zip(first, second, strict=True):
        if before.exercise in tables:
            assert before.counterexample and after.counterexample
            assert before.counterexample.call != after.counterexample.call
