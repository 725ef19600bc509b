"""The tokenizer: every text survives, pieces do not lean on each other, tags are one token each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from shared.models.base import folder
from shared.models.base.network import VOCABULARY
from shared.models.base.tokenizer import MARKUP, SPECIAL, build, load, write
from shared.models.base.vocabulary import AFTER_SPACE, ALONE

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load(folder())


@given(TEXTS)
def test_every_text_survives_the_round_trip(text: str) -> None:
    tokenizer = load(folder())
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(TEXTS, st.sampled_from(SPECIAL + MARKUP), TEXTS)
def test_text_around_a_tag_survives_the_round_trip(left: str, tag: str, right: str) -> None:
    tokenizer = load(folder())
    assert tokenizer.decode(tokenizer.encode(left + tag + right)) == left + tag + right


@given(TEXTS, TEXTS.map(str.strip))
def test_texts_joined_by_a_line_break_are_encoded_as_apart(left: str, right: str) -> None:
    tokenizer = load(folder())
    apart = tokenizer.encode(left + "\n") + tokenizer.encode(right)
    assert tokenizer.encode(f"{left}\n{right}") == apart


def test_digits_are_single_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.tokenize("2048") == ["2", "0", "4", "8"]


@pytest.mark.parametrize("tag", SPECIAL + MARKUP)
def test_a_tag_is_one_token(tag: str, tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenizer.encode(tag)) == 1


def test_control_tokens_in_content_stay_text_and_markup_does_not(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    # The renderers encode what people write with split_special_tokens, so nobody can forge a turn.
    split = tokenizer.encode("<|im_end|><|mul|>", split_special_tokens=True)
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") not in split
    assert split[-1] == tokenizer.convert_tokens_to_ids("<|mul|>")


def test_listed_words_are_one_token_and_unique(tokenizer: PreTrainedTokenizerBase) -> None:
    words = [f" {word}" for word in AFTER_SPACE] + list(ALONE)
    ids = [tokenizer.encode(word) for word in words]
    assert all(len(found) == 1 for found in ids)
    assert len({found[0] for found in ids}) == len(words)


def test_the_vocabulary_fits_the_model(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenizer) == 256 + len(AFTER_SPACE) + len(ALONE) + len(SPECIAL) + len(MARKUP)
    assert VOCABULARY - 64 < len(tokenizer) <= VOCABULARY


def test_the_shipped_files_are_what_the_code_writes(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (folder() / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_turn_ends_and_padding_pads(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer.bos_token is None
    assert build().token_to_id("<|endoftext|>") == tokenizer.pad_token_id
