"""What every module of this package gives: frames from the front, and what is missing of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.system.closing import Closing

Frames = NDArray[np.float32]

MAX_CHANNELS = 1024
RATES_HZ = (1000, 192_000)
"""Rates that the signal path can take."""

SKIPPED_S = 10.0
"""Seconds read at once where what is skipped must be decoded."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Frames that the file itself says are not there."""

    frames: int
    reason: str


@dataclass(frozen=True, slots=True)
class RawFormat:
    """Samples without a header: rate in Hz, name of the coding, channels."""

    rate_hz: int
    coding: str
    channels: int


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person knows of a file that the file does not tell.

    Attributes
    ----------
    rate_hz
        Rate of an array without one; None where the file must tell.
    raw
        Format of a stream without a header.
    """

    rate_hz: int | None = None
    raw: RawFormat | None = None


NO_HINTS = Hints()


class Decoder(Closing):
    """Frames of one file or stream.

    Attributes
    ----------
    frames
        How many there are, as far as the file tells; None where it does not.
    labels
        Names of the channels; empty where the format has none.
    bounded
        Whether samples have at least 16 bits' meaning within ±1: False for floating point and
        for more than 16 bits, whose level may be anything.
    rereadable
        Whether the same path can be opened a second time.
    has_ecg
        Whether an electrocardiogram can be opened beside the sound.
    trouble
        What is missing, in words; empty while nothing is known to be. Final after the last frame.
    """

    rate_hz: int
    channels: int
    frames: int | None = None
    labels: tuple[str, ...] = ()
    bounded = True
    rereadable = True
    has_ecg = False
    trouble = ""

    def read(self, count: int) -> Frames | Missing:
        """Return the next frames, float32 [n, channels], 1 to ``count`` of them; none at the end.

        What is damaged or cut short ends the sound, and is told by `trouble`.
        """
        raise NotImplementedError

    def skip(self, count: int) -> int:
        """Pass over frames; return how many there were."""
        left = count
        while left > 0:
            piece = self.read(min(left, round(SKIPPED_S * self.rate_hz)))
            done = piece.frames if isinstance(piece, Missing) else len(piece)
            if not done:
                break
            left -= done
        return count - left

    def none(self) -> Frames:
        """No frames: the end."""
        return np.zeros((0, self.channels), np.float32)


def length_words(rate_hz: int, done: int, promised: int | None) -> str:
    """Say how much of a recording is there."""
    there = f"{done / rate_hz:.1f} s"
    return there if promised is None else f"{there} of {promised / rate_hz:.1f} s"


def whole_rate(rate_hz: float) -> int | None:
    """A rate as a whole number, None where that would be off by more than a thousandth."""
    if not 0 < rate_hz < 1e7:  # nor what is no number
        return None
    whole = round(rate_hz)
    return whole if whole and abs(whole - rate_hz) <= 1e-3 * rate_hz else None
