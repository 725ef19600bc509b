"""The command `build`: what students get, generated from `solutions/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.errors import CheckFailed, LabError


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(rich_help_panel="Instructors")(build)


def build(
    lab: Annotated[str, typer.Argument(help="A lab, such as lab05; all labs if left out.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")
    ] = False,
    kit: Annotated[
        Path | None, typer.Option("--kit", metavar="DIR", help="Also write the students' kit.")
    ] = None,
) -> None:
    """Generate labs/ from solutions/: notebooks, public checks, figures."""
    from autograder.lab import lab_path, labs_folder, list_labs, solutions_folder

    solutions = solutions_folder()
    names = [lab_path(solutions, lab).name] if lab else list_labs(solutions)
    if not names:
        raise LabError(f"{solutions} holds no labs. `labkit build` needs the labs' sources.")
    if check and kit is not None:
        raise LabError("--check writes nothing and --kit writes a folder: use one of them.")
    if check:
        _check(names, solutions, labs_folder(), whole=not lab)
        return
    _write(names, solutions, labs_folder())
    if kit is not None:
        from autograder.build import write_kit
        from autograder.lab import root

        typer.echo(f"wrote {write_kit(root(), kit)}: the students' kit")


def _write(names: list[str], solutions: Path, labs: Path) -> None:
    from autograder.build import build as build_lab

    for name in names:
        typer.echo(f"wrote {build_lab(solutions / name, labs)}")


def _check(names: list[str], solutions: Path, labs: Path, *, whole: bool) -> None:
    """Print how `labs` differs from what the sources generate; fail when it does."""
    from autograder.build import check_release
    from autograder.lab import list_labs

    found = [drift for name in names if (drift := check_release(solutions / name, labs))]
    for drift in found:
        typer.echo(drift.text)
    stray = sorted(set(list_labs(labs)) - set(names)) if whole else []
    for name in stray:
        typer.echo(f"extra: {name} has no source in {solutions}")
    count = sum(len(d.stale) + len(d.missing) + len(d.extra) for d in found) + len(stray)
    if count:
        noun = "file is" if count == 1 else "files are"
        raise CheckFailed(f"{count} generated {noun} out of date. Run `labkit build`.")
    typer.echo(f"{len(names)} {'lab is' if len(names) == 1 else 'labs are'} up to date")
