"""Pages of the site that are written from the code: the list of labs and the command line.

Plain functions from the project to Markdown; nothing here knows MkDocs (see site_hooks.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from autograder.lab import LabSpec, list_labs, load_spec

DIFFICULTY = ("very easy", "easy", "medium", "hard", "very hard")


def labs_page(folder: Path) -> str:
    """The list of the labs released in `folder`, each with its exercises."""
    specs = [load_spec(folder / name) for name in list_labs(folder)]
    head = (
        "# Labs\n\nEach lab is one notebook of short exercises. You check every answer where you "
        "write it, as often as you like; grading runs more cases of the same contract.\n"
    )
    if not specs:
        return head + "\nNo lab is released yet.\n"
    return head + "".join(f"\n{section}" for section in map(lab_section, specs))


def lab_section(spec: LabSpec) -> str:
    """One lab: what you learn, what it takes, its exercises and how to start."""
    written = sum(question.points for question in spec.written)
    facts = [
        f"{spec.minutes} minutes",
        DIFFICULTY[spec.difficulty - 1],
        f"{spec.automatic_points} points by the judge",
        *([f"{written} points by a person"] if written else []),
    ]
    lines = [f"## {spec.title}", "", f"`{spec.name}` · " + " · ".join(facts), ""]
    if spec.prerequisites:
        lines += ["You need: " + "; ".join(spec.prerequisites) + ".", ""]
    lines += ["Afterwards you can:", "", *(f"- {aim}" for aim in spec.able_to), ""]
    lines += ["| exercise | what you write | points | minutes |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| `{exercise.name}` | {cell(exercise.title)} | {exercise.points} | {exercise.minutes} |"
        for exercise in spec.exercises
    ]
    lines += [f"| `{q.name}` | {cell(q.title)} (written) | {q.points} | |" for q in spec.written]
    lines += ["", "```console", f"$ labkit start {spec.name}", "```", ""]
    return "\n".join(lines)


def cell(text: str) -> str:
    """Text that may stand in a Markdown table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def cli_page(app: typer.Typer) -> str:
    """Every command with its arguments and options, as `--help` tells them."""
    root = typer.main.get_command(app)
    head = (
        '# Command line\n\nExit codes: 0 fine; 1 the answer is "no" (a check failed, something '
        "generated is stale); 2 wrong usage or unreadable input; 3 this machine cannot do it.\n\n"
        "Completion in your shell: `labkit --install-completion`.\n"
    )
    return head + "".join(command_sections(root, typer.Context(root, info_name="labkit")))


def command_sections(command: Any, context: Any) -> Iterator[str]:
    """One section for each command below `command`, depth first."""
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        inner = typer.Context(child, info_name=name, parent=context)
        if hasattr(child, "list_commands"):
            yield from command_sections(child, inner)
        elif not child.hidden:
            yield command_section(child, inner)


def command_section(command: Any, context: Any) -> str:
    """Usage, help and a table of the parameters of one command."""
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}".strip()
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [f"| `{cell(name)}` | {cell(text)} |" for name, text in filter(None, records)]
    rows = [row for row in rows if not row.startswith("| `--help")]
    table = ["| word | what it does |", "| --- | --- |", *rows] if rows else []
    lines = ["", f"## {context.command_path}", "", command.help or "", ""]
    return "\n".join([*lines, "```console", f"$ {usage}", "```", "", *table, ""])
