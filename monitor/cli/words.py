"""A summary in words, for ``replay``."""

from __future__ import annotations

from collections.abc import Iterator

from dsp.ecg import Reference
from monitor.alarms.table import title
from monitor.analysis.summary import AlarmEntry, Summary
from monitor.cli.draw import mirrored

WIDTH = 48
HEIGHT = 3
SHOWN = 8
"""Alarms listed of one recording."""


def clock(seconds: float) -> str:
    """Return a time as m:ss.s, with hours if there are any."""
    whole, tenths = divmod(round(seconds * 10), 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    head = f"{hours}:{minute:02d}" if hours else f"{minute}"
    return f"{head}:{second:02d}.{tenths}"


_PLACES = {
    "early systole": "early systole",
    "systole": "systole, to its end",
    "diastole": "diastole",
}
"""Words for `monitor.loudness.PartLevels.place`."""


def lines(summary: Summary, unicode: bool = True) -> Iterator[str]:
    """Yield the lines that a person reads of one recording."""
    yield f"{summary.name}  {clock(summary.duration_s)}"
    yield f"  rate     {_rate(summary)}"
    yield f"  signal   {_signal(summary)}"
    if summary.channel:
        yield f"  channel  {summary.channel}"
    if summary.reference is not None:
        yield f"  ecg      {_reference(summary.reference)}"
    verdict = summary.verdict
    yield f"  verdict  {verdict.value.upper()}  {verdict.evidence}"
    if summary.murmur is not None:
        yield f"  murmur   if it is one, loudest in {_PLACES[summary.murmur]}"
    if summary.alarms:
        for entry in summary.alarms[:SHOWN]:
            yield f"  alarm    {_alarm(entry)}"
        if len(summary.alarms) > SHOWN:
            yield f"  alarm    and {len(summary.alarms) - SHOWN} more"
    else:
        yield "  alarms   none"
    if summary.faults:
        yield f"  faults   {len(summary.faults)}: {summary.faults[0]}"
    yield from _picture(summary, unicode)


def _rate(summary: Summary) -> str:
    if summary.rate is None:
        return f"--  ({summary.beats} beats found)"
    about = f" ± {summary.rate_uncertainty:.0f}" if summary.rate_uncertainty is not None else ""
    words = [f"{summary.rate:.0f}{about}/min", f"{summary.beats} beats"]
    if summary.systole_ms is not None and summary.diastole_ms is not None:
        words.append(f"S1–S2 {summary.systole_ms:.0f} ms")
        words.append(f"S2–S1 {summary.diastole_ms:.0f} ms")
    if summary.spread is not None:
        words.append(f"spread {summary.spread * 100:.0f} %")
    return ", ".join(words)


def _reference(one: Reference) -> str:
    if one.rate is None:
        return f"{one.waves} R waves, too few for a rate"
    words = [f"{one.rate:.0f}/min", f"{one.waves} R waves"]
    if one.r_s1_ms is not None:
        words.append(f"R–S1 {one.r_s1_ms:.0f} ms")
    return ", ".join(words)


def _signal(summary: Summary) -> str:
    total = sum(summary.quality_s.values())
    if not total:
        return "not judged"
    shares = sorted(summary.quality_s.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * seconds / total:.0f} %" for name, seconds in shares)


def _alarm(entry: AlarmEntry) -> str:
    ended = f"; gone: {entry.ended}" if entry.ended else ""
    until = "the end" if entry.until_s is None else clock(entry.until_s)
    words = f"{title(entry.kind)}: {entry.evidence}{ended}"
    return f"{clock(entry.from_s)} to {until}  {entry.priority}  {words}"


def _picture(summary: Summary, unicode: bool) -> Iterator[str]:
    if summary.averaged is None:
        return
    # The square root brings quiet murmurs near to the loud valves.
    loudness = [value**0.5 for value in summary.averaged.loudness]
    for row in mirrored(loudness, WIDTH, HEIGHT, unicode):
        yield f"  {row}"
    at = min(WIDTH - 2, max(3, round(summary.averaged.s2 * WIDTH)))
    yield f"  S1{' ' * (at - 2)}S2"
