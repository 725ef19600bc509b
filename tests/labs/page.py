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
    cells = [c for c in node.cells if c.cell_type == "code" and start in c.source]
    return "".join(o.get("text", "") for c in cells for o in c.outputs)


def green(node: Any) -> list[str]:
    """The exercises whose checks came out green, as they stand on the page."""
    found = []
    for cell in node.cells:
        text = "".join(
            str(o.get("data", {}).get("text/plain", "")) for o in cell.get("outputs", ())
        )
        found += re.findall(r"\A✓ (\w+): passed", text)
    return found
