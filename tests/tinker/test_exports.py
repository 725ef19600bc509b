"""Fetching files: what a bad server or a bad line may send does no harm and is told."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tinker

from shared.tinker import TinkerClient, exports
from shared.tinker.errors import CheckpointError, UnsupportedError

from .conftest import Trained


@contextmanager
def serving(folder: Path, **fields: str) -> Iterator[str]:
    """A web server of `folder` that adds these header fields."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def end_headers(self) -> None:
            for name, value in fields.items():
                self.send_header(name.replace("_", "-"), value)
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    place = tmp_path / "served"
    place.mkdir()
    (place / "a.bin").write_bytes(b"0123456789")
    return place


@pytest.mark.parametrize(
    "name", ["../a.bin", "/etc/a.bin", "x/../../a.bin", "", ".", "..\\a.bin", "a\0b"]
)
def test_no_name_leads_out_of_the_folder(name: str, files: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with serving(files) as url, pytest.raises(CheckpointError, match="outside"):
        exports.fetch({name: f"{url}/a.bin", "good.bin": f"{url}/a.bin"}, into)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,x"])
def test_only_web_addresses_are_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no http"):
        exports.fetch({"a": url}, tmp_path)


def test_a_damaged_file_is_told(files: Path, tmp_path: Path) -> None:
    wrong = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
    with serving(files, Repr_Digest=wrong) as url, pytest.raises(CheckpointError, match="SHA-256"):
        exports.fetch({"a.bin": f"{url}/a.bin"}, tmp_path)


def test_a_file_that_is_cut_short_is_told(files: Path, tmp_path: Path) -> None:
    class Short(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"0123")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Short) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with pytest.raises(CheckpointError, match="cut short"):
            exports.fetch({"a": f"http://127.0.0.1:{server.server_port}/a"}, tmp_path)
        server.shutdown()


def test_an_expired_link_is_told_without_its_signature(files: Path, tmp_path: Path) -> None:
    with serving(files) as url, pytest.raises(CheckpointError, match="status 404") as caught:
        exports.fetch({"a": f"{url}/gone?signature=secret4711"}, tmp_path)
    assert "4711" not in str(caught.value) and "try again" in str(caught.value)


def test_the_sdk_parses_the_paths_we_expect() -> None:
    parse = tinker.ParsedCheckpointTinkerPath.from_tinker_path
    kinds = [
        parse(f"tinker://r/{kind}/n").checkpoint_type
        for kind in ("weights", "sampler_weights", "external_weights")
    ]
    assert kinds == ["training", "sampler", "external"]


# From the real service


@pytest.mark.parametrize("kind", ["training", "external"])
def test_each_file_has_a_url(trained: Trained, there: TinkerClient, kind: str) -> None:
    urls = there.get_checkpoint_urls(getattr(trained, kind))
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(urls)
    assert all(url.startswith(there.address.base_url) for url in urls.values())


def test_sampler_weights_have_no_urls(trained: Trained, there: TinkerClient) -> None:
    with pytest.raises(UnsupportedError, match="sampler weights"):
        there.get_checkpoint_urls(trained.sampler)


def test_an_encrypted_copy_is_read_only_by_its_receiver(
    trained: Trained, there: TinkerClient, tmp_path: Path
) -> None:
    import pyrage

    identity, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    export = exports.exported(there.service_client, trained.training, [str(identity.to_public())])
    (tmp_path / "mine").mkdir()
    files = exports.fetch(exports.file_urls(there.rest_client, export), tmp_path / "mine")
    assert {path.suffix for path in files} == {".age"}
    shutil.copytree(tmp_path / "mine", tmp_path / "theirs")
    with pytest.raises(CheckpointError, match="cannot be decrypted"):
        exports.decrypt(sorted((tmp_path / "theirs").iterdir()), other)
    exports.decrypt(files, identity)
    assert json.loads((tmp_path / "mine" / "adapter_config.json").read_text())["r"] == 8


def test_the_service_sends_digests_and_they_agree(
    trained: Trained, there: TinkerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes | None] = []
    announced = exports._announced_sha256
    monkeypatch.setattr(
        exports, "_announced_sha256", lambda fields: seen.append(announced(fields)) or seen[-1]
    )
    fetched = exports.fetch(there.get_checkpoint_urls(trained.external), tmp_path)
    assert {hashlib.sha256(path.read_bytes()).digest() for path in fetched} == set(seen)
