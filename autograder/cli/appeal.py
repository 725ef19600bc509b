"""Commands for an appeal: `ledger verify`, `replay` one exercise, `explain` a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer

from autograder.cli.instructor import HERE, PANEL, CourseOption, JsonOption, TrustOption
from autograder.errors import CheckFailed

Found = TypeVar("Found")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    ledger = typer.Typer(no_args_is_help=True, help="The chain of lines behind all grades.")
    ledger.command("verify")(verify)
    ledger.callback()(_ledger)
    app.add_typer(ledger, name="ledger", rich_help_panel=PANEL)
    for command in (replay, explain):
        app.command(rich_help_panel=PANEL)(command)


def _ledger() -> None:
    """The chain of lines behind all grades."""


def verify(
    course: CourseOption = HERE,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="HASH", help="A hash noted down earlier: still there?"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that no line was changed, and that the gradebook says what the ledger says.

    Exits with 1 when not. Points given by hand, extra credit and lateness are not looked at.
    """
    from autograder.course import Course
    from autograder.reconcile import verify as verified

    report = verified(Course.load(course), expected=expect)
    if as_json:
        sound = {"ok": not report.problems}
        typer.echo(json.dumps(sound | asdict(report), indent=2, ensure_ascii=False))
        raise typer.Exit(1 if report.problems else 0)
    for remark in report.remarks:
        typer.echo(f"note: {remark}")
    for problem in report.problems:
        typer.echo(f"problem: {problem}")
    typer.echo(f"{report.lines} lines, the last one {report.head}")
    if report.problems:
        count = len(report.problems)
        raise CheckFailed(f"{count} {'problem' if count == 1 else 'problems'}, listed above.")
    typer.echo("The chain is whole, and the gradebook agrees with it.")


def replay(
    submission: Annotated[str, typer.Argument(help="A student's id, or a notebook file.")],
    exercise: Annotated[str, typer.Argument(help="The exercise's name.")],
    course: CourseOption = HERE,
    lab: Annotated[str | None, typer.Option(help="The lab, if several have the exercise.")] = None,
    seed: Annotated[str | None, typer.Option(help="Another seed than the course's.")] = None,
    trust_students: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge one exercise of a hand-in again, and compare with the ledger. Writes nothing.

    Exits with 1 when the same points and status do not come out.
    """
    from autograder.cli.appeal_view import replay_data, replay_text
    from autograder.course import Course
    from autograder.replay import replay as replayed

    found = replayed(
        Course.load(course), submission, exercise, lab=lab, seed=seed, trust=trust_students
    )
    _show(found, replay_data, replay_text, as_json)
    if not found.agrees:
        raise typer.Exit(1)


def explain(
    student: Annotated[str, typer.Argument(help="The student's id.")],
    lab: Annotated[str, typer.Argument(help="The lab's name or a unique beginning of it.")],
    exercise: Annotated[str | None, typer.Argument(help="Only this exercise.")] = None,
    course: CourseOption = HERE,
    trust_students: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how a number came about: every hidden case, the ledger's line. Not for students."""
    from autograder.cli.appeal_view import explain_data, explain_text
    from autograder.course import Course
    from autograder.explain import explain as explained

    found = explained(Course.load(course), student, lab, exercise=exercise, trust=trust_students)
    _show(found, explain_data, explain_text, as_json)


def _show(
    found: Found, as_data: Callable[[Found], object], as_text: Callable[[Found], str], as_json: bool
) -> None:
    if as_json:
        typer.echo(json.dumps(as_data(found), indent=2, ensure_ascii=False))
    else:
        typer.echo(as_text(found))
