"""What every experiment is given, and what it gives back.

The clients are the SDK's own; nothing here knows whether the embedded service or another one
answers. CPU seconds come from a meter that counts the client and the service together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tinker
from tinker_cookbook.renderers import Renderer, get_renderer, get_text_content
from tinker_cookbook.renderers.base import Message
from tinker_cookbook.supervised.data import conversation_to_datum

RANK = 16
EPS = 1e-8
"""AdamW's epsilon, as the cookbook sets it; the SDK's own 1e-12 is unstable after convergence."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The service, the base model and the ways to render for it."""

    service: tinker.ServiceClient
    base_model: str
    tokenizer: Any
    cpu: Callable[[], float]
    """CPU seconds spent so far by this process and the service."""
    advance: Callable[[int], None]
    """Called with the number of optimizer steps just finished."""

    def renderer(self, name: str = "qwen3_instruct") -> Renderer:
        """The cookbook's renderer of that name over the base model's tokenizer."""
        return get_renderer(name, self.tokenizer)

    def new_client(self, seed: int, rank: int = RANK) -> tinker.TrainingClient:
        """A fresh LoRA on the base model."""
        future = self.service.create_lora_training_client(self.base_model, rank=rank, seed=seed)
        return future.result()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run: its figures by name, CPU seconds, and named curves over optimizer steps."""

    figures: dict[str, float]
    cpu_seconds: float
    curves: dict[str, list[tuple[int, float]]]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One sampled answer. `tokens` and `logprobs` have equal length, the stop token included."""

    prompt: tinker.ModelInput
    tokens: list[int]
    logprobs: list[float]
    text: str


def conversation(user: str, assistant: str | None = None) -> list[Message]:
    """One turn, answered or not."""
    messages = [Message(role="user", content=user)]
    if assistant is not None:
        messages.append(Message(role="assistant", content=assistant))
    return messages


def datum(messages: list[Message], renderer: Renderer) -> tinker.Datum:
    """Weight 1 on each token of the answer, 0 elsewhere."""
    return conversation_to_datum(messages, renderer, max_length=None, reduction="none")


def adam(learning_rate: float, clip: float = 1.0) -> tinker.AdamParams:
    """AdamW as every experiment uses it."""
    return tinker.AdamParams(learning_rate=learning_rate, eps=EPS, grad_clip_norm=clip)


def snapshot(client: tinker.TrainingClient) -> tinker.SamplingClient:
    """A sampler over the client's present weights."""
    return client.save_weights_and_get_sampling_client().result()


def ask(
    sampler: tinker.SamplingClient,
    renderer: Renderer,
    questions: Sequence[str],
    *,
    max_tokens: int,
    samples: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[list[Reply]]:
    """`samples` answers to each question, all requests in flight at once."""
    prompts = [renderer.build_generation_prompt(conversation(question)) for question in questions]
    futures = [
        sampler.sample(
            prompt,
            samples,
            tinker.SamplingParams(
                max_tokens=max_tokens,
                temperature=temperature,
                stop=renderer.get_stop_sequences(),
                seed=seed * 100_003 + number,
            ),
        )
        for number, prompt in enumerate(prompts)
    ]
    return [
        [_reply(prompt, sequence, renderer) for sequence in future.result().sequences]
        for prompt, future in zip(prompts, futures, strict=True)
    ]


def _reply(
    prompt: tinker.ModelInput, sequence: tinker.SampledSequence, renderer: Renderer
) -> Reply:
    message, _ = renderer.parse_response(sequence.tokens)
    return Reply(
        prompt=prompt,
        tokens=sequence.tokens,
        logprobs=sequence.logprobs or [],
        text=get_text_content(message),
    )
