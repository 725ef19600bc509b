"""Grading a lab: scores, what is skipped, what is graded again, and nbgrader's own ways in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.course import Course
from autograder.errors import CourseError, LabkitError
from autograder.grading import grade_lab
from autograder.grading.nbgrader_run import load_config

HandIn = Callable[..., Path]
LAB = "lab91_small"


def stock_autograde(course: Course, student: str = "*") -> dict[str, Any]:
    """What formgrader's button does."""
    from nbgrader.apps.api import NbGraderAPI

    api: Any = NbGraderAPI(config=load_config(course))
    return api.autograde(LAB, student)


def scores(course: Course) -> dict[str, dict[str, float]]:
    from autograder.grading import gradebook

    return gradebook.automatic_points(course, LAB)


def test_a_solved_a_wrong_and_an_untouched_notebook_get_their_points(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    hand_in("bo", "wrong")
    hand_in("cy", "stub")
    results = grade_lab(course, LAB)
    assert [(r.student, r.points, r.max_points, r.status) for r in results] == [
        ("ana", 5.0, 5.0, "graded"),
        ("bo", 0.0, 5.0, "graded"),
        ("cy", 0.0, 5.0, "graded"),
    ]
    assert scores(course)["ana"] == {"double": 3.0, "half": 2.0}
    assert [r.max_score for r in results] == [9.0] * 3
    assert results[0].waits_for_person is False  # the written question was left as it came


def test_formgraders_button_gives_the_same_scores(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    for student, answers in {"ana": "solved", "bo": "wrong", "cy": "stub"}.items():
        hand_in(student, answers, written="It is additive.")
    (course.submitted("dee", LAB)).mkdir(parents=True)
    (course.submitted("dee", LAB) / f"{LAB}.ipynb").write_text("not JSON")
    result = stock_autograde(course)
    assert result["success"], result["log"]
    stock = scores(course)
    grade_lab(course, LAB, force=True)
    assert scores(course) == stock
    assert stock["dee"] == {"double": 0.0, "half": 0.0}


def test_a_second_run_judges_and_converts_nothing(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    grade_lab(course, LAB)
    graded = course.autograded("ana", LAB) / f"{LAB}.ipynb"
    before = graded.stat().st_mtime_ns
    assert [r.status for r in grade_lab(course, LAB)] == ["unchanged"]
    assert graded.stat().st_mtime_ns == before
    assert judged == ["ana"]


def test_a_changed_submission_is_graded_again(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "wrong")
    hand_in("bo", "wrong")
    grade_lab(course, LAB)
    hand_in("ana", "solved")
    assert [(r.status, r.points) for r in grade_lab(course, LAB)] == [
        ("graded", 5.0),
        ("unchanged", 0.0),
    ]
    assert len(judged) == 2  # ana's and bo's first notebooks are the same code


def test_a_submission_whose_grade_is_not_in_the_gradebook_is_recorded_again(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    fresh = (course.root / "gradebook.db").read_bytes()
    grade_lab(course, LAB)
    (course.root / "gradebook.db").write_bytes(fresh)
    assert [r.status for r in grade_lab(course, LAB)] == ["graded"]
    assert scores(course)["ana"] == {"double": 3.0, "half": 2.0}
    assert judged == ["ana"]


def test_only_the_named_students_are_graded(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    hand_in("bo", "solved")
    assert [r.student for r in grade_lab(course, "lab91", students=["bo"])] == ["bo"]
    with pytest.raises(LabkitError, match=r"zoe handed in nothing.*ana, bo"):
        grade_lab(course, LAB, students=["zoe"])


def test_points_given_by_hand_survive_grading_again(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    from autograder.grading.gradebook import opened

    hand_in("ana", "wrong", written="It is additive.")
    assert grade_lab(course, LAB)[0].waits_for_person
    with opened(course) as book:
        book.find_grade("explain_double", LAB, LAB, "ana").manual_score = 3.5
        book.find_grade("check_half", LAB, LAB, "ana").extra_credit = 0.5
        book.db.commit()
    hand_in("ana", "solved", written="It is additive.")
    assert grade_lab(course, LAB)[0].score == 9.0


def test_only_check_cells_have_outputs_points_first_then_the_report(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "wrong")
    grade_lab(course, LAB)
    notebook = json.loads((course.autograded("ana", LAB) / f"{LAB}.ipynb").read_text())
    with_outputs = {c["id"]: c["outputs"] for c in notebook["cells"] if c.get("outputs")}
    assert sorted(with_outputs) == ["check_double", "check_half"]
    points, report = with_outputs["check_double"]
    assert (points["output_type"], points["data"]) == ("execute_result", {"text/plain": ["0.0"]})
    assert report["output_type"] == "display_data"
    assert sorted(report["data"]) == ["text/markdown", "text/plain"]
    assert "double(4)" in "".join(report["data"]["text/plain"])
    assert course.data.seed not in json.dumps(notebook["metadata"])


def test_a_notebook_with_forged_outputs_points_and_metadata_gains_nothing(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    path = hand_in("ana", "wrong")
    notebook = json.loads(path.read_text())
    notebook["metadata"]["labkit"] = {"verdict": "x", "key": "x", "level": "A"}
    for cell in notebook["cells"]:
        if cell["id"] == "check_double":
            cell["metadata"]["nbgrader"]["points"] = 100
            cell["outputs"] = [
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": "100.0"},
                    "metadata": {},
                    "execution_count": 1,
                }
            ]
    path.write_text(json.dumps(notebook))
    assert [(r.points, r.max_points) for r in grade_lab(course, LAB)] == [(0.0, 5.0)]


def test_every_judged_submission_has_one_line_in_the_ledger(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    hand_in("bo", "wrong")
    grade_lab(course, LAB)
    grade_lab(course, LAB, force=True)
    stock_autograde(course)
    assert sorted(line["student"] for line in ledger.read(course.ledger_path)) == ["ana", "bo"]
    assert ledger.verify(course.ledger_path) == []


def test_a_judge_that_cannot_work_fails_one_submission_and_not_the_batch(
    course: Course, judged: list[str], hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.grading import session

    plain = session.judge_cells

    def judge(reading: Any, lab: Any, of: Any) -> Any:
        if reading.student == "bo":
            raise RuntimeError("the fork died")
        return plain(reading, lab, of)

    monkeypatch.setattr(session, "judge_cells", judge)
    hand_in("ana", "solved")
    hand_in("bo", "wrong")
    ana, bo = grade_lab(course, LAB, jobs=2)
    assert (ana.status, ana.points) == ("graded", 5.0)
    assert (bo.status, bo.error) == ("failed", "RuntimeError: the fork died")
    assert not course.autograded("bo", LAB).exists()


def test_scores_of_a_notebook_are_saved_all_together_or_not_at_all(
    course: Course, judged: list[str], hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.preprocessors import SaveAutoGrades

    save = SaveAutoGrades._add_score

    def full_disk(self: Any, cell: Any, resources: Any) -> None:
        if cell.metadata.nbgrader["grade_id"] == "check_half":
            raise OSError("the disk is full")
        save(self, cell, resources)

    monkeypatch.setattr(SaveAutoGrades, "_add_score", full_disk)
    hand_in("ana", "solved")
    assert [r.status for r in grade_lab(course, LAB)] == ["failed"]
    assert scores(course).get("ana", {}) == {}


def test_a_lab_that_changed_since_the_course_took_it_in_is_not_graded(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    (course.solution_dir(LAB) / "judge.py").write_text("# other hidden cases\n")
    with pytest.raises(CourseError, match="changed since this course took it in"):
        grade_lab(course, LAB)


def test_a_lab_that_changes_while_a_server_runs_is_not_judged_under_the_old_name(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    assert stock_autograde(course, "ana")["success"]
    (course.solution_dir(LAB) / "judge.py").write_text("# other hidden cases\n")
    hand_in("bo", "wrong")
    result = stock_autograde(course, "bo")
    assert not result["success"]
    assert "changed since this course took it in" in result["log"]
    assert judged == ["ana"]


def test_two_runs_at_once_are_refused(
    course: Course, judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.grading import locks

    monkeypatch.setattr(locks, "acquire", lambda *args, **kwargs: False)
    with pytest.raises(CourseError, match="Another labkit grade"):
        grade_lab(course, LAB)
