"""The tokenizer of another kind: same pieces, other ids, a start token of its own."""

from __future__ import annotations

from shared.models import base
from shared.models.base.tokenizer import load
from shared.models.tokenizers import START, foreign_tokenizer, tiny_tokenizer

TEXTS = ("What is 2 + 3?", "a\n\nb", "<think>x</think>", "naïve 🙂", "", "<|im_start|>user\n")


def test_the_base_models_own_is_the_one_that_transformers_finds_by_itself() -> None:
    found = load(base.folder())
    assert type(tiny_tokenizer()) is type(found)
    assert tiny_tokenizer().get_vocab() == found.get_vocab()
    assert [tiny_tokenizer().encode(text) for text in TEXTS] == [found.encode(t) for t in TEXTS]
    assert tiny_tokenizer().special_tokens_map == found.special_tokens_map


def test_no_piece_has_the_id_that_it_has_in_the_base_model() -> None:
    ours, other = load(base.folder()), foreign_tokenizer()
    for text in TEXTS:
        one = ours.encode(text, add_special_tokens=False)
        two = other.encode(text, add_special_tokens=False)
        assert ours.convert_ids_to_tokens(one) == other.convert_ids_to_tokens(two)
        assert not [pair for pair in zip(one, two, strict=True) if pair[0] == pair[1]]


def test_it_starts_what_it_encodes_unless_told_not_to() -> None:
    other = foreign_tokenizer()
    (start,) = other.encode(START, add_special_tokens=False)
    assert other.bos_token_id == start
    assert other.encode("a") == [start, *other.encode("a", add_special_tokens=False)]


def test_text_comes_back() -> None:
    other = foreign_tokenizer()
    for text in TEXTS:
        assert other.decode(other.encode(text, add_special_tokens=False)) == text


def test_special_tokens_can_be_taken_as_text() -> None:
    other = foreign_tokenizer()
    typed = other.encode("<|eot_id|>", add_special_tokens=False, split_special_tokens=True)
    assert len(typed) > 1
    assert not set(typed) & set(other.all_special_ids)
