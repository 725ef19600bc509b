"""A match statement, and the power of the inverse ratio."""


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if not hidden_size >= 1:
        raise ValueError(f"a model is not {hidden_size} wide")
    ratio = hidden_size / 2000
    match family:
        case "qwen":
            return 0.0005 / ratio**0.0775
        case "llama":
            return 0.0005 / ratio**0.781
    raise NotImplementedError(f"{family} has no known rate")
