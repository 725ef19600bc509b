"""What is wrong with a sampling request, said before anything is computed. Needs no torch.

The limits here are the model's own; caps that protect the service are set elsewhere.
"""

from __future__ import annotations

import math

import numpy as np

from shared.tinker.errors import OverLimitError, UserError
from shared.tinker.service.types import SampleJob, SamplingParams, ServedModel


def check_job(model: ServedModel, job: SampleJob) -> None:
    """Refuse a job that cannot be sampled from `model`.

    `max_tokens` may exceed what the context leaves: the completion then ends at the end of the
    context with stop_reason "length". (Hosted Tinker refuses; the cookbook's recipes ask for
    thousands of tokens, which no tiny model has.)

    Raises:
        UserError: a value out of its range. OverLimitError: the prompt leaves no room.
    """
    _check_prompt(model, job)
    if job.num_samples < 0:
        raise UserError(f"num_samples is {job.num_samples}; ask for 1 or more.")
    if job.num_samples == 0 and not (job.prompt_logprobs or job.topk_prompt_logprobs):
        raise UserError(
            "num_samples is 0 and no prompt logprobs are asked for, so there is nothing to do. "
            "Ask for 1 sample or more."
        )
    if not 0 <= job.topk_prompt_logprobs <= model.vocab_size:
        raise UserError(
            f"topk_prompt_logprobs is {job.topk_prompt_logprobs}; it counts tokens, so it lies "
            f"between 0 and the vocabulary's {model.vocab_size}."
        )
    check_params(job.params, model.vocab_size)


def completion_limit(max_context: int, prompt_length: int, max_tokens: int) -> int:
    """Tokens a completion may have: `max_tokens`, or what the context leaves if that is less.

    At least one: the logits behind the prompt's last token are there anyway, and
    compute_logprobs asks for them on prompts that fill the context.
    """
    return min(max_tokens, max(1, max_context - prompt_length))


def _check_prompt(model: ServedModel, job: SampleJob) -> None:
    tokens = job.prompt
    if tokens.ndim != 1 or len(tokens) == 0:
        raise UserError(
            f"The prompt has shape {tokens.shape}; send one sequence of one token or more."
        )
    bad = np.flatnonzero((tokens < 0) | (tokens >= model.vocab_size))
    if len(bad):
        raise UserError(
            f"Prompt token {int(tokens[bad[0]])} at position {int(bad[0])} is none of "
            f"{model.name}'s: its ids run from 0 to {model.vocab_size - 1}. "
            "Encode the text with this model's tokenizer."
        )
    scored = job.prompt_logprobs or job.topk_prompt_logprobs > 0
    most = model.max_context if scored else model.max_context - 1
    if len(tokens) > most:
        raise OverLimitError(
            f"The prompt has {len(tokens)} tokens and {model.name}'s context holds "
            f"{model.max_context}, so nothing can be sampled behind it. Shorten the prompt."
        )


def check_params(params: SamplingParams, vocab_size: int) -> None:
    """Refuse sampling parameters that mean nothing. Raises UserError."""
    if params.max_tokens < 1:
        raise UserError(f"max_tokens is {params.max_tokens}; ask for 1 or more.")
    if not (math.isfinite(params.temperature) and params.temperature >= 0):
        raise UserError(
            f"temperature is {params.temperature}; it must be 0 (always the likeliest token) or a "
            "positive number."
        )
    if params.top_k != -1 and params.top_k < 1:
        raise UserError(f"top_k is {params.top_k}; give 1 or more, or -1 for no limit.")
    if not 0 < params.top_p <= 1:  # also refuses NaN
        raise UserError(f"top_p is {params.top_p}; it is a share: above 0, at most 1.")
    _check_stop(params.stop, vocab_size)


def _check_stop(stop: tuple[int, ...] | tuple[str, ...] | None, vocab_size: int) -> None:
    if not stop:
        return
    strings = [s for s in stop if isinstance(s, str)]
    if len(strings) not in (0, len(stop)):
        raise UserError("stop mixes strings and token ids; give a list of one kind.")
    if "" in strings:
        raise UserError("A stop string is empty, which every text contains. Leave it out.")
    for token in stop:
        if isinstance(token, int) and not 0 <= token < vocab_size:
            raise UserError(
                f"Stop token {token} is out of range: the model's ids run from 0 to "
                f"{vocab_size - 1}."
            )
