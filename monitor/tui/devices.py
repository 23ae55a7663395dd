"""Input devices as a person chooses among them: a list with live levels. Pure.

The levels come from the core (`ms.Levels`, for a further device) or, before there is a core, from
a program beside the screen (`monitor.tui.first_start.app`).
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.link.messages import DeviceLevel
from monitor.tui import words
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

FLOOR_DB = -60.0
SILENT_DB = -80.0
"""Below this even an open microphone is not: it is muted, or no sound comes."""


def bar(peak_db: float | None, width: int, glyphs: Glyphs) -> str:
    """A level from -60 dB to full scale in ``width`` columns."""
    share = 0.0 if peak_db is None else min(1.0, max(0.0, 1 - peak_db / FLOOR_DB))
    full = round(share * width)
    rest = "·" if glyphs.unicode else "."
    return ("█" if glyphs.unicode else "#") * full + rest * (width - full)


def ink(level: DeviceLevel) -> str:
    """Red where it clips, dim where nothing comes."""
    if level.clipped:
        return "high"
    return "dim" if level.peak_db is None else "good"


def says(level: DeviceLevel) -> str:
    """The level in words."""
    if level.peak_db is None:
        return level.trouble or "no samples"
    if level.clipped:
        return "CLIPS: turn it down"
    if level.peak_db <= SILENT_DB:
        return "silence: muted?"
    return f"{level.peak_db:.0f} dB"


def rows(
    levels: Sequence[DeviceLevel], chosen: str | None, width: int, glyphs: Glyphs
) -> list[Line]:
    """One line for each device: pointer, name, level, rate."""
    rate = 10 if width >= 70 else 0
    meter = max(6, min(24, width - 58))
    name = max(10, width - meter - rate - 23)
    out: list[Line] = []
    for level in levels:
        here = level.identity == chosen
        own = " (default)" if level.default and level.name != "default" else ""
        text = level.name + (own if len(level.name + own) <= name else "")
        out.append(
            [
                (f"{glyphs.play if here else ' '} ", "strong"),
                (
                    f"{words.cut(text, name, glyphs.ellipsis):<{name}} ",
                    "strong" if here else "plain",
                ),
                *_level(level, meter, glyphs),
                (f" {level.rate_hz:>6} Hz" if rate else "", "dim"),
            ]
        )
    return out


def _level(level: DeviceLevel, meter: int, glyphs: Glyphs) -> Line:
    """Bar and words; words alone where there is no level."""
    wide = meter + 20
    if level.peak_db is None:
        return [(f"{words.cut(says(level), wide, glyphs.ellipsis):<{wide}}", "dim")]
    text = words.cut(says(level), 19, glyphs.ellipsis)
    return [(bar(level.peak_db, meter, glyphs), ink(level)), (f" {text:<19}", "plain")]


def _ink(here: bool) -> str:
    return "strong" if here else "plain"


def moved(names: Sequence[str], chosen: str | None, step: int) -> str | None:
    """The name ``step`` further down, staying at the ends; the first where none is chosen."""
    if not names:
        return None
    at = names.index(chosen) if chosen in names else 0
    return names[max(0, min(at + step, len(names) - 1))]
