"""Malformed bodies: a 4xx or an error future, never a 5xx, never a hang, the next request fine."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.tinker.service import requests
from shared.tinker.service.app import ROUTES
from shared.tinker.service.limits import Limits
from shared.tinker.service.wire import messages
from tests.service.calls import new_model, new_session, retrieve, step
from tests.service.conftest import Running, null_service
from tests.service.test_access import filled

CALM = settings(  # a busy machine is no finding
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
POSTS = [route for route in ROUTES if route.method in ("POST", "PUT")]
BODIES: dict[str, type[BaseModel]] = {
    "client/config": requests.Config,
    "create_session": requests.CreateSession,
    "session_heartbeat": requests.Heartbeat,
    "create_model": requests.CreateModel,
    "get_info": requests.GetInfo,
    "optim_step": requests.OptimStep,
    "save_weights": requests.SaveWeights,
    "save_weights_for_sampler": requests.SaveForSampler,
    "save_weights_external": requests.SaveExternal,
    "load_weights": requests.LoadWeights,
    "create_sampling_session": requests.CreateSampler,
    "asample": requests.Sample,
    "retrieve_future": requests.FutureId,
    "cancel_future": requests.FutureId,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = replace(Limits(), body_bytes=1 << 20, hold_seconds=0.05, gap_seconds=0.05)
    with null_service(tmp_path_factory.mktemp("malformed") / "state", limits=limits) as running:
        yield running


@pytest.fixture(scope="module")
def names(shared_service: Running) -> list[str]:
    """Ids that exist, so that what is generated gets past the first look."""
    session = new_session(shared_service)
    model = new_model(shared_service, session)
    asked = {"session_id": session, "sampling_session_seq_id": 0, "base_model": "null/base"}
    sampler = shared_service.post("/api/v1/create_sampling_session", asked)[1]
    return [session, model, sampler["sampling_session_id"], "null/base", "tinker://x/weights/y"]


def send(service: Running, calls: list[tuple[str, str, dict[str, Any]]]) -> list[int]:
    """The statuses of many requests over one connection; each answer is looked at."""

    async def ask() -> list[int]:
        statuses: list[int] = []
        timeout = aiohttp.ClientTimeout(total=20)
        headers = {"X-API-Key": service.key}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as http:
            for method, path, options in calls:
                async with http.request(method, service.url + path, **options) as answer:
                    raw = await answer.read()
                    if answer.status >= 400 and answer.content_type == "application/json":
                        told = json.loads(raw)
                        assert told.get("error") or told.get("type") == "try_again", told
                    statuses.append(answer.status)
        return statuses

    return asyncio.run(ask())


def no_fault(service: Running, statuses: list[int]) -> None:
    assert all(status < 500 and status != 422 for status in statuses), statuses
    assert service.raw("GET", "/api/v1/healthz")[0] == 200


@settings(CALM, max_examples=15)
@given(body=st.binary(max_size=60))
def test_bytes_instead_of_a_body(shared_service: Running, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    calls = [(r.method, filled(r.path), {"data": body, "headers": headers}) for r in POSTS]
    no_fault(shared_service, send(shared_service, calls))


@settings(CALM, max_examples=15)
@given(value=json_values)
def test_json_of_another_shape(shared_service: Running, value: object) -> None:
    body = json.dumps(value)
    calls = [(route.method, filled(route.path), {"data": body}) for route in POSTS]
    no_fault(shared_service, send(shared_service, calls))


def bodies(names: list[str]) -> st.SearchStrategy[list[tuple[str, dict[str, Any]]]]:
    """Bodies with the right fields and, now and then, the wrong values."""
    some = st.sampled_from(names) | st.integers(-2, 3) | st.booleans() | json_values
    prompt = st.fixed_dictionaries(
        {"chunks": st.lists(st.fixed_dictionaries({"tokens": st.lists(st.integers(-1, 400))}))}
    )
    params = st.fixed_dictionaries(
        {},
        optional={
            "max_tokens": st.integers(-1, 20) | some,
            "temperature": st.floats() | some,
            "top_k": some,
            "top_p": some,
            "seed": some,
            "stop": some,
        },
    )
    known = {"prompt": prompt | some, "sampling_params": params | some}
    one = [
        st.tuples(
            st.just(path),
            st.fixed_dictionaries(
                {}, optional={field: known.get(field, some) for field in record.model_fields}
            ),
        )
        for path, record in BODIES.items()
    ]
    return st.lists(st.one_of(*one), min_size=1, max_size=12)


@settings(CALM, max_examples=40)
@given(data=st.data())
def test_the_right_fields_with_the_wrong_values(
    shared_service: Running, names: list[str], data: st.DataObject
) -> None:
    made = data.draw(bodies(names))
    calls = [("POST", f"/api/v1/{path}", {"data": json.dumps(body)}) for path, body in made]
    no_fault(shared_service, send(shared_service, calls))


@settings(CALM, max_examples=40)
@given(data=st.data())
def test_protobuf_with_the_wrong_values(
    shared_service: Running, names: list[str], data: st.DataObject
) -> None:
    asked = messages.ForwardBackwardRequest(
        model_id=data.draw(st.sampled_from(names)),
        seq_id=data.draw(st.integers(-1, 50)),
        loss_fn=data.draw(st.sampled_from(["cross_entropy", "ppo", ""])),
    )
    for _ in range(data.draw(st.integers(0, 3))):
        datum = asked.data.add()
        datum.model_input.add().encoded_text.tokens = data.draw(st.binary(max_size=12))
        part = datum.loss_fn_inputs[data.draw(st.sampled_from(["target_tokens", "x"]))]
        part.dense = data.draw(st.binary(max_size=16))
        part.dtype = data.draw(st.integers(0, 5))
        part.shape.extend(data.draw(st.lists(st.integers(-1, 2**62), max_size=3)))
    body = {"data": asked.SerializeToString()}
    no_fault(shared_service, send(shared_service, [("POST", "/api/v1/forward_backward", body)]))


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 400, "the body"),
        (b'{"session_id": 5, "model_seq_id": "x"}', 400, "model_seq_id"),
        (b'{"session_id": "s", "model_seq_id": 0, "base_model": "b", "new": 1}', 400, "new"),
        (b'{"session_id": "\\ud800", "model_seq_id": 0, "base_model": "b"}', 400, "session_id"),
        (b'"' + b"x" * (2 << 20) + b'"', 413, "over"),
    ],
)
def test_what_is_wrong_is_named(
    shared_service: Running, body: bytes, status: int, said: str
) -> None:
    answer = shared_service.raw(
        "POST",
        "/api/v1/create_model",
        data=io.BytesIO(body),
        headers={"X-API-Key": shared_service.key},
    )
    assert (answer[0], answer[1]) == (status, "application/json")
    assert said in json.loads(answer[2])["error"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br", "nonsense"])
def test_a_body_that_does_not_unpack_is_refused(shared_service: Running, encoding: str) -> None:
    headers = {"X-API-Key": shared_service.key, "Content-Encoding": encoding}
    status, _, _ = shared_service.raw(
        "POST", "/api/v1/create_model", data=b"not packed", headers=headers
    )
    assert 400 <= status < 500


def test_a_packed_bomb_is_cut_off(shared_service: Running) -> None:
    headers = {"X-API-Key": shared_service.key, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 1 << 20
    status = shared_service.raw("POST", "/api/v1/create_model", data=bomb, headers=headers)[0]
    assert status in (400, 413)


def test_unknown_paths_and_methods_are_refused_in_json(shared_service: Running) -> None:
    for method, path in (("GET", "/"), ("POST", "/api/v1/nothing"), ("GET", "/api/v1/asample")):
        status, kind, _ = shared_service.raw(method, path)
        assert (status, kind) in {(404, "application/json"), (405, "application/json")}


def test_after_all_that_the_service_trains(shared_service: Running) -> None:
    model = new_model(shared_service)
    assert retrieve(shared_service, step(shared_service, model, 1)["request_id"])[0] == 200
