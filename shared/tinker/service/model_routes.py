"""Models: a new one, one from a checkpoint, and what one is.

The request that makes a model has no seq_id of its own; its promise is called `<model id>:0`.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import Any

from aiohttp import web

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service import requests
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.core import Service
from shared.tinker.service.desk import Ask, Tell
from shared.tinker.service.futures import Reply
from shared.tinker.service.records import Key
from shared.tinker.service.registry import Gate, LiveSession, Model
from shared.tinker.service.training_routes import only_adamw, promised, train
from shared.tinker.service.types import LoraSpec


async def create_model(request: web.Request) -> web.Response:
    """A new LoRA model; its id is `<session>:train:<model_seq_id>`."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.CreateModel, await body(request))
    session = service.registry.session(wanted.session_id, key)
    model_id = f"{session.id}:train:{wanted.model_seq_id}"

    def start(tell: Tell) -> Future[Model]:
        only_adamw(wanted.optimizer_config)
        service.served(wanted.base_model)
        service.check_models(session)
        lora = LoraSpec(**(wanted.lora_config or requests.Lora()).model_dump())
        model = _model(service, session, model_id, wanted.base_model, lora)
        return service.worker.call(session.id, partial(_create, service, model))

    def encode(model: Model) -> Reply:
        service.new_model(session, model, wanted.user_metadata)
        return Reply.json({"type": "create_model", "model_id": model.id})

    lora = (wanted.lora_config or requests.Lora()).model_dump()
    ask = Ask(
        request_id=f"{model_id}:0",
        kind="create_model",
        key=key,
        session=session,
        start=start,
        encode=encode,
        facts={"model": model_id, "base_model": wanted.base_model, "lora": lora},
    )
    service.desk.submit(ask)
    return promised(ask.request_id, model_id)


def _model(
    service: Service, session: LiveSession, model_id: str, base_model: str, lora: LoraSpec
) -> Model:
    if not (lora.train_attn or lora.train_mlp or lora.train_unembed):
        raise UserError("Of train_attn, train_mlp and train_unembed at least one must be true.")
    return Model(
        id=model_id,
        session_id=session.id,
        base_model=base_model,
        lora=lora,
        gate=Gate(service.limits.gap_seconds),
    )


def _create(service: Service, model: Model) -> Model:
    service.engine.create_model(model.id, model.base_model, model.lora)
    return model


async def get_info(request: web.Request) -> web.Response:
    """What a model is. Answered from the store, so the engine is not waited for."""
    wanted = requests.parse(requests.GetInfo, await body(request))
    service = service_of(request)
    run = service.store.run(wanted.model_id, caller(request).id)
    tokenizer = service.served(run.base_model).tokenizer_id
    return web.json_response(
        {
            "type": "get_info",
            "model_id": run.id,
            "model_data": {
                "arch": None,
                "model_name": run.base_model,
                "tokenizer_id": tokenizer,
            },
            "is_lora": True,
            "lora_rank": run.lora.rank,
            "model_name": run.base_model,
        }
    )


async def load_weights(request: web.Request) -> web.Response:
    """A checkpoint into a new model (the SDK's way) or into a live one (the older way)."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.LoadWeights, await body(request))
    if wanted.weights_access_token:
        raise UnsupportedError(
            "weights_access_token is not supported: publish the checkpoint instead."
        )
    if wanted.model_id is not None and wanted.session_id is None:
        return _load_into(service, key, wanted)
    if wanted.session_id is None or wanted.model_seq_id is None:
        raise UserError("Name session_id and model_seq_id (a new model) or model_id and seq_id.")
    session = service.registry.session(wanted.session_id, key)
    model_id = f"{session.id}:train:{wanted.model_seq_id}"

    def start(tell: Tell) -> Future[Model]:
        only_adamw(wanted.optimizer_config)
        service.check_models(session)
        service.checkpoints.find(wanted.path, key.id)
        return service.worker.call(
            session.id, partial(_restore, service, session, model_id, key.id, wanted)
        )

    def encode(model: Model) -> Reply:
        service.new_model(session, model, wanted.user_metadata)
        return _loaded(wanted.path, model.id)

    ask = Ask(
        request_id=f"{model_id}:0",
        kind="load_weights",
        key=key,
        session=session,
        start=start,
        encode=encode,
        facts={"model": model_id, "path": wanted.path, "optimizer": wanted.optimizer},
    )
    service.desk.submit(ask)
    return promised(ask.request_id, model_id)


def _load_into(service: Service, key: Key, wanted: requests.LoadWeights) -> web.Response:
    def begin(model: Model, tell: Tell) -> Future[Any]:
        service.checkpoints.find(wanted.path, key.id)

        def load() -> None:
            folder = service.checkpoints.resolve(wanted.path, key.id)
            service.engine.load(model.id, folder, optimizer=wanted.optimizer)

        return service.worker.call(model.session_id, load)

    model_id = wanted.model_id or ""
    encode = partial(_loaded_into, wanted.path, model_id)
    facts = {"path": wanted.path, "optimizer": wanted.optimizer}
    return train(service, key, model_id, wanted.seq_id, begin, encode, kind="load_weights", **facts)


def _loaded_into(path: str, model_id: str, _: None) -> Reply:
    return _loaded(path, model_id)


def _loaded(path: str, model_id: str) -> Reply:
    return Reply.json({"type": "load_weights", "path": path, "model_id": model_id})


def _restore(
    service: Service,
    session: LiveSession,
    model_id: str,
    key_id: str,
    wanted: requests.LoadWeights,
) -> Model:
    """Make a model of a saved one's shape and fill it; on the engine's thread."""
    folder = service.checkpoints.resolve(wanted.path, key_id)
    base_model, lora = service.engine.read_spec(folder)
    if wanted.base_model not in (None, base_model):
        raise UserError(
            f"{wanted.path} was trained on {base_model!r}, not on {wanted.base_model!r}. Leave "
            "base_model out."
        )
    service.served(base_model)
    model = _model(service, session, model_id, base_model, lora)
    service.engine.create_model(model_id, base_model, lora)
    try:
        service.engine.load(model_id, folder, optimizer=wanted.optimizer)
    except BaseException:
        service.engine.forget_model(model_id)
        raise
    return model


ROUTES = (
    web.post("/api/v1/create_model", create_model),
    web.post("/api/v1/get_info", get_info),
    web.post("/api/v1/load_weights", load_weights),
)
