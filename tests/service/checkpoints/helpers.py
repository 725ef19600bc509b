"""A run of ana's, a clock that stands still, and how these tests save and look."""

from __future__ import annotations

from pathlib import Path

from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.records import Kind

RUN = "s1:train:0"
PATH = f"tinker://{RUN}/weights/a"
HOUR = 3600


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def save(
    checkpoints: Checkpoints, name: str = "a", content: bytes = b"one", **options: object
) -> Path:
    kind: Kind = options.pop("kind", "weights")  # type: ignore[assignment]
    with checkpoints.writing(RUN, kind, name, **options) as folder:  # type: ignore[arg-type]
        (folder / "adapter_model.safetensors").write_bytes(content)
        (folder / "adapter_config.json").write_bytes(b"{}")
    return folder


def content(checkpoints: Checkpoints, path: str = PATH, key: str = "ana") -> bytes:
    return (checkpoints.resolve(path, key) / "adapter_model.safetensors").read_bytes()


def versions(root: Path) -> list[Path]:
    return list(root.glob("*/*/*/*")) + list((root / ".writing").glob("*"))
