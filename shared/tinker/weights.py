"""From a Tinker checkpoint to a PEFT adapter on disk: `download_and_convert_weights`.

The files are fetched by `exports` and converted by the cookbook's `build_lora_adapter`; here is
what lies around that: the base model found without a network, the check that the adapter fits it,
the record beside the result, and that a folder is either whole or not there.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.tinker import exports
from shared.tinker.client import TinkerClient
from shared.tinker.errors import CheckpointError, NotFoundError, UserError

if TYPE_CHECKING:
    import tinker

logger = logging.getLogger(__name__)

ADAPTER = "peft_adapter"
INFO = "checkpoint_info.json"
ARCHIVE = "download"
WEIGHTS = "adapter_model.safetensors"
_OURS = frozenset(
    ("tinker_path", "base_model", "rank", "alpha", "targets", "sha256", "converted_at", "versions")
)


def download_and_convert_weights(
    tinker_checkpoint: object,
    base_model_name: str,
    output_dir: str | os.PathLike[str],
    cleanup_archive: bool = True,
    overwrite: bool = False,
    metadata: Mapping[str, Any] | None = None,
    *,
    client: TinkerClient | None = None,
) -> str:
    """Fetch a checkpoint and write it as a PEFT adapter, which `PeftModel.from_pretrained` loads.

    Returns the path of `output_dir/peft_adapter`. Beside it goes `checkpoint_info.json`:
    tinker_path, base_model, rank, alpha, targets, sha256 (of the adapter's weights), converted_at
    (UTC), versions, and what `metadata` adds. The same checkpoint again returns at once and
    contacts no server.

    Args:
        tinker_checkpoint: a path, or what `save_state` or `save_weights_external` returned.
        base_model_name: the model it was trained on: its name on the server, or its folder.
        output_dir: made when missing.
        cleanup_archive: remove the files as they were downloaded; else they stay in `download/`.
        overwrite: replace what another checkpoint left in `output_dir`.
        metadata: more fields for checkpoint_info.json, such as the dataset.
        client: the server that has the checkpoint; None: the one `connect()` would use.

    Raises:
        UnsupportedError: sampler weights, which nobody can download; it says what to do.
        UserError: `output_dir` holds another adapter, or another model was trained.
        NotFoundError: no such checkpoint on the server, or no such base model on this machine.
        CheckpointError: a file is damaged or does not fit the base model. What was there stays.
        UnreachableError: no server answers.
    """
    path = exports.checkpoint_path(tinker_checkpoint)
    exports.refuse_sampler(path)
    extra, out = _checked_metadata(metadata), Path(output_dir)
    if overwrite or not _already(out, path, base_model_name, extra):
        there = client or TinkerClient()
        _make(there, path, base_model_name, out, extra, keep_archive=not cleanup_archive)
    return str(out / ADAPTER)


def _make(
    client: TinkerClient,
    path: str,
    base_model: str,
    out: Path,
    extra: dict[str, Any],
    *,
    keep_archive: bool,
) -> None:
    """Fetch, convert and record beside the place, then move there."""
    base = _base_folder(client, path, base_model)
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".converting-", dir=out))
    try:
        raw = staging / ARCHIVE
        raw.mkdir()
        _download(client, path, raw)
        _convert(raw, base, staging / ADAPTER, base_model)
        _write_info(staging / ADAPTER, path, base_model, extra)
        _put(staging / ADAPTER, out / ADAPTER, staging)
        _publish_info(out)
        if keep_archive:
            _put(raw, out / ARCHIVE, staging)
    finally:
        exports.discard(staging)


def _checked_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    extra = dict(metadata or {})
    if taken := sorted(_OURS & extra.keys()):
        raise UserError(f"metadata may not set {', '.join(taken)}: these fields are measured.")
    try:
        json.dumps(extra)
    except (TypeError, ValueError) as error:
        raise UserError(f"metadata must be what JSON can say: {error}.") from None
    return extra


def _already(out: Path, path: str, base_model: str, extra: dict[str, Any]) -> bool:
    """Whether this very adapter is there, whole. New metadata is added to its record."""
    adapter = out / ADAPTER
    if not adapter.exists():
        return False
    info = _read_info(adapter / INFO)
    there = info.get("tinker_path"), info.get("base_model")
    if there != (path, base_model):
        what = f"{there[0]} for {there[1]}" if there[0] else "something that is not of our making"
        raise UserError(
            f"{adapter} holds {what}, not {path} for {base_model}. "
            "Choose another output_dir, or pass overwrite=True to replace it."
        )
    weights = adapter / WEIGHTS
    if not weights.is_file() or _sha256(weights) != info.get("sha256"):
        logger.warning("%s is damaged and is converted again.", adapter)
        return False
    if (info | extra) != info:
        _write_json(adapter / INFO, info | extra)
    _publish_info(out)
    return True


def _base_folder(client: TinkerClient, path: str, base_model: str) -> Path:
    """The folder of the model named, which must be the one that was trained.

    Raises:
        UserError: it is another one.
        NotFoundError: it is not on this machine and cannot be fetched.
    """
    from shared.models.base import NAME, folder
    from shared.tinker.service.catalogue import STAND_IN_NAMES

    trained = _trained_on(client.rest_client, path)
    stand_in = client.address.kind != "hosted" and trained in STAND_IN_NAMES
    if Path(base_model).is_dir():
        return Path(base_model)
    if trained != base_model and not (stand_in and base_model == NAME):
        raise UserError(
            f"{path} was trained on {trained}, not on {base_model}. Pass base_model_name="
            f"{trained!r}: on another model the adapter would give answers, and wrong ones."
        )
    # A stand-in may also be a real model that somebody serves here; `_check_fit` tells them apart.
    if base_model == NAME or (stand_in and client.address.kind == "embedded"):
        return folder()
    return _hub_folder(base_model)


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(name))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise NotFoundError(
            f"The base model {name} is not in your Hugging Face cache and cannot be fetched "
            f"({type(error).__name__}). Fetch it with `hf download {name}`, or give its folder."
        ) from error


def _trained_on(rest: tinker.RestClient, path: str) -> str:
    import tinker

    try:
        return rest.get_weights_info_by_tinker_path(path).result().base_model
    except tinker.APIStatusError as error:
        raise NotFoundError(f"The server has no checkpoint {path}: {error}") from error


def _download(client: TinkerClient, path: str, raw: Path) -> None:
    """Put the checkpoint's files into `raw`; a copy made only for that is deleted again."""
    from shared.tinker.client import service_client

    temporary = exports.is_training(path)
    identity: Any = None
    recipients: list[str] | None = None
    if temporary and not client.address.loopback:
        import pyrage

        # The copy lies on somebody's storage for a while: only this call can read it.
        age: Any = pyrage
        identity = age.x25519.Identity.generate()
        recipients = [str(identity.to_public())]
    service = service_client(client.address)
    try:
        export = exports.exported(service, path, recipients)
        try:
            files = exports.fetch(exports.file_urls(client.rest_client, export), raw)
            if identity is not None:
                exports.decrypt(files, identity)
        finally:
            if temporary:
                _delete(client.rest_client, export)
    finally:
        with contextlib.suppress(Exception):  # the session expires by itself
            service.close("success").result(10)


def _delete(rest: tinker.RestClient, export: str) -> None:
    try:
        rest.delete_checkpoint_from_tinker_path(export).result()
    except Exception as error:
        logger.warning("%s could not be deleted (%s); it expires within the hour.", export, error)


def _convert(raw: Path, base: Path, adapter: Path, base_model: str) -> None:
    from tinker_cookbook.exceptions import TinkerCookbookError
    from tinker_cookbook.weights import build_lora_adapter

    from shared.tinker.adapter_files import check_fit, say_base_model, untie

    try:
        build_lora_adapter(base_model=str(base), adapter_path=str(raw), output_path=str(adapter))
    except (TinkerCookbookError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"The checkpoint's files are not an adapter of {base_model}: {error}"
        ) from error
    untie(adapter)
    say_base_model(adapter, base_model)
    check_fit(adapter, base, base_model)


def _write_info(adapter: Path, path: str, base_model: str, extra: dict[str, Any]) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    packages = ("tinker", "tinker-cookbook", "peft", "transformers", "torch", "tinker-lab-kit")
    versions: dict[str, str] = {}
    for package in packages:
        with contextlib.suppress(ImportError):
            versions[package] = version(package)
    info = {
        "tinker_path": path,
        "base_model": base_model,
        "rank": config["r"],
        "alpha": config["lora_alpha"],
        "targets": sorted(config["target_modules"]),
        "sha256": _sha256(adapter / WEIGHTS),
        "converted_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions,
    }
    _write_json(adapter / INFO, info | extra)


def _publish_info(out: Path) -> None:
    """The record also stands beside the adapter; the one inside moved into place with it."""
    info = _read_info(out / ADAPTER / INFO)
    if _read_info(out / INFO) != info:
        _write_json(out / INFO, info)


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def _put(new: Path, place: Path, staging: Path) -> None:
    """Move a folder to its place; what was there goes away with the staging folder."""
    if place.exists() or place.is_symlink():
        place.rename(staging / f"old-{place.name}")
    new.rename(place)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
