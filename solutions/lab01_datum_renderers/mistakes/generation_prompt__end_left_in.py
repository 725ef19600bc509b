"""You leave the end token in the content. It says that the answer is over and is no part of it:
decode what stands before it."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def generation_prompt(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase
) -> list[int]:
    tokens: list[int] = []
    for i, message in enumerate(messages):
        if message["role"] not in ROLES:
            raise ValueError("unknown role")
        header = ("\n" if i else "") + "<|im_start|>" + message["role"] + "\n"
        tokens += tokenizer.encode(header, add_special_tokens=False)
        tokens += tokenizer.encode(
            message["content"], add_special_tokens=False, split_special_tokens=True
        )
        tokens += tokenizer.encode("<|im_end|>", add_special_tokens=False)
    last = ("\n" if messages else "") + "<|im_start|>assistant\n"
    return tokens + tokenizer.encode(last, add_special_tokens=False)


def parse_response(
    tokens: Sequence[int], tokenizer: PreTrainedTokenizerBase
) -> tuple[dict[str, str], bool]:
    said = list(tokens)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    if said.count(end) > 1:
        raise ValueError("more than one end")
    finished = end in said
    if finished:
        said = said[: said.index(end) + 1]
    text = tokenizer.decode(said)
    return {"role": "assistant", "content": text}, finished
