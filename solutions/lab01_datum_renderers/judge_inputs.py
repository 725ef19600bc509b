"""Generated inputs of lab 1's hidden cases, and how answers are read and shown.

Chats are short and their contents come from small lists that hold what breaks renderers: nothing,
line breaks, spaces, emoji, text that spells a special token. `judge.py` reads this file by its
path.
"""

from functools import cache
from itertools import product

import tinker
from hypothesis import strategies as st

from shared.models.tokenizers import foreign_tokenizer, tiny_tokenizer

ROLES = ("user", "assistant", "system")
VALUES = ("all_assistant_messages", "all_messages", "all_user_and_system_messages",
          "last_assistant_message", "all_tokens")  # fmt: skip
SPECIAL = ("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|begin_of_text|>", "<|endoftext|>",
           "<|end_header_id|>")  # fmt: skip
PLAIN = ("Hi", "2 + 3")
ODD = ("", "a\nb", " x ", "Hi\n", "\n\n", "🙂", "naïve", "User: no", "<think>")
TYPED = (*SPECIAL, "a<|im_end|>\n<|im_start|>system\nb", "<|eot_id|> ")
TRAIN_ON = st.sampled_from(VALUES)
FOREIGN = st.booleans()


@cache
def chats(*contents, least=0, most=4, last=ROLES):
    """Chats of `least` to `most` messages, the last one of a role in `last`."""
    turns = st.sampled_from([(role, text) for text, role in product(contents, ROLES)])
    ends = st.sampled_from([(role, text) for text, role in product(contents, last)])
    chat = st.lists(turns, min_size=max(0, least - 1), max_size=most - 1)
    whole = st.tuples(chat, ends).map(lambda pair: [*pair[0], pair[1]])
    if least == 0:
        whole = whole | st.just([])
    return whole.map(lambda turns: [{"role": role, "content": text} for role, text in turns])


def call_shown(name, messages, *more, foreign=False):
    """A call of a renderer as a student would write it."""
    note = "  # tokenizer has a bos_token of its own and other ids" if foreign else ""
    rest = "".join(f", {value!r}" for value in more)
    return f"{name}({messages!r}, tokenizer{rest}){note}"


# --- how an answer is read ------------------------------------------------------------------------


@cache
def tokenizer_of(foreign):
    """The tokenizer that a snippet made, and the spelling of each of its tokens."""
    tokenizer = foreign_tokenizer() if foreign else tiny_tokenizer()
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return tokenizer, [piece.replace("Ġ", " ").replace("Ċ", "\n") for piece in pieces]


def spelled(tokens, foreign):
    """Token ids as the tokens they stand for; anything else as it is."""
    pieces = tokenizer_of(foreign)[1]
    whole = type(tokens) in (list, tuple) and all(
        type(token) is int and 0 <= token < len(pieces) for token in tokens
    )
    return [pieces[token] for token in tokens] if whole else tokens


def stretches(tokens, weights, foreign):
    """The text of neighbouring tokens of one weight, with that weight."""
    tokenizer, _ = tokenizer_of(foreign)
    runs = []
    for token, weight in zip(tokens, weights, strict=True):
        if not runs or runs[-1][1] != weight:
            runs.append(([], weight))
        runs[-1][0].append(token)
    return [(tokenizer.decode(run), weight) for run, weight in runs]


def rendered(answer, foreign):
    """Tokens and weights so that a difference can be read: stretches of text first."""
    if type(answer) not in (list, tuple) or len(answer) != 2:
        return answer
    tokens, weights = answer
    pieces = spelled(tokens, foreign)
    if pieces is tokens or type(weights) not in (list, tuple) or len(weights) != len(tokens):
        return {"tokens": pieces, "weights": weights}
    return {
        "text with its weight": stretches(tokens, weights, foreign),
        "tokens": pieces,
        "weights": list(weights),
    }


def parts_of(datum):
    """A datum as plain data: dtype, shape and numbers of each of its arrays."""
    if type(datum) is not tinker.Datum:
        return datum
    arrays = {}
    for name, array in datum.loss_fn_inputs.items():
        numbers = array.to_numpy()
        arrays[name] = {"dtype": array.dtype, "shape": list(numbers.shape), "data": numbers}
    return {"model_input": datum.model_input.to_ints(), **arrays}


# --- numbers --------------------------------------------------------------------------------------

QUARTERS = (1.0, 0.0, 0.5, 0.25, 2.0)
BAD_WEIGHTS = st.sampled_from([-1.0, -0.25, float("nan"), float("inf"), float("-inf")])


@st.composite
def examples(draw, least, most, weights=QUARTERS):
    """So many tokens, each another one, and their weights."""
    drawn = draw(st.lists(st.sampled_from(weights), min_size=least, max_size=most))
    return list(range(5, 5 + len(drawn))), drawn


@st.composite
def long_examples(draw):
    """An example of which something can be learnt, and a length that may cut it."""
    tokens, weights = draw(examples(2, 8, (0.0, 1.0, 0.25)))
    if not any(weights[1:]):
        weights[-1] = 1.0
    return tokens, weights, draw(st.integers(2, 7))


# --- answers of a model, and tables ---------------------------------------------------------------

END = (False, "<|im_end|>")
SAID = st.lists(st.sampled_from([(True, text) for text in (*PLAIN, *ODD)]), max_size=2)
SAID_ODD = st.lists(
    st.sampled_from(
        [(True, "<|im_end|>"), (False, "<|endoftext|>"), (False, "<|im_start|>"), (True, " Hi ")]
    ),
    min_size=1, max_size=3,
)  # fmt: skip
SPELLED = st.lists(
    st.sampled_from(
        [(True, "Hi"), (False, "<|im_end|>"), (True, " "), (True, "\n"), (True, "2 + 3"),
         (True, "&lt;"), (True, "🙂")]
    ),
    max_size=3,
)  # fmt: skip
MARKUP = st.sampled_from(["<think>", "</think>", "<tool_call>"])
CYCLES = st.lists(st.sampled_from([1.0, 0.0]), min_size=1, max_size=3)
SHARES = st.lists(st.sampled_from([0.5, 0.25, 0.0, 2.0, 0.125]), min_size=1, max_size=3)


def parts_shown(parts):
    """The tokens of `parts` as a student would make them."""
    texts = [
        f"typed({text!r})" if typed and text in SPECIAL else f"{text!r}" for typed, text in parts
    ]
    return f"tokens of [{', '.join(texts)}]"
