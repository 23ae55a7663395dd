"""A ward as lines: title, banner, the beds in columns, the log. Pure functions of what is known.

Colour and shape are those of the other screens: ▲ ◆ ● are the priorities, words stand beside
each, and a number that is not known is ``--``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from monitor.integrations.beds import Entry, Row, Ward
from monitor.text import harmless
from monitor.tui import words
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, clip, spread, width_of

COLUMNS = (56, 40, 28, 19)
"""Widths of a column of beds: the narrower, the more beds are seen at once, the fewer words."""

LOG_ROWS = (9, 6, 4)
"""Heights of the log with its frame: it makes room for beds."""

_OWN_KINDS = {
    "bed_silent": "bed silent",
    "bed_back": "bed heard again",
    "bed_unheard": "bed not heard",
    "bed_clash": "TWO BEDS, ONE ID",
}
_RANK = {"high": 3, "medium": 2, "low": 1}


def kind(name: str) -> str:
    """Words for the kind of an alarm, those of the ward itself included."""
    return _OWN_KINDS.get(name) or words.kind(name)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the beds are laid out: columns, rows, and rows of the log with its frame."""

    columns: int
    rows: int
    log: int

    @property
    def room(self) -> int:
        """Beds that are seen at once."""
        return self.columns * self.rows


def plan(count: int, width: int, height: int) -> Plan:
    """The roomiest layout in which all beds are seen; else the one that shows most."""
    found = Plan(1, 0, LOG_ROWS[-1])
    for log_rows in LOG_ROWS:
        for column in COLUMNS:
            columns = max(1, (width - 2) // column)
            found = Plan(columns, max(1, height - 3 - log_rows - 2), log_rows)
            if found.room >= count:
                return found
    return found


def names(rows: Sequence[Row], width: int, glyphs: Glyphs) -> dict[str, str]:
    """Id → name in ``width`` columns, no two alike: those that would be bear the end of their id.

    An alphabet may lack the letters of a name, and a cut may leave what two have in common.
    """
    called = {row.bed: glyphs.plain(row.name or harmless(row.bed, 60)) for row in rows}
    shown = {bed: words.cut(name, width, glyphs.ellipsis) for bed, name in called.items()}
    often = Counter(shown.values())
    for bed, name in called.items():
        if often[shown[bed]] > 1:
            mark = f" #{glyphs.plain(harmless(bed[-4:], 4))}"
            shown[bed] = words.cut(name, width - len(mark), glyphs.ellipsis) + mark
    often = Counter(shown.values())
    for bed in called:
        if often[shown[bed]] > 1:
            shown[bed] = glyphs.plain(harmless(bed[-width:], width))
    return shown


def title(rows: Sequence[Row], broker: str, ward: Ward, width: int, glyphs: Glyphs) -> Line:
    """Which broker is watched, the number of beds, and how many need attention."""
    open_now = sum(not row.answered for row in rows)
    silent = sum(row.silent_s is not None for row in rows)
    left: Line = [(" apexbeat ward", "strong"), (f" {glyphs.sep} {broker}", "dim")]
    right: Line = [(f"{len(rows)} beds", "plain")]
    if ward.turned_away:
        right.append((f"  {len(ward.turned_away)} MORE NOT SHOWN", "on-high"))
    right.append((f"  {open_now} with alarms", "high" if open_now else "dim"))
    right.append((f"  {silent} silent", "high" if silent else "dim"))
    if ward.strange:
        right.append((f"  {ward.strange} messages not understood", "medium"))
    right.append((f"  {time.strftime('%H:%M:%S')} ", "strong"))
    return spread(left, right, width, glyphs.ellipsis)


def banner(
    ward: Ward, rows: Sequence[Row], trouble: str, now: float, width: int, glyphs: Glyphs
) -> Line:
    """The broker if it is away, else the most urgent bed."""
    if not ward.connected:
        text = f" {glyphs.high} HIGH  no bed is heard: the broker {trouble or 'is not reached yet'}"
        text += f", for {words.age(ward.away_s(now))}"
        return clip([(words.fit(text, width, glyphs.ellipsis), "on-high")], width)
    if not rows:
        return [(" no bed has reported yet", "dim")]
    first = rows[0]
    if first.priority == "none":
        return [(" no active alarm", "dim")]
    more = sum(row.priority != "none" for row in rows) - 1
    tail = f"  {more} more " if more else ""
    name = names(rows, 40, glyphs)[first.bed]
    text = f" {glyphs.priority(first.priority)} {first.priority.upper()}  {name}  "
    text += _what(first, glyphs)
    if first.silent_s is None and not first.clash and first.alarm is not None:
        advice = words.advice(first.alarm.kind)
        text += f"  {advice}" if advice else f"  {glyphs.plain(first.alarm.evidence)}"
    ink = first.priority if first.answered else f"on-{first.priority}"
    room = max(0, width - len(tail))
    return [(words.fit(text, room, glyphs.ellipsis), ink), (tail, ink)]


def beds(rows: Sequence[Row], width: int, height: int, turn: int, glyphs: Glyphs) -> list[Line]:
    """All beds, down the first column, then the next; where there are more than fit, in turns.

    Beds with an open alarm keep their place in every turn, as far as half of the room goes; the
    last line then counts who is not seen, with the highest priority among them.

    Parameters
    ----------
    turn
        Which part of the others is shown.
    """
    columns = next(
        (c for c in (max(1, width // w) for w in COLUMNS) if c * height >= len(rows)),
        max(1, width // COLUMNS[-1]),
    )
    hidden: list[Row] = []
    shown = list(rows)
    if len(rows) > columns * height:
        height -= 1
        shown, hidden = _turned(rows, columns * height, turn)
    across = width // columns
    called = names(rows, _name_width(across), glyphs)
    longest = max(8, *(cell_len(name) for name in called.values())) if called else 8
    lines: list[Line] = []
    for y in range(min(height, len(shown))):
        line: Line = []
        for row in shown[y::height]:
            cell = _bed(row, words.fit(called[row.bed], longest), across, glyphs)
            line += [*cell, (" " * max(0, across - width_of(cell)), "plain")]
        lines.append(clip(line, width))
    if hidden:
        lines += [[] for _ in range(height - len(lines))]
        lines.append(clip(_hidden(hidden, glyphs), width))
    return lines


def _turned(rows: Sequence[Row], room: int, turn: int) -> tuple[list[Row], list[Row]]:
    """Who is seen in a turn, and who is not."""
    fixed = [row for row in rows if row.priority != "none"][: room // 2]
    rest = list(rows[len(fixed) :])
    free = room - len(fixed)
    start = turn * free % max(1, len(rest))
    seen = rest[start : start + free]
    others = rest[:start] + rest[start + free :]
    return fixed + seen, others


def _hidden(hidden: Sequence[Row], glyphs: Glyphs) -> Line:
    count = Counter(row.priority for row in hidden)
    worst = max(count, key=lambda name: _RANK.get(name, 0))
    parts = [f"{count[p]} {glyphs.priority(p)} {p}" for p in _RANK if count[p]]
    parts.append(f"{count['none']} calm")
    text = f" {len(hidden)} further beds: {', '.join(parts)}; in turn, or with down"
    return [(text, "dim" if worst == "none" else worst)]


def log(entries: Sequence[Entry], width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The newest alarms of all beds; a time with ~ is by the bed's own clock."""
    lines: list[Line] = []
    for entry in entries[:height]:
        when = time.strftime("%H:%M:%S", time.localtime(entry.wall))
        about = "~" if entry.kept else " "
        shape = glyphs.cleared if entry.kind == "bed_back" else glyphs.priority(entry.priority)
        ink = "dim" if entry.kind == "bed_back" else entry.priority
        name = glyphs.plain(entry.name or entry.bed)
        left: Line = [
            (f" {shape:<4}{about}{when} {entry.priority:<7}", ink),
            (words.fit(name, 14, glyphs.ellipsis) + " ", "strong"),
            (kind(entry.kind), "plain"),
            (f"  {glyphs.plain(entry.evidence)}", "dim"),
        ]
        lines.append(clip(left, width))
    return lines or [[(" none", "dim")]]


def _bed(row: Row, called: str, width: int, glyphs: Glyphs) -> Line:
    """One bed in ``width`` columns: shape, name, rate, quality, words, as far as there is room."""
    state = row.state
    heard = row.fresh and row.silent_s is None
    rate = words.number(state.rate) if heard and state is not None else words.UNKNOWN
    shape, ink = " ", "dim"
    if row.priority != "none":
        shape, ink = glyphs.priority(row.priority), row.priority
    cell: Line = [(f" {shape:<{len(glyphs.high) + 1}}", ink)]
    cell += [(called + " ", "plain" if row.answered else "strong")]
    cell += [(f"{rate:>4} ", "plain" if heard else "dim")]
    if width >= 50:
        quality = words.QUALITY.get(state.quality or "", "") if heard and state is not None else ""
        quality = "NO HEART" if quality.startswith("NO HEART") else quality
        cell += [(f"{quality:<9}", "dim" if quality == "GOOD" else "medium")]
    room = width - width_of(cell) - 1
    return (
        [*cell, (words.cut(_what(row, glyphs), room, glyphs.ellipsis), ink)] if room > 3 else cell
    )


def _name_width(across: int) -> int:
    """Columns of a bed's name, of those that a bed has."""
    return max(8, min(24, across - 11 if across < 28 else across // 3))


def _what(row: Row, glyphs: Glyphs) -> str:
    """What there is to say of a bed, in words."""
    if row.clash:
        return "two monitors report as this bed"
    if row.silent_s is not None:
        before = f", had: {kind(row.alarm.kind)}" if row.alarm is not None else ""
        if row.unheard and row.state is not None:
            last = time.strftime("%H:%M:%S", time.localtime(row.state.wall))
            return f"not heard yet, last word {last} by its clock{before}"
        return f"bed silent for {words.age(row.silent_s)}{before}"
    if row.strange:
        return "its messages are not understood"
    if row.alarm is not None:
        more = f" +{row.more}" if row.more else ""
        mark = f" {glyphs.tick}" if row.answered else ""
        over = " (gone)" if row.alarm.state == "latched" else ""
        return f"{kind(row.alarm.kind)}{over}{mark}{more}"
    if row.state is None:
        return "nothing heard yet"
    if row.state.ended:
        return "monitoring ended"
    if row.state.health != "healthy":
        return f"source {glyphs.plain(harmless(row.state.health, 20))}"
    if not row.fresh:
        return "waiting for its next word"
    return f"heart sound {row.state.verdict}" if row.state.verdict != "none" else "no verdict"
