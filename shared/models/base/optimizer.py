"""The optimizer of pretraining: Muon for the matrices inside the blocks, AdamW for the rest.

Muon makes each update of a matrix orthogonal, so that all its directions move alike (K. Jordan and
others, 2024, https://kellerjordan.github.io/posts/muon/, read 2026-11-24). Of the same tokens our
model learns a good deal more from it than from AdamW alone. `torch.optim.Muon` does its iteration
in bfloat16, which a CPU without instructions for it does ten times slower; ours takes float32 and
all matrices of one shape together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from transformers import Qwen3ForCausalLM

from shared.models.base.recipe import Recipe

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration in the source above."""
ITERATIONS = 5
MOMENTS = ("exp_avg", "exp_avg_sq", "momentum")
"""Names of what AdamW (the first two) and Muon keep of a parameter's past gradients."""


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices of singular values near one: (n, rows, columns), any dtype, kept.

    Five steps of the iteration bring singular values to between 0.7 and 1.2, not to one exactly.
    """
    tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum (Nesterov) made orthogonal, with decoupled weight decay, for matrices only."""

    def __init__(
        self,
        parameters: Iterable[Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        """A tall matrix moves by `lr` times the root of rows over columns.

        Raises:
            ValueError: a parameter is no matrix.
        """
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            shapes = [tuple(p.shape) for p in group["params"] if p.ndim != 2]
            if shapes:
                raise ValueError(f"Muon takes matrices, not parameters of shape {shapes[0]}.")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One update from the gradients there; a parameter without one stays."""
        if closure is not None:
            raise ValueError("Muon takes no closure: compute the gradients before the step.")
        for group in self.param_groups:
            by_shape: defaultdict[torch.Size, list[Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for parameters in by_shape.values():
                self._move(parameters, group)

    def _move(self, parameters: list[Parameter], group: dict[str, Any]) -> None:
        wanted: list[Tensor] = []
        for parameter in parameters:
            gradient, state = parameter.grad, self.state[parameter]
            assert gradient is not None
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(gradient, 1 - group["momentum"])
            wanted.append(gradient.lerp(state["momentum"], group["momentum"]))
        rows, columns = parameters[0].shape
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, orthogonal(torch.stack(wanted)), strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)


@dataclass(frozen=True)
class Optimizers:
    """Both optimizers of a run as one."""

    matrices: Muon
    rest: torch.optim.AdamW

    def step(self, fraction: float) -> None:
        """One update at `fraction` of the peak learning rates; gradients are freed."""
        for optimizer in (self.matrices, self.rest):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * fraction
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def moments(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is kept of a parameter's past gradients, by name; empty before the first step."""
        for optimizer in (self.matrices, self.rest):
            if parameter in optimizer.state:
                kept = optimizer.state[parameter]
                return {name: kept[name] for name in MOMENTS if name in kept}
        return {}

    def restore(self, parameter: Tensor, moments: dict[str, Tensor], step: int) -> None:
        """Put back what `moments` gave after `step` updates."""
        if "momentum" in moments:
            self.matrices.state[parameter] = dict(moments)
        else:
            count = torch.tensor(float(step), device=parameter.device)
            self.rest.state[parameter] = {"step": count, **moments}


def make(model: Qwen3ForCausalLM, recipe: Recipe) -> Optimizers:
    """Muon for the matrices of the blocks; AdamW for embedding, output layer and norms.

    Norms have no weight decay.
    """
    blocks = [p for p in model.model.layers.parameters() if p.ndim >= 2]
    inside = set(map(id, blocks))
    rest = [p for p in model.parameters() if id(p) not in inside]
    muon = Muon(
        blocks,
        lr=recipe.matrix_learning_rate,
        momentum=recipe.matrix_momentum,
        weight_decay=recipe.matrix_weight_decay,
    )
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim >= 2], "weight_decay": recipe.weight_decay},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=recipe.peak_learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        fused=True,
    )
    for optimizer in (muon, adamw):
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return Optimizers(muon, adamw)
