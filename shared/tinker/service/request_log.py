"""What was asked, in order: the evidence a grader reads instead of what a client claims.

Arrivals and releases are numbered by one counter, so which came first needs no clock. Entries are
committed as they happen and survive a restart. An entry holds hashes of the data, never the data.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import threading
from collections.abc import Mapping
from sqlite3 import Row
from typing import Any

import numpy as np

from shared.tinker.errors import CheckpointError
from shared.tinker.service.records import LogEntry
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.types import Datum

logger = logging.getLogger(__name__)

OWNER_KEPT = 50_000
"""Entries kept of the owner's own requests. Those of other keys are all kept: they are evidence."""

_PRUNE_EVERY = 1000


class RequestLog:
    """The log of one service. Safe to call from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db
        self._lock = threading.Lock()
        row = self._db.row(
            "SELECT max(coalesce(max(arrival_order), 0), coalesce(max(release_order), 0)) AS last "
            "FROM requests"
        )
        self._last: int = 0 if row is None else row["last"]
        self._of_owner = 0

    def arrived(
        self,
        key_id: str,
        session_id: str,
        kind: str,
        *,
        model_id: str | None = None,
        seq_id: int | None = None,
        **facts: Any,
    ) -> int:
        """Note a request before it is worked on. Returns its number.

        Args:
            key_id: whose request it is.
            session_id: the session it belongs to.
            kind: "forward_backward", "forward", "optim_step", "asample", "save_weights", ...
            model_id: the training run, if it is about one.
            seq_id: its number within the model or sampling session.
            facts: what a grader wants to know, as JSON can say it: loss_fn, datums (hashes),
                learning_rate, path, ...
        """
        with self._lock:
            self._last += 1
            order = self._last
            self._db.write(
                "INSERT INTO requests (arrival_order, key_id, session_id, model_id, kind, seq_id, "
                "arrived_at, facts) VALUES (?,?,?,?,?,?,?,?)",
                (order, key_id, session_id, model_id, kind, seq_id, self._store.clock(),
                 _json(facts)),
            )  # fmt: skip
        if key_id == OWNER:
            self._of_owner += 1
            if self._of_owner % _PRUNE_EVERY == 0:
                self._prune()
        return order

    def note(self, order: int, **facts: Any) -> None:
        """Add what became known later: metrics, a path, an error. Later facts win."""
        if facts:
            self._db.write(
                "UPDATE requests SET facts=json_patch(facts, ?) WHERE arrival_order=?",
                (_json(facts), order),
            )

    def released(self, order: int, **facts: Any) -> None:
        """Note that the result may be fetched from now on. Only the first release counts.

        A full disk is logged and not raised: the result must reach who waits for it.
        """
        try:
            self.note(order, **facts)
            with self._lock:
                self._last += 1
                self._db.write(
                    "UPDATE requests SET release_order=?, released_at=? "
                    "WHERE arrival_order=? AND release_order IS NULL",
                    (self._last, self._store.clock(), order),
                )
        except CheckpointError as error:
            logger.warning("the release of request %d was not logged: %s", order, error)

    def read(
        self,
        key_id: str,
        *,
        session_id: str | None = None,
        model_id: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[LogEntry]:
        """A key's entries in order of arrival, those numbered above `after` only."""
        rows = self._db.rows(
            "SELECT * FROM requests WHERE key_id=:key AND arrival_order>:after "
            "AND (:session IS NULL OR session_id=:session) "
            "AND (:model IS NULL OR model_id=:model) ORDER BY arrival_order LIMIT :limit",
            {"key": key_id, "after": after, "session": session_id, "model": model_id,
             "limit": limit},
        )  # fmt: skip
        return [_entry(row) for row in rows]

    def _prune(self) -> None:
        self._db.write(
            "DELETE FROM requests WHERE key_id=:key AND arrival_order <= (SELECT arrival_order "
            "FROM requests WHERE key_id=:key ORDER BY arrival_order DESC LIMIT 1 OFFSET :kept)",
            {"key": OWNER, "kept": OWNER_KEPT},
        )


def datum_hash(datum: Datum) -> str:
    """sha256 of a datum, as hex; the same on every machine.

    Over `tokens` as little-endian int64 and each input by name in order: name, dtype (float32 or
    int64), shape, little-endian bytes.
    """
    digest = hashlib.sha256()
    arrays: Mapping[str, np.ndarray] = {"": datum.tokens, **dict(sorted(datum.inputs.items()))}
    for name, array in arrays.items():
        kind = "<f4" if array.dtype.kind == "f" else "<i8"
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}|{kind}|{shape}|".encode())
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()


def _entry(row: Row) -> LogEntry:
    return LogEntry(**{**dict(row), "facts": json.loads(row["facts"])})


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(_plain(facts), allow_nan=False)


def _plain(value: Any) -> Any:
    """`value` as JSON can say it: a float that is not finite becomes its name."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
