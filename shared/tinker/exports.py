"""Getting a checkpoint's files off a server: export it, ask for the URLs, fetch and check each.

The service of today hands out files one by one, and only those of an export. What arrives is
checked against the announced size and, where the server gives one, its digest (RFC 9530), and no
name leads out of the folder. Turning the files into a PEFT adapter is `weights`' part.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from shared.tinker.errors import CheckpointError, NotFoundError, UnsupportedError, UserError
from shared.tinker.reach import opener

if TYPE_CHECKING:
    import tinker

EXPORT_SECONDS = 3600
"""How long a copy lives that was exported only to be fetched: the shortest hosted Tinker allows."""

_TIMEOUT = 60.0
_BLOCK = 1 << 20
_DIGESTS = ("Repr-Digest", "Content-Digest")


def checkpoint_path(checkpoint: object) -> str:
    """The `tinker://` path in what a save returns: a string, a response with `.path`, or a future.

    Raises:
        UserError: it is none of these, or its path is no checkpoint's.
    """
    value: Any = checkpoint
    if callable(getattr(value, "result", None)):
        value = value.result()
    path = value if isinstance(value, str) else getattr(value, "path", None)
    if not isinstance(path, str):
        raise UserError(
            f"{type(checkpoint).__name__} is no checkpoint. Give a path (tinker://RUN/weights/NAME)"
            " or what training_client.save_state(NAME) returns."
        )
    _parsed(path)
    return path


def _parsed(path: str) -> tinker.ParsedCheckpointTinkerPath:
    import tinker

    try:
        return tinker.ParsedCheckpointTinkerPath.from_tinker_path(path)
    except ValueError:
        raise UserError(
            f"{path!r} is no checkpoint. Checkpoints are called tinker://RUN/weights/NAME (from "
            "save_state) or tinker://RUN/external_weights/NAME (from save_weights_external)."
        ) from None


def is_training(path: str) -> bool:
    """Whether the path is of a training checkpoint, which must be exported before it is fetched."""
    return _parsed(path).checkpoint_type == "training"


def refuse_sampler(path: str) -> None:
    """Say what to do about a path of sampler weights.

    Raises:
        UnsupportedError: it is one.
    """
    kind = _parsed(path).checkpoint_type
    if kind not in ("training", "external"):
        name = path.rsplit("/", 1)[-1]
        raise UnsupportedError(
            f"{path} holds sampler weights, and Tinker lets nobody download those (since SDK "
            f"0.38). Save the same model once more with training_client.save_state({name!r}) or "
            f"training_client.save_weights_external({name!r}), and give the path that returns."
        )


def exported(service: tinker.ServiceClient, path: str, recipients: list[str] | None = None) -> str:
    """The path of an export of this checkpoint; one that is an export already is its own.

    A training checkpoint is loaded into a new run and exported from there, for
    `EXPORT_SECONDS`.

    Args:
        service: a client of the server that has the checkpoint.
        path: `tinker://RUN/weights/NAME` or `tinker://RUN/external_weights/NAME`.
        recipients: age public keys to encrypt the files to.

    Raises:
        UnsupportedError: sampler weights.
        NotFoundError: the server has no such checkpoint.
    """
    import tinker

    refuse_sampler(path)
    if not is_training(path):
        return path
    try:
        training = service.create_training_client_from_state(
            path, user_metadata={"created_by": "labkit export"}
        ).result()
        saved = training.save_weights_external(
            "download", ttl_seconds=EXPORT_SECONDS, age_encryption_recipients=recipients
        )
        return saved.result().path
    except (tinker.RequestFailedError, tinker.APIStatusError) as error:
        raise NotFoundError(f"{path} cannot be exported: {error}") from error


def file_urls(rest: tinker.RestClient, path: str) -> dict[str, str]:
    """Every file of an export: name to signed, expiring URL.

    Raises:
        NotFoundError: there is no such export, or it has no files.
    """
    import tinker

    try:
        urls = dict(rest.get_external_weights_urls(path).result().urls)
    except (tinker.APIStatusError, ValueError) as error:
        raise NotFoundError(f"{path} has no files to fetch: {error}") from error
    if not urls:
        raise NotFoundError(f"{path} has no files to fetch: the server lists none.")
    return urls


def fetch(urls: Mapping[str, str], folder: Path) -> list[Path]:
    """Download every file into `folder`, which exists.

    Raises:
        CheckpointError: a file is cut short, damaged, unreachable, or its name or address is not
            one that a checkpoint's file may have. Nothing is written outside `folder`.
    """
    targets = {name: _inside(folder, name) for name in urls}
    for name, target in sorted(targets.items()):
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_one(name, urls[name], target)
    return sorted(targets.values())


def _inside(folder: Path, name: str) -> Path:
    base = folder.resolve()
    target = base if {"\\", "\0"} & set(name) else (folder / name).resolve()
    if target == base or not target.is_relative_to(base):
        raise CheckpointError(
            f"The server names a file {name!r}, which would lie outside {folder}. "
            "Nothing was downloaded; do not trust this server."
        )
    return target


def _fetch_one(name: str, url: str, target: Path) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise CheckpointError(f"{name} is offered at an address that is no http(s) URL.")
    digest = hashlib.sha256()
    size = 0
    try:
        with opener(url).open(url, timeout=_TIMEOUT) as response, target.open("xb") as file:
            while block := response.read(_BLOCK):
                file.write(block)
                digest.update(block)
                size += len(block)
            announced = response.headers.get("Content-Length")
            expected = _announced_sha256(response.headers)
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        # urllib's errors carry no URL; ours has none either, for it is a signature.
        status = getattr(error, "code", None)
        what = f"status {status}" if status else str(getattr(error, "reason", None) or error)
        again = " The link may have expired: try again." if status in (403, 404, 410) else ""
        raise CheckpointError(f"{name} could not be downloaded: {what}.{again}") from error
    if announced is not None and size != int(announced):
        raise CheckpointError(f"{name} was cut short: {size} of {announced} bytes. Try again.")
    if expected is not None and digest.digest() != expected:
        raise CheckpointError(f"{name} was damaged on the way: its SHA-256 differs. Try again.")


def _announced_sha256(headers: Mapping[str, str]) -> bytes | None:
    for header in _DIGESTS:
        for part in (headers.get(header) or "").split(","):
            algorithm, _, value = part.strip().partition("=")
            if algorithm == "sha-256" and len(value) > 2:
                return base64.b64decode(value.strip(":"))
    return None


def decrypt(files: list[Path], identity: Any) -> None:
    """Replace each `NAME.age` by `NAME`, decrypted with a pyrage identity.

    Raises:
        CheckpointError: a file is not encrypted, or not to this identity.
    """
    import pyrage

    age: Any = pyrage
    for path in files:
        if path.suffix != ".age":
            raise CheckpointError(f"{path.name} was to be encrypted for us and is not.")
        try:
            age.decrypt_file(str(path), str(path.with_suffix("")), [identity])
        except age.DecryptError as error:
            raise CheckpointError(f"{path.name} cannot be decrypted: {error}") from error
        path.unlink()


def discard(folder: Path) -> None:
    """Remove a folder of ours, whatever is in it."""
    shutil.rmtree(folder, ignore_errors=True)
