"""Arrays as other programs save them: ``.npy``, and ``.mat`` up to version 7.

The rate of a ``.mat`` is its variable ``fs`` (or of a like name); a person can give it otherwise.
Nothing in either file is executed: no pickles, no objects.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.decoding.decoder import Decoder, Frames, Hints, whole_rate
from monitor.decoding.sndfile import NotSound

RATES = ("fs", "sr", "samplerate", "samplingrate", "samplefrequency", "samplingfrequency", "rate",
         "sfreq", "freq", "hz")  # fmt: skip
"""Names of a rate, small letters and no signs."""

SOUNDS = ("pcg", "heartsound", "sound", "audio", "signal", "data", "x", "y", "wave", "val")
"""Names of sound, the best first; else the longest array is taken."""

MANY = 64
"""Channels that a recording may have: a shorter side that is longer is no channels."""

SHORTEST = 256
"""Numbers that a sound has at the least."""


class ArrayDecoder(Decoder):
    """Frames from an array [n, channels], which may lie on the disk."""

    def __init__(self, values: NDArray[Any], rate_hz: int) -> None:
        self._values, self.rate_hz = values, rate_hz
        self.frames, self.channels = values.shape
        self._done = 0
        self._scale, self._offset = _scale(values.dtype)
        self.bounded = values.dtype.kind in "iu" and values.dtype.itemsize <= 2

    def read(self, count: int) -> Frames:
        part = np.asarray(self._values[self._done : self._done + count], np.float64)
        self._done += len(part)
        return ((part - self._offset) / self._scale).astype(np.float32)

    def skip(self, count: int) -> int:
        here = min(count, len(self._values) - self._done)
        self._done += here
        return here


def _scale(kind: np.dtype[Any]) -> tuple[float, float]:
    """Full scale and middle of a type of numbers."""
    if kind.kind == "i":
        return 2.0 ** (8 * kind.itemsize - 1), 0.0
    if kind.kind == "u":
        half = 2.0 ** (8 * kind.itemsize - 1)
        return half, half
    return 1.0, 0.0


def open_npy(path: Path, hints: Hints) -> Decoder:
    """Open a ``.npy``.

    Raises
    ------
    NotSound
        If it holds no sound, or nobody tells its rate.
    OSError
        If it cannot be read.
    """
    try:
        values, trouble = _load_npy(path)
    except (ValueError, EOFError, TypeError, SyntaxError, OverflowError, MemoryError) as error:
        words = " ".join(str(error).split())[:80]
        raise NotSound(f"no array that can be read ({words})") from None
    frames = _as_frames(values)
    if frames is None:
        raise NotSound(f"an array of shape {values.shape}, {values.dtype}: no sound")
    if hints.rate_hz is None:
        raise NotSound("an array does not tell its rate: give --rate HZ")
    decoder = ArrayDecoder(frames, hints.rate_hz)
    decoder.trouble = trouble
    return decoder


def _load_npy(path: Path) -> tuple[NDArray[Any], str]:
    """The array on the disk; of one cut short the rows that are there, and words about it."""
    with path.open("rb") as file:
        major, _ = np.lib.format.read_magic(file)
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        if major not in read:
            raise ValueError("a version of the format that is not known")
        shape, by_column, kind = read[major](file)
        start, there = file.tell(), path.stat().st_size - file.tell()
    if kind.hasobject:
        raise ValueError("it holds objects")
    row = kind.itemsize * int(np.prod(shape[1:], dtype=np.int64))
    trouble = ""
    if shape and row > 0 and shape[0] * row > there:
        if by_column and len(shape) > 1:
            raise ValueError("cut short, and kept column by column")
        trouble = f"cut short, {there // row} of {shape[0]} rows"
        shape = (there // row, *shape[1:])
    order: Literal["F", "C"] = "F" if by_column else "C"
    if not int(np.prod(shape, dtype=np.int64)):
        return np.zeros(shape, kind), trouble
    return np.memmap(path, kind, "r", start, shape, order), trouble


def open_mat(path: Path, hints: Hints) -> Decoder:
    """Open a ``.mat``.

    Raises
    ------
    NotSound
        If it is of version 7.3, holds no sound, or nobody tells its rate.
    OSError
        If it cannot be read.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, squeeze_me=False)
    except NotImplementedError:
        raise NotSound("a .mat of version 7.3: save it with -v7") from None
    except OSError:
        raise
    except (
        MatReadError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
        MemoryError, AttributeError, zlib.error,
    ) as error:  # fmt: skip
        words = " ".join(str(error).split())[:80]
        raise NotSound(f"no .mat that can be read ({words})") from None
    values = dict(_leaves({k: v for k, v in found.items() if not k.startswith("__")}))
    frames = _sound(values)
    if frames is None:
        raise NotSound("no sound in it: no array of numbers long enough")
    rate_hz = hints.rate_hz or _rate(values)
    if rate_hz is None:
        raise NotSound("it holds no variable fs, so its rate is unknown: give --rate HZ")
    return ArrayDecoder(frames, rate_hz)


def _leaves(values: dict[str, Any], depth: int = 3) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays of numbers by name, those inside of structures too."""
    for name, value in values.items():
        if not isinstance(value, np.ndarray):
            continue
        if value.dtype.names and value.size == 1 and depth:
            inner = {field: value[field].reshape(-1)[0] for field in value.dtype.names}
            yield from _leaves(inner, depth - 1)
        elif value.dtype.kind in "iuf":
            yield name, value


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _sound(values: dict[str, NDArray[Any]]) -> NDArray[Any] | None:
    there = {name: f for name, v in values.items() if (f := _as_frames(v)) is not None}
    for wanted in SOUNDS:
        for name, frames in there.items():
            if _plain(name) == wanted:
                return frames
    return max(there.values(), key=len, default=None)


def _rate(values: dict[str, NDArray[Any]]) -> int | None:
    for wanted in RATES:
        for name, value in values.items():
            if _plain(name) in (wanted, f"{wanted}hz") and value.size == 1:
                return whole_rate(float(value.reshape(-1)[0]))
    return None


def _as_frames(values: NDArray[Any]) -> NDArray[Any] | None:
    """An array as [n, channels], None if it is no sound."""
    if values.dtype.kind not in "iuf" or values.ndim not in (1, 2) or values.size < SHORTEST:
        return None
    if values.ndim == 1:
        return values[:, None]
    frames = values if values.shape[0] >= values.shape[1] else values.T
    return frames if 1 <= frames.shape[1] <= MANY and len(frames) >= SHORTEST else None
