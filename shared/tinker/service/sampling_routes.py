"""Sampling: open a sampling session, sample from it.

A sampling session survives a restart when it samples from the base model or from saved weights:
it is opened again when it is asked for. A nameless snapshot does not.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import numpy as np
from aiohttp import web

from shared.tinker.errors import NotFoundError, UnsupportedError, UserError
from shared.tinker.service import requests, wire
from shared.tinker.service.access import body, caller, service_of
from shared.tinker.service.core import Service
from shared.tinker.service.desk import Ask, Tell
from shared.tinker.service.futures import Reply
from shared.tinker.service.limits import check_at_least, check_cap
from shared.tinker.service.records import Key
from shared.tinker.service.registry import LiveSession, Sampler
from shared.tinker.service.store import OWNER
from shared.tinker.service.types import SampleJob, SampleResult, SamplingParams
from shared.tinker.service.work import Source


async def create_sampling_session(request: web.Request) -> web.Response:
    """A sampling session over the base model or over saved weights."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.CreateSampler, await body(request))
    session = service.registry.session(wanted.session_id, key)
    # In a thread: the checksums of large weights take a while.
    source = await asyncio.to_thread(_source, service, key, wanted.base_model, wanted.model_path)
    sampler_id = f"{session.id}:sample:{wanted.sampling_session_seq_id}"
    if sampler_id not in session.samplers:
        session.samplers[sampler_id] = Sampler(id=sampler_id, session_id=session.id, source=source)
        service.store.add_sampler(
            sampler_id, session.id, session.key_id, source.base_model, wanted.model_path
        )
    return web.json_response({"type": "create_sampling_session", "sampling_session_id": sampler_id})


def _source(service: Service, key: Key, base_model: str | None, path: str | None) -> Source:
    """Where to sample from; equal weights give equal sources, whoever asks."""
    if path is None:
        if base_model is None:
            raise UserError("Name base_model or model_path (tinker://...) to sample from.")
        service.served(base_model)
        return Source(engine_id=f"base:{base_model}", base_model=base_model)
    checkpoint = service.checkpoints.find(path, key.id)
    base = service.store.run(checkpoint.run_id, OWNER).base_model
    if base_model not in (None, base):
        raise UserError(f"{path} was trained on {base!r}, not on {base_model!r}.")
    service.served(base)
    folder = service.checkpoints.resolve(path, key.id)
    return Source(engine_id=f"path:{folder}", base_model=base, folder=folder)


async def asample(request: web.Request) -> web.Response:
    """Completions of one prompt, and scores of the prompt. Protobuf comes back."""
    service, key = service_of(request), caller(request)
    wanted = requests.parse(requests.Sample, await body(request))
    if wanted.sampling_session_id is None or wanted.seq_id is None:
        raise UserError("Name sampling_session_id and seq_id; create_sampling_session makes one.")
    request_id = f"{wanted.sampling_session_id}:{wanted.seq_id}"
    session, sampler = live_sampler(service, key, wanted.sampling_session_id)

    reserved = 0  # the most it can cost; what was not drawn is given back

    def start(tell: Tell) -> Future[SampleResult]:
        nonlocal reserved
        job = sample_job(service, sampler.source.base_model, wanted, request_id)
        service.engine.check_sample(sampler.source.base_model, job)
        reserved = job.num_samples * job.params.max_tokens
        service.keys.spend(key.id, tokens=reserved)
        return service.worker.sample(session.id, sampler.source, job)

    def encode(result: SampleResult) -> Reply:
        drawn = sum(len(one.tokens) for one in result.completions)
        service.keys.refund(key.id, tokens=reserved - drawn)
        return Reply(
            body=wire.write_sample_output(result, wanted.prompt_logprobs_last_n),
            content_type=wire.PROTOBUF,
            facts={"tokens": drawn},
        )

    ask = Ask(
        request_id=request_id, kind="asample", key=key, session=session, start=start,
        encode=encode, seq_id=wanted.seq_id, facts=_facts(sampler, wanted),
    )  # fmt: skip
    service.desk.submit(ask)
    count = max(0, min(wanted.num_samples, service.limits.num_samples))
    ids = [f"{request_id}:{index}" for index in range(count)]
    return web.json_response({"request_id": request_id, "sample_sequence_ids": ids})


def _facts(sampler: Sampler, wanted: requests.Sample) -> dict[str, Any]:
    return {
        "sampler": sampler.id,
        "num_samples": wanted.num_samples,
        "prompt_tokens": sum(len(chunk.tokens or ()) for chunk in wanted.prompt.chunks),
        "params": wanted.sampling_params.model_dump(exclude_none=True),
    }


def live_sampler(service: Service, key: Key, sampler_id: str) -> tuple[LiveSession, Sampler]:
    """A sampling session of this key, opened again after a restart when it can be."""
    session = service.registry.sessions.get(sampler_id.partition(":")[0])
    if session is not None and (key.owner or session.key_id == key.id):
        sampler = session.samplers.get(sampler_id)
        if sampler is not None:
            return session, sampler
    record = service.store.sampler(sampler_id, key.id)
    session = service.registry.session(record.session_id, key)
    if ":snapshot:" in sampler_id:
        raise NotFoundError(
            f"The snapshot {sampler_id} is no longer in memory: the service was restarted, or "
            f"{service.limits.snapshots} newer ones took its place. Save again, with a name if it "
            "must last: save_weights_for_sampler(name)."
        )
    source = _source(service, key, record.base_model, record.model_path)
    sampler = Sampler(id=sampler_id, session_id=session.id, source=source)
    session.samplers[sampler_id] = sampler
    return session, sampler


def sample_job(
    service: Service, base_model: str, wanted: requests.Sample, request_id: str
) -> SampleJob:
    """The job of a request, under the service's caps; raises `UserError`."""
    _supported(wanted)
    tokens = _prompt(wanted)
    limits, model = service.limits, service.served(base_model)
    context = min(limits.context, model.max_context)
    check_at_least("num_samples", wanted.num_samples, 1)
    check_cap("num_samples", wanted.num_samples, limits.num_samples, "Ask again for more.")
    room = context - len(tokens)
    most = wanted.sampling_params.max_tokens
    params = sampling_params(wanted.sampling_params, room if most is None else most)
    check_cap(
        "num_samples * max_tokens",
        wanted.num_samples * params.max_tokens,
        limits.sampled_tokens,
        "Ask for fewer or shorter samples.",
    )
    check_cap("max_tokens", params.max_tokens, context, "It is more than the whole context.")
    last = wanted.prompt_logprobs_last_n
    if last is not None and not (wanted.prompt_logprobs and 1 <= last <= len(tokens) - 1):
        raise UserError(
            f"prompt_logprobs_last_n is {last}, expected 1 to {len(tokens) - 1} (the prompt's "
            "tokens but the first) together with prompt_logprobs."
        )
    return SampleJob(
        job_id=request_id,
        prompt=tokens,
        num_samples=wanted.num_samples,
        params=params,
        prompt_logprobs=bool(wanted.prompt_logprobs),
        topk_prompt_logprobs=wanted.topk_prompt_logprobs,
    )


def sampling_params(wanted: requests.Params, max_tokens: int) -> SamplingParams:
    """The engine's record; a single stop string becomes a tuple of one."""
    stop = (wanted.stop,) if isinstance(wanted.stop, str) else wanted.stop
    return SamplingParams(
        max_tokens=max_tokens,
        temperature=wanted.temperature,
        top_k=wanted.top_k,
        top_p=wanted.top_p,
        seed=wanted.seed,
        stop=None if stop is None else tuple(stop),  # type: ignore[arg-type]
    )


def _prompt(wanted: requests.Sample) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    tokens: list[int] = []
    for chunk in wanted.prompt.chunks:
        if chunk.type != "encoded_text" or chunk.tokens is None:
            raise UnsupportedError(
                f"The prompt has a chunk of kind {chunk.type[:40]!r}; only encoded_text is served."
            )
        tokens.extend(chunk.tokens)
    return np.asarray(tokens, dtype=np.int64)


def _supported(wanted: requests.Sample) -> None:
    asked = {
        "topk_sample_logprobs": wanted.topk_sample_logprobs != 0,
        "target_prompt_logprobs": wanted.target_prompt_logprobs is not None,
        "prompt_alt_tokens_k": wanted.prompt_alt_tokens_k != 0,
        "record_stability_info": bool(wanted.record_stability_info),
        "base_model": wanted.base_model is not None,
        "model_path": wanted.model_path is not None,
    }
    refused = [name for name, used in asked.items() if used]
    if refused:
        raise UnsupportedError(
            f"Not supported in asample here: {', '.join(refused)}. Leave it out; weights are "
            "chosen by the sampling session."
        )


ROUTES = (
    web.post("/api/v1/create_sampling_session", create_sampling_session),
    web.post("/api/v1/asample", asample),
)
