"""Values and messages as bytes, for two processes that do not trust each other. No pickle.

A message is a msgpack structure followed by the raw bytes of its arrays. Types are a closed set
and exact: a subclass is never encoded, because its methods belong to the student. Everything that
arrives is checked for depth, size and shape before it becomes an object. Two conveniences lose
information on purpose: a `torch.nn.Parameter` travels as its tensor, a `torch.Size` as a tuple;
tensors arrive without gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

from autograder.sandbox import arrays, ops
from autograder.sandbox.deferred import loaded
from autograder.sandbox.errors import WireError
from autograder.sandbox.records import FIELDS, RECORDS, TAGS

Foreign = Callable[[object], ops.Handle]
_PLAIN = frozenset({type(None), bool, float, str, bytes})
_UNCHANGED = _PLAIN | {int}
_LIST, _TUPLE, _DICT, _BIG, _ARRAY, _SCALAR, _TENSOR, _TDATA, _INPUT, _DATUM = range(10)
_HEADER = 4
_BIG_BYTES = 1700  # about 4090 digits, below the 4300 at which Python refuses to print


@dataclass(frozen=True, kw_only=True)
class WireLimits:
    """How big a message may be."""

    structure_bytes: int = 8 << 20
    array_bytes: int = 64 << 20
    items: int = 1_000_000
    depth: int = 32
    dict_work: int = 400_000_000
    """Sum of the squared sizes of all dicts: what chosen, colliding keys could cost to rebuild."""

    @property
    def total_bytes(self) -> int:
        """The longest message that can be valid."""
        return _HEADER + self.structure_bytes + self.array_bytes


DEFAULT = WireLimits()


# --- encoding ------------------------------------------------------------------------------------


def encode(value: object, *, limits: WireLimits = DEFAULT, foreign: Foreign | None = None) -> bytes:
    """`value` as bytes. `foreign` turns an object of any other type into a `Handle`.

    Raises:
        WireError: too big, too deep, or of another type and there is no `foreign`.
    """
    encoder = _Encoder(limits, foreign)
    structure = msgpack.packb(encoder.lower(value, 0), unicode_errors="surrogatepass")
    assert structure is not None
    if len(structure) > limits.structure_bytes:
        raise WireError(
            f"value takes {len(structure)} bytes without its arrays, "
            f"more than {limits.structure_bytes}"
        )
    return b"".join((len(structure).to_bytes(_HEADER, "little"), structure, *encoder.blobs))


class _Encoder:
    def __init__(self, limits: WireLimits, foreign: Foreign | None) -> None:
        self.limits = limits
        self.foreign = foreign
        self.blobs: list[bytes] = []
        self.blob_bytes = 0
        self.items = 0
        self.dict_work = 0

    def lower(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 64 else self._big(value)
        if depth >= self.limits.depth:
            raise WireError(f"value is nested deeper than {self.limits.depth} levels")
        if kind is list or kind is tuple:
            self._count(len(value))
            tag = _LIST if kind is list else _TUPLE
            deeper = depth + 1
            return [tag, *[i if type(i) in _PLAIN else self.lower(i, deeper) for i in value]]
        if kind is dict:
            return self._dict(value, depth)
        if kind in TAGS:
            fields = [self.lower(getattr(value, name), depth + 1) for name in FIELDS[kind]]
            return [TAGS[kind], *fields]
        return self._other(value, kind, depth)

    def _count(self, number: int) -> None:
        self.items += number
        if self.items > self.limits.items:
            raise WireError(f"value has more than {self.limits.items} items")

    def _big(self, value: int) -> list[Any]:
        size = value.bit_length() // 8 + 1
        if size > _BIG_BYTES:
            raise WireError(f"integer takes {size} bytes, more than {_BIG_BYTES}")
        return [_BIG, value.to_bytes(size, "little", signed=True)]

    def _dict(self, value: dict[Any, Any], depth: int) -> list[Any]:
        self._count(2 * len(value))
        self.dict_work += len(value) ** 2
        if self.dict_work > self.limits.dict_work:
            raise WireError("value has too many dict entries")
        lowered: list[Any] = [_DICT]
        for key, item in value.items():
            lowered += (self.lower(key, depth + 1), self.lower(item, depth + 1))
        return lowered

    def _other(self, value: Any, kind: type, depth: int) -> list[Any]:
        try:
            lowered = self._array(value, kind, depth)
        except WireError:
            if self.foreign is None:
                raise
            lowered = None
        if lowered is not None:
            return lowered
        if self.foreign is None:
            raise WireError(f"a {kind.__name__} cannot be sent, only plain data and arrays can")
        return self.lower(self.foreign(value), depth)

    def _array(self, value: Any, kind: type, depth: int) -> list[Any] | None:
        """Arrays and the SDK's types; None for anything else."""
        numpy, torch = loaded("numpy"), loaded("torch")
        if numpy is not None and kind is numpy.ndarray:
            return [_ARRAY, *self._blob(*arrays.from_numpy(value))]
        if numpy is not None and issubclass(kind, numpy.generic) and arrays.is_scalar(kind):
            name, _, raw = arrays.from_numpy(numpy.asarray(value))
            return [_SCALAR, name, raw]
        if torch is not None:
            if kind is torch.Tensor or kind is torch.nn.Parameter:
                return [_TENSOR, *self._blob(*arrays.from_torch(value))]
            if kind is torch.Size:
                return self.lower(tuple(int(n) for n in value), depth)
        parts = arrays.sdk_parts(value, kind)
        if parts is None:
            return None
        tag = {"TensorData": _TDATA, "ModelInput": _INPUT, "Datum": _DATUM}[kind.__name__]
        return [tag, *[self.lower(part, depth + 1) for part in parts]]

    def _blob(self, name: str, shape: tuple[int, ...], raw: bytes) -> list[Any]:
        self.blob_bytes += len(raw)
        if self.blob_bytes > self.limits.array_bytes:
            self.blob_bytes -= len(raw)
            raise WireError(f"arrays take more than {self.limits.array_bytes} bytes")
        self.blobs.append(raw)
        return [name, *shape]


# --- decoding ------------------------------------------------------------------------------------


def decode(data: bytes | bytearray | memoryview, limits: WireLimits = DEFAULT) -> Any:
    """The value in `data`, which may come from an enemy.

    Raises:
        WireError: anything about it is not exactly as `encode` writes it.
    """
    view = memoryview(data)
    length = int.from_bytes(view[:_HEADER], "little")
    end = _HEADER + length
    if len(view) < end or length > limits.structure_bytes or len(view) > limits.total_bytes:
        raise WireError(f"message of {len(view)} bytes claims a structure of {length}")
    try:
        tree = msgpack.unpackb(
            view[_HEADER:end],
            unicode_errors="surrogatepass",
            max_array_len=2 * limits.items + 1,
            max_map_len=0,
            max_ext_len=0,
        )
        decoder = _Decoder(limits, view[end:])
        value = decoder.lift(tree, 0)
    except WireError:
        raise
    except Exception as error:  # msgpack and the SDK's constructors raise many kinds
        raise WireError(f"message cannot be read: {type(error).__name__}") from error
    if len(decoder.rest):
        raise WireError(f"{len(decoder.rest)} bytes are left over after the message")
    return value


class _Decoder:
    def __init__(self, limits: WireLimits, rest: memoryview) -> None:
        self.limits = limits
        self.rest = rest
        self.dict_work = 0

    def lift(self, node: Any, depth: int) -> Any:
        kind = type(node)
        if kind in _UNCHANGED:
            return node
        if kind is not list or not node or type(node[0]) is not int:
            raise WireError(f"message holds a stray {kind.__name__}")
        if depth >= self.limits.depth + 1:
            raise WireError(f"message is nested deeper than {self.limits.depth} levels")
        tag, body = node[0], node[1:]
        if tag in (_LIST, _TUPLE, _DICT):
            deeper = depth + 1  # plain items here and not by a call each: most items are
            items = [i if type(i) in _UNCHANGED else self.lift(i, deeper) for i in body]
            if tag == _DICT:
                return self._dict(items)
            return items if tag == _LIST else tuple(items)
        if tag in RECORDS:
            return self._record(tag, [self.lift(item, depth + 1) for item in body])
        return self._leaf(tag, body, depth)

    def _dict(self, items: list[Any]) -> dict[Any, Any]:
        if len(items) % 2:
            raise WireError("dict has a key without a value")
        self.dict_work += (len(items) // 2) ** 2
        if self.dict_work > self.limits.dict_work:
            raise WireError("message has too many dict entries")
        return dict(zip(items[::2], items[1::2], strict=True))

    def _record(self, tag: int, items: list[Any]) -> Any:
        kind, checks = RECORDS[tag]
        if len(items) != len(checks):
            raise WireError(f"{kind.__name__} has {len(items)} fields, expected {len(checks)}")
        if not all(check(item) for check, item in zip(checks, items, strict=True)):
            raise WireError(f"{kind.__name__} has a field of the wrong type")
        return kind(*items)

    def _leaf(self, tag: int, body: list[Any], depth: int) -> Any:
        if tag == _BIG and len(body) == 1 and len(body[0]) <= _BIG_BYTES:
            return int.from_bytes(body[0], "little", signed=True)
        if tag == _SCALAR and len(body) == 2:
            return arrays.to_scalar(body[0], body[1])
        if tag in (_ARRAY, _TENSOR) and body:
            size = arrays.byte_size(body[0], body[1:])
            raw, self.rest = self.rest[:size], self.rest[size:]
            if len(raw) != size:
                raise WireError(f"array needs {size} bytes, {len(raw)} are there")
            build = arrays.to_numpy if tag == _ARRAY else arrays.to_torch
            return build(body[0], tuple(body[1:]), raw)
        parts = [self.lift(item, depth + 1) for item in body]
        build_sdk = {_TDATA: arrays.tensor_data, _INPUT: arrays.model_input, _DATUM: arrays.datum}
        if tag not in build_sdk:
            raise WireError(f"message holds an unknown tag {tag}")
        return build_sdk[tag](*parts)
