"""Works on numpy arrays and turns them into lists at the end."""

from collections.abc import Sequence

import numpy as np
import tinker


def shift_to_datum(tokens: Sequence[int], weights: Sequence[float]) -> tinker.Datum:
    ids = np.asarray(tokens, dtype=np.int64)
    mass = np.asarray(weights, dtype=np.float32)
    if ids.size < 2 or ids.shape != mass.shape:
        raise ValueError(f"{ids.size} tokens and {mass.size} weights make no example")
    if not np.isfinite(mass).all() or (mass < 0).any():
        raise ValueError("a weight is negative, NaN or infinite")
    read, guess, mass = ids[:-1], ids[1:], mass[1:]
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(read.tolist()),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(
                data=guess.tolist(), dtype="int64", shape=list(guess.shape)
            ),
            "weights": tinker.TensorData(
                data=mass.tolist(), dtype="float32", shape=list(mass.shape)
            ),
        },
    )
