"""One live stream in the core: capture → pipeline → store, link and session folder.

`step` is called ten times a second on the analysis thread and never waits for disk, network or
device. What a person asks for comes in by `ask` on the same thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.alarms import Board
from monitor.analysis.pipeline import Pipeline
from monitor.capture.stream import Capture
from monitor.clock import ClockAnchor
from monitor.errors import ApexbeatError
from monitor.link.messages import Snapshot, Status
from monitor.link.requests import (
    Acknowledge,
    AddMark,
    AnyRequest,
    SwitchRecording,
)
from monitor.live.commands import command_of
from monitor.live.context import SessionContext
from monitor.live.sinks import ClipSink, Folder, LinkSink, RecordingSink, StoreSink, has_alarm
from monitor.record.clips import Clips
from monitor.record.store import CommandRow
from monitor.runner import StreamRunner, StreamSink
from monitor.view.state import AlarmLog, ScreenHistory, save_board
from monitor.view.status import status_of

_log = logging.getLogger(__name__)

ANCHOR_S = 60.0
STATUS_S = 0.5
CLOCK_STEP_S = 0.5
"""Wall time that moved by more than this against the clock that only goes on was set."""

RECORD_S = 4.0
"""Somebody who asks for a recording is told within this whether it has begun."""

FAILURES = 5
"""So many failures of a stage in a row, and only a new core can help."""


@dataclass(frozen=True, slots=True)
class Before:
    """What cores before this one had found of a session.

    Attributes
    ----------
    history
        What a screen that attaches is told: trend, beats, gaps, marks.
    counts
        Lines so far by type.
    """

    history: ScreenHistory = field(default_factory=ScreenHistory)
    counts: Mapping[str, int] = field(default_factory=dict)


class LiveSession:
    """One stream.

    Parameters
    ----------
    id
        Of the session, unique in its store.
    capture, pipeline
        Of the stream, begun at the same index.
    context
        Clock, store and link of the core.
    seq
        Number of the next line.
    folder
        Where sound and inputs are recorded, None if they are not.
    record
        Makes a folder from an index and the alarms' state on.
    remake
        Makes a new pipeline at an index with the alarms' state, after a stage failed.
    clips
        Keeps sound around alarms, None if they are switched off.
    before
        What cores before this one had found, of a session that goes on.
    """

    def __init__(
        self,
        id: str,
        capture: Capture,
        pipeline: Pipeline,
        context: SessionContext,
        log: AlarmLog,
        seq: int = 0,
        folder: Folder | None = None,
        record: Callable[[int, str], Folder] | None = None,
        remake: Callable[[int, Board], Pipeline] | None = None,
        clips: Clips | None = None,
        before: Before | None = None,
    ) -> None:
        self.id = id
        self.capture, self.log = capture, log
        self._context = context
        self._record, self._remake = record, remake
        self._failures = 0
        self.clips = clips
        before = before or Before()
        self._history = before.history
        self._runner = StreamRunner(pipeline)
        self._recording = RecordingSink(folder)
        self._lines = StoreSink(
            id, context.store, log, seq, lambda: self.board, context.clock.wall, before.counts
        )
        screens = LinkSink(
            id, context.publish, self._history, seq, lambda: self.pipeline.present.judgement.p
        )
        sinks: list[StreamSink] = [self._recording, self._lines, screens]
        if clips is not None:
            sinks.append(ClipSink(clips))
        self._runner.sinks += sinks
        self._anchor_s = float("-inf")
        self._status_s = float("-inf")
        self._told_state = capture.health.state
        self._asked: list[str] = []  # kinds whose acknowledgement is not committed, "" for all
        self._cannot: bool = False
        self._stopped = False
        self._anchored = -1  # index of the last anchor
        self._wall_offset_s: float | None = None  # of wall time against the boot clock
        self._waits_for_folder: tuple[Callable[[bool, str], None], float] | None = None
        self._zero_s: float | None = None  # time of index 0, on the clock that counts sleep

    # ------------------------------------------------------------ the analysis thread

    def step(self) -> bool:
        """Take what came; tell whether more waits."""
        for item in self.capture.poll():
            if not self.feed(item):
                break  # what followed was lost with the stage that failed
        self._check_record()
        if self.capture.health.state is not self._told_state:
            self._told_state = self.capture.health.state
            self._status_s = float("-inf")  # a screen learns of it now
        self._answer_recording()
        now_s = self._context.clock.boot()
        if now_s - self._anchor_s >= ANCHOR_S or self._clock_was_set():
            self.anchor()
        if now_s - self._status_s >= STATUS_S:
            self._status_s = now_s
            self._context.publish(self.status())
        return self.capture.behind_s > 0.5

    def feed(self, item: ev.Input) -> bool:
        """Push one input, and give its output to everybody; False if a stage failed on it."""
        try:
            output = self._runner.push(item)
        except Exception as error:  # noqa: BLE001 - printed, alarmed, counted
            self._restart_pipeline(error)
            return False
        if has_alarm(output.events):
            self._status_s = float("-inf")
        if isinstance(item, ev.Block):
            self._failures = 0
        return True

    def _restart_pipeline(self, error: Exception) -> None:
        """Go on with a new pipeline after what failed; too often in a row ends the core."""
        self._failures += 1
        if self._remake is None or self._failures >= FAILURES:
            raise error
        _log.error("a stage of session %s failed", self.id, exc_info=error)
        done = self.pipeline.index
        self._runner.pipeline = self._remake(done, self.board)
        lost = max(1, self.capture.index - done)
        words = f"a stage failed: {type(error).__name__}"
        self.feed(ev.Condition("analysis_fault", True, words))
        self.feed(ev.Lost(done, lost, 0, words))
        self.feed(ev.Condition("analysis_fault", False, "started anew"))

    def ask(self, request: AnyRequest, client: str, answer: Callable[[bool, str], None]) -> None:
        """Do what a person asked for; ``answer`` is called once it is on the disk."""
        if isinstance(request, SwitchRecording):
            self._switch_recording(request.on, answer)
            return
        index = self.pipeline.index
        if isinstance(request, AddMark) and request.keep:
            if self.clips is None:
                answer(False, "no sound is kept (record.clips is off)")
                return
            self.clips.keep(index)
        command = command_of(request, index)
        if command is None:
            answer(False, f"this session cannot {request.what}")
            return
        asked = command.alarm or ""
        if isinstance(request, Acknowledge):
            if words := self._came_since(request):
                answer(False, words)
                return
            self._asked.append(asked)

        def committed() -> None:
            if isinstance(request, Acknowledge):
                self._context.later(lambda: self._asked.remove(asked))
            answer(True, "")

        body = msgspec.json.encode(request).decode()
        row = CommandRow(
            index, self._context.clock.wall(), client, request.what, body, self._lines.seq
        )
        self._context.store.command(self.id, row, committed)
        self.feed(command)

    def anchor(self) -> None:
        """Tie the index to the clocks; a wall clock that was set since the last gets two."""
        clock = self._context.clock
        index, boot, wall = self.capture.index_now, clock.boot(), clock.wall()
        offset_s = self._wall_offset_s
        if offset_s is not None and self._clock_was_set():
            # What came before keeps its time: it was told by the clock as it was.
            before = max(index - 1, self._anchored + 1)
            self._write_anchor(before, boot, boot + offset_s)
            index = max(index, before + 1)  # also where no sample came since
        self._anchor_s, self._wall_offset_s = boot, wall - boot
        self._write_anchor(index, boot, wall)

    def go_on_from(self, last: ClockAnchor | None) -> None:
        """The session goes on after ``last``: a clock that was set in between is found."""
        if last is not None and last.boot_id == self._context.boot_id:
            self._wall_offset_s = last.wall - last.boot
        if last is not None:
            self._anchored = last.index

    def _clock_was_set(self) -> bool:
        clock = self._context.clock
        offset_s = self._wall_offset_s
        return offset_s is not None and abs(clock.wall() - clock.boot() - offset_s) > CLOCK_STEP_S

    def _write_anchor(self, index: int, boot: float, wall: float) -> None:
        row = ClockAnchor(index, self._context.clock.monotonic(), boot, wall, self._context.boot_id)
        self._anchored = index
        self._context.store.anchor(self.id, row)
        if self.folder is not None:
            self.folder.anchor(row)

    def end(self, how: str, complete: bool = True, end_s: float | None = None) -> None:
        """Close device and pipeline; write the last lines.

        Parameters
        ----------
        end_s
            On the monotonic clock: nothing is waited for after this.
        """
        if self._stopped:
            return
        self._stopped = True
        for item in self.capture.end():
            self.feed(item)
        self.anchor()
        self._runner.finish(complete)
        self.capture.close()
        self._context.publish(self.status())
        self._context.store.end(self.id, self.pipeline.index, how)
        if self.folder is not None:
            self.folder.close(self._left_s(end_s, 5.0))
        if self.clips is not None:
            self.clips.close(self._left_s(end_s, 3.0))

    def _left_s(self, end_s: float | None, limit_s: float) -> float:
        if end_s is None:
            return limit_s
        return max(0.1, min(limit_s, end_s - self._context.clock.monotonic()))

    # ------------------------------------------------------------ what a screen sees

    def snapshot(self) -> Snapshot:
        """The full state."""
        return Snapshot(
            status=self.status(),
            alarms=self.log.all(),
            waves=list(self._history.waves),
            beats=list(self._history.beats),
            trend=self._history.trend,
            settings=self.pipeline.settings,
            gaps=list(self._history.gaps),
            marks=list(self._history.marks),
        )

    def status(self) -> Status:
        """The present state."""
        return status_of(
            self.id,
            self.capture,
            self.pipeline,
            self._history,
            self.log.present(self.board, self._asked),
            raised=len(self.log),
            clock_s=self._clock_s(),
            wall=self._context.clock.wall(),
            recording=self.folder is not None,
            can_record=not self._cannot,
        )

    def _clock_s(self) -> float:
        """Seconds since index 0; goes on while no sample comes."""
        now_s = self._context.clock.boot()
        zero_s = self._zero_s
        if zero_s is None:
            zero_s = now_s - self.capture.index_now / RATE_HZ
            if self.capture.begun:
                self._zero_s = zero_s
        elif (earlier_s := now_s - self.pipeline.index / RATE_HZ) < zero_s:
            # The first samples had come late, as the backlog behind them shows.
            self._zero_s = zero_s = earlier_s
        return now_s - zero_s

    @property
    def pipeline(self) -> Pipeline:
        """The analysis; another one after a stage failed."""
        return self._runner.pipeline

    @property
    def folder(self) -> Folder | None:
        """Where the sound is recorded, None while it is not."""
        return self._recording.folder

    @property
    def board(self) -> Board:
        return self.pipeline.present.board

    # ------------------------------------------------------------ inside

    def _came_since(self, request: Acknowledge) -> str:
        """Why the signal that a person answers is not the one that is on now; empty if it is."""
        if request.occurrence is None or request.alarm is None:
            return ""
        now = self.log.open(request.alarm)
        if now is None:
            return "that alarm is over"
        if (now.number, now.count) != (request.occurrence, request.count or now.count):
            return "that alarm has come again since: look, and acknowledge this one"
        return ""

    def _switch_recording(self, on: bool, answer: Callable[[bool, str], None]) -> None:
        """Begin or end to keep the sound; the answer comes when there is a folder for it."""
        if on == (self.folder is not None):
            answer(True, "")
        elif not on:
            assert self.folder is not None
            self.folder.close(0.0)
            self._recording.folder = None
            answer(True, "")
        elif self._record is None:
            answer(False, "there is no folder to record into")
        else:
            board = save_board(self.board).decode()
            try:
                folder = self._record(self.capture.index, board)
                folder.events((self.pipeline.session,))
                self._recording.folder = folder
            except ApexbeatError as error:
                answer(False, str(error))
                return
            self._waits_for_folder = answer, self._context.clock.monotonic() + RECORD_S

    def _answer_recording(self) -> None:
        if self._waits_for_folder is None:
            return
        answer, until_s = self._waits_for_folder
        if self.folder is None or self.folder.made:
            answer(self.folder is not None, "" if self.folder is not None else "it was ended again")
        elif (trouble := self.folder.trouble()) is not None:
            answer(False, f"{trouble}; it is tried again")
        elif self._context.clock.monotonic() > until_s:
            answer(False, "the disk does not answer; it is recorded as soon as it does")
        else:
            return
        self._waits_for_folder = None

    def _check_record(self) -> None:
        trouble = self._context.store.writer.trouble()
        if trouble is None and self.clips is not None:
            trouble = self.clips.trouble
        if trouble is None and self.folder is not None:
            trouble = self.folder.trouble()
        if (trouble is not None) != self._cannot:
            self._cannot = trouble is not None
            self.feed(ev.Condition("cannot_record", self._cannot, trouble or "writes again"))
