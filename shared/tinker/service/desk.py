"""Where requests become promises: logged, put in order, started, answered, released.

On the event loop's thread. `work` runs the engine; its answer comes back here. Every error becomes
an answer of category "user" or "server"; a traceback goes to the log only. What a graded key may
see, and when, is decided by `withhold`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError as GivenUp
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.tinker.errors import CheckpointError, TinkerKitError, UserError
from shared.tinker.service.futures import Futures, Promise, Reply
from shared.tinker.service.limits import Limits
from shared.tinker.service.records import Key
from shared.tinker.service.registry import LiveSession, Model
from shared.tinker.service.request_log import RequestLog
from shared.tinker.service.withhold import Withholding

logger = logging.getLogger(__name__)

Tell = Callable[..., None]
"""Adds facts to the request's line in the log."""


class TooManyError(Exception):
    """The session has too many unfinished requests: HTTP 429, the SDK waits and repeats."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request for work.

    `start` checks the request, pays for it and queues the work; what it raises is the answer. It
    runs when it is the request's turn. `encode` makes the answer of the work's result; it is
    called even when the request was given up meanwhile, so that nothing the engine made is lost.
    """

    request_id: str
    kind: str
    key: Key
    session: LiveSession
    start: Callable[[Tell], Future[Any]]
    encode: Callable[[Any], Reply]
    model: Model | None = None
    seq_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Desk:
    """Takes requests and answers them."""

    def __init__(self, futures: Futures, log: RequestLog, limits: Limits) -> None:
        self.futures = futures
        self._log = log
        self._limits = limits
        self._withheld = Withholding(limits.withhold_seconds)

    def submit(self, ask: Ask) -> None:
        """Promise an answer under `ask.request_id`, unless that was done before.

        Raises:
            TooManyError: the session has `limits.queued` unfinished requests.
        """
        ask.session.seen = time.monotonic()
        if self.futures.known(ask.request_id, ask.key.id):
            return
        if self.futures.unfinished(ask.session.id) >= self._limits.queued:
            raise TooManyError
        order = self._log.arrived(
            ask.key.id,
            ask.session.id,
            ask.kind,
            model_id=ask.model.id if ask.model else None,
            seq_id=ask.seq_id,
            **ask.facts,
        )
        promise = self.futures.open(ask.request_id, key_id=ask.key.id, session_id=ask.session.id)
        promise.on_release = lambda reply: self._log.released(order, **reply.facts)
        if ask.key.withhold and ask.model is not None:
            graded = ask.kind == "forward_backward"
            for request_id in self._withheld.arrived(ask.model.id, ask.request_id, withhold=graded):
                self.futures.release(request_id)
        begin = partial(self._begin, promise, ask, partial(self._log.note, order))
        try:
            if ask.model is None:
                begin()
            else:
                ask.model.gate.admit(ask.seq_id, begin)
        except UserError as error:
            self._settle(promise, failure(error))

    def _begin(self, promise: Promise, ask: Ask, tell: Tell) -> None:
        if promise.reply is not None:  # given up while it waited for its turn
            return
        try:
            running = ask.start(tell)
        except Exception as error:
            self._settle(promise, failure(error))
            return
        promise.give_up = running.cancel
        loop = asyncio.get_running_loop()
        running.add_done_callback(
            lambda done: on_loop(loop, partial(self._done, promise, done, ask.encode))
        )

    def _done(self, promise: Promise, done: Future[Any], encode: Callable[[Any], Reply]) -> None:
        try:
            reply = encode(done.result())
        except GivenUp:
            reply = Reply.error("The request was given up before it was done.", "user")
        except Exception as error:
            reply = failure(error)
        self._settle(promise, reply)

    def _settle(self, promise: Promise, reply: Reply) -> None:
        if not self.futures.finish(promise, reply):
            self._withheld.drop(promise.request_id)
            return
        if "error" in reply.facts:
            self._withheld.drop(promise.request_id)
        until = self._withheld.ready(promise.request_id)
        if until is None:
            self.futures.release(promise.request_id)
        else:
            wait = max(0.0, until - time.monotonic())
            asyncio.get_running_loop().call_later(wait, self._release_overdue)

    def _release_overdue(self) -> None:
        for request_id in self._withheld.overdue():
            self.futures.release(request_id)


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Run something on the loop's thread, from any thread."""
    with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
        loop.call_soon_threadsafe(function)


def failure(error: Exception) -> Reply:
    """The answer that tells of an error; what is our own fault is logged with its traceback."""
    if isinstance(error, TinkerKitError):
        category = "server" if isinstance(error, CheckpointError) else "user"
        return Reply.error(str(error), category)
    mark = secrets.token_hex(4)
    logger.error("internal error %s", mark, exc_info=error)
    return Reply.error(
        f"The service failed on this request ({type(error).__name__}). The traceback is in "
        f"service.log under {mark}; please report it.",
        "server",
    )
