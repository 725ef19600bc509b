"""Which names a cell binds is read from text that may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.notebook.names import binds_something, definitions, look_alike, same_text


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x):\n    y = 1\n    return y", {"f"}),
        ("async def f(): ...", {"f"}),
        ("class A(B):\n    def method(self): ...", {"A"}),
        ("x = 1\ny: int = 2\nz == 3", {"x", "y"}),
        ("%matplotlib inline\ndef f(:\n", {"f"}),
        ("# def f(): ...", set()),
        ("größe = 1", {"größe"}),
        ("", set()),
    ],
)
def test_names_at_the_left_margin_count(source: str, names: set[str]) -> None:
    assert definitions(source) == names


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def dоuble(x): ...", ("double", "dоuble", 1)),  # noqa: RUF001
        ("def dοublе(x): ...", ("double", "dοublе", 1)),  # noqa: RUF001
        ("def double(x): ...\ndef dоuble(x): ...", None),  # noqa: RUF001
        ("def ｄouble(x): ...", None),  # noqa: RUF001 - to Python this is `double`
        ("def trouble(x): ...", None),
        ("def doubly(x): ...", None),
        ("", None),
    ],
)
def test_a_name_of_letters_that_only_look_right_is_told_from_others(
    source: str, found: tuple[str, str, int] | None
) -> None:
    assert look_alike({"double"}, source) == found


@pytest.mark.parametrize(
    "source", ["x = f(1)", "import os", "d[0] = 1", "a, b = 1, 2", "with f() as g:\n  pass", "@f"]
)
def test_statements_bind_something(source: str) -> None:
    assert binds_something(source)


@pytest.mark.parametrize("source", ["", "# only = a comment", 'check("merge")', "f(x == y)", "x"])
def test_calls_alone_bind_nothing(source: str) -> None:
    assert not binds_something(source)


@given(st.text(max_size=200))
def test_any_text_has_an_answer(source: str) -> None:
    definitions(source)
    binds_something(source)
    assert same_text(source, source)


def test_white_space_at_line_ends_is_no_difference() -> None:
    assert same_text("a = 1  \nb\n\n", "a = 1\nb")
    assert not same_text("a = 1", " if x:\n  a = 1")
