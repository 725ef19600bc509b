"""What a student reads about an exercise, as text and as markdown."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest

from autograder.judge.feedback import as_markdown, as_text
from autograder.judge.verdict import ExerciseVerdict

Answer = Callable[[str, str], ExerciseVerdict]
Show = Callable[[ExerciseVerdict], str]


def page(verdict: ExerciseVerdict) -> str:
    return html.unescape(as_markdown(verdict))


@pytest.mark.parametrize("show", [as_text, page])
def test_an_error_is_told_once_with_the_students_own_line(answer: Answer, show: Show) -> None:
    shown = show(answer("scale", "def scale(v, t):\n    return v * factor"))
    assert shown.count("NameError: name 'factor' is not defined") == 1
    assert shown.count("cell scale, line 2: return v * factor") == 1
    got = next(line for line in shown.splitlines() if "NameError" in line)
    assert "got" in got and "raised NameError" in got


@pytest.mark.parametrize("show", [as_text, page])
def test_a_cell_that_does_not_run_tells_its_error_without_a_call(
    answer: Answer, show: Show
) -> None:
    shown = show(answer("scale", "def scale(v, t:\n    return v"))
    assert shown.count("SyntaxError: '(' was never closed") == 1
    assert "cell scale, line 1: def scale(v, t:" in shown


@pytest.mark.parametrize("show", [as_text, page])
def test_a_call_without_an_answer_says_why(answer: Answer, show: Show) -> None:
    shown = show(answer("scale", "def scale(v, t):\n    while True: pass"))
    assert "no answer in time" in shown
    assert (
        "Your code used up its time while answering this call (limit: 1 s of processor time)."
        in shown
    )


def test_edge_cases_that_pay_nothing_yet_are_explained(answer: Answer) -> None:
    wrong = answer("scale", "def scale(v, t):\n    return v")
    assert (wrong.points, wrong.cases_passed) == (0, 1)
    for shown in (as_text(wrong), page(wrong)):
        assert "Those count as soon as the main cases pass." in shown
    assert "main cases" not in as_text(wrong, points=False)
    assert "main cases" not in page(answer("scale", "def scale(v, t):\n    return v + 9"))
