"""Our texts under the names and in the columns of public datasets that recipes load.

SYNTHETIC: no row of the public datasets is here, only their names, columns and splits, so that
unmodified code runs offline. Rows depend on the dataset, the split and `SEED` alone. Columns that
no recipe reads are there too, filled in plainly. Splits are drawn apart, so that a short question
may stand in two of them by chance.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.data.chat import exchange
from shared.data.problems import Problem, arithmetic, problem, word_problem

SEED = 0
NOTICE = (
    "SYNTHETIC stand-in written by Tinker Lab Kit's own generator, for running recipes offline. "
    "It has the name and the columns of the public dataset and none of its rows."
)

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PublicDataset:
    """A public dataset's name and shape, with a generator of rows of our own.

    `make(rng, index)` gives one row; every row has exactly the keys of `columns`. A column's type
    is written as in `datasets`: "string", "int64", "float64", or a list of one mapping.
    """

    repo: str
    config: str
    splits: Mapping[str, int]
    columns: Mapping[str, Any]
    make: Callable[[Random, int], Row]

    def rows(self, split: str, seed: int = SEED) -> Sequence[Row]:
        """All rows of a split, the same at every call."""
        rng = Random(zlib.crc32(f"{self.repo}/{self.config}/{split}/{seed}".encode()))
        return [self.make(rng, index) for index in range(self.splits[split])]


_MESSAGES = [{"content": "string", "role": "string"}]


def _turns(question: str, answer: str) -> list[Row]:
    return [{"content": question, "role": "user"}, {"content": answer, "role": "assistant"}]


def _no_robots(rng: Random, index: int) -> Row:
    said = exchange(rng)
    return {
        "prompt": said.question,
        "prompt_id": f"{rng.getrandbits(256):064x}",
        "messages": _turns(said.question, rng.choice((said.short, said.long))),
        "category": said.category,
    }


def _gsm8k(rng: Random, index: int) -> Row:
    task = word_problem(rng)
    return {"question": task.question, "answer": task.gsm8k()}


def _hh_rlhf(rng: Random, index: int) -> Row:
    """The long answer is preferred, four times in five; the text ends without a newline."""
    said = exchange(rng)
    good, bad = (said.long, said.short) if rng.random() < 0.8 else (said.short, said.long)
    ask = f"\n\nHuman: {said.question}\n\nAssistant: "
    return {"chosen": ask + good, "rejected": ask + bad}


def _tulu3(rng: Random, index: int) -> Row:
    said = exchange(rng)
    return {
        "id": f"synthetic_{index}",
        "messages": _turns(said.question, said.long),
        "source": "tinker-lab-kit/synthetic",
    }


def _deepmath(rng: Random, index: int) -> Row:
    task = problem(rng)
    return {
        "question": task.question,
        "final_answer": str(task.answer),
        "difficulty": float(len(task.steps)),
        "topic": f"Mathematics -> {task.topic}",
        **{f"r1_solution_{i}": task.boxed() for i in (1, 2, 3)},
    }


def _openthoughts3(rng: Random, index: int) -> Row:
    task = problem(rng)
    answer = f"<think>\n{task.plain()}\n</think>\n\nThe answer is \\boxed{{{task.answer}}}."
    return {
        "difficulty": len(task.steps),
        "source": "tinker-lab-kit/synthetic",
        "domain": "math",
        "conversations": [
            {"from": "human", "value": task.question},
            {"from": "gpt", "value": answer},
        ],
    }


def _polaris(rng: Random, index: int) -> Row:
    task = problem(rng)
    return {
        "problem": task.question,
        "answer": str(task.answer),
        "difficulty": f"{rng.randint(1, 7)}/8",
    }


def _math(task: Problem) -> Row:
    return {"problem": task.question, "solution": task.boxed()}


def _math_500(rng: Random, index: int) -> Row:
    task = arithmetic(rng)
    return {
        **_math(task),
        "answer": str(task.answer),
        "subject": "Prealgebra",
        "level": 1,
        "unique_id": f"test/synthetic/{index}.json",
    }


def _hendrycks(rng: Random, index: int) -> Row:
    return {**_math(word_problem(rng)), "level": "Level 1", "type": "Prealgebra"}


def _helpsteer3(rng: Random, index: int) -> Row:
    said = exchange(rng)
    first = rng.random() < 0.5
    return {
        "domain": "general",
        "language": "english",
        "context": [{"role": "user", "content": said.question}],
        "response1": said.long if first else said.short,
        "response2": said.short if first else said.long,
        "overall_preference": -2 if first else 2,
    }


def _ultrafeedback(rng: Random, index: int) -> Row:
    said = exchange(rng)
    return {
        "source": "tinker-lab-kit/synthetic",
        "instruction": said.question,
        "chosen_response": said.long,
        "rejected_response": said.short,
        "chosen_avg_rating": 5.0,
        "rejected_avg_rating": 3.0,
        "chosen_model": "synthetic",
    }


def _strings(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, "string")


# Sizes: sl_basic evaluates in batches of 128 and the RLHF pipeline's first stage in batches of 256
# unless told otherwise, so no_robots has a test split of that size. DPO scores each pair of the
# test split of hh-rlhf several times, hence a small one. Tulu 3 and UltraFeedback lose 1,024 rows
# to a test split before training begins.
DATASETS: tuple[PublicDataset, ...] = (
    PublicDataset(
        repo="HuggingFaceH4/no_robots",
        config="default",
        splits={"train": 2048, "test": 256},
        columns={**_strings("prompt", "prompt_id"), "messages": _MESSAGES, "category": "string"},
        make=_no_robots,
    ),
    PublicDataset(
        repo="openai/gsm8k",
        config="main",
        splits={"train": 2048, "test": 64},
        columns=_strings("question", "answer"),
        make=_gsm8k,
    ),
    PublicDataset(
        repo="Anthropic/hh-rlhf",
        config="default",
        splits={"train": 2048, "test": 64},
        columns=_strings("chosen", "rejected"),
        make=_hh_rlhf,
    ),
    PublicDataset(
        repo="allenai/tulu-3-sft-mixture",
        config="default",
        splits={"train": 2560},
        columns={"id": "string", "messages": _MESSAGES, "source": "string"},
        make=_tulu3,
    ),
    PublicDataset(
        repo="zwhe99/DeepMath-103K",
        config="default",
        splits={"train": 2048},
        columns={
            **_strings("question", "final_answer"),
            "difficulty": "float64",
            **_strings("topic", "r1_solution_1", "r1_solution_2", "r1_solution_3"),
        },
        make=_deepmath,
    ),
    PublicDataset(
        repo="open-thoughts/OpenThoughts3-1.2M",
        config="default",
        splits={"train": 2048},
        columns={
            "difficulty": "int64",
            **_strings("source", "domain"),
            "conversations": [_strings("from", "value")],
        },
        make=_openthoughts3,
    ),
    PublicDataset(
        repo="POLARIS-Project/Polaris-Dataset-53K",
        config="default",
        splits={"train": 1024},
        columns=_strings("problem", "answer", "difficulty"),
        make=_polaris,
    ),
    PublicDataset(
        repo="HuggingFaceH4/MATH-500",
        config="default",
        splits={"test": 64},
        columns={
            **_strings("problem", "solution", "answer", "subject"),
            "level": "int64",
            "unique_id": "string",
        },
        make=_math_500,
    ),
    PublicDataset(
        repo="EleutherAI/hendrycks_math",
        config="default",
        splits={"train": 512, "test": 64},
        columns=_strings("problem", "solution", "level", "type"),
        make=_hendrycks,
    ),
    PublicDataset(
        repo="nvidia/HelpSteer3",
        config="preference",
        splits={"train": 1024, "validation": 256},
        columns={
            **_strings("domain", "language"),
            "context": [_strings("role", "content")],
            **_strings("response1", "response2"),
            "overall_preference": "int64",
        },
        make=_helpsteer3,
    ),
    PublicDataset(
        repo="argilla/ultrafeedback-binarized-preferences",
        config="default",
        splits={"train": 2560},
        columns={
            **_strings("source", "instruction", "chosen_response", "rejected_response"),
            **dict.fromkeys(("chosen_avg_rating", "rejected_avg_rating"), "float64"),
            "chosen_model": "string",
        },
        make=_ultrafeedback,
    ),
)


def dataset(repo: str) -> PublicDataset:
    """The dataset of that name; `KeyError` with the known names otherwise."""
    for found in DATASETS:
        if found.repo == repo:
            return found
    known = ", ".join(d.repo for d in DATASETS)
    raise KeyError(f"No synthetic stand-in for {repo}. There are: {known}.")
