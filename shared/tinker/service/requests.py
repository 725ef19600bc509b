"""The JSON bodies of the protocol as closed pydantic records, one per endpoint.

Unknown fields are refused: a newer SDK must not be misread in silence. What hosted Tinker can do
and this service cannot is a field here all the same, so that the refusal can name it.
The SDK has records of its own for all this, but importing them imports torch.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.tinker.errors import UserError

Name = Annotated[str, Field(min_length=1, max_length=200)]
SeqId = Annotated[int, Field(ge=0, lt=2**63)]
Metadata = dict[str, Any] | None
TOKEN_LIMIT = 2**31


class Body(BaseModel):
    """What every request body shares: closed, frozen, `type` ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    type: str | None = None


class Config(Body):
    """client/config and client/dynamic_config."""

    sdk_version: str | None = None


class CreateSession(Body):
    """create_session."""

    tags: list[str] = []
    user_metadata: Metadata = None
    sdk_version: str | None = None
    project_id: str | None = None
    display_name: str | None = None


class Heartbeat(Body):
    """session_heartbeat."""

    session_id: Name


class Finish(BaseModel):
    """sessions/{id}/finish; whatever else the SDK tells stays unread."""

    reason: dict[str, Any] | str | None = None
    detail: str | None = None


class Lora(BaseModel):
    """`lora_config` of create_model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: Annotated[int, Field(ge=1, le=4096)] = 32
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    train_unembed: bool = True
    train_mlp: bool = True
    train_attn: bool = True


class Optimizer(BaseModel):
    """`optimizer_config`, or the parameters of an optimizer that is not AdamW."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = "adamw"


class CreateModel(Body):
    """create_model."""

    session_id: Name
    model_seq_id: SeqId
    base_model: Name
    user_metadata: Metadata = None
    lora_config: Lora | None = None
    optimizer_config: Optimizer | None = None


class GetInfo(Body):
    """get_info."""

    model_id: Name


class Adam(BaseModel):
    """`adam_params` of optim_step."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    learning_rate: Annotated[float, Field(ge=0)] = 1e-4
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.95
    eps: Annotated[float, Field(ge=0)] = 1e-12
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    grad_clip_norm: float = 0.0


class OptimStep(Body):
    """optim_step."""

    model_id: Name
    seq_id: SeqId | None = None
    adam_params: Adam | None = None
    optimizer_params: Optimizer | None = None


class SaveWeights(Body):
    """save_weights."""

    model_id: Name
    seq_id: SeqId | None = None
    path: Name | None = None
    ttl_seconds: Annotated[int, Field(gt=0)] | None = None
    overwrite: bool = False
    user_metadata: dict[str, str] | None = None


class SaveForSampler(Body):
    """save_weights_for_sampler."""

    model_id: Name
    seq_id: SeqId | None = None
    path: Name | None = None
    sampling_session_seq_id: SeqId | None = None
    kind: Literal["snapshot", "inflight"] = "snapshot"
    ttl_seconds: Annotated[int, Field(gt=0)] | None = None
    user_metadata: dict[str, str] | None = None


class SaveExternal(Body):
    """save_weights_external."""

    model_id: Name
    path: Name
    seq_id: SeqId | None = None
    ttl_seconds: Annotated[int, Field(gt=0)] | None = None
    age_encryption_recipients: list[str] | None = None


class LoadWeights(Body):
    """load_weights: a new model (`session_id`, `model_seq_id`) or an old one (`model_id`)."""

    path: Name
    optimizer: bool
    model_id: Name | None = None
    seq_id: SeqId | None = None
    session_id: Name | None = None
    model_seq_id: SeqId | None = None
    base_model: Name | None = None
    user_metadata: Metadata = None
    optimizer_config: Optimizer | None = None
    weights_access_token: str | None = None


class CreateSampler(Body):
    """create_sampling_session."""

    session_id: Name
    sampling_session_seq_id: SeqId
    base_model: Name | None = None
    model_path: Name | None = None


class Chunk(BaseModel):
    """One piece of a prompt; only `encoded_text` is served."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = "encoded_text"
    tokens: list[Annotated[int, Field(ge=0, lt=TOKEN_LIMIT)]] | None = None


class Prompt(BaseModel):
    """`prompt` of asample."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chunks: list[Chunk]


class Params(BaseModel):
    """`sampling_params` of asample."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_tokens: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**64)] | None = None
    stop: str | list[str] | list[int] | None = None
    temperature: float = 1.0
    top_k: Annotated[int, Field(ge=-(2**31), lt=2**31)] = -1
    top_p: float = 1.0


class Sample(Body):
    """asample."""

    sampling_session_id: Name | None = None
    seq_id: SeqId | None = None
    num_samples: Annotated[int, Field(ge=-(2**31), lt=2**31)] = 1
    prompt: Prompt
    sampling_params: Params
    base_model: str | None = None
    model_path: str | None = None
    prompt_logprobs: bool | None = None
    topk_prompt_logprobs: Annotated[int, Field(ge=0, lt=2**31)] = 0
    prompt_logprobs_last_n: int | None = None
    topk_sample_logprobs: int = 0
    target_prompt_logprobs: dict[str, Any] | None = None
    prompt_alt_tokens_k: int = 0
    record_stability_info: bool | None = None


class FutureId(Body):
    """retrieve_future and cancel_future."""

    request_id: Annotated[str, Field(min_length=1, max_length=500)]
    allow_metadata_only: bool = False


BodyT = TypeVar("BodyT", bound=BaseModel)


def parse(record: type[BodyT], body: bytes) -> BodyT:
    """The body as a `record`; raises `UserError` that names each field that is wrong."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"The body is not JSON ({str(error)[:120]}). Expected an object with the fields "
            f"{', '.join(record.model_fields)}."
        ) from None
    try:
        return record.model_validate(raw)
    except ValidationError as error:
        found = [
            f"{'.'.join(str(part) for part in one['loc']) or 'the body'}: {one['msg']}"
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise UserError(f"{'; '.join(found[:5])}{more}.") from None
