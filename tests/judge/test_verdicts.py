"""What the judge says about right, wrong, missing, slow and dying answers."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.errors import LabError
from autograder.judge.feedback import MAX_LINES, as_markdown, as_text
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import replace_cell, source_of
from autograder.sandbox.ops import SourceCell

Cells = tuple[SourceCell, ...]
Judge = Callable[..., Verdict]
Answer = Callable[[str, str], ExerciseVerdict]

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
MISTAKES = sorted(path.stem for path in (LAB / "mistakes").glob("*.py"))
SECOND = sorted(path.stem for path in (LAB / "mistakes" / "second").glob("*.py"))
ALTERNATIVES = sorted(path.stem for path in (LAB / "alternatives").glob("*.py"))
CLASS_STUB = "class Counter:\n    raise NotImplementedError('lab90 counter: Count')"
METHOD = "\n    def add(self, n): return n\n    raise"


def test_the_reference_gets_every_point(judge: Judge, reference: Cells) -> None:
    verdict = judge(reference)
    assert [e.status for e in verdict.exercises] == ["passed"] * 3
    assert verdict.points == verdict.max_points == 7
    assert not any(e.next_step or e.error or e.counterexample for e in verdict.exercises)


def test_the_stub_gets_nothing_and_is_not_attempted(judge: Judge, stub: Cells) -> None:
    verdict = judge(stub)
    assert [e.status for e in verdict.exercises] == ["not attempted"] * 3
    assert verdict.points == 0
    assert verdict.exercises[0].next_step.endswith("labkit hint lab90 scale")


@pytest.mark.parametrize("file", ["judge.py", "checks.py"])
@pytest.mark.parametrize("stands", ["in the body", "behind a method"])
def test_a_class_that_stops_at_its_stub_is_not_attempted(
    judge: Judge, reference: Cells, file: str, stands: str
) -> None:
    source = CLASS_STUB if stands == "in the body" else CLASS_STUB.replace("\n    raise", METHOD)
    cells = replace_cell(reference, "counter", source)
    verdict = judge(cells, file=file).exercises[1]
    assert (verdict.status, verdict.points, verdict.error) == ("not attempted", 0, None)
    assert verdict.next_step.endswith("labkit hint lab90 counter")


@pytest.mark.parametrize(
    "source",
    [
        "class Counter:\n    raise NotImplementedError('later')",
        "class Counter:\n    raise NotImplementedError('lab90 ratio: Ratio')",
    ],
)
def test_a_class_that_stops_at_anything_else_is_an_error(answer: Answer, source: str) -> None:
    verdict = answer("counter", source)
    assert verdict.status == "error"
    assert "NotImplementedError" in (verdict.error or "")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_rejected_with_its_own_sentence(answer: Answer, mistake: str) -> None:
    sentence, code = source_of(LAB / "mistakes" / f"{mistake}.py")
    verdict = answer(mistake.split("__")[0], code)
    assert (verdict.status, verdict.diagnosis_id) == ("failed", mistake)
    assert verdict.diagnosis == sentence
    assert verdict.points < verdict.max_points


@pytest.mark.parametrize("mistake", SECOND)
def test_the_same_mistake_written_differently_gets_that_sentence(
    answer: Answer, mistake: str
) -> None:
    _, code = source_of(LAB / "mistakes" / "second" / f"{mistake}.py")
    assert answer(mistake.split("__")[0], code).diagnosis_id == mistake


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_a_right_answer_written_differently_gets_every_point(
    answer: Answer, alternative: str
) -> None:
    _, code = source_of(LAB / "alternatives" / f"{alternative}.py")
    verdict = answer(alternative.split("__")[0], code)
    assert (verdict.status, verdict.points) == ("passed", verdict.max_points)


def test_the_counterexample_is_the_smallest_one(answer: Answer) -> None:
    verdict = answer("scale", "def scale(v, t): return (v / v.sum() * t).astype(v.dtype)")
    assert verdict.counterexample is not None
    assert verdict.counterexample.call == "scale(array([1.0, 1.0]), 1)"
    assert verdict.counterexample.where == "index (0,): expected 1.0, got 0.5"


def test_a_call_on_an_object_is_shown_with_its_story(answer: Answer) -> None:
    verdict = answer("counter", source_of(LAB / "mistakes" / "counter__forgets.py")[1])
    assert verdict.counterexample is not None
    assert verdict.counterexample.call == "counter = Counter(0); counter.add(1); counter.total"


def test_an_unknown_mistake_gets_no_diagnosis_but_a_next_step(answer: Answer) -> None:
    verdict = answer("ratio", "def ratio(a, b):\n    if b == 0: raise ValueError\n    return 42")
    assert (verdict.status, verdict.points, verdict.diagnosis) == ("failed", 0, None)
    assert "labkit hint lab90 ratio" in verdict.next_step


def test_edge_points_count_only_when_the_core_passed(answer: Answer) -> None:
    refused_everything = "def ratio(a, b):\n    raise ValueError"
    right_but_for_zero = "def ratio(a, b):\n    return a / b if b else 0"
    assert answer("ratio", refused_everything).points == 0
    assert answer("ratio", refused_everything).cases_passed == 1
    assert answer("ratio", right_but_for_zero).points == 1


def test_an_exception_is_told_with_the_students_own_line(answer: Answer) -> None:
    verdict = answer("scale", "def scale(v, t):\n    return v.mead()")
    assert verdict.status == "error"
    assert verdict.error is not None
    head, line = verdict.error.splitlines()
    assert head.startswith("AttributeError: 'numpy.ndarray' object has no attribute 'mead'")
    assert "scale" in line and "line 2: return v.mead()" in line


def test_a_syntax_error_in_one_cell_leaves_the_others(judge: Judge, reference: Cells) -> None:
    verdict = judge(replace_cell(reference, "scale", "def scale(v, t:\n    return v"))
    assert [e.status for e in verdict.exercises] == ["error", "passed", "passed"]
    assert verdict.exercises[0].error is not None
    assert "SyntaxError" in verdict.exercises[0].error
    assert verdict.points == 4


def test_a_name_that_is_not_defined_is_said_so(answer: Answer) -> None:
    verdict = answer("ratio", "def ratoi(a, b): return a / b")
    assert (verdict.status, verdict.error) == ("error", "The notebook defines no ratio.")


def test_an_endless_loop_is_a_timeout_with_its_call(answer: Answer) -> None:
    verdict = answer("scale", "def scale(v, t):\n    while True: pass")
    assert (verdict.status, verdict.points) == ("timeout", 0)
    assert verdict.counterexample is not None
    assert verdict.counterexample.call.startswith("scale(")


def test_an_endless_cell_costs_only_its_own_exercise(judge: Judge, reference: Cells) -> None:
    verdict = judge(replace_cell(reference, "scale", "while True: pass"))
    assert [e.status for e in verdict.exercises] == ["error", "passed", "passed"]
    assert verdict.exercises[0].error == (
        "Your code used up its time while running this cell (limit: 1 s of processor time)."
    )
    assert "loop that never ends" in verdict.exercises[0].next_step


def test_a_slow_wrong_answer_shows_its_first_counterexample(answer: Answer) -> None:
    slow = "import time\ndef scale(v, t):\n    end = time.process_time() + 0.06\n"
    verdict = answer("scale", slow + "    while time.process_time() < end: pass\n    return v * 0")
    assert verdict.status == "failed"
    assert verdict.counterexample is not None


def test_different_answers_for_one_input_are_called_that(answer: Answer) -> None:
    forgetful = "seen = []\ndef ratio(a, b):\n    seen.append((a, b))\n"
    verdict = answer("ratio", forgetful + "    return a / b if seen.count((a, b)) > 1 else 0.125")
    assert verdict.status == "failed"
    assert verdict.counterexample is not None
    assert verdict.counterexample.got == "different answers for the same input"


@pytest.mark.parametrize(
    "value",
    [
        "None",
        "'x' * 10**6",
        "[[[[[]]]]] * 1000",
        "np.array(['<script>'])",
        "object()",
        "type('A', (np.ndarray,), {})((1,))",
        "'`\\n\\x1b[31m\\u202e<b>*'",
        "float('nan')",
        "10**5000",
        "{1: 2, '1': [b'\\x00']}",
        "lambda: 1",
    ],
)
def test_a_hostile_answer_is_shown_short_and_inert(answer: Answer, value: str) -> None:
    verdict = answer("scale", f"def scale(v, t): return {value}")
    assert verdict.status == "failed"
    assert verdict.counterexample is not None
    assert len(verdict.counterexample.got) <= 80
    text, page = as_text(verdict), as_markdown(verdict)
    assert all(line.isprintable() for line in (text + page).splitlines())
    assert "<script>" not in page and "<b>" not in page and "`" not in page
    assert max(text.count("\n"), page.count("\n")) < MAX_LINES


def test_a_verdict_has_the_same_bytes_twice(judge: Judge, reference: Cells) -> None:
    cells = replace_cell(reference, "scale", "def scale(v, t): return v * t")
    assert judge(cells).model_dump_json() == judge(cells).model_dump_json()


def test_the_counterexample_depends_on_no_folder_and_no_module(
    judge: Judge, reference: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = replace_cell(reference, "scale", "def scale(v, t): return np.sort(v) * t / v.mean()")
    here = judge(cells).exercises
    copy = Path(shutil.copytree(LAB, tmp_path / LAB.name))
    (tmp_path / "local_constants.py").write_text("NUMBERS = [3, 7, 49, 12345]")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("local_constants")
    monkeypatch.chdir(tmp_path)
    assert judge(cells, lab=copy).exercises == here


def test_nothing_of_the_judge_reaches_a_verdict(
    judge: Judge, stub: Cells, reference: Cells
) -> None:
    wrong = replace_cell(reference, "ratio", "def ratio(a, b): return 1 // 0")
    for cells in (stub, wrong, replace_cell(reference, "scale", "x = (")):
        assert "CANARY" not in judge(cells).model_dump_json()


def test_points_that_do_not_add_up_are_refused(
    judge: Judge, reference: Cells, tmp_path: Path
) -> None:
    broken = tmp_path / "lab90_tiny"
    broken.mkdir()
    for name in ("lab.yml", "notebook.py", "judge.py"):
        text = (
            (LAB / name)
            .read_text()
            .replace('exercise("scale", points=1', 'exercise("scale", points=9')
        )
        (broken / name).write_text(text)
    with pytest.raises(LabError, match=r"cases of scale give 11 points, but lab.yml says 3"):
        judge(reference, lab=broken)


def test_a_case_that_is_broken_itself_is_no_verdict(
    judge: Judge, reference: Cells, tmp_path
) -> None:
    broken = tmp_path / "lab90_tiny"
    broken.mkdir()
    for name in ("lab.yml", "notebook.py", "judge.py"):
        text = (LAB / name).read_text().replace("    agree(student, reference, play)", "    1 / 0")
        (broken / name).write_text(text)
    with pytest.raises(LabError, match=r"test_counter is broken.*ZeroDivisionError"):
        judge(reference, lab=broken)


def test_a_cell_of_the_students_own_that_stops_is_noted(judge: Judge, reference: Cells) -> None:
    helper = SourceCell("helper-1", "helper", "%matplotlib inline\nhalf = 1 // 0")
    verdict = judge((*reference, helper))
    assert verdict.points == 7
    dropped, stopped = verdict.notes
    assert "%matplotlib inline" in dropped
    assert stopped.startswith("Cell helper-1 stopped: ZeroDivisionError")


def test_public_checks_need_no_reference(judge: Judge, reference: Cells, stub: Cells) -> None:
    assert judge(reference, file="checks.py").points == 7
    assert judge(stub, file="checks.py").points == 0


def test_a_fast_run_stops_at_the_first_failure(judge: Judge, reference: Cells) -> None:
    cells = replace_cell(reference, "ratio", "def ratio(a, b): return a")
    verdict = judge(cells, exercises=("ratio",), fast=True).exercises[0]
    assert (verdict.status, verdict.cases_passed) == ("failed", 0)
