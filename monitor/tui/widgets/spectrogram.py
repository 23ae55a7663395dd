"""The sound by frequency, 25 to 400 Hz, as shades: where a murmur stands between S1 and S2.

Each octave has the same height, so that the heart sounds (25 to 150 Hz) fill more than half of it.

Shades instead of colours, so that it reads the same without them. Short-time spectra of 64 ms
(Hann), one a column, on the same fixed grid of columns as the waveform; the scale spans 40 dB
below the loudest of the picture.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from monitor.events import RATE_HZ
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line
from monitor.tui.widgets.wave import first_column, marks

WINDOW = 128
"""Samples of one spectrum: 64 ms, 15.6 Hz a bin."""
LOW_HZ, HIGH_HZ = 25.0, 400.0
PADDED = 1024
"""Samples of one transform: the spectrum of a window, read between its own 15.6 Hz."""

RANGE_DB = 40.0
AXIS = 5
_SHADES = " ·░▒▓█"


def columns(
    sound: NDArray[np.float64], count: int, samples: int, bands: int
) -> NDArray[np.float64]:
    """Levels of ``count`` columns in ``bands`` bands, high frequencies first.

    Parameters
    ----------
    sound
        float64 [count · samples + WINDOW], its first `WINDOW` / 2 samples before the first column
        and the rest behind the last; NaN where unknown.

    Returns
    -------
    dB, [bands, count]; NaN where a column has unknown samples.
    """
    starts = np.arange(count) * samples + samples // 2
    pieces = sound[starts[:, None] + np.arange(WINDOW)]
    power = np.abs(np.fft.rfft(pieces * np.hanning(WINDOW), PADDED, axis=1)) ** 2
    edges = np.geomspace(LOW_HZ, HIGH_HZ, bands + 1) * PADDED / RATE_HZ
    first = np.floor(edges[:-1]).astype(int)
    last = np.maximum(np.ceil(edges[1:]).astype(int), first + 1)
    levels = np.stack([power[:, a:b].max(axis=1) for a, b in zip(first, last, strict=True)])
    out: NDArray[np.float64] = 10 * np.log10(levels[::-1] + 1e-12)
    return out


def lines(
    session: SessionState, head: int, samples: int, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """``height`` rows: bands from high to low with their axis, then the marks of the beats."""
    plot, bands = width - AXIS, height - 1
    cell = 2 * samples
    start = first_column(head, samples, plot)
    half = WINDOW // 2
    sound = session.waves.sound(start - half, start + plot * cell + half)
    if np.isnan(sound).all():
        return [
            [],
            [("  this core sends no sound for a spectrogram; v shows the waveform", "plain")],
        ]
    levels = columns(sound, plot, cell, bands)
    known = ~np.isnan(levels)
    top = np.percentile(levels[known], 99.5) if known.any() else 0.0
    shades = np.array(list(_SHADES if glyphs.unicode else glyphs.levels))
    share = (np.nan_to_num(levels, nan=-np.inf) - top) / RANGE_DB + 1
    rows = shades[np.rint(np.clip(share, 0, 1) * (len(shades) - 1)).astype(int)]
    out: list[Line] = []
    octaves = math.log2(HIGH_HZ / LOW_HZ)
    labels = {
        min(bands - 1, round(octave / octaves * bands)): f"{HIGH_HZ / 2**octave:.0f}"
        for octave in range(round(octaves) + 1)
    }
    for number in range(bands):
        label = labels.get(number, "")
        axis = "┤" if glyphs.unicode else "|"
        out.append([(f"{label:>{AXIS - 1}}{axis}", "dim"), ("".join(rows[number]), "second")])
    out.append([(" " * AXIS, "dim"), *marks(session, start, samples, plot)])
    return out
