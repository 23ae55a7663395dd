"""Listening at one place: the same capture and pipeline as a session, until enough is heard.

A place has a pipeline of its own: nothing of the place before, or of the last person, goes into it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor import events as ev
from monitor.analysis.summary import Collector, Summary
from monitor.assembly import Models, build_pipeline
from monitor.capture.driver import Driver
from monitor.capture.stream import Capture
from monitor.clock import Clock
from monitor.config.load import Settings
from monitor.events import RATE_HZ
from monitor.live.source import OPEN_S
from monitor.runner import StreamRunner, StreamSink

TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known at a moment of listening.

    Attributes
    ----------
    level_db
        Peak of the last half second, dB full scale; None where no sound came.
    quality, rate, verdict, p
        The newest; empty or None while unknown.
    windows, wanted
        Windows that count, and how many are enough.
    """

    heard_s: float
    level_db: float | None
    quality: str
    rate: float | None
    windows: int
    wanted: int
    verdict: str
    p: float | None

    @property
    def enough(self) -> bool:
        """Whether the verdict stands on all the windows that one rests on."""
        return self.windows >= self.wanted and self.verdict != "none"


@dataclass(frozen=True, slots=True)
class PlaceHeard:
    """What was heard at one place; ``sound`` is filtered, float32 [n] at 2 kHz, NaN where lost."""

    place: str
    events: Sequence[ev.Event]
    sound: NDArray[np.float32]
    summary: Summary


class _Keeper(StreamSink):
    def __init__(self, place: str, settings: Settings) -> None:
        self.events: list[ev.Event] = []
        self.chunks: list[ev.WaveformChunk] = []
        self._collector = Collector(place, settings)
        self._wanted = settings.verdict.windows
        self._windows = 0
        self._quality, self._verdict = "", "none"
        self._p: float | None = None
        self._rate: float | None = None

    def output(self, output: ev.Output) -> None:
        """Keep it all, and what is newest."""
        self.events += output.events
        self.chunks += output.pictures
        self._collector.take(output)
        for event in output.events:
            if isinstance(event, ev.Window):
                self._windows += event.used
            elif isinstance(event, ev.Quality):
                self._quality = event.value
            elif isinstance(event, ev.Vitals):
                self._rate = event.rate
            elif isinstance(event, ev.Verdict):
                self._verdict, self._p = event.value, event.p

    def progress(self, silent: bool) -> Progress:
        """What is known now."""
        last = self.chunks[-1] if self.chunks and not silent else None
        end = 0 if not self.chunks else self.chunks[-1].start + len(self.chunks[-1].samples)
        return Progress(
            end / RATE_HZ,
            None if last is None else last.level_db,
            self._quality,
            self._rate,
            self._windows,
            self._wanted,
            self._verdict,
            self._p,
        )

    def heard(self, place: str) -> PlaceHeard:
        """What was kept, once the stream has ended."""
        sound = ev.sound_of(self.chunks)
        return PlaceHeard(place, tuple(self.events), sound, self._collector.result())


class Listening:
    """A device while one place is heard; a context manager.

    Raises
    ------
    DeviceError
        If the device cannot be opened.
    """

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._capture = Capture(driver, clock, threading.Event())

    def __enter__(self) -> Capture:
        self._capture.start(OPEN_S)
        return self._capture

    def __exit__(self, *_: object) -> None:
        self._capture.close()


def listen(
    capture: Capture,
    place: str,
    settings: Settings,
    models: Models,
    clock: Clock,
    *,
    limit_s: float,
    stop: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> PlaceHeard:
    """Listen until enough is heard, the time is up, or ``stop`` says so.

    Parameters
    ----------
    capture
        Started.
    tell
        Told at each tick what is known.
    """
    pipeline = build_pipeline(settings, models, place, capture.rate_hz, capture.channels)
    keeper = _Keeper(place, settings)
    runner = StreamRunner(pipeline, [keeper])
    until_s = clock.monotonic() + limit_s
    while clock.monotonic() < until_s and not stop():
        clock.sleep(TICK_S)
        for item in capture.poll():
            runner.push(item)
        progress = keeper.progress(capture.silent_s > 0)
        tell(progress)
        if progress.enough:
            break
    runner.finish()
    return keeper.heard(place)
