"""The same mistake, written differently."""

import json
import math
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
    log = RunLog()
    n = math.ceil(len(data) / config.batch_size)
    total = n * config.epochs
    state = dict(resume) if resume else {"batch": 0, "best": None, "waited": 0}

    def mean(result, sequences):
        weights = sum(float(one.loss_fn_inputs["weights"].to_torch().sum()) for one in sequences)
        return result.metrics["loss:sum"] / weights

    def keep(name, taken):
        state.update(name=name, batch=taken, state_path=client.save_state(name).result().path)
        keys = ("name", "batch", "state_path", "best", "waited")
        checkpoints.write(json.dumps({key: state[key] for key in keys}) + "\n")

    step = state["batch"]
    while step <= total:
        row = {}
        if step % config.evaluate_every == 0 and step != total:
            row["test/nll"] = mean(client.forward(held_out, "cross_entropy").result(), held_out)
            log.held_out[step] = row["test/nll"]
            if state["best"] is not None and row["test/nll"] >= state["best"]:
                state["waited"] += 1
            else:
                state["best"], state["waited"] = row["test/nll"], 0
            enough = config.patience is not None and state["waited"] >= config.patience
            log.stopped_early = enough and step < total
        if step == total or log.stopped_early:
            metrics.write(json.dumps({"step": step, **row}) + "\n")
            break
        rate = config.learning_rate
        if config.kind == "linear":
            rate *= (total - step) / total
        elif config.kind == "cosine":
            rate *= math.cos(math.pi * step / total / 2) ** 2
        if step < config.warmup:
            rate *= (step + 1) / config.warmup
        batch = batches(data, config.batch_size, config.seed, step // n)[step % n]
        gradient = client.forward_backward(batch, "cross_entropy")
        client.optim_step(tinker.AdamParams(learning_rate=rate, eps=1e-8)).result()
        log.losses[step] = mean(gradient.result(), batch)
        row.update(step=step, learning_rate=rate, train_mean_nll=log.losses[step])
        step += 1
        metrics.write(json.dumps({**row, "progress": step / total}) + "\n")
        if config.save_every > 0 and not step % config.save_every and step != total:
            keep(f"{step:06d}", step)
    keep("final", step)
    return log
