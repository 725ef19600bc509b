"""API keys: the owner's, and the ones the owner hands out with budgets of tokens and steps.

Only a sha256 of a key is stored; keys are 192 random bits, so a slow hash would add nothing. The
owner's own key also lies in a file of mode 0600, for the clients of the same user. What a key may
see is decided by `store`, by the key's id.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from sqlite3 import Row

from shared.tinker.errors import NotFoundError, OverLimitError, UserError
from shared.tinker.service.records import Key
from shared.tinker.service.store import OWNER, Store

PREFIX = "tml-"
"""The SDK refuses keys that begin with anything else."""

_LONGEST = 512


class Keys:
    """The keys of one service. Safe to call from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    @classmethod
    def open(cls, store: Store, key_file: Path | None = None) -> tuple[Keys, str]:
        """The keys of `store` and the owner's API key, made on the first start.

        Args:
            store: the opened state.
            key_file: where the owner's key lies; `owner.key` in the state folder when None. It is
                made, readable by its owner only, when it is not there.

        Raises:
            UserError: the file does not hold a key.
        """
        path = key_file or store.state / "owner.key"
        api_key = _read_or_make(path)
        keys = cls(store)
        keys._put(OWNER, "owner", api_key)
        return keys, api_key

    def authenticate(self, api_key: str) -> Key | None:
        """Whose key this is; None for an unknown or revoked one."""
        if len(api_key) > _LONGEST:
            return None
        digest = _digest(api_key)
        row = self._db.row("SELECT * FROM keys WHERE digest=? AND revoked_at IS NULL", (digest,))
        if row is None or not hmac.compare_digest(row["digest"], digest):
            return None
        return _key(row)

    def create(
        self,
        *,
        name: str = "",
        budget_tokens: int | None = None,
        budget_steps: int | None = None,
        withhold: bool = False,
    ) -> tuple[Key, str]:
        """Make a key. The API key is returned here and never again.

        Raises:
            UserError: a budget below 0 or beyond what a table can hold.
        """
        for budget in (budget_tokens, budget_steps):
            if budget is not None and not 0 <= budget < 1 << 62:
                raise UserError(f"A budget must be 0 or more, not {budget}.")
        key_id, api_key = secrets.token_hex(8), PREFIX + secrets.token_urlsafe(24)
        self._put(key_id, name, api_key, budget_tokens, budget_steps, withhold)
        return self.get(key_id), api_key

    def get(self, key_id: str) -> Key:
        """One key, revoked or not.

        Raises:
            NotFoundError: there is none.
        """
        row = self._db.row("SELECT * FROM keys WHERE id=?", (key_id,))
        if row is None:
            raise NotFoundError(f"There is no key {key_id[:200]!r}.")
        return _key(row)

    def all(self) -> list[Key]:
        """Every key, oldest first."""
        return [_key(row) for row in self._db.rows("SELECT * FROM keys ORDER BY created_at, rowid")]

    def revoke(self, key_id: str) -> None:
        """From now on the key opens nothing. What it made stays. Revoking twice is fine.

        Raises:
            NotFoundError: there is none.
            UserError: it is the owner's.
        """
        if self.get(key_id).owner:
            raise UserError("The owner's key cannot be revoked. Delete its file and restart.")
        self._db.write(
            "UPDATE keys SET revoked_at=? WHERE id=? AND revoked_at IS NULL",
            (self._store.clock(), key_id),
        )

    def spend(self, key_id: str, *, tokens: int = 0, steps: int = 0) -> None:
        """Take from the key's budgets: both or, when one does not suffice, neither.

        Raises:
            OverLimitError: a budget does not suffice.
            NotFoundError: there is no such key.
            UserError: an amount below 0.
        """
        if tokens < 0 or steps < 0:
            raise UserError(f"Only 0 or more can be spent, not {tokens} tokens and {steps} steps.")
        if max(tokens, steps) >= 1 << 62:
            raise _over(self.get(key_id), tokens, steps)
        spent = self._db.write(
            "UPDATE keys SET spent_tokens=spent_tokens+:tokens, spent_steps=spent_steps+:steps "
            "WHERE id=:id "
            "AND (:tokens=0 OR budget_tokens IS NULL OR spent_tokens+:tokens<=budget_tokens) "
            "AND (:steps=0 OR budget_steps IS NULL OR spent_steps+:steps<=budget_steps)",
            {"id": key_id, "tokens": tokens, "steps": steps},
        )
        if not spent:
            raise _over(self.get(key_id), tokens, steps)

    def link_secret(self) -> bytes:
        """What download links are signed with: 32 bytes that change when the owner's key does."""
        row = self._db.row("SELECT digest FROM keys WHERE id=?", (OWNER,))
        if row is None:
            raise NotFoundError("This service has no owner's key.")
        return hmac.new(row["digest"], b"labkit download links", hashlib.sha256).digest()

    def refund(self, key_id: str, *, tokens: int) -> None:
        """Give back tokens that were spent in advance and not used."""
        if tokens > 0:
            self._db.write(
                "UPDATE keys SET spent_tokens=max(0, spent_tokens-?) WHERE id=?", (tokens, key_id)
            )

    def _put(
        self,
        key_id: str,
        name: str,
        api_key: str,
        tokens: int | None = None,
        steps: int | None = None,
        withhold: bool = False,
    ) -> None:
        self._db.write(
            "INSERT INTO keys (id, name, digest, budget_tokens, budget_steps, withhold, "
            "created_at) VALUES (?,?,?,?,?,?,?) "
            "ON CONFLICT (id) DO UPDATE SET digest=excluded.digest",
            (key_id, name, _digest(api_key), tokens, steps, withhold, self._store.clock()),
        )


def _digest(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).digest()


def _key(row: Row) -> Key:
    facts = {name: row[name] for name in row.keys() if name != "digest"}  # noqa: SIM118
    facts["withhold"] = bool(facts["withhold"])
    return Key(**facts, owner=row["id"] == OWNER)


def _over(key: Key, tokens: int, steps: int) -> OverLimitError:
    wanted = (
        ("tokens", tokens, key.spent_tokens, key.budget_tokens),
        ("steps", steps, key.spent_steps, key.budget_steps),
    )
    reasons = [
        f"{amount} {what} asked, {max(budget - spent, 0)} left of {budget}"
        for what, amount, spent, budget in wanted
        if amount and budget is not None and spent + amount > budget
    ]
    return OverLimitError(
        f"The budget of this API key is used up: {'; '.join(reasons)}. Use fewer or shorter "
        "sequences, or ask whoever gave you the key for more."
    )


def _read_or_make(path: Path) -> str:
    try:
        api_key = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        api_key = PREFIX + secrets.token_urlsafe(24)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(api_key + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, ValueError) as error:
        raise UserError(f"The key file {path} cannot be read: {error}.") from error
    if not api_key.startswith(PREFIX) or not 8 <= len(api_key) <= _LONGEST:
        raise UserError(f"{path} does not hold an API key: it must begin with {PREFIX!r}.")
    return api_key
