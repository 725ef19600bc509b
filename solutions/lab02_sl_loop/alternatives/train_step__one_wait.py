"""Both futures in a list; the loss from each output's numbers in float64."""

from collections.abc import Sequence

import numpy as np
import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if len(batch) < 1:
        raise ValueError("nothing to train on")
    futures = [
        client.forward_backward([*batch], "cross_entropy"),
        client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8)),
    ]
    output, _ = (future.result() for future in futures)
    losses = np.concatenate([one["logprobs"].to_numpy() for one in output.loss_fn_outputs])
    counts = np.concatenate([datum.loss_fn_inputs["weights"].to_numpy() for datum in batch])
    return float(-np.dot(losses.astype(np.float64), counts) / counts.sum(dtype=np.float64))
