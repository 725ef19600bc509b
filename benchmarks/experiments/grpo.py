"""Group relative policy optimization on boxed answers, on-policy, one step per batch.

Advantages are centred by the group's mean only, groups of one reward are dropped, and the loss is
the service's `importance_sampling`, with new sampler weights at every step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import tinker

from experiments.problems import SUFFIX, problems, reward
from experiments.setting import Outcome, Reply, Setting, adam, ask, snapshot
from shared.models.base.corpus.sums import Problem

STEPS = 40
PROBLEMS = 8
GROUP = 8
LEARNING_RATE = 5e-4
MAX_TOKENS = 64
TEST_PROBLEMS = 128
TEST_SAMPLES = 4
SCALE = 1 / (PROBLEMS * GROUP * 10)
"""Brings the summed loss near the size of a mean per token, so that clipping at 1 is mild."""


def rollout_datum(reply: Reply, advantage: float) -> tinker.Datum:
    """Prompt positions carry advantage 0: the losses of reinforcement have no mask."""
    given = reply.prompt.length - 1
    model_input = reply.prompt.append(tinker.EncodedTextChunk(tokens=reply.tokens[:-1]))
    return tinker.Datum(
        model_input=model_input,
        loss_fn_inputs={
            "target_tokens": np.asarray([0] * given + reply.tokens, np.int64),
            "logprobs": np.asarray([0.0] * given + reply.logprobs, np.float32),
            "advantages": np.asarray(
                [0.0] * given + [advantage * SCALE] * len(reply.tokens), np.float32
            ),
        },
    )


def group_datums(group: Sequence[Reply], rewards: Sequence[float]) -> list[tinker.Datum]:
    """The group's datums with centred advantages; none when all rewards are equal."""
    mean = sum(rewards) / len(rewards)
    if all(value == mean for value in rewards):
        return []
    return [rollout_datum(reply, value - mean) for reply, value in zip(group, rewards, strict=True)]


def sampled_accuracy(
    setting: Setting, sampler: tinker.SamplingClient, tests: Sequence[Problem], seed: int
) -> float:
    """Share of right answers at temperature 1, `TEST_SAMPLES` to each problem."""
    groups = ask(
        sampler,
        setting.renderer(),
        [test.question + SUFFIX for test in tests],
        max_tokens=MAX_TOKENS,
        samples=TEST_SAMPLES,
        temperature=1.0,
        seed=seed,
    )
    return float(
        np.mean(
            [
                reward(reply.text, test.answer)
                for test, group in zip(tests, groups, strict=True)
                for reply in group
            ]
        )
    )


def step_on(
    setting: Setting, client: tinker.TrainingClient, batch: Sequence[Problem], seed: int
) -> tuple[float, float]:
    """Sample, grade, train once. Returns (mean reward, mean tokens of an answer)."""
    groups = ask(
        snapshot(client),
        setting.renderer(),
        [problem.question + SUFFIX for problem in batch],
        max_tokens=MAX_TOKENS,
        samples=GROUP,
        temperature=1.0,
        seed=seed,
    )
    rewards = [
        [reward(reply.text, problem.answer) for reply in group]
        for problem, group in zip(batch, groups, strict=True)
    ]
    datums = [
        one
        for group, values in zip(groups, rewards, strict=True)
        for one in group_datums(group, values)
    ]
    if datums:
        computed = client.forward_backward(datums, "importance_sampling")
        stepped = client.optim_step(adam(LEARNING_RATE))
        computed.result()
        stepped.result()
    lengths = [len(reply.tokens) for group in groups for reply in group]
    return float(np.mean(rewards)), float(np.mean(lengths))


def run_grpo(
    setting: Setting, seed: int, make: Callable[[random.Random], Problem], steps: int = STEPS
) -> Outcome:
    """Sampled accuracy on fresh problems, before and after."""
    started = setting.cpu()
    client = setting.new_client(seed)
    train = problems(make, steps * PROBLEMS, seed=1_000 + seed)
    tests = problems(make, TEST_PROBLEMS, seed=2_000 + seed)

    def accuracy() -> float:
        sampler = snapshot(client)
        return sampled_accuracy(setting, sampler, tests, seed=3_000 + seed)

    before = accuracy()
    curve: list[tuple[int, float]] = []
    lengths: list[tuple[int, float]] = []
    for step in range(steps):
        batch = train[step * PROBLEMS : (step + 1) * PROBLEMS]
        mean_reward, mean_length = step_on(setting, client, batch, seed=seed * steps + step)
        curve.append((step + 1, mean_reward))
        lengths.append((step + 1, mean_length))
        setting.advance(1)
    return Outcome(
        figures={"before": before, "after": accuracy()},
        cpu_seconds=setting.cpu() - started,
        curves={"mean reward": curve, "tokens of an answer": lengths},
    )
