"""The heart on a loudspeaker, in words: for settings, keys, and what plays it.

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

HEARD = "the sound is heard again"
"""Said by what plays the heart, after it has said why it cannot."""
