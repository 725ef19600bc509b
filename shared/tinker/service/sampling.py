"""The samplers of an engine: each a base model with an adapter or without, merged when first used.

Merging adds ALPHA / r B A to the base's weights once, so that decoding pays nothing for LoRA.
Merged weights of the samplers used last stay in memory up to a bound; the others keep their
adapter and are merged again when they are used. Leaves out: loading adapters from disk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from shared.tinker.errors import NotFoundError
from shared.tinker.service.base_model import BaseModel
from shared.tinker.service.decode import Run
from shared.tinker.service.lora import Adapter
from shared.tinker.service.transformer import Weights, base_weights, merge

MERGED_BYTES = 1 << 30
"""Memory for merged weights. What is in use stays, however large it is."""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """What is sampled from. The adapter is the sampler's own: nothing may change it."""

    base: BaseModel
    adapter: Adapter | None

    def merged(self, weights: Weights) -> Weights:
        """The base's fused `weights` with the adapter in them."""
        if self.adapter is None:
            return weights
        scaling = self.adapter.scaling

        def delta(a: Tensor, b: Tensor) -> Callable[[], Tensor]:
            return lambda: scaling * (b.float() @ a.float())

        return merge(weights, {p: delta(a, b) for p, (a, b) in self.adapter.weights.items()})


class Samplers:
    """All samplers of an engine by id."""

    def __init__(self, merged_bytes: int = MERGED_BYTES) -> None:
        self._samplers: dict[str, Sampler] = {}
        self._bases: dict[int, tuple[object, Weights]] = {}
        """By the model's id; the model is held so that no other one gets its id."""
        self._merged: OrderedDict[str, Weights] = OrderedDict()
        self._merged_bytes = merged_bytes

    def open(self, sampler_id: str, base: BaseModel, adapter: Adapter | None = None) -> None:
        """Register a sampler; one of that id that is there is replaced.

        Args:
            sampler_id: any name.
            base: stays in memory as long as this object, whoever else lets go of it.
            adapter: handed over: give a copy of one that is being trained.
        """
        self.close(sampler_id)
        self._samplers[sampler_id] = Sampler(base=base, adapter=adapter)

    def snapshot(self, sampler_id: str, base: BaseModel, adapter: Adapter) -> None:
        """Register a sampler over a copy of `adapter` as it is now."""
        self.open(sampler_id, base, adapter.copy())

    def close(self, sampler_id: str) -> None:
        """Forget a sampler; unknown ids are ignored. Runs on it go on."""
        self._samplers.pop(sampler_id, None)
        self._merged.pop(sampler_id, None)

    def run(self, sampler_id: str) -> Run:
        """A fresh, idle run on a sampler. Raises NotFoundError for an unknown id."""
        sampler = self._samplers.get(sampler_id)
        if sampler is None:
            raise NotFoundError(
                f"There is no sampler {sampler_id!r} here: it was closed, or its session ended. "
                "Create a new sampling client."
            )
        return Run(sampler.base, self._weights(sampler_id, sampler))

    def _weights(self, sampler_id: str, sampler: Sampler) -> Weights:
        model = sampler.base.model
        if id(model) not in self._bases:
            self._bases[id(model)] = (model, base_weights(model))
        weights = self._merged.pop(sampler_id, None)
        if weights is None:
            weights = sampler.merged(self._bases[id(model)][1])
        self._merged[sampler_id] = weights
        self._evict()
        return weights

    def _evict(self) -> None:
        held = sum(weights.own_bytes for weights in self._merged.values())
        while held > self._merged_bytes and len(self._merged) > 1:
            _, oldest = self._merged.popitem(last=False)
            held -= oldest.own_bytes
