"""Who asks, and with what: key, Host header, body, and errors as JSON. The only middleware.

Nothing here ever answers 5xx: the SDK would repeat such a request for minutes. A 4xx has a JSON
body `{"error", "category"}` and is final for the SDK, except 408, 409 and 429.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from shared.tinker.errors import NotFoundError, TinkerKitError
from shared.tinker.service.core import Service
from shared.tinker.service.desk import TooManyError
from shared.tinker.service.records import Key

logger = logging.getLogger(__name__)

SERVICE: web.AppKey[Service] = web.AppKey("service", Service)
HOSTS: web.AppKey[frozenset[str]] = web.AppKey("hosts", frozenset)
"""Host names a request may name, lower case; empty: any."""

CALLER = web.RequestKey("caller", Key)

OPEN_PATHS = frozenset({"/api/v1/healthz"})
"""Paths that need no key. Signed download links (`SIGNED_PREFIX`) carry their own proof."""

SIGNED_PREFIX = "/kit/v1/files/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def service_of(request: web.Request) -> Service:
    """The service this request came to."""
    return request.app[SERVICE]


def caller(request: web.Request) -> Key:
    """The key the request came with; `guard` has checked it."""
    return request[CALLER]


async def body(request: web.Request) -> bytes:
    """The whole body; a larger one than `Limits.body_bytes` ends in HTTP 413."""
    return await request.read()


def refusal(status: int, message: str) -> web.Response:
    """An error of HTTP. Never an empty body: the SDK would take it for a proxy's fault."""
    return web.json_response({"error": message, "category": "user"}, status=status)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check Host and key, run the handler, turn what it raises into a 4xx with a reason."""
    try:
        return _stranger(request) or await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_refusal(request, error)
    except ConnectionError:
        raise  # nobody is there to answer to
    except Exception as error:
        return _refused(request, error)


def _stranger(request: web.Request) -> web.Response | None:
    """A refusal for a request that may not be read; else None, and the key is noted."""
    allowed = request.app[HOSTS]
    if allowed and host_name(request.headers.get("Host", "")) not in allowed:
        # A page in a browser may resolve its own name to 127.0.0.1 (DNS rebinding).
        return refusal(403, "The Host header names another host; use the URL the service printed.")
    if request.path in OPEN_PATHS or request.path.startswith(SIGNED_PREFIX):
        return None
    key = service_of(request).keys.authenticate(request.headers.get("X-API-Key", ""))
    if key is None:
        return refusal(
            401,
            "The header X-API-Key is missing or holds an unknown key. Set TINKER_API_KEY to the "
            "key of this service; its owner finds it in owner.key in the state folder.",
        )
    request[CALLER] = key
    return None


def _http_refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        cap = service_of(request).limits.body_bytes
        return refusal(413, f"The body is over {cap:,} bytes. Send smaller batches.")
    status = error.status if error.status < 500 else 422
    return refusal(status, f"{error.reason}: {request.method} {request.path[:200]}.")


def _refused(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, NotFoundError):
        return refusal(404, str(error))
    if isinstance(error, TinkerKitError):
        return refusal(400, str(error))
    if isinstance(error, TooManyError):
        cap = service_of(request).limits.queued
        return refusal(429, f"{cap} requests of this session are unfinished; wait for some.")
    if isinstance(error, web.RequestPayloadError | HttpProcessingError):
        return refusal(400, f"The body cannot be read: {str(error)[:200]}.")
    mark = secrets.token_hex(4)
    logger.error("internal error %s on %s", mark, request.path, exc_info=error)
    return refusal(
        422,
        "The service failed on this request. The traceback is in service.log under "
        f"{mark}; please report it.",
    )


def host_name(header: str) -> str:
    """The host of a Host header without its port, lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.rpartition(":")[0].lower() if ":" in header else header.lower()


def loopback(host: str) -> bool:
    """Whether a bind address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
