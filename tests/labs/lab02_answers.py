"""What Lab 2's answers show on a seeded input: one function for each exercise."""

from __future__ import annotations

import io
import json
import math
from random import Random
from typing import Any

import tinker

from .answers import Answers, Names, attempt
from .fake_client import FakeClient
from .lab05_answers import same

ROLES = ("system", "user", "assistant")


def weighted_nll(names: Names, rng: Random) -> Any:
    logprobs, weights = [], []
    for _ in range(rng.randint(0, 3)):
        count = rng.randint(0, 4)
        weights.append([rng.choice([0.0, 1.0, 1.0, 0.5]) for _ in range(count)])
        logprobs.append([rng.choice([-0.25, -1.0, -3.5, 0.0]) for _ in range(count)])
    if logprobs and logprobs[0] and rng.random() < 0.2:
        logprobs[0][0] = rng.choice([math.nan, -math.inf])
    if weights and rng.random() < 0.1:
        weights[-1].append(1.0)
    if rng.random() < 0.2:
        weights = [[0.0] * len(row) for row in weights]
    return attempt(names["weighted_nll"], logprobs, weights)


def lora_learning_rate(names: Names, rng: Random) -> Any:
    width = rng.choice([0, -3, 1, 128, 2000, 2000, 2560, 4096, 8192])
    # One thing wrong at a time: which of two is told first, nobody promised.
    family = rng.choice(["qwen", "qwen", "llama", "llama", *(["gemma", ""] if width > 0 else [])])
    return attempt(names["lora_learning_rate"], width, family)


def lr_schedule(names: Names, rng: Random) -> Any:
    total = rng.randint(0, 9)
    kind = rng.choice(["constant", "linear", "cosine", "linear", "cosine", "step"])
    step, warmup = rng.randint(-1, max(total, 1)), rng.choice([-1, 0, 0, 1, 2, 5, 12])
    return attempt(names["lr_schedule"], step, total, 0.5, kind, warmup)


def datum(rng: Random) -> tinker.Datum:
    count = rng.randint(3, 6)
    tokens = [rng.randint(20, 90) for _ in range(count)]
    weights = [0.0] * (count - 2) + [rng.choice([0.5, 1.0]), 1.0]
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={"target_tokens": tokens[1:], "weights": weights[1:]},
    )


def train_step(names: Names, rng: Random) -> Any:
    client = FakeClient([])
    batch = [datum(rng) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    rate = rng.choice([1e-4, 0.002, 0.01])
    found = attempt(names["train_step"], client, batch, rate)
    return rng.choice([client.notes, found])


def batches(names: Names, rng: Random) -> Any:
    data, size = list(range(rng.randint(0, 24))), rng.choice([-1, 0, 1, 2, 3, 4, 5, 8])
    seed, epoch = rng.randint(0, 99), rng.randint(0, 9)
    if rng.random() < 0.5:  # any order is right: only how many and how often
        found = attempt(names["batches"], data, size, seed, epoch)
        if isinstance(found, str):
            return found
        flat = [one for batch in found for one in batch]
        times = sorted(flat.count(one) for one in data)
        return [[len(batch) for batch in found], times]
    asked = [(seed, epoch), (seed, epoch), (seed, epoch + 1), (seed + 1, epoch)]
    orders = [list(range(24))]
    for s, e in asked:
        found = names["batches"](orders[0], max(size, 1), s, e)
        orders.append([one for batch in found for one in batch])
    return [orders.index(order) for order in orders]


def train(names: Names, rng: Random) -> Any:
    data = [datum(rng) for _ in range(rng.randint(3, 7))]
    held_out = [datum(rng) for _ in range(rng.randint(1, 2))]
    config = names["TrainConfig"](
        epochs=rng.randint(1, 3), batch_size=rng.randint(2, 3), learning_rate=0.01,
        kind=rng.choice(["constant", "linear", "cosine"]), warmup=rng.choice([0, 2]),
        seed=rng.randint(0, 9), evaluate_every=rng.randint(1, 4),
        patience=rng.choice([None, None, 1, 2]), save_every=rng.randint(0, 3),
    )  # fmt: skip
    client = FakeClient([rng.choice([0.5, 1.0, 1.5, 2.0]) for _ in range(40)])
    resume = None
    if rng.random() < 0.4:
        taken = rng.randint(1, config.epochs * (len(data) // config.batch_size))
        resume = {"name": f"{taken:06d}", "batch": taken, "state_path": "fake://resumed",
                  "best": rng.choice([0.4, 1.0]), "waited": rng.randint(0, 1)}  # fmt: skip
    metrics, checkpoints = io.StringIO(), io.StringIO()
    log = attempt(names["train"], client, data, held_out, config, metrics, checkpoints, resume)
    if isinstance(log, str):
        return log
    files = [
        [sorted(json.loads(line).items()) for line in file.getvalue().splitlines()]
        for file in (metrics, checkpoints)
    ]
    returned = [sorted(log.losses.items()), sorted(log.held_out.items()), log.stopped_early]
    return rng.choice([client.notes, *files, returned])


def pig_latin_dataset(names: Names, rng: Random) -> Any:
    words = [
        rng.choice(["a", "cat", "dog", "owl", "ass", "noon"]) for _ in range(rng.randint(0, 4))
    ]
    if rng.random() < 0.2:
        words.append(rng.choice(["", "Cat", "two words", "café", "x1"]))
    return attempt(names["pig_latin_dataset"], words)


def chat(rng: Random, *, good: float) -> list[dict[str, str]]:
    """A chat; with the chance `good` its turns and contents are as they should be."""
    turns = ["user", "assistant"] * rng.randint(1, 2)
    roles = [*(["system"] if rng.random() < 0.5 else []), *turns]
    contents = ["Hi", "2 + 3?", "Yes.", "No As an AI"]
    if rng.random() > good:
        contents += [
            "",
            " \n",
            "a\ufffdb",
            "a" * 400,
            "a" * 401,
            "As an AI, I",
            " as an ai",
            "As an ai",
        ]
    if rng.random() > good:
        roles = [role for role in roles if rng.random() < 0.8]
    return [{"role": role, "content": rng.choice(contents)} for role in roles]


def distil_prompt(names: Names, rng: Random) -> Any:
    taught = [chat(rng, good=0.7) for _ in range(rng.randint(0, 3))]
    return attempt(names["distil_prompt"], taught)


def keep_example(names: Names, rng: Random) -> Any:
    return attempt(names["keep_example"], chat(rng, good=0.5))


def general_skill(names: Names, rng: Random) -> Any:
    before, after = {}, {}
    for task in rng.sample(["sums", "lists", "facts"], rng.randint(0, 3)):
        count = rng.randint(0 if rng.random() < 0.2 else 1, 5)
        before[task], after[task] = ([rng.random() < 0.6 for _ in range(count)] for _ in range(2))
    if after and rng.random() < 0.1:
        after[rng.choice(["sums", "mean"])] = [True]
    found = attempt(names["general_skill"], before, after)
    return found if isinstance(found, str) else sorted(found.items())


BEFORE_THE_LOOP = (weighted_nll, lora_learning_rate, lr_schedule, train_step, batches)
OTHERS = (train, pig_latin_dataset, distil_prompt, keep_example, general_skill)
OBSERVE = {function.__name__: function for function in BEFORE_THE_LOOP + OTHERS}
ANSWERS = Answers(name="lab02_sl_loop", observe=OBSERVE, inputs=160, same=same)
