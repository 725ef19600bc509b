"""Commands that look at the whole: `audit` a judge, `report` on a class, `demo` the kit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.bars import progress_shown
from autograder.errors import CheckFailed

if TYPE_CHECKING:
    from autograder.audit.report import AuditReport
    from autograder.demo.story import Story

Jobs = Annotated[int, typer.Option(min=1, max=64, help="Submissions judged at the same time.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (report, audit, demo):
        app.command(rich_help_panel="Instructors")(command)


def audit(
    lab: Annotated[str | None, typer.Argument(help="The lab; all labs when left out.")] = None,
    jobs: Jobs = 2,
    as_json: AsJson = False,
) -> None:
    """Examine a lab's judge: wrong answers caught and explained, right ones accepted.

    Exits with 1 when a bar does not hold, and names what broke it.
    """
    from autograder.audit.exam import audit_lab
    from autograder.errors import LabError
    from autograder.judge.start import judging_zygote
    from autograder.lab import lab_path, labs_folder, list_labs, solutions_folder

    names = [lab] if lab else list_labs(solutions_folder())
    if not names:
        raise LabError(f"there are no labs below {solutions_folder()}: nothing to audit.")
    folders = [lab_path(solutions_folder(), name) for name in names]
    with judging_zygote() as zygote, progress_shown(plain="stages") as progress:
        reports = [
            audit_lab(
                folder,
                labs_folder() / folder.name,
                zygote=zygote,
                jobs=jobs,
                progress=progress,
            )
            for folder in folders
        ]
    if as_json:
        typer.echo(json.dumps([r.model_dump(mode="json") for r in reports], indent=2))
    else:
        for found in reports:
            _show_audit(found)
    broken = [found.lab for found in reports if not found.passed]
    if broken:
        raise CheckFailed(f"the bars do not hold for {', '.join(broken)}.")


def _show_audit(found: AuditReport) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=f"Audit of {found.lab}", title_justify="left")
    for heading in ("bar", "", "measured", "required"):
        table.add_column(heading, overflow="fold")
    for bar in found.bars:
        mark = "[green]holds[/]" if bar.passed else "[red]broken[/]"
        table.add_row(bar.name, mark, escape(bar.measured), escape(bar.required))
    console.print(table)
    if not found.passed:
        console.print(escape(found.failures_text()), highlight=False)


def report(
    lab: Annotated[str, typer.Argument(help="The lab, or the start of its name.")],
    course: Annotated[Path, typer.Option(help="The course folder.")] = Path(),
    to: Annotated[Path | None, typer.Option(help="Where to write the page.")] = None,
) -> None:
    """Write one page about a graded lab: points per student, what the class got wrong."""
    from autograder.course import Course
    from autograder.report.overview import overview
    from autograder.report.page import write_page
    from autograder.report.rows import rows_of

    known = Course.load(course)
    name = known.lab(lab)
    page = (to or known.root / "reports" / f"{name}.html").absolute()
    rows = rows_of(known, name, page)
    write_page(overview(name, known.spec(name).title, rows), page)
    typer.echo(f"{page}: {len(rows)} students.")


def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo works.")] = Path(
        "demo-course"
    ),
    jobs: Jobs = 2,
) -> None:
    """The whole story: a course, twelve hand-ins, grades, feedback and an overview.

    Exits with 1 when a submission scores otherwise than it should.
    """
    from autograder.demo.story import play
    from autograder.lab import lab_path, solutions_folder

    solution = lab_path(solutions_folder(), "lab05_lora_math")
    with progress_shown(plain="stages") as progress:
        told = play(folder, solution, jobs=jobs, progress=progress, tell=typer.echo)
    _show_demo(told)
    if told.surprises:
        raise CheckFailed("not as it should be:\n" + "\n".join(told.surprises))


def _show_demo(told: Story) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title="What came out", title_justify="left")
    for heading in ("student", "handed in", "points", "what the feedback says first"):
        table.add_column(heading, overflow="fold")
    for line in told.lines:
        table.add_row(
            escape(f"{line.submission.student} {line.submission.name}"),
            escape(line.submission.what),
            f"{line.graded.points:g} of {line.graded.max_points:g}",
            escape(line.said),
        )
    console.print(table)
    course = told.course
    lab = told.page.stem
    first = told.lines[4].submission.student if len(told.lines) > 4 else "STUDENT"
    console.print(
        f"The overview:        {told.page}\n"
        f"A student's page:    {told.feedback / first / lab / f'{lab}.html'}\n"
        f"Points as CSV:       labkit export --course {course}\n"
        f"nbgrader's pages:    jupyter lab, started in {course} (menu Nbgrader, Formgrader)",
        highlight=False,
        soft_wrap=True,
    )
