"""Which known mistake a wrong answer is told to be, and when nothing is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.errors import LabError
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import reference_cells, replace_cell

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
Judge = Callable[..., Verdict]

SUM = "def scale(v, t):\n    return (v / v.sum() * t).astype(v.dtype)"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LAB, tmp_path / LAB.name))


def scale(judge: Judge, lab: Path, source: str) -> ExerciseVerdict:
    cells = replace_cell(reference_cells(lab), "scale", source)
    return judge(cells, lab=lab, exercises=("scale",)).exercises[0]


def mistake(lab: Path, slug: str, sentence: str, source: str) -> None:
    (lab / "mistakes" / f"scale__{slug}.py").write_text(f'"""{sentence}"""\n\n{source}\n')


def test_two_mistakes_that_behave_alike_say_nothing(judge: Judge, copy: Path) -> None:
    mistake(copy, "twin", "Another sentence about it.", SUM)
    assert scale(judge, copy, SUM).diagnosis is None


def test_two_mistakes_with_one_sentence_say_it(judge: Judge, copy: Path) -> None:
    known = scale(judge, copy, SUM).diagnosis
    mistake(copy, "twin", str(known), SUM)
    assert scale(judge, copy, SUM).diagnosis == known


def test_equal_on_the_counterexample_alone_is_not_enough(judge: Judge, copy: Path) -> None:
    mistake(copy, "sum", "Half of it.", "def scale(v, t): return (v * 0 + 0.5).astype(v.dtype)")
    verdict = scale(judge, copy, SUM)
    assert verdict.counterexample is not None
    assert verdict.counterexample.got == "array([0.5, 0.5])"
    assert verdict.diagnosis is None


def test_a_mistake_that_does_not_end_is_out(judge: Judge, copy: Path) -> None:
    mistake(copy, "endless", "You never stop.", "def scale(v, t):\n    while True: pass")
    assert scale(judge, copy, SUM).diagnosis_id == "scale__sum"


def test_a_mistake_that_does_not_run_is_the_labs_error(judge: Judge, copy: Path) -> None:
    mistake(copy, "broken", "You divide by zero.", "1 / 0")
    with pytest.raises(LabError, match=r"mistakes/scale__broken\.py does not run"):
        scale(judge, copy, SUM)


def test_an_exception_is_the_same_by_its_class_whatever_it_says(judge: Judge, copy: Path) -> None:
    mistake(copy, "refuses", "You refuse what is allowed.", "def scale(v, t): raise KeyError(1)")
    verdict = scale(judge, copy, "def scale(v, t): raise KeyError('other words')")
    assert (verdict.status, verdict.diagnosis_id) == ("error", "scale__refuses")
