"""Requests as the SDK makes them, one by one and without it."""

from __future__ import annotations

from tests.service.conftest import Running
from tests.service.null_engine import NAME


def new_session(service: Running) -> str:
    return service.post("/api/v1/create_session", {"tags": [], "user_metadata": {}})[1][
        "session_id"
    ]


def new_model(service: Running, session: str | None = None, number: int = 0) -> str:
    asked = {
        "session_id": session or new_session(service),
        "model_seq_id": number,
        "base_model": NAME,
        "lora_config": {"rank": 4},
    }
    promise = service.post("/api/v1/create_model", asked)[1]
    status, answer = retrieve(service, promise["request_id"])
    assert (status, answer["model_id"]) == (200, promise["model_id"])
    return answer["model_id"]


def step(service: Running, model: str, seq_id: int, rate: float = 1e-3) -> dict:
    asked = {"model_id": model, "seq_id": seq_id, "adam_params": {"learning_rate": rate}}
    status, answer = service.post("/api/v1/optim_step", asked)
    assert status == 200, answer
    return answer


def retrieve(service: Running, request_id: str) -> tuple[int, dict]:
    return service.post("/api/v1/retrieve_future", {"request_id": request_id})


def sample(service: Running, session: str, seq_id: int = 0, tokens: int = 4) -> dict:
    opened = service.post(
        "/api/v1/create_sampling_session",
        {"session_id": session, "sampling_session_seq_id": 0, "base_model": NAME},
    )[1]
    asked = {
        "sampling_session_id": opened["sampling_session_id"],
        "seq_id": seq_id,
        "prompt": {"chunks": [{"type": "encoded_text", "tokens": [1]}]},
        "sampling_params": {"max_tokens": tokens},
    }
    status, answer = service.post("/api/v1/asample", asked)
    assert status == 200, answer
    return answer


def steps_taken(service: Running, model: str) -> int:
    assert service.engine is not None
    return service.engine.models[model].steps
