"""You go on with the lowest loss and the patience of a fresh run. Both stand in the checkpoint:
without them a run that is resumed stops later."""

import math
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TextIO

import tinker


def look(client: tinker.TrainingClient, held_out: Sequence[tinker.Datum]) -> float:
    outputs = client.forward(list(held_out), "cross_entropy").result().loss_fn_outputs
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in held_out]
    return weighted_nll(logprobs, weights)[1]


def keep(
    client: tinker.TrainingClient, file: TextIO, name: str, done: int, best: float, waited: int
) -> None:
    record = {"name": name, "batch": done, "state_path": client.save_state(name).result().path}
    write_line(file, {**record, "best": best, "waited": waited})


def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    log = RunLog()
    per_epoch = math.ceil(len(data) / config.batch_size)
    total = config.epochs * per_epoch
    first = resume["batch"] if resume else 0
    best, waited = None, 0
    done = first
    for step in count(first):
        measured = {}
        if step == total or step % config.evaluate_every == 0:
            log.held_out[step] = look(client, held_out)
            measured = {"test/nll": log.held_out[step]}
            better = best is None or log.held_out[step] < best
            best, waited = (log.held_out[step], 0) if better else (best, waited + 1)
            if step < total and config.patience is not None and waited >= config.patience:
                log.stopped_early = True
        if step == total or log.stopped_early:
            write_line(metrics, {"step": step, **measured})
            break
        epoch, place = divmod(step, per_epoch)
        batch = batches(data, config.batch_size, config.seed, epoch)[place]
        rate = lr_schedule(step, total, config.learning_rate, config.kind, config.warmup)
        log.losses[step] = train_step(client, batch, rate)
        done = step + 1
        record = {"step": step, "learning_rate": rate, "progress": done / total}
        write_line(metrics, {**record, "train_mean_nll": log.losses[step], **measured})
        if config.save_every and done % config.save_every == 0 and done < total:
            keep(client, checkpoints, f"{done:06d}", done, best, waited)
    keep(client, checkpoints, "final", done, best, waited)
    return log
