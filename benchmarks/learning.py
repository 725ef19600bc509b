"""What the base model can be taught in a minute, measured through the SDK and the service.

    python benchmarks/learning.py [--only NAME ...] [--seeds N] [--json] [--curves DIR]
                                  [--model FOLDER]

Each experiment runs once per seed. CPU seconds are those of this process and of the service
together, evaluation before and after included. The exit status is 1 when a run misses a target.
Not measured here: speed of the service (service.py) and what hidden states hold (probe.py).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is first imported

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from experiments import dpo, grpo, problems, sft, two_stage
from experiments.report import Row, Target, draw, summary
from experiments.setting import Outcome, Setting
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass(frozen=True)
class Experiment:
    """How to run one seed, its optimizer steps, and what must come out."""

    run: Callable[[Setting, int], Outcome]
    steps: int
    targets: tuple[Target, ...]


ADDITION = partial(grpo.run_grpo, make=problems.addition)
MIXED = partial(grpo.run_grpo, make=problems.mixed)

EXPERIMENTS: dict[str, Experiment] = {
    "pig_latin": Experiment(
        sft.run_pig_latin, sft.STEPS, (Target("before", high=0.0), Target("after", low=0.80))
    ),
    "grpo_addition": Experiment(
        ADDITION, grpo.STEPS, (Target("before", 0.30, 0.55), Target("after", low=0.95))
    ),
    "grpo_mixed": Experiment(
        MIXED, grpo.STEPS, (Target("before", 0.30, 0.55), Target("after", low=0.88))
    ),
    "dpo_short": Experiment(dpo.run_short, dpo.STEPS, (Target("fall", low=0.35),)),
    "dpo_style": Experiment(
        dpo.run_style, dpo.STEPS, (Target("before", high=0.2), Target("after", low=0.8))
    ),
    "two_stage": Experiment(
        two_stage.run_two_stage, two_stage.TOTAL_STEPS, (Target("gain", low=0.40),)
    ),
}


@contextmanager
def embedded(folder: Path | None, advance: Callable[[int], None]) -> Iterator[Setting]:
    """A service of its own for this benchmark, ended with it; `folder` replaces the base model."""
    import psutil
    from tinker_cookbook.tokenizer_utils import get_tokenizer

    from shared.models import base
    from shared.tinker import EmbeddedService, connect

    name = base.NAME if folder is None else "candidate"
    models = [] if folder is None else [f"{name}={folder}"]
    with EmbeddedService.start(models=models) as service:
        service.wait_ready()
        os.environ["TINKER_BASE_URL"], os.environ["TINKER_API_KEY"] = service.url, service.key
        process = psutil.Process(service.pid)

        def cpu() -> float:
            times = process.cpu_times()
            return time.process_time() + times.user + times.system

        yield Setting(
            service=connect(),
            base_model=name,
            tokenizer=get_tokenizer(str(folder or base.folder())),
            cpu=cpu,
            advance=advance,
        )


def in_own_session(experiment: Experiment, setting: Setting, seed: int) -> Outcome:
    """One run; its models are freed with its session, of which the service caps the models."""
    from shared.tinker import connect

    service = connect()
    try:
        return experiment.run(replace(setting, service=service), seed)
    finally:
        service.close("success").result()


def measure(names: list[str], seeds: int, folder: Path | None, quiet: bool) -> list[Row]:
    """Run every named experiment with seeds 0 to `seeds` - 1, with a bar on standard error."""
    console = Console(stderr=True)
    rows: list[Row] = []
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
    total = seeds * sum(EXPERIMENTS[name].steps for name in names)
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("starting the service", total=total)
        with embedded(folder, lambda steps: progress.advance(task, steps)) as setting:
            for name in names:
                for seed in range(seeds):
                    progress.update(task, description=f"{name}, seed {seed}")
                    experiment = EXPERIMENTS[name]
                    outcome = in_own_session(experiment, setting, seed)
                    rows.append(Row(name, seed, experiment.targets, outcome))
                    if not quiet:
                        print(rows[-1].line(), flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N - 1 (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--curves", type=Path, default=Path(__file__).parent / "curves")
    parser.add_argument("--model", type=Path, help="a model folder instead of the shipped one")
    options = parser.parse_args()
    rows = measure(options.only, options.seeds, options.model, quiet=options.json)
    paths = draw(rows, options.curves)
    if options.json:
        print(json.dumps([row.record() for row in rows], indent=1))
    else:
        print(f"\n{summary(rows)}\n\ncurves: {', '.join(map(str, paths))}")
    return 1 if any(row.missed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
