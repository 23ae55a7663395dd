"""The first look at a recording, before it is heard: its begin, and the level of its samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.decoding.decoder import Decoder, Frames, Missing

LOOK_S, STREAM_LOOK_S = 30.0, 8.0
"""Seconds of a file, and of a pipe, in which channels and level are looked at."""

PATIENCE = 20
"""So many times longer silence is passed over in a file."""

LEVELS = (2.0**-10, 1.0)
"""Peaks between these are taken as they are."""

QUIET = 2.0**-4
"""Peak that others are brought to, by a power of two: room is left for what is louder later."""


def begin(decoder: Decoder, length_s: float, block: int) -> Iterator[Frames | Missing]:
    """Yield the begin of a recording: so much of it that is not digital silence."""
    left = round(length_s * decoder.rate_hz)
    patience = PATIENCE * left if decoder.rereadable else left
    while left > 0 and patience > 0:
        piece = decoder.read(min(block, left))
        size = piece.frames if isinstance(piece, Missing) else len(piece)
        if not size:
            return
        patience -= size
        if isinstance(piece, Missing) or piece.any() or not decoder.rereadable:
            left -= size
            yield piece


def joined(pieces: list[Frames | Missing]) -> Frames | None:
    """The sound among pieces, None where there is none."""
    sound = [piece for piece in pieces if not isinstance(piece, Missing)]
    return np.concatenate(sound) if sound else None


def level_scale(sound: NDArray[np.float32]) -> float:
    """Power of two that brings sound of an unknown full scale to a level known to be fine."""
    finite = sound[np.isfinite(sound)]
    peak = float(np.abs(finite).max(initial=0.0))
    low, high = LEVELS
    if not peak or low <= peak <= high:
        return 1.0
    return float(2.0 ** math.floor(math.log2(QUIET / peak)))
