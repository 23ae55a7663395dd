"""A phantom heart as a source: endless, or of a given length; in the same blocks as a device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dsp.phantom import Phantom, PhantomStream
from monitor.capture.source import SourceKind
from monitor.closing import Closing
from monitor.events import Block

RATE_HZ = 4000
"""Rate of a common electronic stethoscope."""

BLOCK_S = 0.02
"""Seconds in a block, as a device would give them."""


class PhantomSource(Closing):
    """The sound of a phantom.

    Parameters
    ----------
    phantom, name
        What to play, and what to call it.
    rate_hz, block_s
        Rate, and seconds in a block.
    duration_s
        Seconds after which it ends, None for never.
    """

    kind: SourceKind = "phantom"
    channels = 1

    def __init__(
        self,
        phantom: Phantom,
        name: str = "phantom",
        rate_hz: int = RATE_HZ,
        block_s: float = BLOCK_S,
        duration_s: float | None = None,
    ) -> None:
        self.name = name
        self.rate_hz = rate_hz
        self.duration_s = duration_s
        self._block = max(1, round(block_s * rate_hz))
        self._stream = PhantomStream(phantom, rate_hz)

    def __iter__(self) -> Iterator[Block]:
        """Yield blocks until ``duration_s``."""
        done = 0
        end = None if self.duration_s is None else round(self.duration_s * self.rate_hz)
        while end is None or done < end:
            count = self._block if end is None else min(self._block, end - done)
            sound = np.clip(self._stream.read(count), -1.0, 1.0)
            yield Block(sound.astype(np.float32)[:, None], self.rate_hz, done)
            done += count
