"""Every recipe the kit promises, unmodified, at small sizes, against one service; two at a time.

What can be shrunk is shrunk: this shows that recipes run to their end and leave what they should,
not that the tiny model learns from so few steps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tinker

from shared.models.hub import hub_home
from shared.tinker import recipe_source
from shared.tinker.embedded import EmbeddedService
from shared.tinker.recipe_results import Results, results
from shared.tinker.recipes import TESTED, child_environment, obstacles, plan, run

RANK = "lora_rank=4"
CASES: dict[str, list[str]] = {
    "preference.rlhf.rlhf_pipeline": [RANK, "batch_size=4", "rl_group_size=2", "rl_max_tokens=12"],
    "multiplayer_rl.twenty_questions.train": ["batch_size=1", "group_size=2", "max_tokens=8"],
    "prompt_distillation.create_data": [],
    "multiplayer_rl.guess_number.train": ["batch_size=2", "group_size=2", "max_tokens=8"],
    "sl_basic": [RANK],
    "math_rl.train env=gsm8k": [RANK, "groups_per_batch=2", "group_size=4", "max_tokens=24"],
    "math_rl.train env=arithmetic": [RANK, "groups_per_batch=4", "group_size=4"],
    "rl_loop": [RANK, "batch_size=4", "group_size=4", "max_tokens=24"],
    "preference.shorter.train": ["batch_size=2", "group_size=4", "max_tokens=16"],
    "preference.dpo.train": ["batch_size=4", "max_steps=2"],
    "distillation.on_policy_multi_teacher": [
        RANK,
        "deepmath_groups_per_batch=2",
        "tulu3_groups_per_batch=2",
        "group_size=2",
        "max_tokens=12",
    ],
    "distillation.on_policy_distillation": [
        RANK,
        "groups_per_batch=2",
        "group_size=2",
        "max_tokens=12",
    ],
    "distillation.off_policy_reasoning": [RANK, "batch_size=4", "max_steps=2"],
    "chat_sl.train": [RANK, "batch_size=4", "max_steps=2"],
    "sl_loop": [RANK, "batch_size=4", "max_steps=2"],
}
"""Settings of each run beside max_steps=1; the slow ones first."""

AFTER = "prompt_distillation.train"  # trains on what create_data wrote
LINES = 6  # of the texts that create_data classifies, each asked with 4,000 tokens of rules
NOT_RUN = (
    "rl_basic",
    "search_tool.train",
    "verifiers_rl.train",
    "multiplayer_rl.text_arena.train",
)
"""Recipes named beside those that run; each must have a reason that the code finds."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    name: str
    code: int
    seconds: float
    left: Results
    output: Path

    @property
    def loss(self) -> str:
        """The last of the most telling value."""
        for key in ("train_mean_nll", "dpo_loss", "loss", "teacher_kl", "reward/total"):
            for name, values in self.left.losses.items():
                if name.endswith(key):
                    return f"{name} {values[-1]:.3g}"
        return ", ".join(f"{name} {v[-1]:.3g}" for name, v in list(self.left.losses.items())[:1])


def settings_of(name: str, words: list[str]) -> tuple[str, list[str]]:
    recipe, *more = name.split()
    words = [*more, *words]
    if "max_steps" in recipe_source.read(recipe).settings:
        words = ["max_steps=1", *words]  # a later one wins
    return recipe, words


def play(name: str, words: list[str], *, service: EmbeddedService, home: Path, place: Path) -> Ran:
    recipe, settings = settings_of(name, words)
    runs = place / name.replace(" ", "-")
    runs.mkdir()
    planned = plan(recipe, settings, runs=runs, lines=LINES)
    output = runs / "output.txt"
    begun = time.monotonic()
    with output.open("wb") as sink:
        code = run(planned, url=service.url, key=service.key, home=home, output=sink)
    seconds = time.monotonic() - begun
    left = results(planned.folder)
    return Ran(name=name, code=code, seconds=seconds, left=left, output=output)


def check_ran(ran: Ran, client: tinker.ServiceClient) -> None:
    tail = "\n".join(ran.output.read_text(errors="replace").splitlines()[-25:])
    assert ran.code == 0, f"{ran.name} ended with {ran.code}:\n{tail}"
    if ran.name == "prompt_distillation.create_data":
        assert ran.left.rows >= 1, tail
        return
    assert ran.left.steps >= 1, tail
    assert ran.left.losses and ran.left.finite, ran.left.losses
    stages = 3 if "pipeline" in ran.name else 1
    saved = [c for c in ran.left.checkpoints if c.get("state_path")]
    assert len(saved) >= stages, ran.left.checkpoints
    check_loads(client, saved[-1]["state_path"])


def check_loads(client: tinker.ServiceClient, path: str) -> None:
    """The checkpoint becomes a training client again and scores a sequence."""
    restored = client.create_training_client_from_state(path).result()
    tokens = [5, 6, 7, 8]
    datum = tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={
            "target_tokens": np.asarray(tokens[1:], np.int64),
            "weights": np.ones(3, np.float32),
        },
    )
    scored = restored.forward([datum], "cross_entropy").result()
    logprobs = np.asarray(scored.loss_fn_outputs[0]["logprobs"].data)
    assert logprobs.shape == (3,) and np.isfinite(logprobs).all() and (logprobs < 0).all()


def reason(name: str, *, service: EmbeddedService, home: Path, place: Path) -> str:
    """Why a recipe is not run: what the source says, or what the recipe answers to a small size."""
    recipe = recipe_source.read(name)
    found = obstacles(recipe)
    if found:
        return "; ".join(found)
    words = [f"dataset_builder.{key}=2" for key in recipe.fixed]
    env = child_environment(os.environ, url=service.url, key=service.key, home=home, runs=place)
    done = subprocess.run(
        [sys.executable, "-P", "-m", recipe.module, *words, "max_steps=1"],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert recipe.fixed and done.returncode != 0, f"{name} could have been run at a small size"
    sizes = ", ".join(f"{key} {size}" for key, size in recipe.fixed.items())
    return f"fixed size: {sizes}; a smaller one is refused: {done.stderr.splitlines()[-1][:200]}"


def table(rans: list[Ran], reasons: dict[str, str]) -> str:
    lines = [f"{'recipe':40} {'seconds':>7} {'steps':>5} {'rows':>4}  last loss; last checkpoint"]
    for ran in rans:
        saved = str(ran.left.checkpoints[-1].get("state_path", "")) if ran.left.checkpoints else ""
        lines.append(
            f"{ran.name:40} {ran.seconds:7.1f} {ran.left.steps:5} {ran.left.rows:4}  "
            f"{ran.loss}; {saved.rpartition('://')[2]}"
        )
    lines += [f"{name:40} {'not run':>7}  {why}" for name, why in reasons.items()]
    return "\n".join(lines)


def test_every_tested_recipe_has_a_case() -> None:
    assert {name.split()[0] for name in CASES} | {AFTER} == set(TESTED)


@pytest.mark.slow
def test_recipes_run_unmodified_to_their_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = hub_home(cache=tmp_path / "cache")
    place = tmp_path / "runs"
    place.mkdir()
    with EmbeddedService.start(tmp_path / "service", stand_ins=True) as service:

        def one(name: str) -> Ran:
            return play(name, CASES[name], service=service, home=home, place=place)

        with ThreadPoolExecutor(2) as pool:
            rans = list(pool.map(one, CASES))
        written = next(place.glob("prompt_distillation.create_data/**/*.jsonl"))
        words = [RANK, "batch_size=1", f"file_path={written}"]
        rans.append(play(AFTER, words, service=service, home=home, place=place))
        reasons = {n: reason(n, service=service, home=home, place=place) for n in NOT_RUN}
        with capsys.disabled():
            print(f"\n{table(rans, reasons)}")
        client = tinker.ServiceClient(base_url=service.url, api_key=service.key)
        for ran in rans:
            check_ran(ran, client)
