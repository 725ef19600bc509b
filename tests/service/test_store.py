"""The store survives restarts and kills, and shows a key only what is its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.tinker.errors import CheckpointError, NotFoundError
from shared.tinker.service import store as store_module
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.types import LoraSpec

RUN = "s1:train:0"


@pytest.fixture
def store(tmp_path: Path):
    store = Store.open(tmp_path / "state", clock=iter(range(1000, 100_000)).__next__)
    store.add_session("ana", "s1", tags=["lab"], user_metadata={"a": "b"})
    store.add_run(RUN, "s1", "ana", "null/base", LoraSpec(rank=8, seed=3), {"lr": "1"})
    store.add_sampler("s1:sample:0", "s1", "ana", "null/base", f"tinker://{RUN}/weights/a")
    store.put_future("r1", "ana", "one", "application/json", b"{}")
    yield store
    store.close()


def everything(store: Store, key: str) -> list[object]:
    return [
        store.session("s1", key),
        store.run(RUN, key),
        store.sampler("s1:sample:0", key),
        store.future("r1", key),
    ]


def test_what_was_put_in_comes_out(store: Store) -> None:
    assert store.session("s1", "ana").info == {"tags": ["lab"], "user_metadata": {"a": "b"}}
    run = store.run(RUN, "ana")
    assert (run.base_model, run.lora, run.user_metadata) == (
        "null/base",
        LoraSpec(rank=8, seed=3),
        {"lr": "1"},
    )
    assert store.sampler("s1:sample:0", "ana").model_path == f"tinker://{RUN}/weights/a"
    kept = store.future("r1", "ana")
    assert kept is not None
    assert (kept.content_type, kept.body, kept.dedupe) == ("application/json", b"{}", "one")
    assert [one.id for one in store.runs_of_session("s1")] == [RUN]
    assert [one.id for one in store.samplers_of_session("s1")] == ["s1:sample:0"]


def test_a_restart_forgets_nothing(store: Store, tmp_path: Path) -> None:
    before = everything(store, "ana")
    store.close()
    again = Store.open(tmp_path / "state")
    assert everything(again, "ana") == before
    again.close()


def test_the_owner_sees_all_and_another_key_finds_nothing(store: Store) -> None:
    assert everything(store, OWNER) == everything(store, "ana")
    for look in (
        lambda: store.session("s1", "bo"),
        lambda: store.run(RUN, "bo"),
        lambda: store.sampler("s1:sample:0", "bo"),
    ):
        with pytest.raises(NotFoundError, match="this API key may see"):
            look()
    assert store.future("r1", "bo") is None
    assert store.future_like("bo", "one") is None
    assert store.runs("bo") == [] and store.sessions("bo") == [] and store.count_runs("bo") == 0


def test_a_missing_and_a_foreign_run_read_the_same(store: Store) -> None:
    def told(key: str, name: str) -> str:
        with pytest.raises(NotFoundError) as caught:
            store.run(name, key)
        return str(caught.value).replace(name, "NAME")

    assert told("bo", RUN) == told("bo", "s9:train:0")


def test_a_finished_session_is_not_live_and_keeps_its_first_reason(store: Store) -> None:
    store.add_session("bo", "s2")
    assert [one.id for one in store.live_sessions()] == ["s1", "s2"]
    store.finish_session("s1", "closed")
    store.finish_session("s1", "silent")
    assert [one.id for one in store.live_sessions()] == ["s2"]
    assert store.session("s1", "ana").reason == "closed"


def test_runs_come_latest_used_first_and_in_pages(store: Store) -> None:
    for number in range(1, 4):
        store.add_run(f"s1:train:{number}", "s1", "ana", "null/base", LoraSpec())
    store.touch_run(RUN)
    ids = [one.id for one in store.runs("ana")]
    assert ids == [RUN, "s1:train:3", "s1:train:2", "s1:train:1"]
    assert [one.id for one in store.runs("ana", limit=2, offset=1)] == ids[1:3]
    assert store.count_runs("ana") == 4


def test_the_first_answer_of_a_request_stays(store: Store) -> None:
    store.put_future("r1", "ana", "one", "text/plain", b"other")
    kept = store.future("r1", "ana")
    assert kept is not None and kept.body == b"{}"


def test_a_repeated_request_is_found_by_what_it_shares(store: Store) -> None:
    found = store.future_like("ana", "one")
    assert found is not None and found.request_id == "r1"
    assert store.future_like("ana", "two") is None


def test_old_answers_make_room_by_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "FUTURES_KEPT", 3)
    for number in range(2, 7):
        store.put_future(f"r{number}", "ana", None, "application/json", b"{}")
    kept = [number for number in range(1, 7) if store.future(f"r{number}", "ana")]
    assert kept == [4, 5, 6]


def test_old_answers_make_room_by_size_and_the_last_one_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "FUTURE_BYTES_KEPT", 10)
    store.put_future("small", "ana", None, "application/json", b"1234")
    store.put_future("huge", "ana", None, "application/json", b"x" * 50)
    assert [store.future(name, "ana") is not None for name in ("r1", "small", "huge")] == [
        False,
        False,
        True,
    ]


def test_threads_lose_no_row(store: Store) -> None:
    def work(name: str) -> None:
        for number in range(50):
            store.put_future(f"{name}{number}", "ana", None, "application/json", b"{}")
            store.touch_session("s1")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(store.future(f"{name}{n}", "ana") for name in "abcd" for n in range(50))


_WRITER = """
import sys
from pathlib import Path
from shared.tinker.service.store import Store
store = Store.open(Path(sys.argv[1]))
store.add_session("ana", "s1")
for number in range(100000):
    store.put_future(f"r{number}", "ana", None, "application/json", b"x" * 2000)
    print(number, flush=True)
"""


def test_what_was_told_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
    store = Store.open(tmp_path / "state")
    assert all(store.future(f"r{number}", "ana") for number in told)
    store.put_future("after", "ana", None, "application/json", b"{}")
    assert store.future("after", "ana") is not None
    store.close()


def test_a_later_schema_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    store.close()
    path = tmp_path / "state" / "service.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CheckpointError, match="later version of the kit"):
        Store.open(tmp_path / "state")


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "service.db").write_bytes(b"not a database, certainly not one" * 100)
    with pytest.raises(CheckpointError, match=r"service\.db cannot be read"):
        Store.open(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_the_state_is_for_its_owner_only(store: Store, tmp_path: Path) -> None:
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "service.db").stat().st_mode & 0o077 == 0


def test_a_broken_transaction_leaves_nothing(store: Store) -> None:
    def fail(action: Callable[[], object]) -> None:
        with pytest.raises(ZeroDivisionError), store.db.transaction():
            action()
            raise ZeroDivisionError

    fail(lambda: store.add_session("ana", "s7"))
    with pytest.raises(NotFoundError):
        store.session("s7", "ana")
    store.add_session("ana", "s7")
