"""The caller's side of trusted forks: requests, answers, and a fork that stays for many calls."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

from autograder.sandbox import frames
from autograder.sandbox.errors import ForkDied

CALL_LIMIT = 256 << 20
_END_SECONDS = 10


class Resident:
    """A trusted fork that has prepared. Calls may come from several threads at once."""

    def __init__(
        self, function: str, requests: socket.socket, data: socket.socket, report: socket.socket
    ) -> None:
        self._function = function
        self._requests = requests
        self._held = (data, report)
        """Their closing is the zygote's order to end it."""

    def call(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Run the function in a fork of what was prepared.

        Raises:
            ForkDied: it raised (the message has its traceback), crashed or was killed.
        """
        ours, theirs = socket.socketpair()
        with ours:
            try:
                socket.send_fds(self._requests, [b"call"], [theirs.fileno()])
            except OSError as error:
                raise ForkDied(f"what prepared {self._function} has ended ({error})") from error
            finally:
                theirs.close()
            tell(ours, payload)
            answer = answer_of(ours)
        if answer is None:
            raise ForkDied(f"{self._function} ended without an answer: it crashed or was killed")
        return result_of(self._function, answer)

    def close(self) -> None:
        """End it; calls that run are given some seconds. Closing twice is fine."""
        self._requests.close()
        with contextlib.suppress(OSError):  # closed before, or out of patience
            self._held[0].settimeout(_END_SECONDS)
            answer_of(self._held[0])
        for connection in self._held:
            connection.close()


def tell(connection: socket.socket, request: dict[str, Any]) -> None:
    """Send a request; that nobody is left to read it shows in the answer."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        frames.send(connection, json.dumps(request).encode())


def result_of(function: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The result in an answer; raises `ForkDied` when it tells of an error."""
    if "error" in answer:
        raise ForkDied(f"{function} failed:\n{answer['error']}")
    return answer["result"]


def answer_of(data: socket.socket) -> dict[str, Any] | None:
    """What a fork answered; None when it ended without."""
    try:
        body = frames.receive(data, CALL_LIMIT)
    except (ConnectionError, ValueError):
        return None
    return None if body is None else json.loads(body)
