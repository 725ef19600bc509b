"""README, CONTRIBUTING and the site name only commands, options, targets and files that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from autograder.cli import app

PROSE = ("README.md", "CONTRIBUTING.md", "site/**/*.md")


@pytest.fixture(scope="module")
def prose(repository: Path) -> dict[str, str]:
    paths = [path for pattern in PROSE for path in repository.glob(pattern)]
    return {str(p.relative_to(repository)): p.read_text(encoding="utf-8") for p in paths}


def code_of(text: str) -> list[str]:
    """Lines of fenced code and every inline code span."""
    blocks = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    outside = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return lines + re.findall(r"`([^`\n]+)`", outside)


def calls(texts: dict[str, str], program: str) -> list[tuple[str, list[str]]]:
    """Every call of `program` in the texts, as (file, words after the program)."""
    found: list[tuple[str, list[str]]] = []
    for name, text in texts.items():
        for line in code_of(text):
            for part in re.split(r"&&|;|\|", line.removeprefix("$ ").removeprefix("> ")):
                words = shlex.split(part, comments=True) if part.count("'") % 2 == 0 else []
                if words and words[0].split("/")[-1] == program and "COMMAND" not in words:
                    found.append((name, words[1:]))
    return found


def command_for(words: list[str]) -> tuple[Any, list[str]]:
    """The typer command that `words` name, and the words left over."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def complaint(words: list[str]) -> str | None:
    """What the command line would not understand in these words; None when it is fine."""
    command, rest = command_for(words)
    if hasattr(command, "commands"):
        return f"no command {rest[0]!r}" if rest and not rest[0].startswith("-") else None
    context = typer.Context(command)
    try:
        _, left_over, _ = command.make_parser(context).parse_args(list(rest))
    except Exception as error:  # typer's own copy of click: its UsageError has no public name
        return str(error)
    return f"too many words: {left_over}" if left_over else None


def test_every_labkit_command_in_the_prose_is_understood(prose: dict[str, str]) -> None:
    wrong = {
        f"{name}: labkit {' '.join(words)}": reason
        for name, words in calls(prose, "labkit")
        if (reason := complaint(words))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "words", [["no-such"], ["doctor", "--no-such"], ["doctor", "lab05", "more"]]
)
def test_these_would_not_be_understood(words: list[str]) -> None:
    assert complaint(words)


def test_every_make_target_in_the_prose_exists(prose: dict[str, str], repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE))
    for name, words in calls(prose, "make"):
        for word in words:
            known = word.split("=")[0] in variables if "=" in word else word in targets
            assert known, f"{name}: make {' '.join(words)}"


def test_every_link_to_a_file_leads_to_one(prose: dict[str, str], repository: Path) -> None:
    broken = []
    for name, text in prose.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            target = link.split("#")[0]
            generated = target.endswith(("reference/cli.md", "labs/index.md"))
            if not target or "://" in target or generated:
                continue
            if not (repository / Path(name).parent / target).exists():
                broken.append(f"{name}: {link}")
    assert broken == []


def test_the_readme_shows_every_command(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    commands: Any = typer.main.get_command(app)
    shown = {words[0] for _, words in calls({"README.md": text}, "labkit") if words}
    assert set(commands.commands) - shown == set()


def test_no_line_of_prose_is_wider_than_the_code(prose: dict[str, str]) -> None:
    wide = [
        f"{name}:{number}"
        for name, text in prose.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > 110 and "](" not in line and not line.startswith(("|", "<"))
    ]
    assert wide == []
