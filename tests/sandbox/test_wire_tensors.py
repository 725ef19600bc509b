"""Arrays and tensors cross the wire bit for bit, whatever their memory looks like."""

import math

import numpy as np
import pytest
import torch

from autograder.sandbox import wire
from autograder.sandbox.errors import WireError


def there_and_back(value):
    return wire.decode(wire.encode(value), wire.DEFAULT)


@pytest.mark.parametrize(
    "dtype",
    [
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "complex64",
    ],
)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_tensors_round_trip_to_the_bit(dtype, shape):
    tensor = (torch.arange(math.prod(shape)).reshape(shape) - 2).to(getattr(torch, dtype))
    got = there_and_back(tensor)
    assert type(got) is torch.Tensor and got.dtype == tensor.dtype and torch.equal(got, tensor)


def test_strided_and_conjugated_tensors_arrive_as_their_values():
    tensor = torch.tensor([[1 + 2j, 3 - 1j], [0j, 1j]]).conj().T
    assert torch.equal(there_and_back(tensor), tensor)
    array = np.arange(12.0).reshape(3, 4)[::2, ::-1]
    assert np.array_equal(there_and_back(array), array)


def test_big_endian_arrays_arrive_as_their_values():
    assert np.array_equal(there_and_back(np.array([1.5, 2], ">f4")), [1.5, 2])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(1).as_strided((1, 1), (5, 9)),
        torch.ones(1).as_strided((1,), (3,)).to(torch.bfloat16),
        torch.ones(4, 4)[::4],
        torch.ones(2, 3).T,
        torch.tensor([1.5, 2.0]).expand(3, 2),
        torch.arange(6.0)[4:].expand(5, 2),
        torch.tensor([1.5]).to(torch.bfloat16).expand(4),
        torch.ones(0).expand(4, 0),
    ],
)
def test_tensors_of_any_stride_travel(tensor: torch.Tensor) -> None:
    assert torch.equal(wire.decode(wire.encode(tensor), wire.DEFAULT), tensor)


@pytest.mark.parametrize("left", [0, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tensor_whose_memory_was_given_back_is_refused(left: int, dtype: torch.dtype) -> None:
    # Reading it would send whatever lies there now.
    for tensor in (torch.ones(100, dtype=dtype), torch.ones(100, dtype=dtype)[50:]):
        tensor.untyped_storage().resize_(left)
        with pytest.raises(WireError, match="given back"):
            wire.encode(tensor)
