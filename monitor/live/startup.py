"""How live sessions begin: new, or going on where a dead core left them.

A session that goes on has the index of its last anchor plus the time since, on a clock that
counts sleep; what lies between is a gap. Its alarms come from the store.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.alarms import Board
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import Models, build_pipeline, open_models
from monitor.capture.stream import Capture
from monitor.errors import ModelError
from monitor.link.messages import AlarmLine
from monitor.link.requests import Acknowledge
from monitor.live.context import SessionContext
from monitor.live.restore import before_of
from monitor.live.session import Before, LiveSession
from monitor.live.sinks import Folder
from monitor.live.source import OPEN_S, driver_again, driver_for, index_now
from monitor.record.clips import Clips
from monitor.record.evidence import evidence
from monitor.record.history import alarms_of, fold
from monitor.record.store import Archive, CommandRow, SessionRow, new_id
from monitor.sessionfolder.format import VERSION as FOLDER_VERSION
from monitor.sessionfolder.format import FolderInfo
from monitor.sessionfolder.writer import FolderWriter
from monitor.supervise.job import Job
from monitor.version import version
from monitor.view.state import AlarmLog, SavedBoard, line_of, load_board, save_board

FOLDER_S = 5.0
"""A folder for the sound must be there by then for a session to begin."""

GAP_DOUBT = RATE_HZ
"""Uncertainty of the gap over a restart: how long the last sound was under way, samples."""


CARRIED_OUT = ("acknowledge", "mark", "limits", "switch")
"""Commands that a killed core may have answered and not carried out."""


class _Kept(msgspec.Struct, frozen=True):
    """What a request in the store says, whatever kind it is of."""

    alarm: str | None = None
    note: str | None = None
    limits: dict[str, float] = {}
    profile: str = ""


def unapplied(archive: Archive, session: str, last: int) -> list[ev.Command]:
    """Commands that were answered, but of which no line tells: the core was killed in between.

    Parameters
    ----------
    last
        Number of the last line of the session.
    """
    found = []
    for row in archive.commands(session):
        if row.kind in CARRIED_OUT and row.seq is not None and row.seq > last:
            try:
                asked = msgspec.json.decode(row.body, type=_Kept)
            except msgspec.MsgspecError:
                continue  # a damaged row; the alarm shows that nobody has acknowledged it
            command = ev.Command(
                row.kind,  # type: ignore[arg-type]
                row.index,
                asked.alarm,
                note=asked.note,
                limits=asked.limits,
                profile=asked.profile,
            )
            found.append(command)
    return found


@dataclass
class Prepared:
    """A session that may begin: nothing of it is in the store yet."""

    row: SessionRow
    capture: Capture
    pipeline: Pipeline
    folder: FolderWriter | None


class SessionStarter:
    """Begins the sessions of one core."""

    def __init__(self, job: Job, context: SessionContext) -> None:
        self._job, self._context = job, context
        self.notes: list[str] = []
        self._earlier: list[AlarmLine] = []
        self._boards: dict[str, SavedBoard] = {}  # of the sessions of those lines
        self._models: Models | None = None
        if (damaged := context.store.damaged) is not None:
            self.notes.append(
                f"the store was damaged and is kept as {damaged.name}; a new one is used"
            )

    def start(self) -> list[LiveSession]:
        """Go on with open sessions, or begin those of the job.

        Raises
        ------
        ApexbeatError
            If one of them cannot begin; then none has.
        """
        with Archive(self._context.store.folder) as archive:
            left = archive.open_sessions()
            untold = set(archive.untold()) - {row.id for row in left}
            self.notes += [_ended(session) for session in sorted(untold)]
            self._earlier = self._unanswered(archive)
            usable = [row for row in left if row.usable]
            if self._job.resume and usable:
                self._close_left(archive, [row for row in left if not row.usable])
                return [self._resume(archive, row) for row in usable]
            prepared = self._prepare_all()
            begun = [self.take_up(one) for one in prepared]
            self._close_left(archive, left)  # last: a start that dies before has told nobody
            return begun

    def _prepare_all(self) -> list[Prepared]:
        prepared: list[Prepared] = []
        try:
            for source in self._job.sources:
                prepared.append(self.prepare(self.open(source)))
        except BaseException:
            for one in prepared:
                one.capture.close()
                if one.folder is not None:
                    one.folder.close(1.0, complete=False)
            raise
        return prepared

    def open(self, source: str) -> Capture:
        """Find and open a device; takes seconds, callable from any thread.

        Raises
        ------
        ApexbeatError
            If it cannot be opened, or the models are refused.
        """
        clock = self._context.clock
        driver = driver_for(source, self._job.settings.capture, clock)
        self._open_models(strict=True)  # before there is sound that would have to wait for them
        capture = Capture(driver, clock, threading.Event())
        capture.start(OPEN_S)
        return capture

    def prepare(self, capture: Capture) -> Prepared:
        """Make what a new session on an opened device needs; callable from any thread.

        Raises
        ------
        ApexbeatError
            If the models are refused, or its sound cannot be recorded; the device is closed.
        """
        driver = capture.driver
        now = self._context.clock.wall()
        try:
            pipeline = self._pipeline(capture, 0, None, strict=True)
            row = SessionRow(
                id=new_id(now),
                name=driver.name,
                device=getattr(driver, "identity", driver.name),
                source=driver.kind,
                rate_hz=capture.rate_hz,
                channels=capture.channels,
                software=f"apexbeat {version()}",
                models=msgspec.json.encode(self._open_models(True).hashes).decode(),
                settings=msgspec.json.encode(self._job.settings).decode(),
                folder=None,
                started=now,
                ended=None,
                ended_index=None,
                ended_how=None,
                board=None,
                label=None,
            )
            folder = None
            if self._job.record:
                folder = self._folder(row, 0, None)
                folder.wait_made(FOLDER_S)
                row = replace(row, folder=str(folder.folder))
        except BaseException:
            capture.close()
            raise
        return Prepared(row, capture, pipeline, folder)

    def take_up(self, prepared: Prepared) -> LiveSession:
        """Begin a session; it is in the store from now on."""
        row, store = prepared.row, self._context.store
        store.begin(row)
        store.run(row, 0, os.getpid())
        log = AlarmLog(earlier=self._earlier)
        return self._session(row, prepared.capture, prepared.pipeline, log, 0, prepared.folder)

    def acknowledge_earlier(
        self,
        request: Acknowledge,
        client: str,
        sessions: Iterable[LiveSession],
        answer: Callable[[bool, str], None],
    ) -> None:
        """Acknowledge alarms of a session that is over."""
        meant = [
            line
            for line in self._earlier
            if line.earlier_session == request.session
            and (request.alarm is None or line.kind == request.alarm)
        ]
        if not meant:
            answer(False, f"session {request.session} has no such open alarm")
            return
        self._earlier = [line for line in self._earlier if line not in meant]
        for session in sessions:
            session.log.earlier = list(self._earlier)
        saved = self._boards.get(request.session)
        if saved is not None:
            kinds = {line.kind for line in meant}
            alarms = {
                kind: replace(alarm, state="acknowledged", acknowledged=alarm.raised)
                if kind in kinds
                else alarm
                for kind, alarm in saved.board.alarms.items()
            }
            board = replace(saved.board, alarms=alarms)
            saved = msgspec.structs.replace(saved, board=board)
            self._boards[request.session] = saved
            self._context.store.board(request.session, save_board(board))
        body = msgspec.json.encode(request).decode()
        wall = self._context.clock.wall()
        command = CommandRow(meant[0].raised, wall, client, "acknowledge", body)
        self._context.store.command(request.session, command, lambda: answer(True, ""))

    # ------------------------------------------------------------ inside

    def _open_models(self, strict: bool) -> Models:
        if self._models is None:
            try:
                self._models = open_models(self._job.settings)
            except ModelError as error:
                if strict:
                    raise
                from dsp.cycles.model import CycleModel
                from models import shipped

                self.notes.append(f"model refused: {error}")
                self._models = Models(None, CycleModel.from_arrays(shipped.cycles_arrays()))
        return self._models

    def _pipeline(
        self, capture: Capture, index: int, board: Board | None, strict: bool
    ) -> Pipeline:
        return build_pipeline(
            self._job.settings,
            self._open_models(strict),
            capture.driver.name,
            capture.rate_hz,
            capture.channels,
            index=index,
            board=board,
        )

    def _resume(self, archive: Archive, row: SessionRow) -> LiveSession:
        context = self._context
        seq, last = archive.last(row.id)
        anchors = archive.anchors(row.id)
        known = max(last, anchors[-1].index if anchors else 0)
        index = max(known + 1, index_now(anchors, context.boot_id, context.clock))
        driver = driver_again(row, context.clock)
        capture = Capture(
            driver, context.clock, threading.Event(), index, row.rate_hz, row.channels
        )
        capture.resume()  # sound is kept while the models are opened
        saved = load_board(row.board)
        board = None if saved is None else saved.board
        pipeline = self._pipeline(capture, known, board, strict=False)
        earlier = [line for line in self._earlier if line.earlier_session != row.id]
        log = AlarmLog(fold(archive, row.id), earlier)
        context.store.run(row, index, os.getpid())
        folder = None
        if row.folder is not None:
            folder = self._folder(row, known, row.board)  # if it cannot be made: cannot_record
        before = before_of(archive, row.id, self._job.settings.verdict)
        session = self._session(row, capture, pipeline, log, seq + 1, folder, before)
        for command in unapplied(archive, row.id, seq):
            session.feed(command)
        lost = ev.Lost(known, index - known, GAP_DOUBT, "the core was restarted")
        session.feed(lost)
        session.go_on_from(anchors[-1] if anchors else None)
        return session

    def _session(
        self,
        row: SessionRow,
        capture: Capture,
        pipeline: Pipeline,
        log: AlarmLog,
        seq: int,
        folder: Folder | None,
        before: Before | None = None,
    ) -> LiveSession:
        clips = None
        if self._job.settings.record.clips:
            store = self._context.store.folder
            clips = Clips(store, row.id, self._context.clock, lambda: evidence(store))
        return LiveSession(
            row.id,
            capture,
            pipeline,
            self._context,
            log,
            seq,
            folder,
            self._recorder(row),
            lambda index, board: self._pipeline(capture, index, board, strict=False),
            clips,
            before,
        )

    def _recorder(self, row: SessionRow) -> Callable[[int, str], Folder]:
        def record(index: int, board: str) -> Folder:
            return self._folder(row, index, board, whole=False)

        return record

    def _folder(
        self, row: SessionRow, index: int, board: str | None, whole: bool = True
    ) -> FolderWriter:
        """A session folder; one more for each core that goes on with the session."""
        store = self._context.store
        info = FolderInfo(
            version=FOLDER_VERSION,
            session=row.id,
            name=row.name,
            source=row.source,
            device=row.device,
            rate_hz=row.rate_hz,
            channels=row.channels,
            software=row.software,
            models=msgspec.json.decode(row.models, type=dict[str, str]),
            settings=self._job.settings,
            started=self._context.clock.wall(),
            index=index,
            board=board,
            whole=whole,
        )
        parent = store.folder / "sessions"
        return FolderWriter(
            parent / row.id,
            info,
            self._context.clock,
            lambda folder: store.folder_of(row.id, str(folder)),
        )

    def _close_left(self, archive: Archive, left: list[SessionRow]) -> None:
        for row in left:
            index = archive.last(row.id)[1]
            self._context.store.end_unexpectedly(row.id, index)
            self.notes.append(_ended(row.id))

    def _unanswered(self, archive: Archive) -> list[AlarmLine]:
        """Alarms of sessions that are over which nobody acknowledged."""
        lines: list[AlarmLine] = []
        for row in archive.sessions():
            saved = load_board(row.board)
            if saved is None or (self._job.resume and row.ended is None):
                continue
            if any(alarm.state in ("active", "latched") for alarm in saved.board.shown):
                self._boards[row.id] = saved
                found = alarms_of(archive, row)
                lines += [line_of(one, session=row.id) for one in found if one.to_acknowledge]
        return lines


def _ended(session: str) -> str:
    return f"session {session} ended unexpectedly"
