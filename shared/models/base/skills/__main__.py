"""Measure the shipped model, or another one: `python -m shared.models.base.skills [FOLDER]`.

Without FOLDER, skills.json and MODEL_CARD.md are written anew; with one, the record is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from shared.models.base import PACKAGE, folder
from shared.models.base.skills.card import card
from shared.models.base.skills.measure import QUESTIONS, measure


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m shared.models.base.skills")
    parser.add_argument("folder", nargs="?", type=Path, help="a model directory; ours by default")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="questions a line")
    parser.add_argument("--card-only", action="store_true", help="measure nothing, write the card")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    if given.card_only:
        _write_card()
        return 0
    with Progress(console=Console(stderr=True)) as bars:
        tasks = {name: bars.add_task(name) for name in ("questions", "games")}
        record = measure(
            given.folder or folder(),
            lambda stage, done, total: bars.update(tasks[stage], completed=done, total=total),
            given.questions,
        )
    if given.folder:
        print(json.dumps(record, indent=1))
        return 0
    _replace(PACKAGE / "skills.json", json.dumps(record, indent=1) + "\n")
    _write_card()
    return 0


def _write_card() -> None:
    skills, training = (
        json.loads((PACKAGE / name).read_text()) for name in ("skills.json", "training.json")
    )
    _replace(PACKAGE / "MODEL_CARD.md", card(skills, training))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main())
