"""A session for the tests of exports and reports: phantom sound, a gap, alarms, hostile words.

The events are written by hand from the phantom's truth, so no other part is needed to make them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from dsp.phantom import Phantom, render
from monitor import events as ev

RATE = 2000
SECONDS = 90
GAP = (20 * RATE, 5 * RATE)
HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold]<script>alert(1)</script>\n=cmd|calc" + "x" * 4096


@dataclass(frozen=True)
class Sample:
    """An event file and the sound that was delivered (without what the gap swallowed)."""

    events: Path
    sound: Path
    lines: list[ev.Event]


@cache
def _rendering():
    phantom = Phantom(
        duration_s=SECONDS, profile=((0.0, 72.0), (40.0, 72.0), (50.0, 158.0)), seed=7
    )
    return render(phantom, RATE)


def lines(name: str = "phantom.wav") -> list[ev.Event]:
    """All lines of the event file."""
    start, length = GAP
    body: list[ev.Event] = [
        ev.Quality(index=2000, value="good", reason=""),
        ev.Gap(
            index=25 * RATE + 1000, start=start, length=length, uncertainty=320, reason="unplugged"
        ),
        ev.Quality(index=70 * RATE, value="noisy", reason="rubbing"),
        ev.Quality(index=76 * RATE, value="good", reason=""),
        ev.Fault(index=30 * RATE, what="input overflow"),
        ev.Mark(index=35 * RATE, note="turned on the left side"),
    ]
    for beat in _rendering().beats:
        onsets = [
            o for o in (beat.s1, beat.systole, beat.s2, beat.diastole, beat.end) if o is not None
        ]
        if not onsets or any(start <= onset < start + length for onset in onsets):
            continue
        due = -(-(onsets[-1] + 1500) // 1000) * 1000
        body.append(
            ev.Beat(
                index=min(due, SECONDS * RATE),
                s1=beat.s1,
                systole=beat.systole,
                s2=beat.s2,
                diastole=beat.diastole,
                end=beat.end,
                confidence=0.97,
            )
        )
        if beat.s1 is not None and beat.s1 + 5000 < SECONDS * RATE:
            loud = beat.s1 > 50 * RATE
            body.append(
                ev.Window(
                    index=min(due + 4000, SECONDS * RATE),
                    start=beat.s1,
                    p=0.91 if loud else 0.12,
                    used=not (70 * RATE <= beat.s1 < 76 * RATE),
                    reason=None,
                )
            )
    for second in range(1, SECONDS + 1):
        known = second > 4 and not 20 < second <= 28
        rate = 72.0 if second < 40 else min(72.0 + 8.6 * (second - 40), 158.0)
        body.append(
            ev.Vitals(
                index=second * RATE,
                rate=round(float(rate + 0.4 * np.sin(second)), 1) if known else None,
                spread=0.03 if known else None,
                systole_ms=310.0 if known else None,
                diastole_ms=520.0 if known else None,
            )
        )
    for second, value, p in (
        (6, "normal", 0.12),
        (21, "none", None),
        (31, "normal", 0.12),
        (60, "abnormal", 0.91),
    ):
        body.append(
            ev.Verdict(
                index=second * RATE,
                value=value,
                p=p,
                windows=9 if p else 0,
                age_s=1.0 if p else None,
            )
        )
    body.append(
        ev.Verdict(
            index=(SECONDS - 5) * RATE,
            value="unsure",
            p=0.47,
            windows=60,
            age_s=None,
            reason="20 of 60 windows ≥ 0.56, mean p 0.47",
            record=True,
        )
    )
    said = "rate 152/min > 150, quality good"
    for second, kind, priority, state, evidence in (
        (52, "tachycardia_extreme", "high", "pending", said),
        (57, "tachycardia_extreme", "high", "active", said),
        (
            60,
            "abnormal_sound",
            "medium",
            "active",
            "12 of 15 windows ≥ 0.80, quality good, 158/min",
        ),
        (63, "tachycardia_extreme", "high", "acknowledged", said),
        (72, "poor_signal", "low", "pending", "rubbing"),
        (74, "poor_signal", "low", "inactive", "rubbing"),
        (84, "abnormal_sound", "medium", "latched", "condition gone"),
    ):
        body.append(
            ev.Alarm(
                index=second * RATE, kind=kind, priority=priority, state=state, evidence=evidence
            )
        )
    body.sort(key=lambda event: (event.index, ev.ORDER.index(type(event))))
    head = ev.Session(
        index=0,
        schema=1,
        software="apexbeat 0.1.0",
        models={"student": "0" * 64, "cycles": "1" * 64},
        settings={"analysis.channel": 0, "alarms.tachycardia": 120.0, "verdict.windows": 15},
        name=name,
        rate=RATE,
        channels=1,
    )
    counts: dict[str, int] = {}
    for event in body:
        tag = event.__struct_config__.tag
        counts[tag] = counts.get(tag, 0) + 1
    return [head, *body, ev.End(index=SECONDS * RATE, counts=counts, complete=True)]


def write(folder: Path, name: str = "phantom.wav") -> Sample:
    """Write event file and sound into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = lines(name)
    events = folder / "session.jsonl"
    events.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in listed))
    start, length = GAP
    whole = _rendering().sound
    sound = folder / "sound.wav"
    soundfile.write(sound, np.concatenate([whole[:start], whole[start + length :]]), RATE, "FLOAT")
    return Sample(events=events, sound=sound, lines=listed)
