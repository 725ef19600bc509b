"""What a door answers to hostile code, word by word; `tests/hostile` hands it in as notebooks.

The victim is another submission of the same batch: its key, runs, checkpoints and answers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from autograder.judge.doors import DoorSubject, jail_with_door
from autograder.judge.service import GradedService
from autograder.lab import ServiceSpec
from autograder.sandbox.client import Zygote
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Raised, Snippet
from tests.hostile.attacks.door import ASK, BUDGET, FLOOD, HOLD, MALFORMED, OTHERS
from tests.hostile.victim import Victim, victim_at
from tests.service.conftest import Running, null_service
from tests.service.null_engine import NAME

pytestmark = pytest.mark.jail

SPEC = ServiceSpec(tokens=40, steps=2, requests=500)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with null_service(tmp_path_factory.mktemp("service") / "state") as running:
        yield running


@pytest.fixture(scope="module")
def graded(service: Running) -> GradedService:
    return GradedService((service.url, service.key), SPEC)


@pytest.fixture(scope="module")
def victim(service: Running) -> Iterator[Victim]:
    with victim_at(service) as victim:
        yield victim


@pytest.fixture
def attacker(zygote: Zygote, graded: GradedService) -> Iterator[DoorSubject]:
    limits = Limits(cpu_seconds=30, wall_seconds=300, memory_mb=1024)
    subject = jail_with_door(zygote, limits, graded, exercise="attack", stub="")
    subject.level = "A"  # the note on level B is not what these tests look at
    yield subject
    subject.close()


@pytest.fixture
def attack(attacker: DoorSubject) -> Callable[..., object]:
    def attack(code: str, **inputs: object) -> object:
        outcome = attacker.ask(Snippet(ASK + code, inputs), lambda: "attack")
        assert not isinstance(outcome, Raised), outcome
        return outcome.value

    return attack


def test_its_own_key_works(attack) -> None:
    status, said = attack("result = ask('GET', '/api/v1/get_server_capabilities')")
    assert status == 200 and NAME in said


@pytest.mark.parametrize("whose", ["owner", "victim", "unknown", "none"])
def test_no_other_key_opens_the_door(attack, service: Running, victim: Victim, whose: str) -> None:
    keys = {
        "owner": service.key,
        "victim": victim.tenant.api_key,
        "unknown": "tml-guessed",
        "none": "",
    }
    paths = ["/api/v1/training_runs", "/api/v1/sessions", "/kit/v1/keys", "/kit/v1/status"]
    seen = attack("result = [ask('GET', path, key=key) for path in paths]",
                  paths=paths, key=keys[whose])  # fmt: skip
    assert [status for status, _ in seen] == [401] * 4
    assert not any(victim.model in said for _, said in seen)


def test_the_owners_routes_are_shut(attack, victim: Victim) -> None:
    key_id = victim.tenant._key_id
    code = (
        "result = [ask('GET', '/kit/v1/status'), ask('GET', '/kit/v1/keys'),"
        "ask('POST', '/kit/v1/keys', {'budget_tokens': 10**9}),"
        "ask('DELETE', '/kit/v1/keys/' + k), ask('GET', '/kit/v1/keys/' + k + '/log'),"
        "ask('GET', '/api/v1/../../kit/v1/keys'), ask('GET', '//kit/v1/keys'),"
        "ask('GET', '/api/v1/%2e%2e/kit/v1/keys')]"
    )
    assert {status for status, _ in attack(code, k=key_id)} == {403}


@pytest.mark.parametrize("attempt", OTHERS.values(), ids=OTHERS)
def test_nothing_of_another_submission_can_be_read_or_changed(
    attack, service: Running, victim: Victim, attempt: str
) -> None:
    inputs = {
        "model": victim.model,
        "session": victim.session,
        "path": victim.checkpoint,
        "request": victim.request,
    }
    status, said = attack(f"result = {attempt}", **inputs)
    assert 400 <= status < 500, (status, said)
    assert victim.untouched()


def test_another_submissions_checkpoint_cannot_be_loaded(attack, victim: Victim) -> None:
    code = (
        "session = json.loads(post('create_session', {'tags': [], 'sdk_version': '0.38.0'})[1])\n"
        "asked = post('load_weights', {'session_id': session['session_id'], 'model_seq_id': 0,"
        " 'path': path, 'optimizer': False})\n"
        "result = wait(asked) if asked[0] == 200 else asked[1]"
    )
    assert "error" in attack(code, path=victim.checkpoint)


def test_cancelling_anothers_answer_changes_nothing(attack, service: Running, victim) -> None:
    attack("result = post('cancel_future', {'request_id': request})", request=victim.request)
    assert victim.untouched()


def test_malformed_bodies_hurt_nobody(attack, service: Running, victim: Victim) -> None:
    code = "result = [post(name, body, kind=kind)[0] for name, body, kind in given]"
    statuses = attack(code, given=MALFORMED)
    assert all(200 <= status < 500 for status in statuses)
    assert victim.untouched()


def test_large_bodies_do_not_arrive(attack, service: Running, victim: Victim) -> None:
    code = "result = [post('create_session', b'x' * (2 << 20))[0], post('telemetry', big)[0]]"
    assert attack(code, big=b"x" * (3 << 20)) == [413, 413]
    assert victim.untouched()


def test_a_flood_ends_at_its_number_and_is_told(
    attacker: DoorSubject, attack, service: Running, victim: Victim
) -> None:
    done, refused, total = attack(FLOOD)
    assert total == 600 and done == 500 and refused == 100
    assert victim.untouched()
    attacker.close()
    assert attacker.notes == (
        "attack: The limit of the lab's Tinker service was reached: over 500 requests were sent.",
    )


def test_held_connections_keep_only_their_own_jail_waiting(
    attacker: DoorSubject, attack, service: Running, victim: Victim
) -> None:
    begun = time.monotonic()
    assert attack(HOLD) > 90
    assert victim.untouched()
    attacker.close()
    assert time.monotonic() - begun < 30


def test_a_budget_used_up_is_told_to_the_code_and_to_the_verdict(
    attacker: DoorSubject, attack
) -> None:
    answers = attack(BUDGET, base=NAME)
    assert "error" not in answers[0] and "error" not in answers[1]
    assert (
        "The budget of this API key is used up: 1 steps asked, 0 left of 2" in answers[2]["error"]
    )
    attacker.close()
    assert attacker.notes == (
        "attack: your code asked the Tinker service for more than this exercise's budget of 40 "
        "tokens and 2 optimizer steps.",
    )


def test_models_are_limited_in_number(attack) -> None:
    code = (
        "session = json.loads(post('create_session', {'tags': []})[1])['session_id']\n"
        "result = [post('create_model', {'session_id': session, 'model_seq_id': n,"
        " 'base_model': base})[0] for n in range(40)]"
    )
    statuses = attack(code, base=NAME)
    assert statuses.count(403) == 8


def test_with_the_jail_end_its_key_its_sessions_and_its_checkpoints(
    attacker: DoorSubject, attack, service: Running
) -> None:
    code = BUDGET + "\nresult = wait(post('save_weights', {'model_id': model, 'seq_id': 4,"
    saved = attack(code + "'path': 'left'}))", base=NAME)
    assert saved["path"].endswith("/weights/left")
    assert service.inner is not None
    key = attacker._tenant._key_id
    assert service.inner.checkpoints.list(key)
    attacker.close()
    assert not service.inner.checkpoints.list(key)
    assert service.inner.keys.get(key).revoked_at is not None
    assert all(session.key_id != key for session in service.inner.registry.sessions.values())
    assert service.inner.log.read(key)  # the evidence stays


def test_what_the_code_claims_is_not_what_is_graded(attacker: DoorSubject, attack) -> None:
    attacker.reset()
    attack("tinker = type('tinker', (), {})\nresult = {'kind': 'optim_step', 'steps': 1000}")
    assert attacker.log is not None and attacker.log.evidence() == []
    answers = attack(BUDGET, base=NAME)
    assert len(answers) == 3
    kinds = [entry["kind"] for entry in attacker.log.evidence()]
    assert kinds == ["create_model", "optim_step", "optim_step", "optim_step"]
    assert json.loads(json.dumps(attacker.log.evidence())) == attacker.log.evidence()
