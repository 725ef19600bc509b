"""A checkpoint folder's list of files with their sizes and sha256, and whether they still agree.

The list is a file of the folder; its own sha256 is kept in the database, so that whoever alters a
file and the list is found out as well. Folders are flat.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.tinker.errors import CheckpointError

NAME = "manifest.json"
_REMEDY = "Take another checkpoint; this one can only be deleted."


@dataclass(frozen=True, kw_only=True)
class File:
    """One file: size in bytes, sha256 as hex."""

    size: int
    sha256: str


def seal(folder: Path) -> tuple[str, int]:
    """Write the list of all files of `folder` and force everything to the disk.

    Returns the list's sha256 and the size of all files in bytes.

    Raises:
        CheckpointError: the folder is empty, or holds something that is no plain file.
        OSError: the disk is full, or fails.
    """
    files: dict[str, dict[str, object]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise CheckpointError(f"{path.name} is no plain file and cannot be part of it.")
        _sync(path)
        files[path.name] = {"size": path.stat().st_size, "sha256": _sha256(path)}
    if not files:
        raise CheckpointError("nothing was written.")
    listing = json.dumps({"format": 1, "files": files}, indent=1).encode()
    with (folder / NAME).open("wb") as file:
        file.write(listing)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return hashlib.sha256(listing).hexdigest(), sum(p.stat().st_size for p in folder.iterdir())


def read(folder: Path, manifest_sha256: str) -> Mapping[str, File]:
    """The files a checkpoint was saved with, by name; the list itself is not among them.

    Raises:
        CheckpointError: the list is missing or was altered.
    """
    try:
        listing = (folder / NAME).read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{folder / NAME} cannot be read ({error.strerror}). {_REMEDY}"
        ) from error
    if hashlib.sha256(listing).hexdigest() != manifest_sha256:
        raise CheckpointError(f"{folder / NAME} was altered after it was saved. {_REMEDY}")
    return {name: File(**facts) for name, facts in json.loads(listing)["files"].items()}


def digest_field(path: Path) -> dict[str, str]:
    """The HTTP field by which a receiver checks a file (RFC 9530); empty when nothing is known."""
    try:
        listed = json.loads((path.parent / NAME).read_bytes())["files"][path.name]["sha256"]
        value = base64.b64encode(bytes.fromhex(listed)).decode()
    except (OSError, ValueError, KeyError):
        return {}
    return {"Repr-Digest": f"sha-256=:{value}:"}


def verify(folder: Path, manifest_sha256: str) -> None:
    """Compare every file with the list.

    Raises:
        CheckpointError: naming the file that is missing, cut off, altered or not listed.
    """
    files = read(folder, manifest_sha256)
    found = {path.name for path in folder.iterdir()} - {NAME}
    for name in sorted(found - set(files)):
        raise CheckpointError(f"{folder / name} was not saved with this checkpoint. Remove it.")
    for name, file in files.items():
        path = folder / name
        try:
            size = path.lstat().st_size
            intact = size == file.size and not path.is_symlink() and _sha256(path) == file.sha256
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({error.strerror}). {_REMEDY}") from error
        if not intact:
            what = "was altered" if size == file.size else f"has {size} bytes, not {file.size},"
            raise CheckpointError(f"{path} {what} since it was saved. {_REMEDY}")


def sync_folder(folder: Path) -> None:
    """Force a folder's own entries to the disk; Windows has no such call."""
    if sys.platform != "win32":
        _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
