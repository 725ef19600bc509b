"""Mutants are single, compilable, distinct edits; what cannot change behaviour is left alone."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.audit.mutate import mutants, normalised

CODE = '''
def f(a: int, b=2, *, flag: bool = True) -> float:
    """The docstring with a 3."""
    if a < 1 and not flag:
        raise ValueError(f"a is {a}, expected 1 or more")
    total = g(a, b) * -a
    total += 0.5
    return {"sum": total}
'''


def bodies(code: str) -> list[str]:
    return [mutant.code for mutant in mutants("f", code)]


@pytest.mark.parametrize(
    "edit",
    [
        "a <= 1",
        "a < 2",
        "a < 0",
        "a < 1 or",
        "not not flag",
        "if not (a < 1 and (not flag))",
        "b=3",
        "flag: bool=False",
        "g(b, a)",
        "g(a, b) / -a",
        "* +a",
        "total -= 0.5",
        "total += 1.5",
        "'sum_'",
    ],
)
def test_every_operator_makes_its_edit(edit: str) -> None:
    assert any(edit in body for body in bodies(CODE)), edit


def test_dropped_statements_leave_pass() -> None:
    assert sum("pass" in body for body in bodies(CODE)) == 3  # raise, total =, total +=


def test_docstrings_annotations_and_messages_are_left_alone() -> None:
    for body in bodies(CODE):
        assert "docstring" not in body
        assert "a: int" in body and "-> float" in body
        if "raise" in body:
            assert "expected 1 or more" in body


def test_mutants_are_distinct_and_compile_and_ids_too() -> None:
    found = mutants("f", CODE)
    assert len({ast.dump(ast.parse(m.code)) for m in found}) == len(found)
    assert len({m.id for m in found}) == len(found)


def test_nothing_to_change_gives_no_mutant() -> None:
    assert mutants("f", "def f(x):\n    return x\n") == []


def test_a_cell_that_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        mutants("f", "def f(:")


def test_renaming_layout_and_docstrings_are_no_difference() -> None:
    one = 'def f(x, y):\n    """Add."""\n    total = x + y\n    return total'
    two = "def f(left, right):\n    s = left + right  # sum\n    return s"
    assert normalised(one) == normalised(two)


def test_another_order_of_operations_is_a_difference() -> None:
    assert normalised("def f(x):\n    return x + 1") != normalised("def f(x):\n    return 1 + x")


def test_arguments_whose_order_does_not_matter_are_not_swapped() -> None:
    assert bodies("def f(a, b):\n    return min(a, b)\n") == []
    assert len(bodies("def f(a, b):\n    return pow(a, b)\n")) == 1


expressions = st.recursive(
    st.sampled_from(["a", "b", "1", "2.5", "True", "'k'"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "<", "=="]), inner),
        st.builds("g({}, {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)


@given(expressions)
def test_any_expression_is_mutated_by_exactly_one_edit(expression: str) -> None:
    code = f"def f(a, b):\n    return {expression}\n"
    original = ast.dump(ast.parse(code))
    for mutant in mutants("f", code):
        assert ast.dump(ast.parse(mutant.code)) != original
