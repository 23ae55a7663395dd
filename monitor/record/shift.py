"""A shift in figures: what one session heard, showed and raised within some hours.

Events and wall time in, `SessionShift` out; ``apexbeat log shift`` prints it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from monitor import events as ev
from monitor.alarms.episodes import Episode, heard
from monitor.events import RATE_HZ


@dataclass(frozen=True, slots=True)
class SessionShift:
    """One session within a shift.

    Attributes
    ----------
    start, end
        Indices (2 kHz) of what was looked at.
    lost
        Samples of it that were lost.
    quality, verdict
        Share of the rest by value; what was not judged is missing.
    rates
        (lowest, median, highest) rate shown, 1/min; None without any.
    alarms
        Those raised, in order.
    suppressed
        How many made no sound.
    """

    start: int
    end: int
    lost: int
    quality: dict[str, float] = field(default_factory=dict)
    verdict: dict[str, float] = field(default_factory=dict)
    rates: tuple[float, float, float] | None = None
    alarms: tuple[Episode, ...] = ()
    suppressed: int = 0
    marks: int = 0
    faults: int = 0

    @property
    def hours(self) -> float:
        return max(0, self.end - self.start - self.lost) / RATE_HZ / 3600

    @property
    def answers_s(self) -> list[float]:
        """Seconds from each alarm to its acknowledgement, of those that were acknowledged."""
        return [a.answer_s for a in self.alarms if a.answer_s is not None]

    @property
    def to_acknowledge(self) -> int:
        """Alarms that wait for a person still."""
        return sum(a.to_acknowledge for a in self.alarms)

    @property
    def kinds(self) -> Counter[str]:
        """How many alarms of each kind."""
        return Counter(alarm.kind for alarm in self.alarms)


def shift_of(
    events: Iterable[ev.Event],
    alarms: Sequence[Episode],
    start: int,
    end: int,
    suppressed: Sequence[int] = (),
) -> SessionShift:
    """Sum up the lines of one session.

    Parameters
    ----------
    events
        All of note up to ``end``, from the session's begin; vitals as far as wanted.
    alarms
        All occurrences of the session.
    start, end
        Indices between which things count.
    suppressed
        Indices of alarms that made no sound.
    """
    lost: list[tuple[int, int]] = []
    spans: dict[str, list[tuple[int, str]]] = {"quality": [], "verdict": []}
    rates: list[float] = []
    marks = faults = 0
    for event in events:
        inside = start <= event.index <= end
        match event:
            case ev.Gap():
                lost.append((event.start, event.start + event.length))
            case ev.Quality() | ev.Verdict():
                spans[type(event).__name__.lower()].append((event.index, event.value))
            case ev.Vitals() if inside and event.rate is not None:
                rates.append(event.rate)
            case ev.Mark():
                marks += inside
            case ev.Fault():
                faults += inside
    sound = heard(start, end, sorted(lost))
    length = sum(b - a for a, b in sound)
    return SessionShift(
        start=start,
        end=end,
        lost=end - start - length,
        quality=_shares(spans["quality"], sound, end, length),
        verdict=_shares(spans["verdict"], sound, end, length),
        rates=(min(rates), median(rates), max(rates)) if rates else None,
        alarms=tuple(e for e in alarms if start <= e.start <= end),
        suppressed=sum(start <= index <= end for index in suppressed),
        marks=marks,
        faults=faults,
    )


def _shares(
    changes: Sequence[tuple[int, str]], sound: Sequence[tuple[int, int]], end: int, length: int
) -> dict[str, float]:
    """Share of the sound for which each value held, largest first."""
    total: Counter[str] = Counter()
    for number, (begin, value) in enumerate(changes):
        until = changes[number + 1][0] if number + 1 < len(changes) else end
        total[value] += sum(max(0, min(b, until) - max(a, begin)) for a, b in sound)
    return {value: n / length for value, n in total.most_common() if n and length}
