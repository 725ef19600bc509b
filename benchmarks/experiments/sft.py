"""Supervised fine-tuning: the loop, and the pig latin experiment on it.

Pig latin here is the children's simplest rule: the first letter moves to the end, `ay` follows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import tinker

from experiments.setting import Outcome, Setting, adam, ask, conversation, datum, snapshot
from shared.data.nouns import NOUNS

STEPS = 120
BATCH = 32
LEARNING_RATE = 1e-2
WARM_UP = 6
"""A cold start at this learning rate diverges on some seeds."""
HELD_OUT = 60
EVALUATE_EVERY = 20


def mean_over_tokens(batch: Sequence[tinker.Datum]) -> list[tinker.Datum]:
    """Weights scaled to sum to 1 over the batch: the service's sum is then a mean per token.

    Adam does not mind the scale, clipping does.
    """
    weights = [one.loss_fn_inputs["weights"].to_torch().float() for one in batch]
    total = float(sum(weight.sum() for weight in weights))
    return [
        tinker.Datum(
            model_input=one.model_input,
            loss_fn_inputs={
                "target_tokens": one.loss_fn_inputs["target_tokens"],
                "weights": tinker.TensorData.from_torch(weight / total),
            },
        )
        for one, weight in zip(batch, weights, strict=True)
    ]


def warm_then_linear(step: int, total: int, peak: float, warm_up: int = WARM_UP) -> float:
    """Learning rate of `step` (from 0): linear up over `warm_up` steps, then linear to 0."""
    return peak * min((step + 1) / warm_up, (total - step) / max(total - warm_up, 1), 1.0)


def train(
    setting: Setting,
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    *,
    steps: int,
    learning_rate: float,
    seed: int,
    after_step: Callable[[int], None] = lambda step: None,
) -> list[tuple[int, float]]:
    """Shuffled epochs of batches of 32; returns (step, mean negative log-likelihood)."""
    rng = random.Random(seed)
    losses: list[tuple[int, float]] = []
    order: list[int] = []
    for step in range(steps):
        if len(order) < BATCH:
            order = order + rng.sample(range(len(data)), len(data))
        batch, order = [data[index] for index in order[:BATCH]], order[BATCH:]
        computed = client.forward_backward(mean_over_tokens(batch), "cross_entropy")
        stepped = client.optim_step(adam(warm_then_linear(step, steps, learning_rate)))
        losses.append((step + 1, computed.result().metrics["loss:sum"]))
        stepped.result()
        setting.advance(1)
        after_step(step + 1)
    return losses


def pig_latin(word: str) -> str:
    """`banana` -> `ananabay`."""
    return word[1:] + word[0] + "ay"


def question(word: str) -> str:
    return f"Translate to Pig Latin: {word}"


def split_words(tokenizer: object, seed: int) -> tuple[list[str], list[str]]:
    """Nouns spelled letter by letter, shuffled: (to train on, held out)."""
    encode = tokenizer.encode  # pyright: ignore[reportAttributeAccessIssue]
    words = [word for word in NOUNS if len(encode(" " + word)) > len(word) / 2]
    random.Random(seed).shuffle(words)
    return words[HELD_OUT:], words[:HELD_OUT]


def run_pig_latin(setting: Setting, seed: int, steps: int = STEPS) -> Outcome:
    """Held-out exact match, greedy, before and after."""
    started = setting.cpu()
    renderer = setting.renderer()
    train_words, held_out = split_words(setting.tokenizer, seed)
    client = setting.new_client(seed)

    def exact() -> float:
        sampler = snapshot(client)
        replies = ask(sampler, renderer, [question(word) for word in held_out], max_tokens=24)
        hits = [
            pig_latin(word) == group[0].text.strip()
            for word, group in zip(held_out, replies, strict=True)
        ]
        return sum(hits) / len(hits)

    curve = [(0, exact())]

    def evaluate(step: int) -> None:
        if step % EVALUATE_EVERY == 0 or step == steps:
            curve.append((step, exact()))

    data = [datum(conversation(question(word), pig_latin(word)), renderer) for word in train_words]
    losses = train(
        setting,
        client,
        data,
        steps=steps,
        learning_rate=LEARNING_RATE,
        seed=seed,
        after_step=evaluate,
    )
    return Outcome(
        figures={"before": curve[0][1], "after": curve[-1][1]},
        cpu_seconds=setting.cpu() - started,
        curves={"held-out exact match": curve, "training loss": losses},
    )
