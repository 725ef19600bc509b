"""Protobuf to `service.types` and back, with numpy views and one copy at most.

Reads `ForwardBackwardRequest`, writes `ForwardBackwardOutput` and `SampleResponse`. The JSON
bodies are in `requests`. The SDK's generated messages are loaded from their file: importing
the package `tinker` would import torch, which the routes must start without.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service.limits import Limits, check_at_least, check_cap
from shared.tinker.service.types import Datum, LossBatch, LossResult, SampleResult

PROTOBUF = "application/x-protobuf"

Tensor = NDArray[np.float32] | NDArray[np.int64]


def _messages() -> ModuleType:
    package = importlib.util.find_spec("tinker")
    if package is None or not package.submodule_search_locations:
        raise ImportError("the package tinker is not installed: pip install tinker==0.38.0")
    file = Path(package.submodule_search_locations[0]) / "proto" / "tinker_public_pb2.py"
    spec = importlib.util.spec_from_file_location("shared.tinker.service._messages", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


messages: Any = _messages()
"""The SDK's generated protobuf module, `tinker.proto.tinker_public_pb2`."""

DTYPES: Mapping[int, type[np.float32] | type[np.int64]] = {
    messages.DTYPE_FLOAT32: np.float32,
    messages.DTYPE_INT64: np.int64,
}


@dataclass(frozen=True, kw_only=True)
class LossRequest:
    """The envelope of a forward_backward: whose it is. `message` is decoded by `loss_batch`."""

    model_id: str
    seq_id: int
    message: Any


def read_loss_request(body: bytes) -> LossRequest:
    """The envelope; raises `UserError` when the body is no `ForwardBackwardRequest`."""
    message = messages.ForwardBackwardRequest()
    try:
        message.ParseFromString(body)
    except (DecodeError, RecursionError):
        raise UserError(
            f"The body ({len(body):,} bytes) is no protobuf ForwardBackwardRequest. Send what the "
            "tinker SDK 0.38.0 sends, with Content-Type application/x-protobuf, uncompressed."
        ) from None
    if not message.model_id:
        raise UserError("model_id is missing. Create a model first and name it here.")
    check_at_least("seq_id", message.seq_id, 1)
    return LossRequest(model_id=message.model_id, seq_id=message.seq_id, message=message)


def loss_batch(message: Any, limits: Limits) -> LossBatch:
    """The batch of a parsed `ForwardBackwardRequest`; raises `UserError`."""
    check_cap("The number of datums", len(message.data), limits.datums, "Send smaller batches.")
    if not message.data:
        raise UserError("The batch has no datum; expected at least one.")
    data = [_datum(one, index, limits) for index, one in enumerate(message.data)]
    total = sum(len(datum.tokens) for datum in data)
    check_cap("The number of tokens", total, limits.batch_tokens, "Send smaller batches.")
    return LossBatch(
        data=data,
        loss_fn=message.loss_fn,
        config=_config(message),
        backward=not message.forward_only,
    )


def _config(message: Any) -> dict[str, float | str]:
    if not message.loss_fn_config_v2:
        return dict(message.loss_fn_config)
    return {
        name: value.text if value.HasField("text") else value.number
        for name, value in message.loss_fn_config_v2.items()
    }


def _datum(message: Any, index: int, limits: Limits) -> Datum:
    tokens = _tokens(message.model_input, index)
    check_cap(f"The length of datum {index}", len(tokens), limits.context, "Cut it.")
    inputs = {
        name: _tensor(tensor, f"datum {index}, {name}", limits.tensor_cells)
        for name, tensor in message.loss_fn_inputs.items()
    }
    return Datum(tokens=tokens, inputs=inputs)


def _tokens(chunks: Iterable[Any], index: int) -> NDArray[np.int64]:
    parts: list[NDArray[np.int32]] = []
    for chunk in chunks:
        kind = chunk.WhichOneof("chunk")
        if kind != "encoded_text":
            raise UnsupportedError(
                f"Datum {index} has a chunk of kind {kind}; this service reads encoded_text only."
            )
        parts.append(_array(chunk.encoded_text.tokens, np.int32, f"datum {index}, tokens"))
    if not parts:
        raise UserError(f"Datum {index} has no tokens.")
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).astype(np.int64)


def _array(raw: bytes, dtype: type[Any], what: str) -> NDArray[Any]:
    if len(raw) % np.dtype(dtype).itemsize:
        raise UserError(
            f"{what}: {len(raw)} bytes do not divide into {np.dtype(dtype).name} values."
        )
    return np.frombuffer(raw, dtype=dtype)


def _tensor(message: Any, what: str, cells: int) -> Tensor:
    """A dense, writable array; a CSR tensor is filled with zeros where it lists nothing."""
    dtype = DTYPES.get(message.dtype)
    if dtype is None:
        raise UserError(f"{what}: dtype {message.dtype} is unknown; expected float32 or int64.")
    shape = tuple(message.shape)
    if any(length < 0 for length in shape) or math.prod(shape) > cells:
        raise UserError(f"{what}: shape {list(shape)} is impossible or over {cells:,} cells.")
    encoding = message.WhichOneof("encoding")
    if encoding == "sparse_csr":
        return _dense(message.sparse_csr, shape, dtype, what)
    values = _array(message.dense, dtype, what)
    if shape and math.prod(shape) != values.size:
        raise UserError(f"{what}: {values.size} values do not fill the shape {list(shape)}.")
    return values.reshape(shape or (-1,)).copy()  # torch wants to own what it views


def _dense(csr: Any, shape: tuple[int, ...], dtype: type[Any], what: str) -> Tensor:
    if len(shape) != 2:
        raise UserError(f"{what}: a sparse CSR tensor needs a shape of 2 lengths, got {shape}.")
    rows, width = shape
    values = _array(csr.values, dtype, what)
    starts = _array(csr.crow_indices, np.int64, f"{what}, crow_indices")
    columns = _array(csr.col_indices, np.int64, f"{what}, col_indices")
    counts = np.diff(starts)
    whole = (
        len(starts) == rows + 1
        and starts[0] == 0
        and starts[-1] == len(columns) == len(values)
        and bool((counts >= 0).all())
        and bool(((columns >= 0) & (columns < width)).all())
    )
    if not whole:
        raise UserError(
            f"{what}: the CSR indices do not fit the shape {list(shape)}: expected {rows + 1} "
            f"ascending row pointers from 0 to {len(values)} and columns below {width}."
        )
    dense = np.zeros(shape, dtype=dtype)
    dense[np.repeat(np.arange(rows), counts), columns] = values
    return dense


def write_loss_output(result: LossResult) -> bytes:
    """A serialized `ForwardBackwardOutput`; datums of unequal trailing shape get a record each."""
    message = messages.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord")
    arrays = [np.asarray(array, dtype=np.float32) for array in result.logprobs]
    same = len({array.shape[1:] for array in arrays}) <= 1
    for group in [arrays] if same else [[array] for array in arrays]:
        if group:
            _record(message.loss_fn_outputs.add(), group)
    for name, value in result.metrics.items():
        message.metrics[name] = float(value)
    return message.SerializeToString()


def _record(record: Any, arrays: Sequence[NDArray[np.float32]]) -> None:
    record.type_tag = "ArrayRecord"
    record.num_datums = len(arrays)
    tensor = record.fields["logprobs"]
    tensor.data = b"".join(array.tobytes() for array in arrays)
    ends = np.cumsum([array.nbytes for array in arrays], dtype=np.int64)
    tensor.offsets = np.concatenate([np.zeros(1, dtype=np.int64), ends]).tobytes()
    tensor.dtype = messages.DTYPE_FLOAT32
    tensor.trailing_shape.extend(arrays[0].shape[1:])


def write_sample_output(result: SampleResult, last_n: int | None = None) -> bytes:
    """A serialized `SampleResponse`; with `last_n` the scores before the last n are blanked."""
    message = messages.SampleResponse()
    for completion in result.completions:
        sequence = message.sequences.add()
        stopped = completion.stop_reason == "stop"
        sequence.stop_reason = messages.STOP_REASON_STOP if stopped else messages.STOP_REASON_LENGTH
        sequence.tokens = completion.tokens.astype(np.int32).tobytes()
        sequence.logprobs = completion.logprobs.astype(np.float32).tobytes()
    if result.prompt_logprobs is not None:
        scores = result.prompt_logprobs.astype(np.float32)
        scores[: len(scores) - (last_n or len(scores))] = np.nan
        message.prompt_logprobs = scores.tobytes()
    if result.topk_tokens is not None and result.topk_logprobs is not None:
        _topk(message.topk_prompt_logprobs, result.topk_tokens, result.topk_logprobs, last_n)
    return message.SerializeToString()


def _topk(
    message: Any, tokens: NDArray[np.int64], logprobs: NDArray[np.float32], last_n: int | None
) -> None:
    ids, scores = tokens.astype(np.int32), logprobs.astype(np.float32)
    skipped = len(ids) - (last_n or len(ids))
    ids[:skipped], scores[:skipped] = 0, -99999.0
    message.length, message.k = ids.shape
    message.token_ids, message.logprobs = ids.tobytes(), scores.tobytes()
