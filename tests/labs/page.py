"""The page of one lab for its tests: its source, its words, and what came out when it was run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from autograder.lab import LabSpec, load_spec

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/lab.yml"))


@dataclass(frozen=True)
class Page:
    """The notebook of the lab called `name`."""

    name: str

    @property
    def lab(self) -> Path:
        return ROOT / "solutions" / self.name

    @property
    def release(self) -> Path:
        return ROOT / "labs" / self.name

    @property
    def short(self) -> str:
        """What students type for the lab: `lab05`."""
        return self.name.partition("_")[0]

    @cached_property
    def spec(self) -> LabSpec:
        return load_spec(self.lab)

    @cached_property
    def source(self) -> Any:
        return jupytext.read(self.lab / "notebook.py")

    @cached_property
    def prose(self) -> str:
        return self._joined("markdown", "\n\n")

    @cached_property
    def code(self) -> str:
        return self._joined("code", "\n")

    def _joined(self, kind: str, between: str) -> str:
        return between.join(cell.source for cell in self.source.cells if cell.cell_type == kind)

    @cached_property
    def released(self) -> Any:
        """The notebook as students get it."""
        return nbformat.read(self.release / f"{self.name}.ipynb", as_version=4)


def shown(node: Any, start: str) -> str:
    """Everything printed by the cells that hold `start`."""
    return "".join(o.get("text", "") for cell in _code(node, start) for o in cell.outputs)


def drawn(node: Any, start: str) -> str:
    """The HTML that the cells that hold `start` show: figures and tables."""
    return "".join(_as(cell, "text/html") for cell in _code(node, start))


def green(node: Any) -> list[str]:
    """The exercises whose checks came out green, as they stand on the page."""
    texts = [_as(cell, "text/plain") for cell in _code(node)]
    return [name for text in texts for name in re.findall(r"\A✓ (\w+): passed", text)]


def _code(node: Any, start: str = "") -> list[Any]:
    return [cell for cell in node.cells if cell.cell_type == "code" and start in cell.source]


def _as(cell: Any, kind: str) -> str:
    """What a cell shows, in one of the types it shows it in."""
    return "".join(str(output.get("data", {}).get(kind, "")) for output in cell.outputs)
