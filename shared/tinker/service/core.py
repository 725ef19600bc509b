"""The service without HTTP: what the routes share, and how a request becomes a promise.

`submit` runs on the event loop's thread, `work` runs the engine, the answer comes back here. Every
error becomes an answer of category "user" or "server"; a traceback goes to the log only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import CancelledError as GivenUp
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.tinker.errors import CheckpointError, NotFoundError, TinkerKitError, UserError
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.futures import Futures, Promise, Reply
from shared.tinker.service.keys import Keys
from shared.tinker.service.limits import Limits, check_cap
from shared.tinker.service.records import Key
from shared.tinker.service.registry import Gate, LiveSession, Model, Registry
from shared.tinker.service.store import Store
from shared.tinker.service.types import Engine, ServedModel
from shared.tinker.service.work import HOUSEKEEPING, Worker

logger = logging.getLogger(__name__)


class TooManyError(Exception):
    """The session has too many unfinished requests: HTTP 429, the SDK waits and repeats."""


@dataclass(kw_only=True)
class Service:
    """Everything the routes work with. Made once, on the event loop."""

    engine: Engine
    store: Store
    checkpoints: Checkpoints
    keys: Keys
    limits: Limits
    futures: Futures
    registry: Registry
    worker: Worker
    started: float = field(default_factory=time.time)
    ready: bool = False
    trouble: str | None = None

    @classmethod
    def open(
        cls,
        engine: Engine,
        store: Store,
        checkpoints: Checkpoints,
        keys: Keys,
        limits: Limits | None = None,
    ) -> Service:
        """A service over an opened state folder; `start` sets it to work."""
        limits = limits or Limits()
        return cls(
            engine=engine,
            store=store,
            checkpoints=checkpoints,
            keys=keys,
            limits=limits,
            futures=Futures(store, limits),
            registry=Registry(store, time.monotonic()),
            worker=Worker(engine),
        )

    def start(self) -> None:
        """Start the worker; the engine warms up behind the first answers."""
        self.worker.start()
        warm = self.worker.call(HOUSEKEEPING, self.engine.warm)
        loop = asyncio.get_running_loop()
        warm.add_done_callback(lambda done: _on_loop(loop, partial(self._warmed, done)))

    def _warmed(self, done: Future[None]) -> None:
        self.ready = True
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self.trouble = str(error)
            logger.error("the first model could not be loaded", exc_info=error)

    def served(self, name: str) -> ServedModel:
        """A model of the catalogue; raises `NotFoundError` that lists them."""
        models = self.engine.served()
        for model in models:
            if model.name == name:
                return model
        raise NotFoundError(
            f"Base model {name!r} is not served here. Served are: "
            f"{', '.join(model.name for model in models)}."
        )

    def submit(
        self,
        request_id: str,
        *,
        key: Key,
        session: LiveSession,
        start: Callable[[], Future[Any]],
        encode: Callable[[Any], Reply],
        gate: Gate | None = None,
        seq_id: int | None = None,
    ) -> None:
        """Promise an answer under `request_id`, unless that was done before.

        `start` checks the request, pays for it and queues the work; what it raises is the answer.
        It runs when `gate` lets `seq_id` through. `encode` turns the work's result into the answer.

        Raises:
            TooManyError: the session has `limits.queued` unfinished requests.
        """
        session.seen = time.monotonic()
        if self.futures.known(request_id, key.id):
            return
        if self.futures.unfinished(session.id) >= self.limits.queued:
            raise TooManyError
        promise = self.futures.open(request_id, key_id=key.id, session_id=session.id)
        begin = partial(self._begin, promise, start, encode)
        try:
            if gate is None:
                begin()
            else:
                gate.admit(seq_id, begin)
        except UserError as error:
            self._settle(promise, failure(error))

    def _begin(
        self, promise: Promise, start: Callable[[], Future[Any]], encode: Callable[[Any], Reply]
    ) -> None:
        if promise.reply is not None:  # given up while it waited for its turn
            return
        try:
            running = start()
        except Exception as error:
            self._settle(promise, failure(error))
            return
        promise.give_up = running.cancel
        loop = asyncio.get_running_loop()
        running.add_done_callback(
            lambda done: _on_loop(loop, partial(self._done, promise, done, encode))
        )

    def _done(
        self, promise: Promise, done: Future[Any], encode: Callable[[Any], Reply]
    ) -> None:
        if promise.reply is not None:
            return
        try:
            reply = encode(done.result())
        except GivenUp:
            reply = Reply.error("The request was given up before it was done.", "user")
        except Exception as error:
            reply = failure(error)
        self._settle(promise, reply)

    def _settle(self, promise: Promise, reply: Reply) -> None:
        if self.futures.finish(promise, reply):
            self.futures.release(promise)

    def new_model(self, session: LiveSession, model: Model) -> None:
        """Put a model that the engine has made into its session, or free it when that has ended."""
        if session.id in self.registry.sessions:
            session.models[model.id] = model
        else:
            self.worker.call(HOUSEKEEPING, lambda: self.engine.forget_model(model.id))

    def check_models(self, session: LiveSession) -> None:
        """Refuse one model too many; raises `OverLimitError`."""
        remedy = "Close a ServiceClient you no longer need, or make a new one."
        check_cap("Models of this session", len(session.models) + 1, self.limits.models, remedy)

    def drop_sampler(self, session: LiveSession, sampler_id: str) -> None:
        """Forget a sampling session, and its engine sampler when it was the last on it."""
        sampler = session.samplers.pop(sampler_id, None)
        if sampler is not None and not self.registry.in_use(sampler.source.engine_id):
            self.worker.forget_sampler(sampler.source.engine_id)

    def end_session(self, session: LiveSession, reason: str) -> None:
        """End a session: its requests are given up, its models and samplers freed."""
        self.registry.sessions.pop(session.id, None)
        self.store.finish_session(session.id, reason)
        self.futures.end_session(session.id, f"The session ended: {reason}.")
        self.worker.leave(session.id)
        for model_id in session.models:
            self.worker.call(HOUSEKEEPING, partial(self.engine.forget_model, model_id))
        for sampler_id in list(session.samplers):
            self.drop_sampler(session, sampler_id)

    async def watch(self, interval: float = 1.0) -> None:
        """For ever: end silent sessions, drop old answers."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(interval)
            now = time.monotonic()
            if now - last > 5 * interval:
                self.registry.forgive(now - last)
            last = now
            for session in self.registry.silent_since(now - self.limits.heartbeat_seconds):
                seconds = self.limits.heartbeat_seconds
                self.end_session(session, f"no heartbeat for {seconds:g} s")
            self.futures.sweep()


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
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
