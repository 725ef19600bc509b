"""After a restart: what is still known, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

from shared.tinker.service.wire import messages
from tests.service.calls import new_model, new_session, retrieve, sample, step
from tests.service.conftest import null_service


def test_finished_answers_survive_a_restart(tmp_path: Path) -> None:
    with null_service(tmp_path / "state") as service:
        session = new_session(service)
        model = new_model(service, session)
        promise, drawn = step(service, model, 1), sample(service, session)
        known = retrieve(service, promise["request_id"])
        body = {"request_id": drawn["request_id"]}
        answer = service.raw("POST", "/api/v1/retrieve_future", json=body)
    with null_service(tmp_path / "state") as service:
        assert retrieve(service, promise["request_id"]) == known
        assert service.raw("POST", "/api/v1/retrieve_future", json=body) == answer
        assert messages.SampleResponse.FromString(answer[2]).sequences[0].tokens
        assert step(service, model, 1) == promise  # the ack was lost: asked again
        assert service.engine is not None
        assert "optim_step" not in service.engine.calls


def test_unfinished_training_is_told_lost_after_a_restart(tmp_path: Path, client_for) -> None:
    with null_service(tmp_path / "state") as service:
        session = new_session(service)
        model = new_model(service, session)
    with null_service(tmp_path / "state") as service:
        status, told = retrieve(service, f"{model}:7")
        assert (status, told["category"]) == (200, "server")
        assert "create_training_client_from_state_with_optimizer" in told["error"]
        status, told = service.post("/api/v1/optim_step", {"model_id": model, "seq_id": 8})
        assert (status, "checkpoints are kept" in told["error"]) == (404, True)
        assert service.post("/api/v1/session_heartbeat", {"session_id": session})[0] == 200
        again = new_model(service, session, number=1)  # the session goes on
        assert retrieve(service, step(service, again, 1)["request_id"])[0] == 200


def test_an_unfinished_sample_is_asked_for_again_after_a_restart(tmp_path: Path) -> None:
    with null_service(tmp_path / "state") as service:
        session = new_session(service)
        drawn = sample(service, session)
        retrieve(service, drawn["request_id"])
    with null_service(tmp_path / "state") as service:
        sampler = drawn["request_id"].rpartition(":")[0]
        assert retrieve(service, f"{sampler}:5")[0] == 410  # the SDK then submits again
        asked = {
            "sampling_session_id": sampler,
            "seq_id": 6,
            "prompt": {"chunks": [{"tokens": [1]}]},
            "sampling_params": {"max_tokens": 2},
        }
        promise = service.post("/api/v1/asample", asked)[1]
        found = {"request_id": promise["request_id"]}
        status, kind, _ = service.raw("POST", "/api/v1/retrieve_future", json=found)
        assert (status, kind) == (200, "application/x-protobuf")
