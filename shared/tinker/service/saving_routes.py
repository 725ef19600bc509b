"""Saving: checkpoints to train on, weights to sample from, weights to take away.

A save is work like any other and takes its turn. Files are the engine's, folders and their
atomicity those of `checkpoints`. An unnamed save for sampling writes nothing: the engine keeps a
copy of the adapter in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial

from aiohttp import web

from shared.tinker.service import requests
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.core import Service
from shared.tinker.service.desk import Tell
from shared.tinker.service.external import encrypt_folder
from shared.tinker.service.futures import Reply
from shared.tinker.service.records import Kind
from shared.tinker.service.registry import Model, Sampler
from shared.tinker.service.training_routes import train
from shared.tinker.service.work import Source


async def save_weights(request: web.Request) -> web.Response:
    """A checkpoint with optimizer state."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.SaveWeights, await body(request))

    def begin(model: Model, tell: Tell) -> Future[str]:
        name = wanted.path or f"{wanted.seq_id:06d}"
        save = partial(
            write,
            service,
            model.id,
            "weights",
            name,
            ttl_seconds=wanted.ttl_seconds,
            overwrite=wanted.overwrite,
            metadata=wanted.user_metadata,
        )
        return service.worker.call(model.session_id, save)

    def encode(path: str) -> Reply:
        return Reply.json({"type": "save_weights", "path": path})

    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        encode,
        kind="save_weights",
        name=wanted.path,
    )


async def save_weights_external(request: web.Request) -> web.Response:
    """Weights for download, each file encrypted when age recipients are named."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.SaveExternal, await body(request))
    recipients = tuple(wanted.age_encryption_recipients or ())

    def begin(model: Model, tell: Tell) -> Future[str]:
        save = partial(
            write,
            service,
            model.id,
            "external_weights",
            wanted.path,
            ttl_seconds=wanted.ttl_seconds,
            recipients=recipients,
        )
        return service.worker.call(model.session_id, save)

    def encode(path: str) -> Reply:
        return Reply.json({"type": "save_weights_external", "path": path})

    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        encode,
        kind="save_weights_external",
        name=wanted.path,
    )


def write(
    service: Service,
    model_id: str,
    kind: Kind,
    name: str,
    *,
    ttl_seconds: int | None = None,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
    recipients: tuple[str, ...] = (),
) -> str:
    """Save a model on the engine's thread; returns its tinker:// path.

    Raises:
        CheckpointError: the disk is full; an older checkpoint of this name stays.
        UserError: a bad name, a name that is taken, a bad recipient.
    """
    with service.checkpoints.writing(
        model_id, kind, name, ttl_seconds=ttl_seconds, overwrite=overwrite, metadata=metadata
    ) as folder:
        service.engine.save(model_id, folder, optimizer=kind == "weights")
        if recipients:
            encrypt_folder(folder, recipients)
    return f"tinker://{model_id}/{kind}/{name}"


async def save_weights_for_sampler(request: web.Request) -> web.Response:
    """Weights to sample from: named on disk, or a snapshot in memory."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.SaveForSampler, await body(request))
    if wanted.path is None:
        return _snapshot(request, wanted)
    name = wanted.path

    def begin(model: Model, tell: Tell) -> Future[str]:
        save = partial(
            write,
            service,
            model.id,
            "sampler_weights",
            name,
            ttl_seconds=wanted.ttl_seconds,
            metadata=wanted.user_metadata,
        )
        return service.worker.call(model.session_id, save)

    def encode(path: str) -> Reply:
        return Reply.json({"type": "save_weights_for_sampler", "path": path})

    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        encode,
        kind="save_weights_for_sampler",
        name=name,
    )


def _snapshot(request: web.Request, wanted: requests.SaveForSampler) -> web.Response:
    service, key = service_of(request), caller(request)
    inflight = wanted.kind == "inflight"

    def begin(model: Model, tell: Tell) -> Future[Sampler]:
        number = wanted.sampling_session_seq_id
        if number is None:
            number = f"{model.id.rpartition(':')[2]}-{wanted.seq_id}"
        sampler_id = f"{model.session_id}:snapshot:{number}"
        sampler = Sampler(
            id=sampler_id,
            session_id=model.session_id,
            source=Source(engine_id=sampler_id, base_model=model.base_model, snapshot=True),
            inflight_of=model.id if inflight else None,
        )
        return service.worker.call(
            model.session_id, partial(_take_snapshot, service, model.id, sampler)
        )

    def encode(sampler: Sampler) -> Reply:
        _publish(service, sampler, key.id)
        return Reply.json({"type": "save_weights_for_sampler", "sampling_session_id": sampler.id})

    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        encode,
        kind="save_weights_for_sampler",
        snapshot=wanted.kind,
    )


def _take_snapshot(service: Service, model_id: str, sampler: Sampler) -> Sampler:
    service.engine.snapshot_sampler(sampler.id, model_id)
    return sampler


def _publish(service: Service, sampler: Sampler, key_id: str) -> None:
    """Put a fresh snapshot into its session; the oldest goes when there are too many.

    An inflight save also moves the model's earlier inflight samplers onto the new weights.
    """
    session = service.registry.sessions.get(sampler.session_id)
    if session is None:  # it ended meanwhile
        service.worker.forget_sampler(sampler.id)
        return
    service.store.add_sampler(
        sampler.id, session.id, session.key_id, sampler.source.base_model, None
    )
    session.samplers[sampler.id] = sampler
    if sampler.inflight_of is not None:
        service.move_inflight(session, sampler)
    snapshots = [one.id for one in session.samplers.values() if one.source.snapshot]
    for old in snapshots[: -service.limits.snapshots]:
        service.drop_sampler(session, old)


ROUTES = (
    web.post("/api/v1/save_weights", save_weights),
    web.post("/api/v1/save_weights_for_sampler", save_weights_for_sampler),
    web.post("/api/v1/save_weights_external", save_weights_external),
)
