"""Training: losses, gradients and optimizer steps of a live model.

Its requests pass the model's gate in order. A request is checked and paid for when its turn
comes, so that a refusal is an answer like any other. How models come to life is in `model_routes`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from aiohttp import web

from shared.tinker.errors import NotFoundError, UnsupportedError, UserError
from shared.tinker.service import requests, wire
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.core import Service
from shared.tinker.service.desk import Ask, Tell
from shared.tinker.service.futures import Reply
from shared.tinker.service.records import Key
from shared.tinker.service.registry import Model
from shared.tinker.service.request_log import datum_hash
from shared.tinker.service.types import AdamParams, LossResult

Begin = Callable[[Model, Tell], Future[Any]]


def promised(request_id: str, model_id: str) -> web.Response:
    """The immediate answer of every training request."""
    return web.json_response({"request_id": request_id, "model_id": model_id})


def train(
    service: Service,
    key: Key,
    model_id: str,
    seq_id: int | None,
    begin: Begin,
    encode: Callable[[Any], Reply],
    *,
    kind: str,
    **facts: Any,
) -> web.Response:
    """Promise one request of a live model. A repeated one is answered even when it is gone.

    `kind` and `facts` are for the request log.
    """
    if seq_id is None:
        raise UserError("seq_id is missing. Number the requests of a model from 1.")
    request_id = f"{model_id}:{seq_id}"
    try:
        model = service.registry.model(model_id, key)
    except NotFoundError:
        if service.store.future(request_id, key.id) is None:
            raise
        return promised(request_id, model_id)
    ask = Ask(
        request_id=request_id,
        kind=kind,
        key=key,
        session=service.registry.sessions[model.session_id],
        start=partial(begin, model),
        encode=encode,
        model=model,
        seq_id=seq_id,
        facts=facts,
    )
    service.desk.submit(ask)
    service.touch(model)
    return promised(request_id, model_id)


async def forward_backward(request: web.Request) -> web.Response:
    """A loss and, unless `forward_only`, its gradient. Protobuf in, protobuf out."""
    service, key = service_of(request), caller(request)
    wanted = wire.read_loss_request(await body(request))

    def begin(model: Model, tell: Tell) -> Future[LossResult]:
        batch = wire.loss_batch(wanted.message, service.limits)
        tell(
            loss_config=dict(batch.config),
            tokens=sum(len(datum.tokens) for datum in batch.data),
            datums=[datum_hash(datum) for datum in batch.data],
        )
        service.engine.check_batch(model.base_model, batch)
        service.keys.spend(key.id, tokens=sum(len(datum.tokens) for datum in batch.data))
        return service.worker.call(
            model.session_id, partial(service.engine.forward_backward, model.id, batch)
        )

    def encode(result: LossResult) -> Reply:
        return Reply(
            body=wire.write_loss_output(result),
            content_type=wire.PROTOBUF,
            facts={"metrics": dict(result.metrics)},
        )

    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        encode,
        kind="forward" if wanted.message.forward_only else "forward_backward",
        loss_fn=wanted.message.loss_fn,
    )


async def optim_step(request: web.Request) -> web.Response:
    """One AdamW step on what was accumulated."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.OptimStep, await body(request))

    def begin(model: Model, tell: Tell) -> Future[Any]:
        if wanted.adam_params is None:
            only_adamw(wanted.optimizer_params)
            raise UserError("adam_params is missing: name at least a learning_rate.")
        service.keys.spend(key.id, steps=1)
        adam = AdamParams(**wanted.adam_params.model_dump())
        return service.worker.call(
            model.session_id, partial(service.engine.optim_step, model.id, adam)
        )

    facts = wanted.adam_params.model_dump() if wanted.adam_params else {}
    return train(
        service,
        key,
        wanted.model_id,
        wanted.seq_id,
        begin,
        _metrics,
        kind="optim_step",
        **facts,
    )


def _metrics(metrics: dict[str, float]) -> Reply:
    return Reply.json({"metrics": dict(metrics)})


def only_adamw(chosen: requests.Optimizer | None) -> None:
    """Refuse an optimizer that is not AdamW; raises `UnsupportedError`."""
    if chosen is not None and chosen.type != "adamw":
        raise UnsupportedError(
            f"The optimizer {chosen.type!r} is not served here, only adamw (AdamParams)."
        )


ROUTES = (
    web.post("/api/v1/forward_backward", forward_backward),
    web.post("/api/v1/optim_step", optim_step),
)
