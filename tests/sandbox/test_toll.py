"""What a door refuses before the service hears of it: other keys, other paths, odd requests."""

from __future__ import annotations

import pytest

from autograder.sandbox import toll as tolls
from autograder.sandbox.http_head import BadRequest, parse
from autograder.sandbox.toll import Toll

KEY = "tml-mine"


def head(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", *fields, "", ""]).encode("latin-1")


def status_of(data: bytes, requests: int = 100) -> int:
    """The status that a request is refused with; 200 when it passes."""
    try:
        Toll(KEY, requests).check(parse(data))
    except BadRequest as refused:
        assert str(refused)
        return refused.status
    return 200


def test_the_own_key_passes() -> None:
    assert status_of(head("/api/v1/get_info", f"X-API-Key: {KEY}")) == 200


@pytest.mark.parametrize("key", [None, "", "tml-other", KEY + "x", f"{KEY} {KEY}", KEY.upper()])
def test_no_other_key_passes(key: str | None) -> None:
    fields = [] if key is None else [f"X-API-Key: {key}"]
    assert status_of(head("/api/v1/get_info", *fields)) == 401


def test_only_the_sign_of_life_and_signed_files_need_no_key() -> None:
    assert status_of(head("/api/v1/healthz")) == 200
    assert status_of(head("/kit/v1/files/abc/adapter_config.json")) == 200
    assert status_of(head("/api/v1/healthz", "X-API-Key: tml-other")) == 401
    assert status_of(head("/api/v1/healthz/../sessions")) == 401


@pytest.mark.parametrize(
    "path",
    [
        "/kit/v1/keys",
        "/kit/v1/status",
        "/kit/v1/keys/owner/log",
        "/kit/v1/filesx",
        "/kit/v1/files/../keys",
        "/",
        "/api/v2/x",
        "/api/v1/../../kit/v1/keys",
        "/api/v1/%2e%2e/%2e%2e/kit/v1/keys",
        "/api/v1/%2E%2E%2Fkit/v1/keys",
        "/api/v1//kit",
        "/api/v1/training_runs/r/checkpoints/weights/w/publish",
        "/api/v1/training_runs/r/checkpoints/weights/w/%70ublish",
    ],
)
def test_only_tinkers_own_api_passes(path: str) -> None:
    assert status_of(head(path, f"X-API-Key: {KEY}")) == 403


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:22/ HTTP/1.1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\r\nContent-Length: 1_0\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: a\r\nX-API-Key: tml-mine\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\r\nBad Name: 1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\r\n folded: 1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\nEvil: 1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\xff\r\n\r\n",
        b"GET /api/v1/x HTTP/1.1\r\nX-API-Key: tml-mine\r\nContent-Length: 3\r\n\r\n",
        b"GET /api/v1/\x00 HTTP/1.1\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused(data: bytes) -> None:
    assert status_of(data) == 400


def test_what_goes_on_is_written_anew() -> None:
    fields = ["X-API-Key:  tml-mine ", "Host: evil", "Connection: upgrade", "Expect: 100-continue"]
    written = parse(head("/api/v1/x?a=1", *fields, "Content-Length: 3")).written("127.0.0.1:9")
    assert written == (
        b"POST /api/v1/x?a=1 HTTP/1.1\r\nhost: 127.0.0.1:9\r\nx-api-key: tml-mine\r\n"
        b"content-length: 3\r\nconnection: close\r\n\r\n"
    )


def test_only_training_data_may_be_large() -> None:
    large = f"Content-Length: {tolls.SMALL_BODY_BYTES + 1}"
    assert status_of(head("/api/v1/forward_backward", f"X-API-Key: {KEY}", large)) == 200
    assert status_of(head("/api/v1/create_session", f"X-API-Key: {KEY}", large)) == 413
    larger = f"Content-Length: {tolls.BODY_BYTES + 1}"
    assert status_of(head("/api/v1/forward_backward", f"X-API-Key: {KEY}", larger)) == 413


def test_what_takes_memory_and_disk_has_a_number_of_its_own() -> None:
    toll = Toll(KEY, 10**6)
    head = parse(b"POST /api/v1/create_model HTTP/1.1\r\nX-API-Key: tml-mine\r\n\r\n")
    for _ in range(tolls.CAPS["create_model"]):
        toll.check(head)
    with pytest.raises(BadRequest, match="create_model was asked for over 32 times"):
        toll.check(head)
