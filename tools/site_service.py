"""Parts of pages that are written from code; here those of the Tinker service and its base model.

A page asks for one with a line `<!-- generated: NAME -->`; `fill` puts it there. Plain functions
from the project to Markdown; nothing here knows MkDocs. Nothing is computed with torch.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from importlib.metadata import version
from itertools import groupby, pairwise
from typing import Any

import site_grading
from site_figures import loss_curve
from site_refusals import refusals

from shared.data.public import DATASETS
from shared.models.base import NAME, PACKAGE
from shared.tinker import presets, recipe_source, recipes
from shared.tinker.service import limits
from shared.tinker.service.app import NOT_SERVED, ROUTES
from shared.tinker.service.catalogue import STAND_IN_NAMES
from shared.tinker.service.loss_specs import LOSS_SPECS

MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
GROUPS = {
    "session_routes": "Sessions and futures",
    "model_routes": "Models",
    "training_routes": "Training",
    "saving_routes": "Saving",
    "sampling_routes": "Sampling",
    "rest_routes": "Runs, checkpoints, downloads",
    "kit_routes": "For the owner of the service only; no part of Tinker's protocol",
}
UNITS = {"_bytes": "MiB", "_seconds": "s"}


def fill(markdown: str) -> str:
    """A page with every part it asks for. An unknown name is a KeyError: the build fails."""
    return MARK.sub(lambda found: PARTS[found[1]](), markdown)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a head that ends in a colon is aligned to the right."""
    names = list(heads)
    rules = ["---:" if name.endswith(":") else "---" for name in names]
    lines = [[name.rstrip(":") for name in names], rules, *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def first_line(documented: Any) -> str:
    """The first sentence of a docstring, as a cell."""
    text = " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def endpoints() -> str:
    """Every route of the service, in its groups."""
    parts: list[str] = []
    for module, routes in groupby(ROUTES, key=lambda route: route.handler.__module__):
        rows = [[f"`{r.method} {r.path}`", first_line(r.handler)] for r in routes]
        title = GROUPS[module.rpartition(".")[2]]
        parts.append(f"**{title}**\n\n{table(('request', 'what it does'), rows)}\n")
    return "\n".join(parts)


def not_served() -> str:
    """The paths the SDK knows and this service has not, each with its reason."""
    rows = [[f"`/api/v1/{path}`", reason] for path, reason in NOT_SERVED.items()]
    return table(("path", "why not"), rows)


def caps() -> str:
    """Every cap with its value and what it means, from the source of `Limits`."""
    tree = ast.parse(inspect.getsource(limits.Limits))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    rows: list[list[str]] = []
    for field, said in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)
            name = field.target.id
            text = " ".join(str(said.value.value).split())
            rows.append([f"`{name}`", amount(name, getattr(limits.Limits(), name)), text])
    return table(("limit", "value:", "of what"), rows)


def amount(name: str, value: float) -> str:
    """A limit in its unit."""
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
    shown = value / limits.MEBIBYTE if unit == "MiB" else value
    return f"{shown:,.10g} {unit}".strip()


def losses() -> str:
    """What each loss reads and which settings it takes."""
    rows: list[list[str]] = []
    for name, spec in LOSS_SPECS.items():
        inputs = ", ".join(f"`{one}`" for one in ("target_tokens", *spec.inputs))
        settings = ", ".join(f"`{key}` {value:g}" for key, value in spec.defaults.items())
        rows.append([f"`{name}`", f"{inputs}; {settings}" if settings else inputs])
    return table(("loss", "inputs; settings with their defaults"), rows)


def recipe_states() -> dict[str, tuple[str, str]]:
    """Each recipe of the installed cookbook: "runs", "not tried" or "cannot run", and why."""
    found: dict[str, tuple[str, str]] = {}
    for name in recipe_source.names():
        recipe = recipe_source.read(name)
        reasons = recipes.obstacles(recipe)
        state = "cannot run" if reasons else "runs" if name in recipes.TESTED else "not tried"
        reasons += [
            f"{key} {size} is written into its source" for key, size in recipe.fixed.items()
        ]
        found[name] = (state, "; ".join(reasons))
    return found


def recipe_lists() -> str:
    """All recipes: the tested ones, the untried ones, and the others with their reasons."""
    known = recipe_states()
    parts: list[str] = []
    for state, said in (("runs", "Run"), ("not tried", "Not tried")):
        names = [
            f"`{name}`" + (f" ({why})" if why else "")
            for name, (found, why) in known.items()
            if found == state
        ]
        parts.append(f"**{said}**: {', '.join(names)}.")
    others = [f"- `{name}`: {why}" for name, (state, why) in known.items() if state == "cannot run"]
    return "\n\n".join([*parts, "**Cannot run**:", "\n".join(others)])


def datasets() -> str:
    """The synthetic datasets, by the public names they go under."""
    rows = [
        [f"`{data.repo}`", ", ".join(f"{split} {rows:,}" for split, rows in data.splits.items())]
        for data in DATASETS
    ]
    return table(("name", "rows of ours"), rows)


def stand_ins() -> str:
    """The names under which the base model is served once more."""
    return "\n".join(f"- `{name}`" for name in STAND_IN_NAMES)


def learning_rates() -> str:
    """The base model's own table of settings."""
    chosen = presets.choose((NAME,))
    rows = [
        ["supervised fine-tuning", f"{chosen.sft_learning_rate:g}"],
        ["reinforcement learning (GRPO and its kin)", f"{chosen.rl_learning_rate:g}"],
        ["preference pairs (DPO)", f"{chosen.dpo_learning_rate:g}"],
        ["LoRA rank", str(chosen.rank)],
        ["steps of linear warm-up", str(chosen.warmup_steps)],
        ["longest answer, tokens", str(chosen.max_tokens)],
        ["renderer", f"`{chosen.renderer_name}`"],
    ]
    return table(("setting", "value:"), rows)


def versions() -> str:
    """What this site was built with."""
    names = ("tinker", "tinker-cookbook", "torch", "transformers", "peft")
    return table(("package", "version:"), ([f"`{name}`", version(name)] for name in names))


def model_card() -> str:
    """The card less its title, or a sentence where the model was not measured yet."""
    path = PACKAGE / "MODEL_CARD.md"
    if not path.exists():
        return "*The skills of these weights are not measured yet.*"
    return path.read_text(encoding="utf-8").partition("\n")[2].strip()


PARTS: dict[str, Callable[[], str]] = {
    "endpoints": endpoints,
    "not-served": not_served,
    "limits": caps,
    "losses": losses,
    "refusals": refusals,
    "recipes": recipe_lists,
    "datasets": datasets,
    "stand-ins": stand_ins,
    "learning-rates": learning_rates,
    "versions": versions,
    "model-card": model_card,
    "lab-limits": site_grading.lab_limits,
    "incidents": site_grading.incidents,
    "attacks": site_grading.attacks,
    "loss-curve": lambda: loss_curve(PACKAGE / "loss_curve.csv"),
}
