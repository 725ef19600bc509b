"""Which answers count as equal, and how the first difference is told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tinker
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.judge.compare import EXACT, Rules, Tolerance, first_difference, shown_pair
from autograder.sandbox import wire

NEAR = Tolerance(rtol=1e-3, atol=1e-9, why="a test")


def difference(expected, got, tolerance=EXACT, **rules):
    return first_difference(expected, got, Rules(tolerance, **rules))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (3, 3.0),
        (3.0, np.float32(3)),
        (2.5, torch.tensor(2.5)),
        (np.array(7), 7),
        (True, np.True_),
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (math.nan, math.nan),
        (math.inf, math.inf),
        (np.array([math.nan, 1]), np.array([math.nan, 1.0])),
        (torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.bfloat16)),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (None, None),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (10**40, 10**40),
        (np.array(["a"]), np.array(["a"])),
    ],
)
def test_these_are_the_same_answer(expected, got) -> None:
    assert difference(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (1, True, "expected 1 (int), got True (bool)"),
        (True, 1, "expected True (bool), got 1 (int)"),
        (1.0, None, "expected 1.0 (float), got None"),
        (1.0, 1.0000001, "expected 1.0, got 1.0000001"),
        (math.inf, -math.inf, "expected inf, got -inf"),
        (0.0, math.nan, "expected 0.0, got nan"),
        ([1, 2], [1], "length: expected 2, got 1"),
        ([[1, 2]], [[1, 3]], "[0][1]: expected 2, got 3"),
        ({"a": 1}, {}, "key 'a' is missing"),
        ({}, {"a": 1}, "key 'a' is not expected"),
        ({"a": [1]}, {"a": [2]}, "['a'][0]: expected 1, got 2"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape: expected (2, 3), got (3, 2)"),
        (np.zeros(3), np.zeros((3, 1)), "shape: expected (3,), got (3, 1)"),
        (np.eye(2), np.ones((2, 2)), "index (0, 1): expected 0.0, got 1.0"),
        (np.array([True]), np.array([1]), "dtype: expected bool, got int64"),
        ([1.0], np.array([1.0]), "expected [1.0] (list), got array([1.0]) (array)"),
        (np.ones(1), torch.ones(1), "expected array([1.0]) (array), got tensor([1.0]) (tensor)"),
        (2**60, 2**60 + 1, f"expected {2**60}, got {2**60 + 1}"),
        ("a", "b", "expected 'a', got 'b'"),
    ],
)
def test_these_are_not_and_the_first_difference_is_told(expected, got, said) -> None:
    assert difference(expected, got) == said


def test_a_tolerance_is_relative_to_the_expected_value() -> None:
    assert difference(1000.0, 1000.9, NEAR) is None
    assert difference(1000.0, 1001.1, NEAR) is not None
    assert difference(np.array([0.0]), np.array([1e-8]), NEAR) is not None
    assert difference(math.inf, 1e308, NEAR) is not None


def test_a_tolerance_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Tolerance(rtol=1e-5)


def test_dtypes_are_looked_at_only_when_asked() -> None:
    double, single = np.ones(2), np.ones(2, dtype=np.float32)
    assert difference(double, single) is None
    assert difference(double, single, dtypes=("float32",)) is None
    assert difference(double, double, dtypes=("float32",)) == "dtype: expected float32, got float64"


def test_the_order_of_keys_counts_only_when_asked() -> None:
    assert difference({1: 0, 2: 0}, {2: 0, 1: 0}, ordered=True) is not None


def test_of_a_long_answer_the_part_that_differs_is_shown() -> None:
    many = {f"a long name, number {n}": n for n in range(9)}
    other = {**many, "a long name, number 7": [1, 2]}
    assert shown_pair(many, other, Rules()) == (
        "['a long name, number 7']: 7",
        "['a long name, number 7']: [1, 2]",
    )
    assert shown_pair([1, 2], [1, 3], Rules()) == ("[1, 2]", "[1, 3]")


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain_data)
@settings(max_examples=60, deadline=None, database=None)
def test_everything_equals_itself(value) -> None:
    assert difference(value, value) is None


@given(plain_data, plain_data)
@settings(max_examples=60, deadline=None, database=None)
def test_what_is_said_is_short_and_printable(one, other) -> None:
    said = difference(one, other) or ""
    assert len(said) <= 200
    assert said.isprintable()


def sent_datum(
    tokens: list[int], weights: list[float], dtype: str = "float32", shape: list[int] | None = None
) -> Any:
    """A datum as it arrives from a student's process."""
    size = [len(tokens)]
    datum = tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(data=tokens, dtype="int64", shape=size),
            "weights": tinker.TensorData(data=weights, dtype=dtype, shape=shape),
        },
    )
    return wire.decode(wire.encode(datum))


def test_two_datums_are_the_same_when_their_numbers_are() -> None:
    told, left_out = sent_datum([1, 2], [0, 1], shape=[2]), sent_datum([1, 2], [0, 1])
    assert first_difference(told, left_out, Rules()) is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (sent_datum([1, 2], [1, 1]), "['loss_fn_inputs']['weights']['data'] index (0,)"),
        (sent_datum([1, 2], [0, 1], "int64"), "expected 'float32', got 'int64'"),
        (sent_datum([1, 3], [0, 1]), "['model_input']['tokens'][1]: expected 2, got 3"),
        (sent_datum([1, 2], [0, 1]).model_input, "expected Datum, got ModelInput"),
        ({"model_input": [1, 2]}, "expected <Datum object>, got "),
    ],
)
def test_of_two_datums_the_first_difference_is_told(other: Any, said: str) -> None:
    """They have no pydantic fields: each was once equal to any other."""
    told = first_difference(sent_datum([1, 2], [0, 1]), other, Rules())
    assert told is not None
    assert said in told
