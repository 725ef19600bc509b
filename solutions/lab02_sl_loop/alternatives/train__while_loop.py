"""A while loop over a plain list of every batch of the run; evaluations first, steps after."""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

import tinker


def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    plan = [
        batch
        for epoch in range(config.epochs)
        for batch in batches(data, config.batch_size, config.seed, epoch)
    ]
    weight = sum(sum(datum.loss_fn_inputs["weights"].data) for datum in held_out)
    resume = resume or {"batch": 0, "best": None, "waited": 0}
    step, best, waited = resume["batch"], resume["best"], resume["waited"]
    log = RunLog()
    while True:
        line: dict = {"step": step}
        if step % config.evaluate_every == 0 or step == len(plan):
            looked = client.forward(list(held_out), "cross_entropy").result()
            nll = looked.metrics["loss:sum"] / weight
            log.held_out[step] = nll
            if best is None or nll < best:
                best, waited = nll, 0
            else:
                waited += 1
        if step == len(plan):
            break
        if config.patience is not None and step in log.held_out and waited >= config.patience:
            log.stopped_early = True
            break
        rate = lr_schedule(step, len(plan), config.learning_rate, config.kind, config.warmup)
        log.losses[step] = train_step(client, plan[step], rate)
        line["learning_rate"] = rate
        line["progress"] = (step + 1) / len(plan)
        line["train_mean_nll"] = log.losses[step]
        if step in log.held_out:
            line["test/nll"] = log.held_out[step]
        metrics.write(json.dumps(line) + "\n")
        step += 1
        if step < len(plan) and config.save_every > 0 and step % config.save_every == 0:
            name = str(step).zfill(6)
            path = client.save_state(name).result().path
            note = {"name": name, "batch": step, "state_path": path, "best": best}
            checkpoints.write(json.dumps({**note, "waited": waited}) + "\n")
    metrics.write(json.dumps({"step": step, "test/nll": log.held_out[step]}) + "\n")
    path = client.save_state("final").result().path
    note = {"name": "final", "batch": step, "state_path": path, "best": best, "waited": waited}
    checkpoints.write(json.dumps(note) + "\n")
    return log
