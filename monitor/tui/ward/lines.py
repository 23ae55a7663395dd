"""A ward as lines: title, banner, the beds in columns, the log. Pure functions of what is known.

Colour and shape are those of the other screens: ▲ ◆ ● are the priorities, words stand beside
each, and a number that is not known is ``--``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from monitor.integrations.beds import Entry, Row, Ward
from monitor.tui import words
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, clip, spread, width_of

COLUMN = 56
"""Least width of a column of beds."""

_OWN_KINDS = {"bed_silent": "bed silent", "bed_back": "bed heard again"}


def kind(name: str) -> str:
    """Words for the kind of an alarm, those of the ward itself included."""
    return _OWN_KINDS.get(name) or words.kind(name)


def title(rows: Sequence[Row], broker: str, strange: int, width: int, glyphs: Glyphs) -> Line:
    """Who is watched, and how many of them need somebody."""
    open_now = sum(not row.answered for row in rows)
    silent = sum(row.silent_s is not None for row in rows)
    left: Line = [(" apexbeat ward", "strong"), (f" {glyphs.sep} {broker}", "dim")]
    right: Line = [(f"{len(rows)} beds", "plain")]
    right.append((f"  {open_now} with alarms", "high" if open_now else "dim"))
    right.append((f"  {silent} silent", "high" if silent else "dim"))
    if strange:
        right.append((f"  {strange} messages not understood", "medium"))
    right.append((f"  {time.strftime('%H:%M:%S')} ", "strong"))
    return spread(left, right, width, glyphs.ellipsis)


def banner(
    ward: Ward, rows: Sequence[Row], trouble: str, now: float, width: int, glyphs: Glyphs
) -> Line:
    """The broker if it is away, else the most urgent bed."""
    if not ward.connected:
        text = f" {glyphs.high} HIGH  no bed is heard: the broker {trouble or 'is not reached yet'}"
        text += f", for {words.age(ward.away_s(now))}"
        return clip([(text.ljust(width), "on-high")], width)
    if not rows:
        return [(" no bed has reported yet", "dim")]
    first = rows[0]
    if first.priority == "none":
        return [(" no active alarm", "dim")]
    more = sum(row.priority != "none" for row in rows) - 1
    tail = f"  {more} more " if more else ""
    text = f" {glyphs.priority(first.priority)} {first.priority.upper()}  {first.bed}  "
    text += _what(first, glyphs)
    if first.silent_s is None and first.alarm is not None and first.alarm.evidence:
        text += f"  {glyphs.plain(first.alarm.evidence)}"
    ink = first.priority if first.answered else f"on-{first.priority}"
    room = max(0, width - len(tail))
    return [(words.cut(text, room, glyphs.ellipsis).ljust(room), ink), (tail, ink)]


def beds(rows: Sequence[Row], width: int, height: int, skip: int, glyphs: Glyphs) -> list[Line]:
    """As many beds as fit, down the first column, then the next; from ``skip`` on."""
    columns = max(1, width // COLUMN)
    across = width // columns
    shown = rows[skip : skip + columns * height]
    lines: list[Line] = []
    for y in range(min(height, len(shown))):
        line: Line = []
        for row in shown[y::height]:
            cell = _bed(row, across, glyphs)
            line += [*cell, (" " * max(0, across - width_of(cell)), "plain")]
        lines.append(clip(line, width))
    return lines


def fits(width: int, height: int) -> int:
    """How many beds fit."""
    return max(1, width // COLUMN) * max(0, height)


def log(entries: Sequence[Entry], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The newest alarms of all beds."""
    lines: list[Line] = []
    for entry in entries[:height]:
        when = time.strftime("%H:%M:%S", time.localtime(entry.wall))
        shape = glyphs.cleared if entry.kind == "bed_back" else glyphs.priority(entry.priority)
        ink = "dim" if entry.kind == "bed_back" else entry.priority
        left: Line = [
            (f" {shape:<4}{when} {entry.priority:<7}", ink),
            (f"{words.cut(entry.bed, 14, glyphs.ellipsis):<15}", "strong"),
            (kind(entry.kind), "plain"),
            (f"  {glyphs.plain(entry.evidence)}", "dim"),
        ]
        lines.append(clip(left, width))
    return lines or [[(" none", "dim")]]


def _bed(row: Row, width: int, glyphs: Glyphs) -> Line:
    state = row.state
    name = f"{words.cut(row.bed, 12, glyphs.ellipsis):<12} "
    heard = row.fresh and row.silent_s is None
    rate = words.number(state.rate) if heard and state is not None else words.UNKNOWN
    quality = words.QUALITY.get(state.quality or "", "") if heard and state is not None else ""
    quality = "NO HEART" if quality.startswith("NO HEART") else quality
    if row.priority == "none":
        shape, ink = " ", "dim"
    else:
        shape, ink = glyphs.priority(row.priority), row.priority
    cell: Line = [(f" {shape:<4}", ink), (name, "plain" if row.answered else "strong")]
    cell += [(f"{rate:>4} ", "plain" if heard else "dim")]
    cell += [(f"{quality:<9}", "dim" if quality == "GOOD" else "medium")]
    what = words.cut(_what(row, glyphs), max(0, width - width_of(cell) - 1), glyphs.ellipsis)
    return [*cell, (what, ink)]


def _what(row: Row, glyphs: Glyphs) -> str:
    """What there is to say of a bed, in words."""
    if row.silent_s is not None:
        before = f", had: {kind(row.alarm.kind)}" if row.alarm is not None else ""
        return f"bed silent for {words.age(row.silent_s)}{before}"
    if row.alarm is not None:
        more = f" +{row.more}" if row.more else ""
        mark = f" {glyphs.tick}" if row.answered else ""
        over = " (over)" if row.alarm.state == "latched" else ""
        return f"{kind(row.alarm.kind)}{over}{mark}{more}"
    if row.state is None:
        return "nothing heard yet"
    if row.state.ended:
        return "monitoring ended"
    if row.state.health != "healthy":
        return f"source {row.state.health}"
    if not row.fresh:
        return "waiting for its next word"
    return f"heart sound {row.state.verdict}" if row.state.verdict != "none" else "no verdict"
