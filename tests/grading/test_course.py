"""Making a course, running it again, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autograder.course import Course, lab_hash
from autograder.course_init import CONFIG, init_course
from autograder.errors import CourseError, LabError
from autograder.grading import gradebook
from autograder.grading.nbgrader_run import load_config

LAB = "lab91_small"


def test_a_new_course_has_release_gradebook_and_a_private_seed(course: Course) -> None:
    assert course.release_path(LAB).is_file()
    release = course.release_path(LAB).read_text()
    assert "BEGIN SOLUTION" not in release and "return 2 * x" not in release
    assert "lab91 double: Double a number" in release
    assert course.data.labs == {LAB: lab_hash(course.solution_dir(LAB))}
    with gradebook.opened(course) as book:
        assert sorted(s.id for s in book.students) == ["ana", "bo", "cy", "dee"]
        assert book.find_assignment(LAB).max_score == 9.0


def test_the_seed_is_for_the_owner_only(template: Path) -> None:
    assert (template / "course" / "course.json").stat().st_mode & 0o077 == 0


def test_running_it_again_changes_nothing(course: Course) -> None:
    before = {p: p.read_bytes() for p in course.root.rglob("*") if p.suffix in (".json", ".ipynb")}
    again = init_course(course.root, solutions=course.root.parent / "solutions")
    assert again.data == course.data
    assert {p: p.read_bytes() for p in before} == before


def test_a_changed_lab_is_taken_in_when_named(course: Course) -> None:
    solutions = course.root.parent / "solutions"
    (solutions / LAB / "judge.py").write_text("# other cases\n")
    init_course(course.root, solutions=solutions)
    with pytest.raises(CourseError, match=f"labkit course init {course.root} --lab {LAB}"):
        Course.load(course.root).require_unchanged(LAB)
    init_course(course.root, labs=["lab91"], solutions=solutions)
    Course.load(course.root).require_unchanged(LAB)


def test_a_figure_or_an_alternative_changes_no_grade_so_no_hash(course: Course) -> None:
    folder = course.solution_dir(LAB)
    before = lab_hash(folder)
    for name in ("figures", "alternatives", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "new.py").write_text("x = 1")
    (folder / "equivalent.yml").write_text("[]")
    assert lab_hash(folder) == before
    (folder / "mistakes" / "double__squared.py").write_text("x = 1")
    assert lab_hash(folder) != before


def test_an_edit_of_the_same_size_and_time_is_seen(course: Course) -> None:
    folder = course.solution_dir(LAB)
    before, path = lab_hash(folder), folder / "judge.py"
    told, text = path.stat(), path.read_text()
    path.write_text(text.swapcase())
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert lab_hash(folder) != before
    path.write_text(text)
    assert lab_hash(folder) == before


def test_files_that_nobody_touched_are_read_once(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = course.solution_dir(LAB)
    before = lab_hash(folder)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert lab_hash(folder) == before


def test_a_folder_with_other_things_is_not_touched(course: Course, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("x")
    with pytest.raises(CourseError, match="is no course"):
        init_course(tmp_path / "home", solutions=tmp_path / "solutions")
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["thesis.txt"]


def test_another_seed_is_refused(course: Course) -> None:
    with pytest.raises(CourseError, match="has another seed"):
        init_course(course.root, seed="x", solutions=course.root.parent / "solutions")


def test_a_roster_may_grow_but_not_lose_students(course: Course, tmp_path: Path) -> None:
    solutions = course.root.parent / "solutions"
    more = tmp_path / "more.csv"
    more.write_text(course.roster_path.read_text() + "eve,Eve O\n")
    init_course(course.root, roster=more, solutions=solutions)
    with gradebook.opened(course) as book:
        assert book.find_student("eve").last_name == "O"
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("id,name\nana,Ana Lima\n")
    with pytest.raises(CourseError, match="lacks students the course has: bo, cy, dee, eve"):
        init_course(course.root, roster=fewer, solutions=solutions)
    assert course.roster_path.read_text() == more.read_text()


def test_an_edited_configuration_is_kept_and_obeyed(course: Course) -> None:
    path = course.root / "nbgrader_config.py"
    path.write_text(path.read_text() + "c.CourseDirectory.course_id = 'mine'\n")
    init_course(course.root, solutions=course.root.parent / "solutions")
    assert load_config(course).CourseDirectory.course_id == "mine"


def test_a_configuration_that_does_not_hand_over_to_the_judge_is_refused(course: Course) -> None:
    (course.root / "nbgrader_config.py").write_text("c = get_config()\n")
    with pytest.raises(CourseError, match="does not hand over to the judge"):
        load_config(course)


def test_the_repositorys_example_is_the_configuration_courses_get(repository: Path) -> None:
    assert (repository / "nbgrader_config.py").read_text() == CONFIG


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{", "damaged"), ('{"seed": ""}', "damaged"), (None, "is no course folder")],
)
def test_a_damaged_course_is_refused(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "course.json").write_text(content)
    with pytest.raises(CourseError, match=problem):
        Course.load(tmp_path)


def test_a_lab_may_be_named_by_its_beginning(course: Course) -> None:
    assert course.lab("lab91") == LAB
    with pytest.raises(LabError, match="It has: lab91_small"):
        course.lab("lab92")


def test_a_lab_that_moved_is_missed_by_name(course: Course) -> None:
    path = course.root / "course.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "solutions": "/nowhere"}))
    with pytest.raises(CourseError, match="labkit course init"):
        Course.load(course.root).solution_dir(LAB)
