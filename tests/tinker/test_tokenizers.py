"""`get_tokenizer` finds the shipped model's tokenizer, offline and in any order of imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from tinker.lib.public_interfaces import sampling_client, training_client
from tinker_cookbook.tokenizer_utils import get_tokenizer

from shared.models.base import NAME, folder
from shared.tinker.errors import TinkerKitError
from shared.tinker.tokenizers import load_tokenizer, teach_tokenizers


@pytest.fixture(autouse=True)
def taught() -> None:
    teach_tokenizers({NAME: folder()})


def test_the_sdk_and_the_cookbook_get_the_shipped_tokenizer() -> None:
    ours = load_tokenizer(NAME)
    assert sampling_client._load_tokenizer_from_model_info(NAME) is ours
    assert training_client._load_tokenizer_from_model_info(NAME, "somewhere/else") is ours
    assert get_tokenizer(NAME) is ours
    assert ours.decode(ours.encode("23 + 45 = 68")) == "23 + 45 = 68"


def test_a_variant_has_the_tokenizer_of_its_model() -> None:
    assert sampling_client._load_tokenizer_from_model_info(f"{NAME}:x") is load_tokenizer(NAME)


def test_other_names_go_the_usual_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.auto import tokenization_auto

    asked: list[str] = []
    monkeypatch.setattr(
        tokenization_auto.AutoTokenizer, "from_pretrained", lambda name, **_: asked.append(name)
    )
    sampling_client._load_tokenizer_from_model_info("some/other-model")
    assert asked == ["some/other-model"]


def test_teaching_twice_wraps_once() -> None:
    before = sampling_client._load_tokenizer_from_model_info
    teach_tokenizers({NAME: folder()})
    assert sampling_client._load_tokenizer_from_model_info is before


def test_a_name_never_taught_is_told() -> None:
    with pytest.raises(TinkerKitError, match=r"never/taught.*labkit/tiny"):
        load_tokenizer("never/taught")


def test_no_network_is_asked() -> None:
    code = """
        import socket, transformers  # imported before, and online as far as it knows
        def refuse(*a, **k): raise SystemExit("asked the network")
        socket.getaddrinfo = socket.socket.connect = refuse
        from shared.models.base import NAME, folder
        from shared.tinker.tokenizers import load_tokenizer, teach_tokenizers
        teach_tokenizers({NAME: folder()})
        print(len(load_tokenizer(NAME)) > 100)
    """
    environment = {"PATH": "/usr/bin", "HF_HOME": "/nonexistent", "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
