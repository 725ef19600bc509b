"""Tinker for the labs: connect to a server, or to the embedded service when there is none.

Everything public is found here and imported when it is first used, so that `import shared.tinker`
costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.tinker.client import TinkerClient, connect
    from shared.tinker.embedded import EmbeddedService
    from shared.tinker.presets import Preset, preset
    from shared.tinker.weights import download_and_convert_weights

__all__ = [
    "EmbeddedService",
    "Preset",
    "TinkerClient",
    "connect",
    "download_and_convert_weights",
    "preset",
]

_HOME = {
    "EmbeddedService": "embedded",
    "Preset": "presets",
    "TinkerClient": "client",
    "connect": "client",
    "download_and_convert_weights": "weights",
    "preset": "presets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
