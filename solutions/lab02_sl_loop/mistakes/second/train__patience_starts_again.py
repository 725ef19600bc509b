"""The same mistake, written differently."""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

import tinker


def mean_loss(client: tinker.TrainingClient, sequences: Sequence[tinker.Datum]) -> float:
    weight = sum(sum(datum.loss_fn_inputs["weights"].data) for datum in sequences)
    return client.forward(list(sequences), "cross_entropy").result().metrics["loss:sum"] / weight


def every_batch(data: Sequence[tinker.Datum], config: TrainConfig) -> list[list[tinker.Datum]]:
    found = []
    for epoch in range(config.epochs):
        found += batches(data, config.batch_size, config.seed, epoch)
    return found


def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    plan, log = every_batch(data, config), RunLog()
    resume = resume or {"batch": 0, "best": None, "waited": 0}
    step, best, waited = resume["batch"], None, 0
    while True:
        line: dict = {"step": step}
        if step % config.evaluate_every == 0 or step == len(plan):
            nll = line["test/nll"] = log.held_out[step] = mean_loss(client, held_out)
            waited = 0 if best is None or nll < best else waited + 1
            best = nll if waited == 0 else best
        if step == len(plan):
            break
        if config.patience is not None and step in log.held_out and waited >= config.patience:
            log.stopped_early = True
            break
        rate = lr_schedule(step, len(plan), config.learning_rate, config.kind, config.warmup)
        log.losses[step] = train_step(client, plan[step], rate)
        line |= {"learning_rate": rate, "train_mean_nll": log.losses[step]}
        step += 1
        metrics.write(json.dumps({**line, "progress": step / len(plan)}) + "\n")
        if step < len(plan) and config.save_every > 0 and step % config.save_every == 0:
            path = client.save_state(str(step).zfill(6)).result().path
            note = {"name": str(step).zfill(6), "batch": step, "state_path": path}
            checkpoints.write(json.dumps({**note, "best": best, "waited": waited}) + "\n")
    metrics.write(json.dumps(line) + "\n")
    note = {"name": "final", "batch": step, "best": best, "waited": waited}
    path = client.save_state("final").result().path
    checkpoints.write(json.dumps({**note, "state_path": path}) + "\n")
    return log
