"""Checkpoints on disk: saved whole or not at all, found by path and key, expired and deleted.

A checkpoint is written into a folder nobody sees, listed with checksums, forced to the disk,
renamed to `<run>/<kind>/<name>/<version>` and then entered in the database: that commit is the
moment it exists. Each save has a version of its own, so an older one stays readable until the
commit, and what a crash leaves behind is swept at the next start. What the files hold is the
engine's affair.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Row
from typing import Any

from shared.tinker.errors import CheckpointError, NotFoundError, OverLimitError, UserError
from shared.tinker.service import manifest
from shared.tinker.service.limits import Limits
from shared.tinker.service.records import Checkpoint, Kind
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.tinker_path import TinkerPath, check_kind, check_name, parse

SHORTEST_TTL = 3600
LONGEST_TTL = 10 * 366 * 24 * 3600
_WRITING = ".writing"
_ALIVE = "(expires_at IS NULL OR expires_at > :now)"
_MINE = f"(:key = '{OWNER}' OR key_id = :key)"


class Checkpoints:
    """The checkpoints under `root`. Safe to call from any thread."""

    def __init__(self, store: Store, root: Path, limits: Limits | None = None) -> None:
        self._store = store
        self._db = store.db
        self._root = root
        self._limits = limits or Limits()
        self._tree = threading.Lock()
        """Held while folders above a version are made or removed."""
        self._clean()

    @contextmanager
    def writing(
        self,
        run_id: str,
        kind: Kind,
        name: str,
        *,
        ttl_seconds: int | None = None,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> Generator[Path]:
        """An empty folder to write a checkpoint into; it becomes one when the block ends.

        When the block raises, or the disk is full, nothing is left of it and an older checkpoint
        of that name is as before. An overwritten one loses its metadata, lifetime and publicity.

        Raises:
            UserError: a bad name or lifetime, or the name is taken and `overwrite` is false.
            NotFoundError: there is no such run.
            OverLimitError: the service's share of the disk is used up.
            CheckpointError: the files cannot be written.
        """
        path = TinkerPath(run_id, check_kind(kind), check_name(name))
        key_id = self._store.run(run_id, OWNER).key_id
        expires_at = self._expiry(ttl_seconds)
        self._check_free(path, overwrite)
        folder = self._root / _WRITING / secrets.token_hex(8)
        with _told(path, folder):
            self._check_room()
            folder.mkdir(parents=True, mode=0o700)
            try:
                yield folder
                digest, size = manifest.seal(folder)
                values = {
                    "run": run_id, "kind": kind, "name": name, "key": key_id, "manifest": digest,
                    "size": size, "expires": expires_at, "now": self._store.clock(),
                    "metadata": None if metadata is None else json.dumps(dict(metadata)),
                }  # fmt: skip
                self._publish(path, folder, values, overwrite)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _publish(
        self, path: TinkerPath, folder: Path, values: dict[str, Any], overwrite: bool
    ) -> None:
        final = Path(path.run_id.replace(":", "-"), path.kind, path.name, secrets.token_hex(8))
        with self._tree:
            (self._root / final).parent.mkdir(parents=True, exist_ok=True)
            folder.rename(self._root / final)
        try:
            manifest.sync_folder((self._root / final).parent)
            with self._db.transaction(durable=True):
                self._check_free(path, overwrite)
                old = self._row(path, expired=True)
                self._check_size(values["size"] - (old.size_bytes if old else 0))
                self._db.write(
                    "INSERT OR REPLACE INTO checkpoints (run_id, kind, name, key_id, folder, "
                    "manifest_sha256, size_bytes, user_metadata, created_at, expires_at) VALUES "
                    "(:run, :kind, :name, :key, :folder, :manifest, :size, :metadata, :now, "
                    ":expires)",
                    {**values, "folder": final.as_posix()},
                )
        except BaseException:
            self._remove(final.as_posix())
            raise
        if old is not None:
            self._remove(old.folder)

    def find(self, tinker_path: str, key_id: str) -> Checkpoint:
        """A checkpoint this key may read: its own or a published one. Files are not looked at.

        Raises:
            UserError: no tinker:// path.
            NotFoundError: there is none, it has expired, or it is another key's.
        """
        path = parse(tinker_path)
        found = self._row(path)
        if found is None or not (found.public or key_id in (OWNER, found.key_id)):
            raise _not_found(path)
        return found

    def own(self, tinker_path: str, key_id: str) -> Checkpoint:
        """A checkpoint this key may change: its own. Raises as `find` does."""
        found = self.find(tinker_path, key_id)
        if key_id not in (OWNER, found.key_id):
            raise _not_found(parse(tinker_path))
        return found

    def folder(self, checkpoint: Checkpoint) -> Path:
        """Where its files lie; they are not looked at."""
        return self._root / checkpoint.folder

    def resolve(self, tinker_path: str, key_id: str) -> Path:
        """The folder of a checkpoint this key may read, every file compared with its checksum.

        Raises as `find` does, and `CheckpointError` that names a missing, cut off or altered file.
        """
        found = self.find(tinker_path, key_id)
        manifest.verify(self.folder(found), found.manifest_sha256)
        return self.folder(found)

    def list(
        self,
        key_id: str,
        *,
        run_id: str | None = None,
        kind: Kind | None = None,
        limit: int = -1,
        offset: int = 0,
    ) -> list[Checkpoint]:
        """A key's own checkpoints, newest first; `limit` -1: all."""
        rows = self._db.rows(
            f"SELECT * FROM checkpoints WHERE {_MINE} AND {_ALIVE} "
            "AND (:run IS NULL OR run_id=:run) AND (:kind IS NULL OR kind=:kind) "
            "ORDER BY created_at DESC, rowid DESC LIMIT :limit OFFSET :offset",
            {"key": key_id, "now": self._store.clock(), "run": run_id, "kind": kind,
             "limit": limit, "offset": offset},
        )  # fmt: skip
        return [_checkpoint(row) for row in rows]

    def count(self, key_id: str) -> int:
        """How many checkpoints a key has."""
        row = self._db.row(
            f"SELECT count(*) AS n FROM checkpoints WHERE {_MINE} AND {_ALIVE}",
            {"key": key_id, "now": self._store.clock()},
        )
        return 0 if row is None else int(row["n"])

    def public_in(self, run_id: str) -> list[Checkpoint]:
        """The published checkpoints of a run, newest first: what every key may know of it."""
        return [found for found in self.list(OWNER, run_id=run_id) if found.public]

    def publish(self, tinker_path: str, key_id: str, *, public: bool = True) -> None:
        """Let every key read it, or only its own again. Doing it twice is fine."""
        self._update(self.own(tinker_path, key_id), "public", int(public))

    def set_ttl(self, tinker_path: str, key_id: str, ttl_seconds: int | None) -> None:
        """Let it expire in `ttl_seconds` from now, or never."""
        self._update(self.own(tinker_path, key_id), "expires_at", self._expiry(ttl_seconds))

    def delete(self, tinker_path: str, key_id: str) -> None:
        """Delete it, damaged or not. Raises as `find` does."""
        self._drop(self.own(tinker_path, key_id))

    def sweep(self) -> int:
        """Delete what has expired. Returns how many that were."""
        rows = self._db.rows(
            "SELECT * FROM checkpoints WHERE expires_at <= ?", (self._store.clock(),)
        )
        for row in rows:
            self._drop(_checkpoint(row))
        return len(rows)

    def _row(self, path: TinkerPath, *, expired: bool = False) -> Checkpoint | None:
        row = self._db.row(
            f"SELECT * FROM checkpoints WHERE run_id=:run AND kind=:kind AND name=:name "
            f"AND (:expired OR {_ALIVE})",
            {"run": path.run_id, "kind": path.kind, "name": path.name, "expired": expired,
             "now": self._store.clock()},
        )  # fmt: skip
        return None if row is None else _checkpoint(row)

    def _update(self, checkpoint: Checkpoint, column: str, value: float | None) -> None:
        self._db.write(
            f"UPDATE checkpoints SET {column}=? WHERE folder=?", (value, checkpoint.folder)
        )

    def _drop(self, checkpoint: Checkpoint) -> None:
        if self._db.write("DELETE FROM checkpoints WHERE folder=?", (checkpoint.folder,)):
            self._remove(checkpoint.folder)

    def _remove(self, folder: str) -> None:
        """Remove one version, and the folders above it that are empty then."""
        path = self._root / folder
        with self._tree, contextlib.suppress(OSError):
            shutil.rmtree(path, ignore_errors=True)
            for parent in list(path.parents)[:3]:
                parent.rmdir()

    def _expiry(self, ttl_seconds: int | None) -> float | None:
        if ttl_seconds is None:
            return None
        if not SHORTEST_TTL <= ttl_seconds <= LONGEST_TTL:
            raise UserError(
                f"ttl_seconds is {ttl_seconds}. Expected {SHORTEST_TTL} (an hour) to {LONGEST_TTL}"
                " (ten years), or none to keep the checkpoint."
            )
        return self._store.clock() + ttl_seconds

    def _check_free(self, path: TinkerPath, overwrite: bool) -> None:
        if not overwrite and self._row(path) is not None:
            raise UserError(
                f"{path} exists already. Save under another name, delete it, or pass "
                "overwrite=True to save_state."
            )

    def _check_room(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        free, least = shutil.disk_usage(self._root).free, self._limits.free_disk_bytes
        if free < least:
            raise CheckpointError(
                f"The disk has {free:,} bytes left and a save must leave {least:,}. Make room "
                "on the disk, then save again."
            )

    def _check_size(self, more: int) -> None:
        row = self._db.row("SELECT coalesce(sum(size_bytes), 0) AS size FROM checkpoints")
        used = 0 if row is None else int(row["size"])
        if used + more > self._limits.disk_bytes:
            raise OverLimitError(
                f"Checkpoints use {used:,} bytes and this one needs {more:,} more; at most "
                f"{self._limits.disk_bytes:,} are allowed here. Delete some, or give them a "
                "ttl_seconds."
            )

    def _clean(self) -> None:
        """Remove what no row names: the remains of a crash."""
        shutil.rmtree(self._root / _WRITING, ignore_errors=True)
        known = {str(row["folder"]) for row in self._db.rows("SELECT folder FROM checkpoints")}
        for version in self._root.glob("*/*/*/*"):
            folder = version.relative_to(self._root).as_posix()
            if folder not in known:
                self._remove(folder)


@contextmanager
def _told(path: TinkerPath, folder: Path) -> Generator[None]:
    """Name the checkpoint, not the folder nobody knows, and say what became of the old one."""
    try:
        yield
    except (OSError, CheckpointError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        reason = (reason or str(error) or type(error).__name__).replace(str(folder), "it")
        raise CheckpointError(
            f"{path} was not saved: {reason.rstrip('.')}. Whatever was saved under that name "
            "before is unchanged."
        ) from error


def _not_found(path: TinkerPath) -> NotFoundError:
    return NotFoundError(
        f"There is no checkpoint {path} that this API key may see. It may have expired or been "
        "deleted; list yours with `tinker checkpoint list`."
    )


def _checkpoint(row: Row) -> Checkpoint:
    facts = dict(row)
    facts["public"] = bool(facts["public"])
    facts["user_metadata"] = json.loads(facts["user_metadata"] or "null")
    return Checkpoint(**facts)
