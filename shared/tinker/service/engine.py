"""The engine: base models, LoRA models and samplers by name, on top of torch.

torch is imported at the first call that computes, so that the service can listen and refuse bad
requests before. `training` and `sampling` do the work; this module only finds the parts. One
thread owns it; `served`, `check_batch` and `check_sample` may be called from any.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shared.tinker.errors import (
    CheckpointError,
    NotFoundError,
    OverLimitError,
    TinkerKitError,
    UserError,
)
from shared.tinker.service.base_model import ModelConfig, load_base, read_config
from shared.tinker.service.catalogue import ModelSource
from shared.tinker.service.checking import check_adam, check_batch
from shared.tinker.service.sample_checks import check_job
from shared.tinker.service.types import (
    AdamParams,
    LoraSpec,
    LossBatch,
    LossResult,
    SampleJob,
    SamplingRun,
    ServedModel,
)

if TYPE_CHECKING:
    from shared.tinker.service.base_model import BaseModel
    from shared.tinker.service.lora import Adapter, LoraShell
    from shared.tinker.service.sampling import Samplers
    from shared.tinker.service.training import TrainedModel


@contextmanager
def _memory_errors() -> Generator[None]:
    """Torch tells of a full memory by a RuntimeError (its OutOfMemoryError is one)."""
    try:
        yield
    except RuntimeError as error:
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        raise OverLimitError(
            f"The batch does not fit into memory: {str(error).splitlines()[0]} "
            "Send shorter sequences, or serve a smaller model."
        ) from error


class TorchEngine:
    """Implements `types.Engine` for the models of `sources`.

    Args:
        sources: the catalogue. Names with the same location share one model in memory.
        device: `auto`, `cpu` or `cuda`.
    """

    def __init__(self, sources: Sequence[ModelSource], device: str = "auto") -> None:
        self._sources = {source.name: source for source in sources}
        self._device = device
        self._configs: dict[str, ModelConfig] = {}
        self._bases: dict[str, BaseModel] = {}
        self._shells: dict[str, LoraShell] = {}
        self._models: dict[str, TrainedModel] = {}
        self._samplers: Samplers | None = None

    # The catalogue and checks: no torch.

    def served(self) -> Sequence[ServedModel]:
        """The catalogue, from each model's config.json."""
        return [self._served(source) for source in self._sources.values()]

    def _served(self, source: ModelSource) -> ServedModel:
        config = self._config(source.name)
        return ServedModel(
            name=source.name,
            tokenizer_id=source.location,
            max_context=config.max_context,
            vocab_size=config.vocab_size,
            stand_in_for=source.stand_in_for,
        )

    def check_batch(self, base_model: str, batch: LossBatch) -> None:
        """Raise UserError for what forward_backward would refuse."""
        self._settings(base_model, batch)

    def check_sample(self, base_model: str, job: SampleJob) -> None:
        """Raise UserError for a job that cannot be sampled."""
        check_job(self._served(self._source(base_model)), job)

    def _settings(self, base_model: str, batch: LossBatch) -> dict[str, float]:
        config = self._config(base_model)
        return check_batch(batch, vocab_size=config.vocab_size, max_context=config.max_context)

    def _source(self, name: str) -> ModelSource:
        source = self._sources.get(name)
        if source is None:
            raise NotFoundError(
                f"No model {name!r} is served here. There are {', '.join(self._sources)}; start "
                "the service with --model to add one."
            )
        return source

    def _config(self, name: str) -> ModelConfig:
        source = self._source(name)
        if source.location not in self._configs:
            self._configs[source.location] = read_config(source)
        return self._configs[source.location]

    # Training.

    def warm(self) -> None:
        """Import torch and load the first model of the catalogue."""
        if self._sources:
            self._shell(self._base(next(iter(self._sources))))

    def _base(self, name: str) -> BaseModel:
        source = self._source(name)
        if source.location not in self._bases:
            import torch

            # On a busy machine more threads wait for one another at every operation.
            torch.set_num_threads(1)
            self._bases[source.location] = load_base(source, self._device)
        return replace(self._bases[source.location], name=name)

    def _shell(self, base: BaseModel) -> LoraShell:
        from shared.tinker.service.lora import LoraShell

        location = self._source(base.name).location
        if location not in self._shells:
            self._shells[location] = LoraShell(base)
        return self._shells[location]

    def create_model(self, model_id: str, base_model: str, lora: LoraSpec) -> None:
        """A new LoRA model.

        Raises:
            NotFoundError: no such base. UserError: the id is taken, or a spec that trains nothing.
            UnsupportedError: train_unembed on a model with tied embeddings (`lora`).
        """
        from shared.tinker.service.lora import new_adapter
        from shared.tinker.service.training import TrainedModel

        if model_id in self._models:
            raise UserError(f"Model {model_id!r} exists already. Use it, or another id.")
        base = self._base(base_model)
        self._models[model_id] = TrainedModel(base, self._shell(base), new_adapter(base, lora))

    def forget_model(self, model_id: str) -> None:
        """Free a model; unknown ids are ignored."""
        model = self._models.pop(model_id, None)
        if model is not None:
            model.close()

    def _model(self, model_id: str) -> TrainedModel:
        model = self._models.get(model_id)
        if model is None:
            raise NotFoundError(
                f"There is no model {model_id!r}: its session ended, or it was never created."
            )
        return model

    def forward_backward(self, model_id: str, batch: LossBatch) -> LossResult:
        """Loss, log-probabilities and gradient: `training.TrainedModel.forward_backward`."""
        model = self._model(model_id)
        settings = self._settings(model.base.name, batch)
        with _memory_errors():
            return model.forward_backward(batch, settings)

    def optim_step(self, model_id: str, adam: AdamParams) -> Mapping[str, float]:
        """One AdamW step: `training.TrainedModel.optim_step`."""
        model = self._model(model_id)
        check_adam(adam)
        return model.optim_step(adam)

    # Checkpoints.

    def save(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        """Write a model into `folder`: `archive.save_archive`."""
        from shared.tinker.service.archive import save_archive

        model = self._model(model_id)
        state = model.optimizer_state() if optimizer else None
        save_archive(folder, model.base.name, model.adapter, state)

    def load(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        """Put a checkpoint into a model; gathered gradients are dropped.

        Without `optimizer` AdamW starts afresh.

        Raises:
            CheckpointError: damaged, or of another shape. UserError: no optimizer state in it.
        """
        from shared.tinker.service.archive import load_optimizer

        model = self._model(model_id)
        adapter = self._read_adapter(model.base, folder, model.adapter.spec)
        model.restore(adapter, load_optimizer(folder, adapter) if optimizer else None)

    def read_spec(self, folder: Path) -> tuple[str, LoraSpec]:
        """Base model's name and adapter spec of a checkpoint: `archive.read_spec`."""
        from shared.tinker.service.archive import read_spec

        return read_spec(folder)

    def _read_adapter(self, base: BaseModel, folder: Path, expected: LoraSpec | None) -> Adapter:
        from shared.tinker.service.archive import load_adapter
        from shared.tinker.service.lora import target_shapes

        _, spec = self.read_spec(folder)
        if expected is not None and replace(spec, seed=expected.seed) != expected:
            raise CheckpointError(
                f"{folder.name} holds {replace(spec, seed=None)}, the model is "
                f"{replace(expected, seed=None)}. Create the model from the checkpoint."
            )
        try:
            shapes = target_shapes(base, spec)
        except TinkerKitError as error:
            raise CheckpointError(f"{folder.name} does not fit {base.name}: {error}") from error
        return load_adapter(folder, spec, shapes, base.device)

    # Samplers.

    def _sampling(self) -> Samplers:
        from shared.tinker.service.sampling import Samplers

        if self._samplers is None:
            self._samplers = Samplers()
        return self._samplers

    def open_sampler(self, sampler_id: str, base_model: str, folder: Path | None) -> None:
        """Register a sampler over a base, with a saved adapter when `folder` is given."""
        base = self._base(base_model)
        adapter = None if folder is None else self._read_adapter(base, folder, None)
        self._sampling().open(sampler_id, base, adapter)

    def snapshot_sampler(self, sampler_id: str, model_id: str) -> None:
        """Register a sampler over a copy of a model's adapter as it is now."""
        model = self._model(model_id)
        self._sampling().snapshot(sampler_id, model.base, model.adapter)

    def close_sampler(self, sampler_id: str) -> None:
        """Free a sampler; unknown ids are ignored."""
        if self._samplers is not None:
            self._samplers.close(sampler_id)

    def sampling_run(self, sampler_id: str) -> SamplingRun:
        """A fresh, idle run on a sampler. Raises NotFoundError for an unknown id."""
        return self._sampling().run(sampler_id)
