"""Commands about the kit itself: `doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.errors import EnvironmentRefused

if TYPE_CHECKING:
    from autograder.doctor import Finding


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(rich_help_panel="Instructors")(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show what this machine can do: Python, packages, sandbox, browser, disk.

    Exits with 3 when something that grading needs is missing.
    """
    from autograder import doctor as machine

    findings = machine.examine()
    if as_json:
        typer.echo(json.dumps(machine.as_json(findings), indent=2))
    else:
        _show(findings)
    if not machine.healthy(findings):
        if as_json:
            raise typer.Exit(EnvironmentRefused.exit_code)
        missing = ", ".join(f.name for f in findings if f.status == "missing")
        raise EnvironmentRefused(f"this machine cannot grade yet; missing: {missing}.")


def _show(findings: tuple[Finding, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    styles = {"ok": "green", "note": "yellow", "missing": "red"}
    table = Table(title="This machine", title_justify="left")
    for heading in ("", "status", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        status = f"[{styles[finding.status]}]{finding.status}[/]"
        table.add_row(finding.name, status, escape(finding.found), escape(finding.remedy))
    Console().print(table)
