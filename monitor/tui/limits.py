"""Limits of the heart-rate alarms: what they are, whether they can be, and what they would do.

Pure, for the settings screen: a ruler with the limits and the rates heard so far, and for each
limit how long the rate was beyond it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

LIMITS = (
    ("tachycardia_extreme", "very fast, high", "above"),
    ("tachycardia", "fast, medium", "above"),
    ("bradycardia", "slow, medium", "below"),
    ("bradycardia_extreme", "very slow, high", "below"),
)
"""Name, what is raised, and on which side."""
ORDER = ("bradycardia_extreme", "bradycardia", "tachycardia", "tachycardia_extreme")
LEAST, MOST = 20.0, 250.0
DELAYS = {"tachycardia_extreme": "extreme_delay_s", "bradycardia_extreme": "extreme_delay_s"}


def in_force(session: SessionState, name: str) -> float | None:
    """A limit as the core told it, None where it has not."""
    told = session.status.limits if session.status is not None else {}
    value = told.get(name, session.settings.get(f"alarms.{name}"))
    return float(value) if isinstance(value, int | float) else None


def delay_s(session: SessionState, name: str) -> float | None:
    """How long the rate must be beyond a limit until the alarm is raised."""
    value = session.settings.get(f"alarms.{DELAYS.get(name, 'rate_delay_s')}")
    return float(value) if isinstance(value, int | float) else None


def wrong(values: dict[str, float | None]) -> str:
    """Why these limits are invalid; empty if they are valid."""
    known = [(name, values[name]) for name in ORDER if values.get(name) is not None]
    for name, value in known:
        if value is not None and not LEAST <= value <= MOST:
            return f"{words.kind(name)}: {value:.0f} is not within {LEAST:.0f} to {MOST:.0f} /min"
    for (low, a), (high, b) in pairwise(known):
        if a is not None and b is not None and a >= b:
            return f"{words.kind(low)} ({a:.0f}) must lie below {words.kind(high)} ({b:.0f})"
    return ""


def effect(session: SessionState, name: str, value: float) -> str:
    """What a limit would have done to the rates that were heard so far."""
    above = name.startswith("tachycardia")
    beyond, longest, heard = session.trend.beyond(value, above=above)
    if not heard:
        return "no rate heard yet"
    if not beyond:
        return f"not once in {words.age(heard)}"
    needed = delay_s(session, name)
    raised = "" if needed is None else ": alarm" if longest >= needed else ": no alarm"
    return f"{words.age(beyond)} of {words.age(heard)}{raised}"


def try_out(session: SessionState, name: str, text: str) -> tuple[str, str]:
    """What a limit that is being written would do, and the ink to say it in."""
    try:
        value = float(text)
    except ValueError:
        return ("a number, such as 110", "dim") if text else ("", "dim")
    trouble = wrong({n: in_force(session, n) for n in ORDER} | {name: value})
    if trouble:
        return trouble, "medium"
    return f"so far beyond it: {effect(session, name, value)}", "plain"


def ruler(session: SessionState, width: int, glyphs: Glyphs) -> list[Line]:
    """Rates heard and the rate now, over a scale with the limits on it."""
    known = [(n, v) for n in ORDER if (v := in_force(session, n)) is not None]
    rates = session.trend.rates()
    low = min([30.0, *(v - 10 for _, v in known)])
    high = max([190.0, *(v + 10 for _, v in known)])

    def place(value: float) -> int:
        return int(np.clip(round((value - low) / (high - low) * (width - 1)), 0, width - 1))

    heard = [" "] * width
    for rate in np.unique(np.round(rates)):
        heard[place(float(rate))] = "▁" if glyphs.unicode else "."
    now = session.status.rate if session.status is not None else None
    if now is not None:
        heard[place(now)] = "▼" if glyphs.unicode else "v"
    track = ["─" if glyphs.unicode else "-"] * width
    numbers = [" "] * width
    for _, value in known:
        at = place(value)
        track[at] = "┃" if glyphs.unicode else "|"
        text = f"{value:.0f}"
        first = max(0, min(width - len(text), at - len(text) // 2))
        numbers[first : first + len(text)] = text
    return [
        [("".join(heard), "wave")],
        [("".join(track), "dim")],
        [("".join(numbers), "strong")],
    ]


OTHERS = (
    ("alarms.abnormal_windows", "abnormal heart sound", "{} of the last {verdict.windows} windows"),
    ("alarms.abnormal_delay_s", "abnormal heart sound", "for {} s"),
    ("alarms.heart_lost_s", "heart sounds stopped", "after {} s without a beat"),
    ("alarms.pause_s", "pause between beats", "of {} s"),
    ("alarms.irregular_spread", "irregular rhythm", "spread of the cycles above {}"),
    ("alarms.poor_signal_delay_s", "heart not heard", "for {} s"),
)
"""Setting, alarm, and what it means; told, not changed here."""


def others(session: SessionState) -> list[Line]:
    """What else decides about alarms, where the core has told it."""
    out: list[Line] = []
    for key, alarm, words_ in OTHERS:
        value = session.settings.get(key)
        if value is not None:
            text = words_.replace("{verdict.windows}", str(session.settings.get("verdict.windows")))
            shown = f"{value:g}" if isinstance(value, int | float) else str(value)
            out.append([(f"   {alarm:<22}", "dim"), (text.replace("{}", shown), "dim")])
    return out
