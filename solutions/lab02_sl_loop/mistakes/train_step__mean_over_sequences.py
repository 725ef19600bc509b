"""You divide the loss by the number of sequences. A loss per token divides by the sum of the
weights."""

from collections.abc import Sequence

import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if not batch:
        raise ValueError("the batch is empty; there is nothing to train on.")
    computed = client.forward_backward(list(batch), "cross_entropy")
    stepped = client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8))
    outputs = computed.result().loss_fn_outputs
    stepped.result()
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in batch]
    return weighted_nll(logprobs, weights)[0] / len(batch)
