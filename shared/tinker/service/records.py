"""What the state side hands out: plain frozen records, one for each kind of row.

Times are Unix seconds. A key's records never hold the key itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.tinker.service.types import LoraSpec

Kind = Literal["weights", "sampler_weights", "external_weights"]
"""The middle part of a tinker:// path."""

KINDS: tuple[Kind, ...] = ("weights", "sampler_weights", "external_weights")


@dataclass(frozen=True, kw_only=True)
class Session:
    """One client's session. `info` is what it said of itself: tags, user_metadata, ..."""

    id: str
    key_id: str
    created_at: float
    touched_at: float
    ended_at: float | None = None
    reason: str | None = None
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run: one model of a session. `id` is its model id, `<session>:train:<n>`."""

    id: str
    session_id: str
    key_id: str
    base_model: str
    lora: LoraSpec
    user_metadata: Mapping[str, str] | None
    created_at: float
    touched_at: float


@dataclass(frozen=True, kw_only=True)
class SamplerRecord:
    """A sampling session. `model_path` None: the base model itself, or a nameless snapshot."""

    id: str
    session_id: str
    key_id: str
    base_model: str
    model_path: str | None
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The answer of a finished request, as it goes over the wire."""

    request_id: str
    key_id: str
    dedupe: str | None
    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One published checkpoint. `folder` is relative to the root of all checkpoints."""

    run_id: str
    kind: Kind
    name: str
    key_id: str
    folder: str
    manifest_sha256: str
    size_bytes: int
    public: bool
    user_metadata: Mapping[str, str] | None
    created_at: float
    expires_at: float | None

    @property
    def tinker_path(self) -> str:
        """`tinker://<run>/<kind>/<name>`."""
        return f"tinker://{self.run_id}/{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Key:
    """Who asks. Budgets None: no limit. `withhold`: a graded key, whose results are held back."""

    id: str
    name: str = ""
    owner: bool = False
    budget_tokens: int | None = None
    budget_steps: int | None = None
    spent_tokens: int = 0
    spent_steps: int = 0
    withhold: bool = False
    created_at: float = 0.0
    revoked_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One request of the log. One counter numbers arrivals and releases, so they compare.

    `release_order` None: its result has not been released.
    """

    arrival_order: int
    release_order: int | None
    key_id: str
    session_id: str
    model_id: str | None
    kind: str
    seq_id: int | None
    arrived_at: float
    released_at: float | None
    facts: Mapping[str, Any]
