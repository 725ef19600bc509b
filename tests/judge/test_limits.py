"""Every limit, hit in a real jail: its word for the instructor, and what the student reads."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autograder.errors import LabError
from autograder.judge.feedback import as_markdown, as_text
from autograder.judge.incidents import INCIDENTS, OTHER_CELLS, Incident, advice, limit_text
from autograder.judge.runner import judge
from autograder.judge.verdict import Verdict
from autograder.lab import Limits, SubmissionLimits, load_spec
from autograder.notebook import reference_cells, replace_cell
from autograder.sandbox.client import Zygote
from autograder.sandbox.ops import SourceCell

TINY = Path(__file__).parent / "labs" / "lab90_tiny"
SMALL = {"cpu_seconds": 0.5, "wall_seconds": 120, "memory_mb": 128, "output_kb": 4}
WAITING = {**SMALL, "wall_seconds": 2}
Answer = Callable[..., Verdict]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "autograder.judge.warm")) as zygote:
        yield zygote


def lab_with(folder: Path, limits: dict[str, float] = SMALL, total: Any = None) -> Path:
    """The tiny lab with these limits of each exercise, and of the whole."""
    lab = Path(shutil.copytree(TINY, folder / TINY.name))
    spec = yaml.safe_load((lab / "lab.yml").read_text())
    for exercise in spec["exercises"]:
        exercise["limits"] = limits
    if total is not None:
        spec["limits"] = total
    (lab / "lab.yml").write_text(yaml.safe_dump(spec))
    return lab


@pytest.fixture
def answer(zygote: Zygote, tmp_path: Path) -> Answer:
    """The jailed verdict on `scale` answered so; the other exercises are right."""

    def answer(source: str, limits: dict[str, float] = SMALL) -> Verdict:
        lab = lab_with(tmp_path, limits)
        cells = replace_cell(reference_cells(TINY), "scale", source)
        return judge(cells, lab, zygote=zygote, seed="test", exercises=["scale"])

    return answer


def body(line: str) -> str:
    return f"import os, sys, time\ndef scale(v, t):\n    {line}\n    return v\n"


@pytest.mark.jail
@pytest.mark.parametrize(
    ("source", "incident", "said"),
    [
        (body("while True: pass"), "cpu limit", "limit: 0.5 s of processor time"),
        (body("time.sleep(60)"), "wall limit", "limit: 2 s of waiting for answers"),
        (body("return bytearray(10**10)"), "memory limit", "limit: 128 MB"),
        (body("print('x' * 10**5)"), "output limit", "limit: 4 KB of printed text"),
        (body("os._exit(0)"), "process ended", "ended its own process"),
        (body("os.write(3, b'passed' * 9)"), "forged answer", "is no answer"),
        (body("os.fork()"), "refused", "PermissionError"),
        ("while True: pass", "cpu limit", "while running this cell (limit: 0.5 s of processor"),
        ("import os\nos._exit(3)", "process ended", "while running this cell."),
    ],
)
def test_what_ends_the_code_is_named_and_the_student_is_told_what_to_do(
    answer: Answer, source: str, incident: Incident, said: str
) -> None:
    limits = WAITING if incident == "wall limit" else SMALL
    (verdict,) = answer(source, limits).exercises
    assert (verdict.points, verdict.incidents) == (0, (incident,))
    text = as_text(verdict)
    assert said in text
    assert advice(incident) in text


@pytest.mark.jail
def test_answers_that_change_are_named(answer: Answer) -> None:
    source = (
        "calls = []\ndef scale(v, t):\n    calls.append(v.tobytes())\n"
        "    return v if calls.count(v.tobytes()) > 1 else v + 1000\n"
    )
    (verdict,) = answer(source).exercises
    assert verdict.incidents == ("changed answer",)
    assert verdict.next_step == advice("changed answer")


@pytest.mark.jail
def test_the_words_are_not_shown_to_students(answer: Answer) -> None:
    (verdict,) = answer(body("os._exit(0)")).exercises
    without = verdict.model_copy(update={"incidents": ()})
    assert as_text(verdict) == as_text(without)
    assert as_markdown(verdict) == as_markdown(without)


@pytest.mark.jail
def test_an_honest_hand_in_has_no_incident(zygote: Zygote, tmp_path: Path) -> None:
    cells = reference_cells(TINY)
    verdict = judge(cells, lab_with(tmp_path), zygote=zygote, seed="test")
    assert verdict.points == verdict.max_points
    assert [e.incidents for e in verdict.exercises] == [()] * 3
    assert verdict.incidents == ()


@pytest.mark.jail
def test_a_cell_of_the_students_own_is_nobodys_exercise(zygote: Zygote, tmp_path: Path) -> None:
    helper = SourceCell("mine", "helper", "import os\nos._exit(1)")
    cells = (*reference_cells(TINY), helper)
    verdict = judge(cells, lab_with(tmp_path), zygote=zygote, seed="test")
    assert verdict.points == verdict.max_points
    assert verdict.incidents == ("process ended",)
    assert [e.incidents for e in verdict.exercises] == [()] * 3


@pytest.mark.jail
def test_a_hand_in_without_time_left_is_told_which_time_that_is(
    zygote: Zygote, tmp_path: Path
) -> None:
    """One loop uses what the whole has; what was right is not judged, and that is said."""
    lab = lab_with(tmp_path, total={"cpu_seconds": 0.5, "wall_seconds": 120})
    cells = replace_cell(reference_cells(TINY), "scale", body("while True: pass"))
    verdict = judge(cells, lab, zygote=zygote, seed="test")
    assert [e.points for e in verdict.exercises] == [0, 0, 0]
    assert [e.status for e in verdict.exercises] == ["timeout"] * 3
    assert [e.incidents for e in verdict.exercises][1:] == [("submission limit",)] * 2
    assert verdict.level == zygote.level
    for found in verdict.exercises[1:]:
        assert "0.5 s of processor time and 120 s in all for the whole hand-in" in as_text(found)
        assert found.next_step == advice("submission limit")
        assert found.counterexample is None


@pytest.mark.jail
def test_what_is_left_to_the_hand_in_ends_an_exercise_early(zygote: Zygote, tmp_path: Path) -> None:
    """The first waits 2 s and, called alone, 1 s: of 4 less than 2 are left to the other."""
    lab = lab_with(tmp_path, WAITING, total={"cpu_seconds": 60, "wall_seconds": 4})
    cells = reference_cells(TINY)
    for exercise, head in {"scale": "def scale(v, t):", "ratio": "def ratio(a, b):"}.items():
        waits = f"import time\n{head}\n    time.sleep(60)\n"
        cells = replace_cell(cells, exercise, waits)
    verdict = judge(cells, lab, zygote=zygote, seed="test", exercises=["scale", "ratio"])
    assert [e.incidents for e in verdict.exercises] == [("wall limit",), ("submission limit",)]


def test_every_word_has_advice_and_every_limit_a_text() -> None:
    limits, total = Limits(), SubmissionLimits()
    for word in INCIDENTS:
        assert len(advice(word)) > 30
        assert bool(limit_text(word, limits, total)) == word.endswith("limit")
    assert OTHER_CELLS not in INCIDENTS


def test_an_exercise_that_may_use_more_than_the_whole_is_refused(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, {"cpu_seconds": 200})
    with pytest.raises(
        LabError, match=r"cpu_seconds of scale, counter, ratio is more than the 120"
    ):
        load_spec(lab)
    spec = load_spec(lab_with(tmp_path / "b", {"cpu_seconds": 200}, {"cpu_seconds": 400}))
    assert spec.limits.cpu_seconds == 400
