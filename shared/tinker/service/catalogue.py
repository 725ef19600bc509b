"""Which models a service serves, under which names, and where their files lie.

The shipped base model comes first, then those the caller names, then stand-ins: the base model
once more under the names that the cookbook's recipes hard-code, so that the recipes run unmodified.
A stand-in is the tiny model, whatever it is called; `ServedModel.stand_in_for` and every listing
say so. Nothing is loaded here and no hub is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.tinker.errors import NotFoundError, UserError

STAND_IN_NAMES = (
    "Qwen/Qwen3.5-4B",
    "Qwen/Qwen3.5-9B",
    "Qwen/Qwen3.5-9B-Base",
    "Qwen/Qwen3.5-27B",
    "Qwen/Qwen3.5-35B-A3B",
    "Qwen/Qwen3.5-35B-A3B-Base",
    "Qwen/Qwen3.5-397B-A17B",
    "Qwen/Qwen3.6-27B",
    "Qwen/Qwen3.6-35B-A3B",
    "Qwen/Qwen3.8-27B",
    "Qwen/Qwen3-4B-Instruct-2507",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-8B-Base",
    "meta-llama/Llama-3.1-8B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.2-1B",
)
"""Text models of the cookbook's recipes and of the labs whose chat tokens the base model knows."""


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """One name of the catalogue.

    `location` is a folder or a hub name. Equal locations are one model in memory, however many
    names it has. `stand_in_for` is set on stand-ins only and then equals `name`.
    """

    name: str
    location: str
    stand_in_for: str | None = None


def catalogue(models: Iterable[str] = (), *, stand_ins: bool = True) -> tuple[ModelSource, ...]:
    """The models to serve, the shipped base model first.

    Args:
        models: further models, each a folder with config.json, a hub name ("Qwen/Qwen3-0.6B"), or
            NAME=FOLDER or NAME=HUB_NAME to choose what clients call it. A folder without a name
            is called as it is on disk.
        stand_ins: whether to add the base model under `STAND_IN_NAMES`. A name that `models`
            gives is never a stand-in.

    Raises:
        NotFoundError: a folder that is not there or holds no config.json.
        UserError: an empty name, or one name for two models.
    """
    from shared.models.base import NAME, folder

    base = str(folder())
    sources = {NAME: ModelSource(name=NAME, location=base)}
    for text in models:
        source = _source(text)
        there = sources.get(source.name)
        if there is not None and there.location != source.location:
            raise UserError(
                f"Two models are called {source.name}: {there.location} and {source.location}. "
                "Give one of them another name: --model NAME=FOLDER."
            )
        sources[source.name] = source
    for name in STAND_IN_NAMES if stand_ins else ():
        sources.setdefault(name, ModelSource(name=name, location=base, stand_in_for=name))
    return tuple(sources.values())


def _source(text: str) -> ModelSource:
    name, _, location = text.rpartition("=")
    if not location:
        raise UserError(f"{text!r} names no model. Give a folder, a hub name or NAME=FOLDER.")
    path = Path(location).expanduser()
    if (path / "config.json").is_file():
        found = path.resolve()
        return ModelSource(name=name or found.name, location=str(found))
    if path.exists() or location.startswith((".", "/", "~")):
        raise NotFoundError(
            f"{location} is no model: there is no config.json in it. "
            "Give the folder that save_pretrained wrote, or a hub name."
        )
    return ModelSource(name=name or location, location=location)
