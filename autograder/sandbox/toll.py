"""What may pass through a door: one key, Tinker's own API, so many requests and no more.

Pure: no sockets. `relay` asks it about every request and tells the code in the jail what it says.
"""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

from autograder.sandbox.http_head import BadRequest, Head

BODY_BYTES = 32 << 20
"""The largest body of a request that brings training data."""

SMALL_BODY_BYTES = 1 << 20
"""The largest body of any other request: prompts, names and numbers."""

CAPS = {
    "create_session": 64,
    "create_model": 32,
    "load_weights": 32,
    "save_weights": 128,
    "save_weights_for_sampler": 256,
    "save_weights_external": 16,
    "create_sampling_session": 256,
}
"""How often one jail may ask for what takes memory or disk until the jail ends."""

_API, _FILES = "/api/v1/", "/kit/v1/files/"


@dataclass
class Toll:
    """Counts the requests of one jail. `key` is the only API key that may pass."""

    key: str
    requests: int
    """How many requests may pass in all."""
    passed: int = 0
    by_path: Counter[str] = field(default_factory=Counter[str])
    refusals: dict[str, None] = field(default_factory=dict[str, None])
    """The caps that were hit, each as a sentence for whoever reads the verdict."""
    turned_away: int = 0
    """Requests with another key, or for what is not Tinker's own API."""

    def check(self, head: Head) -> None:
        """Count one request.

        Raises:
            BadRequest: it may not pass; the reason is for the code that sent it.
        """
        try:
            self._same_key(head)
            self._tinkers_own(head)
        except BadRequest:
            self.turned_away += 1
            raise
        name = head.path.removeprefix(_API)
        most = BODY_BYTES if name == "forward_backward" else SMALL_BODY_BYTES
        if head.length > most:
            raise BadRequest(413, f"The body has {head.length:,} bytes, at most {most:,} may pass.")
        cap = CAPS.get(name)
        if cap is not None and self.by_path[name] >= cap:
            raise self._capped(f"{name} was asked for over {cap} times")
        if self.passed >= self.requests:
            raise self._capped(f"over {self.requests} requests were sent")
        self.passed += 1
        if cap is not None:
            self.by_path[name] += 1

    def _same_key(self, head: Head) -> None:
        given = head.field("x-api-key")
        open_to_all = head.path == f"{_API}healthz" or head.path.startswith(_FILES)
        if given is None and open_to_all:
            return
        if given is None or not hmac.compare_digest(given.encode(), self.key.encode()):
            raise BadRequest(
                401, "This door opens for the key in TINKER_API_KEY only. Use connect()."
            )

    def _tinkers_own(self, head: Head) -> None:
        parts = unquote(head.path).split("/")
        if not head.path.startswith((_API, _FILES)) or {"", ".", ".."} & set(parts[1:]):
            raise BadRequest(403, "Only Tinker's own API is behind this door.")
        if parts[-1] == "publish":
            raise BadRequest(403, "Code that is graded publishes no checkpoint.")

    def _capped(self, what: str) -> BadRequest:
        sentence = f"The limit of the lab's Tinker service was reached: {what}."
        self.refusals[sentence] = None
        return BadRequest(403, f"{sentence} Do it less often.")
