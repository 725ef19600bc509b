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
# # Lab 2, The supervised loop
#
# **150 minutes, an estimate. Difficulty 3 of 5. Importance 5 of 5.**
#
# When you are through, you will be able to:
#
# - write a training loop that wastes no time, loses no example and survives a crash;
# - read its curves, and say when they prove something;
# - teach a model a new task and measure what it forgot.
#
# You need no key and no GPU. Everything trains a small model on your own machine.
#
# ![Two timelines of you and the service, three training steps each. Above you send a gradient, wait
# for its loss, send the step, wait again: the service has a gap after each request, while messages
# travel. Below you send gradient and step together, then wait: half of the gaps are gone, and the
# three steps end sooner.](figures/loop.svg)
#
# *Three training steps. Above each request waits for the answer to the one before. Below the step
# is sent at once. The work of the service is the same, its idle time is not. Exercise 4.*

# %% [markdown]
# ## Predict
#
# A base model answers `Translate to Pig Latin: banana` wrongly every time. You train it on about
# 400 other words for about 120 steps. Its loss falls quickly at first and slowly later.
#
# When do the first unseen words come out right: while the loss falls quickly, or later?
#
# <details><summary>Answer</summary>
#
# Later. The loss is a mean over tokens, and most of them are easy: letters that are copied, the
# `ay`, the end. A word counts only when all of its letters are right. In five runs with five seeds
# the loss on unseen words had lost more than two thirds of its height after 5 steps, and at most 1
# word of 60 was right. Half of the words were right after 20 to 30 steps.
#
# ![Two panels over 120 steps, five thin lines in each, one for each seed. Left: the loss on unseen
# words falls from about 5.5 to below 1 within 10 steps and creeps towards 0 after that. Right: the
# share of unseen words that are right stays near 0 for the first 5 steps, passes one half between
# steps 15 and 30, and ends between 0.93 and 0.98.](figures/pig_latin.svg)
#
# *Held-out loss and held-out words, five seeds, measured on the base model of this kit.*
#
# </details>

# %% tags=["setup"]
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TextIO

import tinker
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from shared.models import base as tiny

# The tokenizer of the kit's own small model, from a folder of the kit.
tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny.folder())

Message = Mapping[str, str]  # {"role": ..., "content": ...}
Chat = Sequence[Message]
KINDS = ("constant", "linear", "cosine")


def rendered(chat: Chat, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[float]]:
    """Tokens and weights of a chat in Qwen's format; answers and their end tokens are trained."""
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokens: list[int] = []
    weights: list[float] = []
    for index, message in enumerate(chat):
        line_break = "\n" if index > 0 else ""
        header = tokenizer.encode(
            f"{line_break}<|im_start|>{message['role']}\n", add_special_tokens=False
        )
        content = tokenizer.encode(
            message["content"], add_special_tokens=False, split_special_tokens=True
        )
        trained = float(message["role"] == "assistant")
        tokens += [*header, *content, end]
        weights += [0.0] * len(header) + [trained] * (len(content) + 1)
    return tokens, weights


def to_datum(chat: Chat) -> tinker.Datum:
    """One training example, as Lab 1 makes it."""
    tokens, weights = rendered(chat, tokenizer)
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={"target_tokens": tokens[1:], "weights": weights[1:]},
    )


def prompt_tokens(chat: Chat) -> list[int]:
    """The tokens that a model reads before it writes its answer to `chat`."""
    line_break = "\n" if chat else ""
    header = tokenizer.encode(f"{line_break}<|im_start|>assistant\n", add_special_tokens=False)
    return rendered(chat, tokenizer)[0] + header


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train. `patience` None: never stop early. `save_every` 0: save at the end only."""

    epochs: int
    batch_size: int
    learning_rate: float
    kind: str = "linear"
    warmup: int = 0
    seed: int = 0
    evaluate_every: int = 10
    patience: int | None = None
    save_every: int = 0


@dataclass(kw_only=True)
class RunLog:
    """What a run did: mean loss per trained token by step, and on held-out data by step."""

    losses: dict[int, float] = field(default_factory=dict)
    held_out: dict[int, float] = field(default_factory=dict)
    stopped_early: bool = False


def write_line(file: TextIO, record: Mapping) -> None:
    """Append a line of JSON, and leave nothing in memory that a crash would lose."""
    file.write(json.dumps(record) + "\n")
    file.flush()


# %% tags=["tools"]
from autograder.check import check

# %% [markdown]
# ## A worked example: one step by hand
#
# **Step 1. Connect.** The service runs on your machine; `connect` starts it. `preset` knows the
# model that it serves and a learning rate for it. The tokenizer has to be that model's own: here it
# is the one that you have.
# %% tags=["demo"]
from shared.tinker import connect, preset

service = connect()
settings = preset()
client = service.create_lora_training_client(
    settings.base_model, rank=settings.rank, seed=1
).result()
tokenizer = client.get_tokenizer()

# %% [markdown]
# **Step 2. Make one example.** Lab 1's work: tokens, targets, weights.

# %% tags=["demo"]
chat = [
    {"role": "user", "content": "Translate to Pig Latin: banana"},
    {"role": "assistant", "content": "ananabay"},
]
example = to_datum(chat)
print(example.model_input.length, "tokens;", sum(example.loss_fn_inputs["weights"].data), "trained")

# %% [markdown]
# **Step 3. Compute the gradient.** `forward_backward` returns a future at once. The service works;
# `result()` waits for it.

# %% tags=["demo"]
computed = client.forward_backward([example], "cross_entropy").result()
print("summed loss", round(computed.metrics["loss:sum"], 2))

# %% [markdown]
# **Step 4. Move the weights.** Until `optim_step` nothing has changed.

# %% tags=["demo"]
client.optim_step(tinker.AdamParams(learning_rate=settings.sft_learning_rate / 10)).result()
again = client.forward([example], "cross_entropy").result()
print("after one step", round(again.metrics["loss:sum"], 2))

# %% [markdown]
# The first loss was measured before the step, the second after it. A loop logs the first: a metric
# of step s tells about the weights that s steps have made, not s + 1.
#
# Now it is your turn: ten exercises.
# Fill in a cell, run it, then run the `check` cell below it.

# %% [markdown]
# ## Exercise 1: the loss of a token
#
# *3 points, about 10 minutes.*
#
# The service sums the loss over all trained tokens of a batch. Long answers then have large losses.
# To compare batches you want the mean over trained tokens.
#
# Stuck? Run `labkit hint lab02 weighted_nll` in a terminal.


# %% tags=["solution"] grade_id="weighted_nll"
def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """The negative log-likelihood of a batch: its weighted sum and its mean per trained token.

    Args:
        logprobs: For each sequence the log-probability of each target, at most 0.
        weights: The weight of each target, at least 0, in the same shape.

    Returns:
        The sum of -weight * logprob over all places of all sequences, and that sum divided by
        the sum of all weights of the batch. If no weight is above 0, the sum is 0.0 and the mean
        is NaN: nothing was measured. A place of weight 0 counts nothing, even where its
        log-probability is minus infinity or NaN.

    Raises:
        ValueError: The shapes differ, or a log-probability whose weight is above 0 is NaN.
    """
    ### BEGIN SOLUTION
    total = trained = 0.0
    # A strict zip raises ValueError itself where the shapes differ.
    for row, row_weights in zip(logprobs, weights, strict=True):
        for logprob, weight in zip(row, row_weights, strict=True):
            # 0 * -inf is NaN: an untrained token must not be multiplied at all.
            if weight == 0:
                continue
            if math.isnan(logprob):
                raise ValueError("a trained target has log-probability NaN; look at the batch.")
            total -= float(weight) * float(logprob)
            trained += float(weight)
    return total, total / trained if trained else math.nan
    ### END SOLUTION


# %% tags=["check"] grade_id="check_weighted_nll"
check("weighted_nll")

# %% [markdown]
# ## Exercise 2: a learning rate for LoRA
#
# *2 points, about 5 minutes.*
#
# LoRA wants a larger learning rate than full fine-tuning: ten times, in the cookbook's experience.
# Wider models want a smaller one. The cookbook's formula for two families is
# $$5\cdot10^{-5} \cdot 10 \cdot (2000 / h)^p$$ with hidden size $h$, and $p$ = 0.0775 for Qwen or
# 0.781 for Llama.
#
# Stuck? Run `labkit hint lab02 lora_learning_rate` in a terminal.


# %% tags=["solution"] grade_id="lora_learning_rate"
def lora_learning_rate(hidden_size: int, family: str) -> float:
    """The cookbook's learning rate for LoRA.

    Args:
        hidden_size: Width of the model, at least 1.
        family: "qwen" or "llama".

    Returns:
        5e-5 * 10 * (2000 / hidden_size) ** p, p as above.

    Raises:
        ValueError: `hidden_size` is below 1.
        NotImplementedError: another family; no rate is known for it.
    """
    ### BEGIN SOLUTION
    if hidden_size < 1:
        raise ValueError(f"hidden_size is {hidden_size}; it must be at least 1.")
    exponents = {"qwen": 0.0775, "llama": 0.781}
    if family not in exponents:
        raise NotImplementedError(f"no rate is known for {family!r}, only for {list(exponents)}.")
    return 5e-5 * 10 * (2000 / hidden_size) ** exponents[family]
    ### END SOLUTION


# %% tags=["check"] grade_id="check_lora_learning_rate"
check("lora_learning_rate")

# %% [markdown]
# ## Exercise 3: a schedule
#
# *3 points, about 10 minutes.*
#
# Large steps at the start can wreck a fresh adapter, and large steps at the end make it jump around
# its goal. So the rate rises over a few steps, and falls towards the end.
#
# Stuck? Run `labkit hint lab02 lr_schedule` in a terminal.


# %% tags=["solution"] grade_id="lr_schedule"
def lr_schedule(step: int, total: int, base: float, kind: str, warmup: int) -> float:
    """The learning rate of one step.

    Args:
        step: From 0 to total - 1.
        total: Number of steps of the run.
        base: The highest rate.
        kind: "constant", "linear" or "cosine".
        warmup: Steps until the rate is no longer held down; 0 for none.

    Returns:
        base, times the decay, times the warm-up. Decay is 1 ("constant"), 1 - step / total
        ("linear") or (1 + cos(pi * step / total)) / 2 ("cosine"). Warm-up is (step + 1) / warmup
        in the first `warmup` steps and 1 after them: the very first step already moves.

    Raises:
        ValueError: `step` is not from 0 to total - 1, `warmup` is negative, or `kind` is unknown.
    """
    ### BEGIN SOLUTION
    if not 0 <= step < total:
        raise ValueError(f"step {step} is not one of the {total} steps, counted from 0.")
    if warmup < 0:
        raise ValueError(f"warmup is {warmup}; it must be at least 0.")
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {KINDS}.")
    decay = {
        "constant": 1.0,
        "linear": 1 - step / total,
        "cosine": (1 + math.cos(math.pi * step / total)) / 2,
    }[kind]
    rise = (step + 1) / warmup if step < warmup else 1.0
    return base * decay * rise
    ### END SOLUTION


# %% tags=["check"] grade_id="check_lr_schedule"
check("lr_schedule")

# %% [markdown]
# ## Exercise 4: one step, without waiting in between
#
# *4 points, about 15 minutes.*
#
# A call takes time to travel. If you wait for the loss before you send the step, the service sits
# idle meanwhile, and so do you. Both calls return futures: send both, then wait. The service keeps
# their order.
#
# Your graders do not look at your code. They look at what the service was asked, and when.
#
# Stuck? Run `labkit hint lab02 train_step` in a terminal.


# %% tags=["solution"] grade_id="train_step"
def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    """Train once on a batch: one forward_backward with "cross_entropy", one optim_step.

    Both are submitted before either is waited for, and both are finished on return. The batch is
    sent as it is, in one call. Adam's eps is 1e-8, the rest of its settings stay the SDK's own.

    Returns:
        The mean negative log-likelihood per trained token of this batch, before the step.

    Raises:
        ValueError: The batch is empty; nothing is sent then.
    """
    ### BEGIN SOLUTION
    if not batch:
        raise ValueError("the batch is empty; there is nothing to train on.")
    computed = client.forward_backward(list(batch), "cross_entropy")
    stepped = client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8))
    outputs = computed.result().loss_fn_outputs
    stepped.result()
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in batch]
    return weighted_nll(logprobs, weights)[1]
    ### END SOLUTION


# %% tags=["check"] grade_id="check_train_step"
check("train_step")

# %% [markdown]
# ## Exercise 5: batches
#
# *3 points, about 10 minutes.*
#
# In each epoch every example is seen once, in a new order. The order must come out the same when
# the same epoch is asked for again: without that, no run can be resumed.
#
# Stuck? Run `labkit hint lab02 batches` in a terminal.


# %% tags=["solution"] grade_id="batches"
def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    """The batches of one epoch.

    Args:
        data: The examples, left as they are; may be empty.
        batch_size: At least 1.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.

    Returns:
        All examples, each exactly once, in an order that depends on `seed` and `epoch` and on
        nothing else. Each batch has `batch_size` examples, but the last one has what is left.
        Other epochs and other seeds have other orders, also epoch 1 of seed 0 and epoch 0 of
        seed 1. No data: no batches. The global state of `random` and of numpy stays as it is.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    ### BEGIN SOLUTION
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    order = list(data)
    # A text seeds both numbers apart: seed + epoch would give seed 1 the order of epoch 1.
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    ### END SOLUTION


# %% tags=["check"] grade_id="check_batches"
check("batches")

# %% [markdown]
# ## Exercise 6: the loop
#
# *6 points, about 20 minutes.*
#
# Now you put it together. A run writes down what it does while it does it, so that a crash costs
# nothing: each step is a line of `metrics.jsonl`, each checkpoint a line of `checkpoints.jsonl`.
# Both are in the cookbook's form, so its tools read them.
#
# Held-out data is looked at every few steps. If it has not got better for some time, stop.
#
# Stuck? Run `labkit hint lab02 train` in a terminal.


# %% tags=["solution"] grade_id="train"
def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    """Train on `data`, look at `held_out` now and then, and leave a trace that can be resumed.

    A run has total = epochs * (batches of an epoch) steps, counted from 0. Step s trains on batch
    s % n of `batches(data, batch_size, seed, s // n)`, n being the batches of an epoch, with the
    rate `lr_schedule(s, total, learning_rate, kind, warmup)`.

    Before step s, if s is a multiple of `evaluate_every`, and once more after the last step, the
    mean loss per trained token of `held_out` is measured, in one `client.forward`. When
    `patience` evaluations in a row are not below the lowest one before them, the run stops there:
    step s is not taken.

    After each step s for which s + 1 is a multiple of `save_every`, the state is saved by
    `client.save_state` as f"{s + 1:06d}". At the end, also after an early stop, it is saved as
    "final". Only "final" is saved where both would be due.

    Args:
        client: Fresh, or restored with its optimizer from the checkpoint in `resume`.
        data, held_out: At least one example each.
        metrics: Each step writes one line of JSON, as `write_line` does: "step", "learning_rate",
            "progress" ((s + 1) / total), "train_mean_nll", and "test/nll" if there was an
            evaluation before it. An evaluation that no step follows has a line with "step" and
            "test/nll" only.
        checkpoints: Each save writes one line: "name", "batch" (how many steps have been taken),
            "state_path", "best" (lowest held-out loss so far, null if none) and "waited"
            (evaluations since then).
        resume: A line of `checkpoints`, parsed; None starts at step 0. The run goes on at step
            resume["batch"] as if it had never stopped: same batches, rates, evaluations, lines.

    Returns:
        Loss of each step taken and of each evaluation, by step, of this call; and whether it
        stopped early, that is, left steps out.
    """
    ### BEGIN SOLUTION
    log = RunLog()
    per_epoch = math.ceil(len(data) / config.batch_size)
    total = config.epochs * per_epoch
    first = resume["batch"] if resume else 0
    best = resume["best"] if resume else None
    waited = resume["waited"] if resume else 0
    epoch_batches: dict[int, list[list[tinker.Datum]]] = {}

    def save(name: str, done: int) -> None:
        path = client.save_state(name).result().path
        record = {"name": name, "batch": done, "state_path": path}
        write_line(checkpoints, {**record, "best": best, "waited": waited})

    def evaluate() -> float:
        outputs = client.forward(list(held_out), "cross_entropy").result().loss_fn_outputs
        logprobs = [output["logprobs"].to_numpy() for output in outputs]
        weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in held_out]
        return weighted_nll(logprobs, weights)[1]

    done = first
    for step in count(first):
        measured = {}
        if step == total or step % config.evaluate_every == 0:
            log.held_out[step] = evaluate()
            measured = {"test/nll": log.held_out[step]}
            better = best is None or log.held_out[step] < best
            best, waited = (log.held_out[step], 0) if better else (best, waited + 1)
            if step < total and config.patience is not None and waited >= config.patience:
                log.stopped_early = True
        if step == total or log.stopped_early:
            write_line(metrics, {"step": step, **measured})
            break
        epoch, place = divmod(step, per_epoch)
        if epoch not in epoch_batches:
            epoch_batches = {epoch: batches(data, config.batch_size, config.seed, epoch)}
        rate = lr_schedule(step, total, config.learning_rate, config.kind, config.warmup)
        log.losses[step] = train_step(client, epoch_batches[epoch][place], rate)
        done = step + 1
        record = {"step": step, "learning_rate": rate, "progress": done / total}
        write_line(metrics, {**record, "train_mean_nll": log.losses[step], **measured})
        if config.save_every and done % config.save_every == 0 and done < total:
            save(f"{done:06d}", done)
    save("final", done)
    return log
    ### END SOLUTION


# %% tags=["check"] grade_id="check_train"
check("train")

# %% [markdown]
# ## Exercise 7: pig latin
#
# *2 points, about 8 minutes.*
#
# The children's simplest rule: the first letter moves to the end, and `ay` follows.
# `banana` becomes `ananabay`.
#
# Stuck? Run `labkit hint lab02 pig_latin_dataset` in a terminal.


# %% tags=["solution"] grade_id="pig_latin_dataset"
def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    """One chat for each word: a question and its answer.

    Args:
        words: Lower-case words of the letters a to z; may be empty. A word that comes again is
            left out: it would be trained twice, or be held out and trained.

    Returns:
        Chats in the order of `words`. The user says "Translate to Pig Latin: WORD", the
        assistant says the word without its first letter, then that letter, then "ay".

    Raises:
        ValueError: A word is empty or has another character than a to z.
    """
    ### BEGIN SOLUTION
    chats = []
    for word in dict.fromkeys(words):
        if not word or not set(word) <= set("abcdefghijklmnopqrstuvwxyz"):
            raise ValueError(f"{word!r} is no word of the letters a to z.")
        question = {"role": "user", "content": f"Translate to Pig Latin: {word}"}
        answer = {"role": "assistant", "content": word[1:] + word[0] + "ay"}
        chats.append([question, answer])
    return chats
    ### END SOLUTION


# %% tags=["check"] grade_id="check_pig_latin_dataset"
check("pig_latin_dataset")

# %% [markdown]
# ### Train it
#
# You split the words first: what is held out is never trained. Then your own loop trains, and
# writes its two files into a folder.

# %% tags=["demo"]
import sys
import tempfile
from pathlib import Path

from shared.data.nouns import NOUNS

SEED = 2
RUNS = Path(tempfile.mkdtemp(prefix="lab02-"))


def split_words(seed: int) -> tuple[list[str], list[str]]:
    """Nouns to train on, and 60 others that are held out."""
    # Words that the tokenizer spells letter by letter; a word in one piece hides its letters.
    spelled = [word for word in NOUNS if len(tokenizer.encode(" " + word)) > len(word) / 2]
    random.Random(seed).shuffle(spelled)
    return spelled[60:], spelled[:60]


class Shown:
    """A file that also moves a progress bar: one line, one step."""

    def __init__(self, path: Path, total: int) -> None:
        self.file, self.total = path.open("a", encoding="utf-8"), total

    def write(self, line: str) -> None:
        """Write the line; show how far the run is."""
        self.file.write(line)
        record = json.loads(line)
        done = min(record["step"] + 1, self.total)
        bar = ("#" * (20 * done // self.total)).ljust(20)
        loss = (
            f"loss {record['train_mean_nll']:.3f}" if "train_mean_nll" in record else "done      "
        )
        sys.stdout.write(f"\r[{bar}] step {done} of {self.total}  {loss}")
        sys.stdout.flush()

    def flush(self) -> None:
        """Put what was written on the disk."""
        self.file.flush()


def fresh(seed: int) -> tinker.TrainingClient:
    """A new adapter on the base model."""
    adapter = service.create_lora_training_client(
        settings.base_model, rank=settings.rank, seed=seed
    )
    return adapter.result()


def run(name: str, data: Sequence, tests: Sequence, config: TrainConfig):
    """Train a fresh adapter in a folder of its own; return it with its log."""
    folder = RUNS / name
    folder.mkdir()
    adapter = fresh(config.seed)
    total = config.epochs * math.ceil(len(data) / config.batch_size)
    metrics = Shown(folder / "metrics.jsonl", total)
    with metrics.file, (folder / "checkpoints.jsonl").open("a", encoding="utf-8") as checkpoints:
        log = train(adapter, data, tests, config, metrics, checkpoints)
    print()
    return adapter, log


def pig_config(examples: int, seed: int) -> TrainConfig:
    """About 120 steps, with a look and a checkpoint every ten."""
    return TrainConfig(
        epochs=max(1, round(120 / math.ceil(examples / 32))),
        batch_size=32,
        learning_rate=settings.sft_learning_rate,
        warmup=settings.warmup_steps,
        seed=seed,
        evaluate_every=10,
        save_every=10,
    )


words, held_out_words = split_words(SEED)
training = [to_datum(chat) for chat in pig_latin_dataset(words)]
testing = [to_datum(chat) for chat in pig_latin_dataset(held_out_words)]

# %% [markdown]
# Here it costs nothing. With a key it would: look at the price before you run the cell after this
# one. Each step reads its batch, each look reads the held-out words, each checkpoint is asked for
# all of them.

# %% tags=["demo"]
from shared.tinker.prices import preview_cost

PRICED_MODEL = "Qwen/Qwen3-8B"
PIG = pig_config(len(training), SEED)
looks = PIG.epochs * math.ceil(len(training) / PIG.batch_size) // PIG.evaluate_every + 2
questions = [prompt_tokens(chat[:1]) for chat in pig_latin_dataset(held_out_words)]
read = training * PIG.epochs + testing * looks
print(preview_cost(read, PRICED_MODEL, prompts=questions * looks, max_tokens=24))

# %% tags=["demo"]
pig, pig_log = run("pig_latin", training, testing, PIG)

# %% [markdown]
# The loss says how likely the right letters are. What you want to know is how many words are right.
# Your checkpoints are still there, so you ask each of them.

# %% tags=["demo"]
end_token = tokenizer.convert_tokens_to_ids("<|im_end|>")
greedy = tinker.SamplingParams(max_tokens=24, temperature=0.0, stop=[end_token])


def answers(sampler: tinker.SamplingClient, questions: Sequence[Chat]) -> list[str]:
    """What a model says to each question; all requests are in flight at once."""
    prompts = [tinker.ModelInput.from_ints(prompt_tokens(chat)) for chat in questions]
    futures = [sampler.sample(prompt, 1, greedy) for prompt in prompts]
    said = [future.result().sequences[0].tokens for future in futures]
    return [tokenizer.decode([t for t in tokens if t != end_token]).strip() for tokens in said]


def share_right(sampler: tinker.SamplingClient, chats: Sequence[Chat]) -> float:
    """How many of the chats end as the model ends them, from 0 to 1."""
    said = answers(sampler, [chat[:-1] for chat in chats])
    right = [text == chat[-1]["content"] for text, chat in zip(said, chats, strict=True)]
    return sum(right) / len(right)


test_chats = pig_latin_dataset(held_out_words)
base = service.create_sampling_client(base_model=settings.base_model).result()
exact = {0: share_right(base, test_chats)}
lines = (RUNS / "pig_latin" / "checkpoints.jsonl").read_text(encoding="utf-8").splitlines()
for saved in map(json.loads, lines):
    restored = service.create_training_client_from_state(saved["state_path"]).result()
    sampler = restored.save_weights_and_get_sampling_client().result()
    exact[saved["batch"]] = share_right(sampler, test_chats)
for step, share in exact.items():
    print(f"after {step:3} steps {share:4.0%} of {len(test_chats)} unseen words")

# %% tags=["demo"]
import io

import matplotlib.pyplot as plt
from IPython.display import HTML


def curves_figure(
    curves: Mapping[str, Mapping[int, float]], label: str, alt: str, over: str = "step"
) -> HTML:
    """Curves over steps or something else, with a text that stands for the picture."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for (name, curve), style in zip(curves.items(), ("-", "--", ":", "-."), strict=False):
        axes.plot(list(curve), list(curve.values()), style, color="black", label=name)
    axes.set(xlabel=over, ylabel=label)
    axes.legend(frameon=False)
    picture = io.StringIO()
    figure.savefig(picture, format="svg")
    plt.close(figure)
    told = "; ".join(
        f"{name} from {next(iter(curve.values())):.2f} to {list(curve.values())[-1]:.2f}"
        for name, curve in curves.items()
    )
    drawing = picture.getvalue()[picture.getvalue().index("<svg") :]
    return HTML(f'<figure role="img" aria-label="{alt}: {told}.">{drawing}</figure>')


curves_figure(
    {"training loss": pig_log.losses, "held-out loss": pig_log.held_out, "exact match": exact},
    "loss per token, share of words",
    "Three curves over steps; both losses fall at once, exact match rises later",
)

# %% tags=["demo"]
after = pig.save_weights_and_get_sampling_client().result()
asked = [chat[:1] for chat in test_chats[:5]]
for chat, one, other in zip(test_chats, answers(base, asked), answers(after, asked), strict=False):
    print(f"{chat[0]['content'][24:]:10} before {one[:24]!r:28} after {other!r}")

# %% [markdown]
# ### Interrupt it
#
# You train eight steps in one go. Then you do it again, and the power fails after six. The last
# checkpoint was made after four. The cookbook's own tool finds it in your `checkpoints.jsonl`.
#
# A client that is made from a state *with its optimizer* goes on exactly. Without it Adam starts
# anew, and the curve bends.
#
# Which steps does the second run take twice? Decide before you run the cell.

# %% tags=["demo"]
from tinker_cookbook.checkpoint_utils import get_last_checkpoint

SHORT = TrainConfig(
    epochs=2, batch_size=16, learning_rate=settings.sft_learning_rate / 5,
    evaluate_every=4, save_every=4, seed=SEED,
)  # fmt: skip
few, fewer = training[:64], testing[:16]


class PowerCut(Exception):
    """Stands for whatever ends a run too early."""


class Failing(Shown):
    """A file on a machine whose power fails after six steps."""

    def write(self, line: str) -> None:
        """Write the line; fail after the sixth."""
        super().write(line)
        if json.loads(line)["step"] == 5:
            raise PowerCut


_, whole = run("whole", few, fewer, SHORT)
folder = RUNS / "interrupted"
folder.mkdir()
metrics = Failing(folder / "metrics.jsonl", 8)
with metrics.file, (folder / "checkpoints.jsonl").open("a", encoding="utf-8") as checkpoints:
    try:
        train(fresh(SEED), few, fewer, SHORT, metrics, checkpoints)
    except PowerCut:
        print("\nthe power failed")

last = get_last_checkpoint(str(folder)).to_dict()
restored = service.create_training_client_from_state_with_optimizer(last["state_path"]).result()
metrics = Shown(folder / "metrics.jsonl", 8)
with metrics.file, (folder / "checkpoints.jsonl").open("a", encoding="utf-8") as checkpoints:
    rest = train(restored, few, fewer, SHORT, metrics, checkpoints, resume=last)
print()
for step, loss in rest.losses.items():
    print(f"step {step}: in one go {whole.losses[step]:.4f}, resumed {loss:.4f}")

# %% [markdown]
# Steps 4 and 5 are taken twice: nothing was saved after them. Their lines stand twice in
# `metrics.jsonl`, and the later ones count. The cookbook reads that file too.

# %% tags=["demo"]
from tinker_cookbook.stores import LocalStorage, TrainingRunStore

records = TrainingRunStore(LocalStorage(folder)).read_metrics()
print([record["step"] for record in records])

# %% [markdown]
# ## Exercise 8: a prompt in the weights
#
# *3 points, about 12 minutes.*
#
# A long system prompt is read, and paid, with every request. Prompt distillation trains the model
# on answers that were given *with* the prompt, to questions *without* it.
#
# Stuck? Run `labkit hint lab02 distil_prompt` in a terminal.


# %% tags=["solution"] grade_id="distil_prompt"
def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    """Training chats without the system prompt, and what a request saves.

    Args:
        teacher_outputs: Chats of a teacher. Each may start with one system message; the rest are
            turns of user and assistant. The last message is the teacher's answer.

    Returns:
        The chats without their system messages, in the same order. A chat is left out if its
        last message is not the assistant's, or is nothing but white space. And the tokens saved:
        the mean over the chats kept of the length of `prompt_tokens` of everything before the
        answer, with the system message, less the same without it; 0.0 if no chat is kept. The
        given chats stay as they are.
    """
    ### BEGIN SOLUTION
    chats: list[list[dict[str, str]]] = []
    saved = 0
    for chat in teacher_outputs:
        if not chat or chat[-1]["role"] != "assistant" or not chat[-1]["content"].strip():
            continue
        short = [dict(message) for message in chat if message["role"] != "system"]
        saved += len(prompt_tokens(chat[:-1])) - len(prompt_tokens(short[:-1]))
        chats.append(short)
    return chats, saved / len(chats) if chats else 0.0
    ### END SOLUTION


# %% tags=["check"] grade_id="check_distil_prompt"
check("distil_prompt")

# %% [markdown]
# The small model follows no long prompts, so a rule plays the teacher here. What you see is real in
# everything else: tokens saved, and a model that behaves as if it had read the prompt.

# %% tags=["demo"]
PROMPT = (
    "You are a pirate. Start each answer with Arr! and end it with matey! Do the sum that the user "
    "asks for. Never leave your role. Never explain. Write the whole sum and its result."
)
pairs = [(a, b) for a in range(10, 40) for b in range(10, 40)]
random.Random(SEED).shuffle(pairs)
teacher = [
    [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": f"What is {a} + {b}?"},
        {"role": "assistant", "content": f"Arr! {a} + {b} = {a + b}, matey!"},
    ]
    for a, b in pairs[:400]
]
student_chats, saved_tokens = distil_prompt(teacher)
print(f"{saved_tokens:.0f} tokens saved with every request")
PIRATE = TrainConfig(
    epochs=2, batch_size=16, learning_rate=settings.sft_learning_rate / 2,
    warmup=settings.warmup_steps, evaluate_every=10, seed=SEED,
)  # fmt: skip
data = [to_datum(chat) for chat in student_chats]
pirate, _ = run("pirate", data[32:], data[:32], PIRATE)
pirate_sampler = pirate.save_weights_and_get_sampling_client().result()
unseen = [[{"role": "user", "content": f"What is {a} + {b}?"}] for a, b in pairs[400:404]]
for said in answers(pirate_sampler, unseen):
    print(said)

# %% [markdown]
# ## Exercise 9: clean data
#
# *3 points, about 12 minutes.*
#
# A model learns what is in the data, also what nobody meant to be there. Rules that can be written
# down are cheap and can be argued about.
#
# Stuck? Run `labkit hint lab02 keep_example` in a terminal.


# %% tags=["solution"] grade_id="keep_example"
def keep_example(example: Chat) -> bool:
    """Whether a chat is good enough to train on.

    It is kept if all of these hold:

    1. After at most one system message at the start, user and assistant take turns; the user
       begins, the assistant has the last word.
    2. No message is empty or nothing but white space.
    3. No message contains the character U+FFFD, the mark of text that was decoded wrongly.
    4. The last message has at most 400 characters.
    5. The last message does not start with "As an AI", whatever its case and the white space
       before it.
    """
    ### BEGIN SOLUTION
    turns = list(example)
    if turns and turns[0]["role"] == "system":
        turns = turns[1:]
    if not turns or len(turns) % 2:
        return False
    if any(m["role"] != ("user", "assistant")[i % 2] for i, m in enumerate(turns)):
        return False
    if any(not m["content"].strip() or "\ufffd" in m["content"] for m in example):
        return False
    answer = turns[-1]["content"]
    return len(answer) <= 400 and not answer.strip().lower().startswith("as an ai")
    ### END SOLUTION


# %% tags=["check"] grade_id="check_keep_example"
check("keep_example")

# %% [markdown]
# ## Exercise 10: what was forgotten
#
# *3 points, about 12 minutes.*
#
# A model that learns one task can lose others. You only notice if you measure tasks that you did
# not train, before and after, on the same questions.
#
# Stuck? Run `labkit hint lab02 general_skill` in a terminal.


# %% tags=["solution"] grade_id="general_skill"
def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    """Compare right and wrong answers before and after training, task by task.

    Args:
        before: For each task, whether each question was answered right before training.
        after: The same tasks and questions after it, in the same order.

    Returns:
        For each task "before" and "after", the share of right answers, and "forgotten": of the
        questions that were right before, the share that is wrong after; 0.0 if none was right.
        Under "mean" the mean of each of the three over the tasks, each task counting the same.

    Raises:
        ValueError: There is no task, the tasks differ, a task is called "mean", has no questions
            or not as many before as after.
    """
    ### BEGIN SOLUTION
    if not before or set(before) != set(after) or "mean" in before:
        raise ValueError(f"tasks are {sorted(before)} before and {sorted(after)} after.")
    found: dict[str, dict[str, float]] = {}
    for task, first in before.items():
        second = after[task]
        # A strict zip raises ValueError itself where there are not as many after as before.
        kept = [later for earlier, later in zip(first, second, strict=True) if earlier]
        if not first:
            raise ValueError(f"{task} has no questions.")
        found[task] = {
            "before": sum(first) / len(first),
            "after": sum(second) / len(second),
            "forgotten": 1 - sum(kept) / len(kept) if kept else 0.0,
        }
    keys = ("before", "after", "forgotten")
    mean = {key: sum(one[key] for one in found.values()) / len(found) for key in keys}
    return {**found, "mean": mean}
    ### END SOLUTION


# %% tags=["check"] grade_id="check_general_skill"
check("general_skill")

# %% [markdown]
# Decide before you run the cell: what has pig latin cost the model? It was never asked for sums,
# or to spell or repeat a word, while it trained.


# %% tags=["demo"]
def asking(question: str, answer: str) -> list[dict[str, str]]:
    """A chat of one question."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


OTHER_TASKS = {
    "sums": [asking(f"What is {a} + {b}?", str(a + b)) for a, b in pairs[:30]],
    "repeat": [asking(f"Repeat the word {word}.", word) for word in held_out_words[:30]],
    "spell": [asking(f"Spell {word}.", "-".join(word)) for word in held_out_words[:30]],
}


def skills(sampler: tinker.SamplingClient) -> dict[str, list[bool]]:
    """Whether the right result stands in each answer."""
    return {
        name: [
            chat[-1]["content"] in said
            for chat, said in zip(chats, answers(sampler, [c[:1] for c in chats]), strict=True)
        ]
        for name, chats in OTHER_TASKS.items()
    }


for task, row in general_skill(skills(base), skills(after)).items():
    print(f"{task:6}", "  ".join(f"{key} {value:.2f}" for key, value in row.items()))
for chats in OTHER_TASKS.values():
    print(chats[0][0]["content"], "->", answers(after, [chats[0][:1]])[0])

# %% [markdown]
# Nearly everything is gone: whatever is asked, the adapter answers with a word in pig latin. It was
# trained on one task only, at a high rate, and nothing in its data held the others in place. Mixing
# a few other chats in is the usual remedy; the extension asks what it brings.

# %% [markdown]
# ### Predict: the size of a batch
#
# The same data, once through, in batches of 8, 16 and 32, the learning rate growing by the square
# root of the batch. Which held-out loss is lowest at the end, and which is highest?
#
# <details><summary>Answer</summary>
#
# | seed | 8 | 16 | 32 |
# |---|---|---|---|
# | 0 | 0.20 | 0.46 | 0.65 |
# | 1 | 0.35 | 0.30 | 0.54 |
# | 2 | 0.16 | 0.31 | 0.57 |
# | 3 | 0.18 | 0.25 | 0.47 |
# | 4 | 0.13 | 0.29 | 0.60 |
#
# The largest batch is the worst every time: it takes a quarter of the steps of the smallest one,
# and a larger rate makes up for a part of that only. The smallest wins in four runs of five. One
# run proves little when two curves end this close.
#
# On real hardware a small batch costs more time for each example. So the question is what you pay
# for: examples or hours.
#
# </details>

# %% tags=["demo"]
by_size = {}
for size in (8, 16, 32):
    config = TrainConfig(
        epochs=1, batch_size=size, learning_rate=settings.sft_learning_rate * math.sqrt(size / 32),
        warmup=settings.warmup_steps, evaluate_every=4, seed=SEED,
    )  # fmt: skip
    _, size_log = run(f"batch_{size}", training, testing, config)
    by_size[f"batches of {size}"] = {step * size: loss for step, loss in size_log.held_out.items()}

# %% tags=["demo"]
curves_figure(
    by_size, "held-out loss per token", "Held-out loss over examples seen", over="examples seen"
)

# %% [markdown]
# ## Common mistakes
#
# Three mistakes are made before this lab starts, in the data. No check here sees them, and the loss
# falls all the same:
#
# - The targets are not shifted: the model learns to repeat the token it has just read.
# - The prompt is trained too: the loss is mostly about questions, and looks good or bad with them.
# - The end token is not trained: answers never end.
#
# Look at one datum before you train, as in the worked example. The mistakes below are made in the
# exercises:
#
# <!-- common mistakes -->

# %% [markdown]
# ## Explain
#
# Two questions, graded by hand. Four to eight sentences each.
#
# **Why may optim_step be sent before the loss is known?**
# Say what the service guarantees, what you gain, and when you must wait after all.

# %% [markdown] tags=["written"] grade_id="explain_pipelining"
# **Answer: sending ahead.**
#
# ### BEGIN SOLUTION
# The service works on the requests of one model in the order in which they were sent, so the step
# always uses the gradient of the call before it. The loss is not an input of the step: the rate
# comes from the schedule. While a request travels, the service already has the next one, and no
# time is lost between them. You must wait when the next request depends on a result: a rate that
# reacts to the loss, early stopping, or a batch that is sampled from the newest weights.
# ### END SOLUTION

# %% [markdown]
# **Why does a falling training loss not show that the model has learnt the task?**
# Give two ways in which it falls and the task is not learnt. Say what you measure instead.

# %% [markdown] tags=["written"] grade_id="explain_held_out"
# **Answer: what a curve proves.**
#
# ### BEGIN SOLUTION
# The loss falls when the examples are learnt by heart: then held-out loss stays or rises. It falls
# when another task was set than was meant, such as targets without a shift, or a trained prompt
# whose easy tokens pull the mean down. It also falls long before whole answers are right, because
# it counts tokens. So measure on examples that were never trained, measure what you want (whole
# answers right), and measure tasks outside the data to see what was lost.
# ### END SOLUTION

# %% [markdown]
# ## Extension
#
# Open ends, not graded.
#
# - Send step s + 1 before you wait for step s, as the cookbook does. How much faster is it here?
# - Mix a tenth of other chats into the pig latin data. What is forgotten then?
# - Train with the rate of full fine-tuning, a tenth. How many steps does pig latin need?

# %% [markdown]
# ## On the real service
#
# The code above is the same with a key: set `TINKER_API_KEY`, and `connect` and `preset` choose the
# hosted service and a model that it has. The preview above the first long run tells what that run
# costs. This one is for everything else on the page that trains.

# %% tags=["demo"]
read = few * 4 + data * PIRATE.epochs + training * len(by_size)
print(preview_cost(read, PRICED_MODEL))

# %% [markdown]
# The prices are a copy with a date on it. Look up today's before you rely on them. The tokens are
# those of the small model's tokenizer, which spells more words letter by letter than a large
# model's does. Evaluations read tokens too: `held_out` costs each time you look at it.
#
# A large model wants another learning rate. `settings.sft_learning_rate` has it, from the
# cookbook's formula, as your `lora_learning_rate` gives it. And `rendered` writes Qwen's chat
# format: ask for one of Qwen's models, `preset("Qwen/Qwen3-8B")`, or take a renderer of Lab 1.

# %% [markdown]
# ## Errata you may meet
#
# > **"LoRA needs 20 to 100 times the learning rate."** The cookbook's constant is ten.
# >
# > **"`future.result()` is the loss."** It is a `ForwardBackwardOutput` with metrics and logprobs.
# >
# > **"`optim_step()` without arguments."** It takes `AdamParams`, with the learning rate.
# >
# > **"`load_state` restores everything."** It restores weights. The optimizer comes back with
# > `create_training_client_from_state_with_optimizer`.

# %% [markdown]
# ## Recap
#
# 1. Send forward_backward and optim_step, then wait for both.
# 2. Every example once an epoch, in an order that can be made again.
# 3. What a run needs to go on stands in its files: step, state, best loss, patience used.
# 4. Loss counts tokens; you want answers. Measure them on what was held out.
# 5. Measure what was not trained too: that is where forgetting shows.

# %% [markdown]
# ## Sources
#
# Accessed on 2026-11-24. The SDK and the cookbook were read and run as installed.
#
# - `tinker` SDK 0.38.0: `TrainingClient`, `ServiceClient`, `AdamParams`.
# - `tinker-cookbook` 0.5.8: `supervised.train`, `hyperparam_utils.get_lr`,
#   `utils.lr_scheduling`, `checkpoint_utils.CheckpointRecord`;
#   [github.com/thinking-machines-lab/tinker-cookbook](https://github.com/thinking-machines-lab/tinker-cookbook).
# - The price is from a public copy of the service's list made in October 2026.
