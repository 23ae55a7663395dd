"""When our own alarm tones sounded, so that windows of that time can be marked.

The supervisor says when a burst begins and ends; that is told at the end of the sound at hand, a
moment before the tone itself. Tones lie above the analysed band (``monitor.sound.tones``),
so a marked window counts all the same.
"""

from __future__ import annotations

from dsp.stage import RATE_HZ

OWN_TONE = "own tone"
"""The condition's kind, and the reason that a marked window gives."""

LATE = 3 * RATE_HZ // 2
"""Samples by which the end of a tone may be heard after it was told."""
KEPT = 30 * RATE_HZ


class OwnTones:
    """Stretches of one stream in which a tone may be heard."""

    def __init__(self) -> None:
        self._past: list[tuple[int, int]] = []
        self._since: int | None = None

    def tell(self, sounding: bool, index: int) -> None:
        """A tone begins, or has ended, at ``index`` (2 kHz, absolute)."""
        if sounding and self._since is None:
            self._since = index
        elif not sounding and self._since is not None:
            self._past = [span for span in self._past if span[1] > index - KEPT]
            self._past.append((self._since, index + LATE))
            self._since = None

    def over(self, start: int, end: int) -> bool:
        """Whether one may be heard in [start, end)."""
        if self._since is not None and end > self._since:
            return True
        return any(start < last and first < end for first, last in self._past)
