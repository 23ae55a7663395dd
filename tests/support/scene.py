"""A scripted state of a core for the screen's tests: a heart drawn by rule, and its status.

A `Scene` says for each half second what the core would send. Everything follows from the scene
and the index, so a picture of it is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np

from monitor import events as ev
from monitor.link import messages as ms
from monitor.link import requests as rq

STEP = 1000
SETTINGS: dict[str, str | int | float | bool | None] = {
    "alarms.tachycardia": 120, "alarms.tachycardia_extreme": 150,
    "alarms.bradycardia": 50, "alarms.bradycardia_extreme": 40,
    "alarms.rate_delay_s": 10, "alarms.extreme_delay_s": 5, "alarms.abnormal_windows": 14,
    "alarms.heart_lost_s": 6, "alarms.irregular_spread": 0.15, "alarms.poor_signal_delay_s": 10,
    "verdict.windows": 15,
}  # fmt: skip
"""Of the analysis, as a core tells them."""
BASE_WALL = 1_800_000_000.0


def alarm(
    occurrence: int,
    kind: str,
    priority: ev.Priority,
    raised_s: float,
    evidence: str,
    **over: object,
) -> ms.AlarmLine:
    """One line of an alarm log."""
    values: dict[str, object] = {
        "occurrence": occurrence,
        "kind": kind,
        "priority": priority,
        "state": "active",
        "condition": True,
        "raised": int(raised_s * 2000),
        "evidence": evidence,
        "acknowledged": None,
        "acknowledge_pending": False,
        "cleared": None,
        "count": 1,
        "earlier_session": None,
    } | over
    values.setdefault("gone", values["cleared"])
    return ms.AlarmLine(**values)  # type: ignore[arg-type]


@dataclass
class Scene:
    """One state of one session, changed by requests as a core would change it."""

    session: str = "20261123-080000-a1"
    bpm: float = 72.0
    murmur: float = 0.0
    alarms: list[ms.AlarmLine] = field(default_factory=list)
    past: list[ms.AlarmLine] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    """(start, length) in seconds."""
    stops_at_s: float | None = None
    """From here no sound comes."""
    status: dict[str, object] = field(default_factory=dict)
    """What differs from an ordinary status."""

    def beat(self, number: int) -> ev.Beat:
        """The n-th cycle."""
        cycle = int(120_000 / self.bpm)
        s1 = 500 + number * cycle
        systole = int(640 * (72 / self.bpm) ** 0.5)
        return ev.Beat(
            index=-(-(s1 + cycle + 1500) // STEP) * STEP,
            s1=s1,
            systole=s1 + 220,
            s2=s1 + systole,
            diastole=s1 + systole + 180,
            end=s1 + cycle,
            confidence=0.93 if number % 17 else 0.4,
        )

    def beats(self, start: int, stop: int) -> list[ev.Beat]:
        """Cycles that became certain in (start, stop]."""
        cycle = int(120_000 / self.bpm)
        first = max(0, (start - 6 * cycle) // cycle)
        found = []
        for number in range(first, stop // cycle + 1):
            beat = self.beat(number)
            if start < beat.index <= stop and self._there(beat.s1 or 0):
                found.append(beat)
        return found

    def _there(self, index: int) -> bool:
        if self.stops_at_s is not None and index >= self.stops_at_s * 2000:
            return False
        return not any(a <= index / 2000 < a + n for a, n in self.gaps)

    def wave(self, start: int, stop: int) -> ms.Wave:
        """Minimum and maximum of each 8 samples of a synthetic heart sound."""
        index = np.arange(start, stop)
        sound = 0.004 * np.sin(index * 0.9) * np.sin(index * 0.0131)
        cycle = int(120_000 / self.bpm)
        for number in range(max(0, start // cycle - 2), stop // cycle + 1):
            beat = self.beat(number)
            assert beat.s1 is not None
            assert beat.s2 is not None
            assert beat.systole is not None
            for onset, size, pitch, width in ((beat.s1, 0.16, 0.16, 70), (beat.s2, 0.10, 0.22, 50)):
                t = index - onset - 1.6 * width
                sound += size * np.exp(-((t / width) ** 2)) * np.sin(t * pitch)
            inside = (index > beat.systole) & (index < beat.s2)
            sound += self.murmur * inside * np.sin(index * 0.55) * np.sin(index * 0.071)
        pairs = np.round(sound * 32767).astype(np.int16).reshape(-1, 8)
        low_high = np.stack([pairs.min(axis=1), pairs.max(axis=1)], axis=1).astype("<i2")
        return ms.Wave(
            session=self.session,
            start=start,
            pairs=low_high.tobytes(),
            samples=pairs.astype("<i2").tobytes(),
        )

    def waves(self, start: int, stop: int) -> list[ms.Wave]:
        """The steps of (start, stop] that were not lost."""
        steps = range(start // STEP * STEP, stop, STEP)
        return [self.wave(at, at + STEP) for at in steps if self._there(at)]

    def gap_events(self, start: int, stop: int) -> list[ev.Gap]:
        """Gaps that ended in (start, stop]."""
        found = []
        for at, length in self.gaps:
            end = int((at + length) * 2000)
            if start < end <= stop:
                found.append(
                    ev.Gap(
                        index=end,
                        start=int(at * 2000),
                        length=int(length * 2000),
                        uncertainty=40,
                        reason="overrun",
                    )
                )
        return found

    def now(self, at_s: float) -> ms.Status:
        """The status after ``at_s`` seconds."""
        index = int(at_s * 2000) // STEP * STEP
        if self.stops_at_s is not None:
            index = min(index, int(self.stops_at_s * 2000))
        lost = sum(n for a, n in self.gaps if a + n <= at_s)
        values: dict[str, object] = {
            "session": self.session,
            "index": index,
            "clock_s": at_s,
            "wall": BASE_WALL + at_s,
            "device": "USB Stethoscope",
            "source": "live",
            "rate_hz": 4000,
            "channels": 1,
            "health": "healthy",
            "health_reason": "",
            "reconnects": 0,
            "heart": "heard",
            "rate": self.bpm,
            "spread": 0.03,
            "systole_ms": 318.0,
            "diastole_ms": 515.0,
            "rate_age_s": 0.9,
            "quality": "good",
            "quality_reason": "contact steady, SNR 14 dB",
            "quality_s": 95.0,
            "verdict": "normal",
            "p": 0.12,
            "windows": 15,
            "verdict_age_s": 1.2,
            "verdict_evidence": "15 windows, 1 of 15 ≥ 0.80",
            "level_db": -14.0,
            "clipped": 0,
            "gaps": len([1 for a, n in self.gaps if a + n <= at_s]),
            "lost_s": lost,
            "drift_ppm": 12.0,
            "delay_s": 0.9,
            "behind_s": 0.0,
            "recording": False,
            "audio_paused_s": 0.0,
            "can_record": True,
            "alarms": self.alarms,
            "duration_s": None,
        } | self.status
        return ms.Status(**values)  # type: ignore[arg-type]

    def snapshot(self, at_s: float) -> ms.Snapshot:
        """Everything a screen gets that attaches after ``at_s`` seconds."""
        status = self.now(at_s)
        seconds = range(max(0, int(at_s) - 900), int(at_s))
        trend = [
            (
                s * 2000,
                self.bpm + 6 * np.sin(s / 40) + 3 * np.sin(s / 7),
                0.2 + 0.1 * np.sin(s / 90),
            )
            for s in seconds
            if self._there(s * 2000)
        ]
        back = max(0, status.index - 60 * 2000)
        return ms.Snapshot(
            status=status,
            alarms=[*self.alarms, *self.past],
            waves=self.waves(max(0, status.index - 30 * 2000), status.index),
            beats=self.beats(back, status.index),
            trend=[(i, float(r), float(p)) for i, r, p in trend],
            settings=dict(SETTINGS),
        )

    def take(self, request: rq.Request, at_s: float) -> str:
        """Do what a person asked for; gives the error, empty where there is none."""
        index = self.now(at_s).index
        if request.what == "acknowledge":
            self.alarms = [
                msgspec.structs.replace(a, state="acknowledged", acknowledged=index)
                if request.alarm in {None, a.kind}
                else a
                for a in self.alarms
            ]
        elif request.what == "pause_audio":
            self.status["audio_paused_s"] = request.seconds
        elif request.what == "record":
            self.status["recording"] = request.on
        elif request.what == "limits" and request.limits.get("tachycardia", 0) > 200:
            return "alarms.tachycardia: 200 is the most"
        return ""
