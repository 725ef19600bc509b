"""The head of one HTTP request from a jail: read strictly, written anew.

What is not plainly one well-formed request with a known length is refused, and what goes on is
written from the parts that were understood. So two readers of the same bytes cannot differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEAD_BYTES = 16 << 10
"""The longest head that is read."""

END = b"\r\n\r\n"
_FIRST = re.compile(rb"(GET|POST|PUT|DELETE) (/[!-~]{0,4000}) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9-]{1,100}):[ \t]*([\t -~]{0,8000})")
_DIGITS = re.compile(r"[0-9]{1,12}")
_NOT_PASSED = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization",
     "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip


class BadRequest(Exception):
    """The bytes are no request that is passed on. `status` is HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Head:
    """One request without its body, which has `length` bytes. Names of fields are lower case."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    length: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def field(self, name: str) -> str | None:
        """The value of a field; None when it is missing."""
        return next((value for field, value in self.fields if field == name), None)

    def written(self, host: str) -> bytes:
        """The head for `host`, asking for one answer and the end of the connection."""
        passed = [f"{name}: {value}" for name, value in self.fields if name not in _NOT_PASSED]
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            f"host: {host}",
            *passed,
            *([f"content-length: {self.length}"] if self.method in ("POST", "PUT") else []),
            "connection: close",
        ]
        return "\r\n".join(lines).encode("ascii") + END


def parse(head: bytes) -> Head:
    """The head in these bytes, which end with an empty line.

    Raises:
        BadRequest: it is malformed, or its body has no plain length.
    """
    first, *rest = head.removesuffix(END).split(b"\r\n")
    line = _FIRST.fullmatch(first)
    if line is None:
        raise BadRequest(400, "The first line is no request of HTTP/1.1.")
    fields: list[tuple[str, str]] = []
    for text in rest:
        field = _FIELD.fullmatch(text)
        if field is None:
            raise BadRequest(400, "A header field is malformed.")
        fields.append((field[1].decode("ascii").lower(), field[2].decode("ascii").strip()))
    names = [name for name, _ in fields]
    if names.count("x-api-key") > 1 or names.count("content-length") > 1:
        raise BadRequest(400, "A header field that must be unique is there twice.")
    if "transfer-encoding" in names or "upgrade" in names:
        raise BadRequest(411, "Send the body with a Content-Length.")
    length = dict(fields).get("content-length", "0")
    if not _DIGITS.fullmatch(length):
        raise BadRequest(400, "Content-Length is no number.")
    if int(length) and line[1] not in (b"POST", b"PUT"):
        raise BadRequest(400, "Only POST and PUT have a body.")
    return Head(line[1].decode(), line[2].decode(), tuple(fields), int(length))
