"""Checkpoints are saved whole or not at all, and read only by who may and when they are intact."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.errors import (
    CheckpointError,
    NotFoundError,
    OverLimitError,
    UserError,
)
from shared.tinker.service import manifest
from shared.tinker.service.checkpoints import LONGEST_TTL, Checkpoints
from shared.tinker.service.limits import Limits
from shared.tinker.service.records import Kind
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.tinker_path import check_name, parse
from shared.tinker.service.types import LoraSpec

RUN = "s1:train:0"
PATH = f"tinker://{RUN}/weights/a"
HOUR = 3600


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    store = Store.open(tmp_path / "state", clock=clock)
    store.add_session("ana", "s1")
    store.add_run(RUN, "s1", "ana", "null/base", LoraSpec())
    yield store
    store.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "checkpoints"


@pytest.fixture
def checkpoints(store: Store, root: Path) -> Checkpoints:
    return Checkpoints(store, root)


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


def test_what_was_saved_is_found_with_its_facts(checkpoints: Checkpoints, clock: Clock) -> None:
    save(checkpoints, ttl_seconds=HOUR, metadata={"step": "7"})
    assert content(checkpoints) == b"one"
    found = checkpoints.find(PATH, "ana")
    assert (found.tinker_path, found.kind, found.name) == (PATH, "weights", "a")
    assert found.user_metadata == {"step": "7"} and not found.public
    assert (found.created_at, found.expires_at) == (clock.now, clock.now + HOUR)
    files = [path for path in checkpoints.resolve(PATH, "ana").iterdir()]
    assert found.size_bytes == sum(path.stat().st_size for path in files)


def test_nobody_sees_a_checkpoint_before_it_is_whole(checkpoints: Checkpoints) -> None:
    with checkpoints.writing(RUN, "weights", "a") as folder:
        (folder / "adapter_model.safetensors").write_bytes(b"half")
        with pytest.raises(NotFoundError):
            checkpoints.resolve(PATH, "ana")
        assert checkpoints.list("ana") == []


def test_a_taken_name_is_refused_and_told_how_to_overwrite(checkpoints: Checkpoints) -> None:
    save(checkpoints)
    with pytest.raises(UserError, match="exists already.*overwrite=True"):
        save(checkpoints, content=b"two")
    assert content(checkpoints) == b"one"


def test_overwriting_replaces_files_metadata_lifetime_and_publicity(
    checkpoints: Checkpoints, root: Path
) -> None:
    save(checkpoints, metadata={"a": "b"}, ttl_seconds=HOUR)
    checkpoints.publish(PATH, "ana")
    save(checkpoints, content=b"two", overwrite=True)
    found = checkpoints.find(PATH, "ana")
    assert content(checkpoints) == b"two"
    assert (found.user_metadata, found.expires_at, found.public) == (None, None, False)
    assert len(versions(root)) == 1


def test_the_same_name_in_another_kind_is_another_checkpoint(checkpoints: Checkpoints) -> None:
    save(checkpoints)
    save(checkpoints, content=b"two", kind="sampler_weights")
    assert content(checkpoints) == b"one"
    assert content(checkpoints, f"tinker://{RUN}/sampler_weights/a") == b"two"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        CheckpointError("The disk is full."),
        ValueError("a bug"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_save_that_fails_leaves_the_old_one_and_nothing_else(
    checkpoints: Checkpoints, root: Path, error: BaseException
) -> None:
    save(checkpoints)
    with (
        pytest.raises((CheckpointError, ValueError, KeyboardInterrupt)),
        checkpoints.writing(RUN, "weights", "a", overwrite=True) as folder,
    ):
        (folder / "adapter_model.safetensors").write_bytes(b"half")
        raise error
    assert content(checkpoints) == b"one"
    assert len(versions(root)) == 1


def test_a_full_disk_is_told_with_the_name_and_without_our_folders(
    checkpoints: Checkpoints, root: Path
) -> None:
    with (
        pytest.raises(CheckpointError) as caught,
        checkpoints.writing(RUN, "weights", "a") as folder,
    ):
        raise CheckpointError(f"{folder}/adapter_model.safetensors: no space left on device")
    told = str(caught.value)
    assert told.startswith(f"{PATH} was not saved:") and "no space left" in told
    assert "before is unchanged" in told and str(root) not in told


def test_a_full_disk_while_the_list_is_written_is_a_failed_save(
    checkpoints: Checkpoints, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(checkpoints)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(manifest.os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        save(checkpoints, content=b"two", overwrite=True)
    assert content(checkpoints) == b"one" and len(versions(root)) == 1


def test_a_database_that_cannot_be_written_is_a_failed_save(
    checkpoints: Checkpoints, store: Store, root: Path
) -> None:
    save(checkpoints)
    store.db.rows("PRAGMA query_only = ON")
    with pytest.raises(CheckpointError, match="readonly"):
        save(checkpoints, content=b"two", overwrite=True)
    store.db.rows("PRAGMA query_only = OFF")
    assert content(checkpoints) == b"one" and len(versions(root)) == 1


def test_a_nearly_full_disk_is_refused_before_anything_is_written(store: Store, root: Path) -> None:
    checkpoints = Checkpoints(store, root, Limits(free_disk_bytes=1 << 60))
    with pytest.raises(CheckpointError, match="Make room"):
        save(checkpoints)
    assert versions(root) == []


def test_the_share_of_the_disk_is_kept_and_overwriting_counts_the_difference(
    store: Store, root: Path
) -> None:
    checkpoints = Checkpoints(store, root, Limits(disk_bytes=4000, free_disk_bytes=0))
    save(checkpoints, content=b"x" * 2000)
    with pytest.raises(OverLimitError, match="at most 4,000"):
        save(checkpoints, "b", b"x" * 2000)
    save(checkpoints, content=b"y" * 2500, overwrite=True)
    assert content(checkpoints) == b"y" * 2500 and len(versions(root)) == 1


def test_a_save_without_files_is_none(checkpoints: Checkpoints) -> None:
    with (
        pytest.raises(CheckpointError, match="nothing was written"),
        checkpoints.writing(RUN, "weights", "a"),
    ):
        pass


def test_a_link_or_a_folder_cannot_be_saved(checkpoints: Checkpoints, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with (
        pytest.raises(CheckpointError, match="no plain file"),
        checkpoints.writing(RUN, "weights", "a") as folder,
    ):
        (folder / "adapter_model.safetensors").symlink_to(tmp_path / "secret")


def damage(folder: Path, how: str) -> None:
    path = folder / "adapter_model.safetensors"
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "altered":
        path.write_bytes(b"0" + path.read_bytes()[1:])
    elif how == "gone":
        path.unlink()
    elif how == "added":
        (folder / "optimizer.safetensors").write_bytes(b"x")
    elif how == "list and file":
        path.write_bytes(b"two")
        (folder / manifest.NAME).unlink()
        manifest.seal(folder)
    elif how == "list gone":
        (folder / manifest.NAME).unlink()
    elif how == "folder gone":
        for one in folder.iterdir():
            one.unlink()
        folder.rmdir()


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("cut", "adapter_model.safetensors has 2 bytes, not 3"),
        ("altered", "adapter_model.safetensors was altered"),
        ("gone", "adapter_model.safetensors cannot be read"),
        ("added", "optimizer.safetensors was not saved with"),
        ("list and file", "manifest.json was altered"),
        ("list gone", "manifest.json cannot be read"),
        ("folder gone", "manifest.json cannot be read"),
    ],
)
def test_damage_is_found_and_named_and_the_rest_still_works(
    checkpoints: Checkpoints, how: str, named: str
) -> None:
    save(checkpoints)
    save(checkpoints, "b")
    damage(checkpoints.resolve(PATH, "ana"), how)
    with pytest.raises(CheckpointError, match=named):
        checkpoints.resolve(PATH, "ana")
    assert content(checkpoints, f"tinker://{RUN}/weights/b") == b"one"
    checkpoints.delete(PATH, "ana")
    save(checkpoints)
    assert content(checkpoints) == b"one"


def test_another_key_finds_nothing_and_may_do_nothing(checkpoints: Checkpoints) -> None:
    save(checkpoints)
    for act in (
        lambda: checkpoints.find(PATH, "bo"),
        lambda: checkpoints.resolve(PATH, "bo"),
        lambda: checkpoints.publish(PATH, "bo"),
        lambda: checkpoints.set_ttl(PATH, "bo", None),
        lambda: checkpoints.delete(PATH, "bo"),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert checkpoints.list("bo") == [] and checkpoints.count("bo") == 0
    assert checkpoints.count("ana") == checkpoints.count(OWNER) == 1


def test_a_published_one_can_be_read_by_all_and_changed_by_its_own(
    checkpoints: Checkpoints,
) -> None:
    save(checkpoints)
    checkpoints.publish(PATH, "ana")
    checkpoints.publish(PATH, "ana")
    assert content(checkpoints, key="bo") == b"one"
    assert [one.tinker_path for one in checkpoints.public_in(RUN)] == [PATH]
    with pytest.raises(NotFoundError):
        checkpoints.delete(PATH, "bo")
    checkpoints.publish(PATH, "ana", public=False)
    with pytest.raises(NotFoundError):
        checkpoints.find(PATH, "bo")


def test_an_expired_one_is_gone_at_once_and_swept_later(
    checkpoints: Checkpoints, clock: Clock, root: Path
) -> None:
    save(checkpoints, ttl_seconds=HOUR)
    save(checkpoints, "b")
    clock.now += HOUR - 1
    assert content(checkpoints) == b"one" and checkpoints.sweep() == 0
    clock.now += 1
    with pytest.raises(NotFoundError, match="expired"):
        checkpoints.resolve(PATH, "ana")
    assert checkpoints.count("ana") == 1
    assert checkpoints.sweep() == 1 and len(versions(root)) == 1


def test_an_expired_name_is_free_again_and_leaves_no_folder(
    checkpoints: Checkpoints, clock: Clock, root: Path
) -> None:
    save(checkpoints, ttl_seconds=HOUR)
    clock.now += HOUR
    save(checkpoints, content=b"two")
    assert content(checkpoints) == b"two" and len(versions(root)) == 1


def test_a_lifetime_can_be_changed_and_taken_away(checkpoints: Checkpoints, clock: Clock) -> None:
    save(checkpoints, ttl_seconds=HOUR)
    checkpoints.set_ttl(PATH, "ana", 2 * HOUR)
    assert checkpoints.find(PATH, "ana").expires_at == clock.now + 2 * HOUR
    checkpoints.set_ttl(PATH, "ana", None)
    assert checkpoints.find(PATH, "ana").expires_at is None


@pytest.mark.parametrize("ttl", [-1, 0, HOUR - 1, LONGEST_TTL + 1, 1 << 80])
def test_a_lifetime_out_of_range_is_refused(checkpoints: Checkpoints, ttl: int) -> None:
    with pytest.raises(UserError, match="ttl_seconds"):
        save(checkpoints, ttl_seconds=ttl)
    assert checkpoints.list("ana") == []


def test_an_unknown_run_has_no_checkpoints(checkpoints: Checkpoints) -> None:
    with pytest.raises(NotFoundError), checkpoints.writing("s9:train:0", "weights", "a"):
        pass


HARMFUL = [
    "", ".", "..", "../a", "a/b", "/etc", "a\\b", "a\0", ".hidden", "-a", "~", "a b", "é", "a\n",
    "x" * 129, "C:", "a%2fb", "$HOME", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL, ids=ascii)
def test_a_harmful_name_is_refused(checkpoints: Checkpoints, root: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot name"), checkpoints.writing(RUN, "weights", name):
        pass
    with pytest.raises(UserError):
        checkpoints.resolve(f"tinker://{RUN}/weights/{name}", "ana")
    assert versions(root) == []


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "tinker://", f"tinker://{RUN}", f"tinker://{RUN}/weights", "/tmp/x/weights/a",
        f"tinker://{RUN}/pickles/a", f"tinker://{RUN}/weights/a/b", f"https://{RUN}/weights/a",
        "tinker://../weights/a", "tinker:///weights/a", f"tinker://{RUN}/weights/..",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(checkpoints: Checkpoints, path: str) -> None:
    with pytest.raises(UserError):
        checkpoints.find(path, OWNER)


@given(st.text(max_size=140))
def test_a_name_that_passes_stays_inside_its_folder(name: str) -> None:
    try:
        check_name(name)
    except UserError:
        return
    assert (Path("/root/run/weights") / name).resolve() == Path("/root/run/weights") / name
    assert str(parse(f"tinker://{RUN}/weights/{name}")).endswith(f"/{name}")


def test_a_restart_finds_all_and_sweeps_what_a_crash_left(
    checkpoints: Checkpoints, store: Store, root: Path
) -> None:
    save(checkpoints)
    (root / ".writing" / "dead").mkdir(parents=True)
    orphan = root / "s1-train-0" / "weights" / "a" / "0123456789abcdef"
    orphan.mkdir()
    (orphan / "adapter_model.safetensors").write_bytes(b"half")
    again = Checkpoints(store, root)
    assert content(again) == b"one" and len(versions(root)) == 1


def test_pages_come_newest_first(checkpoints: Checkpoints, clock: Clock) -> None:
    for name in "abc":
        clock.now += 1
        save(checkpoints, name)
    assert [one.name for one in checkpoints.list("ana")] == ["c", "b", "a"]
    assert [one.name for one in checkpoints.list("ana", limit=1, offset=1)] == ["b"]
    assert checkpoints.list("ana", kind="sampler_weights") == []
