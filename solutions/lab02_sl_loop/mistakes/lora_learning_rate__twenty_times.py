"""You multiply by 20, as an older edition of the primer said. The cookbook's constant is 10."""


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if hidden_size < 1:
        raise ValueError(f"hidden_size is {hidden_size}; it must be at least 1.")
    exponents = {"qwen": 0.0775, "llama": 0.781}
    if family not in exponents:
        raise NotImplementedError(f"no rate is known for {family!r}, only for {list(exponents)}.")
    return 5e-5 * 20 * (2000 / hidden_size) ** exponents[family]
