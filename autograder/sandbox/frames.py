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


def take(inbox: bytearray, limit: int) -> bytes | None:
    """Take the first frame out of what has arrived; None while it is incomplete.

    Raises:
        WireError: the frame says it is longer than `limit`.
    """
    length = int.from_bytes(inbox[:PREFIX], "little")
    if length > limit:
        raise WireError(f"it announces {length} bytes, more than {limit}")
    end = PREFIX + length
    if len(inbox) < end:
        return None
    frame = bytes(inbox[PREFIX:end])
    del inbox[:end]
    return frame


def _exactly(connection: socket.socket, number: int) -> bytes:
    received = bytearray()
    while len(received) < number:
        chunk = connection.recv(min(number - len(received), 1 << 20))
        if not chunk:
            break
        received += chunk
    return bytes(received)
