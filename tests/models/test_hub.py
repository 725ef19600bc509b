"""The made Hugging Face home: what outsiders find in it by name, how it is built and labelled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared.data.public import DATASETS
from shared.models import hub
from shared.models.base import NAME, folder
from shared.models.hub import LLAMA_TOKENIZER, environment, hub_home
from shared.tinker.errors import NotFoundError
from shared.tinker.service.catalogue import ModelSource

QWEN, LLAMA = "Qwen/Qwen3.5-9B-Base", "meta-llama/Llama-3.1-8B-Instruct"
SOURCES = (
    ModelSource(name=NAME, location=str(folder())),
    ModelSource(name=QWEN, location=str(folder()), stand_in_for=QWEN),
    ModelSource(name=LLAMA, location=str(folder()), stand_in_for=LLAMA),
)

# What code that knows nothing of the kit sees, in one process because its imports take seconds.
OUTSIDER = """
import json, sys
import datasets
from huggingface_hub import snapshot_download
from tinker_cookbook.tokenizer_utils import get_tokenizer
from transformers import AutoConfig, AutoTokenizer

said = {"tokens": {}, "rows": {}, "columns": {}}
for name in json.loads(sys.argv[1]):
    said["tokens"][name] = [get_tokenizer(name).encode("2 + 2 = 4"),
                            AutoTokenizer.from_pretrained(name).encode("2 + 2 = 4")]
said["vocab_size"] = AutoConfig.from_pretrained("Qwen/Qwen3.5-9B-Base").vocab_size
said["snapshot"] = snapshot_download("labkit/tiny")
for repo, config, splits in json.loads(sys.argv[2]):
    loaded = datasets.load_dataset(repo, config)
    said["rows"][repo] = {split: len(loaded[split]) for split in splits}
    said["columns"][repo] = loaded[splits[0]].column_names
said["streamed"] = next(iter(datasets.load_dataset(
    "open-thoughts/OpenThoughts3-1.2M", split="train", streaming=True)))
said["configs"] = datasets.get_dataset_config_names("EleutherAI/hendrycks_math")
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def home(cache: Path) -> Path:
    return hub_home(SOURCES, cache=cache)


@pytest.fixture(scope="module")
def seen(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shapes = [(data.repo, data.config, list(data.splits)) for data in DATASETS]
    command = [sys.executable, "-c", OUTSIDER]
    # The Llama name is sought under the name of its tokenizer, so only the cookbook finds it.
    command += [json.dumps([NAME, QWEN]), json.dumps(shapes)]
    done = subprocess.run(
        command,
        env=environment(home, os.environ),
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_tokenizers_are_found_by_name(seen: dict[str, Any]) -> None:
    ways = [tokens for both in seen["tokens"].values() for tokens in both]
    assert len(ways) == 4 and all(tokens == ways[0] and tokens for tokens in ways)


def test_configs_and_weights_are_found_by_name(seen: dict[str, Any]) -> None:
    config = json.loads((folder() / "config.json").read_text())
    assert seen["vocab_size"] == config["vocab_size"]
    weights = Path(seen["snapshot"]) / "model.safetensors"
    assert weights.read_bytes() == (folder() / "model.safetensors").read_bytes()


@pytest.mark.parametrize("data", DATASETS, ids=lambda data: data.repo)
def test_datasets_are_found_by_name(seen: dict[str, Any], data: Any) -> None:
    assert seen["rows"][data.repo] == dict(data.splits)
    assert seen["columns"][data.repo] == list(data.columns)


def test_datasets_can_be_streamed(seen: dict[str, Any]) -> None:
    assert seen["streamed"]["conversations"][0]["from"] == "human"


def test_a_dataset_with_one_config_lists_it(seen: dict[str, Any]) -> None:
    assert seen["configs"] == ["default"]


def test_llama_names_bring_the_name_their_tokenizer_is_sought_under(home: Path) -> None:
    place = home / "hub" / f"models--{LLAMA_TOKENIZER.replace('/', '--')}"
    assert len(list(place.glob("snapshots/*/tokenizer.json"))) == 1


def test_stand_ins_and_synthetic_data_are_labelled(home: Path) -> None:
    readme = (home / "README.txt").read_text()
    assert f"{QWEN} is a STAND-IN" in readme
    assert f"{NAME} is a STAND-IN" not in readme
    assert all(f"{data.repo}: synthetic" in readme for data in DATASETS)
    assert len(list(home.glob("hub/*/snapshots/*/STAND-IN.txt"))) == 3  # Qwen, Llama, its tokenizer
    infos = list(home.glob("datasets/*/*/*/*/dataset_info.json"))
    assert len(infos) == len(DATASETS)
    assert all("SYNTHETIC" in json.loads(info.read_text())["description"] for info in infos)


def test_a_home_that_is_there_is_used_again(home: Path, cache: Path) -> None:
    before = home.stat().st_mtime_ns
    assert hub_home(SOURCES, cache=cache) == home
    assert home.stat().st_mtime_ns == before


def test_other_contents_are_another_home(
    home: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_home(SOURCES[:1], cache=cache) != home
    changed = tmp_path / "model"
    shutil.copytree(folder(), changed)
    same = [ModelSource(name=NAME, location=str(changed))]
    first = hub_home(same, cache=cache)
    (changed / "config.json").write_text("{}")
    assert hub_home(same, cache=cache) != first
    monkeypatch.setattr(hub, "LAYOUT", -1)
    assert hub_home(SOURCES, cache=cache) != home


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hub, "_prepare", full)
    with pytest.raises(OSError, match="No space left"):
        hub_home(SOURCES, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_builds_at_once_give_one_home(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        homes = set(pool.map(lambda _: hub_home(SOURCES[:1], cache=tmp_path), range(2)))
    assert [homes.pop()] == list(tmp_path.iterdir()) and not homes


def test_a_model_of_the_callers_brings_its_tokenizer_but_not_its_weights(
    cache: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(folder(), mine)
    home = hub_home([ModelSource(name="me/mine", location=str(mine))], cache=cache)
    (snapshot,) = home.glob("hub/models--me--mine/snapshots/*")
    assert (snapshot / "tokenizer.json").is_file()
    assert not (snapshot / "model.safetensors").exists()


def test_the_kits_own_model_shares_no_file_with_the_home(home: Path) -> None:
    (snapshot,) = home.glob("hub/models--labkit--tiny/snapshots/*")
    mine, theirs = folder() / "config.json", snapshot / "config.json"
    assert mine.stat().st_ino != theirs.stat().st_ino


def test_a_hub_model_that_was_never_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ModelSource(name="nobody/nothing", location="nobody/nothing")
    with pytest.raises(NotFoundError, match="hf download nobody/nothing"):
        hub_home([source], cache=tmp_path)


def test_the_environment_leads_nowhere_else() -> None:
    outer = {"HF_HUB_CACHE": "/elsewhere", "HF_DATASETS_CACHE": "/elsewhere", "HOME": "/h"}
    made = environment(Path("/made"), outer)
    assert "/elsewhere" not in made.values()
    assert (made["HF_HOME"], made["HF_HUB_OFFLINE"], made["HOME"]) == ("/made", "1", "/h")
