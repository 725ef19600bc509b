"""Whatever the order of saves, failures, expiries and restarts, disk and database agree."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.tinker.errors import CheckpointError, NotFoundError, UserError
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.limits import Limits
from shared.tinker.service.store import Store
from shared.tinker.service.types import LoraSpec

RUNS = {"s1:train:0": "ana", "s1:train:1": "ana", "s2:train:0": "bo"}
PLACES = st.tuples(
    st.sampled_from(sorted(RUNS)), st.sampled_from(["weights", "sampler_weights"]),
    st.sampled_from(["a", "b"]),
)  # fmt: skip
KEYS = st.sampled_from(["ana", "bo", "owner"])
Place = tuple[str, str, str]


class CheckpointMachine(RuleBasedStateMachine):
    """Compares `Checkpoints` with a dictionary: place -> [content, public, expires_at]."""

    @initialize()
    def begin(self) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.state = Path(self.temporary.name)
        self.now = 1e6
        self.known: dict[Place, list] = {}
        self.open()
        for run, key in RUNS.items():
            self.store.add_run(run, run.partition(":")[0], key, "null/base", LoraSpec())

    def open(self) -> None:
        self.store = Store.open(self.state, clock=lambda: self.now)
        limits = Limits(free_disk_bytes=0)
        self.checkpoints = Checkpoints(self.store, self.state / "checkpoints", limits)

    @rule(place=PLACES, content=st.binary(max_size=4), overwrite=st.booleans(),
          ttl=st.sampled_from([None, 3600]), fails=st.booleans())  # fmt: skip
    def save(
        self, place: Place, content: bytes, overwrite: bool, ttl: int | None, fails: bool
    ) -> None:
        taken = self.alive(place)

        def write() -> None:
            run, kind, name = place
            with self.checkpoints.writing(
                run, kind, name, overwrite=overwrite, ttl_seconds=ttl
            ) as folder:
                (folder / "w").write_bytes(content)
                if fails:
                    raise OSError(28, "No space left on device")

        if taken and not overwrite:
            with pytest.raises(UserError):
                write()
        elif fails:
            with pytest.raises(CheckpointError):
                write()
        else:
            write()
            self.known[place] = [content, False, ttl and self.now + ttl]

    @rule(place=PLACES, key=KEYS, public=st.booleans())
    def publish(self, place: Place, key: str, public: bool) -> None:
        if self.change(place, key, lambda path: self.checkpoints.publish(path, key, public=public)):
            self.known[place][1] = public

    @rule(place=PLACES, key=KEYS)
    def delete(self, place: Place, key: str) -> None:
        if self.change(place, key, lambda path: self.checkpoints.delete(path, key)):
            del self.known[place]

    @rule(place=PLACES, key=KEYS, ttl=st.sampled_from([None, 3600, 7200]))
    def set_ttl(self, place: Place, key: str, ttl: int | None) -> None:
        if self.change(place, key, lambda path: self.checkpoints.set_ttl(path, key, ttl)):
            self.known[place][2] = ttl and self.now + ttl

    @rule(seconds=st.sampled_from([1, 1800, 3600]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        self.checkpoints.sweep()
        self.known = {place: one for place, one in self.known.items() if self.alive(place)}
        self.check_disk()

    @rule()
    def restart(self) -> None:
        self.store.close()
        (self.state / "checkpoints" / ".writing" / "dead").mkdir(parents=True, exist_ok=True)
        self.open()
        self.check_disk()

    @rule(place=PLACES, key=KEYS)
    def resolve(self, place: Place, key: str) -> None:
        path = "tinker://" + "/".join(place)
        if self.alive(place) and (self.own(place, key) or self.known[place][1]):
            folder = self.checkpoints.resolve(path, key)
            assert (folder / "w").read_bytes() == self.known[place][0]
        else:
            with pytest.raises(NotFoundError):
                self.checkpoints.resolve(path, key)

    @invariant()
    def lists_agree(self) -> None:
        for key in ("ana", "bo", "owner"):
            listed = {(one.run_id, one.kind, one.name) for one in self.checkpoints.list(key)}
            mine = {one for one in self.known if self.alive(one) and self.own(one, key)}
            assert listed == mine and self.checkpoints.count(key) == len(mine)

    def check_disk(self) -> None:
        """Exactly one folder a row, and no temporary ones."""
        root = self.state / "checkpoints"
        rows = {str(row["folder"]) for row in self.store.db.rows("SELECT folder FROM checkpoints")}
        assert {one.relative_to(root).as_posix() for one in root.glob("*/*/*/*")} == rows
        assert list(root.glob(".writing/*")) == []

    def own(self, place: Place, key: str) -> bool:
        return key in ("owner", RUNS[place[0]])

    def alive(self, place: Place) -> bool:
        expires = self.known.get(place, [None, None, 0])[2]
        return expires is None or expires > self.now

    def change(self, place: Place, key: str, act) -> bool:
        path = "tinker://" + "/".join(place)
        if self.alive(place) and self.own(place, key):
            act(path)
            return True
        with pytest.raises(NotFoundError):
            act(path)
        return False

    def teardown(self) -> None:
        self.store.close()
        self.temporary.cleanup()


CheckpointMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, derandomize=True, database=None
)
test_disk_and_database_agree = CheckpointMachine.TestCase
