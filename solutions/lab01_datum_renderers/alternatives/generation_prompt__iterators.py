"""Builds the prompt piece by piece from a generator; splits the answer with takewhile."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, takewhile

from transformers import PreTrainedTokenizerBase


def _pieces(messages, tokenizer) -> Iterator[list[int]]:
    separator = ""
    for message in messages:
        if message["role"] not in ("system", "user", "assistant"):
            raise ValueError(message["role"])
        start = f"{separator}<|im_start|>{message['role']}\n"
        yield tokenizer.encode(start, add_special_tokens=False)
        yield tokenizer.encode(
            message["content"], split_special_tokens=True, add_special_tokens=False
        )
        yield [tokenizer.convert_tokens_to_ids("<|im_end|>")]
        separator = "\n"
    yield tokenizer.encode(separator + "<|im_start|>assistant\n", add_special_tokens=False)


def generation_prompt(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase
) -> list[int]:
    return list(chain.from_iterable(_pieces(messages, tokenizer)))


def parse_response(
    tokens: Sequence[int], tokenizer: PreTrainedTokenizerBase
) -> tuple[dict[str, str], bool]:
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    said = list(takewhile(lambda token: token != end, tokens))
    rest = tokens[len(said) :]
    if end in rest[1:]:
        raise ValueError("sampling went on after the end")
    return {"content": tokenizer.decode(said), "role": "assistant"}, len(rest) > 0
