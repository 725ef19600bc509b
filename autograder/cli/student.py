"""The student's commands: `labs`, `start`, `check`, `hint`, `submit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autograder.errors import LabkitError

if TYPE_CHECKING:
    from autograder.check.find import Work
    from autograder.judge.verdict import Verdict

PANEL = "Students"
Lab = Annotated[str, typer.Argument(help="A lab, such as lab05, or the path of your notebook.")]
Exercise = Annotated[str, typer.Argument(help="An exercise of the lab.")]


def register(app: typer.Typer) -> None:
    """Add the student's commands to `app`."""
    for command in (labs, start, check, hint, submit):
        app.command(rich_help_panel=PANEL)(command)


def labs(
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the labs and how far you are in each."""
    found = _labs()
    if as_json:
        import json

        typer.echo(json.dumps(found, indent=1))
        return
    rows = [("lab", "title", "minutes", "points", "exercises passed")]
    for lab in found:
        passed, exercises = lab["passed"], lab["exercises"]
        state = "not started" if passed is None else f"{passed} of {exercises}"
        rows.append((lab["lab"], lab["title"], str(lab["minutes"]), str(lab["points"]), state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def _labs() -> list[dict[str, Any]]:
    """Each lab as `labs --json` prints it; `passed` is None in a lab that was not started."""
    from autograder.check.find import places
    from autograder.lab import labs_folder, list_labs, load_spec
    from autograder.progress import read_progress

    folder = labs_folder()
    found: list[dict[str, Any]] = []
    for name in list_labs(folder):
        spec = load_spec(folder / name)
        there = next((place.parent for place in places(name) if place.is_file()), None)
        passed = read_progress(there, name).passed() if there is not None else None
        found.append(
            {
                "lab": name,
                "title": spec.title,
                "minutes": spec.minutes,
                "points": spec.automatic_points,
                "passed": None if passed is None else len(passed & set(spec.by_name)),
                "exercises": len(spec.exercises),
            }
        )
    if not found:
        raise LabkitError(f"{folder} holds no labs. Instructors: `labkit build` makes them.")
    return found


def start(
    lab: Annotated[str, typer.Argument(help="A lab, such as lab05.")],
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to put the lab's folder.")
    ] = Path("work"),
) -> None:
    """Copy a lab into a folder of your own. Work that is there is never overwritten."""
    from autograder.check.find import released
    from autograder.start import start_lab

    notebook = start_lab(released(lab), folder)
    typer.echo(f"{notebook.parent} is ready. Open the notebook with:\n\n    jupyter lab {notebook}")


def check(
    lab: Lab,
    exercise: Annotated[str, typer.Argument(help="One exercise; all if left out.")] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again whenever you save, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check your saved notebook: exit code 0 all passed, 1 something did not."""
    from autograder.check.find import find_work

    if watch and as_json:
        raise LabkitError("--watch talks to you and --json to a script: use one of them.")
    work = find_work(lab)
    if watch:
        _watch(work, exercise)
    else:
        verdict = _checked(work, exercise)
        _show(work, verdict, as_json=as_json)
        if any(e.status != "passed" for e in verdict.exercises):
            raise typer.Exit(1)


def _watch(work: Work, exercise: str) -> None:
    from autograder.check.watch import saves

    typer.echo(f"Watching {work.notebook}. Save it to check again; Ctrl-C ends.")
    try:
        for _ in saves(work.notebook):
            try:
                _show(work, _checked(work, exercise), as_json=False)
            except LabkitError as error:
                typer.echo(f"labkit: {error}", err=True)
            typer.echo("\nWaiting for the next save.")
    except KeyboardInterrupt:
        typer.echo("\nNo longer watching.")


def _checked(work: Work, exercise: str) -> Verdict:
    """The verdict on the saved notebook, which is also kept as progress."""
    from autograder.check.run import run_checks
    from autograder.lab import load_spec
    from autograder.notebook import graft, read_notebook, read_release
    from autograder.progress import record

    spec = load_spec(work.lab_dir)
    names = [spec.exercise(exercise).name] if exercise else list(spec.by_name)
    grafted = graft(read_notebook(work.notebook), read_release(work.lab_dir))
    verdict = run_checks(grafted.cells, work.lab_dir, names, notes=grafted.notes)
    record(work.folder, verdict)
    return verdict


def _show(work: Work, verdict: Verdict, *, as_json: bool) -> None:
    from autograder.check.show import Checked

    if as_json:
        typer.echo(verdict.model_dump_json(indent=1, exclude={"seed", "level"}))
        return
    passed = sum(e.status == "passed" for e in verdict.exercises)
    closing = f"{passed} of {len(verdict.exercises)} pass their checks."
    if passed == len(verdict.exercises) > 1:
        closing += f" Next: labkit submit {work.short}"
    typer.echo(repr(Checked(verdict, closing)))


def hint(
    lab: Lab,
    exercise: Exercise,
    everything: Annotated[bool, typer.Option("--all", help="Show every hint.")] = False,
) -> None:
    """Show a hint; each call tells a little more."""
    from autograder.check.find import find_work
    from autograder.lab import load_spec
    from autograder.progress import read_progress, save_progress

    work = find_work(lab)
    hints = load_spec(work.lab_dir).exercise(exercise).hints
    steps = (hints.nudge, hints.idea, hints.worked_step)
    progress = read_progress(work.folder, work.lab_dir.name)
    level = len(steps) if everything else min(progress.hints.get(exercise, 0) + 1, len(steps))
    progress.hints[exercise] = max(level, progress.hints.get(exercise, 0))
    save_progress(work.folder, progress)
    for number, text in enumerate(steps[:level], start=1):
        typer.echo(f"Hint {number} of {len(steps)}: {text}\n")
    more = "Ask again for the next hint." if level < len(steps) else "There are no more hints."
    typer.echo(more)


def submit(
    lab: Lab,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="The file to write; handin/LAB.ipynb if not."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write it although something is wrong with it.")
    ] = False,
) -> None:
    """Make the file you hand in, after checking that it is complete and runs."""
    from autograder.check.find import find_work
    from autograder.submit import FOLDER, examine, hand_in, write_hand_in

    work = find_work(lab)
    examined = examine(work)
    for warning in examined.warnings:
        typer.echo(f"Note: {warning}")
    target = to or Path(FOLDER) / f"{work.lab_dir.name}.ipynb"
    if anyway:
        for problem in examined.problems:
            typer.echo(f"Problem: {problem}")
        receipt = write_hand_in(work, examined.data, target)
    else:
        receipt = hand_in(work, examined, target)
    typer.echo(f"Wrote {receipt.file}, {receipt.size} bytes: this is the file to hand in.")
    typer.echo(f"sha256 {receipt.sha256}")
