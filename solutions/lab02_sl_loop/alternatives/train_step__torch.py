"""The step is sent in a helper's argument; the mean is taken in torch."""

from collections.abc import Sequence

import tinker
import torch


def mean_loss(outputs: Sequence[dict], batch: Sequence[tinker.Datum]) -> float:
    nll = weight = 0.0
    for output, datum in zip(outputs, batch, strict=True):
        of_datum = datum.loss_fn_inputs["weights"].to_torch().double()
        nll -= torch.dot(output["logprobs"].to_torch().double(), of_datum).item()
        weight += of_datum.sum().item()
    return nll / weight


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if not len(batch):
        raise ValueError("an empty batch has no gradient")
    params = tinker.AdamParams(eps=1e-8, learning_rate=lr)
    backward = client.forward_backward(data=list(batch), loss_fn="cross_entropy")
    update = client.optim_step(params)
    loss = mean_loss(backward.result().loss_fn_outputs, batch)
    update.result()
    return loss
