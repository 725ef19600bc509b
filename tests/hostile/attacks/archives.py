"""What a hand-in's file, folder or archive tries at collection: names, dates, links, bombs."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..harness import LAB

NAME = LAB.name
HONEST_TIME, LATE = 1_000_000_000.0, 1_700_000_000.0
FUTURE = (2107, 12, 31, 0, 0, 0)
Put = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class HandIn:
    """One way to hand in. `put(inbox, notebook)` lays it down."""

    name: str
    put: Put
    family: str = "archive"

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def hands_in(what: str) -> Callable[[Put], HandIn]:
    """A hand-in that the decorated function lays down."""
    return lambda put: HandIn(what, put)


def zipped(target: Path, members: dict[str, bytes], **more: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, FUTURE)
            member.compress_type = zipfile.ZIP_DEFLATED
            for key, value in more.items():
                setattr(member, key, value)
            file.writestr(member, content)
    os.utime(target, (LATE, LATE))


def put(path: Path, content: bytes, time: float = LATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time, time))


@hands_in("an archive that climbs out of its folder")
def climbs(inbox: Path, mine: bytes) -> None:
    names = ("../ana.ipynb", "../../../ana.ipynb", "/tmp/ana.ipynb", "C:\\ana.ipynb", "a/../../ana")
    zipped(inbox / "mallory.zip", {**dict.fromkeys(names, mine), "..\\..\\ana.ipynb": mine})


@hands_in("an archive of links")
def links(inbox: Path, mine: bytes) -> None:
    members = {"mallory.ipynb": b"/etc/passwd", "ana": b"../../../submitted/ana"}
    zipped(inbox / "mallory.zip", members, external_attr=0o120777 << 16)


@hands_in("links in its folder")
def linked(inbox: Path, mine: bytes) -> None:
    (inbox / "mallory").mkdir()
    (inbox / "mallory" / "work.ipynb").symlink_to("/etc/passwd")
    (inbox / "mallory" / "ana").symlink_to(inbox)


@hands_in("a bomb")
def bomb(inbox: Path, mine: bytes) -> None:
    zipped(inbox / "mallory.zip", {f"{n}.ipynb": bytes(5_000_000) for n in range(3)})


@hands_in("more files than anybody has")
def many(inbox: Path, mine: bytes) -> None:
    zipped(inbox / "mallory.zip", {f"{n}.txt": b"" for n in range(300)})


@hands_in("an archive within archives")
def within(inbox: Path, mine: bytes) -> None:
    content = mine
    for _ in range(5):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as file:
            file.writestr("ana.ipynb", mine)
            file.writestr("ana.zip", content)
        content = inner.getvalue()
    put(inbox / "mallory.zip", content)


@hands_in("an archive with other students' folders in it")
def others(inbox: Path, mine: bytes) -> None:
    names = (f"submitted/ana/{NAME}/{NAME}.ipynb", "ana/work.ipynb", "Ana.ipynb", "x/ana_1/y.ipynb")
    zipped(inbox / "mallory.zip", dict.fromkeys(names, mine))


@hands_in("a folder with another student's folder in it")
def folders(inbox: Path, mine: bytes) -> None:
    put(inbox / "mallory_77_assignsubmission_file" / "ana" / NAME / f"{NAME}.ipynb", mine)
    put(inbox / "mallory" / "ANA.ipynb", mine)


@hands_in("the same name twice, and in other letters")
def twice(inbox: Path, mine: bytes) -> None:
    names = ("work.ipynb", "work.ipynb", "WORK.ipynb", "work.IPYNB", "work.ipynb/x")
    target = inbox / "mallory.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as file:
        warnings.simplefilter("ignore")  # of the same name twice
        for name in names:
            file.writestr(name, mine)


@hands_in("names as long as they can be")
def long_names(inbox: Path, mine: bytes) -> None:
    for letter in "xü":
        name = f"mallory_{letter * 240}".encode()[:240].decode(errors="ignore")
        put(inbox / f"{name}1.ipynb", mine + letter.encode(), time=1.0)
        put(inbox / f"{name}2.ipynb", mine)
    put(inbox / ("zoe" + "/".join("d" * 200 for _ in range(9))) / "zoe.ipynb", mine)
    put(inbox / "mallory" / ("y" * 250 + ".pdf"), b"%PDF")


@hands_in("names that draw on a terminal")
def drawing(inbox: Path, mine: bytes) -> None:
    for name in ("\x1b[2J\x07", "a\nb", "\u202eana", "'; rm -rf *", "--help", "\udcff"):
        put(inbox / "mallory" / f"{name}.ipynb", mine)


@hands_in("names that mean something to the grader")
def meaning(inbox: Path, mine: bytes) -> None:
    members = (
        "timestamp.txt",
        f"{NAME}.ipynb.original",
        ".ipynb_checkpoints/x.ipynb",
        "__MACOSX/a",
    )
    zipped(inbox / "mallory.zip", {**dict.fromkeys(members, b"x"), f"{NAME}.ipynb/x": mine})


@hands_in("an archive with a false date")
def dated(inbox: Path, mine: bytes) -> None:
    stamp = b"2001-01-01 00:00:00.000000 UTC"
    zipped(inbox / "mallory.zip", {"work.ipynb": mine, "timestamp.txt": stamp})


@hands_in("archives that are broken, encrypted or packed in an unknown way")
def broken(inbox: Path, mine: bytes) -> None:
    zipped(inbox / "mallory.zip", {"a.ipynb": mine}, flag_bits=1)
    data = (inbox / "mallory.zip").read_bytes()
    put(inbox / "mallory_cut.zip", data[: len(data) // 2])
    put(inbox / "mallory_method.zip", data.replace(b"\x08\0", b"\x63\0"))
    put(inbox / "mallory_crc.zip", data[:60] + b"\xff" * 20 + data[80:])
    put(inbox / "mallory_not.zip", b"PK\x05\x06" + bytes(18))


@hands_in("an archive under a notebook's name and the other way round")
def disguised(inbox: Path, mine: bytes) -> None:
    zipped(inbox / "mallory.ipynb", {"ana.ipynb": mine})
    put(inbox / "mallory_2.zip", mine)


@hands_in("what is no file")
def no_file(inbox: Path, mine: bytes) -> None:
    os.mkfifo(inbox / "mallory.ipynb")
    (inbox / "mallory_2.ipynb").mkdir()


@hands_in("names that look like another student's")
def alike(inbox: Path, mine: bytes) -> None:
    for name in ("аna", "ana\u200b", "ａna", "anа_lab", "an\u0061\u0301"):  # noqa: RUF001
        put(inbox / f"{name}.ipynb", mine)


ATTACKS = [made for made in list(globals().values()) if isinstance(made, HandIn)]
