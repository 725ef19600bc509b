"""Lab 2, hidden cases. What trains is graded from the service's own log: what was sent, and when.

`judge_inputs.py` draws inputs and says what a run must ask for; `judge_snippets.py` holds the lines
that make clients and datums beside the code that is judged.
"""

import math
import random
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import Tolerance, agree, exercise, expect, refuses, require

draws, code = (
    SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))
    for name in ("judge_inputs.py", "judge_snippets.py")
)
FLOAT64 = Tolerance(rtol=1e-9, atol=1e-12, why="float64, sums of a few dozen terms in any order")
SEED, SIZE = st.integers(0, 99), st.integers(1, 8)
FLOAT32 = Tolerance(rtol=1e-4, why="float32 sums over a few dozen tokens, in any order")


@exercise("weighted_nll", points=1.5, examples=40)
@given(batch=draws.nll_batches(least=1))
def test_nll(student, reference, batch):
    agree(student, reference, lambda s: s.weighted_nll(*batch), FLOAT64)


@exercise("weighted_nll", points=0.5, core=False, examples=10)
@given(shape=st.lists(st.integers(0, 3), max_size=3))
def test_nll_without_a_trained_token(student, shape):
    rows = [[-1.0] * n for n in shape]
    total, mean = student.weighted_nll(rows, [[0.0] * n for n in shape])
    require(total == 0 and math.isnan(mean), expected="(0.0, nan)", got=(total, mean))


@exercise("weighted_nll", points=0.5, core=False, examples=12)
@given(odd=st.sampled_from([-math.inf, math.nan]), more=st.integers(1, 3))
def test_an_untrained_place_counts_nothing(student, odd, more):
    got = student.weighted_nll([[odd, *[-0.5] * more]], [[0.0, *[1.0] * more]])
    expect(got, (0.5 * more, 0.5), FLOAT64)


@exercise("weighted_nll", points=0.5, core=False, examples=12)
@given(bad=st.sampled_from(draws.BAD_NLL))
def test_nll_refuses(student, reference, bad):
    agree(student, reference, lambda s: s.weighted_nll(*bad), FLOAT64)


@exercise("lora_learning_rate", points=1.5, examples=30)
@given(width=st.integers(1, 20_000), family=st.sampled_from(["qwen", "llama"]))
def test_rate(student, reference, width, family):
    agree(student, reference, lambda s: s.lora_learning_rate(width, family), FLOAT64)


@exercise("lora_learning_rate", points=0.5, core=False, examples=12)
@given(bad=st.sampled_from([(0, "qwen"), (-4, "llama"), (4096, "gemma"), (4096, "")]))
def test_rate_refuses(student, reference, bad):
    agree(student, reference, lambda s: s.lora_learning_rate(*bad), FLOAT64)


@exercise("lr_schedule", points=2, examples=60)
@given(place=draws.PLACES, kind=st.sampled_from(["constant", "linear", "cosine"]),
       warmup=st.integers(0, 5))  # fmt: skip
def test_schedule(student, reference, place, kind, warmup):
    agree(student, reference, lambda s: s.lr_schedule(*place, 0.5, kind, warmup), FLOAT64)


@exercise("lr_schedule", points=1, core=False, examples=20)
@given(bad=st.sampled_from(draws.BAD_STEPS))
def test_schedule_refuses(student, reference, bad):
    step, total, kind, warmup = bad
    agree(student, reference, lambda s: s.lr_schedule(step, total, 0.5, kind, warmup), FLOAT64)


def step(student, rows, lr):
    shown = f"train_step(client, {len(rows)} datums, {lr})"
    return student.run(code.STEP, rows=rows, lr=lr, shown=shown)


@exercise("train_step", points=2, examples=2)
@given(rows=draws.BATCHES, lr=st.sampled_from([0.001, 0.0025]))
def test_step_sends_the_batch_and_one_step(student, requests, rows, lr):
    loss = step(student, rows, lr)
    expect(draws.order_of(requests.log), ["forward_backward cross_entropy", "optim_step"])
    expect(requests.datums, [draws.hashes(rows)])
    expect(requests.learning_rates, [lr], FLOAT64)
    expect(loss, requests.losses[0] / draws.trained(rows), FLOAT32)


@exercise("train_step", points=0.5, core=False)
def test_step_uses_the_stated_optimizer(student, requests):
    step(student, draws.ROWS[:1], 0.001)
    expect([e.facts["eps"] for e in requests.of("optim_step")], [1e-8], FLOAT64)


@exercise("train_step", points=1, core=False)
def test_step_is_sent_before_the_loss_is_known(student, requests):
    step(student, draws.ROWS[:2], 0.001)
    ahead = [one.pipelined for one in requests.steps]
    require(ahead == [True], expected="optim_step before the loss is known", got=f"ahead: {ahead}")


@exercise("train_step", points=0.5, core=False)
def test_an_empty_batch_sends_nothing(student, requests):
    refuses(student, lambda s: step(s, [], 0.001))
    expect(draws.order_of(requests.log), [])


@exercise("batches", points=1, examples=30)
@given(n=st.integers(0, 23), size=SIZE, seed=SEED, epoch=st.integers(0, 9))
def test_no_example_lost_or_repeated(student, n, size, seed, epoch):
    # Any order is right, so it is not part of the answer that a diagnosis compares.
    shown = f"batches(list(range({n})), {size}, {seed}, {epoch})  # sizes; seen never, once, ..."
    got = student.run(code.COUNTED, n=n, size=size, seed=seed, epoch=epoch, shown=shown)
    sizes = [size] * (n // size) + ([n % size] if n % size else [])
    expect(got, [sizes, [0, n, 0, 0]])


@exercise("batches", points=0.5, examples=12)
@given(seed=SEED, epoch=st.integers(0, 9), size=SIZE)
def test_orders_differ_from_epoch_to_epoch(student, seed, epoch, size):
    again, late, other = (seed, epoch), (seed, epoch + 1), (seed + 1, epoch)
    asked = [again, again, late, other, (seed + 1, epoch + 1)]
    shown = f"which orders of 24 examples are alike, for (seed, epoch) in {asked}"
    got = student.run(code.ORDERS, asked=asked, size=size, shown=shown)
    expect(got[0], [0, 0, 2, 3, 4])


@exercise("batches", points=0.5, examples=6)
@given(seed=SEED, size=SIZE)
def test_the_order_follows_from_seed_and_epoch(student, seed, size):
    def order(seed, epoch):
        found = student.batches(list(range(24)), size, seed, epoch)
        return [x for batch in found for x in batch]

    expect(order(seed, 0), order(seed, 0))
    expect(sorted(order(seed, 1)), list(range(24)))
    require(order(seed, 1) != order(seed, 0), expected="another order", got="the same order")


@exercise("batches", points=0.5, core=False, examples=6)
@given(seed=st.integers(0, 9))
def test_nothing_else_is_touched(student, seed):
    shown = f"batches(data, 2, {seed}, 0), then data and the next numbers of random and numpy"
    got = student.run(code.UNTOUCHED, seed=seed, shown=shown)
    numbers = [random.Random(7).random(), float(np.random.RandomState(7).random())]
    expect(got, [[1, 2, 3, 4, 5], *numbers])


@exercise("batches", points=0.5, core=False, examples=4)
@given(size=st.sampled_from([0, -1, -4]))
def test_batches_refuses_a_size(student, size):
    refuses(student, lambda s: s.batches([1, 2], size, 0, 0))


def train(student, config, result, rows=draws.ROWS, snippet=code.TRAIN, **more):
    shown = f"train(client, {len(rows)} datums, held_out, TrainConfig({config}), ...)"
    inputs = {"rows": rows, "held": draws.HELD, "config": config, **more}
    return student.run(snippet + f"result = {result}", **inputs, shown=shown)


@exercise("train", points=1)
def test_what_is_asked_and_when(student, requests):
    train(student, draws.config(evaluate_every=2, save_every=2), "None")
    expect(draws.order_of(requests.log), draws.run_order(4, evaluate_every=2, save_every=2))
    sent = [list(e.facts["datums"]) for e in requests.of("forward")]
    expect(sent, [draws.hashes(draws.HELD)] * 3)


@exercise("train", points=1, core=False)
def test_what_is_written_down(student, requests):
    config = draws.config(evaluate_every=3, save_every=3)
    rows, saved, losses, seen = train(student, config, "[rows, saved, losses, seen]")
    nll = [loss / draws.trained(draws.ROWS[:4]) for loss in requests.losses]
    held = [e.facts["metrics"]["loss:sum"] / draws.trained(draws.HELD)
            for e in requests.of("forward")]  # fmt: skip
    expect(losses, [[at, one] for at, one in enumerate(nll)], FLOAT32)
    expect(seen, [[at, one] for at, one in zip((0, 3, 4), held, strict=True)], FLOAT32)
    expect(rows, draws.lines_of_metrics(nll, held), FLOAT32)
    expect(saved, draws.lines_of_checkpoints(held), FLOAT32)


@exercise("train", points=2)
def test_every_epoch_trains_every_datum(student, requests):
    train(student, draws.config(batch_size=5, kind="cosine", warmup=2), "None")
    sizes, sent = draws.sizes(5), requests.datums
    expect(requests.learning_rates, draws.rates(2 * len(sizes), "cosine", 2), FLOAT64)
    expect([len(batch) for batch in sent], sizes * 2)
    halves = (sent[: len(sizes)], sent[len(sizes) :])
    first, second = ([one for batch in half for one in batch] for half in halves)
    expect([sorted(first), sorted(second)], [sorted(draws.hashes(draws.ROWS))] * 2)
    require(first != second, expected="another order in each epoch", got="the same order")


@exercise("train", points=1, core=False, examples=2)
@given(patience=st.sampled_from([1, 2]))
def test_it_stops_when_nothing_gets_better(student, requests, patience):
    # At rate 0 no evaluation is below the first one. After the last of two steps none is left out.
    config = draws.config(epochs=1, learning_rate=0.0, evaluate_every=1, patience=patience)
    stopped, rows, saved = train(student, config, "[log.stopped_early, rows, saved]")
    expect(stopped, patience < 2)
    expect(len(requests.learning_rates), patience)
    expect([row["step"] for row in rows], list(range(patience + 1)))
    expect([[one[0], one[1], one[3]] for one in saved], [["final", patience, patience]])


@exercise("train", points=0.5, core=False)
def test_it_goes_on_where_it_was(student, requests):
    config = draws.config(evaluate_every=2, save_every=2)
    whole, rest = train(student, config, "[rows, again]", snippet=code.RESUMED)
    sent = requests.datums
    expect([len(sent), sent[4:]], [6, sent[2:4]])
    expect(requests.learning_rates[4:], requests.learning_rates[2:4], FLOAT64)
    expect(rest, whole[2:], FLOAT32)


@exercise("train", points=0.5, core=False)
def test_patience_goes_on_where_it_was(student, requests):
    # No loss is below this best one, and one evaluation in vain has been: the second one ends it.
    config = draws.config(evaluate_every=2, patience=2)
    stopped, rows, saved = train(student, config, "[log.stopped_early, rows, saved]",
                                 snippet=code.GONE_ON, taken=2, best=1e-6, waited=1)  # fmt: skip
    expect(stopped, True)
    expect(draws.order_of(requests.log), ["forward cross_entropy", "save_weights"])
    expect([row["step"] for row in rows], [2])
    expect(saved, [["final", 2, 1e-6, 2]], FLOAT64)


@exercise("pig_latin_dataset", points=1, examples=30)
@given(words=st.lists(draws.WORDS, max_size=5))
def test_pig_latin(student, reference, words):
    agree(student, reference, lambda s: s.pig_latin_dataset(words))


@exercise("pig_latin_dataset", points=0.5, core=False, examples=12)
@given(word=draws.WORDS, other=draws.WORDS)
def test_pig_latin_words_that_come_again(student, reference, word, other):
    agree(student, reference, lambda s: s.pig_latin_dataset([word, other, word, other]))


@exercise("pig_latin_dataset", points=0.5, core=False, examples=12)
@given(bad=st.sampled_from(draws.NO_WORDS))
def test_pig_latin_refuses(student, reference, bad):
    agree(student, reference, lambda s: s.pig_latin_dataset(["cat", bad]))


@exercise("distil_prompt", points=1.5, examples=25)
@given(chats=st.lists(draws.TAUGHT, min_size=1, max_size=3))
def test_distil(student, reference, chats):
    agree(student, reference, lambda s: s.distil_prompt(chats), FLOAT64)


@exercise("distil_prompt", points=1, core=False, examples=30)
@given(chats=st.lists(draws.TAUGHT | draws.USELESS, max_size=3))
def test_distil_leaves_useless_answers_out(student, reference, chats):
    agree(student, reference, lambda s: s.distil_prompt(chats), FLOAT64)


@exercise("distil_prompt", points=0.5, core=False, examples=6)
@given(chat=draws.TAUGHT)
def test_distil_changes_nothing_it_was_given(student, chat):
    shown = f"distil_prompt([chat]) with chat = {chat}, then chat"
    expect(student.run(code.GIVEN_AFTER, chat=chat, shown=shown), chat)


@exercise("keep_example", points=1, examples=60)
@given(chat=draws.TURNS)
def test_keep_turns(student, reference, chat):
    agree(student, reference, lambda s: s.keep_example(chat))


@exercise("keep_example", points=2, core=False, examples=20)
@given(chat=draws.CLEAN, place=st.sampled_from([-1, 0, -2]))
def test_keep_contents(student, reference, chat, place):
    for changed in draws.with_each_content(chat, place):
        agree(student, reference, lambda s, chat=changed: s.keep_example(chat))


@exercise("general_skill", points=1.5, examples=30)
@given(pair=draws.skill_pairs(draws.LOST_AND_WON))
def test_skill(student, reference, pair):
    agree(student, reference, lambda s: s.general_skill(*pair), FLOAT64)


@exercise("general_skill", points=0.5, core=False, examples=30)
@given(pair=draws.skill_pairs())
def test_skill_of_any_answers(student, reference, pair):
    agree(student, reference, lambda s: s.general_skill(*pair), FLOAT64)


@exercise("general_skill", points=1, core=False, examples=20)
@given(bad=st.sampled_from(draws.BAD_SKILLS))
def test_skill_refuses(student, reference, bad):
    agree(student, reference, lambda s: s.general_skill(*bad), FLOAT64)
