"""Small random models and the plain-transformers answers that sampling tests compare with."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from shared.tinker.service.base_model import BaseModel
from shared.tinker.service.decode import Limits, Run
from shared.tinker.service.transformer import base_weights
from shared.tinker.service.types import SampleJob, SampleResult, SamplingParams

VOCAB = 96
CONTEXT = 128
EOS = 1
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": False,
    "eos_token_id": EOS,
    "bos_token_id": None,
    "pad_token_id": 0,
}


class ByteTokenizer:
    """Token i is byte 32 + i; from 64 on come pieces of several bytes, whole and broken."""

    pieces = (b"ab", b"ba", b"\xe2", b"\x82", b"\xac", b"\xe2\x82", b"", b"END", b"N", b"D\n")
    eos_token_id = EOS

    def bytes_of(self, token: int) -> bytes:
        return bytes([32 + token]) if token < 64 else self.pieces[(token - 64) % len(self.pieces)]

    def decode(self, tokens: list[int], **_: Any) -> str:
        return b"".join(map(self.bytes_of, tokens)).decode("utf-8", errors="replace")


def random_model(kind: str = "qwen3", seed: int = 0) -> Any:
    torch.manual_seed(seed)
    if kind == "qwen3":
        model = Qwen3ForCausalLM(Qwen3Config(**SIZES))
    elif kind == "llama":
        model = LlamaForCausalLM(LlamaConfig(**SIZES, attention_bias=True))
    else:  # llama3's stretched rotary embedding
        rope = {
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 4.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        }
        model = LlamaForCausalLM(LlamaConfig(**SIZES, rope_parameters=rope))
    for parameter in model.parameters():
        # Initial weights give nearly uniform tokens; larger ones give a peaked distribution.
        if parameter.dim() > 1:
            parameter.data.mul_(8)
        else:
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model.eval().requires_grad_(False)


def base_of(model: Any) -> BaseModel:
    return BaseModel(
        name="random",
        model=copy.deepcopy(model),
        tokenizer=ByteTokenizer(),  # pyright: ignore[reportArgumentType]
        device=torch.device("cpu"),
        dtype=torch.float32,
        eos_ids=(EOS,),
        max_context=CONTEXT,
        vocab_size=VOCAB,
        tied=False,
    )


def new_run(base: BaseModel, limits: Limits | None = None) -> Run:
    return Run(base, base_weights(base.model), limits)


def job(name: str, prompt: list[int], samples: int = 1, **fields: Any) -> SampleJob:
    scores = {k: fields.pop(k) for k in ("prompt_logprobs", "topk_prompt_logprobs") if k in fields}
    fields.setdefault("max_tokens", 12)
    fields.setdefault("seed", 7)
    return SampleJob(
        job_id=name,
        prompt=np.array(prompt, np.int64),
        num_samples=samples,
        params=SamplingParams(**fields),
        **scores,
    )


def finish(run: Run, *jobs: SampleJob) -> dict[str, SampleResult]:
    run.add(jobs)
    results: dict[str, SampleResult] = {}
    while not run.idle:
        for result in run.step():
            assert result.job_id not in results
            results[result.job_id] = result
    return results


def tokens_of(result: SampleResult) -> list[list[int]]:
    return [completion.tokens.tolist() for completion in result.completions]


def logprobs_after(model: Any, tokens: list[int], temperature: float = 1.0) -> torch.Tensor:
    """Row i: log-probabilities of what follows tokens[: i + 1], float64, by transformers."""
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0]
    return torch.log_softmax(logits.double() / temperature, dim=-1)


def prompts(count: int, seed: int = 0, shortest: int = 1, longest: int = 20) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, count)
    return [rng.integers(2, VOCAB, length).tolist() for length in lengths]
