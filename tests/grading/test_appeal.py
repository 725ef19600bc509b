"""`labkit replay` and `labkit explain` on a course graded in the real jail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from autograder import ledger
from autograder.cli import app
from autograder.course import Course
from autograder.course_init import init_course
from autograder.grading import grade_lab, session
from autograder.judge import start
from autograder.reconcile import verify
from autograder.replay import replay
from autograder.sandbox.probe import probe

LAB = "lab90_tiny"
pytestmark = [pytest.mark.jail, pytest.mark.slow]

ANSWERS = {
    "solved": {},
    "wrong": {
        "scale": "def scale(values, target):\n    return values / values.sum() * target\n",
        "ratio": "def ratio(a, b):\n    raise ValueError\n",
    },
    "edge": {"ratio": "def ratio(a, b):\n    return a / b if b else 0\n"},
    "chance": {"scale": "def scale(values, target):\n    return values + np.random.rand()\n"},
    "forgets": {
        "scale": "seen = []\ndef scale(values, target):\n    seen.append(values.tobytes())\n"
        "    right = (values * np.float32(target / (values.mean() or 1))).astype(np.float32)\n"
        "    return right if seen.count(values.tobytes()) > 1 else right + 1\n"
    },
    "loops": {"scale": "def scale(values, target):\n    while True: pass\n"},
    "hostile": {
        "scale": "import os\ndef scale(values, target):\n    os._exit(0)\n",
        "ratio": "def ratio(a, b):\n    os.fork()\n",
    },
}
CASES = ("test_scale_CANARY_7f3a", "test_zero_mean", "test_counter", "test_ratio")


@pytest.fixture(scope="module")
def course(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """A graded course. `loops` uses up the time of its whole hand-in with the first exercise."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    base = tmp_path_factory.mktemp("appeal")
    with pytest.MonkeyPatch.context() as patch, one_zygote(patch):
        solution = make_lab(repository, base / "solutions")
        made = init_course(base / "course", seed="a seed", solutions=solution.parent)
        source = json.loads((made.root / "source" / LAB / f"{LAB}.ipynb").read_text())
        for student, answers in ANSWERS.items():
            hand_in(made.submitted(student, LAB) / f"{LAB}.ipynb", source, answers)
        assert [r.error for r in grade_lab(made, LAB, jobs=2) if r.error] == []
        session.close_sessions()
        yield made


@contextmanager
def one_zygote(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """One warm process for all that is judged here, without torch: the tiny lab asks for none.

    In use, each `replay` starts its own.
    """
    patch.setattr(start.client, "PRELOAD", ("shared", "numpy"))
    with start.judging_zygote() as zygote:
        patch.setattr(start, "judging_zygote", lambda **_: zygote)
        with pytest.MonkeyPatch.context() as kept_open:
            kept_open.setattr(zygote, "close", lambda: None)
            yield


def make_lab(repository: Path, solutions: Path) -> Path:
    hidden = shutil.ignore_patterns(".*", "__pycache__")
    source = repository / "tests" / "judge" / "labs" / LAB
    lab = Path(shutil.copytree(source, solutions / LAB, ignore=hidden))
    spec = yaml.safe_load((lab / "lab.yml").read_text())
    for exercise in spec["exercises"]:
        exercise["limits"] = {"cpu_seconds": 2.0, "wall_seconds": 60}
    spec["limits"] = {"cpu_seconds": 2.0, "wall_seconds": 120}
    (lab / "lab.yml").write_text(yaml.safe_dump(spec))
    return lab


def hand_in(path: Path, source: Any, answers: dict[str, str]) -> Path:
    notebook = json.loads(json.dumps(source))
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def labkit(course: Course, *words: object) -> Result:
    command = [*(str(word) for word in words), "--course", str(course.root)]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def line_of(course: Course, student: str) -> dict[str, Any]:
    return ledger.newest(course.ledger_path)[student, LAB]


def test_the_ledger_names_what_the_judge_could_see(course: Course) -> None:
    assert {student: line_of(course, student)["incidents"] for student in ANSWERS} == {
        "solved": {},
        "wrong": {},
        "edge": {},
        "chance": {},
        "forgets": {"scale": ["changed answer"]},
        "loops": {
            "scale": ["cpu limit"],
            "counter": ["submission limit"],
            "ratio": ["submission limit"],
        },
        "hostile": {"scale": ["process ended"], "ratio": ["refused"]},
    }
    assert line_of(course, "loops")["timings"]["scale"]["cpu_seconds"] >= 2.0
    assert verify(course).problems == ()


@pytest.mark.parametrize(
    ("student", "exercise"),
    [("chance", "scale"), ("forgets", "scale"), ("loops", "ratio"), ("hostile", "scale")],
)
def test_what_is_judged_again_comes_out_the_same(
    course: Course, student: str, exercise: str
) -> None:
    before = {p: p.read_bytes() for p in course.root.rglob("*") if p.is_file()}
    found = replay(course, student, exercise)
    assert found.agrees and found.changed == ()
    assert found.line == line_of(course, student)
    assert list(found.verdict.incidents) == line_of(course, student)["incidents"].get(exercise, [])
    assert {p: p.read_bytes() for p in course.root.rglob("*") if p.is_file()} == before


def test_replay_prints_verdict_counterexample_seed_level_and_the_ledgers_word(
    course: Course,
) -> None:
    done = labkit(course, "replay", "wrong", "scale")
    assert done.exit_code == 0
    assert "scale(array([1.0, 1.0]), 1)" in done.output
    assert "seed    a seed\n" in done.output
    assert f"level   {line_of(course, 'wrong')['level']}\n" in done.output
    assert "ledger  0 of 3 points, failed on" in done.output
    assert done.output.rstrip().endswith(": the same")
    assert "CANARY" not in done.output


def test_a_right_answer_is_right_under_another_seed(course: Course) -> None:
    done = labkit(course, "replay", "solved", "scale", "--seed", "another", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["seed"], said["verdict"]["points"], said["agrees"]) == ("another", 3.0, True)
    assert said["changed"] == ["the seed is not the one it was judged with."]


def test_a_file_is_compared_with_the_line_on_that_very_file(course: Course, tmp_path: Path) -> None:
    source = course.submitted("edge", LAB) / f"{LAB}.ipynb"
    copied = Path(shutil.copyfile(source, tmp_path / "appeal.ipynb"))
    assert labkit(course, "replay", copied, "ratio").exit_code == 0
    copied.write_text(copied.read_text() + " ")
    done = labkit(course, "replay", copied, "ratio")
    assert done.exit_code == 1
    assert "ledger  has no line on it: nothing to compare with" in done.output


def test_a_hand_in_changed_since_is_not_the_same_and_the_reason_stands_there(
    course: Course,
) -> None:
    path = course.submitted("wrong", LAB) / f"{LAB}.ipynb"
    before = path.read_bytes()
    try:
        path.write_bytes((course.submitted("solved", LAB) / f"{LAB}.ipynb").read_bytes())
        done = labkit(course, "replay", "wrong", "scale")
    finally:
        path.write_bytes(before)
    assert done.exit_code == 1
    assert "NOT THE SAME" in done.output
    assert "the hand-in is not the file that was judged." in done.output


def test_explain_shows_every_hidden_case_and_how_they_make_the_points(course: Course) -> None:
    done = labkit(course, "explain", "edge", "lab90")
    line = line_of(course, "edge")
    assert done.exit_code == 0
    assert done.output.startswith("edge, lab90_tiny: 6 of 7 points")
    assert line["hash"] in done.output and line["submission"] in done.output
    for case in CASES:
        assert case in done.output
    assert "1 point of core cases: 1 of 2" in done.output
    assert "ratio(0, 0): expected raises ValueError" in done.output
    assert "problem" not in done.output and "changed" not in done.output


def test_explain_one_exercise_with_its_diagnosis_and_what_was_used(course: Course) -> None:
    done = labkit(course, "explain", "wrong", "lab90", "scale")
    assert "You divide by the sum" in done.output
    assert "mistake   scale__sum" in done.output
    assert "s of processor time" in done.output
    assert "test_counter" not in done.output


def test_explain_says_when_edge_cases_do_not_count(course: Course) -> None:
    done = labkit(course, "explain", "wrong", "lab90", "ratio")
    said = (
        "0 points of core cases, 1 of edge cases that do not count while a core case fails: 0 of 2"
    )
    assert said in done.output


def test_explain_tells_the_instructor_what_was_seen(course: Course) -> None:
    done = labkit(course, "explain", "hostile", "lab90", "--json")
    said = json.loads(done.stdout)
    assert {e["exercise"]: e["incidents"] for e in said["verdict"]["exercises"]} == {
        "scale": ["process ended"],
        "counter": [],
        "ratio": ["refused"],
    }
    assert {c["name"]: c["outcome"] for c in said["cases"]}["test_zero_mean"] == "not run"
    text = labkit(course, "explain", "hostile", "lab90", "scale").output
    assert "seen      process ended; the process ended with exit code 0" in text


def test_explain_judges_again_when_the_record_is_gone(course: Course) -> None:
    line = line_of(course, "edge")
    (course.verdicts / f"{line['key']}.json").unlink()
    done = labkit(course, "explain", "edge", "lab90")
    assert "record gone: judged again just now" in done.output
    assert "test_zero_is_refused" in done.output
    assert line_of(course, "edge") == line


def test_a_record_that_is_not_what_the_ledger_says_is_a_problem(course: Course) -> None:
    path = course.verdicts / f"{line_of(course, 'wrong')['key']}.json"
    before = path.read_text()
    try:
        path.write_text(before.replace('"points": 0.0', '"points": 3.0', 1))
        done = labkit(course, "explain", "wrong", "lab90", "scale")
    finally:
        path.write_text(before)
    assert "problem scale: the record says 3 points, failed, the ledger 0 points" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("replay", "zoe", "scale"), "'zoe' is no student who handed in, and no file."),
        (("replay", "edge", "halve"), "'halve' must be in one lab that edge handed in"),
        (("replay", "edge", "scale", "--lab", "lab91"), "names 0 labs of this course"),
        (("explain", "zoe", LAB), "zoe handed in nothing"),
        (("explain", "edge", LAB, "halve"), "has no exercise 'halve'. It has: scale"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    course: Course, words: tuple[str, ...], said: str
) -> None:
    done = labkit(course, *words)
    assert done.exit_code == 2
    assert said in done.output
