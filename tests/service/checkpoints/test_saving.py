"""A checkpoint is saved whole or not at all, and one that was damaged is found out."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from shared.tinker.errors import CheckpointError, NotFoundError, OverLimitError, UserError
from shared.tinker.service import manifest
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.limits import Limits
from shared.tinker.service.store import Store
from tests.service.checkpoints.helpers import HOUR, PATH, RUN, Clock, content, save, versions


def test_what_was_saved_is_found_with_its_facts(checkpoints: Checkpoints, clock: Clock) -> None:
    save(checkpoints, ttl_seconds=HOUR, metadata={"step": "7"})
    assert content(checkpoints) == b"one"
    found = checkpoints.find(PATH, "ana")
    assert (found.tinker_path, found.kind, found.name) == (PATH, "weights", "a")
    assert found.user_metadata == {"step": "7"} and not found.public
    assert (found.created_at, found.expires_at) == (clock.now, clock.now + HOUR)
    files = list(checkpoints.resolve(PATH, "ana").iterdir())
    assert found.size_bytes == sum(path.stat().st_size for path in files)


def test_nobody_sees_a_checkpoint_before_it_is_whole(checkpoints: Checkpoints) -> None:
    with checkpoints.writing(RUN, "weights", "a") as folder:
        (folder / "adapter_model.safetensors").write_bytes(b"half")
        with pytest.raises(NotFoundError):
            checkpoints.resolve(PATH, "ana")
        assert checkpoints.list("ana") == []


def test_a_taken_name_is_refused_and_told_how_to_overwrite(checkpoints: Checkpoints) -> None:
    save(checkpoints)
    with pytest.raises(UserError, match=r"exists already.*overwrite=True"):
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
