"""Length-prefixed frames on a stream socket, with an upper bound on what is read."""

from __future__ import annotations

import socket

from autograder.sandbox.errors import WireError

PREFIX = 4


def pack(body: bytes) -> bytes:
    """One frame."""
    return len(body).to_bytes(PREFIX, "little") + body


def send(connection: socket.socket, body: bytes) -> None:
    """Send one frame; blocks until the other side has taken it."""
    connection.sendall(pack(body))


def receive(connection: socket.socket, limit: int) -> bytes | None:
    """The next frame, None when the other side has closed.

    Raises:
        WireError: the frame says it is longer than `limit`, or ends early.
    """
    head = _exactly(connection, PREFIX)
    if not head:
        return None
    length = int.from_bytes(head, "little")
    if length > limit:
        raise WireError(f"frame of {length} bytes, at most {limit} are taken")
    body = _exactly(connection, length)
    if len(head) < PREFIX or len(body) < length:
        raise WireError("frame ends early")
    return body


class Inbox:
    """Frames that arrive piece by piece, of at most `limit` bytes. True while a piece is left."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def take(self, piece: bytes) -> bytes | None:
        """The next whole frame after one more piece, None while it is incomplete.

        Raises:
            WireError: the frame says it is longer than the limit.
        """
        self._bytes += piece
        length = int.from_bytes(self._bytes[:PREFIX], "little")
        if length > self._limit:
            raise WireError(f"it announces {length} bytes, more than {self._limit}")
        end = PREFIX + length
        if len(self._bytes) < end:
            return None
        frame = bytes(self._bytes[PREFIX:end])
        del self._bytes[:end]
        return frame

    def __bool__(self) -> bool:
        return bool(self._bytes)


def _exactly(connection: socket.socket, number: int) -> bytes:
    received = bytearray()
    while len(received) < number:
        chunk = connection.recv(min(number - len(received), 1 << 20))
        if not chunk:
            break
        received += chunk
    return bytes(received)
