"""Rows of token ids for pretraining: whole documents packed side by side, none cut in two.

A row is filled from a small pool of waiting documents, first fit first, and padded at its end.
The stream's place is three numbers and the pool, so a run that stops goes on with the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.models.base import tokenizer as tokenizers
from shared.models.base.corpus.document import END_OF_TEXT
from shared.models.base.corpus.mix import DEFAULT_VARIANT, document

IGNORE = -100
"""The target of a padding position: no loss is taken there."""
POOL = 256
"""Documents that wait to be placed. More waste less of a row; this wastes under 1 %."""


@dataclass
class Rows:
    """Packed rows of the corpus. `next_document` and `pool` are its whole state."""

    length: int
    seed: int
    variant: str = DEFAULT_VARIANT
    next_document: int = 0
    pool: list[list[int]] = field(default_factory=list[list[int]])

    def __post_init__(self) -> None:
        self._tokenizer = tokenizers.build()
        self._end = self._tokenizer.token_to_id(END_OF_TEXT)

    def _fill_pool(self) -> None:
        if len(self.pool) >= POOL:
            return
        texts: list[str] = []
        for index in range(self.next_document, self.next_document + POOL):
            texts.append(document(self.seed, index, self.variant).text + END_OF_TEXT)
        self.next_document += POOL
        for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False):
            # A document longer than a row keeps its beginning; none of today's kinds is.
            self.pool.append(encoding.ids[: self.length])

    def _row(self) -> list[int]:
        self._fill_pool()
        row: list[int] = []
        waiting: list[list[int]] = []
        for ids in self.pool:
            if len(row) + len(ids) <= self.length:
                row += ids
            else:
                waiting.append(ids)
        self.pool = waiting
        return row

    def batch(self, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Inputs and targets, int64 (rows, length); targets are the inputs shifted by one.

        The last position of a row and its padding have the target `IGNORE`.
        """
        inputs = np.full((rows, self.length), self._end, dtype=np.int64)
        targets = np.full((rows, self.length), IGNORE, dtype=np.int64)
        for place in range(rows):
            ids = self._row()
            inputs[place, : len(ids)] = ids
            targets[place, : len(ids) - 1] = ids[1:]
        return inputs, targets


def pool_arrays(pool: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A pool as two flat arrays: all ids, and the length of each document."""
    flat = np.asarray([token for ids in pool for token in ids], dtype=np.int64)
    return flat, np.asarray([len(ids) for ids in pool], dtype=np.int64)


def pool_lists(flat: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[list[int]]:
    """The pool `pool_arrays` flattened."""
    cuts = np.cumsum(lengths)[:-1]
    return [part.tolist() for part in np.split(flat, cuts)] if len(lengths) else []
