"""The wrong and right answers of one lab, each shown the same seeded inputs in plain Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from autograder.notebook import reference_cells, replace_cell, source_of

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"
KINDS = ("mistakes", "mistakes/second", "alternatives")
Names = dict[str, Any]
Observe = Callable[[Names, Random], Any]
"""Draws an input, uses the answer among the names, and returns what is seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """`observe` by exercise; `same` compares what two answers show on one of the inputs."""

    name: str
    observe: Mapping[str, Observe]
    inputs: int
    same: Callable[[Any, Any], bool] = operator.eq

    @property
    def lab(self) -> Path:
        return SOLUTIONS / self.name

    def paths(self, kind: str, exercise: str = "*") -> list[Path]:
        return sorted((self.lab / kind).glob(f"{exercise}__*.py"))

    @cache  # noqa: B019  one object a lab, as long as the tests run
    def seen(self, exercise: str, path: Path | None) -> list[Any]:
        """What the answer in `path` (None: the reference) shows on every input."""
        cells = reference_cells(self.lab)
        if path is not None:
            cells = replace_cell(cells, exercise, source_of(path)[1])
        names: Names = {"__name__": "answer"}
        for cell in cells:
            # Without this file's own __future__: a dataclass reads its annotations.
            exec(compile(cell.source, cell.id, "exec", dont_inherit=True), names)
        return [self.observe[exercise](names, Random(number)) for number in range(self.inputs)]

    def differing(self, exercise: str, left: Path | None, right: Path | None) -> list[int]:
        """The numbers of the inputs on which two answers differ."""
        pairs = zip(self.seen(exercise, left), self.seen(exercise, right), strict=True)
        return [number for number, (one, other) in enumerate(pairs) if not self.same(one, other)]


def attempt(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The value, or the kind of error; every ValueError is alike, as it is for the judge."""
    try:
        return call(*args, **kwargs)
    except ValueError:
        return "ValueError"
    except Exception as error:
        return type(error).__name__
