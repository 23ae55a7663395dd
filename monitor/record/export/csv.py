"""Tables: one CSV file (RFC 4180, UTF-8) for each kind of event.

Indices are samples at 2 kHz, ``_s`` columns are seconds since the session began, ``utc`` is empty
without a wall-time anchor. An unknown value is an empty cell. A word that a spreadsheet would take
for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.record.export.model import Record

Cell = str | int | float | None

ONSETS = ("s1", "systole", "s2", "diastole", "end")


def _seconds(index: int | None) -> float | None:
    return None if index is None else round(index / RATE_HZ, 4)


def _utc(record: Record, index: int | None) -> str | None:
    moment = None if index is None else record.moment(index)
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _beats(record: Record) -> tuple[list[str], Iterable[list[Cell]]]:
    head = ["index", *ONSETS, *(f"{name}_s" for name in ONSETS), "confidence", "utc"]

    def rows() -> Iterable[list[Cell]]:
        for beat in record.of(ev.Beat):
            onsets = [beat.s1, beat.systole, beat.s2, beat.diastole, beat.end]
            yield [
                beat.index,
                *onsets,
                *map(_seconds, onsets),
                beat.confidence,
                _utc(record, beat.onset),
            ]

    return head, rows()


def _gaps(record: Record) -> tuple[list[str], Iterable[list[Cell]]]:
    head = ["index", "start", "length", "uncertainty", "start_s", "length_s", "reason", "utc"]
    return head, (
        [
            gap.index,
            gap.start,
            gap.length,
            gap.uncertainty,
            _seconds(gap.start),
            _seconds(gap.length),
            gap.reason,
            _utc(record, gap.start),
        ]
        for gap in record.of(ev.Gap)
    )


def _windows(record: Record) -> tuple[list[str], Iterable[list[Cell]]]:
    head = ["index", "start", "start_s", "p", "used", "reason", "utc"]
    return head, (
        [
            window.index,
            window.start,
            _seconds(window.start),
            window.p,
            int(window.used),
            window.reason,
            _utc(record, window.start),
        ]
        for window in record.of(ev.Window)
    )


def _episodes(record: Record) -> tuple[list[str], Iterable[list[Cell]]]:
    head = ["kind", "priority", "start", "end", "acknowledged", "start_s", "end_s"]
    head += ["acknowledged_s", "state", "evidence", "utc", "title", "lasted_s", "ended", "count"]
    return head, (
        [
            one.kind,
            one.priority,
            one.start,
            one.end,
            one.acknowledged,
            _seconds(one.start),
            _seconds(one.end),
            _seconds(one.acknowledged),
            one.state,
            one.evidence,
            _utc(record, one.start),
            one.title,
            None if one.lasted_s is None else f"{one.lasted_s:.1f}",
            one.ended,
            one.count,
        ]
        for one in record.alarms
    )


def _plain(
    kind: type[ev.Event],
) -> Callable[[Record], tuple[list[str], Iterable[list[Cell]]]]:
    """Make a table of one event type: its own fields, the time after the index."""
    fields = [one.name for one in msgspec.structs.fields(kind) if one.name != "index"]

    def table(record: Record) -> tuple[list[str], Iterable[list[Cell]]]:
        return ["index", "time_s", *fields, "utc"], (
            [
                event.index,
                _seconds(event.index),
                *(getattr(event, name) for name in fields),
                _utc(record, event.index),
            ]
            for event in record.of(kind)
        )

    return table


TABLES: dict[str, Callable[[Record], tuple[list[str], Iterable[list[Cell]]]]] = {
    "beats": _beats,
    "vitals": _plain(ev.Vitals),
    "alarms": _plain(ev.Alarm),
    "episodes": _episodes,
    "windows": _windows,
    "verdicts": _plain(ev.Verdict),
    "quality": _plain(ev.Quality),
    "gaps": _gaps,
    "marks": _plain(ev.Mark),
    "faults": _plain(ev.Fault),
}
"""Name of a table → how its head and rows are made."""


def style(name: str) -> tuple[str, str]:
    """Separator and decimal sign of a style: ``plain``, ``semicolon``, or ``locale``'s.

    Where numbers have a decimal comma, spreadsheets take a semicolon between cells.
    """
    if name == "locale":
        import locale

        locale.setlocale(locale.LC_NUMERIC, "")
        name = "semicolon" if locale.localeconv()["decimal_point"] == "," else "plain"
    return (";", ",") if name == "semicolon" else (",", ".")


def render(record: Record, what: str, separator: str = ",", point: str = ".") -> str:
    """Return one table as text.

    Parameters
    ----------
    what
        A key of `TABLES`.
    separator, point
        Between cells, and in numbers.
    """
    head, rows = TABLES[what](record)
    out = io.StringIO(newline="")
    writer: Any = csv.writer(out, delimiter=separator)
    writer.writerow(head)
    writer.writerows([safe(_number(cell, point)) for cell in row] for row in rows)
    return out.getvalue()


def _number(cell: Cell, point: str) -> Cell:
    return str(cell).replace(".", point) if isinstance(cell, float) and point != "." else cell


def safe(cell: Cell) -> Cell:
    """Keep a spreadsheet from running a word (OWASP: CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell
