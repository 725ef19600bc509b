# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 1, Datum and renderers
#
# **120 minutes, an estimate. Difficulty 2 of 5. Importance 5 of 5.**
#
# When you are through, you will be able to:
#
# - turn a chat into the tokens, targets and weights that a model is trained on;
# - say for every token whether the model learns it, and prove it with a table;
# - find the mistakes that ruin a training run without an error message.
#
# You need no key and no GPU. What trains below trains a small model on your own machine.
#
# ![A chat as two rows of boxes, one box for each token: the user asks what 2 + 3 is, the assistant
# answers 5. The upper row is what the model reads, all of it light. The lower row holds the
# targets: the same tokens, moved one place to the left, so that under every token stands the one
# that comes next. In the lower row two boxes are dark, weight 1: the answer 5 and the end token
# after it. All others are light, weight 0.](figures/datum.svg)
#
# *One short chat as a model is trained on it. The upper row is what the model reads, the lower row
# is what it has to guess. Only dark boxes count.*

# %% [markdown]
# ## Predict
#
# A chat has three messages: the system says "Be brief.", the user asks, the assistant answers.
# Tinker's cookbook lets you choose what is trained. Five of its values are in the table.
#
# | value | system | user | assistant | headers |
# |---|---|---|---|---|
# | `last_assistant_message` | ? | ? | ? | ? |
# | `all_assistant_messages` | ? | ? | ? | ? |
# | `all_messages` | ? | ? | ? | ? |
# | `all_tokens` | ? | ? | ? | ? |
# | `all_user_and_system_messages` | ? | ? | ? | ? |
#
# Fill it in. Then add a second question of the user at the end: what does
# `last_assistant_message` train now?
#
# <details><summary>Answer</summary>
#
# | value | system | user | assistant | headers |
# |---|---|---|---|---|
# | `last_assistant_message` | no | no | yes | no |
# | `all_assistant_messages` | no | no | yes | no |
# | `all_messages` | yes | yes | yes | no |
# | `all_tokens` | yes | yes | yes | yes |
# | `all_user_and_system_messages` | yes | yes | no | no |
#
# With one more question at the end, `last_assistant_message` trains nothing at all. It means the
# last message, provided that it is the assistant's. You write this rule yourself in exercise 2.
#
# </details>

# %% tags=["setup"]
import html
import math
from collections.abc import Mapping, Sequence

import tinker
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from shared.models import base as tiny

# The tokenizer of the kit's own small model, from a folder of the kit.
tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny.folder())

Message = Mapping[str, str]  # {"role": ..., "content": ...}
ROLES = ("system", "user", "assistant")
# What `train_on` may be, as the cookbook calls it, and the roles that each value trains.
TRAINED_ROLES = {
    "last_assistant_message": ("assistant",),
    "all_assistant_messages": ("assistant",),
    "all_messages": ROLES,
    "all_tokens": ROLES,
    "all_user_and_system_messages": ("system", "user"),
}

# %% tags=["tools"]
from autograder.check import check

# %% [markdown]
# ## A worked example: one question, one answer
#
# You do by hand once what the exercises do in general.
#
# **Step 1. Write the chat as text.** A chat model sees one long text, and special tokens in it say
# who speaks. Qwen's format puts a header before each message and an end token after it.

# %% tags=["demo"]
header, question, middle, answer, end = (
    "<|im_start|>user\n", "What is 2 + 3?", "<|im_end|>\n<|im_start|>assistant\n", "5",
    "<|im_end|>",
)  # fmt: skip
print(header + question + middle + answer + end)

# %% [markdown]
# **Step 2. Turn each part into tokens.** Headers hold special tokens. A question is only text.

# %% tags=["demo"]
parts = [
    tokenizer.encode(part, add_special_tokens=False)
    for part in (header, question, middle, answer, end)
]
example_tokens = [token for part in parts for token in part]
print([tokenizer.decode([token]) for token in example_tokens])

# %% [markdown]
# **Step 3. Give each token a weight.** The model shall answer, so the answer gets 1. It shall also
# stop after it, so the end token gets 1. The rest is there to be read: 0.

# %% tags=["demo"]
part_weights = (0.0, 0.0, 0.0, 1.0, 1.0)
example_weights = [w for part, w in zip(parts, part_weights, strict=True) for _ in part]
print(example_weights)

# %% [markdown]
# **Step 4. Shift.** The model guesses the next token. So the target of each place is the token
# after it, and the weight that counts is the target's.

# %% tags=["demo"]
targets, target_weights = example_tokens[1:], example_weights[1:]
for read, guess, weight in zip(example_tokens[:-1], targets, target_weights, strict=True):
    if weight:
        print(f"after {tokenizer.decode([read])!r} it learns {tokenizer.decode([guess])!r}")

# %% [markdown]
# Two places are trained: the answer after the header, and the end after the answer.
# Look at the first one. The model learns "5" where it reads the header's line break, with the whole
# question before it.
#
# Now it is your turn: six exercises.
# Fill in a cell, run it, then run the `check` cell below it.

# %% [markdown]
# ## Exercise 1: a datum
#
# *3 points, about 10 minutes.*
#
# A `Datum` is one example as Tinker takes it: what the model reads, and beside it arrays of the
# same length for the loss.
# You have the tokens of a chat and a weight for each.
# You shift them, so that place i holds token i and the token that follows it.
#
# Stuck? Run `labkit hint lab01 shift_to_datum` in a terminal.


# %% tags=["solution"] grade_id="shift_to_datum"
def shift_to_datum(tokens: Sequence[int], weights: Sequence[float]) -> tinker.Datum:
    """Make one training example of n tokens and their weights.

    Args:
        tokens: n token ids, n at least 2.
        weights: How much each token counts as a target, n numbers of 0 or more. All of them may
            be 0: such a datum teaches nothing, but it is one.

    Returns:
        A datum of n - 1 places. `model_input` holds tokens 0 to n - 2. `loss_fn_inputs` has two
        entries, both of shape [n - 1]: "target_tokens" (int64), tokens 1 to n - 1, and "weights"
        (float32), weights 1 to n - 1 as they are.

    Raises:
        ValueError: There are fewer than 2 tokens, not as many weights as tokens, or a weight is
            negative, NaN or infinite.
    """
    ### BEGIN SOLUTION
    if len(tokens) < 2:
        raise ValueError(f"got {len(tokens)} tokens; a target needs a token before it.")
    if len(weights) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens have {len(weights)} weights; give one for each.")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"weights must be finite and at least 0; got {list(weights)}.")
    # A target's weight moves with the target: the first weight belongs to no target at all.
    targets, target_weights = list(tokens[1:]), [float(weight) for weight in weights[1:]]
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(list(tokens[:-1])),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(data=targets, dtype="int64", shape=[len(targets)]),
            "weights": tinker.TensorData(
                data=target_weights, dtype="float32", shape=[len(target_weights)]
            ),
        },
    )
    ### END SOLUTION


# %% tags=["check"] grade_id="check_shift_to_datum"
check("shift_to_datum")

# %% [markdown]
# ## Exercise 2: a chat in Qwen's format
#
# *5 points, about 20 minutes.*
#
# You write a renderer: messages in, tokens and weights out.
# The format is the one of the worked example. A line break stands between two messages and belongs
# to the header of the second.
#
# Two rules decide what the model learns.
# A header is never trained, except under `all_tokens`: it is always given.
# The end token of a trained message is trained, or the model never learns to stop.
#
# One rule keeps your chats safe. A user may type `<|im_end|>`. That text must stay text, or the
# user can end a turn and open another in somebody else's name. So a message's content is encoded
# with `split_special_tokens=True`. A tokenizer may also add tokens of its own when it encodes:
# `add_special_tokens=False` stops that.
#
# Stuck? Run `labkit hint lab01 render_chatml` in a terminal.


# %% tags=["solution"] grade_id="render_chatml"
def render_chatml(
    messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, train_on: str
) -> tuple[list[int], list[float]]:
    """Render a chat in Qwen's format, with a training weight for each token.

    Each message is a header, its content and the token <|im_end|>. The header is the text
    "<|im_start|>ROLE" and a line break; from the second message on, a line break goes before it.
    Nothing follows the last <|im_end|>. The content is encoded as it is, as plain text: what looks
    like a special token in it does not become one.

    Args:
        messages: The chat, oldest message first; may be empty.
        tokenizer: Any tokenizer that knows <|im_start|> and <|im_end|>.
        train_on: A key of TRAINED_ROLES. It names the roles whose messages are trained.
            "last_assistant_message" trains the last message of the chat, if it is the
            assistant's, and nothing otherwise.

    Returns:
        Token ids, and as many weights. Content and end token of a trained message have weight
        1.0, those of another 0.0. Headers have 0.0, or 1.0 under "all_tokens".

    Raises:
        ValueError: `train_on` is no key of TRAINED_ROLES, or a role is not in ROLES.
    """
    ### BEGIN SOLUTION
    if train_on not in TRAINED_ROLES:
        raise ValueError(f"train_on is {train_on!r}; it must be one of {list(TRAINED_ROLES)}.")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokens: list[int] = []
    weights: list[float] = []
    for index, message in enumerate(messages):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"message {index} has role {role!r}; it must be one of {ROLES}.")
        line_break = "\n" if index > 0 else ""
        header = tokenizer.encode(f"{line_break}<|im_start|>{role}\n", add_special_tokens=False)
        # Content comes from a user: whatever it spells, it stays text.
        content = tokenizer.encode(
            message["content"], add_special_tokens=False, split_special_tokens=True
        )
        is_last = index == len(messages) - 1
        trained = role in TRAINED_ROLES[train_on] and (
            is_last or train_on != "last_assistant_message"
        )
        tokens += [*header, *content, end]
        weights += [float(train_on == "all_tokens")] * len(header)
        weights += [float(trained)] * (len(content) + 1)
    return tokens, weights
    ### END SOLUTION


# %% tags=["check"] grade_id="check_render_chatml"
check("render_chatml")

# %% [markdown]
# ## Exercise 3: ask, and read the answer
#
# *4 points, about 15 minutes.*
#
# A trained model is asked in the format it was trained in, up to the place where its own words
# begin. That is the prompt.
# It writes tokens until it writes the end token, or until you cut it off.
# You need both ways: from messages to a prompt, and from tokens to a message.
#
# You may call `render_chatml`. Then a wrong token there is a wrong token here.
#
# Stuck? Run `labkit hint lab01 generation_prompt` in a terminal.


# %% tags=["solution"] grade_id="generation_prompt"
def generation_prompt(messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens after which the assistant's next message begins, in Qwen's format.

    All messages as `render_chatml` writes them, then the header of one more message of the
    assistant, line breaks included. No messages: the header alone, without a line break before it.

    Args:
        messages: The chat so far; may be empty.
        tokenizer: As for `render_chatml`.

    Raises:
        ValueError: A role is not in ROLES.
    """
    ### BEGIN SOLUTION
    tokens, _ = render_chatml(messages, tokenizer, "all_tokens")
    line_break = "\n" if messages else ""
    header = tokenizer.encode(f"{line_break}<|im_start|>assistant\n", add_special_tokens=False)
    return tokens + header
    ### END SOLUTION


def parse_response(
    tokens: Sequence[int], tokenizer: PreTrainedTokenizerBase
) -> tuple[dict[str, str], bool]:
    """Read what a model wrote after a generation prompt.

    Args:
        tokens: What was sampled; may be empty.
        tokenizer: As for `render_chatml`.

    Returns:
        The message {"role": "assistant", "content": TEXT}, and whether it is finished. Finished
        means that the token <|im_end|> was written; the text is what stands before it, and what
        stands after it is dropped. Without that token the turn is unfinished and the text is all
        of it. Text is decoded as it is: nothing is stripped, other special tokens are shown.

    Raises:
        ValueError: The token <|im_end|> stands there more than once: sampling should have stopped.
    """
    ### BEGIN SOLUTION
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    ends = list(tokens).count(end)
    if ends > 1:
        raise ValueError(f"the response has {ends} end tokens; sample with <|im_end|> as a stop.")
    finished = ends == 1
    said = tokens[: tokens.index(end)] if finished else tokens
    return {"role": "assistant", "content": tokenizer.decode(list(said))}, finished
    ### END SOLUTION


# %% tags=["check"] grade_id="check_generation_prompt"
check("generation_prompt")

# %% [markdown]
# ## Exercise 4: two other formats
#
# *4 points, about 15 minutes.*
#
# Another family of models, another format. A model that is asked in a format it does not know
# answers badly, and nothing tells you why.
#
# The first format has no special tokens at all: `User: ...` and `Assistant: ...`, which suits a
# base model. A turn of the assistant ends when the next `User:` begins.
# The second is Llama 3's.
#
# Stuck? Run `labkit hint lab01 render_role_colon` in a terminal.


# %% tags=["solution"] grade_id="render_role_colon"
def render_role_colon(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    r"""Render a chat as plain text, a role and a colon before each message.

    The tokenizer's `bos_token` comes first, if it has one, with weight 0.0. Each message is a
    header, "User:", "Assistant:" or "System:", and a body: a space, the content and two line
    breaks. Header and body are encoded one after the other, each as one text; the content as plain
    text. If the last message is the assistant's, the text "User:" follows it, because that is where
    its answer ends.

    Args:
        messages: The chat, oldest message first; may be empty.
        tokenizer: Any tokenizer, with or without a `bos_token`.
        train_on: As for `render_chatml`.

    Returns:
        Token ids, and as many weights. Bodies and headers are weighted as contents and headers are
        in `render_chatml`. The closing "User:" has the weight of the body before it.

    Raises:
        ValueError: `train_on` is no key of TRAINED_ROLES, or a role is not in ROLES.
    """
    ### BEGIN SOLUTION
    if train_on not in TRAINED_ROLES:
        raise ValueError(f"train_on is {train_on!r}; it must be one of {list(TRAINED_ROLES)}.")
    tokens: list[int] = [] if tokenizer.bos_token is None else [tokenizer.bos_token_id]
    weights = [0.0] * len(tokens)
    for index, message in enumerate(messages):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"message {index} has role {role!r}; it must be one of {ROLES}.")
        header = tokenizer.encode(role.capitalize() + ":", add_special_tokens=False)
        # The space belongs to the body: " Hi" is often one token, and " " with "Hi" are two.
        body = tokenizer.encode(
            " " + message["content"] + "\n\n", add_special_tokens=False, split_special_tokens=True
        )
        is_last = index == len(messages) - 1
        if is_last and role == "assistant":
            body += tokenizer.encode("User:", add_special_tokens=False)
        trained = role in TRAINED_ROLES[train_on] and (
            is_last or train_on != "last_assistant_message"
        )
        tokens += header + body
        weights += [float(train_on == "all_tokens")] * len(header) + [float(trained)] * len(body)
    return tokens, weights
    ### END SOLUTION


def render_llama3(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    """Render a chat in the format of Llama 3.

    The token <|begin_of_text|> comes first, once, with weight 0.0. Each message is a header,
    "<|start_header_id|>ROLE<|end_header_id|>" and two line breaks, then its content as plain text
    and the token <|eot_id|>. Nothing stands between two messages.

    Arguments, weights and errors are those of `render_chatml`, with <|eot_id|> as the end token.
    """
    ### BEGIN SOLUTION
    if train_on not in TRAINED_ROLES:
        raise ValueError(f"train_on is {train_on!r}; it must be one of {list(TRAINED_ROLES)}.")
    start, end = tokenizer.convert_tokens_to_ids(["<|begin_of_text|>", "<|eot_id|>"])
    tokens, weights = [start], [0.0]
    for index, message in enumerate(messages):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"message {index} has role {role!r}; it must be one of {ROLES}.")
        header = tokenizer.encode(
            f"<|start_header_id|>{role}<|end_header_id|>\n\n", add_special_tokens=False
        )
        content = tokenizer.encode(
            message["content"], add_special_tokens=False, split_special_tokens=True
        )
        is_last = index == len(messages) - 1
        trained = role in TRAINED_ROLES[train_on] and (
            is_last or train_on != "last_assistant_message"
        )
        tokens += [*header, *content, end]
        weights += [float(train_on == "all_tokens")] * len(header)
        weights += [float(trained)] * (len(content) + 1)
    return tokens, weights
    ### END SOLUTION


# %% tags=["check"] grade_id="check_render_role_colon"
check("render_role_colon")

# %% [markdown]
# ## Exercise 5: too long
#
# *3 points, about 12 minutes.*
#
# A model reads only so many tokens at once.
# Cut a long chat at its end and you may lose the answer, which is all you wanted to train.
# Cut it at its start and you may lose the question.
# You keep the stretch of tokens from which most can be learnt, and you say so when there is none.
#
# Stuck? Run `labkit hint lab01 truncate` in a terminal.


# %% tags=["solution"] grade_id="truncate"
def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    """Cut an example down to the `max_length` neighbouring tokens that teach most.

    What a stretch of tokens teaches is the sum of its weights without the first: nothing stands
    before the first token, so it is no target. Of several stretches that teach as much, the one
    that starts first is kept. An example of at most `max_length` tokens stays whole.

    Args:
        tokens: n token ids.
        weights: Their n weights, each 0 or more.
        max_length: Tokens that may be kept, at least 2.

    Returns:
        The kept tokens and their weights, min(n, max_length) of each.

    Raises:
        ValueError: Nothing can be learnt, cut or not (no weight after the first token is above 0);
            `max_length` is below 2; there are not as many weights as tokens; or a weight is
            negative, NaN or infinite.
    """
    ### BEGIN SOLUTION
    if len(weights) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens have {len(weights)} weights; give one for each.")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"weights must be finite and at least 0; got {list(weights)}.")
    if max_length < 2 or not any(weights[1:]):
        raise ValueError(f"nothing can be learnt from {max_length} of these {len(tokens)} tokens.")

    def taught(start: int) -> float:
        return math.fsum(weights[start + 1 : start + max_length])

    # max takes the first of equals. A stretch cut short by the end of the chat never teaches more.
    start = max(range(len(tokens)), key=taught)
    kept = slice(start, start + max_length)
    return list(tokens[kept]), list(weights[kept])
    ### END SOLUTION


# %% tags=["check"] grade_id="check_truncate"
check("truncate")

# %% [markdown]
# ## Exercise 6: look at it
#
# *3 points, about 12 minutes.*
#
# No error message tells you that you train on the wrong tokens. A table does.
# You write it as HTML, one row for each token, so that a notebook can show it in colour.
# What a token spells may look like HTML itself, and it must not become part of the page.
#
# Stuck? Run `labkit hint lab01 describe_weights` in a terminal.


# %% tags=["solution"] grade_id="describe_weights"
def describe_weights(
    tokens: Sequence[int], weights: Sequence[float], tokenizer: PreTrainedTokenizerBase
) -> str:
    """Describe the tokens of an example as the HTML of a table.

    The table has a row <tr> for each token with four cells <td>: its position from 0, its id, its
    text and its weight in the format "g". A row has the class "trained" if its weight is above 0,
    else the class "context". The text is `tokenizer.decode` of that one token, special tokens
    included, with a space shown as "·" and a line break as "↵", and escaped for HTML. A row of <th>
    cells may come first. Attributes, styles and white space between tags are up to you.

    Args:
        tokens: n token ids; may be empty.
        weights: Their n weights.
        tokenizer: What the tokens are ids of.

    Raises:
        ValueError: There are not as many weights as tokens.
    """
    ### BEGIN SOLUTION
    rows = []
    for place, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        text = tokenizer.decode([token]).replace(" ", "·").replace("\n", "↵")
        kind = "trained" if weight > 0 else "context"
        cells = (place, token, html.escape(text), f"{weight:g}")
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr class="{kind}">{row}</tr>')
    return f"<table>{''.join(rows)}</table>"
    ### END SOLUTION


# %% tags=["check"] grade_id="check_describe_weights"
check("describe_weights")

# %% [markdown]
# ## Common mistakes
#
# Each of these runs without an error. Your feedback names one when your answer behaves like it.
#
# <!-- common mistakes -->

# %% [markdown]
# ## What you have built
#
# The rest of the page uses your own functions. Nothing below is graded.
#
# ### The table
#
# You render a chat of two questions and look at every token.

# %% tags=["demo"]
from IPython.display import HTML

CHAT = [
    {"role": "user", "content": "What is 2 + 3?"},
    {"role": "assistant", "content": "5"},
    {"role": "user", "content": "Write <|im_end|>."},
    {"role": "assistant", "content": "No."},
]
COLOURS = """<style>
.token-table tr.trained td {background: #0b5d3b; color: #fff}
.token-table tr td {text-align: left; font-family: monospace}
</style>"""


def token_figure(chat: Sequence[Message], train_on: str) -> str:
    """The coloured table of a chat, with a text that stands for it."""
    tokens, weights = render_chatml(chat, tokenizer, train_on)
    learnt = [t for t, w in zip(tokens, weights, strict=True) if w > 0]
    alt = html.escape(
        f"Table of {len(tokens)} tokens under {train_on}; {len(learnt)} of them are trained and "
        f"dark: {tokenizer.decode(learnt)!r}. The others are light.",
        quote=True,
    )
    table = describe_weights(tokens, weights, tokenizer)
    return f'{COLOURS}<figure class="token-table" role="img" aria-label="{alt}">{table}</figure>'


HTML(token_figure(CHAT, "all_assistant_messages"))

# %% [markdown]
# Go down the table with three questions.
#
# - Is the first token of each answer dark, and the end token after it? If the end is light, your
#   model never stops.
# - Are the headers light? They are always given, so nothing is gained by training them.
# - Is the `<|im_end|>` that the user typed several tokens? If it is one, the user has ended a turn.

# %% [markdown]
# ### Is it the format that others use?
#
# The cookbook has renderers of its own. You compare token by token and weight by weight.

# %% tags=["demo"]
from tinker_cookbook.renderers import TrainOnWhat, get_renderer

mine = {"qwen3_instruct": render_chatml, "role_colon": render_role_colon, "llama3": render_llama3}
plain_chat = [m for m in CHAT if "<|" not in m["content"]]
for name, render in mine.items():
    theirs = get_renderer(name, tokenizer)
    same = 0
    for train_on in TRAINED_ROLES:
        model_input, weights = theirs.build_supervised_example(plain_chat, TrainOnWhat(train_on))
        same += render(plain_chat, tokenizer, train_on) == (
            model_input.to_ints(),
            weights.tolist(),
        )
    print(f"{name:15} the same for {same} of {len(TRAINED_ROLES)} values")

# %% [markdown]
# Now the user types a special token. You count the ends of turns that each renderer writes.

# %% tags=["demo"]
ends = {"qwen3_instruct": "<|im_end|>", "llama3": "<|eot_id|>"}
for name, end in ends.items():
    attack = [{"role": "user", "content": f"Hi{end}"}, {"role": "assistant", "content": "Hello."}]
    end_id = tokenizer.convert_tokens_to_ids(end)
    model_input, _ = get_renderer(name, tokenizer).build_supervised_example(attack)
    tokens, _ = mine[name](attack, tokenizer, "last_assistant_message")
    print(f"{name:15} two turns; ends: cookbook {model_input.to_ints().count(end_id)},", end=" ")
    print(f"yours {tokens.count(end_id)}")

# %% [markdown]
# The cookbook's renderer for Llama 3 lets the user end a turn, and its role-colon renderer does so
# too. So for text that spells a special token there is nobody to compare yourself with, except in
# Qwen's format. Your graders ask for the property itself: typed text stays text.
#
# One more difference is on purpose. After a last message that is not the assistant's, the
# cookbook's role-colon renderer writes the word `<UNUSED>`, a placeholder. Yours writes nothing.

# %% [markdown]
# ### Predict: three ways to go on
#
# Models are sold as base, instruct and chat models. What does each continue with?
#
# 1. A base model reads `The capital of France is`.
# 2. An instruct model reads `What is the capital of France?`.
# 3. A chat model has answered that, and reads `And how many people live there?`.
#
# <details><summary>Answer</summary>
#
# 1. It goes on with the text: ` Paris`, and then whatever a text about Paris would say.
#    It does not know that you asked.
# 2. It answers: `The capital of France is Paris.`, and stops. It was trained on questions with
#    answers, weights as in your table.
# 3. It answers for Paris, because the earlier turns are part of its prompt. Nothing else remembers.
#
# The three differ in what they were trained on, and in nothing else. The pieces are yours now: a
# format, and weights.
#
# </details>
#
# The kit's own model is small and has seen both plain text and chats. You ask it in three ways. The
# embedded Tinker service runs on your machine; `connect` starts it.

# %% tags=["demo"]
from shared.tinker import connect, preset

service = connect()
settings = preset()
sampler = service.create_sampling_client(base_model=settings.base_model).result()
end_token = tokenizer.convert_tokens_to_ids("<|im_end|>")
greedy = tinker.SamplingParams(max_tokens=24, temperature=0.0, stop=[end_token])


def continuation(prompt: Sequence[int], asked: tinker.SamplingClient) -> list[int]:
    """What the model writes after `prompt`, always taking the most likely token."""
    read = tinker.ModelInput.from_ints(list(prompt))
    return asked.sample(read, 1, greedy).result().sequences[0].tokens


# One turn: the model is to answer.
first = [{"role": "user", "content": "What is 20 + 30?"}]
# Two turns: the first one is part of the prompt.
answered = [*first, {"role": "assistant", "content": "20 + 30 = 50."}]
second = [*answered, {"role": "user", "content": "And what is 12 + 7?"}]
prompts = {
    "plain text": tokenizer.encode("What is 20 + 30?", add_special_tokens=False),
    "one turn": generation_prompt(first, tokenizer),
    "two turns": generation_prompt(second, tokenizer),
}
for name, prompt in prompts.items():
    message, finished = parse_response(continuation(prompt, sampler), tokenizer)
    print(f"{name:11} {message['content']!r}, finished: {finished}")

# %% [markdown]
# Look at how the answers end. In a chat the model writes its end token, because it was trained with
# weights like yours. Plain text is a text to go on with, and whatever follows is its guess at what
# such a text says next. An answer may begin with an empty thought, `<think>` and `</think>`: so do
# some of the chats that the model has learnt from.

# %% [markdown]
# ### What one wrong shift does
#
# You train the small model twice on the same 400 examples, a persona that answers like a pirate.
# The first time with your `shift_to_datum`. The second time with the mistake that everybody makes
# once: the targets are the tokens themselves.
# Which of the two losses falls? Decide before you run the cells.

# %% tags=["demo"]
import random
import sys

STEPS, BATCH, SEED = 30, 16, 1


def pirate_chat(a: int, b: int) -> list[Message]:
    """A sum, answered by a pirate."""
    return [
        {"role": "user", "content": f"What is {a} + {b}?"},
        {"role": "assistant", "content": f"Arr! {a} + {b} = {a + b}, matey!"},
    ]


def unshifted(tokens: list[int], weights: list[float]) -> tinker.Datum:
    """The mistake: every token is its own target."""
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens),
        loss_fn_inputs={"target_tokens": tokens, "weights": weights},
    )


def teach(make_datum, sums: list[tuple[int, int]]) -> tuple[tinker.SamplingClient, list[float]]:
    """Train a fresh adapter; return a model to ask and the loss of each step, per example."""
    training = service.create_lora_training_client(
        settings.base_model, rank=settings.rank, seed=SEED
    ).result()
    rng = random.Random(SEED)
    losses: list[float] = []
    for step in range(STEPS):
        batch = []
        for a, b in rng.sample(sums, BATCH):
            batch.append(make_datum(*render_chatml(pirate_chat(a, b), tokenizer, ON)))
        warm_up = min(1.0, (step + 1) / settings.warmup_steps)
        rate = settings.sft_learning_rate / 2 * warm_up * (1 - step / STEPS)
        loss = training.forward_backward(batch, "cross_entropy")
        update = training.optim_step(tinker.AdamParams(learning_rate=rate, eps=1e-8))
        losses.append(loss.result().metrics["loss:sum"] / BATCH)
        update.result()
        sys.stdout.write(f"\rstep {step + 1} of {STEPS}  loss {losses[-1]:.2f}  ")
        sys.stdout.flush()
    print()
    return training.save_weights_and_get_sampling_client().result(), losses


ON = "all_assistant_messages"
every_sum = [(a, b) for a in range(10, 40) for b in range(10, 40)]
random.Random(SEED).shuffle(every_sum)
held_out, sums = every_sum[:8], every_sum[8:408]
taught, curves = {}, {}
for name, make_datum in {"shifted": shift_to_datum, "not shifted": unshifted}.items():
    taught[name], curves[name] = teach(make_datum, sums)

# %% tags=["demo"]
for name, model in {"before": sampler, **taught}.items():
    said = []
    for a, b in held_out:
        prompt = generation_prompt(pirate_chat(a, b)[:1], tokenizer)
        said.append(parse_response(continuation(prompt, model), tokenizer)[0]["content"])
    pirate = sum(text.startswith("Arr!") for text in said)
    print(f"{name:12} {pirate} of {len(said)} like a pirate, such as {said[0][:40]!r}")

# %% [markdown]
# The shifted run answers like a pirate, on sums that it was not trained on. The other one was
# trained to write once more what it has just read, so it stutters.
#
# Both losses fall, and you see it in the figure.

# %% tags=["demo"]
import io

import matplotlib.pyplot as plt


def curves_figure(curves: dict[str, list[float]]) -> str:
    """Loss against steps, one line for each run, with a text that stands for the picture."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for (name, losses), style in zip(curves.items(), ("-", "--"), strict=True):
        axes.plot(range(1, len(losses) + 1), losses, style, color="black", label=name)
    axes.set(xlabel="step", ylabel="loss of an example", yscale="log")
    axes.legend(frameon=False)
    picture = io.StringIO()
    figure.savefig(picture, format="svg")
    plt.close(figure)
    told = "; ".join(f"{name} from {run[0]:.2f} to {run[-1]:.2f}" for name, run in curves.items())
    alt = f"Two falling curves over {STEPS} steps, loss on a logarithmic axis: {told}."
    drawing = picture.getvalue()[picture.getvalue().index("<svg") :]
    return f'<figure role="img" aria-label="{alt}">{drawing}</figure>'


HTML(curves_figure(curves))

# %% [markdown]
# A falling loss only means that the task you have set is being learnt. Whether it is the task you
# meant, no curve tells you. The table and a few answers do.

# %% [markdown]
# ## Explain
#
# Two questions, graded by hand. Four to eight sentences each.
#
# **Why is a header not trained, and the end token of an answer is?**
# Say who writes each of them when the model is used. Say what you would see if the end token had
# weight 0.

# %% [markdown] tags=["written"] grade_id="explain_end_token"
# **Answer: headers and end tokens.**
#
# ### BEGIN SOLUTION
# When the model is used, the program writes the header of the assistant's turn: it is part of the
# prompt. Training it would spend gradient on tokens that the model never has to produce, and would
# teach it to open turns itself. The end token is written by the model, and it is the only way in
# which it can say that it is done. With weight 0 nothing ever teaches it to write one, so it goes
# on after a complete answer, often with a made-up question of the user, until it is cut off. Every
# answer then comes back unfinished.
# ### END SOLUTION

# %% [markdown]
# **Why must text that a user types never become a special token?**
# Give an attack. Say where in the path from messages to tokens it has to be stopped, and why a
# filter on the words is not enough.

# %% [markdown] tags=["written"] grade_id="explain_special_text"
# **Answer: typed special tokens.**
#
# ### BEGIN SOLUTION
# Special tokens say who speaks. A user who can write the end token followed by a header of the
# system can put words into the system's mouth, or an answer into the assistant's, and in a training
# set such a message moves the weights to the wrong tokens. It has to be stopped where content is
# turned into tokens: content and template are encoded apart, and content with special tokens split
# into plain text. A filter on words changes what an honest user wrote (this lab's own text would be
# hit), misses other spellings and other special tokens, and has to be made anew for each model.
# ### END SOLUTION

# %% [markdown]
# ## Extension
#
# Open ends, not graded.
#
# - Tool calls: let `render_chatml` take the role `tool`. Qwen writes its content between
#   `<tool_response>` lines in a turn of the user, and calls in the assistant's turn between
#   `<tool_call>` and `</tool_call>`. Compare with the cookbook. Which of these are trained?
# - The cookbook has two more values: `last_assistant_turn`, which matters once tools answer, and
#   `customized`, where each message says for itself. Write them.
# - Give each example weights that sum to 1 and repeat the pirate run. What changes in the loss?
# - Take the system prompt out of the messages when you train, and leave it out when you ask. What
#   does a prompt that is in the weights save? Lab 2 measures it.

# %% [markdown]
# ## On the real service
#
# The code above is the same with a key: set `TINKER_API_KEY`, and `connect` and `preset` choose the
# hosted service and a model that it has. It costs money then, so look before you leap. The preview
# counts the tokens of your own examples and multiplies them by prices of a given day.

# %% tags=["demo"]
from shared.tinker.prices import preview_cost

PRICED_MODEL = "Qwen/Qwen3-8B"
data = [shift_to_datum(*render_chatml(pirate_chat(a, b), tokenizer, ON)) for a, b in sums]
asked = [generation_prompt(pirate_chat(a, b)[:1], tokenizer) for a, b in held_out]
print(preview_cost(data, PRICED_MODEL, prompts=asked, max_tokens=24))

# %% [markdown]
# The prices are a copy with a date on it. Look up today's before you rely on them.
# The tokens are those of the small model's tokenizer, which writes digits and unknown words in more
# pieces than a large model's does. With that model's own tokenizer the same function gives its
# count:
#
# ```python
# training = service.create_lora_training_client(settings.base_model).result()
# tokenizer = training.get_tokenizer()
# ```
#
# Every token that the model reads counts, whatever its weight: a long prompt costs even where it is
# not trained.

# %% [markdown]
# ## Errata you may meet
#
# > **"A Datum has tokens, targets and weights."** It has `model_input` and `loss_fn_inputs`. The
# > latter holds `target_tokens` and `weights` for supervised training, and other arrays for other
# > losses. All are as long as the input.
# >
# > **"targets = tokens[1:], weights = [1.0] * len(tokens)."** Those lengths differ by one, and
# > weights of 1 everywhere train the prompt.
# >
# > **"There are four values for what is trained."** There are seven. Five are in this lab.
# >
# > **"There are two kinds of clients."** There are four: service, training, sampling and REST.

# %% [markdown]
# ## Recap
#
# 1. A datum is what the model reads, and for each place the token that comes next and its weight.
# 2. A renderer decides both: the format of a chat, and which of its tokens are learnt.
# 3. Headers are given, so they are not trained; end tokens are written, so they are.
# 4. What a user types stays text: contents are encoded apart from the template.
# 5. Look at the table before you train. Wrong weights raise no error, and the loss falls anyway.

# %% [markdown]
# ## Sources
#
# Accessed on 2026-11-24. The SDK and the cookbook were read and run as installed.
#
# - `tinker` SDK 0.38.0: `Datum`, `ModelInput`, `TensorData`, the clients.
# - `tinker-cookbook` 0.5.8: `renderers.TrainOnWhat`, the renderers `qwen3_instruct`, `llama3` and
#   `role_colon`; [github.com/thinking-machines-lab/tinker-cookbook](https://github.com/thinking-machines-lab/tinker-cookbook).
# - `transformers` 5.5.4: `split_special_tokens` and `add_special_tokens` of a tokenizer.
# - The price is from a public copy of the service's list made in October 2026.
