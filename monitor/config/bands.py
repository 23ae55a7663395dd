"""Bands in which the heart can be heard: names and edges, for settings, keys and what plays.

wide        20 to 400 Hz    all that is analysed
bell        20 to 150 Hz    low heart sounds, as the bell of a stethoscope lets them through
diaphragm   100 to 400 Hz   murmurs and the higher part of S1 and S2
"""

from __future__ import annotations

from typing import Literal

Band = Literal["wide", "bell", "diaphragm"]

BANDS_HZ: dict[Band, tuple[float, float] | None] = {
    "wide": None,  # the sound of a link is that already
    "bell": (20.0, 150.0),
    "diaphragm": (100.0, 400.0),
}
"""In the order of the key."""
