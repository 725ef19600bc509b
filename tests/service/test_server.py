"""The process: starts, tells where it is, ends in order, and survives being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import tinker

from shared.tinker.service.limits import Limits
from tests.service.calls import new_model, retrieve, step
from tests.service.conftest import NULL_MAIN, null_service, spawned, until
from tests.service.null_engine import NAME, NullEngine


def test_it_says_where_it_is_and_keeps_the_key_to_itself(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        file = tmp_path / "state" / "service.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert running.raw("GET", "/api/v1/healthz")[0] == 200
        assert running.key.startswith("tml-")
    assert not file.exists()
    log = (tmp_path / "state" / "service.log").read_text()
    assert "listening on" in log
    assert running.key not in log


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        assert running.process is not None and running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(10) == 0


def test_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0


def test_a_killed_service_knows_its_finished_work(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        assert running.process is not None
        model = new_model(running)
        promise = step(running, model, 1)
        known = retrieve(running, promise["request_id"])
        saved = running.post("/api/v1/save_weights", {"model_id": model, "path": "a", "seq_id": 2})
        path = retrieve(running, saved[1]["request_id"])[1]["path"]
        running.process.kill()
        running.process.wait()
    with spawned(tmp_path / "state", script=NULL_MAIN) as again:
        assert again.key == running.key
        assert retrieve(again, promise["request_id"]) == known
        client = tinker.ServiceClient(base_url=again.url, api_key=again.key)
        restored = client.create_training_client_from_state_with_optimizer(path).result()
        assert restored.optim_step(tinker.AdamParams()).result()
        client.close("success").result()


def test_a_client_lives_through_a_restart_on_the_same_port(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        assert running.process is not None
        client = tinker.ServiceClient(base_url=running.url, api_key=running.key)
        model = client.create_lora_training_client(NAME, rank=4).result()
        sampler = client.create_sampling_client(base_model=NAME).result()
        running.process.kill()
        running.process.wait()
    port = running.url.rpartition(":")[2]
    with spawned(tmp_path / "state", "--port", port, script=NULL_MAIN):
        prompt, params = tinker.ModelInput.from_ints([1]), tinker.SamplingParams(max_tokens=1)
        assert list(sampler.sample(prompt, 1, params).result().sequences[0].tokens) == [2]
        with pytest.raises(tinker.NotFoundError, match="checkpoints are kept"):
            model.optim_step(tinker.AdamParams()).result()
        client.close("success").result()


def test_a_killed_client_leaves_nothing_behind(tmp_path: Path) -> None:
    script = (
        "import sys, os, tinker\n"
        "c = tinker.ServiceClient(base_url=sys.argv[1], api_key=sys.argv[2])\n"
        f"s = c.create_sampling_client(base_model={NAME!r}).result()\n"
        "p = tinker.SamplingParams(max_tokens=4000)\n"
        "sent = [s.sample(tinker.ModelInput.from_ints([1]), 1, p) for _ in range(24)]\n"
        "import time; time.sleep(1.0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    engine = NullEngine(seconds=0.02)
    limits = replace(Limits(), heartbeat_seconds=2.0)
    with null_service(tmp_path / "state", engine=engine, limits=limits) as running:
        done = subprocess.run(
            [sys.executable, "-c", script, running.url, running.key], check=False, timeout=60
        )
        assert done.returncode == -signal.SIGKILL
        assert running.inner is not None
        worker = running.inner.worker
        until(lambda: worker.queued() == 0, seconds=15)
        assert len(set(engine.cancelled)) == 24


def test_one_state_folder_has_one_service(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN):
        second = subprocess.run(
            [sys.executable, "-c", NULL_MAIN, "--state", str(tmp_path / "state")],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert second.returncode == 2
    assert "Another service uses" in second.stderr


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with spawned(tmp_path / "a", script=NULL_MAIN) as running:
        port = running.url.rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-c", NULL_MAIN, "--state", str(tmp_path / "b"), "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert second.returncode == 2
    assert "cannot be listened on" in second.stderr


def test_it_listens_before_torch_is_imported() -> None:
    code = (
        "import sys\n"
        "import shared.tinker.service.server, shared.tinker.service.engine\n"
        "import shared.tinker.service.__main__\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
        "assert 'tinker' not in sys.modules, 'tinker'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ, timeout=60)


def test_a_stop_during_work_answers_who_waits(tmp_path: Path) -> None:
    with spawned(tmp_path / "state", script=NULL_MAIN) as running:
        assert running.process is not None
        model = new_model(running)
        late = step(running, model, 3)  # 1 and 2 never come: it waits
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(retrieve, running, late["request_id"])
            time.sleep(0.3)
            running.process.send_signal(signal.SIGTERM)
            status, told = waiting.result(10)
        assert (status, "was stopped" in told["error"]) == (200, True)
        assert running.process.wait(10) == 0
