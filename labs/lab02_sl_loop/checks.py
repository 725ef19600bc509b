"""Lab 2, public checks: small examples you can follow by hand.

What trains is checked by what the service was asked. The grade comes from more cases than these.
"""

import math

import pytest

from autograder.judge import Tolerance, exercise, expect, refuses, require

FLOAT64 = Tolerance(rtol=1e-9, why="float64, a few operations")
FLOAT32 = Tolerance(rtol=1e-4, why="float32 sums over a few dozen tokens, in any order")
CLIENT = """
from shared.tinker import connect, preset
client = connect().create_lora_training_client(preset().base_model, rank=4, seed=1).result()
data = [to_datum([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": word}])
        for word in words]
"""


# --- weighted_nll ---------------------------------------------------------------------------------


@exercise("weighted_nll")
def test_sum_and_mean(student):
    expect(student.weighted_nll([[-1.0, -2.0, -3.0]], [[0.0, 1.0, 1.0]]), (5.0, 2.5), FLOAT64)


@exercise("weighted_nll")
def test_the_mean_is_over_all_tokens_of_the_batch(student):
    got = student.weighted_nll([[-1.0], [-2.0, -2.0, -2.0]], [[1.0], [1.0, 1.0, 1.0]])
    expect(got, (7.0, 1.75), FLOAT64)


@exercise("weighted_nll")
def test_nothing_trained(student):
    total, mean = student.weighted_nll([[-1.0]], [[0.0]])
    require(total == 0 and math.isnan(mean), expected="(0.0, nan)", got=(total, mean))


# --- lora_learning_rate ---------------------------------------------------------------------------


@exercise("lora_learning_rate")
def test_rate_at_the_formulas_own_width(student):
    expect(student.lora_learning_rate(2000, "qwen"), 5e-4, FLOAT64)


@exercise("lora_learning_rate")
def test_rate_of_llama_8b(student):
    got = student.lora_learning_rate(4096, "llama")
    expect(got, 2.856e-4, Tolerance(rtol=1e-3, why="four digits are written here"))


@exercise("lora_learning_rate")
def test_an_unknown_family(student):
    refuses(student, lambda s: s.lora_learning_rate(4096, "gemma"), NotImplementedError)


# --- lr_schedule ----------------------------------------------------------------------------------


@exercise("lr_schedule")
def test_linear(student):
    rates = [student.lr_schedule(step, 4, 1.0, "linear", 0) for step in range(4)]
    expect(rates, [1.0, 0.75, 0.5, 0.25], FLOAT64)


@exercise("lr_schedule")
def test_cosine_in_the_middle(student):
    expect(student.lr_schedule(5, 10, 0.2, "cosine", 0), 0.1, FLOAT64)


@exercise("lr_schedule")
def test_warm_up_moves_from_the_first_step(student):
    rates = [student.lr_schedule(step, 8, 1.0, "constant", 4) for step in range(6)]
    expect(rates, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0], FLOAT64)


# --- train_step -----------------------------------------------------------------------------------

STEP = CLIENT + "result = train_step(client, data, lr)"


def step(student, words, lr):
    shown = f"train_step(client, {len(words)} datums, {lr})"
    return student.run(STEP, words=words, lr=lr, shown=shown)


@exercise("train_step")
def test_one_gradient_and_one_step(student, requests):
    step(student, ["cat", "dog"], 0.002)
    kinds = [e.kind for e in requests.log if e.kind in ("forward_backward", "optim_step")]
    expect(kinds, ["forward_backward", "optim_step"])


@exercise("train_step")
def test_the_rate_is_the_one_given(student, requests):
    step(student, ["cat"], 0.002)
    expect(requests.learning_rates, [0.002], FLOAT64)


@exercise("train_step")
def test_the_loss_is_a_mean_per_token(student, requests):
    got = step(student, ["cat", "horses"], 0.0)
    require(type(got) is float and 0 < got < 20, expected="a mean loss per token", got=got)


# --- batches --------------------------------------------------------------------------------------


@exercise("batches")
def test_every_example_once(student):
    found = student.batches(list(range(10)), 4, 0, 0)
    expect(sorted(x for batch in found for x in batch), list(range(10)))


@exercise("batches")
def test_sizes_of_batches(student):
    expect([len(batch) for batch in student.batches(list(range(10)), 4, 0, 0)], [4, 4, 2])


@exercise("batches")
def test_the_same_epoch_again(student):
    data = list(range(10))
    expect(student.batches(data, 4, 3, 1), student.batches(data, 4, 3, 1))


# --- train ----------------------------------------------------------------------------------------

RUN = (
    CLIENT
    + """
import io
metrics, checkpoints = io.StringIO(), io.StringIO()
log = train(client, data, data[:1], TrainConfig(**config), metrics, checkpoints)
rows = [json.loads(line) for line in metrics.getvalue().splitlines()]
saved = [json.loads(line) for line in checkpoints.getvalue().splitlines()]
"""
)
SIX = ["cat", "dog", "hen", "cow", "pig", "owl"]
CONFIG = {"epochs": 2, "batch_size": 4, "learning_rate": 0.001, "evaluate_every": 2,
          "save_every": 2}  # fmt: skip


def train(student, result, config=CONFIG):
    shown = f"train(client, 6 datums, 1 datum, TrainConfig({config}), ...)  # {result}"
    return student.run(RUN + f"result = {result}", words=SIX, config=config, shown=shown)


@exercise("train")
def test_four_steps_with_their_rates(student, requests):
    train(student, "sorted(log.losses)")
    expect(requests.learning_rates, [0.001, 0.00075, 0.0005, 0.00025], FLOAT64)


@exercise("train")
def test_the_lines_of_metrics(student):
    got = train(student, "[(row['step'], 'test/nll' in row) for row in rows]")
    expect([tuple(row) for row in got],
           [(0, True), (1, False), (2, True), (3, False), (4, True)])  # fmt: skip


@exercise("train")
def test_the_lines_of_checkpoints(student):
    got = train(student, "[(one['name'], one['batch']) for one in saved]")
    expect([tuple(one) for one in got], [("000002", 2), ("final", 4)])


@exercise("train")
def test_one_step(student, requests):
    config = {"epochs": 1, "batch_size": 6, "learning_rate": 0.001}
    result = "[list(log.losses), list(log.held_out), log.stopped_early]"
    got = train(student, result, config)
    expect(got, [[0], [0, 1], False])
    expect(requests.learning_rates, [0.001], FLOAT64)


# --- pig_latin_dataset ----------------------------------------------------------------------------


@exercise("pig_latin_dataset")
@pytest.mark.parametrize(
    ("word", "answer"), [("banana", "ananabay"), ("owl", "wloay"), ("a", "aay")]
)
def test_an_answer(student, word, answer):
    expect(student.pig_latin_dataset([word])[0][1], {"role": "assistant", "content": answer})


@exercise("pig_latin_dataset")
def test_a_word_that_comes_again(student):
    expect(len(student.pig_latin_dataset(["cat", "dog", "cat"])), 2)


# --- distil_prompt --------------------------------------------------------------------------------

TAUGHT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Yes."},
]


@exercise("distil_prompt")
def test_the_system_prompt_is_gone(student):
    expect(student.distil_prompt([TAUGHT])[0], [TAUGHT[1:]])


@exercise("distil_prompt")
def test_an_empty_answer_teaches_nothing(student):
    expect(student.distil_prompt([[*TAUGHT[:2], {"role": "assistant", "content": " "}]]), ([], 0.0))


@exercise("distil_prompt")
def test_something_is_saved(student):
    saved = student.distil_prompt([TAUGHT])[1]
    require(saved > 5, expected="more than 5 tokens saved", got=saved)


# --- keep_example ---------------------------------------------------------------------------------


@exercise("keep_example")
def test_a_good_example(student):
    expect(student.keep_example(TAUGHT), True)


@exercise("keep_example")
def test_no_answer(student):
    expect(student.keep_example(TAUGHT[:2]), False)


@exercise("keep_example")
def test_a_long_answer(student):
    expect(student.keep_example([TAUGHT[1], {"role": "assistant", "content": "a" * 401}]), False)


# --- general_skill --------------------------------------------------------------------------------


@exercise("general_skill")
def test_one_task(student):
    got = student.general_skill({"sums": [True, True, False]}, {"sums": [True, False, True]})
    row = {"before": 2 / 3, "after": 2 / 3, "forgotten": 0.5}
    expect(got, {"sums": row, "mean": row}, FLOAT64)


@exercise("general_skill")
def test_nothing_was_right(student):
    got = student.general_skill({"sums": [False]}, {"sums": [True]})
    expect(got["sums"], {"before": 0.0, "after": 1.0, "forgotten": 0.0}, FLOAT64)


@exercise("general_skill")
def test_other_tasks(student):
    refuses(student, lambda s: s.general_skill({"sums": [True]}, {"lists": [True]}))
