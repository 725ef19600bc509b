"""Pretrain the base model on the corpus: `python -m shared.models.base.pretrain --out DIR`.

A run that was stopped goes on where its last state stands, with the same rows and, on the same
machine and settings, the same weights. At the end DIR/model is a model directory. There is no
distributed training and no search for better numbers: the recipe is the shipped model's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import Qwen3ForCausalLM

from shared.models.base import network, optimizer, run_state
from shared.models.base.corpus.mix import VARIANTS
from shared.models.base.packing import IGNORE, Rows
from shared.models.base.progress import bar
from shared.models.base.recipe import Recipe

HELD_OUT_SEED = 1_000_000
"""Seed of the corpus the final loss is measured on; no run trains on it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a run is carried out. None of this belongs to the recipe."""

    out: Path
    stop_after: int | None = None
    """Stop at this step, with the state saved, as if interrupted."""
    save_every: int = 100
    device: str = "auto"
    bf16: bool | None = None
    """Matrix products in bfloat16; None: on a GPU."""
    compile: bool = False
    long_stage: bool = True
    """Whether the last stage, on long prompts, follows the recipe's last step."""
    quiet: bool = False

    def torch_device(self) -> torch.device:
        """The device, `auto` resolved: a GPU where there is one."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


def loss_of(model: Qwen3ForCausalLM, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy in nats a token; int64 (rows, length) each, `IGNORE` counts not."""
    logits = model(input_ids=inputs, use_cache=False).logits
    return functional.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORE
    )


def held_out_loss(model: Qwen3ForCausalLM, recipe: Recipe, batches: int = 20) -> float:
    """Mean loss on the corpus of another seed, float32, nats a token."""
    rows = Rows(recipe.row_length, HELD_OUT_SEED, recipe.variant)
    device = next(model.parameters()).device
    losses: list[float] = []
    with torch.no_grad():
        for _ in range(batches):
            inputs, targets = (torch.from_numpy(a).to(device) for a in rows.batch(recipe.rows))
            losses.append(loss_of(model, inputs, targets).item())
    return sum(losses) / len(losses)


def pretrain(recipe: Recipe, settings: Settings) -> run_state.Progress:
    """Run the recipe, or go on with it, until its end or `settings.stop_after`.

    Raises:
        RunStateError: what stands in `settings.out` cannot be gone on from.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    device = settings.torch_device()
    bf16 = device.type == "cuda" if settings.bf16 is None else settings.bf16
    model = network.new_model(recipe.seed)
    model.to(device)  # pyright: ignore[reportArgumentType]
    optimizers = optimizer.make(model, recipe)
    rows = Rows(recipe.row_length, recipe.seed, recipe.variant)
    progress = run_state.restore(settings.out, recipe, model, optimizers, rows)
    last = min(recipe.steps, settings.stop_after or recipe.steps)
    step_loss: Callable[..., Tensor] = torch.compile(loss_of) if settings.compile else loss_of
    started = time.monotonic() - progress.seconds
    with bar("pretraining", progress.step, last, quiet=settings.quiet) as tick:
        while progress.step < last:
            inputs, targets = (torch.from_numpy(a).to(device) for a in rows.batch(recipe.rows))
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                loss = step_loss(model, inputs, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizers.step(recipe.fraction(progress.step))
            progress.losses.append(loss.item())
            progress.step += 1
            progress.seconds = time.monotonic() - started
            tick(progress.step, progress.losses[-1])
            if progress.step % settings.save_every == 0 or progress.step == last:
                run_state.save(settings.out, recipe, progress, model, optimizers, rows)
    if progress.step == recipe.steps:
        _finish(model, recipe, settings)
    return progress


def _finish(model: Qwen3ForCausalLM, recipe: Recipe, settings: Settings) -> None:
    from shared.models.base import long_stage  # it trains with this module's loss

    if settings.long_stage:
        stage = long_stage.LongStage(variant=recipe.variant)
        long_stage.run(model, stage, quiet=settings.quiet)
    network.export(model, settings.out / "model")
    _say(f"held-out loss {held_out_loss(model, recipe):.4f}", quiet=settings.quiet)


def _say(text: str, *, quiet: bool) -> None:
    if not quiet:
        print(text, flush=True)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m shared.models.base.pretrain")
    parser.add_argument("--out", type=Path, required=True, help="where state and model are written")
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--variant", choices=list(VARIANTS), default=default.variant)
    parser.add_argument("--stop-after", type=int, help="stop at this step; run again to go on")
    parser.add_argument("--save-every", type=int, default=100, help="steps between two states")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--no-long-stage", action="store_true", help="leave the long prompts out")
    parser.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="matrix products in bfloat16, by default on a GPU only: a CPU without instructions "
        "for it is ten times slower",
    )
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler on a CPU")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    given = _arguments(argv)
    torch.set_num_threads(given.threads)
    settings = Settings(
        out=given.out,
        stop_after=given.stop_after,
        save_every=given.save_every,
        device=given.device,
        bf16=given.bf16,
        compile=given.compile,
        long_stage=not given.no_long_stage,
    )
    try:
        recipe = Recipe(steps=given.steps, seed=given.seed, variant=given.variant)
        pretrain(recipe, settings)
    except ValueError as error:
        print(f"pretrain: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
