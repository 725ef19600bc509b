"""Put a finished pretraining run into the package: `python -m shared.models.base.publish DIR`.

Copies the model directory and the loss curve and writes training.json. The skills are measured
and the card is written afterwards, by `python -m shared.models.base.skills`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen3ForCausalLM

from shared.models.base import PACKAGE, folder, run_state
from shared.models.base.long_stage import LongStage
from shared.models.base.pretrain import held_out_loss
from shared.models.base.recipe import Recipe
from shared.models.base.skills.measure import weights_sha256

MAX_MEGABYTES = 10.0


def facts(run: Path, device: str) -> dict[str, Any]:
    """What is known of a finished run; `device` is what it ran on, in words.

    Raises:
        RunStateError: the run has no state, or no model yet.
    """
    about = run_state.about(run)
    recipe = Recipe(**about["recipe"])
    model_folder = run / "model"
    if about["step"] < recipe.steps or not (model_folder / "model.safetensors").exists():
        raise run_state.RunStateError(
            f"{run} stands at step {about['step']} of {recipe.steps}. Run pretrain to its end."
        )
    model = Qwen3ForCausalLM.from_pretrained(
        model_folder, dtype=torch.float32, local_files_only=True
    )
    size = (model_folder / "model.safetensors").stat().st_size
    return {
        "recipe": recipe.as_dict(),
        "long_steps": LongStage().steps,
        "tokens": recipe.steps * recipe.rows * recipe.row_length,
        "minutes": round(about["seconds"] / 60, 1),
        "device": device,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "held_out": round(held_out_loss(model, recipe), 4),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "megabytes": round(size / 1e6, 2),
        "sha256": weights_sha256(model_folder),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }


def publish(run: Path, device: str) -> None:
    """Copy model, curve and facts of a finished run into the package, each file replaced whole."""
    record = facts(run, device)
    if record["megabytes"] > MAX_MEGABYTES:
        raise ValueError(
            f"The weights take {record['megabytes']} MB; {MAX_MEGABYTES:.0f} MB is the limit."
        )
    folder().mkdir(exist_ok=True)
    for source in sorted((run / "model").iterdir()):
        _copy(source, folder() / source.name)
    _copy(run / run_state.CURVE, PACKAGE / run_state.CURVE)
    partial = PACKAGE / "training.json.part"
    partial.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(partial, PACKAGE / "training.json")


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(target.name + ".part")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m shared.models.base.publish")
    parser.add_argument("run", type=Path, help="the --out of a finished run")
    parser.add_argument("--device", required=True, help="what it ran on, in words, for the card")
    given = parser.parse_args(argv)
    try:
        publish(given.run, given.device)
    except ValueError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
