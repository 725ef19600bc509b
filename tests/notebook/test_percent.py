"""The lab's source file is read as jupytext reads it, and single answers as their authors mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import LabError
from autograder.notebook import (
    parse_percent,
    read_percent,
    reference_cells,
    replace_cell,
    source_of,
)


def test_every_lab_is_read_as_jupytext_reads_it(repository: Path, source_dir: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    sources = [source_dir, *(p.parent for p in repository.glob("solutions/*/notebook.py"))]
    for folder in sources:
        theirs = jupytext.read(folder / "notebook.py", fmt="py:percent").cells
        ours = read_percent(folder)
        assert [c.source for c in ours] == [c.source for c in theirs]
        assert [c.code for c in ours] == [c.cell_type == "code" for c in theirs]


def test_setup_cells_are_numbered(source_dir: Path) -> None:
    cells = reference_cells(source_dir)
    assert [(c.id, c.kind) for c in cells] == [
        ("setup", "setup"),
        ("double", "solution"),
        ("setup_2", "setup"),
        ("total", "solution"),
    ]


def test_the_reference_holds_the_solutions(source_dir: Path) -> None:
    assert "hidden_double_line" in reference_cells(source_dir)[1].source


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = 1\n", "has no cells"),
        ("# %% tags=[setup]\nx = 1", "cannot be read at tags="),
    ],
)
def test_a_wrong_file_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        parse_percent(text)


def test_a_source_without_solutions_is_no_reference(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is missing"):
        reference_cells(tmp_path)
    (tmp_path / "notebook.py").write_text('# %% tags=["setup"]\nx = 1\n', encoding="utf-8")
    with pytest.raises(LabError, match="no cell with tags"):
        reference_cells(tmp_path)


def test_one_answer_replaces_one_cell(source_dir: Path) -> None:
    cells = reference_cells(source_dir)
    _, code = source_of(source_dir / "mistakes" / "double__squares.py")
    replaced = replace_cell(cells, "double", code)
    assert [c.id for c in replaced] == [c.id for c in cells]
    assert replaced[1].source == "def double(x):\n    return x**2"
    assert replaced[3] == cells[3]
    with pytest.raises(LabError, match="There are: double, total"):
        replace_cell(cells, "setup", code)


def test_the_docstring_is_one_sentence_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('"""Two\n    lines."""\n\n\n# why\nx = 1\n', encoding="utf-8")
    assert source_of(path) == ("Two lines.", "# why\nx = 1")


@pytest.mark.parametrize(("text", "sentence"), [("def f(:", "not Python"), ("x = 1", "docstring")])
def test_an_answer_that_says_nothing_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match=sentence):
        source_of(path)
