"""REST requests that name nothing, or nonsense: a 4xx with a reason in JSON, and nothing else."""

from __future__ import annotations

import pytest

from tests.service.conftest import Running


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/training_runs?limit=-1", 400),
        ("GET", "/api/v1/training_runs?limit=x", 400),
        ("GET", "/api/v1/checkpoints?offset=9999999999999999999999", 400),
        ("GET", "/api/v1/training_runs?limit=0", 200),
        ("GET", "/api/v1/training_runs/nothing", 404),
        ("GET", "/api/v1/training_runs/%ff%00", 404),
        ("GET", "/api/v1/sessions/nothing", 404),
        ("GET", "/api/v1/samplers/nothing", 404),
        ("DELETE", "/api/v1/training_runs/r/checkpoints/pickles/a", 400),
        ("DELETE", "/api/v1/training_runs/r/checkpoints/weights/..%2Fa", 400),
        ("DELETE", "/api/v1/training_runs/..%2Fr/checkpoints/weights/a", 400),
        ("DELETE", "/api/v1/training_runs/r/checkpoints/weights/a", 404),
        ("PUT", "/api/v1/training_runs/r/checkpoints/weights/a/ttl", 400),
        ("POST", "/api/v1/weights_info", 400),
        ("GET", "/kit/v1/files/r/a/w", 404),
    ],
)
def test_bad_requests_are_told_in_json(
    service: Running, method: str, path: str, status: int
) -> None:
    found, kind, body = service.raw(method, path)
    assert (found, kind) == (status, "application/json") and body
