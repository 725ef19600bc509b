"""The REST side of the protocol: runs, checkpoints, sessions and samplers, listed and looked up.

What `tinker.RestClient`, the `tinker` command and the cookbook's downloads ask for. A key sees its
own; with access_scope=accessible also what others have published. There are no projects here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service import manifest, requests
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.core import Service
from shared.tinker.service.external import LINK_SECONDS, Links
from shared.tinker.service.records import Checkpoint, Run
from shared.tinker.service.store import OWNER
from shared.tinker.service.tinker_path import TinkerPath, check_kind, check_name, check_run

LONGEST_PAGE = 1000
_TYPES = {"weights": "training", "sampler_weights": "sampler", "external_weights": "external"}


class WeightsInfo(requests.Body):
    """weights_info."""

    tinker_path: requests.Name


class Ttl(requests.Body):
    """.../ttl. None: never."""

    ttl_seconds: Annotated[int, Field(ge=0, lt=2**62)] | None


async def capabilities(request: web.Request) -> web.Response:
    """The models that are served."""
    models = [
        {
            "model_name": model.name,
            "max_context_length": model.max_context,
            "trainable": model.trainable,
            "sampleable": model.sampleable,
        }
        for model in service_of(request).engine.served()
    ]
    return web.json_response({"supported_models": models})


async def training_runs(request: web.Request) -> web.Response:
    """A page of the key's runs, latest used first."""
    service, key = service_of(request), caller(request)
    limit, offset = page(request, 20)
    runs = service.store.runs(key.id, limit, offset)
    total = service.store.count_runs(key.id)
    return web.json_response(
        {
            "training_runs": [_run(service, run, own=True) for run in runs],
            "cursor": {"offset": offset, "limit": limit, "total_count": total},
        }
    )


async def training_run(request: web.Request) -> web.Response:
    """One run; of another key only when it has published something and the scope allows."""
    service, key = service_of(request), caller(request)
    run_id = request.match_info["run_id"]
    try:
        return web.json_response(_run(service, service.store.run(run_id, key.id), own=True))
    except NotFoundError:
        open_to_all = request.query.get("access_scope") == "accessible"
        if not (open_to_all and service.checkpoints.public_in(run_id)):
            raise
    return web.json_response(_run(service, service.store.run(run_id, OWNER), own=False))


async def run_checkpoints(request: web.Request) -> web.Response:
    """All checkpoints of a run; of another key's run the published ones."""
    service, key = service_of(request), caller(request)
    run_id = request.match_info["run_id"]
    try:
        service.store.run(run_id, key.id)
        found = service.checkpoints.list(key.id, run_id=run_id)
    except NotFoundError:
        found = service.checkpoints.public_in(run_id)
        if not found:
            raise
    return web.json_response({"checkpoints": [_checkpoint(one) for one in found]})


async def checkpoints(request: web.Request) -> web.Response:
    """A page of all the key's checkpoints, newest first."""
    service, key = service_of(request), caller(request)
    limit, offset = page(request, 100)
    found = service.checkpoints.list(key.id, limit=limit, offset=offset)
    total = service.checkpoints.count(key.id)
    return web.json_response(
        {
            "checkpoints": [_checkpoint(one) for one in found],
            "cursor": {"offset": offset, "limit": limit, "total_count": total},
        }
    )


async def delete(request: web.Request) -> web.Response:
    """Delete a checkpoint."""
    service, key, path = service_of(request), caller(request), _named(request)
    await asyncio.to_thread(service.checkpoints.delete, path, key.id)
    return web.Response(status=204)


async def set_ttl(request: web.Request) -> web.Response:
    """Let a checkpoint expire, or not."""
    wanted = requests.parse(Ttl, await body(request))
    service, key, path = service_of(request), caller(request), _named(request)
    service.checkpoints.set_ttl(path, key.id, wanted.ttl_seconds)
    return web.Response(status=204)


async def publish(request: web.Request) -> web.Response:
    """Let every key read a checkpoint. Twice is fine: the SDK would repeat a 409 for minutes."""
    service, key = service_of(request), caller(request)
    service.checkpoints.publish(_named(request), key.id, public=True)
    return web.Response(status=204)


async def unpublish(request: web.Request) -> web.Response:
    """Take a checkpoint back. Twice is fine."""
    service, key = service_of(request), caller(request)
    service.checkpoints.publish(_named(request), key.id, public=False)
    return web.Response(status=204)


async def external_urls(request: web.Request) -> web.Response:
    """One signed link per file of an external checkpoint."""
    service, key = service_of(request), caller(request)
    checkpoint = service.checkpoints.find(_named(request), key.id)
    expires = service.store.clock() + LINK_SECONDS
    links = Links(service.checkpoints, service.keys.link_secret())
    base_url = f"{request.scheme}://{request.host}"
    urls = await asyncio.to_thread(links.of, checkpoint, base_url, expires)
    return web.json_response({"urls": dict(urls), "expires": _time(int(expires))})


async def file(request: web.Request) -> web.StreamResponse:
    """The bytes behind a signed link; the link is the permission."""
    service = service_of(request)
    links = Links(service.checkpoints, service.keys.link_secret())
    path = links.file(
        request.match_info["run_id"],
        request.match_info["name"],
        request.match_info["file"],
        request.query.get("expires", ""),
        request.query.get("signature", ""),
        service.store.clock(),
    )
    headers = {"Content-Type": "application/octet-stream", **manifest.digest_field(path)}
    return web.FileResponse(path, headers=headers)


async def weights_info(request: web.Request) -> web.Response:
    """What is needed to load a checkpoint."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(WeightsInfo, await body(request))
    found = service.checkpoints.find(wanted.tinker_path, key.id)
    run = service.store.run(found.run_id, OWNER)
    return web.json_response(
        {
            "base_model": run.base_model,
            "is_lora": True,
            "lora_rank": run.lora.rank,
            "train_unembed": run.lora.train_unembed,
            "train_mlp": run.lora.train_mlp,
            "train_attn": run.lora.train_attn,
        }
    )


async def sessions(request: web.Request) -> web.Response:
    """A page of the key's sessions, newest first."""
    limit, offset = page(request, 20)
    found = service_of(request).store.sessions(caller(request).id, limit, offset)
    return web.json_response({"sessions": [session.id for session in found]})


async def session(request: web.Request) -> web.Response:
    """One session with its runs and samplers."""
    store = service_of(request).store
    found = store.session(request.match_info["session_id"], caller(request).id)
    metadata = found.info.get("user_metadata")
    told = {str(name): str(value) for name, value in (metadata or {}).items()}
    return web.json_response(
        {
            "training_run_ids": [run.id for run in store.runs_of_session(found.id)],
            "sampler_ids": [sampler.id for sampler in store.samplers_of_session(found.id)],
            "user_metadata": told or None,
            "display_name": found.info.get("display_name"),
        }
    )


async def sampler(request: web.Request) -> web.Response:
    """One sampler."""
    store = service_of(request).store
    found = store.sampler(request.match_info["sampler_id"], caller(request).id)
    return web.json_response(
        {
            "sampler_id": found.id,
            "base_model": found.base_model,
            "model_path": found.model_path,
        }
    )


def page(request: web.Request, default: int) -> tuple[int, int]:
    """`limit` (at most `LONGEST_PAGE`) and `offset` of a query; raises `UserError`."""
    limit, offset = (number(request, "limit", default), number(request, "offset", 0))
    return min(limit, LONGEST_PAGE), offset


def number(request: web.Request, name: str, default: int) -> int:
    """A whole number from 0 of the query; raises `UserError`."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UserError(f"{name} is {text[:40]!r}. Expected a whole number from 0.")
    return int(text)


def _named(request: web.Request) -> str:
    """The tinker:// path a route speaks of."""
    info = request.match_info
    return str(
        TinkerPath(check_run(info["run_id"]), check_kind(info["kind"]), check_name(info["name"]))
    )


def _run(service: Service, run: Run, *, own: bool) -> dict[str, Any]:
    def last(kind: str) -> dict[str, Any] | None:
        found = service.checkpoints.list(OWNER, run_id=run.id, kind=check_kind(kind))
        seen = [one for one in found if own or one.public]
        return _checkpoint(seen[0]) if seen else None

    return {
        "training_run_id": run.id,
        "base_model": run.base_model,
        "model_owner": run.key_id,
        "is_lora": True,
        "corrupted": False,
        "lora_rank": run.lora.rank,
        "last_request_time": _time(run.touched_at),
        "last_checkpoint": last("weights"),
        "last_sampler_checkpoint": last("sampler_weights"),
        "user_metadata": dict(run.user_metadata) if own and run.user_metadata else None,
    }


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    metadata, expires = checkpoint.user_metadata, checkpoint.expires_at
    return {
        "checkpoint_id": f"{checkpoint.kind}/{checkpoint.name}",
        "checkpoint_type": _TYPES[checkpoint.kind],
        "time": _time(checkpoint.created_at),
        "tinker_path": checkpoint.tinker_path,
        "size_bytes": checkpoint.size_bytes,
        "public": checkpoint.public,
        "user_metadata": None if metadata is None else dict(metadata),
        "expires_at": None if expires is None else _time(expires),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


_RUN = "/api/v1/training_runs/{run_id}"
_ONE = _RUN + "/checkpoints/{kind}/{name}"

ROUTES = (
    web.get("/api/v1/get_server_capabilities", capabilities),
    web.get("/api/v1/training_runs", training_runs),
    web.get(_RUN, training_run),
    web.get(_RUN + "/checkpoints", run_checkpoints),
    web.get("/api/v1/checkpoints", checkpoints),
    web.delete(_ONE, delete),
    web.put(_ONE + "/ttl", set_ttl),
    web.post(_ONE + "/publish", publish),
    web.delete(_ONE + "/publish", unpublish),
    web.get(_ONE + "/external_weights_urls", external_urls),
    web.get("/kit/v1/files/{run_id}/{name}/{file}", file),
    web.post("/api/v1/weights_info", weights_info),
    web.get("/api/v1/sessions", sessions),
    web.get("/api/v1/sessions/{session_id}", session),
    web.get("/api/v1/samplers/{sampler_id}", sampler),
)
