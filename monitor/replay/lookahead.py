"""Analyses a file ahead of its play-head: the same session as any replay, kept by moment.

    ahead = LookaheadAnalysis(path, settings, models)  # opens it; what is wrong with it is raised
    ahead.start()                                     # a thread; `ahead.found` fills
    ahead.close()

The state of each moment is put together as a live session does it (``live_status``,
``live_state``).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.assembly import Models, channel_of, file_pipeline
from monitor.capture.files import WHOLE, FileSource, Part
from monitor.capture.health import Health
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.decoding.decoder import NO_HINTS, Hints
from monitor.errors import ApexbeatError
from monitor.events import Output
from monitor.replay.timeline import ReplaySnapshot, ReplayTimeline
from monitor.runner import StreamRunner, StreamSink
from monitor.view.state import AlarmLog, ScreenHistory
from monitor.view.status import status_of

_log = logging.getLogger(__name__)

BLOCK_S = 0.25
"""Half a step: no two steps fall into one moment."""

SESSION = "replay"


class Stopped(Exception):
    """Nobody looks any more."""


@dataclass(frozen=True)
class _FileStatus:
    """A file as a source whose state is told: always there, and exact."""

    driver: FileSource
    health: Health
    drift_ppm: float | None = None
    behind_s: float = 0.0

    @property
    def rate_hz(self) -> int:
        return self.driver.rate_hz

    @property
    def channels(self) -> int:
        return self.driver.channels


@dataclass(frozen=True)
class _TimelineSink(StreamSink):
    """A sink that hands on; what was found stays, however the stream ends."""

    keep: Callable[[Output], None]

    def output(self, output: Output) -> None:
        """Hand on."""
        self.keep(output)


class LookaheadAnalysis:
    """One file, analysed on a thread of its own.

    Parameters
    ----------
    path
        The file.
    settings, models, look, hints, part
        As for any replay.

    Attributes
    ----------
    found
        What was found so far.
    source
        The file.

    Raises
    ------
    InputError
        If the file cannot be read as sound.
    """

    def __init__(
        self,
        path: Path,
        settings: Settings,
        models: Models,
        look: bool = True,
        hints: Hints = NO_HINTS,
        part: Part = WHOLE,
    ) -> None:
        channel = channel_of(settings, look)
        self.source = FileSource(path, BLOCK_S, channel=channel, hints=hints, part=part)
        try:
            self._pipeline = file_pipeline(self.source, settings, models)
        except BaseException:
            self.source.close()
            raise
        self._heard = _FileStatus(self.source, Health(0.0))
        self._heard.health.samples(0.0)
        self._shown, self._log = ScreenHistory(), AlarmLog(answerable=False)
        self._alarms = self._log.all()
        self._seq = 0
        self._over = False
        self.found = ReplayTimeline(self._moment((), ()))
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, wait_s: float = 2.0) -> None:
        """Stop, and let go of the file."""
        self._over = True
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def wait(self, limit_s: float) -> bool:
        """Wait until all is analysed; tell whether it is."""
        self._thread.join(limit_s)
        return self.found.done

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            with self.source:
                runner = StreamRunner(self._pipeline, [_TimelineSink(self._keep)])
                runner.run(self.source, lambda: self.source.complete)
        except Stopped:
            pass  # the screen has gone
        except ApexbeatError as error:
            self.found.trouble = str(error)
        except Exception as error:  # noqa: BLE001 - shown and told, and what was found stays
            _log.error("the analysis ahead failed", exc_info=error)
            self.found.trouble = f"{self.source.name}: the analysis failed: {error!r}"
        self.found.done = True

    def _keep(self, output: Output) -> None:
        if self._over:
            raise Stopped
        if output.events or output.pictures:
            self.found.add(self._moment(output.events, output.pictures))

    def _moment(
        self, lines: tuple[ev.Event, ...], pictures: tuple[ev.WaveformChunk, ...]
    ) -> ReplaySnapshot:
        waves = tuple(self._shown.picture(SESSION, picture) for picture in pictures)
        board = self._pipeline.present.board
        if any(isinstance(line, ev.Alarm) for line in lines):
            self._log.update(lines)
            self._alarms = self._log.all()
        status = status_of(
            SESSION,
            self._heard,
            self._pipeline,
            self._shown,
            self._log.present(board),
            raised=len(self._log),
            clock_s=self._pipeline.index / RATE_HZ,
            wall=SystemClock().wall(),
            recording=False,
            can_record=True,
            duration_s=self.source.duration_s,
        )
        first, self._seq = self._seq, self._seq + len(lines)
        return ReplaySnapshot(status, self._alarms, lines, first, waves)
