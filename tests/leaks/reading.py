"""Everything that can be read in a file that a student gets, however it is packed.

`texts` unpacks archives and compressed streams, decodes base64, hex, percent and JSON escapes and
HTML entities, drops tags, and does the same again to what came out. Made to find a leak, so it
yields too much rather than too little; the same text comes once.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import re
import tarfile
import urllib.parse
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

DEEP = 8
"""How many layers of packing are taken off."""
SHORT_ENOUGH = 1_000_000
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{4}\s*){5,}[A-Za-z0-9+/_-]{0,3}={0,2}")
_ODD = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){12,}")
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(
    r"</?(?:p|pre|div|li|ul|ol|td|tr|table|h\d|br|hr|code|section|body)\b[^>]*>|<!--|-->", re.I
)
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.){20,})\"|'((?:[^'\\]|\\.){20,})'", re.DOTALL)
_SILENT = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nt\"']))")
_SHORT = {"n": "\n", "t": "\t", '"': '"', "'": "'"}


class Reader:
    """Reads files one after the other and remembers what it has seen."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def texts(self, data: bytes) -> Iterator[str]:
        """Every text in `data` and in what is packed in it, the least packed first."""
        waiting: deque[tuple[bytes | str, int]] = deque([(data, DEEP)])
        while waiting:
            item, depth = waiting.popleft()
            if self._known(item):
                continue
            if isinstance(item, str):
                yield item
                inner: Iterable[bytes | str] = _decoded(item)
            else:
                inner = (*unpacked(item), _as_text(item), _narrowed(item))
            if depth > 0:
                waiting.extend((found, depth - 1) for found in inner)

    def _known(self, item: bytes | str) -> bool:
        text = isinstance(item, str)
        raw = b"text " + item.encode("utf-8", "replace") if text else item
        digest = hashlib.sha256(raw).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False


def _as_text(data: bytes) -> str:
    """As text; of what is none, no more than the letters in it are kept."""
    if _is_binary(data):
        return re.sub(r"[^ -~]+", " ", data.decode("latin-1"))
    return data.decode("utf-8", "replace")


def _narrowed(data: bytes) -> str:
    """Text in two bytes a character."""
    return data.replace(b"\0", b"").decode("latin-1") if b"\0" in data[:4000] else ""


def _decoded(text: str) -> Iterator[bytes | str]:
    """What a text says when it is decoded in each way."""
    for view in VIEWS:
        yield view(text)
    yield from _json_strings(text)
    yield from _quoted(text)
    yield from _encoded(text)


def _visible(text: str) -> str:
    """HTML as it is read: no tags, which also cut highlighted code to pieces, no entities."""
    if "<" not in text:
        return text
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", _SILENT.sub("", text))))


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _SHORT[found[3]]

    return _ESCAPE.sub(character, text) if "\\" in text else text


VIEWS: tuple[Callable[[str], str], ...] = (
    _visible,
    html.unescape,
    urllib.parse.unquote_plus,
    _unescaped,
    lambda text: text[::-1] if len(text) < 2000 else text,
)


def _quoted(text: str) -> Iterator[str]:
    """Long strings between quotes: values of attributes, and strings in scripts."""
    if len(text) < SHORT_ENOUGH:
        for found in _QUOTED.finditer(text):
            yield found[1] or found[2]


def _json_strings(text: str) -> Iterator[str]:
    """The strings of a JSON document; a list of lines is one string, as in a notebook."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from _strings(document)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield "".join(value)
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)


def _encoded(text: str) -> Iterator[bytes]:
    """What stands in `text` in base64 or hex."""
    for found in _BASE64.finditer(text):
        run = re.sub(r"\s", "", found[0]).replace("-", "+").replace("_", "/").rstrip("=")
        for skipped in range(4):  # the run may begin with letters of something else
            piece = run[skipped:]
            piece = piece[: len(piece) - (len(piece) % 4 == 1)]
            data = base64.b64decode(piece + "=" * (-len(piece) % 4))
            if skipped == 0 or data[:16].isascii():
                yield data
    for found in _HEX.finditer(text):
        yield binascii.unhexlify(found[0])


def unpacked(data: bytes) -> Iterator[bytes]:
    """What an archive holds (names too) or a compressed stream says."""
    opened: tuple[Callable[[bytes], Iterator[bytes]], ...] = (_zip, _tar)
    for open_ in opened:
        try:
            yield from open_(data)
        except (OSError, zipfile.BadZipFile, tarfile.TarError, ValueError, RuntimeError):
            continue
    for start, expand in (
        (b"\x1f\x8b", gzip.decompress),
        (b"\x78", zlib.decompress),
        (b"BZh", bz2.decompress),
        (b"\xfd7zXZ", lzma.decompress),
    ):
        if data.startswith(start):
            try:
                yield expand(data)
            except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
                continue


def _zip(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield "\n".join([archive.comment.decode("latin-1"), *archive.namelist()]).encode()
        for name in archive.namelist():
            yield archive.read(name)


def _tar(data: bytes) -> Iterator[bytes]:
    if data[257:262] != b"ustar":
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive.getmembers():
            yield member.name.encode()
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield file.read()


def _is_binary(data: bytes) -> bool:
    text = data[:1000].decode("utf-8", "replace")
    return len(_ODD.findall(text[:-1])) > len(text) * 0.2  # the last character may be cut
