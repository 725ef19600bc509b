"""Walks and shows the values that cross the wire: plain data, arrays, tensors.

Everything shown may come from a student, so all of it is bounded and printable: no control
character, escape sequence or text direction mark survives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.judge.text import LONG, SHORT, plain
from autograder.sandbox import wire
from autograder.sandbox.deferred import loaded
from autograder.sandbox.ops import Handle


def is_tensor(value: object) -> bool:
    """Whether `value` is a torch tensor, without importing torch for it."""
    torch = loaded("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to everything that is no list, tuple or dict."""
    if type(value) is list:
        return [map_leaves(item, change) for item in value]
    if type(value) is tuple:
        return tuple(map_leaves(item, change) for item in value)
    if type(value) is dict:
        return {key: map_leaves(item, change) for key, item in value.items()}
    return change(value)


def leaves(value: Any) -> Iterator[Any]:
    """Everything in `value` that is no list, tuple or dict; keys too."""
    if type(value) is list or type(value) is tuple:
        for item in value:
            yield from leaves(item)
    elif type(value) is dict:
        for key, item in value.items():
            yield from leaves(key)
            yield from leaves(item)
    else:
        yield value


def size(value: Any) -> int:
    """Bytes that `value` takes, about."""
    if type(value) is list or type(value) is tuple:
        return 64 + sum(map(size, value))
    if type(value) is dict:
        return 64 + sum(size(key) + size(item) for key, item in value.items())
    if isinstance(value, str | bytes):
        return 64 + len(value)
    if type(value).__module__.startswith("tinker"):  # a Datum: arrays within objects
        return len(wire.encode(value))
    return 64 + int(getattr(value, "nbytes", 0))


def preview(value: Any, limit: int = SHORT, digits: int = 6) -> str:
    """`value` as Python would write it, shortened; floats with `digits` significant digits."""
    return plain(_text(value, limit, digits), limit)


def call_text(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """A call as a student would write it."""
    parts = [preview(arg) for arg in args]
    parts += [f"{key}={preview(value)}" for key, value in kwargs.items()]
    return plain(f"{name}({', '.join(parts)})", LONG)


def _text(value: Any, limit: int, digits: int) -> str:
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, float):
        return _float_text(value, digits)
    if isinstance(value, int):
        return repr(value) if abs(value) < 10**60 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, str | bytes):
        return repr(value[:limit]) + ("..." if len(value) > limit else "")
    if isinstance(value, list | tuple | dict):
        return _container_text(value, limit, digits)
    if isinstance(value, np.ndarray):
        return _array_text("array", value, digits)
    if is_tensor(value):
        return _array_text("tensor", as_array(value), digits)
    if isinstance(value, np.generic):
        return _text(value.item(), limit, digits)
    if isinstance(value, Handle):
        return f"<{value.type_name} object>"
    # Only our own classes may say how they look: those of a student never come here.
    ours = type(value).__module__.startswith("autograder.")
    return repr(value) if ours else f"<{type(value).__name__} object>"


def _float_text(value: float, digits: int) -> str:
    return repr(float(f"{value:.{digits}g}")) if math.isfinite(value) else repr(value)


def _container_text(value: Any, limit: int, digits: int) -> str:
    """A container up to about `limit` characters: what comes later is not even looked at."""
    opening, closing = {list: "[]", tuple: "()", dict: "{}"}.get(type(value), "[]")
    parts: list[str] = []
    room = limit
    for item in value.items() if isinstance(value, dict) else value:
        if room <= 0:
            parts.append("...")
            break
        if isinstance(value, dict):
            parts.append(f"{_text(item[0], room, digits)}: {_text(item[1], room, digits)}")
        else:
            parts.append(_text(item, room, digits))
        room -= len(parts[-1]) + 2
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return opening + ", ".join(parts) + comma + closing


def _array_text(kind: str, array: np.ndarray[Any, Any], digits: int) -> str:
    if array.size == 0 or array.size > 64:
        return f"{kind} of shape {array.shape}" + (
            f" starting {_container_text(array.ravel()[:8].tolist(), 40, digits)}"
            if array.size
            else ""
        )
    return f"{kind}({_text(array.tolist(), LONG, digits)})"


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """An array or tensor as a numpy array; float16 and bfloat16 become float64."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype == np.float16 else value
    tensor = value.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.double()
    return np.asarray(tensor.numpy())


def dtype_name(value: Any) -> str:
    """The dtype of an array or tensor without its library's prefix: "float32"."""
    return str(value.dtype).removeprefix("torch.")
