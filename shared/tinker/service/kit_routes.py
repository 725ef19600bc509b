"""What the owner of the service may ask: how it does, who has keys, what their clients did.

For `labkit serve --status` and for graders; the owner's key only. Nothing here is part of
Tinker's protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from shared.tinker.errors import NotFoundError
from shared.tinker.service import requests
from shared.tinker.service.access import body, caller, refusal, service_of
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.records import Key
from shared.tinker.service.rest_routes import number, page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Budget = Annotated[int, Field(ge=0, lt=2**62)] | None


class NewKey(requests.Body):
    """POST keys. Budgets None: no limit; `withhold`: a graded key."""

    name: Annotated[str, Field(max_length=200)] = ""
    budget_tokens: Budget = None
    budget_steps: Budget = None
    withhold: bool = False


def owner_only(handler: Handler) -> Handler:
    """Refuse every key but the owner's."""

    @functools.wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        if not caller(request).owner:
            return refusal(403, "Only the owner's key may ask this; it lies in the state folder.")
        return await handler(request)

    return checked


async def status(request: web.Request) -> web.Response:
    """Whether it is ready, what it serves, who is there, how long, how much memory."""
    service = service_of(request)
    return web.json_response(
        {
            "ready": service.ready,
            "trouble": service.trouble,
            "models": [model.name for model in service.engine.served()],
            "stand_ins": [m.name for m in service.engine.served() if m.stand_in_for],
            "sessions": len(service.registry.sessions),
            "training_models": sum(1 for _ in service.registry.models()),
            "queue": service.worker.queued(),
            "uptime": time.time() - service.started,
            "memory_mb": memory_mb(),
        }
    )


async def list_keys(request: web.Request) -> web.Response:
    """All keys, without their secrets."""
    return web.json_response({"keys": [_told(key) for key in service_of(request).keys.all()]})


async def create_key(request: web.Request) -> web.Response:
    """A new key; `api_key` is told now and never again."""
    wanted = requests.parse(NewKey, await body(request))
    key, api_key = service_of(request).keys.create(**wanted.model_dump(exclude={"type"}))
    return web.json_response({**_told(key), "api_key": api_key}, status=201)


async def get_key(request: web.Request) -> web.Response:
    """One key: its budgets and what is spent."""
    return web.json_response(_told(service_of(request).keys.get(request.match_info["key_id"])))


async def revoke_key(request: web.Request) -> web.Response:
    """The key opens nothing from now on; its sessions end, and with them what they have queued.

    Query: `checkpoints=delete` deletes what it saved as well. The log stays.
    """
    service, key_id = service_of(request), request.match_info["key_id"]
    service.keys.revoke(key_id)
    for session in [s for s in service.registry.sessions.values() if s.key_id == key_id]:
        service.end_session(session, "its key was revoked")
    if request.query.get("checkpoints") == "delete":
        await asyncio.to_thread(_delete_checkpoints, service.checkpoints, key_id)
    return web.Response(status=204)


def _delete_checkpoints(checkpoints: Checkpoints, key_id: str) -> None:
    for checkpoint in checkpoints.list(key_id):
        with contextlib.suppress(NotFoundError):  # it expired a moment ago
            checkpoints.delete(checkpoint.tinker_path, key_id)


async def key_log(request: web.Request) -> web.Response:
    """A page of a key's request log; ask again with `after` = `next` until it is null.

    Query: session, model (ids; all when missing), after (a number of the log), limit.
    """
    service, key_id = service_of(request), request.match_info["key_id"]
    service.keys.get(key_id)
    limit, _ = page(request, 1000)
    after = number(request, "after", 0)
    found = service.log.read(
        key_id,
        session_id=request.query.get("session"),
        model_id=request.query.get("model"),
        after=after,
        limit=limit,
    )
    more = found[-1].arrival_order if found and len(found) == limit else None
    return web.json_response({"entries": [asdict(entry) for entry in found], "next": more})


def memory_mb() -> float | None:
    """Resident memory of this process in MB (10^6 bytes); None where it cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        if sys.platform == "win32":
            return None
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _told(key: Key) -> dict[str, Any]:
    return asdict(key)


ROUTES = (
    web.get("/kit/v1/status", owner_only(status)),
    web.get("/kit/v1/keys", owner_only(list_keys)),
    web.post("/kit/v1/keys", owner_only(create_key)),
    web.get("/kit/v1/keys/{key_id}", owner_only(get_key)),
    web.delete("/kit/v1/keys/{key_id}", owner_only(revoke_key)),
    web.get("/kit/v1/keys/{key_id}/log", owner_only(key_log)),
)
