"""The instructor's commands: `course`, `collect`, `grade`, `feedback`, `export`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from autograder.collect import Collection
    from autograder.grading import Graded

CourseOption = Annotated[
    Path, typer.Option("--course", help="The course folder.", show_default="this folder")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
TrustOption = Annotated[
    bool, typer.Option("--trust-students", help="Run their code without a sandbox, as your user.")
]
HERE = Path()
PANEL = "Instructors"


class ExportFormat(StrEnum):
    """What `labkit export` writes."""

    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the instructor's commands to `app`."""
    course = typer.Typer(no_args_is_help=True, help="Make and look after a course folder.")
    course.command("init")(init)
    app.add_typer(course, name="course", rich_help_panel=PANEL)
    for command in (collect, grade, feedback, export):
        app.command(rich_help_panel=PANEL)(command)


def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder, or a course.")],
    lab: Annotated[list[str] | None, typer.Option(help="Take this lab in (again).")] = None,
    roster: Annotated[Path | None, typer.Option(help="CSV with the columns id,name.")] = None,
    seed: Annotated[
        str | None, typer.Option(help="Decides the hidden inputs; random when left out.")
    ] = None,
) -> None:
    """Make a course folder in nbgrader's layout, or bring one up to date."""
    from autograder.course_init import init_course

    course = init_course(directory, labs=lab or [], roster=roster, seed=seed)
    typer.echo(f"Course {course.root}")
    for name in sorted(course.data.labs):
        typer.echo(f"  {name}: give students release/{name}/{name}.ipynb")


def collect(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders or zip archives.")],
    course: CourseOption = HERE,
    lab: Annotated[str | None, typer.Option(help="The lab all of them are for.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring hand-ins into the course. What belongs to nobody goes to quarantine/ with a warning."""
    from autograder import collect as collecting
    from autograder.course import Course

    result = collecting.collect(Course.load(course), paths, lab=lab)
    if as_json:
        _print_json(
            {
                "collected": [vars(c) for c in result.collected],
                "quarantined": result.quarantined,
                "warnings": result.warnings,
            }
        )
    else:
        _tell_collected(result)


def _tell_collected(result: Collection) -> None:
    for hand_in in result.collected:
        typer.echo(f"{hand_in.student}  {hand_in.lab}  {hand_in.state}  ({hand_in.source})")
        for note in hand_in.notes:
            typer.echo(f"    {note}")
    for line in (*result.warnings, *result.quarantined):
        typer.echo(f"warning: {line}", err=True)
    changed = sum(c.state in ("new", "updated") for c in result.collected)
    aside = f", {len(result.quarantined)} in quarantine" if result.quarantined else ""
    typer.echo(f"{len(result.collected)} hand-ins, {changed} new or updated{aside}")


def grade(
    lab: Annotated[str, typer.Argument(help="The lab's name or a unique beginning of it.")],
    student: Annotated[list[str] | None, typer.Option(help="Only this student's hand-in.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Judge this many at a time; one a CPU if left out.")
    ] = None,
    course: CourseOption = HERE,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is graded.")] = False,
    trust_students: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Grade a lab's hand-ins. Can be stopped and run again at any time; loses nothing."""
    from autograder.cli.bars import progress_shown
    from autograder.cli.grading_view import show_table
    from autograder.course import Course
    from autograder.grading import grade_lab

    with progress_shown(plain="nothing" if as_json else "each") as progress:
        results = grade_lab(
            Course.load(course),
            lab,
            students=student or None,
            jobs=jobs or os.cpu_count() or 1,
            force=force,
            trust=trust_students,
            progress=progress,
        )
    if as_json:
        _print_json([_as_data(r) for r in results])
    else:
        show_table(results)
    if any(r.status == "failed" for r in results):
        raise typer.Exit(1)


def _as_data(result: Graded) -> dict[str, Any]:
    return {
        "student": result.student,
        "lab": result.lab,
        "status": result.status,
        "points": result.points,
        "max_points": result.max_points,
        "score": result.score,
        "max_score": result.max_score,
        "waits_for_person": result.waits_for_person,
        "notes": list(result.notes),
        "error": result.error,
        "verdict": result.verdict and result.verdict.model_dump(mode="json", exclude={"seed"}),
    }


def feedback(
    lab: Annotated[str, typer.Argument(help="The lab's name or a unique beginning of it.")],
    student: Annotated[str | None, typer.Option(help="Only this student's page.")] = None,
    course: CourseOption = HERE,
) -> None:
    """Write the feedback pages of what is graded."""
    from autograder.course import Course
    from autograder.grading.pages import write_feedback

    opened = Course.load(course)
    pages = write_feedback(opened, lab, student=student)
    typer.echo(f"{len(pages)} pages in {opened.root / 'feedback'}")


def export(
    course: CourseOption = HERE,
    form: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = (
        ExportFormat.csv
    ),
    to: Annotated[Path | None, typer.Option(help="A file instead of the screen.")] = None,
    lab: Annotated[str | None, typer.Option(help="Only this lab.")] = None,
) -> None:
    """Write the grades, the columns of `nbgrader export` first, then points by exercise."""
    from autograder.course import Course
    from autograder.export import export as exported
    from autograder.files import write_atomically

    text = exported(Course.load(course), form.value, lab=lab)
    if to is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(to, text.encode())
        typer.echo(f"Wrote {to}", err=True)


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
