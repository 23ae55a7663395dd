"""Where the output of a live stream goes: session folder, store, screens, clips.

All are called on the analysis thread and never wait: each hands on to a queue of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from monitor import events as ev
from monitor.analysis.alarms import Board
from monitor.clock import ClockAnchor
from monitor.link.messages import EventLine, FromCore
from monitor.record.clips import Clips
from monitor.record.store import Store
from monitor.runner import StreamSink
from monitor.view.state import AlarmLog, ScreenHistory, save_board


class Folder(Protocol):
    """Takes the inputs of a session, to be replayed (see ``sessionfolder.writer``)."""

    def take(self, item: ev.Input) -> None: ...
    def events(self, events: tuple[ev.Event, ...]) -> None: ...
    def anchor(self, anchor: ClockAnchor) -> None: ...
    def trouble(self) -> str | None: ...
    @property
    def made(self) -> bool: ...
    def close(self, limit_s: float = ...) -> None: ...


class RecordingSink(StreamSink):
    """The session folder, while the sound is recorded."""

    def __init__(self, folder: Folder | None) -> None:
        self.folder = folder

    def input(self, item: ev.Input) -> None:
        """Record what the pipeline is given."""
        if self.folder is not None:
            self.folder.take(item)

    def output(self, output: ev.Output) -> None:
        """Record what the pipeline says."""
        if self.folder is not None and output.events:
            self.folder.events(output.events)


class StoreSink(StreamSink):
    """The store: every line under its number, and the alarms with each transition.

    Parameters
    ----------
    log
        Brought up to date with each transition.
    seq
        Number of the next line.
    board
        Returns the alarms of this moment.
    wall
        Returns the wall time (s since 1970).
    counts
        Lines by type that cores before this one had written: the last line counts them too.
    """

    def __init__(
        self,
        session: str,
        store: Store,
        log: AlarmLog,
        seq: int,
        board: Callable[[], Board],
        wall: Callable[[], float],
        counts: Mapping[str, int],
    ) -> None:
        self._wall, self._counts = wall, counts
        self._session, self._store, self._log = session, store, log
        self.seq = seq
        self._board = board
        self._limits = board().limits

    def output(self, output: ev.Output) -> None:
        """Queue the lines to be written."""
        lines = tuple(map(self._counted, lines_of(output)))
        if not lines:
            return
        board, saved = self._board(), None
        if has_alarm(lines) or board.limits != self._limits:
            self._limits = board.limits
            self._log.update(lines, self._wall())
            saved = save_board(board)
        self._store.events(self._session, self.seq, lines, saved)
        self.seq += len(lines)

    def _counted(self, event: ev.Event) -> ev.Event:
        if not isinstance(event, ev.End) or not self._counts:
            return event
        counts = dict(Counter(event.counts) + Counter(self._counts))
        return msgspec.structs.replace(event, counts=counts)


class LinkSink(StreamSink):
    """The screens: every line and waveform, and what a screen that attaches later is shown.

    Parameters
    ----------
    publish
        Sends to every screen.
    history
        Kept for screens that attach later.
    seq
        Number of the next line.
    p
        Returns the verdict's p of this moment.
    """

    def __init__(
        self,
        session: str,
        publish: Callable[[FromCore], None],
        history: ScreenHistory,
        seq: int,
        p: Callable[[], float | None],
    ) -> None:
        self._session, self._publish = session, publish
        self._history, self._seq, self._p = history, seq, p

    def output(self, output: ev.Output) -> None:
        """Send everything that became known."""
        for line in lines_of(output):
            self._publish(EventLine(session=self._session, seq=self._seq, event=line))
            self._seq += 1
            self._history.event(line)
            if isinstance(line, ev.Vitals):
                self._history.point(line.index, line.rate, self._p())
        for picture in output.pictures:
            self._publish(self._history.picture(self._session, picture))


class ClipSink(StreamSink):
    """Sound around alarms, where clips are kept."""

    def __init__(self, clips: Clips) -> None:
        self._clips = clips

    def output(self, output: ev.Output) -> None:
        """Begin a clip at each alarm; give the sound to those that are under way."""
        for line in output.events:
            if isinstance(line, ev.Alarm):
                self._clips.alarm(line)
        for picture in output.pictures:
            self._clips.picture(picture)


def lines_of(output: ev.Output) -> tuple[ev.Event, ...]:
    """The events that store and screens know; the session line is in their own words."""
    return tuple(event for event in output.events if not isinstance(event, ev.Session))


def has_alarm(events: tuple[ev.Event, ...]) -> bool:
    """Whether an alarm changed its state."""
    return any(isinstance(event, ev.Alarm) for event in events)
