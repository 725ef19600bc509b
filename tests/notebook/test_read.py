"""A notebook that cannot be read is refused in one plain sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import LabError, NotebookError
from autograder.notebook import lab_named, parse_notebook, read_notebook, read_release

GOOD = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"not json", r"is not JSON \(line 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"1" * 5000, "a number in it is too long"),
        (b"\xff\xfe{\x00}", "not UTF-8"),
        (b"[]", "holds a list instead of cells"),
        (b"null", "holds a single value instead of cells"),
        (b"{}", "does not say its format"),
        (b'{"nbformat": true, "cells": []}', "does not say its format"),
        (b'{"nbformat": "4", "cells": []}', "does not say its format"),
        (b'{"nbformat": 3, "worksheets": []}', "has notebook format 3; format 4 is expected"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": {"0": 1}}', "no list of cells"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, sentence: str) -> None:
    with pytest.raises(NotebookError, match=sentence) as caught:
        parse_notebook(data, "mine.ipynb")
    assert "mine.ipynb" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_notebook(data)
    except NotebookError as error:
        assert "\n" not in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["nbformat", "cells", "metadata"]), json_values))
def test_wrong_types_anywhere_are_read_or_refused(raw: dict[str, object]) -> None:
    try:
        parse_notebook(json.dumps(raw).encode())
    except NotebookError as error:
        assert "\n" not in str(error)


def test_nan_in_an_output_does_no_harm() -> None:
    text = json.dumps(GOOD | {"metadata": {"x": float("nan"), "y": float("-inf")}})
    assert "NaN" in text
    assert parse_notebook(text.encode()).metadata == {"x": None, "y": None}


def test_sources_in_lines_are_joined() -> None:
    cells = [{"cell_type": "code", "source": ["a = 1\n", "b = 2"]}, {"source": [1]}, 5]
    notebook = parse_notebook(json.dumps(GOOD | {"cells": cells}).encode())
    assert notebook.cells[0].source == "a = 1\nb = 2"
    assert notebook.cells[1].source == [1]


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_notebook(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()).nbformat == 4


def test_a_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(NotebookError, match=r"is 50\.0 MB large; at most 20 MB are read"):
        read_notebook(path)


def test_names_with_spaces_and_unicode_are_read(tmp_path: Path) -> None:
    path = tmp_path / "Übung 5 (数) final.ipynb"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert read_notebook(path).cells == []


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="There is no notebook at"):
        read_notebook(tmp_path / "no.ipynb")
    with pytest.raises(NotebookError, match="cannot be opened"):
        read_notebook(tmp_path)


def test_a_damaged_release_is_the_labs_fault(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"(?s)release of .* cannot be used.*labkit build"):
        read_release(tmp_path)


@pytest.mark.parametrize("name", ["lab\x1b[2J", "", 5, None, "a" * 65, ["lab"], "lab 5"])
def test_a_lab_name_that_cannot_be_one_is_none(name: object) -> None:
    assert lab_named({"metadata": {"labkit": {"lab": name}}}) is None


def test_attributes_are_members() -> None:
    notebook = parse_notebook(json.dumps(GOOD).encode())
    notebook.cells = [1]
    assert notebook["cells"] == [1]
    with pytest.raises(AttributeError):
        _ = notebook.nothing
