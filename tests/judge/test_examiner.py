"""A judge that has rehearsed gives the verdicts of one that has not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import LabError
from autograder.judge.examiner import Examiner, prepare
from autograder.judge.rehearsal import Prompter, Stage
from autograder.judge.runner import PRELOAD, judge
from autograder.judge.verdict import Verdict
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox.client import Zygote
from autograder.sandbox.ops import SourceCell

pytestmark = pytest.mark.jail

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
Cells = tuple[SourceCell, ...]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", *PRELOAD)) as zygote:
        yield zygote


@pytest.fixture(scope="module")
def examiner(zygote: Zygote) -> Iterator[Examiner]:
    examiner = Examiner(LAB, zygote=zygote, seed="test")
    yield examiner
    examiner.close()


def with_answer(exercise: str, source: str) -> Cells:
    return replace_cell(reference_cells(LAB), exercise, source)


HOSTILE = {
    "never ends": "def scale(v, t):\n    while True: pass",
    "ends its process": "def scale(v, t):\n    import os; os._exit(0)",
    "ends while loading": "import os; os._exit(1)",
    "no answer": "def scale(v, t): return None",
    "raises": "def scale(v, t): raise KeyError('x')",
    "stub": "def scale(v, t): raise NotImplementedError('lab90 scale: Scale a vector')",
    "stub while loading": "raise NotImplementedError('lab90 scale: Scale a vector')",
    "stub for most": (
        "def scale(v, t):\n"
        "    if v.mean() == 0: return v\n"
        "    raise NotImplementedError('lab90 scale: Scale a vector')"
    ),
    "syntax": "def scale(v, t:",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_odd_answers_get_the_same_verdict(zygote: Zygote, examiner: Examiner, source: str) -> None:
    cells = with_answer("scale", source)
    assert examiner.judge(cells) == judge(cells, LAB, zygote=zygote, seed="test")


def test_right_and_wrong_answers_get_the_same_verdict(zygote: Zygote, examiner: Examiner) -> None:
    answers = [*(LAB / "mistakes").glob("*.py"), *(LAB / "alternatives").glob("*.py")]
    assert len(answers) == 10
    for path in answers:
        cells = with_answer(path.stem.split("__")[0], source_of(path)[1])
        assert examiner.judge(cells) == judge(cells, LAB, zygote=zygote, seed="test"), path.name


def test_a_right_answer_gets_every_point(examiner: Examiner) -> None:
    verdict = examiner.judge(reference_cells(LAB))
    assert verdict.points == verdict.max_points == 7


WRONG_ONCE = """
calls = []
def scale(v, t):
    calls.append(v.tobytes())
    right = ((v * np.float32(t / v.mean())) if v.mean() else v).astype(np.float32)
    return right if calls.count(v.tobytes()) > 1 else right + 1
"""


def test_an_answer_that_is_wrong_only_at_first_is_wrong(examiner: Examiner) -> None:
    verdict: Verdict = examiner.judge(with_answer("scale", WRONG_ONCE))
    found = verdict.exercises[0]
    assert found.status == "failed"
    assert found.points == 0
    assert found.counterexample is not None


def test_a_random_answer_gets_the_same_verdict_every_time(examiner: Examiner) -> None:
    cells = with_answer("scale", "def scale(v, t): return v * t + np.random.rand()")
    verdicts = {examiner.judge(cells).model_dump_json() for _ in range(3)}
    assert len(verdicts) == 1


def test_submissions_do_not_see_each_other(examiner: Examiner) -> None:
    spoil = "def ratio(a, b):\n    globals()['scale'] = None\n    return a // b"
    first = examiner.judge(with_answer("ratio", spoil))
    second = examiner.judge(reference_cells(LAB))
    assert first.points < second.points == second.max_points


SPOILS_ANOTHER = """
def scale(v, t):
    global ratio
    ratio = None
    return ((v * np.float32(t / v.mean())) if v.mean() else v).astype(np.float32)
"""


def test_an_exercise_that_another_spoils_is_judged_by_itself(
    zygote: Zygote, examiner: Examiner
) -> None:
    cells = with_answer("scale", SPOILS_ANOTHER)
    assert examiner.judge(cells) == judge(cells, LAB, zygote=zygote, seed="test")
    assert examiner.judge(cells).points == 7


def test_what_the_code_prints_goes_to_the_instructor(examiner: Examiner) -> None:
    printed: dict[str, str] = {}
    cells = with_answer("scale", "def scale(v, t):\n    print('hello')\n    return v")
    examiner.judge(cells, on_stdout=printed.__setitem__)
    assert printed["scale"].startswith("hello")


def test_a_lab_whose_reference_fails_is_refused(zygote: Zygote, tmp_path: Path) -> None:
    lab = tmp_path / LAB.name
    shutil.copytree(LAB, lab)
    source = (lab / "notebook.py").read_text("utf-8")
    broken = source.replace("self.total += n", "self.total -= n")
    assert broken != source
    (lab / "notebook.py").write_text(broken, encoding="utf-8")
    judge_source = (lab / "judge.py").read_text("utf-8")
    literal = "\n@exercise('counter', points=1, core=False)\ndef test_one(student):\n"
    literal += "    counter = student.Counter(1)\n    require(counter.add(1) == 2, expected='2')\n"
    (lab / "judge.py").write_text(judge_source + literal, encoding="utf-8")
    spec = (lab / "lab.yml").read_text("utf-8")
    (lab / "lab.yml").write_text(spec.replace("points: 2", "points: 3", 1), encoding="utf-8")
    examiner = Examiner(lab, zygote=zygote, seed="test")
    with pytest.raises(LabError):
        examiner.judge(reference_cells(LAB))
    examiner.close()


def test_every_generated_case_is_kept() -> None:
    prepared = prepare({"lab_dir": str(LAB), "seed": "test"}, None)
    assert not isinstance(prepared, str)
    counts = {name: len(examples) for name, examples in prepared.rehearsal.items()}
    assert set(counts) == {
        "test_scale_CANARY_7f3a",
        "test_counter",
        "test_ratio",
        "test_zero_is_refused",
    }
    assert min(counts.values()) >= 19  # -9 to 9: a case with fewer than 50 inputs has them all


def test_a_case_whose_inputs_cannot_be_copied_runs_in_full() -> None:
    class Uncopied:
        def __deepcopy__(self, memo: object) -> object:
            raise TypeError("drawn while the case runs")

    stage = Stage(Prompter(None))  # type: ignore[arg-type]
    stage.recorded("case", lambda **_: None)(data=Uncopied())
    stage.recorded("other", lambda **_: None)(n=1)
    assert set(stage.rehearsal()) == {"other"}
