"""Tells the student when the server dies in the middle of work; the SDK alone retries for ever.

Before every attempt, also a repeated one, the SDK asks its credential provider for the key, and an
error of the provider ends the request at once. So the provider is where the question "is the server
still there?" is asked: no transport is replaced and no request is held up. A server that comes back
within the grace period (`labkit serve` restarted; its state survives) is taken as never gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import httpx
import tinker
from tinker.lib._auth_token_provider import AuthTokenProvider

from shared.tinker.errors import UnreachableError
from shared.tinker.reach import Address

if TYPE_CHECKING:
    from tinker.lib.client_connection_pool_type import ClientConnectionPoolType
    from tinker.lib.internal_client_holder import InternalClientHolder

# The SDK's attempts lie 0, 1, 3, 7 s (futures) or about 0, 0.5, 1.5, 3.5 s (others) apart, so a
# grace of 2.5 s ends at 3 to 3.5 s on this machine. A network may be away for longer.
GRACE_SECONDS = 2.5
GRACE_SECONDS_REMOTE = 30.0


class Watch:
    """What is known of one server: when it last failed to answer, and whether it is gone."""

    def __init__(self, address: Address, ended: Callable[[], str | None]) -> None:
        """Watch a server.

        Args:
            address: the server.
            ended: why its process ended; None while it lives or when that cannot be known.
        """
        self.address = address
        self._ended = ended
        self._failing_since: float | None = None

    def answered(self) -> None:
        """The server answered."""
        self._failing_since = None

    def failed(self) -> None:
        """A request got no answer."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()

    async def check(self) -> None:
        """Return if another attempt makes sense.

        Raises:
            UnreachableError: the server is gone.
        """
        if (reason := self._ended()) is not None:
            raise UnreachableError(
                f"The embedded Tinker service at {self.address.base_url} has ended ({reason}). "
                f"{self.address.advice}"
            )
        since = self._failing_since
        if since is None:
            return
        grace = GRACE_SECONDS if self.address.loopback else GRACE_SECONDS_REMOTE
        silent = time.monotonic() - since
        if silent < grace:
            return
        if await self._listens():
            self.answered()
            return
        raise UnreachableError(
            f"The Tinker server at {self.address.base_url} has answered nothing for {silent:.0f} s "
            f"and nothing listens there any more. {self.address.advice}"
        )

    async def _listens(self) -> bool:
        parts = urlsplit(self.address.base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(parts.hostname, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


class _WatchedAuth(AuthTokenProvider):
    """The SDK's own provider, behind the question whether the server is still there."""

    def __init__(self, inner: AuthTokenProvider, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def get_token(self) -> str | None:
        await self._watch.check()
        return await self._inner.get_token()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        async with contextlib.aclosing(super().async_auth_flow(request)) as flow:
            ready = await anext(flow)
            try:
                response = yield ready
            except BaseException:  # closed here: the request was sent and nothing came back
                self._watch.failed()
                raise
            self._watch.answered()
            with contextlib.suppress(StopAsyncIteration):
                await flow.asend(response)


def watch_holder(holder: InternalClientHolder, watch: Watch) -> None:
    """Let every request that goes through `holder` ask `watch` first. Twice is once."""
    inner: Any = holder.aclient
    if getattr(inner, "watch", None) is not None:
        return

    @contextlib.contextmanager
    def aclient(client_pool_type: ClientConnectionPoolType) -> Generator[Any]:
        with inner(client_pool_type) as client:
            if not isinstance(client.custom_auth, _WatchedAuth):
                client._auth = _WatchedAuth(client.custom_auth, watch)
            yield client

    aclient.watch = watch  # pyright: ignore[reportFunctionMemberAccess]
    holder.aclient = aclient


class WatchedServiceClient(tinker.ServiceClient):
    """A `tinker.ServiceClient` whose requests end with `UnreachableError` when the server is gone.

    Everything made from it (training and sampling clients, their futures) is watched too, in the
    process that made it.
    """

    _watch: ClassVar[Watch | None] = None

    @classmethod
    def at(cls, address: Address, watch: Watch) -> WatchedServiceClient:
        """A client of the server at `address`."""
        client = cls(base_url=address.base_url, api_key=address.api_key)
        client.__dict__["_watch"] = watch
        return client

    def _get_session_holder(self) -> InternalClientHolder:
        return self._watched(super()._get_session_holder())

    def _get_rest_holder(self) -> InternalClientHolder:
        return self._watched(super()._get_rest_holder())

    def _watched(self, holder: InternalClientHolder) -> InternalClientHolder:
        if self._watch is not None:
            watch_holder(holder, self._watch)
        return holder
