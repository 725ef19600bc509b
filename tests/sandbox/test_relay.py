"""The trusted side of a door lets through one key's plain requests and survives all others."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from autograder.sandbox import relay as relays
from autograder.sandbox import toll as tolls
from autograder.sandbox.door import listen_here
from autograder.sandbox.http_head import parse
from autograder.sandbox.relay import Relay
from autograder.sandbox.toll import Toll

KEY = "tml-mine"


class Service:
    """A server of one answer a connection that keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                self.heard.append(whole_request(connection))
                connection.sendall(self.answer)

    def close(self) -> None:
        with suppress(OSError):  # closed before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def whole_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    length = parse(head + b"\r\n\r\n").length
    while len(body) < length:
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def relay(service: Service) -> Iterator[Relay]:
    relay = Relay(listen_here(), service.url, Toll(KEY, 50))
    yield relay
    relay.close()


def connected(relay: Relay) -> socket.socket:
    return socket.create_connection(relay._listener.getsockname(), 10)


def told(connection: socket.socket) -> tuple[int, str]:
    """The status and the body of the one answer on a connection; 0 when it is closed without."""
    connection.settimeout(10)
    data = b""
    try:
        while chunk := connection.recv(1 << 16):
            data += chunk
    except ConnectionError:
        pass
    connection.close()
    return (int(data[9:12]), data.partition(b"\r\n\r\n")[2].decode()) if data else (0, "")


def send(relay: Relay, data: bytes) -> tuple[int, str]:
    connection = connected(relay)
    connection.sendall(data)
    return told(connection)


def request(
    path: str = "/api/v1/get_info", body: bytes = b"{}", key: str | None = KEY, more: str = ""
) -> bytes:
    keyed = "" if key is None else f"X-API-Key: {key}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{keyed}Content-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def test_a_request_and_its_answer_pass(relay: Relay, service: Service) -> None:
    assert send(relay, request(more="X-Extra: 1\r\n")) == (200, "{}")
    head = parse(service.heard[0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert (head.method, head.target, head.length) == ("POST", "/api/v1/get_info", 2)
    assert head.field("x-api-key") == KEY and head.field("x-extra") == "1"
    assert head.field("host") == service.url.removeprefix("http://")
    assert head.field("connection") == "close"


def test_what_is_refused_is_told_and_not_heard(relay: Relay, service: Service) -> None:
    status, said = send(relay, request(key="tml-other"))
    assert status == 401 and "TINKER_API_KEY" in json.loads(said)["error"]
    assert send(relay, request("/kit/v1/keys"))[0] == 403
    assert send(relay, b"GET http://127.0.0.1:22/ HTTP/1.1\r\n\r\n")[0] == 400
    assert service.heard == []


def test_a_chunked_body_is_refused_so_that_lengths_cannot_disagree(
    relay: Relay, service: Service
) -> None:
    data = request(more="Transfer-Encoding: chunked\r\n", body=b"0\r\n\r\n")
    assert send(relay, data)[0] == 411
    assert service.heard == []


def test_a_second_request_behind_the_first_is_not_heard(relay: Relay, service: Service) -> None:
    smuggled = b"GET /kit/v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"
    assert send(relay, request() + smuggled)[0] in (0, 200)  # 0: closed with bytes left unread
    assert len(service.heard) == 1 and b"/kit/" not in service.heard[0]


def test_a_head_without_end_is_dropped(relay: Relay, service: Service) -> None:
    assert send(relay, b"GET /api/v1/x HTTP/1.1\r\n" + b"a: b\r\n" * 9000)[0] == 0
    assert service.heard == []


def test_slow_and_silent_connections_are_closed_unheard(
    relay: Relay, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "REQUEST_SECONDS", 0.3)
    silent, dripping, promising = connected(relay), connected(relay), connected(relay)
    promising.sendall(request(body=b"12345")[:-2])  # never sends the rest
    begun = time.monotonic()
    while time.monotonic() - begun < 0.5:
        try:
            dripping.sendall(b"G")
        except ConnectionError:
            break
        time.sleep(0.02)
    assert [told(c)[0] for c in (silent, dripping, promising)] == [0, 0, 0]
    assert service.heard == []
    assert send(relay, request())[0] == 200


def test_held_connections_make_only_their_own_jail_wait(
    relay: Relay, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "REQUEST_SECONDS", 3.0)
    held = [connected(relay) for _ in range(relays.CONNECTIONS)]
    other = Relay(listen_here(), service.url, Toll(KEY, 50))
    begun = time.monotonic()
    assert send(other, request())[0] == 200
    assert time.monotonic() - begun < 2.4  # long before the held ones are given up
    assert send(relay, request())[0] == 200  # as soon as the first of them were closed
    other.close()
    for connection in held:
        connection.close()


def test_large_bodies_are_refused_before_they_are_read(relay: Relay, service: Service) -> None:
    head = b"POST /api/v1/forward_backward HTTP/1.1\r\nX-API-Key: tml-mine\r\nContent-Length: "
    connection = connected(relay)
    connection.sendall(head + b"999999999999\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    status, said = told(connection)
    assert status == 413 and "at most 33,554,432" in said
    assert send(relay, request(body=b"x" * (tolls.SMALL_BODY_BYTES + 1)))[0] == 413
    assert service.heard == []


def test_bodies_beyond_the_room_wait_and_then_pass(
    relay: Relay, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "REQUEST_SECONDS", 1.0)
    relay._loop.call_soon_threadsafe(setattr, relay._room, "_free", 100)
    hog = connected(relay)
    hog.sendall(request(body=b"x" * 90)[:-1])
    time.sleep(0.1)
    begun = time.monotonic()
    assert send(relay, request(body=b"y" * 50))[0] == 200
    assert time.monotonic() - begun > 0.5  # until the hog's time was over
    hog.close()


def test_the_number_of_requests_ends_in_a_sentence(relay: Relay) -> None:
    answers = [send(relay, request()) for _ in range(51)]
    assert [status for status, _ in answers] == [200] * 50 + [403]
    assert "over 50 requests" in answers[-1][1]
    assert list(relay._toll.refusals) == [
        "The limit of the lab's Tinker service was reached: over 50 requests were sent."
    ]


def test_a_flood_is_slowed_down(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "BURST", 5)
    monkeypatch.setattr(relays, "PER_SECOND", 20)
    relay = Relay(listen_here(), service.url, Toll(KEY, 10**6))
    begun = time.monotonic()
    for _ in range(15):
        assert send(relay, request())[0] == 200
    assert time.monotonic() - begun > 0.4  # ten of them at 20 a second
    relay.close()


@pytest.mark.parametrize("how", ["gone", "mute"])
def test_a_service_that_ends_is_noted_and_told(service: Service, how: str) -> None:
    if how == "gone":
        service.close()
    service.answer = b""
    relay = Relay(listen_here(), service.url, Toll(KEY, 50))
    status, said = send(relay, request())
    assert status == 403 and "has ended" in said
    assert relay.lost
    relay.close()


def test_an_answer_cut_off_is_noted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relays, "ANSWER_SECONDS", 0.2)
    stuck = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{stuck.getsockname()[1]}"
    relay = Relay(listen_here(), url, Toll(KEY, 50))
    assert send(relay, request())[0] == 403
    assert "no answer within" in (relay.lost or "")
    relay.close()
    stuck.close()


def test_closing_ends_what_is_held(relay: Relay) -> None:
    held: list[socket.socket] = [connected(relay) for _ in range(5)]
    address = relay._listener.getsockname()
    time.sleep(0.05)
    relay.close()
    assert [told(connection)[0] for connection in held] == [0] * 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 1)


def test_an_answer_nobody_takes_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "REQUEST_SECONDS", 0.3)
    body = b"x" * (32 << 20)
    length = str(len(body)).encode()
    service.answer = b"HTTP/1.1 200 OK\r\ncontent-length: " + length + b"\r\n\r\n" + body
    relay = Relay(listen_here(), service.url, Toll(KEY, 50))
    connection = connected(relay)
    connection.sendall(request())
    until(lambda: relay._tasks)
    until(lambda: not relay._tasks)
    assert relay.lost is None  # it is not the service's fault
    connection.close()
    relay.close()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
