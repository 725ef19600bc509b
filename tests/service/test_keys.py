"""Keys are hashed at rest, budgets are exact whoever spends at once, revoked keys open nothing."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from shared.tinker.errors import NotFoundError, OverLimitError, UserError
from shared.tinker.service.keys import PREFIX, Keys
from shared.tinker.service.store import OWNER, Store


@pytest.fixture
def store(tmp_path: Path):
    store = Store.open(tmp_path / "state")
    yield store
    store.close()


@pytest.fixture
def keys(store: Store) -> Keys:
    return Keys.open(store)[0]


def test_the_owners_key_is_made_once_and_kept(store: Store, tmp_path: Path) -> None:
    keys, first = Keys.open(store)
    assert first.startswith(PREFIX) and len(first) > 30
    assert Keys.open(store)[1] == first
    found = keys.authenticate(first)
    assert found is not None and found.owner and found.id == OWNER
    assert (tmp_path / "state" / "owner.key").read_text().strip() == first


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_the_key_file_is_for_its_owner_only(keys: Keys, tmp_path: Path) -> None:
    assert (tmp_path / "state" / "owner.key").stat().st_mode & 0o777 == 0o600


def test_a_given_key_file_is_used_and_an_older_owners_key_ends(
    store: Store, tmp_path: Path
) -> None:
    keys, old = Keys.open(store)
    given = tmp_path / "given.key"
    given.write_text("tml-a-key-of-my-own\n")
    _, now = Keys.open(store, given)
    assert now == "tml-a-key-of-my-own"
    assert keys.authenticate(now) is not None and keys.authenticate(old) is None


@pytest.mark.parametrize("content", [b"", b"sk-something", b"\xff\xfe", b"tml-" + b"x" * 600])
def test_a_file_that_holds_no_key_is_refused(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "given.key").write_bytes(content)
    with pytest.raises(UserError, match=r"given\.key"):
        Keys.open(store, tmp_path / "given.key")


def test_no_key_lies_in_the_database(store: Store, keys: Keys, tmp_path: Path) -> None:
    _, api_key = keys.create(name="ana")
    store.close()
    for path in (tmp_path / "state").glob("service.db*"):
        assert api_key.encode() not in path.read_bytes()


@pytest.mark.parametrize("wrong", ["", "tml-", "tml-x", "é" * 40, "tml-\ud800", "x" * 100_000])
def test_a_wrong_key_is_nobody(keys: Keys, wrong: str) -> None:
    assert keys.authenticate(wrong) is None


def test_a_key_without_budgets_spends_without_end(keys: Keys) -> None:
    key, _ = keys.create()
    for _ in range(3):
        keys.spend(key.id, tokens=10**12, steps=10**9)
    assert keys.get(key.id).spent_tokens == 3 * 10**12


def test_a_budget_can_be_spent_to_the_last_and_not_beyond(keys: Keys) -> None:
    key, _ = keys.create(budget_tokens=10, budget_steps=1)
    keys.spend(key.id, tokens=10, steps=1)
    with pytest.raises(OverLimitError, match="1 tokens asked, 0 left of 10"):
        keys.spend(key.id, tokens=1)
    keys.spend(key.id)


def test_what_does_not_suffice_in_one_is_taken_from_neither(keys: Keys) -> None:
    key, _ = keys.create(budget_tokens=10, budget_steps=0)
    with pytest.raises(OverLimitError, match="1 steps asked, 0 left of 0"):
        keys.spend(key.id, tokens=5, steps=1)
    assert keys.get(key.id).spent_tokens == 0


def test_absurd_amounts_are_refused_in_words(keys: Keys) -> None:
    key, _ = keys.create(budget_tokens=5)
    with pytest.raises(OverLimitError):
        keys.spend(key.id, tokens=1 << 70)
    with pytest.raises(UserError, match="0 or more"):
        keys.spend(key.id, tokens=-1)
    with pytest.raises(NotFoundError):
        keys.spend("nobody", tokens=1)
    with pytest.raises(UserError, match="0 or more"):
        keys.create(budget_steps=-1)


def test_threads_spend_exactly_the_budget(keys: Keys) -> None:
    key, _ = keys.create(budget_tokens=300, budget_steps=10_000)
    refused: list[int] = []

    def work() -> None:
        for _ in range(25):
            try:
                keys.spend(key.id, tokens=3, steps=1)
            except OverLimitError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = keys.get(key.id)
    assert (after.spent_tokens, after.spent_steps, len(refused)) == (300, 100, 100)


def test_a_revoked_key_opens_nothing_and_stays_listed(keys: Keys) -> None:
    key, api_key = keys.create(name="ana", withhold=True)
    keys.revoke(key.id)
    keys.revoke(key.id)
    assert keys.authenticate(api_key) is None
    assert [one.name for one in keys.all()] == ["owner", "ana"]
    assert keys.get(key.id).revoked_at is not None


def test_the_owners_key_cannot_be_revoked(keys: Keys) -> None:
    with pytest.raises(UserError, match="cannot be revoked"):
        keys.revoke(OWNER)


def test_the_link_secret_is_stable_and_nobodys_key(store: Store, keys: Keys) -> None:
    assert keys.link_secret() == Keys.open(store)[0].link_secret()
    assert len(keys.link_secret()) == 32


class KeysMachine(RuleBasedStateMachine):
    """Any order of creating, spending, revoking and restarting keeps the books right."""

    made = Bundle("made")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(Path(self.folder.name))
        self.keys, _ = Keys.open(self.store)
        self.books: dict[str, dict[str, int | None]] = {}
        self.revoked: set[str] = set()

    @rule(
        target=made,
        tokens=st.none() | st.integers(0, 20),
        steps=st.none() | st.integers(0, 20),
    )
    def create(self, tokens: int | None, steps: int | None) -> object:
        key, api_key = self.keys.create(budget_tokens=tokens, budget_steps=steps)
        self.books[key.id] = {"tokens": tokens, "steps": steps, "t": 0, "s": 0}
        return multiple((key.id, api_key))

    @rule(key=made, tokens=st.integers(0, 8), steps=st.integers(0, 8))
    def spend(self, key: tuple[str, str], tokens: int, steps: int) -> None:
        book = self.books[key[0]]
        enough = all(
            not amount or book[what] is None or book[spent] + amount <= book[what]
            for what, spent, amount in (("tokens", "t", tokens), ("steps", "s", steps))
        )
        if enough:
            self.keys.spend(key[0], tokens=tokens, steps=steps)
            book["t"] += tokens
            book["s"] += steps
        else:
            with pytest.raises(OverLimitError):
                self.keys.spend(key[0], tokens=tokens, steps=steps)

    @rule(key=made)
    def revoke(self, key: tuple[str, str]) -> None:
        self.keys.revoke(key[0])
        self.revoked.add(key[0])

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(Path(self.folder.name))
        self.keys, _ = Keys.open(self.store)

    @rule(key=made)
    def look(self, key: tuple[str, str]) -> None:
        found, book = self.keys.get(key[0]), self.books[key[0]]
        assert (found.spent_tokens, found.spent_steps) == (book["t"], book["s"])
        opened = self.keys.authenticate(key[1])
        assert (opened is None) == (key[0] in self.revoked)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


KeysMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, derandomize=True, database=None
)
test_books_stay_right = KeysMachine.TestCase
