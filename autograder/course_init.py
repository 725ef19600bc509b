"""`labkit course init`: make a course folder, or bring one up to date.

Running it again is safe: what is there stays, labs named with `--lab` are taken in anew. It never
replaces a seed, an edited `nbgrader_config.py`, or a roster that has students the new one lacks.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from autograder.course import COURSE_FILE, Course, CourseData, lab_hash
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.lab import lab_path, list_labs, solutions_folder
from autograder.roster import read_roster

FOLDERS = ("source", "release", "submitted", "autograded", "feedback", "verdicts", "logs")
CONFIG = '''\
"""nbgrader's configuration of a course: the judge grades, everything else stays nbgrader's."""

c = get_config()  # noqa: F821  (nbgrader defines it)
# Nothing may run a student's code outside the sandbox, not even when the next line fails.
c.Autograde.autograde_preprocessors = []

from autograder.grading import configure  # noqa: E402

configure(c, __file__)
'''


def init_course(
    root: Path,
    *,
    labs: Sequence[str] = (),
    roster: Path | None = None,
    seed: str | None = None,
    solutions: Path | None = None,
) -> Course:
    """Make or update the course at `root` and return it.

    `labs` are taken in, again if need be; a new course without them gets every lab there is. The
    seed is random unless given.

    Raises:
        CourseError: the folder holds something else, or the change would overwrite something.
        LabError: a lab is unknown or its source is wrong.
    """
    solutions = (solutions or solutions_folder()).resolve()
    students = read_roster(roster) if roster is not None else None
    known = _existing(root)
    wanted = [lab_path(solutions, lab).name for lab in labs]
    if known is None:
        wanted = wanted or list_labs(solutions)
        if not wanted:
            raise CourseError(f"There are no labs below {solutions}.")
        data = CourseData(seed=seed or secrets.token_hex(16), solutions=str(solutions), labs={})
    else:
        data = _updated(known, seed, solutions)
    root.mkdir(parents=True, exist_ok=True)
    course = _save(root, data)
    _make_folders(course)
    if roster is not None and students is not None:
        _take_roster(course, roster, set(students))
    _make_gradebook(course)
    for lab in wanted:
        course = _take_in(course, lab)
    return course


def _updated(course: Course, seed: str | None, solutions: Path) -> CourseData:
    if seed not in (None, course.data.seed):
        raise CourseError(
            f"{course.root} has another seed already. A new seed would change every grade: "
            "make a new course for it."
        )
    return course.data.model_copy(update={"solutions": str(solutions)})


def _existing(root: Path) -> Course | None:
    if (root / COURSE_FILE).exists():
        return Course.load(root)
    if root.exists() and not root.is_dir():
        raise CourseError(f"{root} is a file. Name a new folder for the course.")
    if root.is_dir() and any(root.iterdir()):
        raise CourseError(
            f"{root} holds files but no {COURSE_FILE}, so it is no course. "
            "Nothing was touched; name a new or an empty folder."
        )
    return None


def _save(root: Path, data: CourseData) -> Course:
    write_atomically(root / COURSE_FILE, (data.model_dump_json(indent=2) + "\n").encode())
    # The seed tells the hidden inputs to whoever has the judge.
    os.chmod(root / COURSE_FILE, 0o600)
    return Course.load(root)


def _make_folders(course: Course) -> None:
    for name in FOLDERS:
        (course.root / name).mkdir(exist_ok=True)
    config = course.root / "nbgrader_config.py"
    if not config.exists():
        write_atomically(config, CONFIG.encode())


def _take_roster(course: Course, roster: Path, students: set[str]) -> None:
    if course.roster_path.exists():
        lost = sorted(set(read_roster(course.roster_path)) - students)
        if lost:
            raise CourseError(
                f"{roster} lacks students the course has: {', '.join(lost)}. "
                f"If they left, take their lines out of {course.roster_path} first."
            )
    write_atomically(course.roster_path, roster.read_bytes())


def _make_gradebook(course: Course) -> None:
    from autograder.grading.configure import put_programs_on_path
    from autograder.grading.gradebook import add_students, create

    put_programs_on_path()
    create(course)
    if course.roster_path.exists():
        add_students(course, read_roster(course.roster_path).values())


def _take_in(course: Course, lab: str) -> Course:
    """Write nbgrader's source of a lab, let nbgrader make the release, then pin the hash."""
    from autograder.build import notebook_text, source_notebook
    from autograder.grading.nbgrader_run import load_config, logging_to, run

    solution = Path(course.data.solutions) / lab
    pinned = lab_hash(solution)
    source = course.root / "source" / lab
    source.mkdir(exist_ok=True)
    text = notebook_text(source_notebook(solution))
    write_atomically(source / f"{lab}.ipynb", text.encode())
    if (solution / "figures").is_dir():
        shutil.copytree(solution / "figures", source / "figures", dirs_exist_ok=True)
    with logging_to(course.logs / f"release-{lab}.log") as log:
        try:
            run("GenerateAssignment", load_config(course), lab, student=None, log=log)
        except CourseError as error:
            raise CourseError(
                f"nbgrader could not make the release of {lab}: {error} "
                f"See {course.logs / f'release-{lab}.log'}."
            ) from error
    labs = {**course.data.labs, lab: pinned}
    return _save(course.root, course.data.model_copy(update={"labs": labs}))
