"""Gives plain lists to Datum, which makes arrays of them; pairs the places with zip."""

from collections.abc import Sequence
from itertools import pairwise

import tinker


def shift_to_datum(tokens: Sequence[int], weights: Sequence[float]) -> tinker.Datum:
    if len(tokens) != len(weights):
        raise ValueError("unequal lengths")
    for weight in weights:
        if not 0 <= weight < float("inf"):
            raise ValueError(f"{weight} is no weight")
    pairs = list(pairwise(tokens))
    if not pairs:
        raise ValueError("too few tokens")
    read, guess = (list(column) for column in zip(*pairs, strict=True))
    mass = list(map(float, weights))
    del mass[0]
    return tinker.Datum(
        model_input=tinker.ModelInput(chunks=[tinker.EncodedTextChunk(tokens=read)]),
        loss_fn_inputs={"target_tokens": guess, "weights": mass},
    )
