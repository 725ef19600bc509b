"""`labkit feedback`: one HTML page a hand-in, made by nbgrader, in `feedback/STUDENT/LAB/`."""

from __future__ import annotations

from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError, LabkitError
from autograder.grading.nbgrader_run import load_config, logging_to, run


def write_feedback(course: Course, lab: str, *, student: str | None = None) -> list[Path]:
    """Make the pages of a lab anew, for all students or one; returns them.

    Raises:
        LabkitError: nothing of the lab is graded yet.
        CourseError: nbgrader could not make a page.
    """
    lab = course.lab(lab)
    config = load_config(course)
    graded = sorted(p.parent.parent.name for p in course.root.glob(f"autograded/*/{lab}/*.ipynb"))
    wanted = [s for s in graded if student in (None, s)]
    if not wanted:
        whose = f"The hand-in of {student}" if student else "No hand-in"
        raise LabkitError(f"{whose} for {lab} is graded yet. Grade first: labkit grade {lab}")
    path = course.logs / f"feedback-{lab}.log"
    with logging_to(path) as log:
        try:
            run("GenerateFeedback", config, lab, student=student, log=log)
        except CourseError as error:
            raise CourseError(f"nbgrader could not make every page: {error} See {path}.") from error
    pages = [course.root / "feedback" / name / lab / f"{lab}.html" for name in wanted]
    return [page for page in pages if page.is_file()]
