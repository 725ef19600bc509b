"""The last stage of pretraining: a question at the end of thousands of tokens of instructions.

Rows of pretraining hold 384 tokens; the cookbook's prompt distillation asks with over three
thousand. A model that never saw such distances answers with noise. So for a few steps it gets
ordinary rows together with that prompt, cut to lengths from short to whole, and sentences of our
own generator to classify. Loss on the long texts is taken on the reply alone. Run it on a finished
run's model: `python -m shared.models.base.long_stage RUN/model`.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import Qwen3ForCausalLM

from shared.data.languages import text_with_language
from shared.models.base import network, tokenizer
from shared.models.base.corpus.mix import DEFAULT_VARIANT
from shared.models.base.packing import Rows
from shared.models.base.pretrain import loss_of
from shared.models.base.progress import bar


@dataclass(frozen=True, kw_only=True)
class LongStage:
    """The numbers of the stage. `rows` and `texts` are of one step."""

    steps: int = 400
    rows: int = 12
    row_length: int = 384
    texts: int = 2
    shortest: int = 60
    """Tokens of the shortest cut; lengths are log-uniform from here to the whole prompt."""
    longest: int = 8192
    weight: float = 0.5
    """Of the long texts' loss, against 1 for the ordinary rows'."""
    learning_rate: float = 1e-3
    seed: int = 0
    variant: str = DEFAULT_VARIANT
    first_document: int = 5_000_000
    """Ordinary documents are taken from here on, where no run gets to."""


@cache
def _tokenizer() -> Tokenizer:
    return tokenizer.build()


def _ids(text: str) -> list[int]:
    return _tokenizer().encode(text, add_special_tokens=False).ids


def classification(rng: random.Random, stage: LongStage) -> tuple[list[int], list[int]]:
    """Token ids of a prompt, the end of it at least, and of the reply.

    The prompt is what the cookbook's renderer `qwen3_5_disable_thinking` makes of it; a cut one
    loses its beginning.
    """
    from tinker_cookbook.recipes.prompt_distillation.create_data import (
        LANGUAGE_CLASSIFICATION_PROMPT,
    )

    text, code = text_with_language(rng)
    body = _ids(LANGUAGE_CLASSIFICATION_PROMPT.format(text=text).strip())
    # The text itself is never cut: it stands at the very end. One prompt in ten is whole.
    least = max(stage.shortest, len(_ids(text)) + 20)
    kept = int(math.exp(rng.uniform(math.log(least), math.log(max(least, len(body)) * 1.5))))
    closing = _ids("<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    prompt = [*_ids("<|im_start|>user\n"), *body[-min(kept, stage.longest) :], *closing]
    return prompt, _ids(f"Final Answer: {code}<|im_end|>")


def reply_loss(model: Qwen3ForCausalLM, prompt: list[int], reply: list[int]) -> Tensor:
    """Mean cross entropy of the reply after the prompt, nats a token."""
    device = next(model.parameters()).device
    ids = torch.tensor([prompt + reply], device=device)
    states = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    logits = model.lm_head(states[0, -len(reply) :])
    return functional.cross_entropy(logits.float(), ids[0, -len(reply) :])


def run(model: Qwen3ForCausalLM, stage: LongStage, *, quiet: bool = False) -> list[float]:
    """Train the model in place. Returns the long texts' mean loss of each step."""
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=stage.learning_rate, betas=(0.9, 0.95), weight_decay=0.1
    )
    rng = random.Random(stage.seed)
    rows = Rows(stage.row_length, stage.seed, stage.variant, next_document=stage.first_document)
    losses: list[float] = []
    with bar("long prompts", 0, stage.steps, quiet=quiet) as tick:
        for step in range(stage.steps):
            left = 1 - 0.95 * step / stage.steps
            for group in optimizer.param_groups:
                group["lr"] = stage.learning_rate * min(1.0, (step + 1) / 10) * left
            inputs, targets = (torch.from_numpy(a).to(device) for a in rows.batch(stage.rows))
            loss_of(model, inputs, targets).backward()
            losses.append(_long_backward(model, rng, stage))
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tick(step + 1, losses[-1])
    return losses


def _long_backward(model: Qwen3ForCausalLM, rng: random.Random, stage: LongStage) -> float:
    """Gradients of the step's long texts, added to those there; their mean loss."""
    total = 0.0
    for _ in range(stage.texts):
        loss = reply_loss(model, *classification(rng, stage))
        (loss * (stage.weight / stage.texts)).backward()
        total += loss.item()
    return total / stage.texts


def main(argv: list[str] | None = None) -> int:
    """The command line: change a model directory in place, its weights by one rename."""
    parser = argparse.ArgumentParser(prog="python -m shared.models.base.long_stage")
    parser.add_argument("model", type=Path, help="a model directory, such as RUN/model")
    parser.add_argument("--steps", type=int, default=LongStage().steps)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    if not (given.model / "config.json").is_file():
        print(f"long_stage: {given.model} is no model directory.", file=sys.stderr)
        return 2
    model = Qwen3ForCausalLM.from_pretrained(
        given.model, dtype=torch.float32, local_files_only=True
    )
    losses = run(model, LongStage(steps=given.steps))
    network.export(model, given.model)
    print(f"loss of the replies: {losses[0]:.3f} at first, {losses[-1]:.3f} at last")
    return 0


if __name__ == "__main__":
    sys.exit(main())
