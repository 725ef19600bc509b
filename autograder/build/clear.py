"""nbgrader's ClearSolutions with a stub that names the lab and the exercise.

A student who runs an unsolved cell reads which one it is, and the judge tells "not attempted" from
a NotImplementedError of the student's own.
"""

from __future__ import annotations

import json
from typing import Any

from nbgrader.preprocessors import ClearSolutions  # pyright: ignore[reportMissingTypeStubs]

TEXT_STUB = "Write your answer here."


def code_stub(lab: str, exercise: str, title: str) -> str:
    """The line that stands for a solution: it raises, naming the exercise."""
    text = f"{lab.split('_')[0]} {exercise}: {title}"
    return f"raise NotImplementedError({json.dumps(text, ensure_ascii=False)})"


class ClearLabSolutions(ClearSolutions):  # pyright: ignore[reportUntypedBaseClass]
    """Cut solutions; the notebook's own metadata says what to write in their place."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Remember which lab this is, then do as nbgrader does."""
        self._labkit: dict[str, Any] = nb.metadata.get("labkit", {})
        self.text_stub = TEXT_STUB
        return super().preprocess(nb, resources)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Cut the solution of one cell, with that exercise's own stub."""
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        titles: dict[str, str] = self._labkit.get("titles", {})
        if exercise in titles:
            stub = code_stub(self._labkit["lab"], exercise, titles[exercise])
            self.code_stub = {"python": stub}
        return super().preprocess_cell(cell, resources, cell_index)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
