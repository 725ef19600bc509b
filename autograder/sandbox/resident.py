"""A trusted fork of the zygote that stays: it prepares once, then forks itself for every call.

What takes long and is the same for every call is done in `prepare`; each call sees it as it was
then, whatever the calls before did to theirs. Jails still come from the zygote, which never sees
what was prepared.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import socket
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from autograder.sandbox import frames
from autograder.sandbox.calls import CALL_LIMIT
from autograder.sandbox.jail import die_with_parent

if TYPE_CHECKING:
    from autograder.sandbox.client import Zygote

_MESSAGE = 64


def function_named(name: str) -> Callable[..., Any]:
    """The function "module:name"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def serve(payload: dict[str, Any], zygote: Zygote, requests: socket.socket) -> dict[str, Any]:
    """Prepare, then fork for every pair of sockets that arrives, until `requests` is closed.

    Args:
        payload: `prepare` and `function` as "module:name", and `payload` for the former.
        zygote: where jails come from.
        requests: brings two sockets a call: the one to answer on, and one that closes with it.
    """
    state = function_named(payload["prepare"])(payload["payload"], zygote)
    function = function_named(payload["function"])
    gc.freeze()
    requests.send(b"ready")
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(requests, _MESSAGE, 1)
        except ConnectionError:
            message, descriptors = b"", []
        _reap(block=not message)
        if not message:
            return {}
        resident = os.getpid()
        if os.fork() == 0:
            _answer(function, socket.socket(fileno=descriptors[0]), zygote, state, resident)
        os.close(descriptors[0])


def _answer(
    function: Callable[..., Any],
    connection: socket.socket,
    zygote: Zygote,
    state: Any,
    resident: int,
) -> NoReturn:
    """The fork's side of a call. Never returns, whatever happens."""
    try:
        die_with_parent(resident)
        body = json.dumps({"result": _result(function, connection, zygote, state)}).encode()
    except BaseException:  # also SystemExit: the caller gets the reason, whatever it is
        body = json.dumps({"error": traceback.format_exc()}).encode()
    with contextlib.suppress(BaseException):
        frames.send(connection, body)
    os._exit(0)


def _result(
    function: Callable[..., Any], connection: socket.socket, zygote: Zygote, state: Any
) -> Any:
    request = json.loads(frames.receive(connection, CALL_LIMIT) or b"")
    return function(request, zygote, state)


def _reap(*, block: bool) -> None:
    """Take the ends of calls, so that their time counts as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0 if block else os.WNOHANG)[0]:
            pass
