"""Does a WAV or AIFF header promise what the file holds?

libsndfile silently reads what is there of a file cut short, and stops where a header says so
though sound follows. Both would be a recording that is not the whole one, so they are refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_UNKNOWN = (0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0x7FFFFFFE)
"""Lengths that programs write when they do not know it: until the end of the file."""

_SLACK = 4096
"""Bytes after the sound that need not be chunks (padding, tags of careless programs)."""


def complaint(path: Path) -> str | None:
    """Return what is wrong with the lengths in the header, None if nothing or another format."""
    with path.open("rb") as file:
        head = file.read(12)
        size = os.fstat(file.fileno()).st_size
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return _walk(file, size, b"data", "little")
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            return _walk(file, size, b"SSND", "big")
    return None


def _walk(file: BinaryIO, size: int, wanted: bytes, order: str) -> str | None:
    """Go from chunk to chunk; the one that holds the sound must lie within the file."""
    seen = False
    while len(head := file.read(8)) == 8:
        name, at = head[:4], file.tell()
        length = int.from_bytes(head[4:], "little" if order == "little" else "big")
        if seen and not name.strip(b"\0 ").isalnum():
            left = size - at + 8
            return f"{left} bytes after the sound its header tells of" if left > _SLACK else None
        if name == wanted:
            if length in _UNKNOWN:
                return None
            if length > size - at:
                return f"cut short, {size - at} of the {length} bytes its header tells of"
            if length == 0 and size - at > _SLACK:
                return f"its header tells of no sound, but {size - at} bytes follow"
            seen = True
        file.seek(length + length % 2, os.SEEK_CUR)
    return None
