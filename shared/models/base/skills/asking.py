"""Questions put to a model in batches, through the cookbook's renderers.

Sampling is at temperature 1 from the whole vocabulary, from a seed; greedy otherwise. This is
plain transformers generation: speed is the embedded service's business.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tinker_cookbook.renderers import Renderer, get_renderer, get_text_content
from tinker_cookbook.renderers.base import Message
from transformers import AutoModelForCausalLM

from shared.models.base import tokenizer as tokenizers
from shared.models.base.corpus.document import Turn

RENDERERS = ("qwen3", "qwen3_disable_thinking", "qwen3_instruct", "llama3", "role_colon")
"""Every format the model has seen."""
DEFAULT_RENDERER = "qwen3_instruct"
BATCH = 100


@dataclass(frozen=True)
class Asked:
    """A model and its tokenizer, ready to be asked."""

    model: Any
    tokenizer: Any

    @classmethod
    def load(cls, folder: Path) -> Asked:
        """The model in `folder`, float32, with the hub left alone."""
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        return cls(model.eval(), tokenizers.load(folder))

    def renderer(self, name: str = DEFAULT_RENDERER) -> Renderer:
        """The cookbook's renderer of that name."""
        return get_renderer(name, self.tokenizer)

    def answers(
        self,
        conversations: Sequence[Sequence[Turn]],
        *,
        sampled: bool,
        max_tokens: int,
        renderer: str = DEFAULT_RENDERER,
        seed: int = 0,
    ) -> list[str]:
        """The text of one answer to each conversation, thoughts left out."""
        chosen = self.renderer(renderer)
        # Replies cut off by max_tokens are meant to be counted as they are, without a warning.
        logging.getLogger("tinker_cookbook").setLevel(logging.ERROR)
        prompts = [chosen.build_generation_prompt(_messages(c)).to_ints() for c in conversations]
        found: list[str] = []
        for start in range(0, len(prompts), BATCH):
            batch = prompts[start : start + BATCH]
            for ids in self._generate(batch, sampled, max_tokens, chosen, seed + start):
                found.append(get_text_content(chosen.parse_response(ids)[0]))
        return found

    def _generate(
        self,
        prompts: list[list[int]],
        sampled: bool,
        max_tokens: int,
        renderer: Renderer,
        seed: int,
    ) -> list[list[int]]:
        """New ids of each prompt, up to and with the stop, which is a token or a string."""
        width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        stops = renderer.get_stop_sequences()
        tokens = [stop for stop in stops if isinstance(stop, int)]
        strings = [stop for stop in stops if isinstance(stop, str)]
        drawing: dict[str, Any] = {"do_sample": False}
        if sampled:
            drawing = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
        if strings:
            drawing |= {"stop_strings": strings, "tokenizer": self.tokenizer}
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            out = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max_tokens,
                eos_token_id=tokens or self.tokenizer.eos_token_id,
                pad_token_id=pad,
                **drawing,
            )
        rows = out[:, width:].tolist()
        return [_without_padding(row, pad) for row in rows]


def _without_padding(row: list[int], pad: int) -> list[int]:
    while row and row[-1] == pad:
        row.pop()
    return row


def _messages(turns: Sequence[Turn]) -> list[Message]:
    return [Message(role=turn.role, content=turn.text) for turn in turns]
