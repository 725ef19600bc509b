"""Runs recipes of the installed cookbook, unmodified and offline, against an embedded service.

A recipe is planned first: the caller's settings, small sizes where the caller gave none, and what
will be a stand-in. Then it runs in a child process of its own, as `python -m` would run it.
Starting the service is the caller's part; `recipe_results` reads what was left behind.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from shared.data.public import DATASETS
from shared.models.hub import environment
from shared.tinker import recipe_source
from shared.tinker.errors import UserError
from shared.tinker.recipe_source import Recipe
from shared.tinker.service.catalogue import STAND_IN_NAMES

SMALL: Mapping[str, int] = {
    "max_steps": 5,
    "batch_size": 8,
    "groups_per_batch": 8,
    "deepmath_groups_per_batch": 4,
    "tulu3_groups_per_batch": 4,
    "group_size": 4,
    "rl_group_size": 4,
    "max_tokens": 64,
    "rl_max_tokens": 64,
    "lora_rank": 16,
    "eval_every": 0,
    "buffer_size": 1024,
    "max_prompts": 1024,
}
"""Sizes for a tiny model on a laptop, given where the recipe's own are larger. 0: no evaluation."""

TESTED = (
    "sl_loop",
    "rl_loop",
    "sl_basic",
    "chat_sl.train",
    "math_rl.train",
    "preference.dpo.train",
    "preference.shorter.train",
    "preference.rlhf.rlhf_pipeline",
    "prompt_distillation.create_data",
    "prompt_distillation.train",
    "multiplayer_rl.guess_number.train",
    "multiplayer_rl.twenty_questions.train",
    "distillation.on_policy_distillation",
    "distillation.on_policy_multi_teacher",
    "distillation.off_policy_reasoning",
)
"""Recipes that the tests run to their end; the test of recipes holds this list to what it ran."""

EXAMPLES = "tinker_cookbook/example_data/"
"""Recipes look for the cookbook's example texts here, below the folder they are started in."""

MODEL_SETTINGS = ("model_name", "base_model", "teacher_model", "grader_llm_name")
_PLACES = ("_path", "_file", "_dir")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be run. `given` are the caller's key=value words, `added` ours."""

    recipe: Recipe
    given: tuple[str, ...]
    added: Mapping[str, str]
    runs: Path
    folder: Path
    """Where the recipe writes its metrics and checkpoints, or its data."""
    lines: int | None
    """How many lines of the cookbook's example texts it is shown; None: it reads none, or all."""

    @property
    def words(self) -> tuple[str, ...]:
        """All key=value words, the caller's last, so that they win."""
        return (*(f"{key}={value}" for key, value in self.added.items()), *self.given)


def plan(
    name: str,
    given: Sequence[str] = (),
    *,
    runs: Path,
    small: bool = True,
    lines: int = 24,
    now: datetime | None = None,
) -> Plan:
    """Settle how a recipe will be run. Nothing is written yet.

    Args:
        name: "sl_loop", "math_rl.train", with or without `tinker_cookbook.recipes.` before it.
        given: key=value words for the recipe's own command line, passed on as they are.
        runs: the folder for all that recipes write.
        small: whether to add the sizes of `SMALL`.
        lines: of the cookbook's example texts, how many a recipe that reads them is shown.
        now: names the folder of this run; the present if None.

    Raises:
        NotFoundError: no such recipe.
        UserError: a word that is no key=value, or a setting the recipe needs and was not given.
    """
    recipe = recipe_source.read(name)
    keys = [_key(word) for word in given]
    _check_required(recipe, keys)
    stamp = (now or datetime.now()).strftime("%Y-%m-%d-%H-%M-%S")
    added = _added(recipe, runs, stamp, small=small)
    added = {key: value for key, value in added.items() if key not in keys}
    reads = any(text.startswith(EXAMPLES) for text in recipe.texts)
    settled = added | {_key(word): word.partition("=")[2] for word in given}
    return Plan(
        recipe=recipe,
        given=tuple(given),
        added=added,
        runs=runs,
        folder=_folder(recipe, settled, runs, stamp),
        lines=lines if reads and not Path(EXAMPLES).is_dir() else None,
    )


def _check_required(recipe: Recipe, keys: Sequence[str]) -> None:
    missing = [key for key in recipe.required if key not in keys]
    if missing:
        raise UserError(
            f"{recipe.name} needs {', '.join(f'{key}=...' for key in missing)}: "
            "it has no default for that."
        )


def _added(recipe: Recipe, runs: Path, stamp: str, *, small: bool) -> dict[str, str]:
    """A folder of its own for this run, and the sizes of `SMALL` that are below the recipe's."""
    added: dict[str, str] = {}
    if "log_path" in recipe.settings:
        added["log_path"] = str(runs / recipe.name / stamp)
    elif "short_name" in recipe.settings:
        added["short_name"] = f"labkit-{stamp}"
    for key, value in SMALL.items() if small else ():
        if key in recipe.settings and _larger(recipe.settings[key], value, key):
            added[key] = str(value)
    return added


def _key(word: str) -> str:
    key, equals, _ = word.partition("=")
    if not equals or not key:
        raise UserError(f"{word!r} is no setting. Write key=value, such as max_steps=10.")
    return key


def _larger(default: str | None, value: int, key: str) -> bool:
    """Whether a default as written is larger than ours. No limit at all is larger than any."""
    try:
        known = ast.literal_eval(default or "None")
    except ValueError:
        return True
    if key == "eval_every":
        return known != 0
    return known is None or (isinstance(known, int) and known > value)


def _folder(recipe: Recipe, settled: Mapping[str, str], runs: Path, stamp: str) -> Path:
    if "log_path" in settled:
        return Path(settled["log_path"])
    if "short_name" in settled:
        return runs / f"rlhf-{settled['short_name']}"
    if "output_file" in settled:
        return Path(settled["output_file"]).parent
    return runs / recipe.name.rpartition(".")[0].replace(".", "/") / "data"


def obstacles(recipe: Recipe) -> list[str]:
    """Why a recipe cannot run here, in words; empty when nothing speaks against it."""
    found: list[str] = []
    for package in recipe.missing:
        extra = recipe_source.extra_of(package)
        found.append(f"{package} is not installed" + (f" (extra {extra})" if extra else ""))
    if recipe.images:
        found.append("it sends images, and labkit/tiny reads text only")
    served = {"labkit/tiny", *STAND_IN_NAMES}
    for key in MODEL_SETTINGS:
        default = (recipe.settings.get(key) or "None").strip("'\"")
        if default not in ("None", *served) and "/" in default:
            found.append(f"{key} is {default}, which has no stand-in")
    unknown = sorted(recipe.loads - {data.repo for data in DATASETS})
    found.extend(f"dataset {repo} has no synthetic stand-in" for repo in unknown)
    return found


def stand_ins(plan: Plan) -> tuple[list[str], list[str]]:
    """The model names and the datasets of a plan that are not what they are called."""
    named = plan.recipe.texts | {word.partition("=")[2] for word in plan.given}
    return (
        sorted(name for name in STAND_IN_NAMES if name in named),
        sorted(data.repo for data in DATASETS if data.repo in named),
    )


def child_environment(
    outer: Mapping[str, str], *, url: str, key: str, home: Path, runs: Path
) -> dict[str, str]:
    """The variables a recipe runs under: the service's address, our Hugging Face home, one thread.

    Credentials of the caller's for other services are not handed on.
    """
    kept = {name: value for name, value in outer.items() if not name.startswith("TINKER_")}
    local = "127.0.0.1,localhost"
    return environment(home, kept) | {
        "TINKER_BASE_URL": url,
        "TINKER_API_KEY": key,
        "TINKER_TELEMETRY": "0",
        "TINKER_COOKBOOK_RUNS_DIR": str(runs),
        "NO_PROXY": local,
        "no_proxy": local,
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def run(plan: Plan, *, url: str, key: str, home: Path, output: IO[bytes] | None = None) -> int:
    """Run the recipe and wait for it. Returns its exit code, negative for a signal.

    Args:
        plan: what to run.
        url: the service's address.
        key: an API key for it.
        home: the folder `hub_home` made.
        output: where its output goes; the caller's own if None.
    """
    env = child_environment(os.environ, url=url, key=key, home=home, runs=plan.runs)
    words = list(plan.words)
    place: Path | None = None
    if plan.lines is not None:
        place = _workspace(plan.lines)
        words = [_absolute(word) for word in words]
    # -P: a folder called `datasets` or `openai` in the working folder is no package.
    command = [sys.executable, "-P", "-m", plan.recipe.module, *words]
    try:
        with subprocess.Popen(command, env=env, cwd=place, stdout=output, stderr=output) as child:
            return _wait(child)
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait; on Ctrl-C, which the child gets too, let it end by itself."""
    try:
        return child.wait()
    except BaseException:
        try:
            child.wait(timeout=5)
        except BaseException:
            child.kill()
            child.wait()
        raise


def _workspace(lines: int) -> Path:
    """A folder with the first lines of the cookbook's example texts where recipes look for them."""
    place = Path(tempfile.mkdtemp(prefix="labkit-recipe-"))
    (place / EXAMPLES).mkdir(parents=True)
    for source in (recipe_source.cookbook() / "example_data").iterdir():
        with source.open(encoding="utf-8") as text:
            head = [line for line, _ in zip(text, range(lines), strict=False)]
        (place / EXAMPLES / source.name).write_text("".join(head), encoding="utf-8")
    return place


def _absolute(word: str) -> str:
    key, _, value = word.partition("=")
    if key.endswith(_PLACES) and "://" not in value:
        return f"{key}={Path(value).expanduser().resolve()}"
    return word
