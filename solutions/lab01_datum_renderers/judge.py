"""Lab 1, hidden cases: for each exercise properties on generated inputs, then edge cases.

`judge_inputs.py` draws inputs and reads answers; `judge_snippets.py` has the lines that make a
tokenizer beside the judged code. The lab's tests hold the reference against the cookbook's own
renderers, so no hand-in waits for them; for typed special tokens the reference alone is right.
"""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import agree, exercise


def beside(name):
    """The names of a file in this folder, which is no package."""
    return SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))


draws, code = beside("judge_inputs.py"), beside("judge_snippets.py")


@exercise("shift_to_datum", points=1.5, examples=30)
@given(example=draws.examples(2, 6))
def test_shift(student, reference, example):
    agree(student, reference, lambda s: draws.parts_of(s.shift_to_datum(*example)))


@exercise("shift_to_datum", points=0.5, core=False, examples=8)
@given(example=draws.examples(2, 4, (0.0, 0)))
def test_nothing_trained_is_a_datum_too(student, reference, example):
    agree(student, reference, lambda s: draws.parts_of(s.shift_to_datum(*example)))


@exercise("shift_to_datum", points=0.5, core=False, examples=20)
@given(example=draws.examples(0, 3), more=st.sampled_from([1, -1, 2, 0]))
def test_lengths_that_do_not_fit(student, reference, example, more):
    tokens, weights = example
    given = [*weights, 1.0, 1.0][: max(0, len(weights) + more)]
    agree(student, reference, lambda s: draws.parts_of(s.shift_to_datum(tokens, given)))


@exercise("shift_to_datum", points=0.5, core=False, examples=20)
@given(bad=draws.BAD_WEIGHTS, place=st.integers(0, 2))
def test_weights_that_are_none(student, reference, bad, place):
    weights = [1.0, 0.0, 1.0]
    weights[place] = bad
    agree(student, reference, lambda s: draws.parts_of(s.shift_to_datum([5, 6, 7], weights)))


def agree_on_chat(student, reference, name, snippet, chat, *, train_on, foreign):
    """The renderer `name` writes the same tokens and weights on both sides."""
    text = draws.call_shown(name, chat, train_on, foreign=foreign)
    run = {"messages": chat, "train_on": train_on, "foreign": foreign, "shown": text}
    agree(student, reference, lambda s: draws.rendered(s.run(snippet, **run), foreign))


def agree_on_chatml(student, reference, chat, train_on, foreign=False):
    """`render_chatml` says the same on both sides."""
    name, snippet = "render_chatml", code.CHATML
    agree_on_chat(student, reference, name, snippet, chat, train_on=train_on, foreign=foreign)


@exercise("render_chatml", points=2, examples=40)
@given(chat=draws.chats(*draws.PLAIN, last=("assistant",), least=1), train_on=draws.TRAIN_ON)
def test_chats_that_end_with_an_answer(student, reference, chat, train_on):
    agree_on_chatml(student, reference, chat, train_on)


@exercise("render_chatml", points=0.5, core=False, examples=20)
@given(chat=draws.chats(*draws.PLAIN, last=("user", "system")), train_on=draws.TRAIN_ON)
def test_chats_that_end_with_a_question(student, reference, chat, train_on):
    agree_on_chatml(student, reference, chat, train_on)


@exercise("render_chatml", points=0.5, core=False, examples=30)
@given(chat=draws.chats(*draws.ODD), train_on=draws.TRAIN_ON)
def test_contents_stay_as_they_are(student, reference, chat, train_on):
    agree_on_chatml(student, reference, chat, train_on)


@exercise("render_chatml", points=1, core=False, examples=20)
@given(chat=draws.chats(*draws.TYPED), train_on=draws.TRAIN_ON)
def test_typed_special_tokens_stay_text(student, reference, chat, train_on):
    agree_on_chatml(student, reference, chat, train_on)


@exercise("render_chatml", points=0.5, core=False, examples=12)
@given(chat=draws.chats("Hi", "", most=2), train_on=draws.TRAIN_ON)
def test_any_tokenizer(student, reference, chat, train_on):
    agree_on_chatml(student, reference, chat, train_on, foreign=True)


BAD_CHOICES = st.sampled_from([
    ("user", "all_assistants"), ("user", "last_assistant_turn"), ("user", ""),
    ("tool", "all_messages"), ("", "all_tokens"), ("User", "all_messages"),
])  # fmt: skip


def chats_with(role):
    """A chat with a message of that role, last or not."""
    chat = [{"role": role, "content": "Hi"}, {"role": "assistant", "content": "Hi"}]
    return chat[:1], chat


@exercise("render_chatml", points=0.5, core=False, examples=20)
@given(choice=BAD_CHOICES)
def test_chatml_refuses(student, reference, choice):
    role, train_on = choice
    for chat in (*chats_with(role), *([[]] if role == "user" else [])):
        agree_on_chatml(student, reference, chat, train_on)


def agree_on_prompt(student, reference, chat, foreign=False):
    """`generation_prompt` gives the same tokens on both sides."""
    text = draws.call_shown("generation_prompt", chat, foreign=foreign)

    def action(s):
        tokens = s.run(code.PROMPT, messages=chat, foreign=foreign, shown=text)
        pieces = draws.spelled(tokens, foreign)
        whole = "".join(pieces) if pieces is not tokens else None
        return {"text": whole, "tokens": pieces}

    agree(student, reference, action)


def agree_on_answer(student, reference, parts, foreign=False):
    """`parse_response` reads the same in these tokens on both sides."""
    text = f"parse_response({draws.parts_shown(parts)}, tokenizer)"
    inputs = {"parts": parts, "foreign": foreign}
    agree(student, reference, lambda s: s.run(code.PARSED, **inputs, shown=text))


@exercise("generation_prompt", points=1, examples=25)
@given(chat=draws.chats(*draws.PLAIN, last=("user",)))
def test_prompt(student, reference, chat):
    agree_on_prompt(student, reference, chat)


@exercise("generation_prompt", points=1, examples=30)
@given(said=draws.SAID, finished=st.booleans())
def test_answer(student, reference, said, finished):
    agree_on_answer(student, reference, [*said, draws.END] if finished else said)


@exercise("generation_prompt", points=0.5, core=False, examples=20)
@given(chat=draws.chats(*draws.TYPED, *draws.ODD, most=2), foreign=draws.FOREIGN)
def test_prompt_of_any_content_and_tokenizer(student, reference, chat, foreign):
    agree_on_prompt(student, reference, chat, foreign)


@exercise("generation_prompt", points=0.5, core=False, examples=25)
@given(said=draws.SAID_ODD, after=draws.SAID, finished=st.booleans(), foreign=draws.FOREIGN)
def test_answer_with_other_special_tokens(student, reference, said, after, finished, foreign):
    parts = [*said, draws.END, *after] if finished else said
    agree_on_answer(student, reference, parts, foreign)


@exercise("generation_prompt", points=0.5, core=False, examples=10)
@given(said=draws.SAID, between=draws.SAID, more=st.booleans())
def test_two_ends_are_refused(student, reference, said, between, more):
    parts = [*said, draws.END, *between, draws.END, *([draws.END] if more else [])]
    agree_on_answer(student, reference, parts)


@exercise("generation_prompt", points=0.5, core=False, examples=6)
@given(role=st.sampled_from(["tool", "", "User"]))
def test_prompt_refuses_a_role(student, reference, role):
    for chat in chats_with(role):
        agree_on_prompt(student, reference, chat)


BOTH = [("render_role_colon", code.ROLE_COLON), ("render_llama3", code.LLAMA3)]
OTHERS = st.sampled_from(BOTH)


@exercise("render_role_colon", points=1.5, examples=40)
@given(
    which=OTHERS,
    chat=draws.chats(*draws.PLAIN, last=("assistant",), least=1, most=3),
    train_on=st.just("all_assistant_messages"),
)
def test_other_formats(student, reference, which, chat, train_on):
    agree_on_chat(student, reference, *which, chat, train_on=train_on, foreign=False)


@exercise("render_role_colon", points=0.5, core=False, examples=4)
@given(chat=draws.chats(*draws.PLAIN, least=1, most=2))
def test_other_formats_train_what_they_are_told(student, reference, chat):
    chat = [{"role": "assistant", "content": "Hi"}, *chat]
    for which in BOTH:
        for train_on in draws.VALUES:
            agree_on_chat(student, reference, *which, chat, train_on=train_on, foreign=False)


@exercise("render_role_colon", points=0.5, core=False, examples=8)
@given(chat=draws.chats("Hi", least=2, most=3), which=st.sampled_from([0, 1]))
def test_without_a_choice_answers_are_trained(student, reference, chat, which):
    name = ("render_role_colon", "render_llama3")[which]
    text = draws.call_shown(name, chat)
    inputs = {"messages": chat, "foreign": False, "which": which}

    def action(s):
        return draws.rendered(s.run(code.BY_DEFAULT, **inputs, shown=text), False)

    agree(student, reference, action)


@exercise("render_role_colon", points=0.5, core=False, examples=40)
@given(which=OTHERS, chat=draws.chats(*draws.TYPED, *draws.ODD, most=2))
def test_any_content_stays_as_it_is(student, reference, which, chat):
    agree_on_chat(student, reference, *which, chat, train_on="all_messages", foreign=False)


@exercise("render_role_colon", points=0.5, core=False, examples=20)
@given(which=OTHERS, chat=draws.chats("Hi", "", most=2), train_on=draws.TRAIN_ON)
def test_a_tokenizer_with_a_start_of_its_own(student, reference, which, chat, train_on):
    agree_on_chat(student, reference, *which, chat, train_on=train_on, foreign=True)


@exercise("render_role_colon", points=0.5, core=False, examples=24)
@given(which=OTHERS, choice=BAD_CHOICES)
def test_other_formats_refuse(student, reference, which, choice):
    role, train_on = choice
    for chat in (*chats_with(role), *([[]] if role == "user" else [])):
        agree_on_chat(student, reference, *which, chat, train_on=train_on, foreign=False)


@exercise("truncate", points=1.5, examples=60)
@given(example=draws.long_examples())
def test_keeps_what_teaches_most(student, reference, example):
    agree(student, reference, lambda s: s.truncate(*example))


@exercise("truncate", points=0.5, core=False, examples=25)
@given(example=draws.examples(2, 4, (1.0, 0.25, 0.0)), room=st.integers(0, 3))
def test_what_fits_stays_whole(student, reference, example, room):
    agree(student, reference, lambda s: s.truncate(*example, len(example[0]) + room))


@exercise("truncate", points=0.5, core=False, examples=30)
@given(example=draws.examples(0, 3, (0.0, 1.0)), max_length=st.sampled_from([4, 2, 1, 0, -1, -2]))
def test_nothing_to_learn_is_refused(student, reference, example, max_length):
    agree(student, reference, lambda s: s.truncate(*example, max_length))


@exercise("truncate", points=0.5, core=False, examples=30)
@given(
    example=draws.examples(3, 3),
    bad=draws.BAD_WEIGHTS | st.sampled_from(["one more", "one less"]),
    place=st.integers(0, 2),
    max_length=st.sampled_from([3, 2]),
)
def test_truncate_refuses(student, reference, example, bad, place, max_length):
    tokens, weights = example[0], [1.0, 1.0, 1.0]
    if isinstance(bad, float):
        weights[place] = bad
    else:
        weights = weights[1:] if bad == "one less" else [*weights, 1.0]
    agree(student, reference, lambda s: s.truncate(tokens, weights, max_length))


def agree_on_table(student, reference, parts, cycle, foreign=False):
    """A browser finds the same rows in both tables."""
    text = f"describe_weights({draws.parts_shown(parts)}, weights {cycle!r} in turn, tokenizer)"
    run = {"parts": parts, "cycle": cycle, "foreign": foreign, "shown": text}
    agree(student, reference, lambda s: s.run(code.DESCRIBED, **run))


@exercise("describe_weights", points=1.5, examples=30)
@given(parts=draws.SPELLED, cycle=draws.CYCLES, foreign=draws.FOREIGN)
def test_table(student, reference, parts, cycle, foreign):
    agree_on_table(student, reference, parts, cycle, foreign)


@exercise("describe_weights", points=0.5, core=False, examples=15)
@given(parts=draws.SPELLED, markup=draws.MARKUP, cycle=draws.CYCLES)
def test_text_is_escaped(student, reference, parts, markup, cycle):
    agree_on_table(student, reference, [*parts, (True, markup)], cycle)


@exercise("describe_weights", points=0.5, core=False, examples=20)
@given(parts=draws.SPELLED, shares=draws.SHARES)
def test_weights_between_and_above(student, reference, parts, shares):
    agree_on_table(student, reference, parts, shares)


@exercise("describe_weights", points=0.5, core=False, examples=12)
@given(parts=draws.SPELLED, more=st.sampled_from([1, 2, -1]))
def test_uneven_lengths_are_refused(student, reference, parts, more):
    parts = [*parts, (True, "Hi")]
    text = f"describe_weights({draws.parts_shown(parts)}, {more:+d} weights, tokenizer)"
    run = {"parts": parts, "more": more, "foreign": False, "shown": text}
    agree(student, reference, lambda s: s.run(code.DESCRIBED_UNEVEN, **run))
