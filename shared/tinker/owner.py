"""The owner's side of a running service: hands out keys, reads what their clients asked.

For graders. Plain HTTP with the owner's key; no SDK and no torch.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from shared.tinker.errors import UnreachableError
from shared.tinker.reach import opener
from shared.tinker.service.records import Key, LogEntry

ANSWER_SECONDS = 60.0
"""How long the service may take; it is busy when a whole class is graded."""

_PAGE = 1000


class Owner:
    """Asks the service at `url` with its owner's key. Every call may raise `UnreachableError`."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._api_key = api_key
        self._opener = opener(url)

    def __repr__(self) -> str:
        return f"Owner({self.url})"

    def new_key(
        self,
        name: str = "",
        *,
        budget_tokens: int | None = None,
        budget_steps: int | None = None,
        withhold: bool = False,
    ) -> tuple[str, str]:
        """A new key: its id, and the API key itself, which is told only now."""
        wanted = {
            "name": name[:200],
            "budget_tokens": budget_tokens,
            "budget_steps": budget_steps,
            "withhold": withhold,
        }
        made = self._ask("POST", "keys", wanted)
        return str(made["id"]), str(made["api_key"])

    def key(self, key_id: str) -> Key:
        """A key with its budgets and what it has spent."""
        return Key(**self._ask("GET", f"keys/{key_id}"))

    def log(self, key_id: str, after: int = 0) -> tuple[LogEntry, ...]:
        """What came with a key, in order of arrival; entries numbered above `after` only."""
        found: list[LogEntry] = []
        while True:
            page = self._ask("GET", f"keys/{key_id}/log?after={after}&limit={_PAGE}")
            found += [LogEntry(**entry) for entry in page["entries"]]
            if page["next"] is None:
                return tuple(found)
            after = int(page["next"])

    def end(self, key_id: str) -> None:
        """Revoke a key, end its sessions and delete its checkpoints; its log stays."""
        self._ask("DELETE", f"keys/{key_id}?checkpoints=delete")

    def _ask(self, method: str, path: str, payload: object = None) -> dict[str, Any]:
        body = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(f"{self.url}/kit/v1/{path}", data=body, method=method)
        request.add_header("X-API-Key", self._api_key)
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                answer: dict[str, Any] = json.loads(response.read() or b"{}")
                return answer
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode("utf-8", "replace")
            raise UnreachableError(
                f"The service at {self.url} refuses its owner: {method} {path} gave {said}"
            ) from error
        except (OSError, ValueError) as error:
            raise UnreachableError(
                f"The service at {self.url} does not answer: {error}."
            ) from error
