"""Classic BPF as the kernel takes it for seccomp: a check of the program, and its execution."""

import struct

LOAD, RETURN = 0x20, 0x06
TESTS = {
    0x15: lambda register, value: register == value,
    0x25: lambda register, value: register > value,
    0x35: lambda register, value: register >= value,
    0x45: lambda register, value: bool(register & value),
}
LONGEST, DATA_BYTES = 4096, 64


def steps_of(code):
    assert len(code) % 8 == 0
    return [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]


def check(code):
    """What the kernel asks of a filter before it takes it."""
    steps = steps_of(code)
    assert 0 < len(steps) <= LONGEST
    for at, (op, yes, no, value) in enumerate(steps):
        if op == LOAD:
            assert value % 4 == 0 and value < DATA_BYTES, at
        elif op in TESTS:
            assert at + 1 + max(yes, no) < len(steps), at
        else:
            assert op == RETURN, at
    assert steps[-1][0] == RETURN


def run(code, nr, args=(), *, arch):
    """Run a filter on one system call; its return value."""
    data = struct.pack("=IIQ6Q", nr, arch, 0, *[*args, *[0] * (6 - len(args))])
    steps, register, at = steps_of(code), 0, 0
    while True:
        op, yes, no, value = steps[at]
        at += 1
        if op == LOAD:
            register = struct.unpack_from("=I", data, value)[0]
        elif op == RETURN:
            return value
        else:
            at += yes if TESTS[op](register, value) else no
