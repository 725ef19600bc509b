"""The owner's side of a service: keys with budgets, whole logs, plain words when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.tinker import owner as owners
from shared.tinker.errors import UnreachableError
from shared.tinker.owner import Owner
from tests.service.conftest import Running, null_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with null_service(tmp_path / "state") as running:
        yield running


@pytest.fixture
def owner(service: Running) -> Owner:
    return Owner(service.url, service.key)


def test_a_key_has_its_budget_until_it_is_ended(owner: Owner, service: Running) -> None:
    key_id, api_key = owner.new_key("ana", budget_tokens=7, budget_steps=3, withhold=True)
    assert api_key.startswith("tml-")
    key = owner.key(key_id)
    assert (key.name, key.budget_tokens, key.budget_steps) == ("ana", 7, 3)
    assert key.withhold and key.revoked_at is None
    assert service.raw("GET", "/api/v1/sessions", headers={"X-API-Key": api_key})[0] == 200
    owner.end(key_id)
    assert service.raw("GET", "/api/v1/sessions", headers={"X-API-Key": api_key})[0] == 401
    assert owner.key(key_id).revoked_at is not None


def test_a_log_of_many_pages_is_read_to_its_end(
    owner: Owner, service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "_PAGE", 3)
    key_id, _ = owner.new_key()
    assert service.inner is not None
    orders = [service.inner.log.arrived(key_id, "s", "optim_step", learning_rate=n) for n in "ab"]
    assert [entry.arrival_order for entry in owner.log(key_id)] == orders
    orders += [service.inner.log.arrived(key_id, "s", "optim_step") for _ in range(7)]
    assert [entry.arrival_order for entry in owner.log(key_id)] == orders
    assert [entry.arrival_order for entry in owner.log(key_id, orders[4])] == orders[5:]


def test_who_is_not_the_owner_and_who_is_not_there_are_told_in_words(
    owner: Owner, service: Running
) -> None:
    _, api_key = owner.new_key()
    with pytest.raises(UnreachableError, match="refuses its owner: POST keys"):
        Owner(service.url, api_key).new_key()
    with pytest.raises(UnreachableError, match="There is no key"):
        owner.log("unknown")
    with pytest.raises(UnreachableError, match="does not answer"):
        Owner("http://127.0.0.1:9", "tml-x").new_key()
