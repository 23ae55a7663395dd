"""One recording as a figure: sound with S1 and S2, rate, quality and p(abnormal)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from apexbeat import tables
from monitor import events as ev
from monitor.events import RATE_HZ

if TYPE_CHECKING:
    from apexbeat.result import Result

COLOURS = {
    "good": "#4c9f70",
    "noisy": "#e0a030",
    "no_heart": "#8888aa",
    "clipped": "#c05050",
    "flat": "#bbbbbb",
}
"""Of signal qualities."""


def draw(result: Result, start_s: float, end_s: float) -> Figure:
    """Draw the stretch from ``start_s`` to ``end_s``."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    sound, rate, p = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.2, 1.2))
    _sound(sound, result, start_s, end_s)
    _rate(rate, result.events)
    _p(p, result)
    verdict = result.verdict
    sound.set_title(f"{result.name}: {verdict.value}, {verdict.windows} windows", loc="left")
    p.set_xlim(start_s, end_s)
    p.set_xlabel("seconds")
    return figure


def _sound(axes: Any, result: Result, start_s: float, end_s: float) -> None:
    top = 1.0
    if result.sound is not None and result.sound.size:
        first, last = max(0, int(start_s * RATE_HZ)), int(end_s * RATE_HZ)
        part = result.sound[first:last]
        step = max(1, len(part) // 20_000)
        axes.plot((first + np.arange(0, len(part), step)) / RATE_HZ, part[::step], "k", lw=0.5)
        top = float(np.nanmax(np.abs(part), initial=1e-6))
    shown = [b for b in tables.beats(result.events) if start_s <= (b.s1_s or b.s2_s or -1) < end_s]
    for label, at, colour in (
        ("S1", [b.s1_s for b in shown], "#c03030"),
        ("S2", [b.s2_s for b in shown], "#3050c0"),
    ):
        axes.vlines([x for x in at if x is not None], -top, top, colour, lw=0.8, label=label)
    for one in tables.quality(result.events):
        colour = COLOURS.get(one.value, "#bbbbbb")
        axes.axvspan(one.start_s, one.end_s, 0, 0.03, color=colour, lw=0)
    axes.set_ylabel("sound, 20–400 Hz")
    axes.legend(loc="upper right", ncols=2, frameon=False)


def _rate(axes: Any, events: tuple[ev.Event, ...]) -> None:
    rows = tables.vitals(events)
    rates = [np.nan if row.rate is None else row.rate for row in rows]
    axes.plot([row.at_s for row in rows], rates, "#c03030")
    for alarm in tables.alarms(events):
        axes.axvline(alarm.start_s, color="#e0a030", lw=1)
    axes.set_ylabel("rate, 1/min")


def _p(axes: Any, result: Result) -> None:
    rows = [row for row in tables.windows(result.events) if row.p is not None]
    for used, mark in ((True, "k."), (False, "x")):
        some = [row for row in rows if row.used == used]
        axes.plot([row.start_s for row in some], [row.p for row in some], mark, ms=4)
    axes.set_ylim(0, 1)
    axes.set_ylabel("p(abnormal)")
