"""You divide alpha by the wrong side of A. A is (r, in): the rank is its number of rows, not the
number of input features."""

import torch


def _change(weight, lora_A, lora_B, alpha):
    if not weight.ndim == lora_A.ndim == lora_B.ndim == 2 or lora_A.shape[0] == 0:
        raise ValueError("weight, A and B must be matrices, A with a row at least")
    if lora_A.shape[0] != lora_B.shape[1]:
        raise ValueError("A and B have different ranks")
    if weight.shape != (lora_B.shape[0], lora_A.shape[1]):
        raise ValueError("B A has another shape than weight")
    rank = lora_A.shape[1]
    exact = torch.promote_types(weight.dtype, torch.float32)
    return (alpha / rank) * (lora_B.to(exact) @ lora_A.to(exact))


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return (weight + _change(weight, lora_A, lora_B, alpha)).to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return (weight - _change(weight, lora_A, lora_B, alpha)).to(weight.dtype)
