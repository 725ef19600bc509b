"""For an unknown family you return Qwen's rate. A rate that nobody measured is a guess: raise
NotImplementedError."""


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if hidden_size < 1:
        raise ValueError(f"hidden_size is {hidden_size}; it must be at least 1.")
    exponents = {"qwen": 0.0775, "llama": 0.781}
    if family not in exponents:
        family = "qwen"
    return 5e-5 * 10 * (2000 / hidden_size) ** exponents[family]
