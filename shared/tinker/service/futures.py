"""Promises the service made: found again by id, waited for, given up, kept past a restart.

A request id is made from what the request is about (`<model id>:<seq_id>`), so a repeated request
meets the answer of the first. Lives on the event loop's thread; finished answers also go to the
store, before anybody is told. What runs, and in which order, is decided in `work` and `registry`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.tinker.errors import CancelledError, CheckpointError
from shared.tinker.service.limits import Limits
from shared.tinker.service.records import Key
from shared.tinker.service.store import Store

logger = logging.getLogger(__name__)

JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to `retrieve_future`, as it goes over the wire; `facts` are for the log."""

    body: bytes
    content_type: str = JSON
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def json(cls, payload: Mapping[str, Any]) -> Reply:
        """A JSON object."""
        return cls(body=json.dumps(payload).encode(), facts=payload)

    @classmethod
    def error(cls, message: str, category: str) -> Reply:
        """A failure; category "user" or "server". The SDK raises `RequestFailedError`."""
        return cls.json({"error": message, "category": category})


@dataclass(kw_only=True)
class Promise:
    """One request's future. `reply` is the answer; `released` is set once it may be told."""

    request_id: str
    key_id: str
    session_id: str
    reply: Reply | None = None
    give_up: Callable[[], object] | None = None
    on_release: Callable[[Reply], None] | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)
    finished_at: float | None = None
    retrieved_at: float | None = None


class Futures:
    """All promises of this process. Used on the event loop's thread only."""

    def __init__(
        self, store: Store, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._promises: dict[str, Promise] = {}
        self._unfinished: dict[str, int] = {}

    def open(self, request_id: str, *, key_id: str, session_id: str) -> Promise:
        """A new promise; the caller has looked with `known` before."""
        promise = Promise(request_id=request_id, key_id=key_id, session_id=session_id)
        self._promises[request_id] = promise
        self._unfinished[session_id] = self.unfinished(session_id) + 1
        return promise

    def known(self, request_id: str, key_id: str) -> bool:
        """Whether this request came before, in this process or in an earlier one."""
        return request_id in self._promises or self._store.future(request_id, key_id) is not None

    def unfinished(self, session_id: str) -> int:
        """How many requests of a session have no answer yet."""
        return self._unfinished.get(session_id, 0)

    def in_memory(self) -> int:
        """How many promises this process holds, finished or not."""
        return len(self._promises)

    def finish(self, promise: Promise, reply: Reply) -> bool:
        """Give the answer and keep it; False when there was one already."""
        if promise.reply is not None:
            return False
        try:
            self._store.put_future(
                promise.request_id, promise.key_id, None, reply.content_type, reply.body
            )
        except CheckpointError:  # a full disk costs the memory of a restart, not the answer
            logger.exception("an answer could not be kept")
        promise.reply, promise.give_up = reply, None
        promise.finished_at = self._clock()
        left = self.unfinished(promise.session_id) - 1
        if left > 0:
            self._unfinished[promise.session_id] = left
        else:
            self._unfinished.pop(promise.session_id, None)
        return True

    def release(self, request_id: str) -> None:
        """Tell whoever waits. Telling twice is fine, and so is what has no answer yet."""
        promise = self._promises.get(request_id)
        if promise is None or promise.reply is None or promise.released.is_set():
            return
        try:
            if promise.on_release is not None:
                promise.on_release(promise.reply)
        except CheckpointError:
            logger.exception("a release could not be logged")
        promise.released.set()

    async def retrieve(self, request_id: str, key: Key) -> Reply | None:
        """The answer, None when it is not there within `hold_seconds`.

        Raises:
            KeyError: this key has no such request, here or in the store.
        """
        promise = self._promises.get(request_id)
        if promise is None or not (key.owner or promise.key_id == key.id):
            kept = self._store.future(request_id, key.id)
            if kept is None:
                raise KeyError(request_id)
            return Reply(body=kept.body, content_type=kept.content_type)
        try:
            await asyncio.wait_for(promise.released.wait(), self._limits.hold_seconds)
        except TimeoutError:
            return None
        promise.retrieved_at = self._clock()
        return promise.reply

    def cancel(self, request_id: str, key: Key) -> None:
        """Give a request up; unknown, foreign and finished ones are ignored."""
        promise = self._promises.get(request_id)
        if promise is not None and (key.owner or promise.key_id == key.id):
            self._give_up(promise, "The client gave this request up (cancel_future).")

    def end_session(self, session_id: str, reason: str) -> None:
        """Give up all a session still waits for."""
        for promise in [p for p in self._promises.values() if p.session_id == session_id]:
            self._give_up(promise, reason)

    def sweep(self) -> None:
        """Drop from memory what was retrieved or has lain about; the store still has it."""
        oldest = self._clock() - self._limits.keep_seconds
        for promise in list(self._old(oldest)):
            del self._promises[promise.request_id]

    def _old(self, oldest: float) -> Iterator[Promise]:
        for promise in self._promises.values():
            last = promise.retrieved_at or promise.finished_at
            if last is not None and last < oldest and promise.released.is_set():
                yield promise

    def _give_up(self, promise: Promise, reason: str) -> None:
        give_up = promise.give_up
        if give_up is not None:
            give_up()
        if self.finish(promise, Reply.error(str(CancelledError(reason)), "user")):
            self.release(promise.request_id)
