"""The owner's own routes: status, keys, and the log that graders read."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import tinker
from tinker import types

from shared.tinker.service.records import LogEntry
from shared.tinker.service.request_log import datum_hash
from shared.tinker.service.types import Datum
from shared.tinker.service.withhold import steps
from tests.service.conftest import Running
from tests.service.null_engine import NAME

Connect = Callable[..., tinker.ServiceClient]

DATUM = types.Datum(
    model_input=types.ModelInput.from_ints([1, 2, 3]),
    loss_fn_inputs={
        "target_tokens": types.TensorData(data=[2, 3, 4], dtype="int64", shape=[3]),
        "weights": types.TensorData(data=[1.0, 1.0, 1.0], dtype="float32", shape=[3]),
    },
)


def get(service: Running, path: str, key: str | None = None) -> tuple[int, dict]:
    status, _, body = service.raw("GET", path, headers={"X-API-Key": key or service.key})
    return status, json.loads(body)


def made_key(service: Running, **wanted: object) -> dict:
    status, made = service.post("/kit/v1/keys", wanted)
    assert status == 201
    return made


def entries(service: Running, key_id: str, **query: object) -> list[LogEntry]:
    told = "&".join(f"{name}={value}" for name, value in query.items())
    status, page = get(service, f"/kit/v1/keys/{key_id}/log?{told}")
    assert status == 200
    return [LogEntry(**one) for one in page["entries"]]


def test_status_tells_readiness_models_and_load(service: Running, client_for: Connect) -> None:
    client_for(service).create_lora_training_client(base_model=NAME).result()
    status, told = get(service, "/kit/v1/status")
    assert status == 200 and told["ready"] is True and told["trouble"] is None
    assert told["models"] == [NAME, "null/other"]
    assert (told["sessions"], told["training_models"], told["queue"]) == (1, 1, 0)
    assert told["uptime"] >= 0 and told["memory_mb"] > 1


def test_a_key_is_made_shown_once_and_revoked(service: Running) -> None:
    made = made_key(service, name="ana", budget_tokens=100, budget_steps=5, withhold=True)
    status, shown = get(service, f"/kit/v1/keys/{made['id']}")
    assert status == 200 and "api_key" not in shown
    assert (shown["budget_tokens"], shown["budget_steps"], shown["withhold"]) == (100, 5, True)
    assert get(service, "/api/v1/training_runs", made["api_key"])[0] == 200
    assert service.raw("DELETE", f"/kit/v1/keys/{made['id']}")[0] == 204
    assert get(service, "/api/v1/training_runs", made["api_key"])[0] == 401
    listed = get(service, "/kit/v1/keys")[1]["keys"]
    assert [one["name"] for one in listed] == ["owner", "ana"]
    assert made["api_key"] not in json.dumps(listed) and service.key not in json.dumps(listed)


@pytest.mark.parametrize(
    "wanted",
    [
        {"budget_tokens": -1},
        {"budget_steps": "many"},
        {"budget_tokens": 1 << 64},
        {"owner": True},
        {"name": "x" * 201},
        [],
    ],
    ids=str,
)
def test_a_malformed_key_is_refused(service: Running, wanted: object) -> None:
    assert service.post("/kit/v1/keys", wanted)[0] == 400


@pytest.mark.parametrize(
    "path", ["status", "keys", "keys/owner", "keys/owner/log", "keys/nothing", "keys/nothing/log"]
)
def test_only_the_owner_may_ask(service: Running, path: str) -> None:
    key = made_key(service)["api_key"]
    status, told = get(service, f"/kit/v1/{path}", key)
    assert status == 403 and "owner" in told["error"]
    assert service.raw("GET", f"/kit/v1/{path}", headers={})[0] == 401
    assert get(service, f"/kit/v1/{path}")[0] == (404 if "nothing" in path else 200)


def test_the_log_tells_what_a_client_did(service: Running, client_for: Connect) -> None:
    made = made_key(service, name="ana")
    training = (
        client_for(service, made["api_key"]).create_lora_training_client(base_model=NAME).result()
    )
    forward = training.forward_backward([DATUM], "cross_entropy")
    optim = training.optim_step(types.AdamParams(learning_rate=0.25))
    forward.result(), optim.result()
    path = training.save_state("final").result().path
    log = {entry.kind: entry for entry in entries(service, made["id"])}
    backward, step, save = (
        log[kind] for kind in ("forward_backward", "optim_step", "save_weights")
    )
    expected = Datum(
        tokens=np.array(DATUM.model_input.to_ints(), dtype=np.int64),
        inputs={name: one.to_numpy() for name, one in DATUM.loss_fn_inputs.items()},
    )
    assert backward.facts["loss_fn"] == "cross_entropy"
    assert backward.facts["datums"] == [datum_hash(expected)]
    assert "loss:sum" in backward.facts["metrics"]
    assert step.facts["learning_rate"] == 0.25
    assert path in save.facts.values() and save.facts["name"] == "final"
    assert backward.arrival_order < step.arrival_order < save.arrival_order
    assert all(entry.release_order and entry.released_at for entry in (backward, step, save))
    assert entries(service, "owner") == []


def test_the_log_comes_in_pages_and_by_model(service: Running, client_for: Connect) -> None:
    client = client_for(service)
    models = [client.create_lora_training_client(base_model=NAME).result() for _ in range(2)]
    for training in models:
        training.optim_step(types.AdamParams()).result()
    everything = entries(service, "owner")
    status, page = get(service, "/kit/v1/keys/owner/log?limit=2")
    assert status == 200 and len(page["entries"]) == 2
    rest = entries(service, "owner", after=page["next"])
    assert [LogEntry(**one) for one in page["entries"]] + rest == everything
    model_id = models[1].get_info().model_id
    assert {one.model_id for one in entries(service, "owner", model=model_id)} == {model_id}
    assert entries(service, "owner", session="nothing") == []


def test_a_graded_client_that_waits_is_told_from_one_that_sends_ahead(
    service: Running, client_for: Connect
) -> None:
    made = made_key(service, withhold=True)
    training = (
        client_for(service, made["api_key"]).create_lora_training_client(base_model=NAME).result()
    )
    adam = types.AdamParams()
    ahead = training.forward_backward([DATUM], "cross_entropy"), training.optim_step(adam)
    for future in ahead:
        future.result()
    training.forward_backward([DATUM], "cross_entropy").result()
    training.optim_step(adam).result()
    found = steps(entries(service, made["id"]))
    assert [step.pipelined for step in found] == [True, False]


def test_with_a_key_end_its_sessions_and_if_wanted_its_checkpoints(
    service: Running,
) -> None:
    mine, other = made_key(service, name="ana"), made_key(service, name="bob")
    assert service.inner is not None
    for made in (mine, other):
        client = tinker.ServiceClient(base_url=service.url, api_key=made["api_key"])
        client.create_lora_training_client(NAME, rank=4).result().save_state("kept").result()
        client.close("success").result(20)
        asked = {"json": {"tags": []}, "headers": {"X-API-Key": made["api_key"]}}
        assert service.raw("POST", "/api/v1/create_session", **asked)[0] == 200
    checkpoints, sessions = service.inner.checkpoints, service.inner.registry.sessions
    assert service.raw("DELETE", f"/kit/v1/keys/{mine['id']}")[0] == 204
    assert [session.key_id for session in sessions.values()] == [other["id"]]
    assert len(checkpoints.list(mine["id"])) == 1
    assert service.raw("DELETE", f"/kit/v1/keys/{mine['id']}?checkpoints=delete")[0] == 204
    assert checkpoints.list(mine["id"]) == []
    assert len(checkpoints.list(other["id"])) == 1
    assert entries(service, mine["id"])
