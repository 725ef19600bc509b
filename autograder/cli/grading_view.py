"""What `labkit grade` shows when it is done: the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.grading import Graded


def show_table(results: Sequence[Graded]) -> None:
    """One line a student, notes and errors below."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("student", "by the judge", "in all", "status", "exercises not passed")
    for result in results:
        status = result.status + (", written part waits" if result.waits_for_person else "")
        failed = [
            e.exercise
            for e in (result.verdict.exercises if result.verdict else ())
            if e.status != "passed"
        ]
        table.add_row(
            escape(result.student),
            f"{result.points:g} / {result.max_points:g}",
            f"{result.score:g} / {result.max_score:g}",
            escape(status),
            ", ".join(failed),
        )
    console.print(table)
    levels = sorted({r.verdict.level for r in results if r.verdict})
    for result in results:
        for line in (*result.notes, *([result.error] if result.error else [])):
            console.print(f"{result.student}: {line}", markup=False, highlight=False)
    if "trusted" in levels:
        console.print("Graded WITHOUT a sandbox (--trust-students).", style="bold red")
