"""The truth of a rendered phantom, in absolute samples at 2 kHz.

States are written as the annotations of the PhysioNet/CinC Challenge 2016 are in this project's
tables: the state begins at the sample and holds until the next row, the first row is sample 0,
and noise-begin to noise-end encloses spans in which no heart sound is to be found.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsp.cycles.beat import Beat
from dsp.phantom_beat import Timing
from dsp.phantom_description import Phantom
from dsp.stage import RATE_HZ

LONGEST_CYCLE_S = 3.0
"""A longer pause between two S1 is no cycle: the beat before it has no end."""

LOUD_DB = 0.0
"""Noise of this signal-to-noise ratio or less hides the heart: a noise span in the states."""


@dataclass(frozen=True, slots=True)
class Event:
    """A disturbance from ``start`` to ``end`` (2 kHz)."""

    start: int
    end: int
    kind: str


def states_of(
    phantom: Phantom, timings: list[Timing], spikes: list[float], length: int
) -> tuple[list[Beat], list[Event], list[tuple[int, str]]]:
    """Beats, events and states of the first ``length`` samples."""
    beats = _beats(timings, length)
    events = _events(phantom, spikes, length)
    return beats, events, _states(timings, _hidden(phantom, length), length)


def _index(t: float) -> int:
    return round(t * RATE_HZ)


def _beats(timings: list[Timing], length: int) -> list[Beat]:
    beats = []
    for place, timing in enumerate(timings):
        last = place + 1 == len(timings)
        end = timing.end if last else timings[place + 1].s1
        marks = [timing.s1, timing.systole, timing.s2, timing.diastole, end]
        inside = [_index(mark) if 0 <= _index(mark) < length else None for mark in marks]
        if end - timing.s1 > LONGEST_CYCLE_S:
            inside[4] = None
        if any(mark is not None for mark in inside[:4]):
            s1, systole, s2, diastole, close = inside
            beats.append(Beat(s1, systole, s2, diastole, close, confidence=1.0))
    return beats


def _repeated(
    phantom: Phantom, spans: tuple[tuple[float, float], ...], length: int
) -> list[tuple[int, int]]:
    """Spans in samples, cut to the sound, once per repetition."""
    found = []
    offset = 0.0
    while offset * RATE_HZ < length:
        for start, end in spans:
            if phantom.repeat_s is not None:
                end = min(end, phantom.repeat_s)  # noqa: PLW2901
            first = max(0, _index(offset + start))
            last = length if end == float("inf") else min(_index(offset + end), length)
            if first < last:
                found.append((first, last))
        if phantom.repeat_s is None:
            break
        offset += phantom.repeat_s
    return found


def _events(phantom: Phantom, spikes: list[float], length: int) -> list[Event]:
    named = [("contact_loss", phantom.contact_loss), ("asystole", phantom.stops)]
    named += [(noise.kind, ((noise.start_s, noise.end_s),)) for noise in phantom.noises]
    events = [
        Event(first, last, kind)
        for kind, spans in named
        for first, last in _repeated(phantom, spans, length)
    ]
    events += [Event(_index(at), _index(at) + 1, "spike") for at in spikes if _index(at) < length]
    return sorted(events, key=lambda event: (event.start, event.end, event.kind))


def _hidden(phantom: Phantom, length: int) -> list[tuple[int, int]]:
    """Spans without audible heart, merged."""
    spans = phantom.contact_loss + tuple(
        (noise.start_s, noise.end_s) for noise in phantom.noises if noise.snr_db <= LOUD_DB
    )
    merged: list[tuple[int, int]] = []
    for first, last in sorted(_repeated(phantom, spans, length)):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _states(
    timings: list[Timing], hidden: list[tuple[int, int]], length: int
) -> list[tuple[int, str]]:
    rows: list[tuple[int, str]] = []
    for timing in timings:
        rows += [
            (_index(timing.s1), "S1"),
            (_index(timing.systole), "systole"),
            (_index(timing.s2), "S2"),
            (_index(timing.diastole), "diastole"),
        ]
    before = [state for index, state in rows if index <= 0]
    first = before[-1] if before else "diastole"
    rows = [(0, first), *[(index, state) for index, state in rows if 0 < index < length]]
    for begin, end in hidden:
        rows = [row for row in rows if not begin <= row[0] < end]
        rows.append((begin, "noise-begin"))
        if end < length:
            rows.append((end, "noise-end"))
    return sorted(rows)
