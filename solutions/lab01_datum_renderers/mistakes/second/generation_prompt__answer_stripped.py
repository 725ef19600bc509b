"""Answer stripped, written differently."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def generation_prompt(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase
) -> list[int]:
    written, _weights = render_chatml(messages, tokenizer, "all_messages")
    opening = "<|im_start|>assistant\n"
    if written:
        opening = "\n" + opening
    return [*written, *tokenizer.encode(opening, add_special_tokens=False)]


def parse_response(
    tokens: Sequence[int], tokenizer: PreTrainedTokenizerBase
) -> tuple[dict[str, str], bool]:
    (end,) = tokenizer.encode("<|im_end|>", add_special_tokens=False)
    places = [place for place, token in enumerate(tokens) if token == end]
    if len(places) > 1:
        raise ValueError(f"{len(places)} ends in one response")
    stop = places[0] if places else len(tokens)
    content = tokenizer.decode(list(tokens[:stop])).strip()
    return {"content": content, "role": "assistant"}, bool(places)
