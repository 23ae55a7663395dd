"""Mutations of bytes: what a bad disk, a cut transfer and a malicious hand do to a file."""

from __future__ import annotations

import numpy as np

INTERESTING = (
    b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80",
    b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x01\x00\x00\x00", b"\x00\x00\x00\x01",
    b"\xff\xff", b"\x00\x00", b"\xff", b"\x00",
)  # fmt: skip
HEAD = 128
"""Bytes in which half of the mutations happen: the headers."""


def mutate(content: bytes, rng: np.random.Generator, other: bytes = b"") -> bytes:
    """One to six mutations in a row."""
    out = bytearray(content)
    for _ in range(int(rng.integers(1, 7))):
        if not out:
            break
        _once(out, rng, other)
    return bytes(out)


def _once(out: bytearray, rng: np.random.Generator, other: bytes) -> None:
    top = min(HEAD, len(out)) if rng.random() < 0.6 else len(out)
    at = int(rng.integers(top))
    kind = int(rng.integers(8))
    if kind == 0:
        out[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        out[at] = int(rng.integers(256))
    elif kind == 2:
        value = INTERESTING[int(rng.integers(len(INTERESTING)))]
        out[at : at + len(value)] = value
    elif kind == 3:
        del out[at:]
    elif kind == 4:
        del out[at : at + int(rng.integers(1, 65))]
    elif kind == 5:
        out[at:at] = rng.bytes(int(rng.integers(1, 65)))
    elif kind == 6:
        size = int(rng.integers(1, 257))
        out[at:at] = out[at : at + size]
    elif other:
        start = int(rng.integers(len(other)))
        piece = other[start : start + int(rng.integers(1, 2049))]
        out[at : at + len(piece)] = piece
