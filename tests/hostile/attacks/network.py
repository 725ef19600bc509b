"""Attacks over the network, to listeners that wait for them, and over sockets of every family."""

from ..harness import SYSCALL, Attack, Place, trick


def _network(name: str, code: str, *, place: Place = "call", outside: bool = False) -> Attack:
    return trick("network", name, "import socket\n" + code, place=place, outside=outside)


ATTACKS = [
    _network(
        "connects by TCP to a listener on this machine",
        "attempt(lambda: socket.create_connection(('127.0.0.1', TCP), 1),\n"
        "        lambda: socket.create_connection(('0.0.0.0', TCP), 1))",
        outside=True,
    ),
    _network(
        "connects by TCP over IPv6",
        "attempt(lambda: socket.create_connection(('::1', TCP6), 1),\n"
        "        lambda: socket.create_connection(('::ffff:127.0.0.1', TCP), 1))",
        outside=True,
    ),
    _network(
        "sends a datagram, connected or not",
        "def send():\n"
        "    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n"
        "        return s.sendto(b'stolen', ('127.0.0.1', UDP))\n"
        "attempt(send, lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))",
        outside=True,
    ),
    _network(
        "connects to a socket in the file system",
        "def connect():\n"
        "    with socket.socket(socket.AF_UNIX) as s: s.connect(UNIX); return True\n"
        "attempt(connect)",
        outside=True,
    ),
    _network(
        "connects to an abstract socket",
        "def connect():\n"
        "    with socket.socket(socket.AF_UNIX) as s: s.connect(ABSTRACT); return True\n"
        "attempt(connect)",
        outside=True,
    ),
    _network(
        "turns one end of a socket pair to an address outside",
        "def turn(kind):\n"
        "    a, b = socket.socketpair(socket.AF_UNIX, kind)\n"
        "    with a, b: a.connect(ABSTRACT); return True\n"
        "def send():\n"
        "    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "    with a, b: return a.sendto(b'x', ABSTRACT)\n"
        "attempt(lambda: turn(socket.SOCK_DGRAM), lambda: turn(socket.SOCK_STREAM), send)",
    ),
    _network(
        "sends from one end of a socket pair to a log that takes datagrams",
        "def send(kind):\n"
        "    a, b = socket.socketpair(socket.AF_UNIX, kind)\n"
        "    with a, b: return a.sendto(b'stolen', LOG)\n"
        "attempt(*(lambda k=k: send(k) for k in (2, 2 | socket.SOCK_CLOEXEC, 5, 1)))",
        outside=True,
    ),
    _network(
        "looks up names",
        "attempt(lambda: socket.gethostbyname('example.com'),\n"
        "        lambda: socket.getaddrinfo('example.com', 443),\n"
        "        lambda: socket.gethostbyaddr('127.0.0.1'))",
    ),
    _network(
        "fetches a page with urllib, http.client, httpx and asyncio",
        "import asyncio, http.client, httpx, urllib.request\n"
        "url = f'http://127.0.0.1:{TCP}/'\n"
        "async def stream(): return await asyncio.open_connection('127.0.0.1', TCP)\n"
        "attempt(lambda: urllib.request.urlopen(url, timeout=1),\n"
        "        lambda: [http.client.HTTPConnection('127.0.0.1', TCP, timeout=1).connect()],\n"
        "        lambda: httpx.get(url, timeout=1), lambda: asyncio.run(stream()))",
        place="cell",
    ),
    _network(
        "listens, for somebody outside to call",
        "def listen():\n"
        "    with socket.socket() as s: s.bind(('127.0.0.1', 0)); s.listen(); return True\n"
        "attempt(listen, lambda: socket.create_server(('', 0)))",
        outside=True,
    ),
    _network(
        "opens sockets of every family and kind",
        "def all_kinds():\n"
        "    found = []\n"
        "    for family in range(48):\n"
        "        for kind in (1, 2, 3, 5):\n"
        "            try: socket.socket(family, kind).close()\n"
        "            except OSError: continue\n"
        "            found.append((family, kind))\n"
        "    return found\n"
        "attempt(all_kinds)",
        place="cell",
        outside=True,
    ),
    _network(
        "talks to the kernel by netlink, packets and vsock",
        "attempt(*(lambda f=f, k=k: [socket.socket(f, k)] for f, k in (\n"
        "    (socket.AF_NETLINK, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW),\n"
        "    (socket.AF_INET, socket.SOCK_RAW), (socket.AF_VSOCK, socket.SOCK_STREAM),\n"
        "    (socket.AF_ALG, socket.SOCK_SEQPACKET), (31, socket.SOCK_RAW))))",
    ),
    _network(
        "makes the socket calls past Python",
        SYSCALL + "libc = ctypes.CDLL(None)\n"
        "attempt(lambda: libc.socket(2, 1, 0) >= 0, lambda: call('socket', 1, 1, 0),\n"
        "        lambda: call('io_uring_setup', 8, bytes(120)),\n"
        "        lambda: libc.connect(3, bytes(16), 16) == 0, lambda: libc.listen(3, 1) == 0,\n"
        "        lambda: libc.accept(3, None, None) >= 0)",
    ),
    _network(
        "lists the machine's interfaces and connections",
        "attempt(lambda: [n for _, n in socket.if_nameindex() if n != 'lo'],\n"
        "        lambda: open('/proc/net/tcp').read(), lambda: open('/proc/net/unix').read())",
    ),
    Attack(
        family="network",
        name="passes descriptors to the judge over its own channel",
        code=(
            "import os, socket\n"
            "with socket.socket(fileno=os.dup(3)) as channel:\n"
            "    for _ in range(20): socket.send_fds(channel, [b'\\0'], [0, 1, 2, 3])"
        ),
        status="error",
        says="sent something that is no answer",
    ),
    Attack(
        family="network",
        name="shuts its channel and goes on",
        code="import os, socket, time\nsocket.socket(fileno=os.dup(3)).shutdown(2)\ntime.sleep(99)",
        status="error",
        says="sent something that is no answer",
    ),
]
