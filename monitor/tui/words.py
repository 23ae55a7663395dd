"""How the screen says things: clocks, ages, names of alarms and of signal states.

Plain and short; a value that is not known is ``--``, never a zero and never the last one.
"""

from __future__ import annotations

RATE_HZ = 2000
UNKNOWN = "--"

KINDS = {
    "abnormal_sound": "abnormal heart sound",
    "tachycardia": "fast heart rate",
    "tachycardia_extreme": "very fast heart rate",
    "bradycardia": "slow heart rate",
    "bradycardia_extreme": "very slow heart rate",
    "irregular": "irregular rhythm",
    "heart_lost": "heart sounds stopped",
    "pause": "pause between beats",
    "signal_lost": "signal lost",
    "wrong_input": "wrong input",
    "poor_signal": "heart not heard",
    "gaps": "gaps in the sound",
    "clock": "device clock off",
    "behind": "analysis late",
    "cannot_record": "cannot record",
    "model_refused": "model refused",
    "analysis_fault": "analysis fault",
}
"""Words for the kinds of the alarm table; an unknown kind is shown as it is written."""

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

PROFILES = ("adult", "child", "infant", "neonate")
"""Age profiles in the order in which the key goes through them."""

STATES = {
    "active": "active",
    "acknowledged": "acknowledged",
    "latched": "over, not acknowledged",
    "interrupted": "interrupted by a gap",
    "suspended": "held, poor signal",
    "inactive": "cleared",
}

LOST_HEALTH = {"alarmed", "recovering", "escalated", "failed"}
"""States of a source from which no sound comes."""


def kind(name: str) -> str:
    """Words for the kind of an alarm."""
    return KINDS.get(name, name.replace("_", " "))


def clock(seconds: float) -> str:
    """``hh:mm:ss`` since the session began; days are counted into the hours."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def at(index: int) -> str:
    """Session clock of a sample index (2 kHz)."""
    return clock(index / RATE_HZ)


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
    if len(text) <= width:
        return text
    if width <= len(ellipsis):
        return text[: max(0, width)]
    return text[: width - len(ellipsis)].rstrip() + ellipsis
