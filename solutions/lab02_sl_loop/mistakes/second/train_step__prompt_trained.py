"""The same mistake, written differently."""

from collections.abc import Sequence

import numpy as np
import tinker


def everything(datum: tinker.Datum) -> tinker.Datum:
    targets = datum.loss_fn_inputs["target_tokens"].to_numpy()
    ones = np.ones(len(targets), dtype=np.float32)
    return tinker.Datum(
        model_input=datum.model_input,
        loss_fn_inputs={"target_tokens": targets, "weights": ones},
    )


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    data = [everything(datum) for datum in batch]
    if len(data) == 0:
        raise ValueError("empty batch")
    gradient = client.forward_backward(data, loss_fn="cross_entropy")
    client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8)).result()
    return float(gradient.result().metrics["loss:sum"] / sum(d.model_input.length for d in data))
