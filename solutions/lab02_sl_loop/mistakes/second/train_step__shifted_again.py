"""The same mistake, written differently."""

from collections.abc import Sequence

import tinker


def moved(datum: tinker.Datum) -> tinker.Datum:
    _, *targets = datum.loss_fn_inputs["target_tokens"].data
    _, *weights = datum.loss_fn_inputs["weights"].data
    *read, _ = datum.model_input.to_ints()
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(read),
        loss_fn_inputs={"target_tokens": targets, "weights": weights},
    )


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    data = list(map(moved, batch))
    if len(data) == 0:
        raise ValueError("empty batch")
    gradient = client.forward_backward(data, loss_fn="cross_entropy")
    client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8)).result()
    weight = sum(sum(one.loss_fn_inputs["weights"].data) for one in data)
    return float(gradient.result().metrics["loss:sum"] / weight)
