"""The rival: plain torch, peft and transformers in a process of its own, one thread.

Reads a command a line on stdin ("train", "merge", "sample") and answers with a line of JSON:
wall and CPU seconds of it, and the tokens it made. Started by `benchmarks/service.py`, which sends
the work to be done in the first line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional as F
from transformers import AutoModelForCausalLM
from transformers.utils import logging

TARGETS = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
    "lm_head",
]


class Rival:
    """The loop anybody would write: one padded batch, AdamW, generate."""

    def __init__(self, work: dict[str, Any]) -> None:
        torch.set_num_threads(1)
        base = AutoModelForCausalLM.from_pretrained(work["model"], dtype=torch.float32)
        config = LoraConfig(r=work["rank"], lora_alpha=32, target_modules=TARGETS)
        self.model: Any = get_peft_model(base, config)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, lr=work["learning_rate"], betas=(0.9, 0.95), eps=1e-12, weight_decay=0.0
        )
        self.tokens = torch.tensor(work["sequences"])
        self.prompts: list[list[int]] = work["prompts"]
        self.samples: int = work["samples"]
        self.max_tokens: int = work["max_tokens"]

    def train(self) -> int:
        """One step; returns the tokens trained on."""
        self.model.train()
        logits = self.model(self.tokens[:, :-1], use_cache=False).logits
        targets = self.tokens[:, 1:]
        F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return targets.numel()

    def merge(self) -> int:
        """Put the adapter into the weights for good."""
        self.model = self.model.merge_and_unload().eval()
        # No end of text: both sides decode the same number of tokens.
        self.model.generation_config.eos_token_id = None
        return 0

    def sample(self) -> int:
        """All completions as one left-padded batch; returns the tokens sampled."""
        longest = max(map(len, self.prompts))
        rows = [[0] * (longest - len(p)) + p for p in self.prompts]
        mask = [[0] * (longest - len(p)) + [1] * len(p) for p in self.prompts]
        out = self.model.generate(
            torch.tensor(rows).repeat_interleave(self.samples, 0),
            attention_mask=torch.tensor(mask).repeat_interleave(self.samples, 0),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            max_new_tokens=self.max_tokens,
            pad_token_id=0,
        )
        return out[:, longest:].numel()


def main() -> None:
    """Serve commands until stdin ends."""
    logging.set_verbosity_error()
    rival = Rival(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        command = {"train": rival.train, "merge": rival.merge, "sample": rival.sample}[line.strip()]
        wall, cpu = time.perf_counter(), time.process_time()
        tokens = command()
        answer = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "tokens": tokens,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
