"""Files that are either whole or not there: a temporary neighbour first, then a rename."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(target: Path, content: bytes) -> None:
    """Replace `target` by `content`; a kill at any moment leaves the old file or the new one.

    Raises:
        OSError: the folder is missing, read-only or full. The old file is unharmed.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
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
