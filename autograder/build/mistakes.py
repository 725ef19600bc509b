"""The list of common mistakes on a lab's page, written from the lab's own `mistakes/`.

A markdown cell asks for it with a line of its own, `MARK`. Students read the same sentences here
as in their feedback. Only the sentences leave `solutions/`; the code below them does not.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import LabError
from autograder.lab import LabSpec
from autograder.notebook import source_of

MARK = "<!-- common mistakes -->"


def with_mistakes(source: str, spec: LabSpec, solution_dir: Path) -> str:
    """The source of a cell with `MARK` replaced by the list; a cell without it as it is.

    Raises:
        LabError: the list is asked for and an exercise has no mistakes.
    """
    if MARK not in source.splitlines():
        return source
    sections = [_section(spec, name, solution_dir) for name in spec.by_name]
    return source.replace(MARK, "\n\n".join(sections))


def _section(spec: LabSpec, exercise: str, solution_dir: Path) -> str:
    items = [f"- {sentence}" for sentence in _sentences(solution_dir, exercise)]
    if not items:
        raise LabError(f"{solution_dir}/mistakes has none of {exercise}: {MARK} cannot be filled.")
    title = html.escape(spec.exercise(exercise).title, quote=False)
    summary = f"<details><summary><code>{exercise}</code>: {title}</summary>"
    return "\n".join([summary, "", *items, "", "</details>"])


def _sentences(solution_dir: Path, exercise: str) -> Iterator[str]:
    """What a student reads of each known mistake, safe in Markdown."""
    for path in sorted((solution_dir / "mistakes").glob(f"{exercise}__*.py")):
        yield html.escape(" ".join(source_of(path)[0].split()), quote=False)
