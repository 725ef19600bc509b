"""Pictures pasted into a written answer reach who grades it; nothing else comes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat
import pytest

from autograder.grading.markdown import safe_markdown
from autograder.notebook import Grafted, Node, graft
from autograder.notebook.pictures import MAX_PICTURE, MAX_PICTURES, pictures_of

Find = Callable[[Node, str], Node]
PNG = "iVBORw0KGgo="


def answered(student: Node, cell: Find, attachments: Any, key: str = "explain_zero") -> Node:
    cell(student, key).update(source="See ![plot](attachment:a.png)", attachments=attachments)
    return student


def kept(grafted: Grafted, cell: Find, key: str = "explain_zero") -> Any:
    return cell(grafted.node, key).get("attachments")


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif"])
def test_a_picture_in_a_written_answer_is_kept(
    release: Node, student: Node, cell: Find, kind: str
) -> None:
    pasted = {"a.png": {kind: PNG}, "Größe 数.png": {kind: [PNG[:4] + "\n", PNG[4:]]}}
    grafted = graft(answered(student, cell, pasted), release)
    assert kept(grafted, cell) == {"a.png": {kind: PNG}, "Größe 数.png": {kind: PNG}}
    assert grafted.notes == ()
    nbformat.validate(grafted.notebook)


def test_the_picture_is_part_of_the_page(release: Node, student: Node, cell: Find) -> None:
    grafted = graft(answered(student, cell, {"a.png": {"image/png": PNG}}), release)
    answer: Any = cell(Node(grafted.notebook), "explain_zero")
    context: Any = {"cell": answer, "resources": {}}
    assert f'src="data:image/png;base64,{PNG}"' in safe_markdown(context, answer.source)


@pytest.mark.parametrize(
    "attachments",
    [
        {"a.png": {"image/svg+xml": "PHN2Zz4="}},
        {"a.png": {"text/html": "PGI+"}},
        {"a.png": {"image/png": '"><script>alert(1)</script>'}},
        {"a.png": {"image/png": "A" * (MAX_PICTURE + 1)}},
        {"a.png": {"image/png": ["iVBO", 7]}},
        {"a.png": {"image/png": ""}},
        {"a.png": PNG},
        {"\ud800.png": {"image/png": PNG}},
        {"x" * 300: {"image/png": PNG}},
    ],
    ids=["svg", "html", "no base64", "too large", "numbers", "empty", "text", "half", "long name"],
)
def test_anything_else_is_left_out_with_a_note(
    release: Node, student: Node, cell: Find, attachments: Any
) -> None:
    grafted = graft(answered(student, cell, attachments), release)
    assert kept(grafted, cell) is None
    assert [note.split(" holds")[0] for note in grafted.notes] == ["Cell explain_zero"]


@pytest.mark.parametrize("attachments", [None, 7, "x", [], {}, [{"image/png": PNG}]])
def test_what_are_no_attachments_are_none(attachments: Any) -> None:
    assert pictures_of({"attachments": attachments}) == {}


def test_of_a_picture_in_two_types_the_allowed_one_stays() -> None:
    bundle = {"image/svg+xml": "PHN2Zz4=", "image/png": PNG}
    assert pictures_of({"attachments": {"a": bundle}}) == {"a": {"image/png": PNG}}


def test_pictures_are_counted() -> None:
    many = {f"{n}.png": {"image/png": PNG} for n in range(MAX_PICTURES + 5)}
    assert len(pictures_of({"attachments": many})) == MAX_PICTURES


@pytest.mark.parametrize("key", ["double", "text-1", "setup"])
def test_no_other_cell_gets_one(release: Node, student: Node, cell: Find, key: str) -> None:
    grafted = graft(answered(student, cell, {"a.png": {"image/png": PNG}}, key), release)
    assert kept(grafted, cell, key) is None
