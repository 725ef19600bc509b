"""`labkit recipe`: any text recipe of the installed cookbook, unmodified, without a network.

The exit code is the recipe's own; 2 is a word or a recipe that is not understood, 3 a recipe that
needs what is not installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.errors import EnvironmentRefused, LabkitError

if TYPE_CHECKING:
    from shared.tinker.recipes import Plan

PANEL = "Service and research"
Name = Annotated[str, typer.Argument(help="A recipe, such as sl_loop or math_rl.train.")]
Settings = Annotated[
    list[str] | None, typer.Argument(help="The recipe's own settings.", metavar="KEY=VALUE...")
]
Full = Annotated[
    bool, typer.Option("--full", help="Keep the recipe's own sizes, made for large machines.")
]
Lines = Annotated[
    int, typer.Option(min=1, help="Lines of the cookbook's example texts that are read.")
]
Models = Annotated[
    list[str] | None, typer.Option(help="Serve this model too: FOLDER, NAME=FOLDER, hub name.")
]
Runs = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where all is written. [default: TINKER_COOKBOOK_RUNS_DIR, else ~/tinker-runs]",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `recipe` to `app`."""
    app.command(rich_help_panel=PANEL)(recipe)


def recipe(
    name: Name = "",
    settings: Settings = None,
    show: Annotated[bool, typer.Option("--list", help="List the recipes: which run here.")] = False,
    full: Full = False,
    lines: Lines = 24,
    model: Models = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    runs: Runs = None,
) -> None:
    """Run a recipe of the cookbook against the embedded service, offline."""
    if show:
        _list()
        return
    if not name:
        raise LabkitError("Name a recipe: `labkit recipe sl_loop`. `--list` shows them all.")
    from shared.tinker.errors import TinkerKitError, UserError

    where = runs or Path(os.environ.get("TINKER_COOKBOOK_RUNS_DIR") or "~/tinker-runs")
    try:
        code = _run(
            name,
            settings or [],
            where.expanduser().resolve(),
            full=full,
            lines=lines,
            models=model or [],
            device=device,
        )
    except UserError as error:
        raise LabkitError(str(error)) from error
    except TinkerKitError as error:
        raise EnvironmentRefused(str(error)) from error
    if code:
        raise typer.Exit(code if code > 0 else 128 - code)


def _list() -> None:
    from shared.tinker import recipe_source
    from shared.tinker.recipes import TESTED, obstacles

    found = [recipe_source.read(name) for name in recipe_source.names()]
    width = max(len(recipe.name) for recipe in found)
    for recipe in found:
        reasons = obstacles(recipe)
        state = "needs" if reasons else "runs" if recipe.name in TESTED else "untried"
        notes = reasons + [f"{key}={size} is fixed" for key, size in recipe.fixed.items()]
        notes += [f"give {key}=..." for key in recipe.required]
        typer.echo(f"{recipe.name.ljust(width)}  {state.ljust(7)}  {'; '.join(notes)}".rstrip())
    typer.echo(
        "\nruns: tested end to end, offline. untried: nothing speaks against it, no test runs it. "
        "needs: what is missing here."
    )


def _run(
    name: str,
    settings: list[str],
    runs: Path,
    *,
    full: bool,
    lines: int,
    models: list[str],
    device: str,
) -> int:
    from shared.models.hub import hub_home
    from shared.tinker.embedded import EmbeddedService
    from shared.tinker.recipe_results import results
    from shared.tinker.recipes import obstacles, plan, run
    from shared.tinker.service.catalogue import catalogue

    planned = plan(name, settings, runs=runs, small=not full, lines=lines)
    reasons = obstacles(planned.recipe)
    if planned.recipe.missing:
        raise EnvironmentRefused(f"{planned.recipe.name} cannot run here: {'; '.join(reasons)}.")
    _announce(planned, reasons)
    home = hub_home(catalogue(models))
    runs.mkdir(parents=True, exist_ok=True)
    with EmbeddedService.start(runs / "service", models, device, stand_ins=True) as service:
        code = run(planned, url=service.url, key=service.key, home=home)
    if code == 0:
        left = results(planned.folder)
        typer.echo(f"\nWritten to {planned.folder}")
        for checkpoint in left.checkpoints[-1:]:
            paths = [str(value) for value in checkpoint.values() if "tinker://" in str(value)]
            typer.echo("\n".join(f"Checkpoint {path}" for path in paths))
    return code


def _announce(planned: Plan, reasons: list[str]) -> None:
    """Say what will not be what it is called, and which sizes are not the recipe's own."""
    from shared.tinker.recipes import stand_ins

    models, data = stand_ins(planned)
    if models:
        typer.echo(f"STAND-IN MODELS: {', '.join(models)} are all the tiny labkit/tiny here.")
    if data:
        typer.echo(f"SYNTHETIC DATA: {', '.join(data)} hold rows of our own generator only.")
    if planned.lines is not None:
        typer.echo(f"SHORTENED: of the cookbook's example texts {planned.lines} lines are read.")
    if planned.added:
        words = " ".join(f"{key}={value}" for key, value in planned.added.items())
        typer.echo(f"Added, as you gave none (--full for the recipe's own sizes): {words}")
    rate = planned.recipe.settings.get("learning_rate")
    if rate and not any(word.startswith("learning_rate=") for word in planned.given):
        from shared.tinker.presets import choose

        tiny = choose(["labkit/tiny"])
        typer.echo(
            f"learning_rate stays at the recipe's {rate}, made for large models. labkit/tiny "
            f"learns at about {tiny.sft_learning_rate:g} (supervised), "
            f"{tiny.rl_learning_rate:g} (RL), {tiny.dpo_learning_rate:g} (DPO)."
        )
    for key, size in planned.recipe.fixed.items():
        typer.echo(f"Fixed in the recipe's source: {key}={size}")
    for reason in reasons:
        typer.echo(f"Warning: {reason}; it may fail.", err=True)
