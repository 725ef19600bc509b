"""The service without HTTP: its parts, and how sessions, models and samplers end.

All of it runs on the event loop's thread; what must happen on the engine's is queued in `work`.
How a request becomes a promise is in `desk`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.tinker.errors import NotFoundError, TinkerKitError
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.desk import Desk, on_loop
from shared.tinker.service.futures import Futures
from shared.tinker.service.keys import Keys
from shared.tinker.service.limits import Limits, check_cap
from shared.tinker.service.registry import LiveSession, Model, Registry, Sampler
from shared.tinker.service.request_log import RequestLog
from shared.tinker.service.shares import HOUSEKEEPING
from shared.tinker.service.store import Store
from shared.tinker.service.types import Engine, ServedModel
from shared.tinker.service.work import Worker

logger = logging.getLogger(__name__)

TOUCH_SECONDS = 1.0
SWEEP_SECONDS = 30.0
"""How often expired checkpoints are looked for."""


@dataclass(kw_only=True)
class Service:
    """Everything the routes work with. Made once, on the event loop."""

    engine: Engine
    store: Store
    checkpoints: Checkpoints
    keys: Keys
    limits: Limits
    log: RequestLog
    futures: Futures
    desk: Desk
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
        futures, log = Futures(store, limits), RequestLog(store)
        return cls(
            engine=engine,
            store=store,
            checkpoints=checkpoints,
            keys=keys,
            limits=limits,
            log=log,
            futures=futures,
            desk=Desk(futures, log, limits),
            registry=Registry(store, time.monotonic()),
            worker=Worker(engine),
        )

    def start(self) -> None:
        """Start the worker; the engine warms up behind the first answers."""
        self.worker.start()
        warm = self.worker.call(HOUSEKEEPING, self.engine.warm)
        loop = asyncio.get_running_loop()
        warm.add_done_callback(lambda done: on_loop(loop, partial(self._warmed, done)))

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

    def new_model(
        self, session: LiveSession, model: Model, metadata: Mapping[str, Any] | None
    ) -> None:
        """Put a model that the engine has made into its session, or free it when that has ended."""
        if session.id not in self.registry.sessions:
            self.worker.call(HOUSEKEEPING, lambda: self.engine.forget_model(model.id))
            return
        session.models[model.id] = model  # before what may fail: its end frees the model
        told = {name: str(value) for name, value in (metadata or {}).items()}
        self.store.add_run(
            model.id, session.id, session.key_id, model.base_model, model.lora, told or None
        )

    def touch(self, model: Model) -> None:
        """The model's run is in use; noted once in a while, for the list of runs."""
        now = time.monotonic()
        if now - model.touched > TOUCH_SECONDS:
            model.touched = now
            self.store.touch_run(model.id)

    def check_models(self, session: LiveSession) -> None:
        """Refuse one model too many; raises `OverLimitError`."""
        remedy = "Close a ServiceClient you no longer need, or make a new one."
        check_cap("Models of this session", len(session.models) + 1, self.limits.models, remedy)

    def drop_sampler(self, session: LiveSession, sampler_id: str) -> None:
        """Forget a sampling session, and its engine sampler when it was the last on it."""
        sampler = session.samplers.pop(sampler_id, None)
        if sampler is not None and not self.registry.in_use(sampler.source.engine_id):
            self.worker.forget_sampler(sampler.source.engine_id)

    def move_inflight(self, session: LiveSession, newest: Sampler) -> None:
        """Put all inflight samplers of the model onto the weights of the newest."""
        for sampler in session.samplers.values():
            if sampler.inflight_of == newest.inflight_of and sampler.source != newest.source:
                old, sampler.source = sampler.source, newest.source
                if not self.registry.in_use(old.engine_id):
                    self.worker.forget_sampler(old.engine_id)

    def end_session(self, session: LiveSession, reason: str) -> None:
        """End a session: its requests are given up, its models and samplers freed."""
        self.registry.sessions.pop(session.id, None)
        self.futures.end_session(session.id, f"The session ended: {reason}.")
        self.worker.leave(session.id)
        for model_id in session.models:
            self.worker.call(HOUSEKEEPING, partial(self.engine.forget_model, model_id))
        for sampler_id in list(session.samplers):
            self.drop_sampler(session, sampler_id)
        self.store.finish_session(session.id, reason)

    def give_up_all(self, reason: str) -> None:
        """Answer everything that is promised, because the service stops. Sessions stay alive."""
        for session_id in self.registry.sessions:
            self.futures.end_session(session_id, f"Not done: {reason}.")

    async def watch(self, interval: float = 1.0) -> None:
        """For ever: end silent sessions, drop old answers and expired checkpoints."""
        last = swept = time.monotonic()
        while True:
            await asyncio.sleep(interval)
            now = time.monotonic()
            if now - last > 5 * interval:
                self.registry.forgive(now - last)
            last = now
            try:
                self._end_silent(now)
                self.futures.sweep()
                if now - swept > SWEEP_SECONDS:
                    swept = now
                    await asyncio.to_thread(self.checkpoints.sweep)
            except TinkerKitError:  # a full disk, say; there will be another round
                logger.exception("housekeeping failed")

    def _end_silent(self, now: float) -> None:
        seconds = self.limits.heartbeat_seconds
        for session in self.registry.silent_since(now - seconds):
            self.end_session(session, f"no heartbeat for {seconds:g} s")
