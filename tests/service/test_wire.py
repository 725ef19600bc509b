"""Protobuf to arrays and back, with the SDK's own encoder and decoder at the other end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinker import types
from tinker.proto.request_conv import forward_backward_request_to_proto
from tinker.proto.response_conv import (
    deserialize_forward_backward_output,
    deserialize_sample_response,
)

from shared.tinker.errors import OverLimitError, UnsupportedError, UserError
from shared.tinker.service.limits import Limits
from shared.tinker.service.types import Completion, LossBatch, LossResult, SampleResult
from shared.tinker.service.wire import (
    loss_batch,
    messages,
    read_loss_request,
    write_loss_output,
    write_sample_output,
)

LIMITS = Limits()


def sent(
    data: list[types.Datum], config: dict[str, float | str] | None = None, limits: Limits = LIMITS
) -> LossBatch:
    """What arrives of what the SDK sends."""
    asked = types.ForwardBackwardRequest(
        forward_backward_input=types.ForwardBackwardInput(
            data=data, loss_fn="cross_entropy", loss_fn_config=config
        ),
        model_id="m",
        seq_id=1,
    )
    body = forward_backward_request_to_proto(asked).SerializeToString()
    return loss_batch(read_loss_request(body).message, limits)


def datum(tokens: list[int], **inputs: object) -> types.Datum:
    return types.Datum(model_input=types.ModelInput.from_ints(tokens), loss_fn_inputs=inputs)


def message() -> object:
    asked = messages.ForwardBackwardRequest(model_id="m", seq_id=1, loss_fn="cross_entropy")
    one = asked.data.add()
    one.model_input.add().encoded_text.tokens = np.array([1, 2], dtype=np.int32).tobytes()
    return asked


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20), min_size=1, max_size=5)
)
def test_tokens_and_inputs_arrive_as_they_were(batch: list[list[int]]) -> None:
    data = [datum(tokens, target_tokens=tokens, weights=[0.5] * len(tokens)) for tokens in batch]
    for tokens, found in zip(batch, sent(data).data, strict=True):
        assert found.tokens.dtype == np.int64
        assert found.tokens.tolist() == tokens == found.inputs["target_tokens"].tolist()
        assert found.inputs["weights"].dtype == np.float32
        assert found.inputs["weights"].flags.writeable  # torch warns about others


def test_settings_of_a_loss_are_numbers_or_text() -> None:
    assert sent([datum([1])], {"a": 0.5, "b": "x"}).config == {"a": 0.5, "b": "x"}
    old = message()
    old.loss_fn_config["beta"] = 2.0
    assert loss_batch(old, LIMITS).config == {"beta": 2.0}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.data())
def test_a_sparse_tensor_is_the_dense_one(rows: int, width: int, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.integers(-3, 3), min_size=rows * width, max_size=rows * width))
    dense = np.array(cells, dtype=np.int64).reshape(rows, width)
    tensor = message()
    part = tensor.data[0].loss_fn_inputs["x"]
    row, column = np.nonzero(dense)
    part.sparse_csr.values = dense[row, column].tobytes()
    part.sparse_csr.col_indices = column.astype(np.int64).tobytes()
    part.sparse_csr.crow_indices = np.searchsorted(row, np.arange(rows + 1)).tobytes()
    part.dtype, part.shape[:] = messages.DTYPE_INT64, [rows, width]
    np.testing.assert_array_equal(loss_batch(tensor, LIMITS).data[0].inputs["x"], dense)


@pytest.mark.parametrize(
    ("crow", "col"),
    [([0, 1], [0]), ([0, 1, 2], [0, 5]), ([0, 1, 2], [0, -1]), ([0, 2, 1], [0, 1]), ([], [])],
)
def test_a_sparse_tensor_that_does_not_fit_is_refused(crow: list[int], col: list[int]) -> None:
    asked = message()
    part = asked.data[0].loss_fn_inputs["x"]
    part.sparse_csr.values = np.ones(len(col), dtype=np.float32).tobytes()
    part.sparse_csr.crow_indices = np.array(crow, dtype=np.int64).tobytes()
    part.sparse_csr.col_indices = np.array(col, dtype=np.int64).tobytes()
    part.dtype, part.shape[:] = messages.DTYPE_FLOAT32, [2, 3]
    with pytest.raises(UserError, match="CSR indices"):
        loss_batch(asked, LIMITS)


def test_a_small_body_cannot_ask_for_a_huge_array() -> None:
    asked = message()
    part = asked.data[0].loss_fn_inputs["x"]
    part.sparse_csr.SetInParent()
    part.dtype, part.shape[:] = messages.DTYPE_FLOAT32, [2**40, 2**40]
    with pytest.raises(UserError, match="over"):
        loss_batch(asked, LIMITS)


def test_caps_name_their_figures() -> None:
    for cap in ({"datums": 1}, {"batch_tokens": 3}, {"context": 1}):
        with pytest.raises(OverLimitError, match="at most"):
            sent([datum([1, 2]), datum([3, 4])], limits=replace(LIMITS, **cap))


def test_images_are_refused_by_name() -> None:
    asked = message()
    asked.data[0].model_input.add().image.data = b"png"
    with pytest.raises(UnsupportedError, match="chunk of kind image"):
        loss_batch(asked, LIMITS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused(body: bytes) -> None:
    try:
        loss_batch(read_loss_request(body).message, LIMITS)
    except UserError:
        return


@pytest.mark.parametrize("shapes", [[(3,), (5,)], [(3, 2), (4, 2)], [(3, 2), (4,)], [(0,)], []])
def test_logprobs_reach_the_client_in_their_shape(shapes: list[tuple[int, ...]]) -> None:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    result = LossResult(logprobs=arrays, metrics={"loss:sum": 1.25, "n:max": float("inf")})
    found = deserialize_forward_backward_output(write_loss_output(result))
    assert found.metrics == {"loss:sum": 1.25, "n:max": float("inf")}
    assert len(found.loss_fn_outputs) == len(arrays)
    for array, output in zip(arrays, found.loss_fn_outputs, strict=True):
        np.testing.assert_array_equal(output["logprobs"].to_numpy(), array)


def test_samples_and_scores_reach_the_client() -> None:
    one = Completion(
        tokens=np.array([3, 4]), logprobs=np.array([-1, -2], dtype=np.float32), stop_reason="stop"
    )
    scores = np.array([np.nan, -1.5, -2.5], dtype=np.float32)
    tokens = np.arange(6).reshape(3, 2)
    result = SampleResult(
        job_id="j",
        completions=[one, replace(one, stop_reason="length")],
        prompt_logprobs=scores,
        topk_tokens=tokens,
        topk_logprobs=-tokens.astype(np.float32),
    )
    found = deserialize_sample_response(write_sample_output(result))
    assert [list(s.tokens) for s in found.sequences] == [[3, 4], [3, 4]]
    assert [s.stop_reason for s in found.sequences] == ["stop", "length"]
    assert found.prompt_logprobs == [None, -1.5, -2.5]
    last = deserialize_sample_response(write_sample_output(result, last_n=1))
    assert last.prompt_logprobs == [None, None, -2.5]
    assert last.topk_prompt_logprobs == [None, None, [(4, -4.0), (5, -5.0)]]
    assert scores[1] == -1.5  # the engine's array is not written to
