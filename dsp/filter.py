"""Third-order Butterworth band-pass 20–400 Hz at 2 kHz (the paper's section II-B), causal.

A recursion over second-order sections: bit-exact for every way of cutting. Its group delay
(1.4 ms at 100 Hz, 3.5 ms at 50 Hz) is compensated by a whole number of samples.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from dsp.stage import RATE_HZ, FloatArray

LOW_HZ = 20.0
HIGH_HZ = 400.0
ORDER = 3
COMPENSATED = 4
"""Samples of group delay taken out: the middle of 60–200 Hz, where S1 and S2 have their energy."""


class BandPass:
    """Mono 2 kHz in, the same length out (after flush), 20–400 Hz.

    The state starts as if the first sample had stood for ever, so an offset makes no click.
    """

    delay = COMPENSATED

    def __init__(self) -> None:
        self._sos = butter(ORDER, [LOW_HZ, HIGH_HZ], "bandpass", fs=RATE_HZ, output="sos")
        self._rest = sosfilt_zi(self._sos)
        self.reset(0)

    def reset(self, index: int) -> None:
        """Start afresh."""
        self._state: FloatArray | None = None
        self._to_drop = COMPENSATED
        self._last = 0.0

    def push(self, x: FloatArray) -> FloatArray:
        """Filter float64 [n]."""
        if x.size == 0:
            return np.zeros(0)
        if self._state is None:
            self._state = self._rest * x[0]
        y, self._state = sosfilt(self._sos, x, zi=self._state)
        self._last = float(x[-1])
        drop = min(self._to_drop, y.size)
        self._to_drop -= drop
        out: FloatArray = y[drop:]
        return out

    def flush(self) -> FloatArray:
        """The last samples; after its end the sound is taken to stay where it was."""
        if self._state is None:
            return np.zeros(0)
        return self.push(np.full(COMPENSATED, self._last))
