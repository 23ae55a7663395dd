"""Headers of WAV, AIFF, AU, W64 and CAF: what they promise, and what the file holds.

libsndfile believes a header: it stops where it says so though sound follows, and is silent of a
file cut short. `parse` reads a header from anything that gives bytes, a pipe included; `examine`
compares it with the size of a file. Both give what is needed to read plain samples to the end.

Lengths that programs write when they do not know it yet: 0, 0xFFFFFFFF (ffmpeg), 0x7FFFF000 (sox),
0x80000000 (arecord), and for AIFF 0x7F000000 and above (sox).
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from monitor.decoding.pcm import CODINGS, Readable

SLACK = 4096
"""Bytes after the sound that may be the tag or padding of a careless program."""

LARGEST_CHUNK = 64 * 2**20
"""Bytes of a chunk before the sound that are passed over."""

LARGEST_TAKEN = 2**20
"""Bytes of a part of a header that are read at once: room is made for all of them."""

_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS", b"3DI")
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_FORMAT = b"fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_AU = {1: "ulaw", 2: "s8", 3: "s16be", 4: "s24be", 5: "s32be", 6: "f32be", 7: "f64be", 27: "alaw"}
_AIFC = {
    b"sowt": "s16le", b"fl32": "f32be", b"FL32": "f32be", b"fl64": "f64be", b"FL64": "f64be",
    b"ulaw": "ulaw", b"ULAW": "ulaw", b"alaw": "alaw", b"ALAW": "alaw", b"in24": "s24be",
    b"in32": "s32be", b"raw ": "u8",
}  # fmt: skip


class BadHeader(Exception):
    """It ends too early, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class Header:
    """Of one file.

    Attributes
    ----------
    coding
        One of `monitor.decoding.pcm.CODINGS`, None for others (ADPCM ...).
    start
        Byte at which the sound begins.
    length
        Bytes of sound that it promises; None where it gives none.
    chunks
        Whether chunks may follow, each with an even length.
    """

    coding: str | None
    rate_hz: int
    channels: int
    start: int
    length: int | None
    chunks: bool

    def seconds(self, length: int) -> float:
        """Time that so many bytes last, 0.0 where that is not known."""
        width = CODINGS[self.coding].width if self.coding else 0
        per_s = width * self.channels * self.rate_hz
        return length / per_s if per_s else 0.0


class _Reader:
    """Bytes with a count of them."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.at = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= LARGEST_TAKEN:
            raise BadHeader("its header is damaged")
        parts, left = [], count
        while left > 0:
            data = self._stream.read(left)
            if not data:
                raise BadHeader("it ends within its header")
            parts.append(data)
            left -= len(data)
        self.at += count
        return b"".join(parts)

    def skip(self, count: int) -> None:
        if count > LARGEST_CHUNK:
            raise BadHeader("its header is too long")
        while count > 0:
            count -= len(self.take(min(count, 2**16)))


def known(head: bytes) -> bool:
    """Whether the first 16 bytes of a file are those of a header that `parse` reads."""
    return (
        (head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"))
        or head[:4] in (b".snd", b"caff")
        or head[:4] == b"riff"
    )


def parse(stream: Readable) -> Header:
    """Read a header; the stream then stands at the first byte of sound.

    Raises
    ------
    BadHeader
        If it is none, or ends too early.
    """
    reader = _Reader(stream)
    head = reader.take(12)
    try:
        if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
            return _wave(reader, "big" if head[:4] == b"RIFX" else "little")
        if head[:4] == b"FORM":
            return _aiff(reader, head[8:12] == b"AIFC")
        if head[:4] == b".snd":
            return _au(reader, head)
        if head[:4] == b"caff":
            return _caf(reader, head[8:])
        if head[:4] == b"riff":
            return _w64(reader)
    except struct.error:
        raise BadHeader("its header is damaged") from None
    raise BadHeader("it has no header that is known")


def _wave(reader: _Reader, order: str) -> Header:
    end = ">" if order == "big" else "<"
    form: tuple[str | None, int, int] | None = None
    long_length = None
    while True:
        name, length = struct.unpack(f"{end}4sI", reader.take(8))
        if name == b"ds64":
            body = reader.take(length)
            long_length = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt ":
            form = _wave_format(reader.take(min(length, 4096)), end)
            reader.skip(max(0, length - 4096))
        elif name == b"data":
            if form is None:
                raise BadHeader("its header names no format")
            if long_length is not None and length == 0xFFFFFFFF:
                return Header(*form, reader.at, long_length, True)
            return Header(*form, reader.at, _promise(length), True)
        else:
            reader.skip(length)
        if length % 2:
            reader.skip(1)


def _wave_format(body: bytes, end: str) -> tuple[str | None, int, int]:
    tag, channels, rate_hz, _, block, bits = struct.unpack_from(f"{end}HHIIHH", body)
    if tag == 0xFFFE and len(body) >= 26:
        (tag,) = struct.unpack_from(f"{end}H", body, 24)
    suffix = "be" if end == ">" else "le"
    width = block // channels if channels else 0
    coding = None
    if tag == 1 and 1 <= width <= 4 and 0 < bits <= 8 * width:
        coding = "u8" if width == 1 else f"s{8 * width}{suffix}"
    elif tag == 3 and width in (4, 8):
        coding = f"f{8 * width}{suffix}"
    elif tag in (6, 7) and width == 1:
        coding = "alaw" if tag == 6 else "ulaw"
    return coding, rate_hz, channels


def _promise(length: int) -> int | None:
    """A length of 32 bits, None for those that stand for "not known"."""
    if length == 0 or length >= 0xFFFFF000 or 0x7F000000 <= length <= 0x80001000:
        return None
    return length


def _aiff(reader: _Reader, packed: bool) -> Header:
    form: tuple[str | None, int, int] | None = None
    while True:
        name, length = struct.unpack(">4sI", reader.take(8))
        if name == b"COMM":
            body = reader.take(length)
            channels, _, bits = struct.unpack_from(">hIh", body)
            rate_hz = round(_extended(body[8:18]))
            coding = _AIFC.get(body[18:22]) if packed else None
            if not packed or body[18:22] in (b"NONE", b"twos"):
                coding = {1: "s8", 2: "s16be", 3: "s24be", 4: "s32be"}.get(-(-bits // 8))
            if channels < 0:
                raise BadHeader("its header is damaged")
            form = coding, rate_hz, channels
        elif name == b"SSND":
            if form is None:
                raise BadHeader("its header names no format")
            offset, _ = struct.unpack(">II", reader.take(8))
            reader.skip(offset)
            promised = _promise(length)
            rest = None if promised is None else max(0, promised - 8 - offset)
            return Header(*form, reader.at, rest, True)
        else:
            reader.skip(length)
        if length % 2:
            reader.skip(1)


def _extended(data: bytes) -> float:
    """An IEEE number of 80 bits."""
    exponent, mantissa = struct.unpack(">HQ", data)
    exponent &= 0x7FFF
    if exponent > 16383 + 40:
        raise BadHeader("its rate cannot be")
    return math.ldexp(mantissa, exponent - 16383 - 63)


def _au(reader: _Reader, head: bytes) -> Header:
    start, length = struct.unpack(">II", head[4:12])
    kind, rate_hz, channels = struct.unpack(">III", reader.take(12))
    if start < 24:
        raise BadHeader("its header is damaged")
    reader.skip(start - 24)
    promised = None if length == 0xFFFFFFFF else length
    return Header(_AU.get(kind), rate_hz, channels, start, promised, False)


def _w64(reader: _Reader) -> Header:
    reader.take(28)  # the rest of the first chunk: its name, the length of the file, and "wave"
    form: tuple[str | None, int, int] | None = None
    while True:
        name, length = struct.unpack("<16sQ", reader.take(24))
        body = max(0, length - 24)
        if name == _W64_DATA:
            if form is None:
                raise BadHeader("its header names no format")
            return Header(*form, reader.at, body or None, False)
        if name == _W64_FORMAT:
            form = _wave_format(reader.take(min(body, 4096)), "<")
        else:
            reader.skip(body)
        reader.skip(-body % 8)


def _caf(reader: _Reader, begun: bytes) -> Header:
    name, length = struct.unpack(">4sq", begun + reader.take(8))
    form: tuple[str | None, int, int] | None = None
    while True:
        if name == b"desc":
            form = _caf_format(reader.take(length))
        elif name == b"data":
            if form is None:
                raise BadHeader("its header names no format")
            reader.take(4)  # a count of edits
            return Header(*form, reader.at, None if length < 0 else max(0, length - 4), False)
        elif length < 0:
            raise BadHeader("its header is damaged")
        else:
            reader.skip(length)
        name, length = struct.unpack(">4sq", reader.take(12))


def _caf_format(body: bytes) -> tuple[str | None, int, int]:
    rate, kind, flags, block, _, channels, _ = struct.unpack_from(">d4sIIIII", body)
    if not 0 < rate < 1e9:
        raise BadHeader("its rate cannot be")
    end = "le" if flags & 2 else "be"
    width = block // channels if channels else 0
    coding = {b"ulaw": "ulaw", b"alaw": "alaw"}.get(kind)
    if kind == b"lpcm":
        coding = f"f{8 * width}{end}" if flags & 1 else "s8" if width == 1 else f"s{8 * width}{end}"
    return (coding if coding in CODINGS else None), round(rate), channels


# ------------------------------------------------------------ header against file


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a header is worth.

    Attributes
    ----------
    length
        Bytes of sound that there are.
    trouble
        What is wrong, empty if nothing.
    """

    header: Header
    length: int
    trouble: str


def examine(path: Path) -> Verdict | None:
    """Compare a header with its file; None where it is of another format.

    Raises
    ------
    BadHeader
        If it cannot be read.
    OSError
        If the file cannot.
    """
    with path.open("rb") as file:
        if not known(file.read(16)):
            return None
        file.seek(0)
        header = parse(file)
        size = os.fstat(file.fileno()).st_size
        there = max(0, size - header.start)
        promised = header.length
        if promised is None:
            if _empty(file, header, size):
                return Verdict(header, 0, "")
            words = "its header gives no length, so nobody can tell whether the end is missing"
            return Verdict(header, there, words)
        if promised > there:
            lacks = f"cut short, {header.seconds(there):.1f} of {header.seconds(promised):.1f} s"
            if not header.coding:
                lacks = f"cut short, {there} of {promised} bytes"
            return Verdict(header, there, lacks)
        more = _more(file, header.start + promised, size) if header.chunks else ""
        if not more:
            return Verdict(header, promised, "")
        if there - promised > SLACK:
            return Verdict(header, there, f"its header tells of less: {more}")
        return Verdict(header, promised, f"{more}, not read")


def _empty(file: BinaryIO, header: Header, size: int) -> bool:
    """Whether a length of 0 is meant: only chunks follow, or nothing."""
    return header.start >= size or (header.chunks and not _more(file, header.start, size))


def _more(file: BinaryIO, at: int, size: int) -> str:
    """Say what follows the promised sound, if it is neither chunks, a tag nor padding."""
    begin = at
    at += at % 2
    while at + 8 <= size:
        file.seek(at)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        other = int.from_bytes(length.to_bytes(4, "little"), "big")
        fits = [n for n in (length, other) if at + 8 + n <= size]
        if not _chunk_name(name) or not fits:
            break
        at += 8 + min(fits)
        at += at % 2
    file.seek(at)
    rest = file.read(SLACK + 1)
    if len(rest) <= SLACK and (not rest.strip(b"\0 ") or rest.startswith(_TAGS) or len(rest) < 16):
        return ""
    if at > begin + begin % 2 and len(rest) <= SLACK:
        return ""  # what follows other chunks is no sound
    return f"{size - begin} bytes follow the sound it tells of"


def _chunk_name(name: bytes) -> bool:
    return len(name) == 4 and name.isascii() and name.replace(b" ", b"a").isalnum()


# ------------------------------------------------------------ Ogg


def ogg_trouble(path: Path) -> str:
    """Say whether an Ogg file ends before its last page; empty if it does not."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 2 * 65307))  # the longest page is 65 307 bytes
        tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return "cut short within its last page"
    segments = tail[at + 26]
    body = sum(tail[at + 27 : at + 27 + segments])
    if at + 27 + segments + body > len(tail):
        return "cut short within its last page"
    return "" if tail[at + 5] & 4 else "cut short, its last page is missing"
