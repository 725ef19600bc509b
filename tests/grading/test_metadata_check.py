"""Metadata that was found fine is not checked again; any other is."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat import ValidationError
from nbgrader.preprocessors import CheckCellMetadata

from autograder.build import source_notebook
from autograder.grading.preprocessors import CheckMetadataOnce

LAB = Path(__file__).parents[1] / "judge" / "labs" / "lab90_tiny"


def test_the_same_metadata_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    theirs = CheckCellMetadata.preprocess

    def counted(self: Any, nb: Any, resources: Any) -> Any:
        checked.append(len(nb.cells))
        return theirs(self, nb, resources)

    monkeypatch.setattr(CheckCellMetadata, "preprocess", counted)
    monkeypatch.setattr(CheckMetadataOnce, "_fine", set[str]())
    notebook: Any = source_notebook(LAB)
    CheckMetadataOnce().preprocess(notebook, {})
    other = copy.deepcopy(notebook)
    other.cells[-1].source += "# mine"
    other.cells.append(nbformat.v4.new_code_cell("print('a helper')"))
    CheckMetadataOnce().preprocess(other, {})
    assert checked == [len(notebook.cells)]


@pytest.mark.parametrize("part", ["grade_id", "points", "locked"])
def test_changed_metadata_is_refused_as_before(part: str) -> None:
    notebook: Any = source_notebook(LAB)
    CheckMetadataOnce().preprocess(notebook, {})
    graded = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    graded[0].metadata.nbgrader.pop(part)
    with pytest.raises(ValidationError):
        CheckMetadataOnce().preprocess(notebook, {})
