"""Generated inputs of lab 2's hidden cases, and what a run must ask the service for.

`judge.py` reads this file by its path.
"""

import math

from hypothesis import strategies as st

from autograder.judge.requests import hash_of

ROWS = [([20 + n, 30 + n, 40 + n, 50 + n], [0.0, 0.0, 1.0, 1.0]) for n in range(8)]
"""Tokens and weights of eight datums, all of them different, each with two trained targets."""
HELD = [([70, 71, 72], [0.0, 1.0, 1.0]), ([80, 81, 82, 83], [0.0, 0.0, 0.0, 1.0])]
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.text("abcxyz", min_size=1, max_size=5) | st.just(ALPHABET)
NO_WORDS = ("", "Cat", "two words", "caf\u00e9", "x1", "it's", "a_b")
PLACES = st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n)))
BAD_NLL = [
    ([[math.nan, -1.0]], [[1.0, 1.0]]),
    ([[-1.0, -1.0]], [[1.0]]),
    ([[-1.0]], [[1.0, 0.0]]),
    ([[-1.0]], [[1.0], [1.0]]),
]
BAD_STEPS = [
    (4, 4, "linear", 0),
    (-1, 4, "linear", 0),
    (0, 0, "constant", 0),
    (0, 4, "linear", -1),
    (0, 4, "step", 0),
    (5, 4, "cosine", 2),
]
"""Step, total, kind and warm-up that the schedule refuses."""


def batch_of(*lengths):
    """Tokens and weights of datums of these lengths, the last two targets of each trained."""
    return [
        ([20 + 7 * i + k for k in range(n)], [0.0] * (n - 2) + [0.5, 1.0])
        for i, n in enumerate(lengths)
    ]


# A few batches and no more: each example is a training run, and a smaller one is soon found.
BATCHES = st.sampled_from([batch_of(3), batch_of(4, 3), batch_of(3, 5, 4)])


def nll_batches(least):
    """Log-probabilities and weights of one shape, at least one weight above 0."""
    places = st.tuples(
        st.sampled_from([-0.25, -1.0, -3.5, 0.0]), st.sampled_from([0.0, 1.0, 1.0, 0.5])
    )
    batch = st.lists(st.lists(places, max_size=4), min_size=least, max_size=3)
    trained = batch.filter(lambda b: any(w > 0 for row in b for _, w in row))
    return trained.map(lambda b: ([[p for p, _ in r] for r in b], [[w for _, w in r] for r in b]))


# --- what a run must ask for ----------------------------------------------------------------------

TOLD = ("forward", "forward_backward", "optim_step", "save_weights")


def config(**changes):
    """Two epochs of two steps at a rate of 0.001, changed by `changes`."""
    base = {"epochs": 2, "batch_size": 4, "learning_rate": 0.001, "evaluate_every": 10}
    return {**base, **changes}


def order_of(log):
    """What a log's requests that train, look or save asked, in order of arrival, with the loss."""
    asked = [e for e in log if e.kind in TOLD and "error" not in e.facts]
    return [" ".join([e.kind, *filter(None, [e.facts.get("loss_fn")])]) for e in asked]


def run_order(total, *, evaluate_every, save_every):
    """The same for a run that does what it should."""
    look, asked = "forward cross_entropy", []
    for step in range(total):
        asked += [look] * (step % evaluate_every == 0)
        asked += ["forward_backward cross_entropy", "optim_step"]
        asked += ["save_weights"] * ((step + 1) % save_every == 0 and step + 1 < total)
    return [*asked, look, "save_weights"]


def rates(total, kind, warmup):
    """The learning rates of a run of `config`."""
    decay = {
        "linear": [1 - step / total for step in range(total)],
        "cosine": [(1 + math.cos(math.pi * step / total)) / 2 for step in range(total)],
    }[kind]
    return [0.001 * d * min(1.0, (s + 1) / max(warmup, 1)) for s, d in enumerate(decay)]


def sizes(batch_size):
    """How many of the datums of `ROWS` are in each batch of an epoch."""
    whole, left = divmod(len(ROWS), batch_size)
    return [batch_size] * whole + [left] * (left > 0)


def hashes(rows):
    """What the log says of these tokens and weights, sent as Lab 1 makes a datum of them."""
    return [hash_of(t[:-1], target_tokens=t[1:], weights=w[1:]) for t, w in rows]


def trained(rows):
    """How many targets of these rows are trained, by weight."""
    return sum(sum(w[1:]) for _, w in rows)


def lines_of_metrics(nll, held):
    """The lines of a run of four steps that evaluates every three; `held` are its three values."""
    decay = rates(len(nll), "linear", 0)
    lines = [
        {"step": at, "learning_rate": decay[at], "progress": (at + 1) / 4, "train_mean_nll": one}
        for at, one in enumerate(nll)
    ]
    for at, one in zip((0, 3), held, strict=False):
        lines[at]["test/nll"] = one
    return [*lines, {"step": 4, "test/nll": held[2]}]


def lines_of_checkpoints(held):
    """Name, steps, lowest loss and evaluations in vain of what the same run saves."""
    first, second, third = held
    waited = 0 if second < first else 1
    waited = 0 if third < min(first, second) else waited + 1
    # The evaluation before step 3 comes after this save.
    return [["000003", 3, first, 0], ["final", 4, min(held), waited]]


# --- chats ----------------------------------------------------------------------------------------


def message(role, *contents):
    """A message of that role with one of these contents."""
    return st.sampled_from([{"role": role, "content": text} for text in contents])


SYSTEM = message("system", "Be brief.", "")
USER = message("user", "Hi", "2 + 3?")
ANSWER = message("assistant", "Yes.", "5")
ASKED = st.lists(SYSTEM, max_size=1)
PAIRS = st.lists(st.tuples(USER, ANSWER), min_size=1, max_size=2)
TAUGHT = st.tuples(ASKED, PAIRS).map(lambda c: [*c[0], *(m for pair in c[1] for m in pair)])
USELESS = st.tuples(ASKED, st.lists(USER, max_size=1), message("assistant", "", " \n") | USER).map(
    lambda c: [*c[0], *c[1], c[2]]
) | st.just([])
TURNS = st.lists(message("system", "Be brief.") | USER | ANSWER, max_size=5) | TAUGHT.filter(
    lambda chat: all(m["content"] for m in chat)
)
CONTENTS = (
    "Hi",
    "",
    " \n",
    "a\ufffdb",
    "a" * 400,
    "a" * 401,
    "As an AI, I",
    " as an ai",
    "No As an AI",
)
CLEAN = st.tuples(st.lists(message("system", "Be brief."), max_size=1), PAIRS).map(
    lambda c: [*c[0], *(m for pair in c[1] for m in pair)]
)


def with_each_content(chat, place):
    """The chat with each of `CONTENTS` in one of its messages."""
    place %= len(chat)
    return [
        [{**m, "content": content} if k == place else m for k, m in enumerate(chat)]
        for content in CONTENTS
    ]


BAD_SKILLS = [
    ({}, {}),
    ({"a": [True]}, {"b": [True]}),
    ({"a": []}, {"a": []}),
    ({"a": [True]}, {"a": [True, False]}),
    ({"mean": [True]}, {"mean": [True]}),
    ({"a": [True], "b": [True]}, {"a": [True]}),
]


ANSWER_PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5)
LOST_AND_WON = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=3).map(
    lambda more: [(True, False), (True, False), (True, True), (False, True), *more]
)
"""Before and after of each question: every way to compare the two gives another number."""


def skill_pairs(answers=ANSWER_PAIRS):
    """Right and wrong answers of one to three tasks, before and after."""
    tasks = st.dictionaries(st.sampled_from(["sums", "lists", "facts"]), answers, min_size=1)
    return tasks.map(
        lambda found: tuple(
            {task: [pair[which] for pair in pairs] for task, pairs in found.items()}
            for which in (0, 1)
        )
    )
