"""Sessions and futures: configuration of the SDK, heartbeat, retrieve and cancel.

The flags keep the SDK 0.38.0 on the plain path: an API key instead of tokens, one request per
batch where it fits, uncompressed bodies, one poll per future.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from aiohttp import web

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service import requests
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.futures import JSON, Reply
from shared.tinker.service.limits import Limits

TRY_AGAIN = {"type": "try_again", "queue_state": "active"}


def flags(limits: Limits) -> dict[str, Any]:
    """The answer to client/config."""
    return {
        "pjwt_auth_enabled": False,
        "credential_default_source": "api_key",
        "parallel_fwdbwd_chunks": False,
        "proto_compress_fwdbwd": False,
        "fwdbwd_max_chunk_len": limits.datums,
        "fwdbwd_max_chunk_bytes_count": 64_000_000,
        "fwdbwd_dispatch_bytes_semaphore_size": 128_000_000,
        "sample_max_concurrent_requests": 2000,
        "use_pyqwest_transport": False,
        "sample_use_retrieve_futures": False,
        "custom_loss_server_side": False,
        "sample_join_sampling_session": False,
    }


async def healthz(request: web.Request) -> web.Response:
    """The service listens. Needs no key."""
    return web.json_response({"status": "ok"})


async def client_config(request: web.Request) -> web.Response:
    """Flags that the SDK reads once."""
    requests.parse(requests.Config, await body(request))
    return web.json_response(flags(service_of(request).limits))


async def dynamic_config(request: web.Request) -> web.Response:
    """Flags that the SDK reads again and again."""
    requests.parse(requests.Config, await body(request))
    return web.json_response({"refresh_interval_sec": 3600, "sample_cancel_enabled": True})


async def telemetry(request: web.Request) -> web.Response:
    """Accepted and thrown away: nothing leaves this machine."""
    await body(request)
    return web.json_response({"status": "accepted"})


async def create_session(request: web.Request) -> web.Response:
    """A new session, alive for as long as heartbeats come."""
    wanted = requests.parse(requests.CreateSession, await body(request))
    service, key = service_of(request), caller(request)
    session_id = str(uuid.uuid4())
    info = wanted.model_dump(exclude={"type"}, exclude_none=True)
    service.store.add_session(key.id, session_id, **info)
    service.registry.add(session_id, key, time.monotonic())
    return web.json_response({"type": "create_session", "session_id": session_id})


async def heartbeat(request: web.Request) -> web.Response:
    """A sign of life. HTTP 410 tells the SDK that the session has ended."""
    wanted = requests.parse(requests.Heartbeat, await body(request))
    service = service_of(request)
    try:
        session = service.registry.session(wanted.session_id, caller(request))
    except NotFoundError as error:
        return web.json_response({"error": str(error), "category": "user"}, status=410)
    session.seen = time.monotonic()
    service.store.touch_session(session.id)
    return web.json_response({"type": "session_heartbeat"})


async def finish_session(request: web.Request) -> web.Response:
    """The client closes its session. Finishing twice is fine."""
    wanted = requests.parse(requests.Finish, await body(request))
    service = service_of(request)
    session_id, key = request.match_info["session_id"], caller(request)
    service.store.session(session_id, key.id)
    session = service.registry.sessions.get(session_id)
    if session is not None:
        kind = wanted.reason.get("type") if isinstance(wanted.reason, dict) else wanted.reason
        service.end_session(session, f"the client closed it ({str(kind or 'no reason')[:80]})")
    return web.Response(status=204)


async def retrieve_future(request: web.Request) -> web.Response:
    """Wait for an answer; HTTP 408 after a while makes the SDK ask again at once."""
    wanted = requests.parse(requests.FutureId, await body(request))
    service, key = service_of(request), caller(request)
    try:
        reply = await service.futures.retrieve(wanted.request_id, key)
    except KeyError:
        return _lost(request, wanted.request_id)
    if reply is None:
        return web.json_response(TRY_AGAIN, status=408)
    service.registry.sign_of_life(wanted.request_id, time.monotonic())
    return web.Response(body=reply.body, content_type=reply.content_type)


async def cancel_future(request: web.Request) -> web.Response:
    """Give a request up. Unknown and finished ones are fine."""
    wanted = requests.parse(requests.FutureId, await body(request))
    service_of(request).futures.cancel(wanted.request_id, caller(request))
    return web.Response(status=204)


def _lost(request: web.Request, request_id: str) -> web.Response:
    """What to say of a promise nobody remembers.

    A sample can be asked for again: HTTP 410, and the SDK does so by itself. Training cannot: the
    model went with the process, and the SDK must raise instead of repeating a step.
    """
    service, key = service_of(request), caller(request)
    owner, _, rest = request_id.partition(":")
    try:
        service.store.session(owner, key.id)
    except NotFoundError:
        raise UserError(
            f"request_id {request_id[:200]!r} is unknown. Retrieve with the key that submitted."
        ) from None
    if rest.startswith(("sample:", "snapshot:")):
        return web.json_response(
            {"error": "The result is gone; submit the request again.", "category": "server"},
            status=410,
        )
    reply = Reply.error(
        f"The service was restarted before {request_id} was done, and the model went with it. "
        "Checkpoints are kept: continue with "
        "create_training_client_from_state_with_optimizer(path) from the last one.",
        "server",
    )
    return web.Response(body=reply.body, content_type=JSON)


ROUTES = (
    web.get("/api/v1/healthz", healthz),
    web.post("/api/v1/client/config", client_config),
    web.post("/api/v1/client/dynamic_config", dynamic_config),
    web.post("/api/v1/telemetry", telemetry),
    web.post("/api/v1/create_session", create_session),
    web.post("/api/v1/session_heartbeat", heartbeat),
    web.post("/api/v1/sessions/{session_id}/finish", finish_session),
    web.post("/api/v1/retrieve_future", retrieve_future),
    web.post("/api/v1/cancel_future", cancel_future),
)
