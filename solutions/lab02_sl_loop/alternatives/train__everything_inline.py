"""No help from the other exercises but the batches: futures, rates and means are its own."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TextIO

import tinker


def mean(result, sequences: Sequence[tinker.Datum]) -> float:
    weights = sum(float(one.loss_fn_inputs["weights"].to_torch().sum()) for one in sequences)
    return result.metrics["loss:sum"] / weights


def rate_of(config: TrainConfig, step: int, total: int) -> float:
    rate = config.learning_rate * min(1, (step + 1) / max(1, config.warmup))
    if config.kind == "linear":
        rate *= (total - step) / total
    elif config.kind == "cosine":
        rate *= math.cos(math.pi * step / total / 2) ** 2
    return rate


def one_step(client: tinker.TrainingClient, batch: list[tinker.Datum], rate: float) -> float:
    gradient = client.forward_backward(batch, "cross_entropy")
    client.optim_step(tinker.AdamParams(learning_rate=rate, eps=1e-8)).result()
    return mean(gradient.result(), batch)


def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    log, n = RunLog(), math.ceil(len(data) / config.batch_size)
    total = n * config.epochs
    state = dict(resume) if resume else {"batch": 0, "best": None, "waited": 0}

    def keep(name: str, taken: int) -> None:
        state.update(name=name, batch=taken, state_path=client.save_state(name).result().path)
        checkpoints.write(json.dumps(state) + "\n")

    step = state["batch"]
    while True:
        row = {}
        if step % config.evaluate_every == 0 or step == total:
            looked = client.forward(held_out, "cross_entropy").result()
            nll = row["test/nll"] = log.held_out[step] = mean(looked, held_out)
            lower = state["best"] is None or nll < state["best"]
            state |= {"best": nll, "waited": 0} if lower else {"waited": state["waited"] + 1}
            enough = config.patience is not None and state["waited"] >= config.patience
            log.stopped_early = enough and step < total
        if step == total or log.stopped_early:
            metrics.write(json.dumps({"step": step, **row}) + "\n")
            break
        rate = rate_of(config, step, total)
        batch = batches(data, config.batch_size, config.seed, step // n)[step % n]
        log.losses[step] = one_step(client, batch, rate)
        row |= {"step": step, "learning_rate": rate, "train_mean_nll": log.losses[step]}
        step += 1
        metrics.write(json.dumps({**row, "progress": step / total}) + "\n")
        if config.save_every > 0 and not step % config.save_every and step != total:
            keep(f"{step:06d}", step)
    keep("final", step)
    return log
