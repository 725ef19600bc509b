"""The shipped model: whole, small, untied, and described by figures that were measured on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from shared.models.base import NAME, PACKAGE, folder
from shared.models.base.network import STOPS, config
from shared.models.base.publish import MAX_MEGABYTES
from shared.models.base.recipe import Recipe
from shared.models.base.skills.asking import Asked
from shared.models.base.skills.card import card
from shared.models.base.skills.measure import measure_task, weights_sha256
from shared.models.base.skills.tasks import tasks
from shared.models.base.tokenizer import load

SKILLS = json.loads((PACKAGE / "skills.json").read_text())
TRAINING = json.loads((PACKAGE / "training.json").read_text())


@pytest.fixture(scope="module")
def asked() -> Asked:
    torch.set_num_threads(1)
    return Asked.load(folder())


def test_the_weights_are_those_the_card_was_measured_on() -> None:
    assert weights_sha256(folder()) == SKILLS["weights_sha256"] == TRAINING["sha256"]


def test_the_card_is_written_from_the_figures() -> None:
    assert (PACKAGE / "MODEL_CARD.md").read_text() == card(SKILLS, TRAINING)


def test_the_weights_were_made_by_todays_recipe() -> None:
    assert TRAINING["recipe"] == Recipe().as_dict()


def test_the_model_directory_is_small() -> None:
    size = sum(path.stat().st_size for path in folder().iterdir())
    assert size <= MAX_MEGABYTES * 1e6


def test_embedding_and_output_are_two_matrices(asked: Asked) -> None:
    model = asked.model
    assert not model.config.tie_word_embeddings
    weights = model.model.embed_tokens.weight, model.lm_head.weight
    assert weights[0].data_ptr() != weights[1].data_ptr()
    assert not torch.equal(*weights)


def test_all_weights_load_and_are_finite() -> None:
    model, info = AutoModelForCausalLM.from_pretrained(
        folder(), dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_the_shipped_config_is_the_codes(tmp_path: Path) -> None:
    config().save_pretrained(tmp_path)
    shipped, today = (json.loads((at / "config.json").read_text()) for at in (folder(), tmp_path))
    # A loaded and saved config also names its class.
    assert shipped.pop("architectures", None) in (None, ["Qwen3ForCausalLM"])
    assert shipped == today


def test_generation_stops_at_every_formats_end() -> None:
    stops = json.loads((folder() / "generation_config.json").read_text())["eos_token_id"]
    assert stops == [load(folder()).convert_tokens_to_ids(stop) for stop in STOPS]


def test_the_package_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, shared.models.base as b; assert b.NAME and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert NAME == "labkit/tiny"


QUICK = [("Sums, plain", "two digits +"), ("Letters", "spell"), ("System prompt", "name")]


@pytest.mark.parametrize(("group", "name"), QUICK)
def test_a_few_figures_of_the_card_can_be_measured_again(
    group: str, name: str, asked: Asked
) -> None:
    task = next(t for t in tasks() if (t.group, t.name) == (group, name))
    (line,) = (e for e in SKILLS["lines"] if (e["group"], e["name"]) == (group, name))
    number = 30
    again = measure_task(asked, task, number)
    # Other questions than the card's 200: three standard deviations of a share among 30, and 0.1
    # for shares near one, whose deviation the estimate of it misses.
    share = line["greedy"]
    assert abs(again.greedy - share) <= 3 * (share * (1 - share) / number) ** 0.5 + 0.1


def test_the_card_leaves_room_to_learn() -> None:
    lines = {(e["group"], e["name"]): e for e in SKILLS["lines"]}
    assert 0.25 <= lines["Sums, boxed", "two digits +"]["sampled"] <= 0.6
    assert lines["Left to learn", "pig latin"]["greedy"] == 0.0
    assert lines["Left to learn", "products 2 x 2 digits"]["greedy"] <= 0.1


def test_every_measured_line_is_a_task_of_today() -> None:
    names = {(task.group, task.name) for task in tasks()}
    measured = {(e["group"], e["name"]) for e in SKILLS["lines"] if e["group"] != "Games"}
    assert measured == names


def test_the_card_names_all_corpus_kinds() -> None:
    text = (PACKAGE / "MODEL_CARD.md").read_text()
    assert len(re.findall(r"^\| \w+ \| 0\.\d{3} \|$", text, re.M)) >= 13
