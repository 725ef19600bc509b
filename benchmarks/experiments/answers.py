"""Answers of one style to problems of one difficulty, with all that a probe may read.

The problem is a two-digit sum with exactly one carry, from the ones to the tens, and a two-digit
result; the answer is sampled inside a `\\boxed{` that is given. So neither the
difficulty nor the style tells right from wrong. Models are read through transformers from a
folder; the service is not involved.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tinker_cookbook.renderers import get_renderer
from tinker_cookbook.renderers.base import Message

from experiments.problems import SUFFIX

STYLE = "\\boxed{"
MAX_DIGITS = 4
BATCH = 250


@dataclass(frozen=True)
class Answers:
    """N answers. `tokens` are prompt, style prefix and answer; `logprob` is the answer's mean."""

    operands: NDArray[np.int64]  # (N, 2)
    given: list[str]  # digits as sampled
    tokens: list[list[int]]
    logprob: NDArray[np.float64]  # (N,)
    correct: NDArray[np.bool_]  # (N,)


def one_carry(rng: random.Random) -> tuple[int, int]:
    """Two-digit operands: ones add up to 10 to 18, tens to at most 8, so the sum has two digits."""
    while True:
        a, b = rng.randint(11, 89), rng.randint(11, 89)
        if a % 10 + b % 10 >= 10 and a // 10 + b // 10 <= 8:
            return a, b


def load(folder: Path) -> tuple[Any, Any]:
    """Model (float32, eval) and tokenizer of a folder; weights from safetensors only."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


def question(a: int, b: int) -> str:
    return f"What is {a} + {b}?{SUFFIX}"


@torch.no_grad()
def sample_answers(
    model: Any, tokenizer: Any, number: int, seed: int, temperature: float = 1.0
) -> Answers:
    """Draw `number` answers; those that are not all digits closed by a brace are drawn anew."""
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    operands: list[tuple[int, int]] = []
    given: list[str] = []
    tokens: list[list[int]] = []
    logprob: list[float] = []
    for _ in range(8 * number // BATCH + 1):
        pairs = [one_carry(rng) for _ in range(BATCH)]
        prompts = _prompts(tokenizer, pairs)
        drawn, values = _draw(model, prompts, MAX_DIGITS, temperature, generator)
        for pair, prompt, answer, value in zip(pairs, prompts, drawn, values, strict=True):
            text = tokenizer.decode(answer)
            digits, brace, _ = text.partition("}")
            if not brace or not digits.isdigit() or len(operands) == number:
                continue
            used = len(tokenizer.encode(digits + "}"))
            operands.append(pair)
            given.append(digits)
            tokens.append(prompt + answer[:used])
            logprob.append(float(np.mean(value[:used])))
        if len(operands) == number:
            break
    else:
        raise RuntimeError(f"only {len(operands)} of {number} answers are digits and a brace")
    sums = [a + b for a, b in operands]
    return Answers(
        operands=np.array(operands),
        given=given,
        tokens=tokens,
        logprob=np.array(logprob),
        correct=np.array([text == str(value) for text, value in zip(given, sums, strict=True)]),
    )


def _prompts(tokenizer: Any, pairs: list[tuple[int, int]]) -> list[list[int]]:
    renderer, style = get_renderer("qwen3_instruct", tokenizer), tokenizer.encode(STYLE)
    asked = [[Message(role="user", content=question(*pair))] for pair in pairs]
    return [renderer.build_generation_prompt(chat).to_ints() + style for chat in asked]


def _draw(
    model: Any,
    prompts: list[list[int]],
    steps: int,
    temperature: float,
    generator: torch.Generator,
) -> tuple[list[list[int]], list[list[float]]]:
    """`steps` tokens after prompts of equal length; logprobs are untempered."""
    ids = torch.tensor(prompts)  # one number of digits, hence one length
    drawn, values, cache = [], [], None
    for _ in range(steps):
        out = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache, logprobs = out.past_key_values, out.logits[:, -1].log_softmax(-1)
        probabilities = (logprobs / temperature).softmax(-1)
        ids = torch.multinomial(probabilities, 1, generator=generator)
        drawn.append(ids)
        values.append(logprobs.gather(1, ids))
    return torch.cat(drawn, 1).tolist(), torch.cat(values, 1).tolist()


@torch.no_grad()
def last_states(model: Any, sequences: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Hidden state at the last token of each sequence: (N, layers + 1, width); 0 is embedding."""
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(sequences), BATCH):
        batch = sequences[start : start + BATCH]
        lengths = torch.tensor([len(row) for row in batch])
        ids = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
        for index, row in enumerate(batch):
            ids[index, : len(row)] = torch.tensor(row)
        # Right-padded and causal: what follows the last token cannot reach it.
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states
        at = torch.stack([layer[torch.arange(len(batch)), lengths - 1] for layer in hidden], 1)
        rows.append(at.numpy())
    return np.concatenate(rows)


Read = Callable[[Any, Answers], list[list[int]]]
"""Where a probe reads: the token sequences whose last token's hidden state it sees."""


def at_answer(tokenizer: Any, answers: Answers) -> list[list[int]]:
    """The brace that closes the answer: the same token in every row."""
    return answers.tokens


def at_check_turn(tokenizer: Any, answers: Answers) -> list[list[int]]:
    """The end of a second turn's prompt, `Is that right?`, before a word of its answer."""
    renderer = get_renderer("qwen3_instruct", tokenizer)
    return [
        renderer.build_generation_prompt(
            [
                Message(role="user", content=question(a, b)),
                Message(role="assistant", content=f"{STYLE}{text}}}"),
                Message(role="user", content="Is that right?"),
            ]
        ).to_ints()
        for (a, b), text in zip(answers.operands.tolist(), answers.given, strict=True)
    ]


def at_check_question(tokenizer: Any, answers: Answers) -> list[list[int]]:
    """The end of a fresh prompt `Is 23 + 49 = 62?`, before a word of its answer."""
    renderer = get_renderer("qwen3_instruct", tokenizer)
    return [
        renderer.build_generation_prompt(
            [Message(role="user", content=f"Is {a} + {b} = {text}?")]
        ).to_ints()
        for (a, b), text in zip(answers.operands.tolist(), answers.given, strict=True)
    ]


POSITIONS: dict[str, Read] = {
    "end of the answer": at_answer,
    "after 'Is that right?'": at_check_turn,
    "after 'Is a + b = c?'": at_check_question,
}
