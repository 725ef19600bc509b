"""Files that are either whole or not there: a temporary neighbour first, then a rename."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


def short_name(name: str, most: int = 200) -> str:
    """`name`, or its first and last letters where it has more than `most` bytes.

    File systems take 255 bytes, and what we keep gets endings of ours.
    """
    data = name.encode(errors="surrogateescape")
    if len(data) <= most:
        return name
    half = (most - 3) // 2
    return "...".join(part.decode(errors="ignore") for part in (data[:half], data[-half:]))


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hex.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_atomically(target: Path, content: bytes) -> None:
    """Replace `target` by `content`; a kill at any moment leaves the old file or the new one.

    Raises:
        OSError: the folder is missing, read-only or full. The old file is unharmed.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        os.chmod(name, 0o644)  # mkstemp gives 0600; others may read what we write
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
