"""How much of each kind of document the corpus has, and the variants of it.

A document is a function of the corpus's seed and its own index: nothing before it has to be
written to write it. Variants differ only in what teaches the model to tell right from wrong.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from itertools import count

from shared.models.base.corpus import (
    checking,
    describe,
    facts,
    guessing,
    letters,
    maths_chat,
    small_talk,
    sums,
    system_turns,
    tools,
    twenty,
)
from shared.models.base.corpus.document import Document, Maker, role_colon

Mix = dict[str, tuple[Maker, float]]
DEFAULT_VARIANT = "sparing"


def _role_colon_chat(rng: random.Random) -> Document:
    problem = maths_chat.any_problem(rng)
    turns = [
        maths_chat.user(problem.question),
        maths_chat.assistant(maths_chat.plain_answer(rng, problem)),
    ]
    return Document("role_colon", role_colon(turns), True)


def _base_mix(feedback: float) -> Mix:
    """Shares are of documents; they need not sum to one."""
    return {
        "arithmetic": (sums.arithmetic_text, 0.14),
        "plain_chat": (maths_chat.plain_chat, 0.15),
        "boxed_chat": (partial(maths_chat.boxed_chat, feedback=feedback), 0.22),
        "letters": (letters.letter_game, 0.14),
        "facts": (facts.fact, 0.09),
        "describe": (describe.describe_chat, 0.05),
        "stories": (small_talk.story, 0.015),
        "guess_number": (guessing.guess_game, 0.03),
        "twenty_questions": (twenty.twenty_questions, 0.01),
        "greetings": (small_talk.greeting, 0.015),
        "role_colon": (_role_colon_chat, 0.02),
        "system": (system_turns.system_turn, 0.06),
        "tools": (tools.tool_chat, 0.01),
    }


def _variants() -> dict[str, Mix]:
    plain = _base_mix(0.0)
    feedback = {**_base_mix(0.5), "checking": (checking.checking, 0.18)}
    sparing = {
        **plain,
        "arithmetic": (sums.arithmetic_text, 0.20),
        "plain_chat": (maths_chat.plain_chat, 0.20),
        "letters": (letters.letter_game, 0.12),
        "guess_number": (guessing.guess_game, 0.02),
        "checking": (checking.claim_chat, 0.02),
    }
    return {
        "plain": plain,
        "claims": {**plain, "checking": (checking.claim_chat, 0.10)},
        "tags": {**plain, "checking": (checking.tagged_list, 0.10)},
        "checks": {**plain, "checking": (checking.checking, 0.10)},
        "feedback": feedback,
        "verdicts": {**feedback, "verdicts": (checking.boxed_verdict, 0.6)},
        "sparing": sparing,
    }


VARIANTS = _variants()
"""Name -> mix. `plain` never judges an answer; `claims` asks `Is 23 + 45 = 67?`; `tags` writes
right or wrong after equations; `checks` has every kind of `checking`; `feedback` adds to that a
person who says `Right.` or `Wrong.` after one boxed answer in two; `verdicts` also answers many
questions by a box with its own verdict behind it. Every wrong equation that these show makes the
model less sure of its own sums. So `sparing`, the shipped one, has few of them, more sums, and less
of what is learnt early."""


def document(seed: int, index: int, variant: str = DEFAULT_VARIANT) -> Document:
    """Document `index` of the corpus with that seed.

    Raises:
        KeyError: there is no such variant.
    """
    mix = VARIANTS[variant]
    rng = random.Random(seed * 1_000_000_007 + index)
    maker = rng.choices([m for m, _ in mix.values()], [share for _, share in mix.values()])[0]
    return maker(rng)


def documents(seed: int, start: int = 0, variant: str = DEFAULT_VARIANT) -> Iterator[Document]:
    """The corpus from document `start` on, without end."""
    return (document(seed, index, variant) for index in count(start))
