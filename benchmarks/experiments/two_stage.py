"""Two-stage supervised fine-tuning in the `User:`/`Assistant:` format, with and without tokens.

Stage 1 teaches general requests; stage 2, from its checkpoint, products of two-digit numbers in
word problems. The baseline answers directly, the other condition works the product out between
`<|mul|>` and `<|/mul|>` first, tokens the base model knows from its corpus.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import tinker

from experiments import sft
from experiments.setting import Outcome, Setting, ask, conversation, datum, snapshot
from shared.models.base.corpus.letters import GAMES
from shared.models.base.corpus.sums import product_steps, sum_problem
from shared.models.base.corpus.words import BOXES, ITEMS, invented

GENERAL_STEPS = 40
PRODUCT_STEPS = 60
TOTAL_STEPS = GENERAL_STEPS + 2 * PRODUCT_STEPS
LEARNING_RATE = 5e-3
EXAMPLES = 1500
TESTS = 100
MAX_TOKENS = 72
EVALUATE_EVERY = 20
RENDERER = "role_colon"

Example = tuple[str, str]
"""A question and its answer."""


def general(rng: random.Random) -> Example:
    """A letter game or a sum, answered in a word."""
    if rng.random() < 0.5:
        problem = sum_problem(rng)
        return problem.question, str(problem.answer)
    game, _ = GAMES[rng.choice(("spell", "repeat", "drop_first", "append", "first"))]
    return game(rng, invented(rng))


def product(rng: random.Random, tokens: bool) -> Example:
    """`There are 23 boxes with 45 pens each. ...`, neither number a multiple of ten."""
    a, b = (rng.choice([n for n in range(11, 100) if n % 10]) for _ in range(2))
    item, box = rng.choice(ITEMS), rng.choice(BOXES)
    question = f"There are {b} {box} with {a} {item} each. How many {item} are there in total?"
    inside = f"<|mul|>{product_steps(a, b)}<|/mul|> " if tokens else ""
    return question, f"{a} * {b} = {inside}{a * b}. The answer is {a * b}."


def accuracy(
    setting: Setting, client: tinker.TrainingClient, tests: Sequence[Example], seed: int
) -> float:
    """Greedy; right if the last word of the answer, its full stop aside, is that of the truth."""
    groups = ask(
        snapshot(client),
        setting.renderer(RENDERER),
        [question for question, _ in tests],
        max_tokens=MAX_TOKENS,
        seed=seed,
    )
    hits = [
        last_word(group[0].text) == last_word(answer)
        for (_, answer), group in zip(tests, groups, strict=True)
    ]
    return sum(hits) / len(hits)


def last_word(text: str) -> str:
    """The text after the last space, without a full stop; empty for an empty answer."""
    words = text.split()
    return words[-1].rstrip(".") if words else ""


def datums(setting: Setting, examples: Sequence[Example]) -> list[tinker.Datum]:
    renderer = setting.renderer(RENDERER)
    return [datum(conversation(*example), renderer) for example in examples]


def examples(make: Callable[[random.Random], Example], number: int, seed: int) -> list[Example]:
    rng = random.Random(seed)
    return [make(rng) for _ in range(number)]


def stage_two(
    setting: Setting, start: str, tests: Sequence[Example], seed: int, tokens: bool, steps: int
) -> list[tuple[int, float]]:
    """Train from the checkpoint `start`; (step, accuracy on products), the last at the end."""
    client = setting.service.create_training_client_from_state(start).result()
    asked = {question for question, _ in tests}
    made = examples(lambda rng: product(rng, tokens), EXAMPLES, seed=20_000 + seed)
    curve: list[tuple[int, float]] = [(0, accuracy(setting, client, tests, seed))]

    def evaluate(step: int) -> None:
        if step % EVALUATE_EVERY == 0 or step == steps:
            curve.append((step, accuracy(setting, client, tests, seed)))

    sft.train(
        setting,
        client,
        datums(setting, [example for example in made if example[0] not in asked]),
        steps=steps,
        learning_rate=LEARNING_RATE,
        seed=seed,
        after_step=evaluate,
    )
    return curve


def run_two_stage(
    setting: Setting,
    seed: int,
    general_steps: int = GENERAL_STEPS,
    product_steps_: int = PRODUCT_STEPS,
) -> Outcome:
    """CPU seconds are those of stage 1 and the dearer of the two second stages."""
    started = setting.cpu()
    client = setting.new_client(seed)
    sft.train(
        setting,
        client,
        datums(setting, examples(general, EXAMPLES, seed=10_000 + seed)),
        steps=general_steps,
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    skill = accuracy(setting, client, examples(general, TESTS, seed=30_000 + seed), seed)
    saved = client.save_state(f"stage-1-seed-{seed}").result().path
    tests = examples(lambda rng: product(rng, False), TESTS, seed=40_000 + seed)
    marks = [setting.cpu()]
    curves: dict[str, list[tuple[int, float]]] = {}
    for label, tokens in (("baseline", False), ("tokens", True)):
        curves[label] = stage_two(setting, saved, tests, seed, tokens, product_steps_)
        marks.append(setting.cpu())
    baseline, with_tokens = curves["baseline"][-1][1], curves["tokens"][-1][1]
    return Outcome(
        figures={
            "general": skill,
            "baseline": baseline,
            "tokens": with_tokens,
            "gain": with_tokens - baseline,
        },
        cpu_seconds=marks[0] - started + max(marks[1] - marks[0], marks[2] - marks[1]),
        curves=curves,
    )
