"""External weights: encrypted to whom one asks, behind links that cannot be bent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyrage
import pytest

from shared.tinker.errors import CheckpointError, NotFoundError, UserError
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.external import Links, encrypt_folder
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.types import LoraSpec

RUN = "s1:train:0"
PATH = f"tinker://{RUN}/external_weights/a"
SSH_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@example"
)
"""A public key of the age specification's examples."""


@pytest.fixture
def checkpoints(tmp_path: Path) -> Iterator[Checkpoints]:
    store = Store.open(tmp_path / "state")
    store.add_run(RUN, "s1", "ana", "null/base", LoraSpec())
    made = Checkpoints(store, tmp_path / "state" / "checkpoints")
    save(made)
    yield made
    store.close()


@pytest.fixture
def links(checkpoints: Checkpoints) -> Links:
    return Links(checkpoints, b"secret")


def save(checkpoints: Checkpoints, content: bytes = b"weights") -> None:
    with checkpoints.writing(RUN, "external_weights", "a", overwrite=True) as folder:
        (folder / "w").write_bytes(content)


def parts(link: str) -> dict[str, str]:
    """The arguments of `Links.file` that stand in a link."""
    split = urlsplit(link)
    run_id, name, file = (unquote(part) for part in split.path.split("/")[-3:])
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return {"run_id": run_id, "name": name, "file": file, **query}


def link(checkpoints: Checkpoints, links: Links, expires: float = 100.0) -> dict[str, str]:
    made = links.of(checkpoints.find(PATH, OWNER), "http://127.0.0.1:1", expires)
    assert set(made) == {"w"} and made["w"].startswith("http://127.0.0.1:1/kit/v1/files/")
    return parts(made["w"])


def test_a_link_leads_to_its_file_until_it_expires(checkpoints: Checkpoints, links: Links) -> None:
    asked = link(checkpoints, links)
    assert links.file(**asked, now=99.0).read_bytes() == b"weights"
    with pytest.raises(UserError, match="expired"):
        links.file(**asked, now=100.0)


@pytest.mark.parametrize(
    "change",
    [
        {"file": "manifest.json"},
        {"file": "../w"},
        {"expires": "999999"},
        {"expires": "abc"},
        {"expires": ""},
        {"signature": "0" * 64},
        {"signature": "é\ud800"},
        {"signature": ""},
    ],
    ids=str,
)
def test_a_link_that_was_altered_is_refused(
    checkpoints: Checkpoints, links: Links, change: dict[str, str]
) -> None:
    with pytest.raises(UserError, match="altered"):
        links.file(**{**link(checkpoints, links), **change}, now=1.0)


@pytest.mark.parametrize("change", [{"name": "b"}, {"run_id": "s2:train:0"}, {"run_id": "../x"}])
def test_a_link_to_nothing_is_not_found(
    checkpoints: Checkpoints, links: Links, change: dict[str, str]
) -> None:
    with pytest.raises(NotFoundError):
        links.file(**{**link(checkpoints, links), **change}, now=1.0)


def test_another_secret_makes_other_links(checkpoints: Checkpoints, links: Links) -> None:
    with pytest.raises(UserError, match="altered"):
        Links(checkpoints, b"other").file(**link(checkpoints, links), now=1.0)


def test_a_link_ends_with_its_version_of_the_checkpoint(
    checkpoints: Checkpoints, links: Links
) -> None:
    asked = link(checkpoints, links)
    save(checkpoints, b"weights")
    with pytest.raises(UserError, match="saved anew"):
        links.file(**asked, now=1.0)
    asked = link(checkpoints, links)
    checkpoints.delete(PATH, OWNER)
    with pytest.raises(NotFoundError):
        links.file(**asked, now=1.0)


def test_a_damaged_export_gets_no_links(checkpoints: Checkpoints, links: Links) -> None:
    (checkpoints.resolve(PATH, OWNER) / "w").write_bytes(b"weightz")
    with pytest.raises(CheckpointError, match="w was altered"):
        link(checkpoints, links)


def test_other_kinds_get_no_links_and_the_way_round(checkpoints: Checkpoints, links: Links) -> None:
    with checkpoints.writing(RUN, "weights", "a") as folder:
        (folder / "w").write_bytes(b"x")
    with pytest.raises(UserError, match="save_weights_external"):
        links.of(checkpoints.find(f"tinker://{RUN}/weights/a", OWNER), "http://x", 1.0)


def test_encrypted_files_open_with_any_of_the_keys_only(tmp_path: Path) -> None:
    one, two, other = (pyrage.x25519.Identity.generate() for _ in range(3))
    (tmp_path / "w").write_bytes(b"weights" * 50_000)
    (tmp_path / "empty").write_bytes(b"")
    encrypt_folder(tmp_path, [str(one.to_public()), str(two.to_public()), SSH_KEY])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.age", "w.age"]
    secret = (tmp_path / "w.age").read_bytes()
    assert b"weights" not in secret
    for identity in (one, two):
        assert pyrage.decrypt(secret, [identity]) == b"weights" * 50_000
    assert pyrage.decrypt((tmp_path / "empty.age").read_bytes(), [one]) == b""
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(secret, [other])


@pytest.mark.parametrize(
    "recipients",
    [["age1nonsense"], ["ssh-ed25519 nonsense"], [""], [], ["AGE-SECRET-KEY-1X"], [SSH_KEY] * 21],
    ids=str,
)
def test_bad_recipients_encrypt_nothing(tmp_path: Path, recipients: list[str]) -> None:
    (tmp_path / "w").write_bytes(b"weights")
    with pytest.raises(UserError, match="age"):
        encrypt_folder(tmp_path, recipients)
    assert (tmp_path / "w").read_bytes() == b"weights"
