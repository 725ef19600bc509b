"""The door of a jail: the one TCP port that student code may reach, in labs that use a service.

At level A the port is in the jail's own network, in which nothing else exists: the jail makes the
listening socket, hands it to its caller and keeps no copy. At level B, and without a jail, the
caller listens on this machine's loopback. Landlock then lets the jail connect to that port number
and to no other, but it knows no addresses: the same port of another machine can be reached. Who
takes the connections is in `relay`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.sandbox import landlock

INNER_PORT = 8000
"""The port at level A. Every jail has a network of its own, so it can be the same for all."""

LANDLOCK = 4
"""The first version of landlock that can tell one port from another."""

WEAKER = (
    "Level B: the door to the Tinker service is one TCP port, but that port could be reached on "
    "other machines too."
)
"""What a door at level B leaves open."""

NO_AUTHORITIES = {"SSL_CERT_DIR": "/"}
"""Environment of code that reaches this machine only: a folder without certificate authorities.

The SDK makes four connection pools for each client, and each would read all of them: 30 ms of
processor time a pool, three quarters of what a client costs.
"""

BACKLOG = 64
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
_REQUEST = "16sh22x"  # struct ifreq: the interface's name, then its flags


@dataclass(frozen=True, kw_only=True)
class Door:
    """What a jail is told of its door: the port, and the environment that its code is to have."""

    port: int = INNER_PORT
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it travels to the zygote."""
        return {"port": self.port, "environment": NO_AUTHORITIES | dict(self.environment)}


def refusal(level: str, version: int | None = None) -> str | None:
    """Why a jail of `level` can have no door on this machine; None when it can.

    `version` is landlock's; the running kernel's when left out.
    """
    if level != "B":
        return None
    found = landlock.abi() if version is None else version
    if found >= LANDLOCK:
        return None
    return (
        f"This lab needs the Tinker service, and at level B its door needs landlock version "
        f"{LANDLOCK} (Linux 6.7), which can open one TCP port; this kernel has version {found}. "
        "Use a newer kernel, or allow user namespaces for level A; `labkit doctor` says how."
    )


def listen_inside(port: int) -> socket.socket:
    """A listener in the network namespace that this process has just made.

    Raises:
        OSError: this process may not set up its network.
    """
    import fcntl  # not on Windows, where this module is imported but makes no listener

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack(_REQUEST, b"lo", 0)
        name, flags = struct.unpack(_REQUEST, fcntl.ioctl(any_socket, _GET_FLAGS, asked))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, name, flags | _UP))
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def listen_here() -> socket.socket:
    """A listener on a free port of this machine's loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


def take(connection: socket.socket) -> tuple[bytes, socket.socket | None]:
    """What a jail sent while it was set up, and the listener that came with it, if one did.

    Only for the time before student code runs: later a jail may send descriptors as it likes.
    """
    chunk, given, _, _ = socket.recv_fds(connection, 1 << 16, 1)
    return chunk, socket.socket(fileno=given[0]) if given else None
