"""The command `labkit`: one typer app, its groups of commands, and how errors end it.

Exit codes: 0 fine, 1 the answer is "no", 2 wrong usage or unreadable input, 3 the environment
cannot do it. Nothing heavy is imported here or at the top of the command modules, so that
`labkit --help` answers at once.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autograder.errors import LabkitError

COMMAND_MODULES = (
    "student", "build", "instructor", "appeal", "examine", "maintain", "service", "recipe",
)  # fmt: skip
"""Modules of this package, in the order of `labkit --help`; each has `register(app)`."""


class LabkitGroup(TyperGroup):
    """A command group that ends a `LabkitError` with its one message and its own exit code."""

    def invoke(self, ctx: Any) -> Any:  # typer carries its own copy of click: no public type
        """Run the command; say what went wrong on stderr, without a traceback."""
        try:
            return super().invoke(ctx)
        except LabkitError as error:
            typer.echo(f"labkit: {error}", err=True)
            ctx.exit(error.exit_code)


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"labkit {version('tinker-lab-kit')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Learn LLM post-training by doing: work on the labs, check them, hand them in, grade them."""


def build_app() -> typer.Typer:
    """The whole command line: every module of `COMMAND_MODULES` registers its commands."""
    app = typer.Typer(
        name="labkit",
        cls=LabkitGroup,
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in COMMAND_MODULES:
        module = f"{__name__}.{name}"
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module).register(app)
    return app


app = build_app()


def main() -> None:
    """Entry point of the command `labkit`."""
    app(prog_name="labkit")
