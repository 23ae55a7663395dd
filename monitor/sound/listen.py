"""The heart on a loudspeaker: filtered sound of the link, one band of it, a bounded queue.

`Listen.push` takes sound at 2 kHz, `Listen.pull` gives it at the output's rate. Between them lies
at most `MOST_S` of sound: what comes while that is full drops the oldest, what is asked for while
it is empty is silence. Both are counted. Nothing here waits, and nothing here is in the core.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, firwin, sosfilt, upfirdn

from monitor.events import RATE_HZ
from monitor.playing import BANDS_HZ, Band

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

ORDER = 4
MOST_S = 3.0
"""Sound that may wait to be heard."""

START_S = 0.7
"""So much must wait before the first is heard: it comes in pieces of half a second."""

HALF_TAPS = 12
"""Half length of the interpolation filter, in samples at 2 kHz (6 ms)."""


class Interpolator:
    """2 kHz in, ``factor`` times that out; a linear-phase FIR, the same however it is cut."""

    def __init__(self, factor: int) -> None:
        self.factor = factor
        taps = 2 * HALF_TAPS * factor + 1
        self._fir: Float64 = firwin(taps, 0.9 * RATE_HZ / 2, fs=RATE_HZ * factor) * factor
        self._tail = np.zeros(2 * HALF_TAPS)

    def push(self, x: Float64) -> Float64:
        """Interpolate [n] to [n × factor], late by `HALF_TAPS` samples."""
        if self.factor == 1 or not x.size:
            return x
        whole = np.concatenate([self._tail, x])
        self._tail = whole[-2 * HALF_TAPS :]
        first = 2 * HALF_TAPS * self.factor
        out: Float64 = upfirdn(self._fir, whole, self.factor)[first : first + x.size * self.factor]
        return out


class Listen:
    """What stands between the link and an output device.

    Parameters
    ----------
    band
        Name in `BANDS_HZ`.
    gain_db
        Fixed; what would go beyond full scale is cut off there.
    rate_hz
        Of the output, a multiple of 2 kHz.

    Attributes
    ----------
    dropped, silent
        Frames of the output that were too many, and that were missing while it played.
    """

    def __init__(self, band: Band, gain_db: float, rate_hz: int) -> None:
        if rate_hz % RATE_HZ:
            raise ValueError(f"{rate_hz} Hz is no multiple of {RATE_HZ} Hz")
        edges = BANDS_HZ[band]
        self._sos = (
            None if edges is None else butter(ORDER, edges, "band", fs=RATE_HZ, output="sos")
        )
        self._state = None if self._sos is None else np.zeros((self._sos.shape[0], 2))
        self._gain = 10 ** (gain_db / 20)
        self._up = Interpolator(rate_hz // RATE_HZ)
        self._rate_hz = rate_hz
        self._lock = threading.Lock()
        self._pieces: deque[Float32] = deque()
        self._waiting = 0
        self._playing = False
        self.dropped = self.silent = 0

    def push(self, sound: Float64) -> None:
        """Sound at 2 kHz, full scale 1; never waits for the output."""
        if self._sos is not None:
            sound, self._state = sosfilt(self._sos, sound, zi=self._state)
        ready = np.clip(self._up.push(sound) * self._gain, -1, 1).astype(np.float32)
        with self._lock:
            self._pieces.append(ready)
            self._waiting += ready.size
            while self._waiting > MOST_S * self._rate_hz:
                old = self._pieces.popleft()
                self._waiting -= old.size
                self.dropped += old.size

    def clear(self) -> None:
        """Forget what waits to be heard."""
        with self._lock:
            self._pieces.clear()
            self._waiting = 0
            self._playing = False

    def pull(self, count: int) -> Float32:
        """The next ``count`` frames for the output; silence where there are none. Never waits."""
        out = np.zeros(count, np.float32)
        with self._lock:
            if not self._playing and self._waiting < START_S * self._rate_hz:
                return out
            self._playing = True
            at = 0
            while at < count and self._pieces:
                piece = self._pieces.popleft()
                used = min(count - at, piece.size)
                out[at : at + used] = piece[:used]
                at += used
                if used < piece.size:
                    self._pieces.appendleft(piece[used:])
            self._waiting -= at
            if at < count:
                self.silent += count - at
                self._playing = False
        return out
