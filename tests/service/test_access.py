"""Who may talk to the service, and from where."""

from __future__ import annotations

from pathlib import Path

import pytest
import tinker

from shared.tinker.service.access import host_name, loopback
from shared.tinker.service.app import ROUTES
from tests.service.conftest import NULL_MAIN, Running, spawned
from tests.service.null_engine import NAME

OPEN = {"/api/v1/healthz", "/kit/v1/files/{run_id}/{name}/{file}"}


def filled(path: str) -> str:
    return path.replace("{", "").replace("}", "")


def test_healthz_needs_no_key(service: Running) -> None:
    assert service.raw("GET", "/api/v1/healthz", headers={})[0] == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "tml-wrong"}, {"X-API-Key": "é" * 50}])
def test_every_other_path_wants_a_key(service: Running, headers: dict[str, str]) -> None:
    for route in ROUTES:
        if route.path in OPEN:
            continue
        status, kind, body = service.raw(route.method, filled(route.path), headers=headers)
        assert (status, kind) == (401, "application/json"), (route, body)


def test_the_sdk_is_told_about_a_wrong_key(service: Running) -> None:
    with pytest.raises(tinker.AuthenticationError, match="X-API-Key"):
        tinker.ServiceClient(base_url=service.url, api_key="tml-wrong").create_lora_training_client(
            NAME
        ).result()


def test_a_key_neither_sees_nor_touches_anothers_work(service: Running, client_for) -> None:
    model = client_for(service).create_lora_training_client(NAME, rank=4).result()
    path = model.save_weights_for_sampler("mine").result().path
    model_id = model.get_info().model_id
    session = model_id.partition(":")[0]
    assert service.inner is not None
    _, stranger = service.inner.keys.create()
    for route, asked in {
        "/api/v1/get_info": {"model_id": model_id},
        "/api/v1/optim_step": {"model_id": model_id, "seq_id": 2, "adam_params": {}},
        "/api/v1/session_heartbeat": {"session_id": session},
        "/api/v1/create_sampling_session": {
            "session_id": session,
            "sampling_session_seq_id": 9,
            "base_model": NAME,
        },
        "/api/v1/weights_info": {"tinker_path": path},
        "/api/v1/retrieve_future": {"request_id": f"{model_id}:1"},
        f"/api/v1/sessions/{session}/finish": {},
    }.items():
        status, told = service.post(route, asked, headers={"X-API-Key": stranger})
        assert status in (400, 404, 410), (route, told)
    assert model.optim_step(tinker.AdamParams()).result()


def test_a_budget_of_steps_ends_in_a_clear_error(service: Running, client_for) -> None:
    assert service.inner is not None
    _, key = service.inner.keys.create(budget_steps=2, budget_tokens=10)
    client = client_for(service, key)
    model = client.create_lora_training_client(NAME, rank=4).result()
    for _ in range(2):
        model.optim_step(tinker.AdamParams()).result()
    with pytest.raises(tinker.RequestFailedError, match="budget of this API key is used up"):
        model.optim_step(tinker.AdamParams()).result()
    sampler = client.create_sampling_client(base_model=NAME).result()
    prompt = tinker.ModelInput.from_ints([1])
    sampler.sample(prompt, 2, tinker.SamplingParams(max_tokens=5)).result()
    with pytest.raises(tinker.RequestFailedError, match="0 left of 10"):
        sampler.sample(prompt, 1, tinker.SamplingParams(max_tokens=1)).result()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:80", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:80", 403),
    ],
)
def test_a_rebound_host_name_is_refused(service: Running, header: str, status: int) -> None:
    headers = {"Host": header, "X-API-Key": service.key}
    assert service.raw("GET", "/api/v1/get_server_capabilities", headers=headers)[0] == status


def test_hosts_are_read_without_their_port() -> None:
    assert [host_name(h) for h in ("A:1", "a", "[::1]:5", "")] == ["a", "a", "::1", ""]
    assert [loopback(h) for h in ("127.0.0.2", "::1", "localhost", "0.0.0.0", "::")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_the_process_listens_on_loopback_only_unless_told(tmp_path: Path) -> None:
    def addresses(pid: int) -> set[str]:
        inodes = {
            link.readlink().name[8:-1]
            for link in Path(f"/proc/{pid}/fd").iterdir()
            if link.is_symlink() and link.readlink().name.startswith("socket:")
        }
        found: set[str] = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    found.add(fields[1].partition(":")[0])
        return found

    with spawned(tmp_path / "a", script=NULL_MAIN) as running:
        assert running.process is not None
        assert addresses(running.process.pid) == {"0100007F"}
    with spawned(tmp_path / "b", "--host", "0.0.0.0", script=NULL_MAIN) as running:
        assert running.process is not None
        assert addresses(running.process.pid) == {"00000000"}
