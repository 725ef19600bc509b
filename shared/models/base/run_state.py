"""A pretraining run on disk: one safetensors file that holds all of it, and the loss curve.

The state is weights, the moments of the optimizers, the documents that wait to be packed, and the
losses so far. It is written beside the old one and renamed, so a kill leaves one of the two whole.
Nothing in it is executed on load.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import Qwen3ForCausalLM

from shared.models.base.optimizer import MOMENTS, Optimizers
from shared.models.base.packing import Rows, pool_arrays, pool_lists
from shared.models.base.recipe import Recipe

STATE = "state.safetensors"
CURVE = "loss_curve.csv"


class RunStateError(ValueError):
    """A state that cannot be gone on from: damaged, or of another recipe."""


@dataclass
class Progress:
    """Where a run stands. `losses[i]` is the mean loss of step i, nats a token."""

    step: int
    losses: list[float]
    seconds: float


def save(
    folder: Path,
    recipe: Recipe,
    progress: Progress,
    model: Qwen3ForCausalLM,
    optimizers: Optimizers,
    rows: Rows,
) -> None:
    """Write the whole state of the run into `folder`, replacing what was there."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight.{name}"] = parameter.detach().cpu().contiguous()
        for moment, value in optimizers.moments(parameter).items():
            tensors[f"{moment}.{name}"] = value.detach().cpu().contiguous()
    flat, lengths = pool_arrays(rows.pool)
    tensors["pool.flat"], tensors["pool.lengths"] = torch.tensor(flat), torch.tensor(lengths)
    tensors["losses"] = torch.tensor(progress.losses, dtype=torch.float64)
    record = {
        "step": progress.step,
        "next_document": rows.next_document,
        "seconds": progress.seconds,
        "recipe": recipe.as_dict(),
    }
    partial = folder / f"{STATE}.part"
    save_file(tensors, str(partial), metadata={"run": json.dumps(record)})
    os.replace(partial, folder / STATE)
    write_curve(folder / CURVE, progress.losses, recipe)


def restore(
    folder: Path,
    recipe: Recipe,
    model: Qwen3ForCausalLM,
    optimizers: Optimizers,
    rows: Rows,
) -> Progress:
    """Put the state in `folder` into model, optimizer and rows; a fresh start when there is none.

    Raises:
        RunStateError: the file is damaged, or the run was started with another recipe.
    """
    path = folder / STATE
    if not path.exists():
        return Progress(0, [], 0.0)
    tensors, found = _read(path)
    if found["recipe"] != recipe.as_dict():
        raise RunStateError(
            f"{path} was started with {found['recipe']}, this run asks for {recipe.as_dict()}. "
            "Use the same numbers, or another --out."
        )
    _into_model(tensors, found["step"], model, optimizers)
    rows.next_document = found["next_document"]
    rows.pool = pool_lists(tensors["pool.flat"].numpy(), tensors["pool.lengths"].numpy())
    return Progress(found["step"], tensors["losses"].tolist(), found["seconds"])


def about(folder: Path) -> dict[str, Any]:
    """Step, next document, seconds and recipe of the state in `folder`.

    Raises:
        RunStateError: there is no state, or it is damaged.
    """
    return _read(folder / STATE)[1]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            found = json.loads(file.metadata()["run"])
            return {name: file.get_tensor(name) for name in file.keys()}, found  # noqa: SIM118
    except Exception as error:
        raise RunStateError(
            f"{path} is no whole state of a pretraining run ({error}). Delete it to start anew."
        ) from error


def _into_model(
    tensors: dict[str, Tensor], step: int, model: Qwen3ForCausalLM, optimizers: Optimizers
) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weight.{name}"])
            moments = {
                moment: tensors[f"{moment}.{name}"].to(parameter.device)
                for moment in MOMENTS
                if f"{moment}.{name}" in tensors
            }
            if moments:
                optimizers.restore(parameter, moments, step)


def write_curve(path: Path, losses: Sequence[float], recipe: Recipe) -> None:
    """The losses as a table: step from 1, loss in nats a token, learning rate."""
    lines = ["step,loss,learning_rate"]
    for step, loss in enumerate(losses):
        lines.append(f"{step + 1},{loss:.5f},{recipe.learning_rate(step):.6g}")
    partial = path.with_name(path.name + ".part")
    partial.write_text("\n".join(lines) + "\n")
    os.replace(partial, path)


def read_curve(path: Path) -> list[float]:
    """The losses of a table `write_curve` wrote, first step first."""
    return [float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]
