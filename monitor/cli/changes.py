"""A stream in lines as it comes: what is worth a word to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.cli.words import clock

EVERY = 30 * RATE_HZ
"""Samples after which a line comes though nothing has changed."""


class Changes:
    """Tells changes of verdict and signal, and each alarm; rate and all every half minute."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._rate: float | None = None
        self._quality = self._verdict = ""
        self._told = 0

    def take(self, output: ev.Output) -> None:
        """Take what was found."""
        for event in output.events:
            if isinstance(event, ev.Vitals):
                self._rate = event.rate
                if event.index - self._told >= EVERY:
                    self._tell(event.index)
            elif isinstance(event, ev.Quality):
                self._quality = event.value
                self._tell(event.index)
            elif isinstance(event, ev.Verdict) and event.value != self._verdict:
                self._verdict = event.value
                self._tell(event.index)
            elif isinstance(event, ev.Alarm) and event.state in ("active", "latched", "inactive"):
                words = {"active": "on", "latched": "over, not acknowledged", "inactive": "over"}
                self._say(
                    f"{clock(event.index / RATE_HZ)}  alarm {event.kind}, {event.priority}:"
                    f" {words[event.state]}  {event.evidence}"
                )

    def _tell(self, index: int) -> None:
        self._told = index
        rate = "--" if self._rate is None else f"{self._rate:.0f}/min"
        verdict = (self._verdict or "none").upper()
        self._say(f"{clock(index / RATE_HZ)}  {rate}  {self._quality or '--'}  {verdict}")
