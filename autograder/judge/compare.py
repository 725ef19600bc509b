"""Finds the first place where a student's answer is not the expected one.

Lenient where Python is: 3 equals 3.0, a list equals a tuple, a 0-d array or tensor is a number,
the order of a dict's keys is free, NaN equals NaN. Strict where a habit hides a mistake: True is
not 1, an array is not a list, a numpy array is not a tensor, (3,) is not (3, 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from autograder.judge.text import SHORT, plain
from autograder.judge.values import as_array, dtype_name, is_tensor, preview
from autograder.sandbox.arrays import sdk_parts

FINE_DIGITS = 17
"""Enough digits to tell any two floats apart."""


@dataclass(frozen=True)
class Tolerance:
    """How far apart numbers may be: `|got - expected| <= atol + rtol * |expected|`, and why."""

    rtol: float = 0.0
    atol: float = 0.0
    why: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.rtol < 1 and 0 <= self.atol < math.inf):
            raise ValueError(f"rtol {self.rtol} must be in [0, 1) and atol {self.atol} finite.")
        if (self.rtol or self.atol) and not self.why:
            raise ValueError("A tolerance needs its reason: Tolerance(rtol, atol, why='float32').")

    def twice(self) -> Tolerance:
        """Double the room: two answers that may each be off by this much."""
        return Tolerance(min(2 * self.rtol, 0.5), 2 * self.atol, self.why)

    def loosest(self, other: Tolerance) -> Tolerance:
        """The larger of both bounds."""
        why = self.why or other.why
        return Tolerance(max(self.rtol, other.rtol), max(self.atol, other.atol), why)


EXACT = Tolerance()


@dataclass(frozen=True)
class Rules:
    """How two values are compared. `dtypes`: names allowed for the student's arrays."""

    tolerance: Tolerance = EXACT
    dtypes: tuple[str, ...] | None = None
    ordered: bool = False


def first_difference(expected: Any, got: Any, rules: Rules) -> str | None:
    """Where and how `got` first differs from `expected`; None when it does not.

    For example "index (0, 2): expected 1.0, got 0.5". Bounded and printable.
    """
    found = _difference(expected, got, rules, "")
    return None if found is None else plain(found, 200)


def shown_pair(expected: Any, got: Any, rules: Rules) -> tuple[str, str]:
    """Previews of two different values; of their first different part when they are too long."""
    whole = distinct(expected, got)
    if whole[0] != whole[1] and not any(text.endswith("...") for text in whole):
        return whole
    at, one, other = _narrowed(expected, got, rules, "")
    if not at:
        return whole
    parts = distinct(one, other)
    return plain(f"{at}: {parts[0]}", SHORT), plain(f"{at}: {parts[1]}", SHORT)


def _narrowed(expected: Any, got: Any, rules: Rules, at: str) -> tuple[str, Any, Any]:
    """The smallest parts that hold the first difference, and the way to them."""
    keys: list[Any] = []
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        keys = list(cast(dict[Any, Any], expected))
    elif isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        keys = list(range(min(len(expected), len(got))))  # pyright: ignore[reportUnknownArgumentType]
    for key in keys:
        if _difference(expected[key], got[key], rules, ""):
            return _narrowed(expected[key], got[key], rules, f"{at}[{preview(key, 30)}]")
    return at, expected, got


def _difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    kind, other = _kind(expected), _kind(got)
    if kind in ("number", "bool") and other in ("array", "tensor") and got.ndim == 0:
        wrong = _wrong_dtype(got, rules, at)
        return wrong or _difference(expected, as_array(got).item(), rules, at)
    if kind in ("array", "tensor") and other in ("number", "bool") and expected.ndim == 0:
        return _difference(as_array(expected).item(), got, rules, at)
    if kind != other:
        return f"{_place(at)}expected {_a(expected)}, got {_a(got)}"
    match kind:
        case "number":
            return _number_difference(expected, got, rules, at)
        case "array" | "tensor":
            return _array_difference(expected, got, rules, at)
        case "sequence":
            return _sequence_difference(expected, got, rules, at)
        case "dict":
            return _dict_difference(expected, got, rules, at)
        case "object":
            return _object_difference(expected, got, rules, at)
        case _:
            same = bool(expected == got)
            return None if same else _values(at, preview(expected), preview(got))


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, int | float | np.number):
        return "number"
    if isinstance(value, np.ndarray):
        return "array"
    if is_tensor(value):
        return "tensor"
    plain_kinds = {str: "str", bytes: "bytes", list: "sequence", tuple: "sequence", dict: "dict"}
    return next((name for base, name in plain_kinds.items() if isinstance(value, base)), "object")


def _a(value: Any) -> str:
    """A value with its kind, for two values that are not even of one kind."""
    kind = {"number": type(value).__name__, "sequence": type(value).__name__}.get(_kind(value))
    kind = kind or _kind(value)
    return preview(value) if kind in ("None", "object") else f"{preview(value, 60)} ({kind})"


def _place(at: str) -> str:
    return f"{at}: " if at else ""


def _values(at: str, expected: str, got: str) -> str:
    return f"{_place(at)}expected {expected}, got {got}"


def _number_difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    if close(expected, got, rules.tolerance):
        return None
    return _values(at, *distinct(expected, got))


def distinct(expected: Any, got: Any) -> tuple[str, str]:
    """Previews of both values, with more digits when six would make them look the same."""
    short = preview(expected), preview(got)
    if short[0] != short[1]:
        return short
    return preview(expected, digits=FINE_DIGITS), preview(got, digits=FINE_DIGITS)


def close(expected: Any, got: Any, tolerance: Tolerance) -> bool:
    """Whether two Python or numpy numbers agree; NaN agrees with NaN."""
    expected, got = _native(expected), _native(got)
    if expected == got or (expected != expected and got != got):
        return True
    try:
        room = tolerance.atol + tolerance.rtol * abs(expected)
        return bool(math.isfinite(expected) and abs(got - expected) <= room)
    except OverflowError:
        return False


def _native(number: Any) -> Any:
    return number.item() if isinstance(number, np.generic) else number


def _array_difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    wrong = _wrong_dtype(got, rules, at)
    if wrong:
        return wrong
    if tuple(expected.shape) != tuple(got.shape):
        shapes = f"{tuple(expected.shape)}", f"{tuple(got.shape)}"
        return _values(f"{at} shape".strip(), *shapes)
    theirs, ours = as_array(got), as_array(expected)
    if (theirs.dtype.kind == "b") != (ours.dtype.kind == "b"):
        return _values(f"{at} dtype".strip(), dtype_name(expected), dtype_name(got))
    differs = ~_close_mask(ours, theirs, rules.tolerance)
    if not differs.any():
        return None
    index = tuple(int(i) for i in np.argwhere(differs)[0])
    pair = distinct(ours[index].item(), theirs[index].item())
    return _values(f"{at} index {index}".strip() if index else at, *pair)


def _wrong_dtype(got: Any, rules: Rules, at: str) -> str | None:
    if rules.dtypes is None or dtype_name(got) in rules.dtypes:
        return None
    return _values(f"{at} dtype".strip(), " or ".join(rules.dtypes), dtype_name(got))


def _close_mask(ours: Any, theirs: Any, tolerance: Tolerance) -> np.ndarray[Any, Any]:
    equal = np.asarray(ours == theirs)
    if ours.dtype.kind not in "fciu" or theirs.dtype.kind not in "fciu":
        return equal
    if not (tolerance.rtol or tolerance.atol) and "f" not in ours.dtype.kind + theirs.dtype.kind:
        return equal
    with np.errstate(all="ignore"):
        wide = np.complex128 if "c" in (ours.dtype.kind, theirs.dtype.kind) else np.float64
        a, b = ours.astype(wide), theirs.astype(wide)
        room = tolerance.atol + tolerance.rtol * np.abs(a)
        near = np.isfinite(a) & (np.abs(b - a) <= room)
    return equal | near | (np.isnan(a) & np.isnan(b))


def _sequence_difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    for index, (mine, theirs) in enumerate(zip(expected, got, strict=False)):
        found = _difference(mine, theirs, rules, f"{at}[{index}]")
        if found:
            return found
    if len(expected) != len(got):
        return _values(f"{at} length".strip(), str(len(expected)), str(len(got)))
    return None


def _dict_difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    for key in expected:
        if key not in got:
            return f"{_place(at)}key {preview(key)} is missing"
    for key in got:
        if key not in expected:
            return f"{_place(at)}key {preview(key)} is not expected"
    if rules.ordered and list(expected) != list(got):
        return _values(f"{at} order of keys".strip(), preview(list(expected)), preview(list(got)))
    for key in expected:
        found = _difference(expected[key], got[key], rules, f"{at}[{preview(key, 30)}]")
        if found:
            return found
    return None


def _object_difference(expected: Any, got: Any, rules: Rules, at: str) -> str | None:
    """The SDK's data types (a Datum) by their fields; objects that stayed behind are equal."""
    fields = [_fields(value) for value in (expected, got)]
    if not any(fields):
        return None
    if not all(fields):
        return f"{_place(at)}expected {_a(expected)}, got {_a(got)}"
    if type(expected).__name__ != type(got).__name__:
        return _values(at, type(expected).__name__, type(got).__name__)
    return _difference(fields[0], fields[1], rules, at)


def _fields(value: Any) -> dict[str, Any] | None:
    """What one of the SDK's data types holds; None for any other object."""
    # By its exact type: the attributes of an object that stayed behind are its own code's answers.
    parts = sdk_parts(value, type(value))
    if parts is None:
        return None
    match type(value).__name__:
        case "TensorData":
            dtype, shape, rows, columns, numbers = parts
            dense = {"dtype": dtype, "shape": shape or list(numbers.shape), "data": numbers}
            return dense if rows is None else {**dense, "rows": rows, "columns": columns}
        case "ModelInput":
            return {"tokens": [token for chunk in parts[0] for token in chunk]}
        case _:
            return {"model_input": parts[0], "loss_fn_inputs": parts[1]}
