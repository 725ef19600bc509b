"""Packed rows: whole documents, shifted targets, a stream that can stop and go on."""

from __future__ import annotations

import numpy as np

from shared.models.base import tokenizer
from shared.models.base.corpus.mix import document
from shared.models.base.packing import IGNORE, Rows, pool_arrays, pool_lists

LENGTH = 384


def test_targets_are_inputs_shifted_by_one() -> None:
    inputs, targets = Rows(LENGTH, 1).batch(6)
    trained = targets[:, :-1] != IGNORE
    assert np.array_equal(targets[:, :-1][trained], inputs[:, 1:][trained])
    assert (targets[:, -1] == IGNORE).all()


def test_rows_hold_whole_documents() -> None:
    ids = tokenizer.build()
    inputs, _ = Rows(LENGTH, 1).batch(8)
    written = {document(1, index).text for index in range(1000)}
    for row in inputs.tolist():
        text = ids.decode(row, skip_special_tokens=False).rstrip()
        parts = [part for part in text.split("<|endoftext|>") if part]
        assert set(parts) <= written


def test_every_document_is_placed_once() -> None:
    rows = Rows(LENGTH, 2)
    inputs, _ = rows.batch(30)
    end = tokenizer.build().token_to_id("<|endoftext|>")
    ends = sum(
        row[place] == end and row[place - 1] != end
        for row in inputs.tolist()
        for place in range(1, LENGTH)
    )
    assert ends + len(rows.pool) == rows.next_document


def test_little_of_a_row_is_padding() -> None:
    _, targets = Rows(LENGTH, 3).batch(40)
    # Measured 1.7 %; documents are cut nowhere, so some end of a row always stays empty.
    assert (targets == IGNORE).mean() < 0.03


def test_a_stream_goes_on_where_it_stopped() -> None:
    straight = Rows(LENGTH, 4)
    straight.batch(5)
    stopped = Rows(LENGTH, 4, next_document=straight.next_document)
    stopped.pool = pool_lists(*pool_arrays(straight.pool))
    for one, other in zip(straight.batch(5), stopped.batch(5), strict=True):
        assert np.array_equal(one, other)


def test_an_empty_pool_survives_flattening() -> None:
    assert pool_lists(*pool_arrays([])) == []
