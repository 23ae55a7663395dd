"""The first line: which device, whether it records, level, clipping, gaps and the time of day."""

from __future__ import annotations

import math
from typing import NamedTuple

from monitor.playing import Band
from monitor.tui import words
from monitor.tui.state import ScreenState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, spread, width_of


class PlayedSound(NamedTuple):
    """The sound that this screen plays: of a session, in a band; ``silent`` where it cannot."""

    session: str
    band: Band
    silent: bool = False


_FLOOR_DB = -60.0
_METER = 8

DRIFT_WARN_PPM = 500.0
"""A device clock this far off is shown as a warning; from 1 % on it is an alarm."""


def line(
    state: ScreenState,
    now: float,
    width: int,
    glyphs: Glyphs,
    played: PlayedSound | None = None,
) -> Line:
    """Left who and what, right the clock; what does not fit is dropped in a fixed order.

    Parameters
    ----------
    played
        The sound that this screen plays.
    """
    session = state.shown()
    status = session.status if session else None
    if session is None or status is None:
        return spread([(" apexbeat", "strong")], [("waiting for the core ", "dim")], width)
    seconds = status.clock_s
    if status.play is None:
        seconds = _clock(seconds, session.age(now), state, now)
    wall = session.wall(now)
    clock: Line = [(f"{words.clock(seconds)} ", "strong")]
    if wall is not None:
        clock = [(f"{words.time_of_day(wall, wall)} ", "strong")]
        if width >= 100:
            clock.insert(0, (f"{words.clock(seconds)} monitored  ", "dim"))
    source = {"live": "", "phantom": "PHANTOM ", "replay": "REPLAY "}.get(status.source, "")
    name: Line = [(f" {source}", "medium")] if source else [(" ", "plain")]
    number = list(state.sessions).index(session.id) + 1
    many = f"{number}/{len(state.sessions)} " if len(state.sessions) > 1 else ""
    device = words.cut(status.device, max(12, width // 3), glyphs.ellipsis)
    name.append((f"{many}{device}", "strong"))
    rate: Line = [(f" {glyphs.sep} {status.rate_hz} Hz", "dim")]
    channel: Line = [(f" {glyphs.sep} {status.channels} ch", "dim")]
    if status.profile != "adult":
        channel.insert(0, (f" {glyphs.sep} {status.profile}", "strong"))
    if played is not None and played.session == session.id:
        what, ink = ("no sound", "medium") if played.silent else ("hearing", "good")
        name.append((f" {glyphs.sep} {what} {played.band}", ink))
    record = _record(status.recording, status.can_record, glyphs)
    level = _level(status.level_db if session.trusted(now) else None, glyphs)
    clip: Line = [(f"CLIP {status.clipped}", "on-high")] if status.clipped else [("clip 0", "dim")]
    gaps: Line = [(f"gaps {status.gaps}", "medium" if status.gaps else "dim")]
    if status.lost_s:
        gaps.append((f" ({status.lost_s:.1f} s)", "medium"))
    drift: Line = []
    if status.drift_ppm is not None:
        style = "medium" if abs(status.drift_ppm) > DRIFT_WARN_PPM else "dim"
        drift = [(f"drift {status.drift_ppm:+.0f} ppm", style)]
    delay: Line = [(f"delay {status.delay_s + status.behind_s:.1f} s", "dim")]
    right = [record, clip, gaps, level, delay, drift]
    for dropped in range(len(right) + 1):
        parts = right[: len(right) - dropped] if dropped else right
        tail = _joined([*[p for p in _in_order(parts, right) if p], clock])
        for head in (
            [(" apexbeat  ", "dim"), *name, *rate, *channel],
            [*name, *rate, *channel],
            [*name, *rate],
            name,
        ):
            if width_of(head) + width_of(tail) + 2 <= width:
                return spread(head, tail, width)
    return spread(name, clock, width)


def _clock(clock_s: float, age: float, state: ScreenState, now: float) -> float:
    """The session clock goes on between two statuses, but not when the core is silent."""
    return clock_s if state.silent(now) else clock_s + min(age, 1.0)


def _in_order(parts: list[Line], right: list[Line]) -> list[Line]:
    """Parts in the order in which they are read: lamp, level, clip, gaps, delay, drift."""
    order = [right[0], right[3], right[1], right[2], right[4], right[5]]
    return [p for p in order if any(p is q for q in parts)]


def _joined(parts: list[Line]) -> Line:
    out: Line = []
    for number, part in enumerate(parts):
        out += [("  ", "plain")] if number else []
        out += part
    return out


def _record(recording: bool, can_record: bool, glyphs: Glyphs) -> Line:
    if not can_record:
        return [(f"{glyphs.cross} CANNOT RECORD", "on-high")]
    if recording:
        return [(f"{glyphs.lamp_on} REC", "high")]
    return [(f"{glyphs.lamp_off} rec off", "dim")]


def _level(level_db: float | None, glyphs: Glyphs) -> Line:
    """Meter of 60 dB; nothing known is an empty one with ``--``."""
    if level_db is None or math.isnan(level_db):
        return [("level ", "dim"), (glyphs.missing * _METER, "dim")]
    share = min(1.0, max(0.0, 1 - level_db / _FLOOR_DB))
    full = share * _METER
    steps = glyphs.levels
    cells = ""
    for cell in range(_METER):
        part = min(1.0, max(0.0, full - cell))
        cells += steps[round(part * (len(steps) - 1))]
    ink = "high" if level_db > -1 else "good" if level_db > -50 else "medium"
    return [("level ", "dim"), (cells.replace(" ", glyphs.missing), ink)]
