"""The instructor's commands: what they print and how they end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autograder.cli import app
from autograder.course import Course

LAB = "lab91_small"
HandIn = Callable[..., Path]


def labkit(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_from_a_folder_of_hand_ins_to_grades_and_pages(
    course: Course, judged: list[str], hand_in: HandIn, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "ana_lab.ipynb").write_bytes(hand_in("dee", "solved").read_bytes())
    (inbox / "zoe_lab.ipynb").write_text("{}")
    collected = labkit("collect", inbox, "--course", course.root)
    assert collected.exit_code == 0
    assert "ana  lab91_small  new" in collected.output
    assert "warning: zoe_lab.ipynb: 'zoe' is not on the roster" in collected.output
    assert "1 hand-ins, 1 new or updated, 1 in quarantine" in collected.output

    graded = labkit("grade", "lab91", "--course", course.root)
    assert graded.exit_code == 0
    assert "Judging 1/1" in graded.output and "Recording 2/2" in graded.output
    assert "5 / 5" in graded.output

    pages = labkit("feedback", "lab91", "--course", course.root)
    assert (pages.exit_code, "2 pages" in pages.output) == (0, True)
    labkit("export", "--course", course.root, "--to", tmp_path / "grades.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text())))
    assert {r["student_id"]: r["score"] for r in rows if r["score"] != "0.0"} == {
        "ana": "5.0",
        "dee": "5.0",
    }


def test_grades_as_json_are_only_json_and_keep_the_seed(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "wrong")
    done = labkit("grade", LAB, "--course", course.root, "--json")
    (ana,) = json.loads(done.stdout)
    assert (ana["student"], ana["points"], ana["status"]) == ("ana", 0.0, "graded")
    assert ana["verdict"]["exercises"][0]["counterexample"]["call"] == "double(4)"
    assert course.data.seed not in done.output


def test_collecting_as_json(course: Course, hand_in: HandIn, tmp_path: Path) -> None:
    (tmp_path / "ana.ipynb").write_bytes(hand_in("dee", "solved").read_bytes())
    done = labkit("collect", tmp_path / "ana.ipynb", "--course", course.root, "--json")
    said = json.loads(done.stdout)
    assert [c["student"] for c in said["collected"]] == ["ana"]
    assert said["quarantined"] == said["warnings"] == []


def test_hand_ins_that_could_not_be_judged_end_with_1(
    course: Course, judged: list[str], hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.grading import session

    def broken(*args: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(session, "judge_cells", broken)
    hand_in("ana", "solved")
    done = labkit("grade", LAB, "--course", course.root)
    assert done.exit_code == 1
    assert "ana: RuntimeError: no memory" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grade", "lab92"), "names 0 labs of this course. It has: lab91_small."),
        (("grade", LAB, "--student", "zoe"), "zoe handed in nothing"),
        (("collect", "/no/where"), "There is nothing at /no/where."),
        (("feedback", LAB), "Grade first"),
        (("export", "--lab", "x"), "It has: lab91_small."),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    course: Course, judged: list[str], words: tuple[str, ...], said: str
) -> None:
    done = labkit(*words, "--course", course.root)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_outside_a_course_the_way_to_make_one_is_told(tmp_path: Path) -> None:
    done = labkit("grade", LAB, "--course", tmp_path)
    assert done.exit_code == 2
    assert "labkit course init" in done.output


def test_a_wrong_roster_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\nana,Ana\nana,Ana\n")
    done = labkit("course", "init", tmp_path / "course", "--roster", roster)
    assert done.exit_code == 2
    assert "roster.csv, line 3: the id 'ana' is used twice" in done.output
    assert not (tmp_path / "course").exists()
