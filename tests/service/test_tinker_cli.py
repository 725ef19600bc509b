"""The `tinker` command, unmodified and in a process of its own, against the service.

One process runs all its commands in turn, as the program's own `main`: each start would import
torch again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tinker

from tests.service.conftest import Running, null_service
from tests.service.null_engine import NAME

_SCRIPT = """
import contextlib, io, json, sys
from tinker.cli.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["tinker", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with null_service(tmp_path_factory.mktemp("cli") / "state") as running:
        yield running


@pytest.fixture(scope="module")
def run_id(running: Running) -> Iterator[str]:
    """A run with a training checkpoint and an external one."""
    client = tinker.ServiceClient(base_url=running.url, api_key=running.key)
    training = client.create_lora_training_client(base_model=NAME, rank=8).result()
    training.save_state("final").result()
    training.save_weights_external("out").result()
    yield training.get_info().model_id
    client.holder.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run; also their home."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def told(running: Running, run_id: str, folder: Path) -> dict[str, tuple[int, str, str]]:
    """What each command said: exit code, stdout, stderr."""
    commands = {
        "runs": ["-f", "json", "run", "list"],
        "run": ["run", "info", run_id],
        "table": ["checkpoint", "list", "--run-id", run_id],
        "training": ["checkpoint", "download", f"tinker://{run_id}/weights/final"],
        "external": ["checkpoint", "download", f"tinker://{run_id}/external_weights/out"],
        "left": ["-f", "json", "checkpoint", "list"],
        "missing": ["checkpoint", "download", f"tinker://{run_id}/external_weights/none"],
        "publish": ["checkpoint", "publish", f"tinker://{run_id}/weights/final"],
        "ttl": ["checkpoint", "set-ttl", f"tinker://{run_id}/weights/final", "--ttl", "7200"],
        "delete": ["checkpoint", "delete", "-y", f"tinker://{run_id}/external_weights/out"],
        "end": ["-f", "json", "checkpoint", "list"],
    }
    given = {
        "TINKER_BASE_URL": running.url,
        "TINKER_API_KEY": running.key,
        "HOME": str(folder),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(list(commands.values()))],
        env={**os.environ, **given},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    answers = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(commands, answers, strict=True))


Told = dict[str, tuple[int, str, str]]


def test_run_list_shows_the_run(told: Told, run_id: str) -> None:
    code, output, errors = told["runs"]
    assert code == 0, errors
    (run,) = (one for one in json.loads(output)["runs"] if one["training_run_id"] == run_id)
    assert (run["base_model"], run["lora_rank"], run["corrupted"]) == (NAME, 8, False)
    assert run["last_checkpoint"]["checkpoint_id"] == "weights/final"


def test_run_info_shows_its_facts(told: Told, run_id: str) -> None:
    code, output, errors = told["run"]
    assert code == 0, errors
    assert run_id in output and "Yes (Rank 8)" in output and "weights/final" in output


def test_checkpoint_list_shows_both_as_a_table(told: Told) -> None:
    code, output, errors = told["table"]
    assert code == 0, errors
    assert "2 checkpoints for run" in output
    assert "training" in output and "external" in output


@pytest.mark.parametrize(
    ("kind", "path"), [("training", "weights_final"), ("external", "external_weights_out")]
)
def test_checkpoint_download_brings_the_files(
    told: Told, run_id: str, folder: Path, kind: str, path: str
) -> None:
    code, _, errors = told[kind]
    assert code == 0, errors
    target = folder / f"{run_id}_{path}"
    assert sorted(one.name for one in target.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert json.loads((target / "adapter_config.json").read_text()) == {"r": 8}


def test_the_temporary_export_of_a_download_is_deleted(told: Told) -> None:
    assert len(json.loads(told["left"][1])["checkpoints"]) == 2


def test_a_missing_checkpoint_is_told_without_a_traceback(told: Told) -> None:
    code, _, errors = told["missing"]
    assert code != 0 and "not found" in errors.lower() and "Traceback" not in errors


def test_publish_set_ttl_and_delete_take_effect(told: Told) -> None:
    for name in ("publish", "ttl", "delete"):
        assert told[name][0] == 0, told[name][2]
    (left,) = json.loads(told["end"][1])["checkpoints"]
    assert left["checkpoint_id"] == "weights/final" and left["public"] and left["expires_at"]
