"""What a replay tells a person of one recording, collected from the pipeline's own events.

The verdict is that of the last verdict line, the rate that of the vitals: nothing is judged here.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from statistics import fmean, median, stdev

import msgspec

from dsp.ecg import Reference
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode, Episodes
from monitor.analysis.averaged import AveragedBeat
from monitor.config.load import Settings
from monitor.loudness import PartLevels

VITALS = ("rate", "systole_ms", "diastole_ms", "spread")

FEW_CYCLES = 12
"""Up to so many cycles a rate is given with its uncertainty."""

ONSET_STEP = 40
"""Samples between two places at which an onset can be found."""

STUDENT = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
"""Student's t of 95 % for three cycles, four, ..."""


class AlarmEntry(msgspec.Struct, frozen=True):
    """One occurrence of one alarm: from when until when (None: it was on at the end), and why."""

    kind: str
    priority: ev.Priority
    from_s: float
    until_s: float | None
    evidence: str
    ended: str = ""
    """Why it was gone, empty while it lasts."""
    count: int = 1
    """How many times it came: a return within a minute is the same occurrence."""


class RecordVerdict(msgspec.Struct, frozen=True):
    """The verdict on a whole record; ``abnormal`` is the plain question (p above 0.5)."""

    value: ev.VerdictValue
    p: float | None
    abnormal: bool | None
    windows: int
    evidence: str


class BeatShape(msgspec.Struct, frozen=True):
    """An averaged beat: loudness over 96 parts of the cycle, loudest 1; S2 at this share."""

    loudness: list[float]
    s2: float
    beats: int


class Summary(msgspec.Struct, frozen=True):
    """One recording. Times in seconds, rate in 1/min, intervals in ms; None where not known.

    ``rate_uncertainty`` is given where the rate rests on a few cycles (95 %, in 1/min).
    ``warnings``, ``channel`` and ``reference`` tell what a file is like: what is missing of it,
    which channel was taken and why, and an electrocardiogram beside the sound.
    """

    name: str
    duration_s: float
    rate: float | None
    systole_ms: float | None
    diastole_ms: float | None
    spread: float | None
    beats: int
    quality_s: dict[str, float]
    heart_s: dict[str, float]
    verdict: RecordVerdict
    alarms: list[AlarmEntry]
    faults: list[str]
    gaps: int
    complete: bool
    averaged: BeatShape | None
    rate_uncertainty: float | None = None
    warnings: list[str] = []
    channel: str = ""
    reference: Reference | None = None
    loudness: PartLevels | None = None

    @property
    def murmur(self) -> str | None:
        """Where the sound of an abnormal verdict is loudest (`PartLevels.place`), else None."""
        if self.loudness is None or self.verdict.value != "abnormal":
            return None
        return self.loudness.place


class Collector:
    """Takes a pipeline's output as it comes.

    Parameters
    ----------
    name
        Of the recording.
    settings
        In force.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._averaged = AveragedBeat(settings.analysis.min_confidence)
        self._verdict = RecordVerdict("none", None, None, 0, "")
        self._vitals = {name: array("d") for name in VITALS}
        self._cycles: list[int] = []
        self._min_confidence = settings.analysis.min_confidence
        self._beats = self._gaps = self._index = 0
        self._quality: tuple[str, int] | None = None
        self._quality_s: dict[str, float] = {}
        self._heart: tuple[str, int] | None = None
        self._heart_s: dict[str, float] = {}
        self._alarms = Episodes()
        self._faults: list[str] = []
        self._complete = False

    def take(self, output: ev.Output) -> None:
        """Take what a push returned."""
        pictures = deque(output.pictures)
        for event in output.events:
            while pictures and pictures[0].start < event.index:
                self._averaged.picture(pictures.popleft())
            self._index = event.index
            self._event(event)
        for picture in pictures:
            self._averaged.picture(picture)

    def _event(self, event: ev.Event) -> None:
        if isinstance(event, ev.Beat):
            self._beats += 1
            self._averaged.beat(event)
            self._cycle(event)
        elif isinstance(event, ev.Vitals):
            for name, values in self._vitals.items():
                if (value := getattr(event, name)) is not None:
                    values.append(value)
        elif isinstance(event, ev.Verdict) and event.record:
            abnormal = None if event.p is None else event.p > 0.5
            self._verdict = RecordVerdict(
                event.value, event.p, abnormal, event.windows, event.reason
            )
        elif isinstance(event, ev.Heart):
            _add_until(self._heart, event.index, self._heart_s)
            self._heart = event.value, event.index if self._heart else 0
        elif isinstance(event, ev.Quality):
            _add_until(self._quality, event.index, self._quality_s)
            self._quality = (event.value, event.index if self._quality else 0)
        elif isinstance(event, ev.Alarm):
            self._alarms.take(event)
        elif isinstance(event, ev.Fault):
            self._faults.append(event.what)
        elif isinstance(event, ev.Gap):
            self._gaps += 1
        elif isinstance(event, ev.End):
            _add_until(self._quality, event.index, self._quality_s)
            _add_until(self._heart, event.index, self._heart_s)
            self._complete = event.complete

    def result(self) -> Summary:
        """Return the summary of what came."""
        averaged = self._averaged.result()
        return Summary(
            name=self._name,
            duration_s=round(self._index / RATE_HZ, 3),
            rate=self._median("rate", 1),
            rate_uncertainty=self._rate_uncertainty(),
            systole_ms=self._median("systole_ms", 1),
            diastole_ms=self._median("diastole_ms", 1),
            spread=self._median("spread", 3),
            beats=self._beats,
            quality_s={k: round(v, 3) for k, v in self._quality_s.items()},
            heart_s={k: round(v, 3) for k, v in self._heart_s.items()},
            verdict=self._verdict,
            alarms=[_entry(one) for one in self._alarms.all()],
            faults=self._faults,
            gaps=self._gaps,
            complete=self._complete,
            loudness=self._averaged.loudness(),
            averaged=None
            if averaged is None
            else BeatShape([round(float(v), 3) for v in averaged[0]], averaged[1], self._beats),
        )

    def _median(self, name: str, digits: int) -> float | None:
        values = self._vitals[name]
        return round(float(median(values)), digits) if values else None

    def _cycle(self, beat: ev.Beat) -> None:
        """Keep the first whole cycles: of a short recording they are all there is."""
        if beat.confidence < self._min_confidence:
            return
        if beat.s1 is not None and beat.end is not None and len(self._cycles) <= FEW_CYCLES:
            self._cycles.append(beat.end - beat.s1)

    def _rate_uncertainty(self) -> float | None:
        """Half the 95 % interval of the mean rate, where few cycles were found."""
        count = len(self._cycles)
        if not 3 <= count <= FEW_CYCLES or not self._vitals["rate"]:
            return None
        deviation = max(stdev(self._cycles), ONSET_STEP / 2)
        share = STUDENT[count - 3] * deviation / math.sqrt(count) / fmean(self._cycles)
        return round(share * 60 * RATE_HZ / fmean(self._cycles), 1)


def _entry(one: Episode) -> AlarmEntry:
    until_s = None if one.condition_end is None else one.condition_end / RATE_HZ
    return AlarmEntry(
        one.kind, one.priority, one.start / RATE_HZ, until_s, one.evidence, one.ended, one.count
    )


def _add_until(state: tuple[str, int] | None, index: int, seconds: dict[str, float]) -> None:
    """Book a state, known with the index of its beginning, up to ``index``."""
    if state is not None:
        value, since = state
        seconds[value] = seconds.get(value, 0.0) + (index - since) / RATE_HZ
