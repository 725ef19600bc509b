"""The same mistake, written differently."""

from collections.abc import Sequence

import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    data = list(batch)
    if len(data) == 0:
        raise ValueError("empty batch")
    gradient = client.forward_backward(data, loss_fn="cross_entropy")
    gradient.result()
    adam = tinker.AdamParams(learning_rate=lr, eps=1e-8)
    update = client.optim_step(adam)
    update.result()
    loss = gradient.result().metrics["loss:sum"]
    weight = sum(sum(one.loss_fn_inputs["weights"].data) for one in data)
    return float(loss / weight)
