"""Who is alive: sessions with their heartbeat, their models and their samplers.

Everything here is gone after a restart; the store remembers what there was. A key sees its own
only; the owner sees all. Lives on the event loop's thread. Frees nothing itself: it says what is
no longer needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service.records import Key
from shared.tinker.service.store import Store
from shared.tinker.service.types import LoraSpec
from shared.tinker.service.work import Source


class Gate:
    """Lets one model's requests through in the order of their seq_id, which begins at 1.

    The SDK sends them in order, so a gap means that a request was lost or refused on the way; it
    is waited for `patience` seconds.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._next = 1
        self._held: dict[int, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, seq_id: int | None, begin: Callable[[], None]) -> None:
        """Begin now or when it is this request's turn; without seq_id now.

        Raises:
            UserError: later requests have begun already.
        """
        if seq_id is None:
            begin()
            return
        if seq_id < self._next:
            raise UserError(
                f"seq_id {seq_id} arrived after {self._next - 1} had begun. Requests of one model "
                "must be sent in order; make a new training client."
            )
        self._held[seq_id] = begin
        self._advance()

    def _advance(self) -> None:
        while (begin := self._held.pop(self._next, None)) is not None:
            self._next += 1
            begin()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._skip)

    def _skip(self) -> None:
        self._timer = None
        if self._held:
            self._next = min(self._held)
            self._advance()


@dataclass(kw_only=True)
class Model:
    """A live LoRA model. `touched`: when its run was last marked as used, monotonic."""

    id: str
    session_id: str
    base_model: str
    lora: LoraSpec
    gate: Gate
    touched: float = 0.0


@dataclass(kw_only=True)
class Sampler:
    """A live sampling session. Several may share one `source`.

    `inflight_of` names the model whose every inflight save moves this sampler along.
    """

    id: str
    session_id: str
    source: Source
    inflight_of: str | None = None


@dataclass(kw_only=True)
class LiveSession:
    """A session that gives signs of life. `seen` is the monotonic time of the last one."""

    id: str
    key_id: str
    seen: float
    models: dict[str, Model] = field(default_factory=dict[str, Model])
    samplers: dict[str, Sampler] = field(default_factory=dict[str, Sampler])


class Registry:
    """The live sessions."""

    def __init__(self, store: Store, now: float) -> None:
        self._store = store
        self.sessions: dict[str, LiveSession] = {
            record.id: LiveSession(id=record.id, key_id=record.key_id, seen=now)
            for record in store.live_sessions()
        }

    def add(self, session_id: str, key: Key, now: float) -> LiveSession:
        """A new session."""
        session = LiveSession(id=session_id, key_id=key.id, seen=now)
        self.sessions[session_id] = session
        return session

    def sign_of_life(self, request_id: str, now: float) -> None:
        """Somebody asked for an answer of this session; ids begin with the session's."""
        session = self.sessions.get(request_id.partition(":")[0])
        if session is not None:
            session.seen = now

    def session(self, session_id: str, key: Key) -> LiveSession:
        """A live session of this key; raises `NotFoundError` that tells how an old one ended."""
        session = self.sessions.get(session_id)
        if session is not None and (key.owner or session.key_id == key.id):
            return session
        ended = self._store.session(session_id, key.id)
        raise NotFoundError(
            f"Session {session_id} has ended ({ended.reason or 'the service was restarted'}). "
            "Make a new tinker.ServiceClient."
        )

    def model(self, model_id: str, key: Key) -> Model:
        """A live model of this key; raises `NotFoundError` that says how to get it back."""
        session_id = model_id.rpartition(":train:")[0]
        session = self.sessions.get(session_id)
        if session is not None and (key.owner or session.key_id == key.id):
            model = session.models.get(model_id)
            if model is not None:
                return model
        self._store.run(model_id, key.id)
        raise NotFoundError(
            f"Model {model_id} is no longer in memory: its session ended or the service was "
            "restarted. Its checkpoints are kept; continue with "
            "create_training_client_from_state_with_optimizer(path)."
        )

    def models(self) -> Iterator[Model]:
        """Every live model."""
        for session in self.sessions.values():
            yield from session.models.values()

    def in_use(self, engine_id: str) -> bool:
        """Whether a live sampler still samples from this engine sampler."""
        return any(
            sampler.source.engine_id == engine_id
            for session in self.sessions.values()
            for sampler in session.samplers.values()
        )

    def silent_since(self, moment: float) -> list[LiveSession]:
        """The sessions without a sign of life after `moment`."""
        return [session for session in self.sessions.values() if session.seen < moment]

    def forgive(self, seconds: float) -> None:
        """The service itself was away for so long (stopped, swapped out): no session's fault."""
        for session in self.sessions.values():
            session.seen += seconds
