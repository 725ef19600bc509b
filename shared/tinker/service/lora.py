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

    Several adapters stand side by side under names; `use` chooses one, which touches no weights.
    """

    def __init__(self, base: BaseModel) -> None:
        shared = [*base.model.parameters(), *base.model.buffers()]
        self.model = copy.deepcopy(base.model, memo={id(tensor): tensor for tensor in shared})
        self._current: str | None = None

    def attach(self, name: str, adapter: Adapter) -> None:
        """Put `adapter`'s own tensors under `name` and let them collect gradients."""
        config = LoraConfig(
            r=adapter.spec.rank, lora_alpha=ALPHA, target_modules=list(adapter.weights)
        )
        model = cast(Any, self.model)
        if hasattr(model, "peft_config"):
            del model.peft_config  # else peft warns about the neighbours, which are intended
        with torch.random.fork_rng(devices=[]):
            # peft draws an A of its own, which is replaced; no one else's draws may shift.
            inject_adapter_in_model(config, self.model, name, low_cpu_mem_usage=True)
        for path, (a, b) in adapter.weights.items():
            layer = cast(Any, self.model.get_submodule(path))
            layer.lora_A[name].weight = _parameter(a)
            layer.lora_B[name].weight = _parameter(b)
        self._current = None

    def adapter(self, name: str, spec: LoraSpec) -> Adapter:
        """The adapter under `name`: the parameters themselves, not copies."""
        return Adapter(
            spec=spec,
            weights={
                path: (layer.lora_A[name].weight, layer.lora_B[name].weight)
                for path, layer in self._layers()
                if name in layer.lora_A
            },
        )

    def detach(self, name: str) -> None:
        """Forget an adapter."""
        for _, layer in self._layers():
            if name in layer.lora_A:
                layer.delete_adapter(name)
        self._current = None

    def use(self, name: str) -> nn.Module:
        """The model with `name`'s adapter active and no other."""
        if self._current != name:
            for _, layer in self._layers():
                layer.set_adapter(name)
            self._current = name
        return self.model

    def _layers(self) -> list[tuple[str, Any]]:
        return [(path, m) for path, m in self.model.named_modules() if isinstance(m, LoraLayer)]


def _parameter(tensor: Tensor) -> nn.Parameter:
    return tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor)
