"""Runs the demo: makes the course, hands in, grades, writes feedback and overview, compares.

The demo knows what must come out (`Submission.expected`), so it is a check of the whole kit too:
a submission that scores otherwise is named and the exit code is 1.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.collect import collect
from autograder.course import COURSE_FILE, Course
from autograder.course_init import init_course
from autograder.demo.submissions import Submission, submissions, write_submissions
from autograder.errors import CourseError
from autograder.files import write_atomically
from autograder.grading.batch import Graded, Progress, grade_lab
from autograder.grading.pages import write_feedback
from autograder.judge.verdict import ExerciseVerdict
from autograder.report.overview import overview
from autograder.report.page import write_page
from autograder.report.rows import rows_of

SEED = "demo"
MARKER = ".labkit-demo"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the demo's table."""

    submission: Submission
    graded: Graded
    said: str
    """What the student reads about the exercise in question."""
    surprise: str | None
    """What came out otherwise than expected; None when all is as it should be."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the demo made and where it is."""

    course: Path
    lines: tuple[Line, ...]
    feedback: Path
    page: Path

    @property
    def surprises(self) -> tuple[str, ...]:
        """Everything that came out otherwise than expected."""
        found = [(line.submission.student, line.surprise) for line in self.lines]
        return tuple(f"{student}: {surprise}" for student, surprise in found if surprise)


def play(
    folder: Path,
    solution: Path,
    *,
    jobs: int = 2,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Story:
    """Tell the whole story in `folder` with the lab whose source is `solution`.

    Raises:
        CourseError: `folder` holds something that is not an earlier demo.
        EnvironmentRefused: no sandbox here.
    """
    lab = solution.name
    _clear(folder)
    tell(f"A course in {folder}, with {lab}.")
    root = folder / "course"
    course, made = _hand_in(folder, root, solution)
    tell(f"{len(made)} students hand in.")
    write_submissions(made, folder / "handins", lab)
    collect(course, [folder / "handins"], lab=lab)
    tell("The judge looks at every submission in the sandbox.")
    graded = {g.student: g for g in grade_lab(course, lab, jobs=jobs, progress=progress)}
    failed = [result for result in graded.values() if result.status == "failed"]
    if failed:
        raise CourseError(f"{len(failed)} hand-ins could not be graded. {failed[0].error}")
    tell("Feedback for the students, an overview for you.")
    write_feedback(course, lab)
    page = root / "reports" / f"{lab}.html"
    write_page(overview(lab, course.spec(lab).title, rows_of(course, lab, page)), page)
    return Story(
        course=root,
        lines=tuple(_line(submission, graded[submission.student]) for submission in made),
        feedback=root / "feedback",
        page=page,
    )


def _hand_in(folder: Path, root: Path, solution: Path) -> tuple[Course, tuple[Submission, ...]]:
    """Make the course at `root`, its roster and what its students hand in."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / MARKER, b"Made by labkit demo; the next demo replaces it.\n")
    init_course(root, labs=[solution.name], seed=SEED, solutions=solution.parent)
    made = submissions(solution, root / "release" / solution.name)
    roster = folder / "roster.csv"
    write_atomically(roster, _roster(made))
    return init_course(root, roster=roster, solutions=solution.parent), made


def _clear(folder: Path) -> None:
    """Remove an earlier demo, and nothing else."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARKER).exists() and not (folder / "course" / COURSE_FILE).exists():
        raise CourseError(
            f"{folder} holds files that no demo made. Nothing was touched; "
            "name another folder with --dir."
        )
    shutil.rmtree(folder)


def _roster(made: Sequence[Submission]) -> bytes:
    lines = ["id,name", *(f"{submission.student},{submission.name}" for submission in made)]
    return ("\n".join(lines) + "\n").encode()


def _line(submission: Submission, graded: Graded) -> Line:
    wrong = _wrong(graded)
    said = wrong.diagnosis or wrong.error or _difference(wrong) if wrong else ""
    return Line(
        submission=submission,
        graded=graded,
        said=said or (graded.notes[0] if graded.notes else ""),
        surprise=_surprise(submission, graded),
    )


def _wrong(graded: Graded) -> ExerciseVerdict | None:
    """The first exercise that was attempted and is not right."""
    if graded.verdict is None:
        return None
    tried = [e for e in graded.verdict.exercises if e.status not in ("passed", "not attempted")]
    return tried[0] if tried else None


def _difference(wrong: ExerciseVerdict) -> str:
    example = wrong.counterexample
    return f"{example.call}: expected {example.expected}, got {example.got}" if example else ""


def _surprise(submission: Submission, graded: Graded) -> str | None:
    """What is not as it should be, in one sentence."""
    points, most = graded.points, graded.max_points
    if graded.status == "failed" or graded.verdict is None:
        return f"was not graded: {graded.error}"
    right = {"full": points == most, "none": points == 0, "some": 0 < points < most}
    if not right[submission.expected]:
        return f"has {points:g} of {most:g}, expected {submission.expected} of the points"
    if submission.exercise is None:
        return None
    results = {e.exercise: e for e in graded.verdict.exercises}
    own = results.pop(submission.exercise)
    if own.status == "passed" or any(e.status != "passed" for e in results.values()):
        return f"only {submission.exercise} should fail"
    if submission.sentence is not None and own.diagnosis != submission.sentence:
        return f"expected the diagnosis {submission.sentence!r}, got {own.diagnosis!r}"
    return None
