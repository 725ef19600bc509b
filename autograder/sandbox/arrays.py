"""Arrays, tensors and the SDK's data types as names, shapes and raw bytes, and back.

Imports numpy, torch and tinker only when a value needs them. What comes back is built from checked
numbers, never from a stored program. Byte order is the machine's own: both ends are one machine.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, cast

from autograder.sandbox.errors import WireError

_SIZES = {
    "bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8,
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip
_MAX_DIMENSIONS = 16
_SDK_TYPES = ("TensorData", "ModelInput", "Datum")


def byte_size(name: Any, shape: list[Any]) -> int:
    """Bytes of an array of dtype `name` and `shape`, both as they arrived.

    Raises:
        WireError: no such dtype, or no such shape.
    """
    if type(name) is not str or name not in _SIZES:
        raise WireError("array of an unknown dtype")
    if len(shape) > _MAX_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
        raise WireError("array of an impossible shape")
    if math.prod(max(n, 1) for n in shape) > 1 << 40:
        raise WireError("array of an impossible shape")
    return math.prod(shape) * _SIZES[name]


def from_numpy(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    """Name, shape and bytes of an exact `numpy.ndarray`, in C order."""
    name = value.dtype.name
    if value.dtype.kind not in "biufc" or name not in _SIZES or value.ndim > _MAX_DIMENSIONS:
        raise WireError(f"an array of dtype {name} with {value.ndim} axes cannot be sent")
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    return name, tuple(value.shape), value.tobytes()


def is_scalar(kind: type) -> bool:
    """Whether `kind` is one of numpy's own scalar types that can travel."""
    import numpy as np

    return any(kind is getattr(np, "bool_" if n == "bool" else n, None) for n in _SIZES)


def to_numpy(name: str, shape: tuple[int, ...], raw: memoryview) -> Any:
    """A fresh array; `raw` has the right length already."""
    import numpy as np

    if name == "bfloat16":
        raise WireError("numpy has no bfloat16")
    if name == "bool":  # a byte that is neither 0 nor 1 would be a bool that is neither
        return (np.frombuffer(raw, np.uint8) != 0).reshape(shape)
    return np.frombuffer(raw, np.dtype(name)).reshape(shape).copy()


def to_scalar(name: Any, raw: Any) -> Any:
    """One numpy scalar."""
    if type(raw) is not bytes or len(raw) != byte_size(name, []):
        raise WireError("scalar of the wrong size")
    return to_numpy(name, (), memoryview(raw))[()]


def from_torch(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    """Name, shape and bytes of a dense tensor in main memory."""
    import torch

    name = str(value.dtype).removeprefix("torch.")
    dense = value.layout is torch.strided and value.device.type == "cpu"
    if not dense or name not in _SIZES or value.ndim > _MAX_DIMENSIONS:
        raise WireError(f"a tensor of dtype {name} on {value.device} cannot be sent")
    try:
        if value.untyped_storage().nbytes() < value.nbytes:
            _require_memory(value)
        plain = value.detach().resolve_conj().resolve_neg()
        if value.dtype is torch.bfloat16:  # numpy has none
            # A copy: `contiguous` leaves odd strides on axes of length 1, which `view` refuses.
            flat = plain.clone(memory_format=torch.contiguous_format).reshape(-1)
            plain = flat.view(torch.int16)
        raw = plain.numpy().tobytes()
    except (RuntimeError, NotImplementedError) as error:
        raise WireError(f"tensor has no readable data: {error}") from error
    return name, tuple(int(n) for n in value.shape), raw


def _require_memory(value: Any) -> None:
    """A tensor may take less memory than its elements (`expand`), but not less than it reaches."""
    steps = sum((n - 1) * step for n, step in zip(value.shape, value.stride(), strict=True))
    reach = value.storage_offset() + steps + 1 if value.numel() else 0
    if value.untyped_storage().nbytes() < reach * value.itemsize:
        raise WireError("tensor whose memory was given back")


def to_torch(name: str, shape: tuple[int, ...], raw: memoryview) -> Any:
    """A fresh tensor; `raw` has the right length already."""
    import torch

    dtype = getattr(torch, name)
    if not len(raw):
        return torch.empty(shape, dtype=dtype)
    if name == "bool":  # a byte that is neither 0 nor 1 would be a bool that is neither
        return (torch.frombuffer(bytearray(raw), dtype=torch.uint8) != 0).reshape(shape)
    return torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)


# --- tinker --------------------------------------------------------------------------------------


def sdk_parts(value: Any, kind: type) -> tuple[Any, ...] | None:
    """The plain parts of one of the SDK's data types, None for any other object."""
    import sys

    tinker = sys.modules.get("tinker")
    name = kind.__name__
    if tinker is None or name not in _SDK_TYPES or kind is not getattr(tinker, name, None):
        return None
    state = cast(dict[str, Any], object.__getattribute__(value, "__dict__"))
    if name == "TensorData":
        keys = ("dtype", "shape", "sparse_crow_indices", "sparse_col_indices", "_numpy")
        return tuple(state[key] for key in keys)
    if name == "ModelInput":
        return (tuple(_tokens(chunk, tinker) for chunk in state["chunks"]),)
    if state["model_input_spans"] is not None or state["loss_fn_input_spans"] is not None:
        raise WireError("a Datum with provenance cannot be sent")
    return state["model_input"], dict(state["loss_fn_inputs"])


def _tokens(chunk: Any, tinker: Any) -> tuple[int, ...]:
    if type(chunk) is not tinker.EncodedTextChunk:
        raise WireError(f"a {type(chunk).__name__} cannot be sent, only text chunks can")
    return tuple(object.__getattribute__(chunk, "__dict__")["tokens"])


def model_input(chunks: Any) -> Any:
    """A `ModelInput` of text chunks."""
    import tinker

    whole = type(chunks) is tuple and all(type(c) is tuple for c in cast(Any, chunks))
    if not whole or not all(type(token) is int for chunk in chunks for token in chunk):
        raise WireError("ModelInput is not made of token ids")
    return tinker.ModelInput(
        chunks=[tinker.EncodedTextChunk(tokens=list(chunk)) for chunk in chunks]
    )


def tensor_data(dtype: Any, shape: Any, crow: Any, col: Any, values: Any) -> Any:
    """A `TensorData`, dense or with the row pointers and columns of a CSR matrix."""
    import numpy as np
    import tinker

    if dtype not in ("float32", "int64") or type(values) is not np.ndarray or values.dtype != dtype:
        raise WireError("TensorData is neither float32 nor int64")
    _integers(shape, crow, col)
    sparse = crow is not None or col is not None
    if not sparse and shape is not None and list(values.shape) != shape:
        raise WireError(f"TensorData of shape {shape} has data of shape {values.shape}")
    if sparse:
        _check_csr(shape, crow, col, values.size)
    return tinker.TensorData(
        data=values, dtype=dtype, shape=shape, sparse_crow_indices=crow, sparse_col_indices=col
    )


def _integers(*lists: Any) -> None:
    for item in lists:
        if item is not None and (type(item) is not list or any(type(n) is not int for n in item)):
            raise WireError("TensorData has a shape or index that is no list of integers")


def _check_csr(shape: Any, crow: Any, col: Any, stored: int) -> None:
    if shape is None or crow is None or col is None or len(shape) != 2:
        raise WireError("sparse TensorData lacks its shape or one of its index lists")
    rows, columns = shape
    rising = all(a <= b for a, b in itertools.pairwise(crow))
    ends = len(crow) == rows + 1 and crow[0] == 0 and crow[-1] == stored == len(col)
    if not (ends and rising and all(0 <= c < columns for c in col)):
        raise WireError("sparse TensorData has indices that fit no matrix")
    if rows * columns > 1 << 28:
        raise WireError("sparse TensorData would be too big when dense")


def datum(model: Any, inputs: Any) -> Any:
    """A `Datum` of a `ModelInput` and its named `TensorData`."""
    import tinker

    named = type(inputs) is dict and all(
        type(key) is str and type(item) is tinker.TensorData
        for key, item in cast(dict[Any, Any], inputs).items()
    )
    if type(model) is not tinker.ModelInput or not named:
        raise WireError("Datum is not made of a ModelInput and named TensorData")
    return tinker.Datum(model_input=model, loss_fn_inputs=inputs)
