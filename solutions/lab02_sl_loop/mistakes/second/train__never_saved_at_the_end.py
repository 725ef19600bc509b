"""The same mistake, written differently."""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

import tinker


class Run:
    def __init__(self, client, files, resume):
        self.client = client
        self.metrics, self.checkpoints = files
        self.done = 0 if resume is None else resume["batch"]
        self.best = None if resume is None else resume["best"]
        self.waited = 0 if resume is None else resume["waited"]
        self.log = RunLog()

    def look(self, held_out):
        """The held-out loss; moves `best` and `waited`."""
        outputs = self.client.forward(held_out, "cross_entropy").result().loss_fn_outputs
        loss = weighted_nll(
            [list(output["logprobs"].data) for output in outputs],
            [list(datum.loss_fn_inputs["weights"].data) for datum in held_out],
        )[1]
        lower = self.best is None or self.best > loss
        self.waited = 0 if lower else self.waited + 1
        self.best = loss if lower else self.best
        self.log.held_out[self.done] = loss
        return loss

    def save(self, name):
        """The state, and its line."""
        line = {"name": name, "batch": self.done, "best": self.best, "waited": self.waited}
        line["state_path"] = self.client.save_state(name).result().path
        print(json.dumps(line), file=self.checkpoints, flush=True)

    def tell(self, **line):
        """A line of metrics."""
        if self.done in self.log.held_out:
            line["test/nll"] = self.log.held_out[self.done]
        print(json.dumps({"step": self.done, **line}), file=self.metrics, flush=True)


def train(
    client: tinker.TrainingClient,
    data: Sequence[tinker.Datum],
    held_out: Sequence[tinker.Datum],
    config: TrainConfig,
    metrics: TextIO,
    checkpoints: TextIO,
    resume: Mapping | None = None,
) -> RunLog:
    run = Run(client, (metrics, checkpoints), resume)
    in_epoch = -(-len(data) // config.batch_size)
    total = config.epochs * in_epoch
    for step in range(run.done, total):
        if step % config.evaluate_every == 0:
            run.look(list(held_out))
            if config.patience is not None and run.waited >= config.patience:
                run.log.stopped_early = True
                break
        rate = lr_schedule(step, total, config.learning_rate, config.kind, config.warmup)
        batch = batches(data, config.batch_size, config.seed, step // in_epoch)[step % in_epoch]
        loss = run.log.losses[step] = train_step(client, batch, rate)
        run.tell(learning_rate=rate, progress=(step + 1) / total, train_mean_nll=loss)
        run.done = step + 1
        if config.save_every and run.done % config.save_every == 0 and run.done != total:
            run.save(f"{run.done:06d}")
    else:
        run.look(list(held_out))
    run.tell()
    return run.log
