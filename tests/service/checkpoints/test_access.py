"""Who may read a checkpoint, for how long, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service.checkpoints import LONGEST_TTL, Checkpoints
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.tinker_path import check_name, parse
from tests.service.checkpoints.helpers import HOUR, PATH, RUN, Clock, content, save, versions


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
    assert (Path("/state/run/weights") / name).resolve() == Path("/state/run/weights") / name
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
