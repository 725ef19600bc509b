"""Lab 1, public checks: small examples you can follow by hand.

A tokenizer is made beside your code, and what you return is written out as text: stretches of
neighbouring tokens that have one weight. The grade comes from more cases than these, on chats of
many kinds and with a second tokenizer.
"""

from html.parser import HTMLParser

import pytest

from autograder.judge import exercise, expect, refuses, require

TOKENIZER = """
from shared.models.tokenizers import tiny_tokenizer
tok = tiny_tokenizer()
"""
# Text and weight of each stretch of tokens with one weight.
STRETCHES = """
import itertools
runs = itertools.groupby(zip(tokens, weights, strict=True), lambda pair: pair[1])
result = [[tok.decode([token for token, _ in run]), weight] for weight, run in runs]
"""
TOKENS = TOKENIZER + (
    "tokens = [t for part in parts for t in tok.encode(part, add_special_tokens=False)]\n"
)
QUESTION = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Yes."}
SYSTEM = {"role": "system", "content": "Be brief."}


def numbers(datum, name):
    """One array of a datum as a list."""
    return datum.loss_fn_inputs[name].to_numpy().tolist()


@exercise("shift_to_datum")
def test_the_input_is_all_but_the_last_token(student):
    datum = student.shift_to_datum([7, 8, 9], [0.0, 0.0, 1.0])
    expect(datum.model_input.to_ints(), [7, 8])


@exercise("shift_to_datum")
def test_targets_are_the_next_tokens(student):
    datum = student.shift_to_datum([7, 8, 9], [0.0, 0.0, 1.0])
    expect(numbers(datum, "target_tokens"), [8, 9])


@exercise("shift_to_datum")
def test_weights_move_with_their_targets(student):
    # The 9 has weight 0.5, and it is the target of the second place.
    datum = student.shift_to_datum([7, 8, 9], [0.0, 1.0, 0.5])
    expect(numbers(datum, "weights"), [1.0, 0.5])


@exercise("shift_to_datum")
def test_two_arrays_of_their_types(student):
    datum = student.shift_to_datum([7, 8], [1.0, 1.0])
    found = {name: array.dtype for name, array in datum.loss_fn_inputs.items()}
    expect(found, {"target_tokens": "int64", "weights": "float32"})


CHATML = TOKENIZER + "tokens, weights = render_chatml(messages, tok, train_on)" + STRETCHES
USER_TURN = "<|im_start|>user\nHi<|im_end|>"
HEADER = "\n<|im_start|>assistant\n"


def chatml(student, messages, train_on):
    shown = f"render_chatml({messages}, tokenizer, {train_on!r})"
    return student.run(CHATML, messages=messages, train_on=train_on, shown=shown)


@exercise("render_chatml")
def test_only_the_answer_is_trained(student):
    got = chatml(student, [QUESTION, ANSWER], "all_assistant_messages")
    expect(got, [[USER_TURN + HEADER, 0.0], ["Yes.<|im_end|>", 1.0]])


@exercise("render_chatml")
def test_all_messages_leaves_the_headers_out(student):
    got = chatml(student, [QUESTION, ANSWER], "all_messages")
    first = [["<|im_start|>user\n", 0.0], ["Hi<|im_end|>", 1.0]]
    expect(got, [*first, [HEADER, 0.0], ["Yes.<|im_end|>", 1.0]])


@exercise("render_chatml")
def test_all_tokens_are_all_tokens(student):
    got = chatml(student, [QUESTION, ANSWER], "all_tokens")
    expect(got, [[USER_TURN + HEADER + "Yes.<|im_end|>", 1.0]])


@exercise("render_chatml")
def test_last_means_the_last_message(student):
    got = chatml(student, [ANSWER, QUESTION], "last_assistant_message")
    expect([weight for _, weight in got], [0.0])


@exercise("render_chatml")
def test_a_question_of_the_user_is_trained_when_asked_for(student):
    got = chatml(student, [QUESTION], "all_user_and_system_messages")
    expect(got, [["<|im_start|>user\n", 0.0], ["Hi<|im_end|>", 1.0]])


@exercise("render_chatml")
def test_a_typed_end_is_no_end(student):
    messages = [{"role": "user", "content": "Hi<|im_end|>"}]
    code = TOKENIZER + (
        "tokens, weights = render_chatml(messages, tok, 'all_tokens')\n"
        "result = tokens.count(tok.convert_tokens_to_ids('<|im_end|>'))"
    )
    shown = f"render_chatml({messages}, ...), how often the token <|im_end|> is in it"
    expect(student.run(code, messages=messages, shown=shown), 1)


PROMPT = TOKENIZER + "result = tok.decode(generation_prompt(messages, tok))"
PARSED = TOKENS + "result = parse_response(tokens, tok)"


def prompt(student, messages):
    return student.run(PROMPT, messages=messages, shown=f"generation_prompt({messages}, tokenizer)")


def parsed(student, *parts):
    shown = f"parse_response(tokens of {''.join(parts)!r}, tokenizer)"
    return student.run(PARSED, parts=list(parts), shown=shown)


@exercise("generation_prompt")
def test_the_prompt_ends_where_the_answer_begins(student):
    expect(prompt(student, [QUESTION]), USER_TURN + HEADER)


@exercise("generation_prompt")
def test_without_messages_there_is_only_the_header(student):
    expect(prompt(student, []), "<|im_start|>assistant\n")


@exercise("generation_prompt")
def test_a_finished_answer(student):
    expect(parsed(student, "Yes.", "<|im_end|>"), ({"role": "assistant", "content": "Yes."}, True))


@exercise("generation_prompt")
def test_an_answer_that_was_cut_off(student):
    expect(parsed(student, "Yes, but"), ({"role": "assistant", "content": "Yes, but"}, False))


@exercise("generation_prompt")
def test_nothing_is_stripped(student):
    answer = {"role": "assistant", "content": " Yes\n"}
    expect(parsed(student, " Yes\n", "<|im_end|>"), (answer, True))


OTHER = TOKENIZER + "tokens, weights = render(messages, tok)" + STRETCHES


def other(student, name, messages):
    code, shown = f"render = {name}\n{OTHER}", f"{name}({messages}, tokenizer)"
    return student.run(code, messages=messages, shown=shown)


@exercise("render_role_colon")
def test_role_colon_ends_an_answer_with_the_next_user(student):
    got = other(student, "render_role_colon", [QUESTION, ANSWER])
    expect(got, [["User: Hi\n\nAssistant:", 0.0], [" Yes.\n\nUser:", 1.0]])


@exercise("render_role_colon")
def test_role_colon_writes_nothing_after_a_question(student):
    got = other(student, "render_role_colon", [SYSTEM, QUESTION])
    expect(got, [["System: Be brief.\n\nUser: Hi\n\n", 0.0]])


@exercise("render_role_colon")
def test_the_space_belongs_to_the_body(student):
    messages = [{"role": "user", "content": "What?"}]
    code = TOKENIZER + "result = [tok.decode([t]) for t in render_role_colon(messages, tok)[0]]"
    shown = f"render_role_colon({messages}, tokenizer), its tokens"
    got = student.run(code, messages=messages, shown=shown)
    require(" " not in got, expected="the space and the word in one token", got=got)


@exercise("render_role_colon")
def test_llama3_by_hand(student):
    got = other(student, "render_llama3", [QUESTION, ANSWER])
    user = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
    header = "<|start_header_id|>assistant<|end_header_id|>\n\n"
    expect(got, [[user + header, 0.0], ["Yes.<|eot_id|>", 1.0]])


@exercise("render_role_colon")
def test_llama3_starts_even_an_empty_chat(student):
    expect(other(student, "render_llama3", []), [["<|begin_of_text|>", 0.0]])


@exercise("render_role_colon")
def test_role_colon_of_no_messages_is_nothing(student):
    expect(other(student, "render_role_colon", []), [])


@exercise("truncate")
def test_what_fits_stays(student):
    expect(student.truncate([5, 6, 7], [0.0, 0.0, 1.0], 3), ([5, 6, 7], [0.0, 0.0, 1.0]))


@exercise("truncate")
def test_the_answer_at_the_end_is_kept(student):
    kept = student.truncate([5, 6, 7, 8, 9], [0.0, 0.0, 0.0, 1.0, 1.0], 3)
    expect(kept, ([7, 8, 9], [0.0, 1.0, 1.0]))


@exercise("truncate")
def test_the_answer_at_the_start_is_kept(student):
    kept = student.truncate([5, 6, 7, 8, 9], [0.0, 1.0, 1.0, 0.0, 0.0], 3)
    expect(kept, ([5, 6, 7], [0.0, 1.0, 1.0]))


@exercise("truncate")
def test_the_first_token_teaches_nothing(student):
    # From 5 on 6 and 7 are targets; from 6 on 7 and 8 are, and not the 6: as much, so 5 it is.
    kept = student.truncate([5, 6, 7, 8], [0.0, 1.0, 1.0, 1.0], 3)
    expect(kept, ([5, 6, 7], [0.0, 1.0, 1.0]))


DESCRIBED = TOKENS + "result = [describe_weights(tokens, weights, tok), tokens]"


class Cells(HTMLParser):
    """The class of each row and the text of each <td>, as a browser reads them."""

    def __init__(self):
        super().__init__()
        self.classes, self.cells, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "td" or (self.inside and tag != "tr")
        if tag == "td":
            self.cells.append("")
        elif tag == "tr":
            self.classes.append(dict(attrs).get("class"))

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def described(student, parts, weights):
    shown = f"describe_weights(tokens of {parts}, {weights}, tokenizer)"
    page, tokens = student.run(DESCRIBED, parts=parts, weights=weights, shown=shown)
    reader = Cells()
    require(type(page) is str, expected="HTML as a str", got=page)
    reader.feed(page)
    rows = zip(*[iter(cell.strip() for cell in reader.cells)] * 4, strict=False)
    return [kind for kind in reader.classes if kind], list(rows), tokens


@exercise("describe_weights")
def test_a_row_for_each_token(student):
    _, rows, tokens = described(student, ["2", "+", "3"], [0.0, 0.0, 1.0])
    expect([row[:3] for row in rows], [(str(n), str(tokens[n]), "2+3"[n]) for n in range(3)])


@exercise("describe_weights")
def test_trained_rows_have_their_class(student):
    kinds, rows, _ = described(student, ["2", "3"], [0.0, 1.0])
    expect(kinds, ["context", "trained"])
    expect([row[3] for row in rows], ["0", "1"])


@exercise("describe_weights")
def test_line_breaks_can_be_seen(student):
    _, rows, _ = described(student, ["<|im_start|>", "\n"], [0.0, 0.0])
    expect([row[2] for row in rows], ["<|im_start|>", "↵"])


@exercise("describe_weights")
def test_markup_is_shown_and_not_obeyed(student):
    _, rows, _ = described(student, ["<think>"], [0.0])
    expect([row[2] for row in rows], ["<think>"])


REFUSED = [
    pytest.param(call, id=name, marks=exercise(name))
    for name, call in {
        "shift_to_datum": lambda s: s.shift_to_datum([7, 8, 9], [1.0, 1.0]),
        "render_chatml": lambda s: chatml(s, [QUESTION], "everything"),
        "generation_prompt": lambda s: parsed(s, "<|im_end|>", "<|im_end|>"),
        "render_role_colon": lambda s: other(s, "render_llama3", [{**QUESTION, "role": "tool"}]),
        "truncate": lambda s: s.truncate([5, 6, 7], [1.0, 0.0, 0.0], 3),
        "describe_weights": lambda s: described(s, ["2"], [1.0, 1.0]),
    }.items()
]


@pytest.mark.parametrize("call", REFUSED)
def test_bad_input_is_refused(student, call):
    refuses(student, call, ValueError)
