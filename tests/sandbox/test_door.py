"""A jail with a door reaches the one listener behind it, and nothing else, at both levels."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator

import pytest

from autograder.sandbox import door, kernel, landlock, probe, seccomp, visible
from autograder.sandbox.client import Zygote
from autograder.sandbox.door import NO_AUTHORITIES, Door
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Returned, Snippet
from autograder.sandbox.remote import Jail
from tests.sandbox.test_seccomp import PID, run

FILTERS = {  # sha256 of the filters of jails without a door, of x86-64 and aarch64
    (0, True): "43984f754886fccba10cc84f8a3bff6908e096dbd4c25662afde1e7233229885",
    (0, False): "102a92feb13e1b84535489dd73042d51e8334f079b49b5e40cce012ef5a3da80",
    (1, True): "033ff7f75eb44952b6a5ded9cf41f91002cb1dbb47f9fb697e08e1b0a8603064",
    (1, False): "dae1fc22ef426ac8a4f17d11f2a3a80c9917012a872435b86dbbaac1042a912c",
}


@pytest.fixture(scope="module")
def open_jail(zygote: Zygote) -> Iterator[tuple[Jail, socket.socket, int]]:
    """A jail with a door, the listener behind it, and its port inside."""
    listener = None if zygote.level == "A" else door.listen_here()
    port = door.INNER_PORT if listener is None else listener.getsockname()[1]
    wanted = Door(port=port, environment={"TINKER_BASE_URL": f"http://127.0.0.1:{port}"})
    with zygote.spawn(Limits(cpu_seconds=60, wall_seconds=90, memory_mb=256), wanted) as jail:
        listener = listener or jail.listener
        assert listener is not None
        listener.settimeout(5)
        yield jail, listener, port
        listener.close()


@pytest.mark.jail
def test_what_goes_through_the_door_arrives(open_jail) -> None:
    jail, listener, port = open_jail
    code = (
        "import socket\ns = socket.create_connection(('127.0.0.1', port), 2)\n"
        "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\ns.sendall(b'hello')\n"
        "result = s.getpeername()[1]"
    )
    assert jail.execute(Snippet(code, {"port": port})) == Returned(port)
    connection, _ = listener.accept()
    with connection:
        assert connection.recv(10) == b"hello"


@pytest.mark.jail
def test_it_knows_its_door_and_nothing_else_of_the_environment(open_jail) -> None:
    jail, _, port = open_jail
    outcome = jail.execute(Snippet("import os; result = dict(os.environ)"))
    own = {"TINKER_BASE_URL": f"http://127.0.0.1:{port}"}
    assert outcome == Returned(NO_AUTHORITIES | own)


@pytest.mark.jail
def test_it_does_not_hold_the_listener(open_jail) -> None:
    code = (
        "import os\nresult = []\nfor fd in range(256):\n"
        "    try: os.fstat(fd); result.append(fd)\n    except OSError: pass"
    )
    with_door, *_ = open_jail
    found = with_door.execute(Snippet("import gc; gc.collect()\n" + code)).value
    assert found == [0, 1, 2, 3]


@pytest.mark.jail
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', other), 1)",
        "socket.create_connection(('127.0.0.1', 22), 1)",
        "socket.create_connection(('localhost', other), 1)",
        "socket.create_connection(('::1', port), 1)",
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.create_connection(('example.com', 80), 1)",
        "socket.socket(socket.AF_INET6, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",  # MPTCP
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)",  # SCTP
        "socket.socket(socket.AF_INET, socket.SOCK_SEQPACKET)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "tcp.bind(('127.0.0.1', 0))",
        "tcp.listen(1)",
        "tcp.sendto(b'x', 0x20000000, ('127.0.0.1', other))",
        "tcp.sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', other))",
        "tcp.setsockopt(socket.IPPROTO_TCP, 31, b'tls')",  # TCP_ULP
        "tcp.setsockopt(socket.IPPROTO_TCP, 19, 1)",  # TCP_REPAIR
        "tcp.setsockopt(socket.IPPROTO_IP, 64, b'x')",  # IPT_SO_SET_REPLACE
        "pair[0].sendto(b'x', '/dev/log')",
        "pair[0].connect('/dev/log')",
    ],
)
def test_every_other_way_is_shut(open_jail, attempt) -> None:
    jail, _, port = open_jail
    code = (
        "import socket\npair = socket.socketpair()\nwith socket.socket() as tcp:\n"
        f"    result = repr({attempt})"
    )
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        inputs = {"port": port, "other": other.getsockname()[1]}
        outcome = jail.execute(Snippet(code, inputs))
        assert "OSError" in getattr(outcome, "mro", ()), outcome
        with pytest.raises(BlockingIOError):
            other.accept()


@pytest.mark.jail
def test_a_door_opens_no_other_call(open_jail) -> None:
    jail, *_ = open_jail
    for attempt in ("os.fork()", "os.kill(os.getppid(), 9)", "os.execv('/bin/true', ['true'])"):
        outcome = jail.execute(Snippet(f"import os\nresult = {attempt}"))
        assert "OSError" in getattr(outcome, "mro", ()), attempt


@pytest.mark.jail
def test_doors_of_two_jails_do_not_meet(zygote: Zygote, open_jail) -> None:
    _, first, port = open_jail
    second = None if zygote.level == "A" else door.listen_here()
    inner = door.INNER_PORT if second is None else second.getsockname()[1]
    with zygote.spawn(Limits(memory_mb=256), Door(port=inner)) as jail:
        second = second or jail.listener
        assert second is not None
        second.settimeout(5)
        code = "import socket\nsocket.create_connection(('127.0.0.1', port), 1)"
        jail.execute(Snippet(code, {"port": port}))
        first.settimeout(0.2)
        with pytest.raises(TimeoutError):
            first.accept()
        first.settimeout(5)
        jail.execute(Snippet(code, {"port": inner}))
        second.accept()[0].close()
        second.close()


@pytest.mark.jail
def test_a_jail_without_a_door_has_no_network(zygote: Zygote) -> None:
    with zygote.spawn(Limits(memory_mb=256)) as jail:
        assert jail.listener is None
        outcome = jail.execute(Snippet("import socket\nresult = socket.socket() is None"))
        assert "PermissionError" in outcome.mro


@pytest.mark.parametrize(("column", "namespaces"), FILTERS)
def test_a_door_changes_nothing_for_jails_that_have_none(column: int, namespaces: bool) -> None:
    code = seccomp.program(column, PID, namespaces=namespaces)
    assert hashlib.sha256(code).hexdigest() == FILTERS[column, namespaces]


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_the_filter_of_a_door_allows_connecting_stream_sockets_only(column: int) -> None:
    code = seccomp.program(column, PID, namespaces=False, door=True)

    def call(name: str, *args: int) -> int:
        number = kernel.NUMBERS[name][column]
        assert number is not None
        return run(code, number, args, arch=kernel.AUDIT_ARCH[column])

    for kind in (1, 1 | 0x800, 1 | 0x80000, 1 | 0x80800):
        assert call("socket", 2, kind, 0) == call("socket", 2, kind, 6) == seccomp.ALLOW
        assert call("socketpair", 1, kind) == seccomp.ALLOW
    for family, kind, protocol in ((1, 1, 0), (10, 1, 0), (2, 2, 0), (2, 1, 262), (16, 3, 0)):
        assert call("socket", family, kind, protocol) == seccomp.EPERM
    assert call("connect") == seccomp.ALLOW
    for name in ("bind", "listen", "accept", "accept4", "execve", "unshare", "ptrace"):
        assert call(name) == seccomp.EPERM
    assert call("sendto", 3, 0, 0, 0x4000) == call("sendmsg", 3, 0, 0x40) == seccomp.ALLOW
    assert call("sendto", 3, 0, 0, 0x20004000) == seccomp.EPERM
    assert call("sendmsg", 3, 0, 0x20000000) == seccomp.EPERM
    assert call("sendmmsg", 3, 0, 0, 0x20000000) == seccomp.EPERM
    assert call("setsockopt", 3, 6, 1) == call("setsockopt", 3, 1, 9) == seccomp.ALLOW
    assert call("setsockopt", 3, 6, 31) == call("setsockopt", 3, 0, 64) == seccomp.EPERM


def test_level_b_needs_a_kernel_that_can_tell_ports() -> None:
    reason = door.refusal("B", 3)
    assert reason is not None and "landlock version 4" in reason and "has version 3" in reason
    assert door.refusal("B", 4) is None
    assert door.refusal("A", 3) is None
    assert door.refusal("trusted", 0) is None
    assert door.refusal("B") == door.refusal("B", landlock.abi())


@pytest.mark.jail
def test_without_a_jail_the_code_finds_the_service_as_well(zygotes) -> None:
    with door.listen_here() as listener:
        port = listener.getsockname()[1]
        wanted = Door(port=port, environment={"TINKER_API_KEY": "tml-x"})
        with zygotes("trusted").spawn(Limits(memory_mb=256), wanted) as jail:
            assert jail.listener is None
            code = "import os, socket\nsocket.create_connection(('127.0.0.1', port), 2)\n"
            code += "result = dict(os.environ)"
            outcome = jail.execute(Snippet(code, {"port": port}))
            assert outcome == Returned(NO_AUTHORITIES | {"TINKER_API_KEY": "tml-x"})
            listener.accept()[0].close()


@pytest.mark.jail
def test_the_probe_makes_a_door_to_see_whether_it_can() -> None:
    found = probe.probe()
    assert found.door.startswith("ok")
    assert ("network of its own" in found.door) == (found.level == "A")


def test_the_probe_names_what_a_door_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 3)
    assert "landlock version 4" in probe._door("B", visible.view())
    monkeypatch.setattr(landlock, "abi", lambda: 4)
    assert probe._door("B", visible.view()) == f"ok ({door.WEAKER})"
