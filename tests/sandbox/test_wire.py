"""The wire carries a closed set of types exactly and refuses everything else, both ways."""

import contextlib
import enum
import math
from collections import OrderedDict, namedtuple

import msgpack
import numpy as np
import pytest
import tinker
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.sandbox import ops, wire
from autograder.sandbox.errors import WireError

_settings = settings(max_examples=60, deadline=None, database=None, derandomize=True)
_atoms = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 200), 1 << 200)
    | st.floats()
    | st.text()
    | st.binary(max_size=40)
)
_keys = st.booleans() | st.integers() | st.text(max_size=5) | st.tuples(st.integers(), st.text())
_data = st.recursive(
    _atoms,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(_keys, inner, max_size=4)
    ),
    max_leaves=20,
)
_native = {"endianness": "="}
_dtypes = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(**_native)
    | hnp.unsigned_integer_dtypes(**_native)
    | hnp.floating_dtypes(sizes=(16, 32, 64), **_native)
    | hnp.complex_number_dtypes(sizes=(64, 128), **_native)
)


def same(a, b):
    """Equal in value and in exact type, NaN included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a), list(b)) and same(list(a.values()), list(b.values()))
    return a == b


def there_and_back(value):
    return wire.decode(wire.encode(value))


def packed(tree):
    body = msgpack.packb(tree)
    return len(body).to_bytes(4, "little") + body


@_settings
@given(_data)
def test_plain_data_round_trips_with_its_exact_types(value):
    assert same(there_and_back(value), value)


@_settings
@given(hnp.arrays(_dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_arrays_round_trip_to_the_bit(array):
    got = there_and_back(array)
    assert type(got) is np.ndarray and got.dtype == array.dtype and got.shape == array.shape
    assert got.tobytes() == array.tobytes() and got.flags.writeable


def test_numpy_scalars_stay_numpy_scalars():
    for scalar in (np.float64(1.5), np.float32("nan"), np.int64(-3), np.bool_(True)):
        got = there_and_back(scalar)
        assert type(got) is type(scalar) and got.tobytes() == scalar.tobytes()


def test_parameters_and_sizes_travel_as_tensor_and_tuple():
    got = there_and_back([torch.nn.Parameter(torch.ones(2)), torch.Size([2, 3])])
    assert type(got[0]) is torch.Tensor and not got[0].requires_grad
    assert got[1] == (2, 3) and type(got[1]) is tuple


def test_lone_surrogates_survive():
    assert there_and_back("\ud800x") == "\ud800x"


def test_sdk_types_round_trip():
    dense = tinker.Datum(
        model_input=tinker.ModelInput.from_ints([1, 2, 3]),
        loss_fn_inputs={"weights": torch.ones(3), "target_tokens": [2, 3, 4]},
    )
    assert repr(there_and_back(dense)) == repr(dense)
    got = there_and_back(dense)
    assert got.loss_fn_inputs["target_tokens"].tolist() == [2, 3, 4]
    sparse = tinker.TensorData.from_torch_sparse(torch.eye(8))
    assert sparse.sparse_crow_indices is not None
    assert torch.equal(there_and_back(sparse).to_torch(), torch.eye(8))


@pytest.mark.parametrize(
    "message",
    [
        ops.Call("f", (1, ops.Handle(3, "A")), {"x": None}),
        ops.Method(ops.Handle(1), "forward", (2,), {}),
        ops.Get(ops.Handle(1), "weight"),
        ops.Snippet("result = 1", {"a": [1]}),
        ops.Returned((1, ops.Handle(2))),
        ops.Raised(("E", "Exception"), "no", ("cell a, line 1: f()",)),
        (ops.SourceCell("a", "setup", "x = 1"),),
        (ops.CellReport("a", ops.Raised(("E",), ""), ("note",)), ops.CellReport("b")),
    ],
)
def test_messages_round_trip(message):
    assert there_and_back(message) == message


class _Text(str):
    pass


class _Array(np.ndarray):
    pass


class _Tensor(torch.Tensor):
    pass


class _Colour(enum.StrEnum):
    RED = "red"


_Pair = namedtuple("_Pair", "a b")


@pytest.mark.parametrize(
    "value",
    [
        object(),
        _Text("x"),
        OrderedDict(a=1),
        _Pair(1, 2),
        _Colour.RED,
        np.ones(2).view(_Array),
        np.ma.masked_array([1.0]),
        np.array([object()]),
        np.array(["x"]),
        torch.ones(2).as_subclass(_Tensor),
        torch.ones(2, 2).to_sparse(),
        torch.ones(2, device="meta"),
        {1, 2},
        1 << 20_000,
        print,
    ],
    ids=lambda v: type(v).__name__,
)
def test_anything_else_is_refused_or_left_behind_as_a_handle(value):
    with pytest.raises(WireError):
        wire.encode(value)
    if type(value) is not int:
        kept = []
        handle = wire.decode(wire.encode([value], foreign=lambda v: _keep(kept, v)))
        assert handle == [ops.Handle(1, "x")] and kept[0] is value


def _keep(kept, value):
    kept.append(value)
    return ops.Handle(len(kept), "x")


def test_encoding_calls_no_method_of_a_student_object():
    calls = []

    class Spy:
        def __getattribute__(self, name):
            calls.append(name)
            return object.__getattribute__(self, name)

        def __len__(self):
            calls.append("len")
            return 0

    wire.encode(Spy(), foreign=lambda v: ops.Handle(1, "Spy"))
    assert calls == []


def test_cyclic_and_exploding_values_are_refused():
    loop = []
    loop.append(loop)
    bomb = [0]
    for _ in range(25):
        bomb = [bomb, bomb]
    small = wire.WireLimits(items=1000)
    for value in (loop, bomb, [0] * 1001, {str(i): i for i in range(501)}):
        with pytest.raises(WireError):
            wire.encode(value, limits=small)
    with pytest.raises(WireError, match="dict entries"):
        wire.encode(dict.fromkeys(range(20_001)))


@pytest.mark.parametrize(
    "tree",
    [
        {"a": 1},
        [],
        ["x"],
        [99],
        [3],
        [3, 5],
        [2, 1],
        [2, [0], 1],
        [4],
        [4, "object", 1],
        [4, "float32", 1 << 62],
        [4, "float32", -1],
        [4, "float32", 4],
        [4, "float32"] + [1] * 17,
        [4, "bfloat16", 0],
        [5, "float32", b"1"],
        [5, "float32", 3],
        [10, -1, "x"],
        [10, 1, 2],
        [10, 1],
        [10, 1, "x" * 101],
        [10, 1, "a\nb"],
        [11, 1, [1], [2]],
        [11, "f", [0], [2]],
        [13, [1], "x"],
        [16, [0, "E"], "", [1]],
        [16, [1, 3], "", [1]],
        [7, "float32", [0, 3], None, None, [4, "float32", 0]],
        [7, "float64", None, None, None, [4, "float64", 0]],
        [7, "float32", [0, 2, 2], [0, 0, 9, 0], [0], [4, "float32", 0]],
        [8, [0, 1]],
        [8, [1, [1, "x"]]],
        [9, 1, [2]],
        msgpack.ExtType(1, b""),
        msgpack.Timestamp(1),
    ],
    ids=str,
)
def test_forged_messages_are_refused(tree):
    with pytest.raises(WireError):
        wire.decode(packed(tree))


@_settings
@given(st.binary(max_size=60))
def test_random_bytes_are_refused_or_harmless(data):
    for message in (data, len(data).to_bytes(4, "little") + data):
        with contextlib.suppress(WireError):
            wire.decode(message)


def test_deep_long_and_padded_messages_are_refused():
    deep = [0]
    for _ in range(40):
        deep = [0, deep]
    for message in (
        packed(deep),
        wire.encode(1) + b"x",
        b"",
        b"\xff\xff\xff\xff",
        wire.encode(1)[:-1],
    ):
        with pytest.raises(WireError):
            wire.decode(message)
    with pytest.raises(WireError):
        wire.decode(
            wire.encode(np.zeros(100)), wire.WireLimits(array_bytes=100, structure_bytes=50)
        )


def test_a_forged_bool_is_still_true_or_false():
    body = msgpack.packb([4, "bool", 2])
    got = wire.decode(len(body).to_bytes(4, "little") + body + b"\x02\x00")
    assert got.tobytes() == b"\x01\x00"
