"""Direct preference optimization through `forward_backward_custom`, the loss on the client.

Reference logprobs come from one forward pass before the first step. Length is judged on samples
and style on raw preference, not on margins: those start at exactly 0 and are all positive after
a dozen steps, whatever has been learnt.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tinker
import torch
import torch.nn.functional as F

from experiments.pairs import Pair, pairs, polite_and_plain, short_and_long
from experiments.setting import Outcome, Setting, adam, ask, conversation, datum, snapshot

STEPS = 45
BATCH = 16
SHORT_RATE = 3e-4
STYLE_RATE = 4e-4
BETA = 0.1
PAIRS = 256
SAMPLES = 8
MAX_TOKENS = 120


@dataclass(frozen=True)
class Scored:
    """A pair as datums, with the reference's logprob of either answer."""

    chosen: tinker.Datum
    rejected: tinker.Datum
    reference: tuple[float, float]


def answer_logprob(one: tinker.Datum, logprobs: torch.Tensor) -> torch.Tensor:
    """Sum over the answer's tokens; differentiable in `logprobs`."""
    return (one.loss_fn_inputs["weights"].to_torch().float() * logprobs).sum()


def answer_logprobs(client: tinker.TrainingClient, data: Sequence[tinker.Datum]) -> list[float]:
    """Log-probability of each answer under the client's present weights."""
    output = client.forward(list(data), "cross_entropy").result()
    return [
        float(answer_logprob(one, given["logprobs"].to_torch()))
        for one, given in zip(data, output.loss_fn_outputs, strict=True)
    ]


def scored_pairs(
    setting: Setting, client: tinker.TrainingClient, given: Sequence[Pair]
) -> list[Scored]:
    renderer = setting.renderer()
    chosen = [datum(conversation(pair.question, pair.chosen), renderer) for pair in given]
    rejected = [datum(conversation(pair.question, pair.rejected), renderer) for pair in given]
    values = answer_logprobs(client, [*chosen, *rejected])
    references = zip(values[: len(given)], values[len(given) :], strict=True)
    return [Scored(*row) for row in zip(chosen, rejected, references, strict=True)]


def dpo_step(client: tinker.TrainingClient, batch: Sequence[Scored], learning_rate: float) -> float:
    """One step; returns the mean margin, beta x the difference of the log ratios, before it."""
    reference = torch.tensor([pair.reference for pair in batch])

    def loss(
        data: list[tinker.Datum], logprobs: list[torch.Tensor]
    ) -> tuple[torch.Tensor, dict[str, float]]:
        policy = torch.stack([answer_logprob(*row) for row in zip(data, logprobs, strict=True)])
        ratio_B2 = policy.reshape(-1, 2) - reference
        margin_B = BETA * (ratio_B2[:, 0] - ratio_B2[:, 1])
        return -F.logsigmoid(margin_B).mean(), {"margin:mean": float(margin_B.detach().mean())}

    data = [one for pair in batch for one in (pair.chosen, pair.rejected)]
    computed = client.forward_backward_custom(data, loss)
    stepped = client.optim_step(adam(learning_rate))
    margin = computed.result().metrics["margin:mean"]
    stepped.result()
    return margin


def train(
    setting: Setting,
    client: tinker.TrainingClient,
    given: Sequence[Pair],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
) -> list[tuple[int, float]]:
    """Shuffled epochs over the pairs; returns (step, mean margin)."""
    scored = scored_pairs(setting, client, given)
    rng = random.Random(seed)
    curve: list[tuple[int, float]] = []
    order: list[Scored] = []
    for step in range(steps):
        if len(order) < BATCH:
            order = order + rng.sample(scored, len(scored))
        batch, order = order[:BATCH], order[BATCH:]
        curve.append((step + 1, dpo_step(client, batch, learning_rate)))
        setting.advance(1)
    return curve


def mean_length(
    setting: Setting, client: tinker.TrainingClient, questions: Sequence[str], seed: int
) -> float:
    """Mean tokens of an answer at temperature 1, `SAMPLES` to each question."""
    sampler = snapshot(client)
    groups = ask(
        sampler,
        setting.renderer(),
        questions,
        max_tokens=MAX_TOKENS,
        samples=SAMPLES,
        temperature=1.0,
        seed=seed,
    )
    return float(np.mean([len(reply.tokens) for group in groups for reply in group]))


def raw_preference(
    setting: Setting, client: tinker.TrainingClient, held_out: Sequence[Pair]
) -> float:
    """Share of pairs whose chosen answer the model itself finds more likely."""
    scored = scored_pairs(setting, client, held_out)
    return float(np.mean([pair.reference[0] > pair.reference[1] for pair in scored]))


def run_short(setting: Setting, seed: int, steps: int = STEPS) -> Outcome:
    """Pairs that prefer the shorter answer, one in five flipped."""
    started = setting.cpu()
    client = setting.new_client(seed)
    train_pairs, held_out = pairs(short_and_long, PAIRS, seed, flipped=0.2)
    questions = [pair.question for pair in held_out]
    before = mean_length(setting, client, questions, seed)
    curve = train(setting, client, train_pairs, steps=steps, learning_rate=SHORT_RATE, seed=seed)
    after = mean_length(setting, client, questions, seed)
    figures = {"before": before, "after": after, "fall": 1 - after / before}
    return Outcome(figures=figures, cpu_seconds=setting.cpu() - started, curves={"margin": curve})


def run_style(setting: Setting, seed: int, steps: int = STEPS) -> Outcome:
    """Pairs that prefer the polite opening."""
    started = setting.cpu()
    client = setting.new_client(seed)
    train_pairs, held_out = pairs(polite_and_plain, PAIRS, seed)
    before = raw_preference(setting, client, held_out)
    curve = train(setting, client, train_pairs, steps=steps, learning_rate=STYLE_RATE, seed=seed)
    figures = {"before": before, "after": raw_preference(setting, client, held_out)}
    return Outcome(figures=figures, cpu_seconds=setting.cpu() - started, curves={"margin": curve})
