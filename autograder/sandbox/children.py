"""The two kinds of fork the zygote makes: a jailed worker, and a trusted function call."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import traceback
from typing import Any, NoReturn

from autograder.sandbox import frames, worker
from autograder.sandbox.calls import CALL_LIMIT
from autograder.sandbox.door import Door
from autograder.sandbox.jail import die_with_parent
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.resident import function_named
from autograder.sandbox.visible import View

_OUT_OF_THE_WAY = 64


def jailed(
    descriptors: list[int],
    level: Level,
    view: View,
    limits: Limits,
    zygote: int,
    door: Door | None = None,
) -> NoReturn:
    """Become a jailed worker. `descriptors` are its socket and where its output goes."""
    die_with_parent(zygote)
    data, output = _keep(descriptors, {1: 1, 2: 1})
    assert output == _FIRST + 1
    os.close(output)
    worker.run(socket.socket(fileno=data), level, view, limits, zygote, door)


def trusted(descriptors: list[int], control: int, level: Level, zygote: int) -> NoReturn:
    """Run the function that the first descriptor names, give its result back there and end.

    Further descriptors are sockets for the function.
    """
    die_with_parent(zygote)
    control, data, *others = _keep([control, *descriptors], {})
    os.dup2(2, 1)  # what it prints belongs into the log, not into the caller's output
    connection = socket.socket(fileno=data)
    try:
        given = [socket.socket(fileno=other) for other in others]
        answer = {"result": _call(connection, control, level, given)}
        body = json.dumps(answer).encode()
    except BaseException:  # also SystemExit: the caller gets the reason, whatever it is
        body = json.dumps({"error": traceback.format_exc()}).encode()
    frames.send(connection, body)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _call(connection: socket.socket, control: int, level: Level, given: list[socket.socket]) -> Any:
    from autograder.sandbox.client import Zygote

    request = json.loads(frames.receive(connection, CALL_LIMIT) or b"")
    function = function_named(request["function"])
    return function(request["payload"], Zygote(socket.socket(fileno=control), level), *given)


_FIRST = 3


def _keep(descriptors: list[int], copies: dict[int, int]) -> list[int]:
    """Renumber `descriptors` to 3, 4, ...; give 0 nothing to read; close everything else.

    `copies` maps a standard stream to the index in `descriptors` that replaces it.
    """
    high = [fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for d in descriptors]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for stream, index in copies.items():
        os.dup2(high[index], stream)
    kept = [_FIRST + i for i in range(len(high))]
    for number, descriptor in zip(kept, high, strict=True):
        os.dup2(descriptor, number, inheritable=False)
    os.closerange(_FIRST + len(high), os.sysconf("SC_OPEN_MAX"))
    return kept
