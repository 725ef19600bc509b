"""Unpack a zip archive somebody else made: no traversal, no links, no bombs, nothing executed.

Members that cannot be unpacked are told about and left out; the rest is unpacked. Names are made
safe, modification times kept (the newest of two hand-ins counts).
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

MAX_MEMBERS = 20_000
MAX_MEMBER = 100_000_000
MAX_TOTAL = 2_000_000_000
_BLOCK = 1 << 20
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What every tool writes; unpacking the others can take any amount of memory."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What a broken archive raises. zipfile has no one error for it."""


def unpack(archive: Path, into: Path) -> list[str]:
    """Unpack `archive` into the folder `into`. Returns what was left out, one sentence each."""
    try:
        with zipfile.ZipFile(archive) as file:
            return _unpack_members(file, archive.name, into)
    except _BROKEN as error:
        return [f"{archive.name} is not a zip archive that can be read: {error}"]


def _unpack_members(file: zipfile.ZipFile, name: str, into: Path) -> list[str]:
    members = [m for m in file.infolist() if not m.is_dir()]
    if len(members) > MAX_MEMBERS:
        return [f"{name} holds {len(members)} files; at most {MAX_MEMBERS} are unpacked."]
    said: list[str] = []
    left = MAX_TOTAL
    for member in members:
        path = safe_path(member.filename)
        if path is None:
            said.append(f"{name}: {member.filename!r} points outside the archive; left out.")
        elif stat.S_ISLNK(member.external_attr >> 16):
            said.append(f"{name}: {member.filename!r} is a link; left out.")
        elif not _is_noise(path):
            problem, size = _extract(file, member, into / path, min(MAX_MEMBER, left))
            left -= size
            if problem:
                said.append(f"{name}: {member.filename!r} {problem}; left out.")
    return said


def safe_path(name: str) -> Path | None:
    """Where a member may go below the target folder; None when it points outside of it."""
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part not in (".", "/")]
    if path.is_absolute() or ".." in parts or not parts or ":" in parts[0] or "\0" in name:
        return None
    return Path(*parts)


def _is_noise(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _extract(
    file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, limit: int
) -> tuple[str | None, int]:
    """Write one member. Counts the bytes that come out: what the archive claims is no limit."""
    if member.flag_bits & 0x1:
        return "is encrypted", 0
    if member.compress_type not in _PACKED:
        return "is packed in an unusual way", 0
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(member) as source, target.open("xb") as out:
            while block := source.read(_BLOCK):
                written += len(block)
                if written > limit:
                    raise _TooLargeError
                out.write(block)
    except _TooLargeError:
        target.unlink(missing_ok=True)
        return f"is larger than {limit / 1e6:.0f} MB unpacked", written
    except FileExistsError:
        return "is in the archive twice", 0
    except _BROKEN as error:
        target.unlink(missing_ok=True)
        return f"cannot be unpacked ({error or type(error).__name__})", written
    _keep_time(member, target)
    return None, written


class _TooLargeError(Exception):
    """More came out of a member than may."""


def _keep_time(member: zipfile.ZipInfo, target: Path) -> None:
    try:
        when = datetime(*member.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return
    os.utime(target, (when, when))
