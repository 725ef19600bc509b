"""You wait for the loss before you send optim_step, so the service idles while the answer
travels. Submit both, then wait."""

from collections.abc import Sequence

import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if not batch:
        raise ValueError("the batch is empty; there is nothing to train on.")
    computed = client.forward_backward(list(batch), "cross_entropy")
    outputs = computed.result().loss_fn_outputs
    stepped = client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8))
    stepped.result()
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in batch]
    return weighted_nll(logprobs, weights)[1]
