"""LoRA adapters over one frozen base: what one is, how it starts, and how models take turns.

y = W x + (ALPHA / r) B A x (Hu et al. 2021, arXiv:2106.09685), on the layers the client chose.
peft holds the layers; a `LoraShell` is a copy of the base's modules that shares its weights, so
the base itself stays as loaded. Leaves out: dropout, biases, adapters on embeddings.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service.base_model import BaseModel
from shared.tinker.service.types import ALPHA, LoraSpec

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
UNEMBED = "lm_head"


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The weights of one LoRA model, float32, on the base's device.

    `weights` maps a module's path ("model.layers.0.self_attn.q_proj", "lm_head") to A (r, in) and
    B (out, r), in the order of the model's modules.
    """

    spec: LoraSpec
    weights: Mapping[str, tuple[Tensor, Tensor]]

    @property
    def scaling(self) -> float:
        """What B A is multiplied by: ALPHA / rank."""
        return ALPHA / self.spec.rank

    def parameters(self) -> list[Tensor]:
        """All A and B in order: A, B, A, B, ..."""
        return [matrix for pair in self.weights.values() for matrix in pair]

    def trainable(self) -> Adapter:
        """An adapter over the same memory whose tensors are `nn.Parameter`s."""
        weights: dict[str, tuple[Tensor, Tensor]] = {
            path: (nn.Parameter(a), nn.Parameter(b)) for path, (a, b) in self.weights.items()
        }
        return Adapter(spec=self.spec, weights=weights)

    def copy(self) -> Adapter:
        """An independent adapter with the same values, without gradients."""
        weights = {
            path: (a.detach().clone(), b.detach().clone()) for path, (a, b) in self.weights.items()
        }
        return Adapter(spec=self.spec, weights=weights)


def target_shapes(base: BaseModel, spec: LoraSpec) -> dict[str, tuple[int, int]]:
    """Paths of the linear layers that `spec` trains, each with its (out, in).

    Raises:
        UserError: nothing is trained, or the rank is no positive number.
        UnsupportedError: the output layer of a tied model: exports of it come out wrong, because
            the cookbook writes the adapter to the embedding, where peft does not read it.
    """
    if spec.rank < 1:
        raise UserError(f"A LoRA rank must be 1 or more; got {spec.rank}.")
    if spec.train_unembed and base.tied:
        raise UnsupportedError(
            f"{base.name!r} shares one matrix between embedding and output layer, so its output "
            "layer cannot be trained alone and exported. Create the model with "
            "train_unembed=False."
        )
    wanted = (*ATTENTION * spec.train_attn, *MLP * spec.train_mlp, *(UNEMBED,) * spec.train_unembed)
    if not wanted:
        raise UserError(
            "train_attn, train_mlp and train_unembed are all False, so nothing would be trained. "
            "Set at least one."
        )
    return {
        path: (module.out_features, module.in_features)
        for path, module in base.model.named_modules()
        if isinstance(module, nn.Linear) and path.rpartition(".")[2] in wanted
    }


def new_adapter(base: BaseModel, spec: LoraSpec) -> Adapter:
    """A fresh adapter: A Kaiming-uniform (a = sqrt 5, as peft's) from `spec.seed`, B zero.

    Without a seed torch's own entropy decides. The same seed gives the same A on every device.
    """
    generator = torch.Generator()
    if spec.seed is None:
        generator.seed()
    else:
        generator.manual_seed(spec.seed % 2**63)
    weights: dict[str, tuple[Tensor, Tensor]] = {}
    for path, (rows, columns) in target_shapes(base, spec).items():
        a = torch.empty(spec.rank, columns)
        nn.init.kaiming_uniform_(a, a=5**0.5, generator=generator)
        weights[path] = (a.to(base.device), torch.zeros(rows, spec.rank, device=base.device))
    return Adapter(spec=spec, weights=weights)


class LoraShell:
    """The base's modules once more, with peft layers in them; the base's weights are shared.

    Adapters take turns: there is one set of peft layers for each rank and choice of layers, and
    `use` puts an adapter's tensors into it, which copies nothing.
    """

    def __init__(self, base: BaseModel) -> None:
        shared = [*base.model.parameters(), *base.model.buffers()]
        self.model = copy.deepcopy(base.model, memo={id(tensor): tensor for tensor in shared})
        self._slots: dict[tuple[int, tuple[str, ...]], str] = {}
        self._active: str | None = None
        self._current: Adapter | None = None

    def use(self, adapter: Adapter) -> nn.Module:
        """The model with `adapter` in it and no other; its tensors must be `nn.Parameter`s."""
        if self._current is adapter:
            return self.model
        slot = self._slot(adapter)
        if slot != self._active:
            for module in self.model.modules():
                if isinstance(module, LoraLayer):
                    module.set_adapter(slot)
            self._active = slot
        for path, (a, b) in adapter.weights.items():
            layer = cast(Any, self.model.get_submodule(path))
            # peft switches gradients off for layers that are not active, so they are switched on.
            layer.lora_A[slot].weight = a.requires_grad_()
            layer.lora_B[slot].weight = b.requires_grad_()
        self._current = adapter
        return self.model

    def release(self, adapter: Adapter) -> None:
        """Let go of an adapter that will not be used again."""
        if self._current is adapter:
            for path, pair in adapter.weights.items():
                layer = cast(Any, self.model.get_submodule(path))
                for matrices, tensor in zip((layer.lora_A, layer.lora_B), pair, strict=True):
                    matrices[self._active].weight = nn.Parameter(tensor.detach().to("meta"))
            self._current = None

    def _slot(self, adapter: Adapter) -> str:
        key = (adapter.spec.rank, tuple(adapter.weights))
        if key in self._slots:
            return self._slots[key]
        name = f"slot{len(self._slots)}"
        config = LoraConfig(
            r=adapter.spec.rank, lora_alpha=ALPHA, target_modules=list(adapter.weights)
        )
        model = cast(Any, self.model)
        if hasattr(model, "peft_config"):
            del model.peft_config  # else peft warns about the neighbours, which are intended
        with torch.random.fork_rng(devices=[]):
            # peft draws an A of its own, which is replaced; no one else's draws may shift.
            inject_adapter_in_model(config, model, name, low_cpu_mem_usage=True)
        self._slots[key] = name
        self._active = None
        return name
