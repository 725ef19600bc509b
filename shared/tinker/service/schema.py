"""The service's one SQLite file: its tables, their version, and a connection threads may share.

Write-ahead logging with `synchronous=NORMAL`: what was committed survives `kill -9` of the service;
only a power cut may take the last commits, and then whole. What the rows mean stands in `store`,
`keys`, `checkpoints` and `request_log`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.tinker.errors import CheckpointError

VERSION = 1

_TABLES = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
    budget_tokens INTEGER, budget_steps INTEGER,
    spent_tokens INTEGER NOT NULL DEFAULT 0, spent_steps INTEGER NOT NULL DEFAULT 0,
    withhold INTEGER NOT NULL, created_at REAL NOT NULL, revoked_at REAL);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, key_id TEXT NOT NULL, created_at REAL NOT NULL,
    touched_at REAL NOT NULL, ended_at REAL, reason TEXT, info TEXT NOT NULL);
CREATE INDEX sessions_by_key ON sessions (key_id, created_at);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL, key_id TEXT NOT NULL,
    base_model TEXT NOT NULL, lora TEXT NOT NULL, user_metadata TEXT,
    created_at REAL NOT NULL, touched_at REAL NOT NULL);
CREATE INDEX runs_by_key ON runs (key_id, created_at);
CREATE INDEX runs_by_session ON runs (session_id);
CREATE TABLE samplers (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL, key_id TEXT NOT NULL,
    base_model TEXT NOT NULL, model_path TEXT, created_at REAL NOT NULL);
CREATE INDEX samplers_by_session ON samplers (session_id);
CREATE TABLE futures (
    number INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL UNIQUE,
    key_id TEXT NOT NULL, dedupe TEXT, content_type TEXT NOT NULL, body BLOB NOT NULL,
    size INTEGER NOT NULL, created_at REAL NOT NULL);
CREATE INDEX futures_by_dedupe ON futures (key_id, dedupe);
CREATE TABLE checkpoints (
    run_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,
    folder TEXT NOT NULL, manifest_sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    public INTEGER NOT NULL DEFAULT 0, user_metadata TEXT,
    created_at REAL NOT NULL, expires_at REAL, PRIMARY KEY (run_id, kind, name));
CREATE INDEX checkpoints_by_key ON checkpoints (key_id, created_at);
CREATE TABLE requests (
    arrival_order INTEGER PRIMARY KEY, release_order INTEGER, key_id TEXT NOT NULL,
    session_id TEXT NOT NULL, model_id TEXT, kind TEXT NOT NULL, seq_id INTEGER,
    arrived_at REAL NOT NULL, released_at REAL, facts TEXT NOT NULL);
CREATE INDEX requests_by_key ON requests (key_id, arrival_order);
"""


class Database:
    """One connection under one lock. Every method may be called from any thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open `path`, making it and its tables when new.

        Raises:
            CheckpointError: the file is no database, or of a later version of the kit.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=10, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            _migrate(connection, path)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise CheckpointError(
                f"{path} cannot be read ({error}). Move it away, or start the service with "
                "another state folder."
            ) from error
        except BaseException:
            connection.close()
            raise
        path.chmod(0o600)
        return cls(connection)

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock, _told():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, if any."""
        with self._lock, _told():
            return self._connection.execute(sql, values).fetchone()

    def write(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run and commit one statement. Returns how many rows it touched.

        Raises:
            CheckpointError: it cannot be kept; the disk is full, say.
        """
        with self._lock, _told():
            return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Generator[None]:
        """Statements that are committed together or not at all. Transactions do not nest.

        With `durable` the commit also survives a power cut, for what cannot be done again.
        """
        with self._lock, _told():
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself rolls back on a full disk
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        with self._lock:
            self._connection.close()


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise CheckpointError(
            f"The service's state cannot be read or written: {error}. Make room on the disk, then "
            "try again."
        ) from error


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise CheckpointError(
            f"{path} was written by a later version of the kit (schema {version}, this one knows "
            f"{VERSION}). Update the kit or use another state folder."
        )
    if version == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        )
