"""You leave the datums' weights out, so the prompt is trained like the answer. Send the batch as it
is: its weights say what counts."""

from collections.abc import Sequence

import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if not batch:
        raise ValueError("the batch is empty; there is nothing to train on.")
    plain = []
    for datum in batch:
        targets = datum.loss_fn_inputs["target_tokens"].data
        inputs = {"target_tokens": targets, "weights": [1.0] * len(targets)}
        plain.append(tinker.Datum(model_input=datum.model_input, loss_fn_inputs=inputs))
    computed = client.forward_backward(plain, "cross_entropy")
    stepped = client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8))
    outputs = computed.result().loss_fn_outputs
    stepped.result()
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in plain]
    return weighted_nll(logprobs, weights)[1]
