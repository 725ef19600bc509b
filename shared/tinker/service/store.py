"""What the service remembers: sessions, training runs, samplers and finished futures.

All of it survives a restart and `kill -9`. A reader names the key it reads for: a key sees what is
its own, `OWNER` sees everything, and what is another's is not found. Checkpoints, keys and the
request log keep their rows in the same database (`Store.db`) and have their own files.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from sqlite3 import Row
from typing import Any

from shared.tinker.errors import CheckpointError, NotFoundError
from shared.tinker.service.records import Finished, Run, SamplerRecord, Session
from shared.tinker.service.schema import Database
from shared.tinker.service.types import LoraSpec

logger = logging.getLogger(__name__)

OWNER = "owner"
"""The id of the owner's key, which sees everything."""

FUTURES_KEPT = 10_000
FUTURE_BYTES_KEPT = 256 << 20
_MINE = "(:key = 'owner' OR key_id = :key)"


class Store:
    """The state folder's database. Safe to call from any thread; `clock` gives Unix seconds."""

    def __init__(self, db: Database, state: Path, clock: Callable[[], float]) -> None:
        self.db = db
        self.state = state
        self.clock = clock
        row = db.row("SELECT count(*) AS n, coalesce(sum(size), 0) AS size FROM futures")
        assert row is not None
        self._futures: int = row["n"]
        self._future_bytes: int = row["size"]

    @classmethod
    def open(cls, state: Path, clock: Callable[[], float] = time.time) -> Store:
        """Open the state folder, making it (mode 0700) when new.

        Raises:
            CheckpointError: its database is damaged or of a later version of the kit.
        """
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(Database.open(state / "service.db"), state, clock)

    def close(self) -> None:
        """Close the database. Closing twice is fine."""
        self.db.close()

    # Sessions

    def add_session(self, key_id: str, session_id: str, **info: Any) -> None:
        """Remember a new session; `info` is anything JSON can say (tags, user_metadata, ...)."""
        now = self.clock()
        self.db.write(
            "INSERT INTO sessions (id, key_id, created_at, touched_at, info) VALUES (?,?,?,?,?)",
            (session_id, key_id, now, now, json.dumps(info)),
        )

    def touch_session(self, session_id: str) -> None:
        """The session gave a sign of life."""
        self._touch("UPDATE sessions SET touched_at=? WHERE id=?", session_id)

    def finish_session(self, session_id: str, reason: str) -> None:
        """The session is over. The first reason stays."""
        self._touch(
            "UPDATE sessions SET ended_at=?, reason=? WHERE id=? AND ended_at IS NULL",
            reason, session_id,
        )  # fmt: skip

    def session(self, session_id: str, key_id: str) -> Session:
        """One session.

        Raises:
            NotFoundError: there is none, or it is another key's.
        """
        row = self.db.row(
            f"SELECT * FROM sessions WHERE id=:id AND {_MINE}", {"id": session_id, "key": key_id}
        )
        if row is None:
            raise _not_found("session", session_id)
        return _session(row)

    def sessions(self, key_id: str, limit: int = 100, offset: int = 0) -> list[Session]:
        """The sessions a key sees, newest first."""
        rows = self.db.rows(
            f"SELECT * FROM sessions WHERE {_MINE} ORDER BY created_at DESC, id LIMIT :limit "
            "OFFSET :offset",
            {"key": key_id, "limit": limit, "offset": offset},
        )
        return [_session(row) for row in rows]

    def live_sessions(self) -> list[Session]:
        """Every key's sessions that have not ended, oldest first."""
        rows = self.db.rows("SELECT * FROM sessions WHERE ended_at IS NULL ORDER BY created_at, id")
        return [_session(row) for row in rows]

    # Training runs

    def add_run(
        self,
        run_id: str,
        session_id: str,
        key_id: str,
        base_model: str,
        lora: LoraSpec,
        user_metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Remember a new training run (a model of a session)."""
        now = self.clock()
        self.db.write(
            "INSERT INTO runs (id, session_id, key_id, base_model, lora, user_metadata, "
            "created_at, touched_at) VALUES (?,?,?,?,?,?,?,?)",
            (run_id, session_id, key_id, base_model, json.dumps(asdict(lora)),
             _optional_json(user_metadata), now, now),
        )  # fmt: skip

    def touch_run(self, run_id: str) -> None:
        """A request for the run arrived."""
        self._touch("UPDATE runs SET touched_at=? WHERE id=?", run_id)

    def _touch(self, statement: str, *values: str) -> None:
        with contextlib.suppress(CheckpointError):  # a full disk is no session's fault
            self.db.write(statement, (self.clock(), *values))

    def run(self, run_id: str, key_id: str) -> Run:
        """One training run.

        Raises:
            NotFoundError: there is none, or it is another key's.
        """
        row = self.db.row(
            f"SELECT * FROM runs WHERE id=:id AND {_MINE}", {"id": run_id, "key": key_id}
        )
        if row is None:
            raise _not_found("training run", run_id)
        return _run(row)

    def runs(self, key_id: str, limit: int = 20, offset: int = 0) -> list[Run]:
        """The runs a key sees, latest used first."""
        rows = self.db.rows(
            f"SELECT * FROM runs WHERE {_MINE} ORDER BY touched_at DESC, created_at DESC, id "
            "LIMIT :limit OFFSET :offset",
            {"key": key_id, "limit": limit, "offset": offset},
        )
        return [_run(row) for row in rows]

    def count_runs(self, key_id: str) -> int:
        """How many runs a key sees."""
        row = self.db.row(f"SELECT count(*) AS n FROM runs WHERE {_MINE}", {"key": key_id})
        return 0 if row is None else int(row["n"])

    def runs_of_session(self, session_id: str) -> list[Run]:
        """The runs of one session, in the order they were made."""
        rows = self.db.rows(
            "SELECT * FROM runs WHERE session_id=? ORDER BY created_at, rowid", (session_id,)
        )
        return [_run(row) for row in rows]

    # Samplers

    def add_sampler(
        self,
        sampler_id: str,
        session_id: str,
        key_id: str,
        base_model: str,
        model_path: str | None = None,
    ) -> None:
        """Remember a sampler; `model_path` is the tinker:// path it samples from, if any."""
        self.db.write(
            "INSERT OR REPLACE INTO samplers (id, session_id, key_id, base_model, model_path, "
            "created_at) VALUES (?,?,?,?,?,?)",
            (sampler_id, session_id, key_id, base_model, model_path, self.clock()),
        )

    def sampler(self, sampler_id: str, key_id: str) -> SamplerRecord:
        """One sampler.

        Raises:
            NotFoundError: there is none, or it is another key's.
        """
        row = self.db.row(
            f"SELECT * FROM samplers WHERE id=:id AND {_MINE}", {"id": sampler_id, "key": key_id}
        )
        if row is None:
            raise _not_found("sampler", sampler_id)
        return _sampler(row)

    def samplers_of_session(self, session_id: str) -> list[SamplerRecord]:
        """The samplers of one session, in the order they were made."""
        rows = self.db.rows(
            "SELECT * FROM samplers WHERE session_id=? ORDER BY created_at, rowid", (session_id,)
        )
        return [_sampler(row) for row in rows]

    # Finished futures

    def put_future(
        self, request_id: str, key_id: str, dedupe: str | None, content_type: str, body: bytes
    ) -> None:
        """Keep the answer of a finished request; `dedupe` is what a repeated request shares.

        The newest `FUTURES_KEPT` answers of at most `FUTURE_BYTES_KEPT` bytes together are kept,
        and always the last one. A request id that is there already keeps its first answer. When
        the disk is full the answer is not kept, which is logged: who waits for it gets it still.
        """
        try:
            self._put_future(request_id, key_id, dedupe, content_type, body)
        except CheckpointError as error:
            logger.warning("the answer to %s will not survive a restart: %s", request_id, error)

    def _put_future(
        self, request_id: str, key_id: str, dedupe: str | None, content_type: str, body: bytes
    ) -> None:
        with self.db.transaction():
            added = self.db.write(
                "INSERT OR IGNORE INTO futures (request_id, key_id, dedupe, content_type, body, "
                "size, created_at) VALUES (?,?,?,?,?,?,?)",
                (request_id, key_id, dedupe, content_type, body, len(body), self.clock()),
            )
            count, size = self._futures + added, self._future_bytes + added * len(body)
            while count > 1 and (count > FUTURES_KEPT or size > FUTURE_BYTES_KEPT):
                oldest = self.db.row("SELECT number, size FROM futures ORDER BY number LIMIT 1")
                assert oldest is not None
                self.db.write("DELETE FROM futures WHERE number=?", (oldest["number"],))
                count, size = count - 1, size - int(oldest["size"])
            self._futures, self._future_bytes = count, size

    def future(self, request_id: str, key_id: str) -> Finished | None:
        """The answer kept for a request; None when there is none or it is another key's."""
        row = self.db.row(
            f"SELECT * FROM futures WHERE request_id=:id AND {_MINE}",
            {"id": request_id, "key": key_id},
        )
        return None if row is None else _finished(row)

    def future_like(self, key_id: str, dedupe: str) -> Finished | None:
        """The answer kept for an earlier copy of a request of this key."""
        row = self.db.row(
            "SELECT * FROM futures WHERE key_id=? AND dedupe=? ORDER BY number DESC LIMIT 1",
            (key_id, dedupe),
        )
        return None if row is None else _finished(row)


def _not_found(what: str, name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no {what} {name[:200]!r} that this API key may see. Check the id, and that the "
        "client uses the key and the server it was made with."
    )


def _optional_json(value: Mapping[str, str] | None) -> str | None:
    return None if value is None else json.dumps(dict(value))


def _session(row: Row) -> Session:
    return Session(**{**dict(row), "info": json.loads(row["info"])})


def _run(row: Row) -> Run:
    facts = dict(row)
    facts["lora"] = LoraSpec(**json.loads(facts["lora"]))
    facts["user_metadata"] = json.loads(facts["user_metadata"] or "null")
    return Run(**facts)


def _sampler(row: Row) -> SamplerRecord:
    return SamplerRecord(**dict(row))


def _finished(row: Row) -> Finished:
    return Finished(
        request_id=row["request_id"],
        key_id=row["key_id"],
        dedupe=row["dedupe"],
        content_type=row["content_type"],
        body=bytes(row["body"]),
    )
