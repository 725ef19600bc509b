"""A dead, missing or wrong server is told at once and in plain words; so is a wrong key."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from shared.tinker import reach
from shared.tinker.errors import UnreachableError, UserError
from shared.tinker.reach import Address, probe, supported_models

from .conftest import Named


def named_address(url: str, key: str | None = "tml-x") -> Address:
    return Address(base_url=url, api_key=key, kind="named")


@pytest.fixture
def silent() -> Iterator[str]:
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def free_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_answers_is_fine(named: Named) -> None:
    probe(named_address(named.running.url))


def test_nothing_listening_is_told_with_address_attempt_and_advice(free_url: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        probe(named_address(free_url))
    said = str(caught.value)
    assert free_url in said and "/api/v1/healthz" in said and "connection refused" in said
    assert "labkit serve" in said and "TINKER_BASE_URL" in said


def test_an_unreachable_server_is_also_a_connection_error(free_url: str) -> None:
    with pytest.raises(ConnectionError):
        probe(named_address(free_url))


def test_a_silent_server_is_told_within_five_seconds(silent: str) -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 4 s|timed out"):
        probe(named_address(silent))
    # Not a claim about speed: five seconds is what is promised to the student.
    assert time.monotonic() - began < 5


def test_an_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreachableError, match="Name or service not known"):
        probe(named_address("http://nowhere.invalid"))


def test_another_web_server_is_no_tinker_server() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None  # pyright: ignore
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(UnreachableError, match="status 501"):
            probe(named_address(f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://127.0.0.1", "http://", "tinker"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(UserError, match="no address of a server"):
        probe(named_address(url))


def test_the_models_are_those_the_server_lists(named: Named) -> None:
    assert supported_models(named_address(named.running.url, named.running.key)) == ("labkit/tiny",)


def test_a_wrong_key_is_told_plainly_and_not_repeated(named: Named) -> None:
    with pytest.raises(UserError, match="does not accept the API key") as caught:
        supported_models(named_address(named.running.url, "tml-wrong-4711"))
    assert "TINKER_API_KEY" in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_key_of_another_kind_is_told(named: Named) -> None:
    with pytest.raises(UserError, match="tml-"):
        supported_models(named_address(named.running.url, "sk-4711"))


def test_no_key_at_all_is_told(named: Named) -> None:
    with pytest.raises(UserError, match="no usable API key"):
        supported_models(named_address(named.running.url, None))


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:1", True),
        ("http://[::1]:9", True),
        ("https://tinker.thinkingmachines.dev/services/tinker-prod", False),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_which_addresses_are_on_this_machine(url: str, local: bool) -> None:
    assert reach.is_loopback(url) is local


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    probe(named_address(named.running.url))


def test_the_hosted_address_is_the_sdks() -> None:
    from tinker.lib.base_url import DEFAULT_BASE_URL

    assert reach.HOSTED_URL == DEFAULT_BASE_URL


def test_an_address_does_not_show_its_key() -> None:
    assert "4711" not in repr(named_address("http://127.0.0.1:1", "tml-4711"))
