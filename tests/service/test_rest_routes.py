"""The SDK's RestClient against the service: what it lists, changes, downloads and may not see."""

from __future__ import annotations

import errno
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
import tinker
from tinker_cookbook import weights

from tests.service.conftest import Running
from tests.service.null_engine import NAME

Connect = Callable[..., tinker.ServiceClient]


@dataclass
class Trained:
    """A run of the owner's with one checkpoint of each kind."""

    client: tinker.ServiceClient
    training: tinker.TrainingClient
    run_id: str
    paths: dict[str, str]
    rest: tinker.RestClient


@pytest.fixture
def trained(service: Running, client_for: Connect) -> Trained:
    client = client_for(service)
    training = client.create_lora_training_client(
        base_model=NAME, rank=8, train_mlp=False, user_metadata={"lab": "1"}
    ).result()
    paths = {
        "weights": training.save_state("one", user_metadata={"step": "1"}).result().path,
        "sampler_weights": training.save_weights_for_sampler("one").result().path,
        "external_weights": training.save_weights_external("one", ttl_seconds=7200).result().path,
    }
    run_id = training.get_info().model_id
    rest = tinker.RestClient(base_url=service.url, api_key=service.key)
    return Trained(client, training, run_id, paths, rest)


def stranger(service: Running) -> str:
    """The API key of somebody else."""
    status, made = service.post("/kit/v1/keys", {"name": "bo"})
    assert status == 201
    return made["api_key"]


def test_capabilities_name_the_served_models(trained: Trained) -> None:
    models = trained.rest.get_server_capabilities().result().supported_models
    assert [model.model_name for model in models] == [NAME, "null/other"]
    assert models[0].max_context_length == 4096 and models[0].trainable and models[0].sampleable


def test_a_run_tells_its_facts_and_last_checkpoints(trained: Trained) -> None:
    run = trained.rest.get_training_run(trained.run_id).result()
    assert (run.training_run_id, run.base_model, run.model_owner) == (
        trained.run_id,
        NAME,
        "owner",
    )
    assert run.is_lora and run.lora_rank == 8 and not run.corrupted
    assert run.user_metadata == {"lab": "1"}
    assert run.last_checkpoint is not None and run.last_sampler_checkpoint is not None
    assert run.last_checkpoint.tinker_path == trained.paths["weights"]
    assert run.last_checkpoint.user_metadata == {"step": "1"}
    assert run.last_sampler_checkpoint.tinker_path == trained.paths["sampler_weights"]
    path = trained.paths["external_weights"]
    assert trained.rest.get_training_run_by_tinker_path(path).result() == run


def test_runs_come_in_pages_with_their_total(trained: Trained) -> None:
    for _ in range(2):
        trained.client.create_lora_training_client(base_model=NAME, rank=4).result()
    first = trained.rest.list_training_runs(limit=2).result()
    rest = trained.rest.list_training_runs(limit=2, offset=2).result()
    assert (len(first.training_runs), len(rest.training_runs)) == (2, 1)
    assert (rest.cursor.offset, rest.cursor.limit, rest.cursor.total_count) == (2, 2, 3)
    assert len({run.training_run_id for run in (*first.training_runs, *rest.training_runs)}) == 3


def test_checkpoints_are_listed_by_run_and_over_all(trained: Trained) -> None:
    of_run = trained.rest.list_checkpoints(trained.run_id).result().checkpoints
    assert {one.tinker_path for one in of_run} == set(trained.paths.values())
    assert {one.checkpoint_id: one.checkpoint_type for one in of_run} == {
        "weights/one": "training",
        "sampler_weights/one": "sampler",
        "external_weights/one": "external",
    }
    assert all((one.size_bytes or 0) > 0 and not one.public for one in of_run)
    page = trained.rest.list_user_checkpoints(limit=2, offset=1).result()
    assert [one.tinker_path for one in page.checkpoints] == [one.tinker_path for one in of_run[1:]]
    assert page.cursor is not None and page.cursor.total_count == 3


def test_weights_info_tells_what_loading_needs(trained: Trained) -> None:
    info = trained.rest.get_weights_info_by_tinker_path(trained.paths["weights"]).result()
    assert (info.base_model, info.is_lora, info.lora_rank) == (NAME, True, 8)
    assert (info.train_attn, info.train_mlp, info.train_unembed) == (True, False, True)


def test_a_lifetime_is_set_and_removed(trained: Trained) -> None:
    path = trained.paths["weights"]

    def expires() -> float | None:
        listed = trained.rest.list_checkpoints(trained.run_id).result().checkpoints
        (one,) = (one for one in listed if one.tinker_path == path)
        return None if one.expires_at is None else one.expires_at.timestamp()

    trained.rest.set_checkpoint_ttl_from_tinker_path(path, 86400).result()
    # Half a minute: a stalled machine between the service's clock and ours.
    assert expires() == pytest.approx(time.time() + 86400, abs=30)
    trained.rest.set_checkpoint_ttl_from_tinker_path(path, None).result()
    assert expires() is None
    with pytest.raises(tinker.BadRequestError, match="ttl_seconds is 5"):
        trained.rest.set_checkpoint_ttl_from_tinker_path(path, 5).result()


def test_a_deleted_checkpoint_is_gone(trained: Trained) -> None:
    path = trained.paths["weights"]
    trained.rest.delete_checkpoint_from_tinker_path(path).result()
    with pytest.raises(tinker.NotFoundError):
        trained.rest.delete_checkpoint_from_tinker_path(path).result()
    run = trained.rest.get_training_run(trained.run_id).result()
    assert run.last_checkpoint is None
    with pytest.raises(tinker.RequestFailedError, match="no checkpoint"):
        trained.client.create_training_client_from_state(path).result()


def test_a_full_disk_is_told_to_the_client_and_the_old_checkpoint_stays(
    trained: Trained, service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(model_id: str, folder: Path, *, optimizer: bool) -> None:
        (folder / "adapter_model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(service.engine, "save", full)
    with pytest.raises(tinker.RequestFailedError, match="No space left on device"):
        trained.training.save_state("one", overwrite=True).result()
    monkeypatch.undo()
    trained.client.create_training_client_from_state(trained.paths["weights"]).result()
    assert len(list((service.state / "checkpoints").glob("*/*/*/*"))) == 3


def test_a_damaged_checkpoint_is_told_by_its_file_when_loaded(
    trained: Trained, service: Running
) -> None:
    (damaged,) = (service.state / "checkpoints").glob("*/weights/*/*/optimizer.safetensors")
    damaged.write_bytes(b"")
    with pytest.raises(tinker.RequestFailedError, match=r"optimizer\.safetensors has 0 bytes"):
        trained.client.create_training_client_from_state(trained.paths["weights"]).result()
    sampling = trained.client.create_sampling_client(model_path=trained.paths["sampler_weights"])
    assert sampling.result().get_base_model() == NAME


def test_another_key_sees_nothing_of_it(trained: Trained, service: Running) -> None:
    rest = tinker.RestClient(base_url=service.url, api_key=stranger(service))
    session_id = trained.run_id.partition(":")[0]
    assert rest.list_training_runs().result().training_runs == []
    assert rest.list_user_checkpoints().result().checkpoints == []
    assert session_id not in rest.list_sessions().result().sessions
    path = trained.paths["external_weights"]
    for ask in (
        lambda: rest.get_training_run(trained.run_id),
        lambda: rest.get_training_run(trained.run_id, access_scope="accessible"),
        lambda: rest.list_checkpoints(trained.run_id),
        lambda: rest.get_weights_info_by_tinker_path(path),
        lambda: rest.get_external_weights_urls(path),
        lambda: rest.delete_checkpoint_from_tinker_path(path),
        lambda: rest.set_checkpoint_ttl_from_tinker_path(path, 7200),
        lambda: rest.publish_checkpoint_from_tinker_path(path),
        lambda: rest.get_session(session_id),
    ):
        with pytest.raises(tinker.NotFoundError):
            ask().result()
    assert len(trained.rest.list_checkpoints(trained.run_id).result().checkpoints) == 3


def test_a_published_checkpoint_is_readable_by_all_until_it_is_taken_back(
    trained: Trained, service: Running, client_for: Connect
) -> None:
    key, path = stranger(service), trained.paths["weights"]
    other, rest = client_for(service, key), tinker.RestClient(base_url=service.url, api_key=key)
    trained.rest.publish_checkpoint_from_tinker_path(path).result()
    trained.rest.publish_checkpoint_from_tinker_path(path).result()
    assert rest.get_weights_info_by_tinker_path(path).result().lora_rank == 8
    (only,) = rest.list_checkpoints(trained.run_id).result().checkpoints
    assert only.tinker_path == path and only.public
    run = rest.get_training_run(trained.run_id, access_scope="accessible").result()
    assert run.last_checkpoint is not None and run.last_sampler_checkpoint is None
    assert run.user_metadata is None
    other.create_training_client_from_state(path).result()
    with pytest.raises(tinker.NotFoundError):
        rest.delete_checkpoint_from_tinker_path(path).result()
    trained.rest.unpublish_checkpoint_from_tinker_path(path).result()
    with pytest.raises(tinker.NotFoundError):
        rest.get_weights_info_by_tinker_path(path).result()


def test_external_weights_have_one_link_per_file(trained: Trained, service: Running) -> None:
    response = trained.rest.get_external_weights_urls(trained.paths["external_weights"]).result()
    assert set(response.urls) == {"adapter_config.json", "adapter_model.safetensors"}
    # Half a minute: a stalled machine between the service's clock and ours.
    assert response.expires.timestamp() == pytest.approx(time.time() + 3600, abs=30)
    for url in response.urls.values():
        assert url.startswith(service.url)
        with urllib.request.urlopen(url) as answer:
            assert int(answer.headers["Content-Length"]) == len(answer.read()) > 0
    route = f"/api/v1/training_runs/{trained.run_id}/checkpoints/weights/one/external_weights_urls"
    status, _, told = service.raw("GET", route)
    assert status == 400 and b"save_weights_external" in told


def test_a_link_needs_no_key_and_bends_to_nothing_else(trained: Trained, service: Running) -> None:
    response = trained.rest.get_external_weights_urls(trained.paths["external_weights"]).result()
    url = response.urls["adapter_config.json"].removeprefix(service.url)
    assert service.raw("GET", url, headers={})[0] == 200
    for bent in (
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace("adapter_config.json", "manifest.json"),
        url.replace("expires=", "expires=9"),
        url.partition("?")[0],
        url.replace("adapter_config.json", "..%2F..%2F..%2Fservice.db"),
    ):
        status, kind, body = service.raw("GET", bent, headers={})
        assert (status, kind) == (400, "application/json") and b"adapter" not in body


def test_encrypted_weights_open_with_the_key_only(trained: Trained) -> None:
    identity = pyrage.x25519.Identity.generate()
    recipients = [str(identity.to_public())]
    saved = trained.training.save_weights_external("e", age_encryption_recipients=recipients)
    urls = trained.rest.get_external_weights_urls(saved.result().path).result().urls
    assert set(urls) == {"adapter_config.json.age", "adapter_model.safetensors.age"}
    with urllib.request.urlopen(urls["adapter_config.json.age"]) as answer:
        assert pyrage.decrypt(answer.read(), [identity]) == b'{"r": 8}'


def test_a_bad_recipient_is_told_and_leaves_nothing(trained: Trained) -> None:
    with pytest.raises(tinker.RequestFailedError, match="no age recipient"):
        trained.training.save_weights_external("e", age_encryption_recipients=["age1x"]).result()
    listed = trained.rest.list_checkpoints(trained.run_id).result().checkpoints
    assert len(listed) == 3


@pytest.mark.filterwarnings("ignore:Using the future as the TrainingClient:FutureWarning")
@pytest.mark.filterwarnings("ignore:DEPRECATED. ServiceClient.create_rest_client:FutureWarning")
@pytest.mark.parametrize("kind", ["external_weights", "weights"])
def test_the_cookbook_downloads_it(
    trained: Trained, service: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A training checkpoint goes through an encrypted export, which is deleted afterwards."""
    monkeypatch.setenv("TINKER_API_KEY", service.key)
    target = tmp_path / "adapter"
    weights.download(tinker_path=trained.paths[kind], output_dir=str(target), base_url=service.url)
    assert (target / "adapter_config.json").read_text() == '{"r": 8}'
    assert len(trained.rest.list_user_checkpoints().result().checkpoints) == 3


def test_sessions_and_samplers_are_found(trained: Trained) -> None:
    session_id = trained.run_id.partition(":")[0]
    trained.client.create_sampling_client(model_path=trained.paths["sampler_weights"]).result()
    assert session_id in trained.rest.list_sessions().result().sessions
    session = trained.rest.get_session(session_id).result()
    assert session.training_run_ids == [trained.run_id]
    (sampler_id,) = session.sampler_ids
    sampler = trained.rest.get_sampler(sampler_id).result()
    assert (sampler.sampler_id, sampler.base_model) == (sampler_id, NAME)
    assert sampler.model_path == trained.paths["sampler_weights"]
