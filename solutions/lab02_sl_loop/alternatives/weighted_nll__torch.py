"""Tensors in float64, row by row, with untrained places masked away."""

from collections.abc import Sequence

import torch


def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    if len(logprobs) != len(weights):
        raise ValueError("rows are missing")
    loss = torch.zeros((), dtype=torch.float64)
    seen = torch.zeros((), dtype=torch.float64)
    for index, row in enumerate(logprobs):
        values = torch.tensor(list(row), dtype=torch.float64)
        weight = torch.tensor(list(weights[index]), dtype=torch.float64)
        if values.shape != weight.shape:
            raise ValueError(f"row {index}: {len(values)} values, {len(weight)} weights")
        trained = weight > 0
        if bool(values[trained].isnan().any()):
            raise ValueError(f"row {index} has NaN at a trained place")
        loss -= (values[trained] * weight[trained]).sum()
        seen += weight[trained].sum()
    mean = loss / seen  # 0 / 0 is NaN in torch
    return loss.item() + 0.0, mean.item()
