"""Which server is used, what is written into the environment, and the guide's client."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import tinker

from shared.models.base import NAME
from shared.tinker import TinkerClient, client, connect
from shared.tinker.embedded import EmbeddedService
from shared.tinker.errors import NotFoundError, UnreachableError, UnsupportedError, UserError
from shared.tinker.reach import HOSTED_URL, Address
from shared.tinker.state import StateLock, state_of
from shared.tinker.tokenizers import load_tokenizer

from .conftest import FAKE, Named

pytestmark = pytest.mark.usefixtures("fake")
Services = dict[bool, EmbeddedService]


def use(monkeypatch: pytest.MonkeyPatch, named: Named, key: str | None = None) -> None:
    monkeypatch.setenv("TINKER_BASE_URL", named.running.url)
    monkeypatch.setenv("TINKER_API_KEY", key or named.running.key)


def test_without_settings_the_embedded_service_is_started(fresh: Services) -> None:
    service = connect()
    assert isinstance(service, tinker.ServiceClient)
    training = service.create_lora_training_client("labkit/tiny", rank=4).result()
    assert isinstance(training, tinker.TrainingClient)
    assert fresh[False].alive


def test_it_is_started_once_and_again_when_it_died(fresh: Services) -> None:
    first = client.embedded()
    assert client.embedded() is first
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = client.embedded()
    assert second is not first and second.alive and second.state == first.state


def test_a_named_server_is_used(
    fresh: Services, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, named)
    assert connect().holder.get_session_id() == "s"
    assert not fresh


def test_force_embedded_asks_no_server_that_costs_money(
    fresh: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TINKER_API_KEY", "tml-real")
    connect(force_embedded=True)
    assert list(fresh) == [True]


def test_only_a_key_means_hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Address] = []
    monkeypatch.setattr(client, "probe", asked.append)
    monkeypatch.setenv("TINKER_API_KEY", "tml-real")
    address = client.resolve()
    assert asked == [address] == [Address(base_url=HOSTED_URL, api_key="tml-real", kind="hosted")]


def test_an_argument_goes_before_the_environment(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TINKER_API_KEY", "tml-other")
    made = TinkerClient(named.running.key, named.running.url)
    assert made.address.kind == "named" and made.get_supported_models() == ["labkit/tiny"]


def test_an_empty_setting_is_none(fresh: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_BASE_URL", "")
    monkeypatch.setenv("TINKER_API_KEY", "")
    assert client.resolve().kind == "embedded"


def test_a_wrong_key_is_told_before_any_work(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, named, "tml-wrong")
    with pytest.raises(UserError, match="does not accept the API key"):
        connect()


def test_a_named_server_that_is_away_is_told(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, named)
    named.kill()
    with pytest.raises(UnreachableError, match="labkit serve"):
        connect()


# What is written into the environment


def test_nothing_else_is_written_into_the_environment(fresh: Services) -> None:
    before = dict(os.environ)
    connect()
    assert dict(os.environ) == before | {"TINKER_TELEMETRY": "0"}


def test_a_proxy_is_told_to_leave_this_machine_out(
    fresh: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    connect()
    assert os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_telemetry_that_was_asked_for_stays(
    fresh: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_TELEMETRY", "1")
    client.resolve()
    assert os.environ["TINKER_TELEMETRY"] == "1"


# State


def test_a_notebook_started_again_finds_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Services
) -> None:
    monkeypatch.chdir(tmp_path)
    first = client.embedded()
    first.stop()
    fresh.clear()
    assert client.embedded().state == first.state == state_of(tmp_path)
    assert (tmp_path / "state") in first.state.parents  # $XDG_STATE_HOME


def test_another_working_folder_has_another_state(tmp_path: Path) -> None:
    (tmp_path / "lab03").mkdir()
    assert state_of(tmp_path / "lab03") != state_of(tmp_path)
    assert state_of(tmp_path / "lab03") == state_of(tmp_path / "lab03" / ".." / "lab03")


def test_a_folder_in_use_gives_a_temporary_state_and_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "_RESTART_SECONDS", 0.2)
    held = StateLock.take(state_of(tmp_path))
    assert held is not None
    with caplog.at_level(logging.WARNING):
        service = client.embedded()
    assert service.state != state_of(tmp_path) and "temporary" in caplog.text
    held.release()


def test_a_check_leaves_the_runs_of_the_notebook_alone(fresh: Services) -> None:
    connect(force_embedded=True)
    connect()
    assert fresh[True].state != fresh[False].state
    folder = fresh[True].state
    fresh[True].stop()
    assert not folder.exists() and fresh[False].state.exists()


def test_a_sampling_client_can_still_be_pickled(fresh: Services) -> None:
    sampling = connect().create_sampling_client(base_model="labkit/tiny").result()
    assert isinstance(pickle.loads(pickle.dumps(sampling)), tinker.SamplingClient)


def test_a_script_that_ends_leaves_nothing_and_says_nothing(tmp_path: Path) -> None:
    code = f"""
        from shared.tinker import connect, embedded
        embedded.COMMAND = {FAKE!r}
        training = connect().create_lora_training_client("labkit/tiny", rank=4).result()
        print("done")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_both_clients_have_the_shipped_tokenizer(fresh: Services) -> None:
    service = connect()
    training = service.create_lora_training_client(NAME, rank=4).result()
    sampling = service.create_sampling_client(base_model=NAME).result()
    assert training.get_tokenizer() is sampling.get_tokenizer() is load_tokenizer(NAME)


# The guide's client


@pytest.fixture
def guide(named: Named) -> Callable[[], TinkerClient]:
    return lambda: TinkerClient(named.running.key, named.running.url)


def test_the_guides_calls_have_the_guides_shapes(guide: Callable[[], TinkerClient]) -> None:
    made = guide()
    assert made.get_supported_models() == ["labkit/tiny"]
    assert isinstance(made.create_training_client("labkit/tiny"), tinker.TrainingClient)
    assert isinstance(made.create_training_client("labkit/tiny", rank=4), tinker.TrainingClient)
    assert isinstance(made.create_sampling_client(base_model="labkit/tiny"), tinker.SamplingClient)


def test_a_model_that_is_not_offered_is_told_with_those_that_are(
    guide: Callable[[], TinkerClient],
) -> None:
    with pytest.raises(NotFoundError, match=r"Llama-3\.1-8B.*only labkit/tiny.*preset"):
        guide().create_training_client("meta-llama/Llama-3.1-8B")


def test_the_call_that_is_gone_names_the_calls_of_today(
    guide: Callable[[], TinkerClient],
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        guide().get_checkpoint_archive_url("tinker://run/weights/final")
    said = str(caught.value)
    assert "get_checkpoint_urls" in said and "get_external_weights_urls" in said
    assert "download_and_convert_weights" in said


def test_a_client_does_not_show_its_key(guide: Callable[[], TinkerClient]) -> None:
    assert "tml-" not in repr(guide())
