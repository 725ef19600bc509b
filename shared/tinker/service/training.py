"""One LoRA model in training: gradients that add up, AdamW, and nothing left behind by a failure.

A call computes its gradient aside and adds it only when every number in it is finite, so a call
that fails changes nothing. Leaves out HTTP, names and folders (`engine`), and checks of the
request (`checking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shared.tinker.errors import UserError
from shared.tinker.service.base_model import BaseModel
from shared.tinker.service.batching import micro_batches
from shared.tinker.service.logprobs import target_logprobs
from shared.tinker.service.lora import Adapter, LoraShell
from shared.tinker.service.losses import compute_loss
from shared.tinker.service.types import AdamParams, Datum, LossBatch, LossResult

TOKEN_BUDGET = {"cpu": 2048, "cuda": 16384}
"""Padded tokens of one micro-batch: on a CPU what stays in its caches, on a GPU what fills it."""

_DIVERGED = (
    "Often the model has diverged: load an earlier checkpoint and use a smaller learning rate or "
    "gradient clipping. The gradients are as before this call."
)


@dataclass(frozen=True, kw_only=True)
class OptimizerState:
    """AdamW's state: steps taken and both moments, float32, shaped like the parameters."""

    step: int
    first: Sequence[Tensor]
    second: Sequence[Tensor]


class TrainedModel:
    """A LoRA model: an adapter that takes turns in a shell, its gradients and its optimizer.

    `adapter`'s tensors become the parameters; the caller must not use them elsewhere.
    """

    def __init__(self, base: BaseModel, shell: LoraShell, adapter: Adapter) -> None:
        self.base = base
        self._shell = shell
        self.adapter = adapter.trainable()
        self._parameters = self.adapter.parameters()
        self._gradients: list[Tensor] | None = None
        self._optimizer = self._fresh_optimizer()

    def _fresh_optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(self._parameters, foreach=True)

    def close(self) -> None:
        """Leave the shell; the model cannot be used afterwards."""
        self._shell.release(self.adapter)

    def forward_backward(self, batch: LossBatch, settings: Mapping[str, float]) -> LossResult:
        """Loss, log-probabilities and, with `batch.backward`, the gradient added to the others'.

        Args:
            batch: checked by `checking.check_batch`.
            settings: of the loss, all of them.

        Raises:
            UserError: a loss or gradient that is not finite; nothing is added then.
        """
        model = self._shell.use(self.adapter)
        lengths = [len(datum.tokens) for datum in batch.data]
        logprobs: list[Tensor | None] = [None] * len(lengths)
        total = 0.0
        gradients: list[Tensor] | None = None
        for group in micro_batches(lengths, budget=TOKEN_BUDGET[self.base.device.type]):
            with torch.set_grad_enabled(batch.backward):
                found = target_logprobs(model, [batch.data[i] for i in group], self.base.device)
                losses = self._losses(batch, settings, group, found)
            total += float(losses.detach().double().sum())
            if batch.backward:
                fresh = torch.autograd.grad(losses.sum(), self._parameters)
                gradients = _added(gradients, fresh)
            for index, values in zip(group, found, strict=True):
                logprobs[index] = values.detach().cpu()
        if gradients is not None:
            self._keep(gradients)
        arrays = [values.numpy() for values in logprobs if values is not None]
        return LossResult(logprobs=arrays, metrics={"loss:sum": total})

    def _losses(
        self,
        batch: LossBatch,
        settings: Mapping[str, float],
        group: Sequence[int],
        logprobs: Sequence[Tensor],
    ) -> Tensor:
        losses = torch.stack(
            [
                compute_loss(
                    batch.loss_fn, values, _tensors(batch.data[i], self.base.device), settings
                )
                for i, values in zip(group, logprobs, strict=True)
            ]
        )
        finite = losses.isfinite()
        if not bool(finite.all()):
            row = int((~finite).nonzero()[0])
            raise UserError(
                f"Datum {group[row]}: the loss {batch.loss_fn!r} is {losses[row].item()}. Check "
                f"that its logprobs come from this model's samples. {_DIVERGED}"
            )
        return losses

    def _keep(self, gradients: list[Tensor]) -> None:
        if not bool(_norm(gradients).isfinite()):
            raise UserError(f"The gradient of this batch is not finite. {_DIVERGED}")
        self._gradients = _added(self._gradients, gradients)

    def gradients(self) -> list[Tensor] | None:
        """What has been gathered since the last step, in the order of `adapter.parameters()`."""
        return self._gradients

    def optim_step(self, adam: AdamParams) -> dict[str, float]:
        """One AdamW step on the gathered gradient (zeros when there is none); then none is left.

        Loshchilov and Hutter 2019, arXiv:1711.05101: decay is decoupled and scaled by the learning
        rate. Clipping scales the gradient to global norm `grad_clip_norm` when it is longer.

        Returns:
            `grad_norm:mean`, the global L2 norm before clipping.
        """
        gradients = self._gradients or [torch.zeros_like(p) for p in self._parameters]
        norm = _norm(gradients)
        if not bool(norm.isfinite()):
            raise UserError(f"The gathered gradient is too large to be stepped on. {_DIVERGED}")
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        if adam.grad_clip_norm > 0:
            nn.utils.clip_grads_with_norm_(self._parameters, adam.grad_clip_norm, norm)
        for settings in self._optimizer.param_groups:
            settings.update(
                lr=adam.learning_rate,
                betas=(adam.beta1, adam.beta2),
                eps=adam.eps,
                weight_decay=adam.weight_decay,
            )
        self._optimizer.step()
        self._clear_gradients()
        return {"grad_norm:mean": float(norm)}

    def _clear_gradients(self) -> None:
        self._gradients = None
        for parameter in self._parameters:
            parameter.grad = None

    def optimizer_state(self) -> OptimizerState:
        """A view of the optimizer's state, in the order of `adapter.parameters()`."""
        states = [self._optimizer.state.get(p, {}) for p in self._parameters]

        def moments(name: str) -> list[Tensor]:
            pairs = zip(states, self._parameters, strict=True)
            return [state[name] if state else torch.zeros_like(p) for state, p in pairs]

        step = int(states[0]["step"]) if states[0] else 0
        return OptimizerState(step=step, first=moments("exp_avg"), second=moments("exp_avg_sq"))

    def restore(self, adapter: Adapter, optimizer: OptimizerState | None) -> None:
        """Take over an adapter of the same shape, and an optimizer state or a fresh one.

        Gathered gradients are dropped: they belong to the weights that were here before.
        """
        with torch.no_grad():
            for parameter, value in zip(self._parameters, adapter.parameters(), strict=True):
                parameter.copy_(value)
        self._clear_gradients()
        self._optimizer = self._fresh_optimizer()
        if optimizer is None or optimizer.step == 0:
            return
        for parameter, first, second in zip(
            self._parameters, optimizer.first, optimizer.second, strict=True
        ):
            self._optimizer.state[parameter] = {
                "step": torch.tensor(float(optimizer.step)),
                "exp_avg": first.to(parameter.device).clone(),
                "exp_avg_sq": second.to(parameter.device).clone(),
            }


def _tensors(datum: Datum, device: torch.device) -> dict[str, Tensor]:
    return {
        name: torch.tensor(values, dtype=torch.float32, device=device)
        for name, values in datum.inputs.items()
        if name != "target_tokens"
    }


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    return nn.utils.get_total_norm(gradients)


def _added(there: list[Tensor] | None, fresh: Sequence[Tensor]) -> list[Tensor]:
    if there is None:
        return list(fresh)
    for gradient, more in zip(there, fresh, strict=True):
        gradient.add_(more)
    return there
