"""Answers that lie about what they are, judged by cases that look at them more than once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autograder.judge.session import BYTES_KEPT, Case, CaseRun
from autograder.judge.trace import Step, weight
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import replace_cell
from autograder.sandbox.ops import Call, Handle, Returned, SourceCell

Cells = tuple[SourceCell, ...]
Answer = Callable[[str, str], ExerciseVerdict]

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
LIE = """
class Lie:
    def __init__(self, target):
        self.target = target
    def mean(self):
        return float(self.target)
def scale(values, target):
    return Lie(target)
"""


@pytest.fixture
def lab_with(tmp_path: Path) -> Callable[[str, str], Path]:
    """The tiny lab with some words of its judge replaced."""

    def make(old: str, new: str) -> Path:
        copied = Path(shutil.copytree(LAB, tmp_path / LAB.name))
        text = (copied / "judge.py").read_text()
        assert old in text
        (copied / "judge.py").write_text(text.replace(old, new))
        return copied

    return make


def test_an_object_that_answers_what_a_case_asks_of_an_array_is_no_array(
    judge: Callable[..., Verdict], reference: Cells, lab_with: Callable[[str, str], Path]
) -> None:
    lab = lab_with(
        's.scale(values, target), FLOAT32, dtypes=("float32",)',
        "float(s.scale(values, target).mean()), FLOAT32",
    )
    assert judge(reference, lab=lab, exercises=("scale",)).points == 3
    cells = replace_cell(reference, "scale", LIE)
    verdict = judge(cells, lab=lab, exercises=("scale",)).exercises[0]
    assert (verdict.status, verdict.points) == ("failed", 0)
    assert verdict.counterexample is not None
    assert verdict.counterexample.got == "<Lie object>"
    assert verdict.counterexample.expected == "array([1.0])"


def test_objects_that_stay_on_both_sides_are_equal(
    judge: Callable[..., Verdict], reference: Cells, lab_with: Callable[[str, str], Path]
) -> None:
    lab = lab_with("return totals, counter.total", "return counter")
    assert judge(reference, lab=lab, exercises=("counter",)).points == 2


def test_the_comments_of_a_judges_lines_are_not_there_to_be_read(answer: Answer) -> None:
    spy = (
        "def ratio(a, b):\n    import sys\n    frame, told = sys._getframe(), []\n"
        "    while frame:\n        told.append(getattr(frame.f_locals.get('op'), 'code', ''))\n"
        "        frame = frame.f_back\n    raise ValueError(''.join(told))"
    )
    verdict = answer("ratio", spy)
    assert "result = ratio(a, b)" in (verdict.error or "")
    assert "CANARY" not in verdict.model_dump_json()


def test_large_answers_are_not_all_kept() -> None:
    run = CaseRun(Case("scale", "test_scale", 1, True, 50))
    answer = Returned([np.zeros(1 << 20), "x", Handle(1)])
    trace = (Step(Call("scale"), answer, str),)
    assert 8 << 20 < weight(trace) < 9 << 20
    for _ in range(50):
        run.keep(trace)
    assert sum(map(weight, run.traces)) < BYTES_KEPT + weight(trace)
    run.start_again()
    run.keep(trace)
    assert run.traces == [trace]
