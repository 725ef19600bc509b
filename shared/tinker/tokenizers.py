"""Lets the SDK and the cookbook find the tokenizers of models that lie in a folder here.

Both know hub names only and would ask the hub for `labkit/tiny`; with a network that is a lie
waiting to happen, without one an error. The names taught here are loaded from their folder,
whatever was imported before and whatever HF_HOME says; every other name goes the usual way. The SDK
has no hook for it, so its one loading function is wrapped. The cookbook has `register_tokenizer`.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.tinker.errors import TinkerKitError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

_FOLDERS: dict[str, str] = {}
_LOADER = "_load_tokenizer_from_model_info"


def teach_tokenizers(folders: dict[str, Path]) -> None:
    """From now on in this process, these model names have the tokenizers of these folders."""
    from tinker_cookbook.tokenizer_utils import register_tokenizer

    for name, folder in folders.items():
        _FOLDERS[name] = str(folder)
        register_tokenizer(name, functools.partial(load_tokenizer, name))
    _wrap_sdk()


def load_tokenizer(name: str) -> PreTrainedTokenizer:
    """The tokenizer of a taught name, loaded once.

    Raises:
        TinkerKitError: the name was never taught.
    """
    if name not in _FOLDERS:
        raise TinkerKitError(f"No folder is known for {name!r}, only for {sorted(_FOLDERS)}.")
    return _load(_FOLDERS[name])


@functools.lru_cache(maxsize=8)
def _load(folder: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _wrap_sdk() -> None:
    """Put our lookup before the SDK's loading function, once."""
    from tinker.lib.public_interfaces import sampling_client, training_client

    original: Any = getattr(sampling_client, _LOADER)
    if getattr(original, "taught", False):
        return

    @functools.wraps(original)
    def load(model_name: str, tokenizer_id: str | None = None) -> Any:
        name = model_name.split(":")[0]
        return _load(_FOLDERS[name]) if name in _FOLDERS else original(model_name, tokenizer_id)

    load.taught = True  # pyright: ignore[reportAttributeAccessIssue]
    for module in (sampling_client, training_client):
        setattr(module, _LOADER, load)
