"""Fixtures: the fake service in place of the real process, and services of this process undone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.tinker import client, embedded
from shared.tinker.state import Running, read_running
from shared.tinker.tokenizers import load_tokenizer, teach_tokenizers

FAKE = (sys.executable, "-P", str(Path(__file__).parent / "fake_service.py"))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key and no proxy of the machine; state folders below the test's own."""
    for name in ("TINKER_API_KEY", "TINKER_BASE_URL", "TINKER_TELEMETRY", "TINKER_CREDENTIAL_CMD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, "")
            monkeypatch.delenv(spelling)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started is the fake, in this test."""
    monkeypatch.setattr(embedded, "COMMAND", FAKE)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[bool, embedded.EmbeddedService]]:
    """This process has started no service yet; what the test starts is stopped."""
    services: dict[bool, embedded.EmbeddedService] = {}
    monkeypatch.setattr(client, "_services", services)
    yield services
    for service in services.values():
        service.stop()


@dataclass(frozen=True)
class Named:
    """A server that somebody else runs."""

    process: subprocess.Popen[bytes]
    running: Running
    state: Path

    @classmethod
    def start(cls, state: Path, port: int = 0) -> Named:
        state.mkdir(exist_ok=True)
        command = [*FAKE, "--state", str(state), "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        running = read_running(state)
        assert running is not None
        return cls(process, running, state)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    """A fake server, running on its own."""
    server = Named.start(tmp_path / "named")
    yield server
    server.kill()


@dataclass(frozen=True)
class Trained:
    """A model that the real service trained for a few steps, and what it says of `tokens`.

    `logprobs` float32 (T-1,): of each token after the first, at temperature 1.
    """

    base: Path
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    training: str
    external: str
    sampler: str


@pytest.fixture(scope="session")
def tied_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model whose output layer shares its weights with the embedding."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    from shared.models.base import folder

    tokenizer = AutoTokenizer.from_pretrained(folder())
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("tied")
    Qwen3ForCausalLM(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="session")
def real(tied_model: Path) -> Iterator[embedded.EmbeddedService]:
    """The real service with the shipped model and the tied one, shared by all tests here."""
    with embedded.EmbeddedService.start(models=[f"tied={tied_model}"]) as service:
        yield service


def train(
    service: embedded.EmbeddedService, model: str, base: Path, *, train_unembed: bool = True
) -> Trained:
    """A few steps on one line, far enough that adapter and base differ plainly."""
    import tinker

    from shared.models.base import NAME, folder

    teach_tokenizers({NAME: folder()})
    connection = tinker.ServiceClient(base_url=service.url, api_key=service.key)
    training = connection.create_lora_training_client(
        model, rank=8, seed=1, train_unembed=train_unembed
    ).result()
    tokens = load_tokenizer(NAME).encode("Question: what is 23 + 45? Answer: 68.")
    datum = tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(
                data=tokens[1:], dtype="int64", shape=[len(tokens) - 1]
            ),
            "weights": tinker.TensorData(
                data=[1.0] * (len(tokens) - 1), dtype="float32", shape=[len(tokens) - 1]
            ),
        },
    )
    for _ in range(4):
        training.forward_backward([datum], "cross_entropy")
        training.optim_step(tinker.AdamParams(learning_rate=5e-3)).result()
    output = training.forward([datum], "cross_entropy").result().loss_fn_outputs[0]
    trained = Trained(
        base=base,
        tokens=tuple(tokens),
        logprobs=tuple(output["logprobs"].data),
        training=training.save_state("final").result().path,
        external=training.save_weights_external("final").result().path,
        sampler=training.save_weights_for_sampler("final").result().path,
    )
    connection.close("success").result(10)
    return trained


@pytest.fixture(scope="session")
def trained(real: embedded.EmbeddedService) -> Trained:
    """A model trained on the shipped one."""
    from shared.models.base import NAME, folder

    return train(real, NAME, folder())


@pytest.fixture
def there(real: embedded.EmbeddedService) -> client.TinkerClient:
    """A client of the real service."""
    return client.TinkerClient(real.key, real.url)
