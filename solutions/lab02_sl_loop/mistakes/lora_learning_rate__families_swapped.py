"""You swapped the exponents of the two families: 0.0775 is Qwen's, 0.781 Llama's."""


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if hidden_size < 1:
        raise ValueError(f"hidden_size is {hidden_size}; it must be at least 1.")
    exponents = {"qwen": 0.781, "llama": 0.0775}
    if family not in exponents:
        raise NotImplementedError(f"no rate is known for {family!r}, only for {list(exponents)}.")
    return 5e-5 * 10 * (2000 / hidden_size) ** exponents[family]
