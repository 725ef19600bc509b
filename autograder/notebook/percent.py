"""A lab's `notebook.py` (jupytext's py:percent) and the single answers in `mistakes/` and the like.

The few lines of parsing here agree with jupytext (a test holds that) and save every grading fork
the second that importing it takes. Only what the labs use is understood: one-line headers with
`tags` and `grade_id`, markdown as comments.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import LabError
from autograder.notebook.node import LAB_TAGS, RUN_TAGS
from autograder.sandbox.ops import SourceCell

_HEADER = re.compile(r"^# %%(?P<rest>(?:[ \t].*)?)$")
_MARKDOWN = re.compile(r"\[(?:markdown|md|raw)\]")
_OPTION = re.compile(r"\b(tags|grade_id)=(\[[^\]]*\]|\"[^\"]*\")")


@dataclass(frozen=True)
class PercentCell:
    """One cell of `notebook.py`. `grade_id` is "" where the header gives none."""

    code: bool
    tags: tuple[str, ...]
    grade_id: str
    source: str

    @property
    def kind(self) -> str:
        """Which of the lab's tags the cell has; "text" when none."""
        return next((tag for tag in self.tags if tag in LAB_TAGS), "text")


def read_percent(solution_dir: Path) -> tuple[PercentCell, ...]:
    """The cells of `solution_dir/notebook.py`.

    Raises:
        LabError: the file is missing or a cell's header is wrong.
    """
    path = solution_dir / "notebook.py"
    return parse_percent(_read_text(path), str(path))


def parse_percent(text: str, name: str = "notebook.py") -> tuple[PercentCell, ...]:
    """Split py:percent text into cells; what stands before the first header is left out."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if header := _HEADER.match(line):
            blocks.append((header["rest"], []))
        elif blocks:
            blocks[-1][1].append(line)
    if not blocks:
        raise LabError(f"{name} has no cells: each starts with a line `# %%`.")
    return _with_setup_ids([_cell(rest, lines, name) for rest, lines in blocks])


def _cell(rest: str, lines: list[str], name: str) -> PercentCell:
    options: dict[str, object] = {}
    for key, value in _OPTION.findall(rest):
        try:
            options[key] = json.loads(value)
        except ValueError:
            raise LabError(f"{name}: `# %%{rest}` cannot be read at {key}={value}.") from None
    tags = options.get("tags", [])
    code = _MARKDOWN.search(rest) is None
    if not code:
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    return PercentCell(
        code=code,
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        grade_id=str(options.get("grade_id", "")),
        source="\n".join(lines).strip("\n"),
    )


def _with_setup_ids(cells: list[PercentCell]) -> tuple[PercentCell, ...]:
    """Name the setup cells that have no grade_id: setup, setup_2, setup_3, ..."""
    named: list[PercentCell] = []
    count = 0
    for cell in cells:
        if cell.kind == "setup" and not cell.grade_id:
            count += 1
            cell = replace(cell, grade_id="setup" if count == 1 else f"setup_{count}")
        named.append(cell)
    return tuple(named)


def reference_cells(solution_dir: Path) -> tuple[SourceCell, ...]:
    """The lab's setup and solution cells, in order: the reference that answers are held against.

    Raises:
        LabError: `notebook.py` is missing or has no solution cell.
    """
    cells = tuple(
        SourceCell(id=cell.grade_id, kind=cell.kind, source=cell.source)
        for cell in read_percent(solution_dir)
        if cell.code and cell.kind in RUN_TAGS
    )
    if not any(cell.kind == "solution" for cell in cells):
        raise LabError(f'{solution_dir / "notebook.py"} has no cell with tags=["solution"].')
    return cells


def replace_cell(cells: Sequence[SourceCell], exercise: str, source: str) -> tuple[SourceCell, ...]:
    """`cells` with another answer in the solution cell of `exercise`.

    Raises:
        LabError: there is no such solution cell.
    """
    solutions = [cell.id for cell in cells if cell.kind == "solution"]
    if exercise not in solutions:
        raise LabError(
            f"There is no solution cell {exercise!r} to replace. There are: {', '.join(solutions)}."
        )
    return tuple(
        replace(cell, source=source) if cell.kind == "solution" and cell.id == exercise else cell
        for cell in cells
    )


def source_of(path: Path) -> tuple[str, str]:
    """An answer in its own file: its docstring on one line, and the code after it.

    Raises:
        LabError: the file cannot be read, is not Python or does not open with a docstring.
    """
    text = _read_text(path)
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise LabError(f"{path} is not Python: {error}.") from error
    docstring = ast.get_docstring(module)
    if not docstring:
        raise LabError(f"{path} must open with a docstring that says what this answer does.")
    code = "\n".join(text.splitlines()[module.body[0].end_lineno :]).strip("\n")
    return " ".join(docstring.split()), code


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError(f"{path} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read: {error}") from error
