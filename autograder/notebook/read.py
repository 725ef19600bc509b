"""Reading a notebook file somebody else wrote. Every failure is one sentence a student understands.

Only what grading needs is checked: JSON, format 4, a list of cells. Broken single cells are left to
the graft, which notes them and goes on.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from autograder.errors import LabError, NotebookError
from autograder.notebook.node import Node, cells_of, is_array, is_object, member

MAX_BYTES = 20_000_000
"""Largest notebook that is read; a larger one nearly always holds outputs."""

_LAB_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def read_notebook(path: Path, *, max_bytes: int = MAX_BYTES) -> Node:
    """Read the notebook at `path`.

    Raises:
        NotebookError: it cannot be read; the message is one plain sentence, or two.
    """
    try:
        size = path.stat().st_size
        if path.is_file() and size > max_bytes:
            raise NotebookError(_too_large(path.name, size, max_bytes))
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise NotebookError(f"There is no notebook at {path}.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NotebookError(f"{path.name} cannot be opened: {reason}.") from error
    if len(data) > max_bytes:
        raise NotebookError(_too_large(path.name, len(data), max_bytes))
    return parse_notebook(data, path.name)


def parse_notebook(data: bytes, name: str = "The notebook") -> Node:
    """The notebook in `data`; `name` is what error messages call it.

    Raises:
        NotebookError: it is not the JSON of a notebook in format 4.
    """
    if not data.strip():
        raise NotebookError(f"{name} is empty. Save the notebook again and hand in that file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotebookError(f"{name} is not a notebook: it is not UTF-8 text.") from None
    try:
        # NaN is no JSON, yet tools write it into outputs. Outputs are not read here.
        raw: object = json.loads(text, object_hook=Node, parse_constant=lambda _: None)
    except RecursionError:
        raise NotebookError(f"{name} is not a notebook: it is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise NotebookError(
            f"{name} is not a notebook: it is not JSON (line {error.lineno}: {error.msg})."
        ) from None
    except ValueError:
        raise NotebookError(f"{name} is not a notebook: a number in it is too long.") from None
    return _as_notebook(raw, name)


def _as_notebook(raw: object, name: str) -> Node:
    if not isinstance(raw, Node):
        raise NotebookError(f"{name} is not a notebook: it holds {_kind(raw)} instead of cells.")
    version = raw.get("nbformat")
    if isinstance(version, bool) or not isinstance(version, int):
        raise NotebookError(f"{name} is not a notebook: it does not say its format (nbformat).")
    if version != 4:
        raise NotebookError(
            f"{name} has notebook format {str(version)[:9]}; format 4 is expected. "
            "Open it in JupyterLab and save it again."
        )
    if not is_array(raw.get("cells")):
        raise NotebookError(f"{name} is not a notebook: it has no list of cells.")
    for cell in cells_of(raw):
        source = member(cell, "source")
        if is_array(source) and all(isinstance(line, str) for line in source):
            cell["source"] = "".join(source)
    return raw


def lab_named(notebook: object) -> str | None:
    """The lab that the notebook's own metadata names, if it does."""
    lab = member(member(member(notebook, "metadata"), "labkit"), "lab")
    return lab if isinstance(lab, str) and _LAB_NAME.fullmatch(lab) else None


def read_release(lab_dir: Path) -> Node:
    """The pristine student notebook of the released lab in `lab_dir`.

    Raises:
        LabError: it is missing or damaged; `labkit build` makes it again.
    """
    try:
        return read_notebook(lab_dir / f"{lab_dir.name}.ipynb")
    except NotebookError as error:
        raise LabError(
            f"The release of {lab_dir.name} cannot be used: {error} "
            "Instructors: `labkit build` makes it again."
        ) from error


def _too_large(name: str, size: int, limit: int) -> str:
    return (
        f"{name} is {size / 1e6:.1f} MB large; at most {limit / 1e6:.0f} MB are read. "
        "Clear all outputs, save the notebook and try again."
    )


def _kind(raw: object) -> str:
    if is_object(raw):
        return "an object"
    if is_array(raw):
        return "a list"
    return "a single value"
