"""You make every token its own target, so the model learns to repeat what it reads. The target of
a place is the token after it: input t[:-1], targets t[1:]."""

import math
from collections.abc import Sequence

import tinker


def shift_to_datum(tokens: Sequence[int], weights: Sequence[float]) -> tinker.Datum:
    if len(tokens) < 2 or len(weights) != len(tokens):
        raise ValueError("need at least 2 tokens, and a weight for each")
    if any(math.isnan(w) or math.isinf(w) or w < 0 for w in weights):
        raise ValueError("weights must be finite and at least 0")
    inputs, targets, masses = tokens, tokens, weights
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(list(inputs)),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(
                data=list(targets), dtype="int64", shape=[len(targets)]
            ),
            "weights": tinker.TensorData(
                data=[float(w) for w in masses], dtype="float32", shape=[len(masses)]
            ),
        },
    )
