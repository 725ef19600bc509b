"""A Hugging Face home of our own making, in which code finds models and datasets by name, offline.

The served models stand under their names (tokenizer, config, and for the base model the weights),
and the synthetic datasets under the names of public ones, prepared as Arrow files: that is the
form which `datasets` reads without asking the hub. Folders are named by a hash of everything that
goes in, built beside their place and renamed, so one that exists is whole and current. Point
HF_HOME at it together with HF_HUB_OFFLINE=1; `environment` gives both.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.data.public import DATASETS, NOTICE, PublicDataset
from shared.tinker.errors import NotFoundError
from shared.tinker.service.catalogue import ModelSource, catalogue

LAYOUT = 1
"""Raise it when the same contents are to be laid out in another way."""

LLAMA_TOKENIZER = "thinkingmachineslabinc/meta-llama-3-instruct-tokenizer"
"""Where the SDK and the cookbook look for the tokenizer of every meta-llama/Llama-3 model."""

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
OTHER_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE", "TRANSFORMERS_CACHE")
"""Variables that would lead Hugging Face's libraries past HF_HOME."""


def environment(home: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """`outer` changed so that a child process finds `home` and never asks the hub."""
    kept = {name: value for name, value in outer.items() if name not in OTHER_CACHES}
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
    return {**kept, **offline, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}


def hub_home(sources: Sequence[ModelSource] | None = None, *, cache: Path | None = None) -> Path:
    """The folder for HF_HOME with these models and every synthetic dataset; made when missing.

    Args:
        sources: what is served; the whole catalogue if None.
        cache: where such folders are kept; the user's cache folder if None.

    Raises:
        NotFoundError: a source's folder is gone, or its hub name was never downloaded.
    """
    import platformdirs

    chosen = catalogue() if sources is None else sources
    folders = {source.name: _files_folder(source) for source in chosen}
    place = cache or platformdirs.user_cache_path("labkit", appauthor=False)
    digest = _digest(chosen, folders)
    home = place / f"hub-{digest[:16]}"
    if home.is_dir():
        return home
    place.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=place))
    try:
        _build(building, chosen, folders, revision=digest[:40])
        try:
            building.rename(home)
        except OSError:
            if not home.is_dir():  # another process was faster otherwise, with the same contents
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return home


def _files_folder(source: ModelSource) -> Path:
    path = Path(source.location)
    if (path / "config.json").is_file():
        return path
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        patterns = ["*.json", "*.txt", "*.model", "*.jinja"]
        return Path(
            snapshot_download(source.location, local_files_only=True, allow_patterns=patterns)
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, ValueError) as error:
        raise NotFoundError(
            f"{source.location} is neither a folder with config.json nor in your Hugging Face "
            f"cache. If it is a hub name, fetch it once: `hf download {source.location}`."
        ) from error


def _parts(folder: Path, *, weights: bool) -> list[Path]:
    """The files of a model, by name, without its weights unless they are wanted."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and (weights or path.suffix not in WEIGHTS)
    )


def _digest(sources: Sequence[ModelSource], folders: Mapping[str, Path]) -> str:
    import datasets

    said = hashlib.sha256(f"{LAYOUT} {datasets.__version__} {NOTICE}".encode())
    for source in Path(__file__).parent.parent.joinpath("data").glob("*.py"):
        said.update(source.name.encode() + source.read_bytes())
    seen: dict[Path, str] = {}
    for source in sources:
        folder = folders[source.name]
        if folder not in seen:
            contents = hashlib.sha256()
            for path in _parts(folder, weights=_is_base(folder)):
                contents.update(path.name.encode() + path.read_bytes())
            seen[folder] = contents.hexdigest()
        said.update(f"{source.name} {source.stand_in_for} {seen[folder]}".encode())
    return said.hexdigest()


def _is_base(folder: Path) -> bool:
    from shared.models import base

    return folder == Path(base.folder())


def _build(
    home: Path, sources: Sequence[ModelSource], folders: Mapping[str, Path], *, revision: str
) -> None:
    readme = [f"Made by Tinker Lab Kit. Every dataset here: {NOTICE}\n"]
    first: dict[Path, Path] = {}
    for name, source in _named(sources):
        folder = folders[source.name]
        snapshot = home / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / revision
        _snapshot(snapshot, first.get(folder, folder), weights=_is_base(folder))
        first.setdefault(folder, snapshot)
        if source.stand_in_for:
            note = f"{name} is a STAND-IN: these files are the tiny model labkit/tiny."
            (snapshot / "STAND-IN.txt").write_text(note + "\n")
            readme.append(note)
    for data in DATASETS:
        _prepare(home / "datasets", data, revision)
        readme.append(f"{data.repo}: synthetic")
    (home / "README.txt").write_text("\n".join(readme) + "\n")


def _named(sources: Sequence[ModelSource]) -> Iterator[tuple[str, ModelSource]]:
    """Each model with its name; Llama 3 models bring the name their tokenizer is sought under."""
    for source in sources:
        yield source.name, source
    llama = [s for s in sources if s.name.startswith("meta-llama/Llama-3")]
    if llama:
        yield LLAMA_TOKENIZER, llama[0]


def _snapshot(snapshot: Path, folder: Path, *, weights: bool) -> None:
    """One model as the hub's cache keeps it. Later names are hard links where that works."""
    snapshot.mkdir(parents=True)
    for path in _parts(folder, weights=weights):
        if path.name == "STAND-IN.txt":
            continue
        try:
            if snapshot.parents[3] not in path.parents:
                raise OSError  # the kit's own files are copied, so that none is shared with them
            os.link(path, snapshot / path.name)
        except OSError:
            shutil.copyfile(path, snapshot / path.name)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text(snapshot.name)


def _prepare(root: Path, data: PublicDataset, revision: str) -> None:
    """One dataset as `datasets` leaves it in its cache: an Arrow stream a split, and its info."""
    import pyarrow as pa
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo
    from datasets.naming import camelcase_to_snakecase, filename_prefix_for_split

    owner, _, name = data.repo.rpartition("/")
    folder = root / f"{owner}___{camelcase_to_snakecase(name)}" / data.config / "0.0.0" / revision
    folder.mkdir(parents=True)
    features = Features({key: _feature(kind) for key, kind in data.columns.items()})
    splits = SplitDict(dataset_name=name)
    for split in data.splits:
        table = pa.Table.from_pylist(list(data.rows(split)), schema=features.arrow_schema)
        path = folder / f"{filename_prefix_for_split(name, split)}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        splits.add(
            SplitInfo(
                name=split, num_bytes=table.nbytes, num_examples=table.num_rows, dataset_name=name
            )
        )
    info = DatasetInfo(
        description=NOTICE,
        features=features,
        builder_name="cache",
        dataset_name=name,
        config_name=data.config,
        version="0.0.0",
        splits=splits,
    )
    info.write_to_directory(str(folder))


def _feature(kind: Any) -> Any:
    from datasets import List, Value

    if isinstance(kind, str):
        return Value(kind)
    if isinstance(kind, list):
        return List(_feature(kind[0]))
    return {key: _feature(value) for key, value in kind.items()}
