"""How the screen says things: clocks, ages, names of alarms and of signal states.

Plain and short; a value that is not known is ``--``, never a zero and never the last one.
"""

from __future__ import annotations

import time

from rich.cells import cell_len, set_cell_size

from monitor.alarms.table import TABLE, remedy, title
from monitor.events import RATE_HZ

UNKNOWN = "--"

kind, advice = title, remedy
"""Words for a kind of alarm, and what to do first."""

KINDS = tuple(rule.kind for rule in TABLE)
"""Kinds of alarms."""

QUALITY = {
    "good": "GOOD",
    "noisy": "NOISY",
    "clipped": "CLIPPED",
    "flat": "FLAT",
    "no_heart": "NO HEART FOUND",
}

HEART = {
    "heard": "HEART HEARD",
    "uncertain": "CANNOT TELL",
    "absent": "NO BEAT",
    "no_sound": "NO SOUND",
}

STATES = {
    "active": "active",
    "acknowledged": "acknowledged",
    "latched": "gone, not acknowledged",
    "interrupted": "interrupted by a gap",
    "suspended": "held, poor signal",
    "inactive": "gone",
}

LOST_HEALTH = {"alarmed", "recovering", "escalated", "failed"}
"""States of a source from which no sound comes."""


def clock(seconds: float) -> str:
    """``hh:mm:ss`` since the session began; days are counted into the hours."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def at(index: int) -> str:
    """Session clock of a sample index (2 kHz)."""
    return clock(index / RATE_HZ)


def time_of_day(wall: float, now: float) -> str:
    """``HH:MM:SS``, local; with the day of the week where that is not today's time.

    Parameters
    ----------
    wall, now
        The moment and the present, seconds since 1970.
    """
    moment = time.localtime(wall)
    today = moment[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M:%S" if today else "%a %H:%M:%S", moment)


def lasted(seconds: float) -> str:
    """A length: ``0.4 s``, ``19 s``, ``5:12``, ``1:05:12``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def countdown(seconds: float) -> str:
    """``m:ss``, rounded up, so that 0:00 means over."""
    whole = max(0, int(-(-seconds // 1)))
    return f"{whole // 60}:{whole % 60:02d}"


def age(seconds: float | None) -> str:
    """How old something is, as coarse as it matters: ``1 s``, ``34 s``, ``5 min``, ``2 h``."""
    if seconds is None:
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def number(value: float | None, form: str = ".0f") -> str:
    """A number in ``form``, or ``--``."""
    return UNKNOWN if value is None else format(value, form)


def rhythm(spread: float | None) -> str:
    """Word for the robust spread of the cycle length (share of its median)."""
    if spread is None:
        return UNKNOWN
    return "irregular" if spread > 0.15 else "regular"


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in at most ``width`` columns, the cut marked."""
    if cell_len(text) <= width:
        return text
    if width <= len(ellipsis):
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """``text`` in exactly ``width`` columns: cut, or filled up with blanks."""
    return set_cell_size(cut(text, width, ellipsis), width)
