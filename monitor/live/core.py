"""The core, ``python -m monitor.live.core``: a process with sessions, their store and the link.

Threads: this one analyses (all sessions in turn); the devices' callbacks fill rings; `store`
writes; `link` serves screens. Everything that comes from another thread is put into the inbox
and run here. The core ends by the request ``stop``, by SIGTERM, or, when a device can only be
revived by a new process, with `EXIT_RESTART`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.clock import Clock, SystemClock
from monitor.errors import ApexbeatError, RecordError
from monitor.integrations.publisher import Publisher
from monitor.link.address import place_of
from monitor.link.messages import LINK_VERSION, Attach, Beat, FromCore, FromScreen, Hello
from monitor.link.requests import AnyRequest
from monitor.link.server import Server
from monitor.live.context import SessionContext
from monitor.live.presence import GONE, Presence, SupervisorWatch
from monitor.live.reporting import Reporter
from monitor.live.requests import Requests
from monitor.live.retention import Retention
from monitor.live.session import LiveSession
from monitor.live.sleep_inhibitor import SleepInhibitor
from monitor.live.source import boot_id
from monitor.live.startup import SessionStarter
from monitor.record.store import CommandRow, Store
from monitor.supervise.job import EXIT_RESTART, LOG, Job, StartReport
from monitor.system.background import log_lines, log_stderr, unfailing_stderr
from monitor.version import version

_log = logging.getLogger(__name__)

POLL_S = 0.1
INBOX_TURN = 50
"""Requests that are done before the sound is looked at again: a flood of them delays nothing."""

TERMINATED_S = 2.0
"""A signal to end may be the machine's, which sends it to the supervisor too: it is waited for."""

SETTLE_S = 2.0
"""Wait at a start for the disk to take the new session, before anybody is told of it."""

END_S = 7.0
"""What is closed at the end may take so long in all, before the store's own rest is written."""

RESTART_AFTER_S = 60.0
"""A core younger than this does not restart itself: that did not help a minute ago."""


class Core:
    """All sessions of one store.

    Raises
    ------
    ApexbeatError
        If it cannot begin.
    """

    def __init__(self, job: Job, clock: Clock) -> None:
        self._clock = clock
        self._began_s = clock.monotonic()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._clients: dict[int, str] = {}
        self._steps = 0
        self._reason: str | None = None
        self._restart = ""
        self._terminated_s: float | None = None
        self._watch = SupervisorWatch(clock, self._tell_all)
        self.sessions: dict[str, LiveSession] = {}
        self._greeted: set[str] = set()
        self.store = Store(Path(job.store), clock)
        self._server: Server | None = None
        self._awake = SleepInhibitor()
        self._outward: Publisher | None = None
        try:
            # First of all: a core that nobody can reach must not begin a session.
            self._server = self._listen(Path(job.store))
            self._outward = Publisher(job.settings.outward, Path(job.store), strict=not job.resume)
            self._reporter = Reporter(self._outward, clock)
            if job.resume:
                self._reporter.catch_up(Path(job.store))
            self._outward.start()
            context = SessionContext(clock, self.store, self._publish, self._inbox.put, boot_id())
            self._starter = SessionStarter(job, context)
            self._requests = Requests(
                self._starter, self.sessions, job.config, self._send, self._publish,
                self._inbox.put, self._stop,
            )  # fmt: skip
            for session in self._starter.start():
                self.sessions[session.id] = session
            # Whoever knows of a session may count on it: a core that is killed now goes on with it.
            if not self.store.settle(SETTLE_S):
                _log.warning("the disk has not confirmed the new session yet")
            kept = job.settings.record
            self._retention = Retention(kept, self.store, clock, not job.resume)
            self._damaged = self.store.damaged
            self._presence = Presence(Path(job.store), self._server, self.store.lock)
        except BaseException:
            if self._outward is not None:
                self._outward.close(0.0)
            if self._server is not None:
                self._server.close("it did not begin", asked=False)
            self.store.close(1.0)
            raise

    def _listen(self, store: Path) -> Server:
        try:
            return Server(place_of(store), self._message, self._gone, self._beat, self._clock)
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise RecordError(
                f"no screen can reach this monitor: {words}", "see XDG_RUNTIME_DIR"
            ) from None

    @property
    def begun(self) -> StartReport:
        """What to tell whoever started us."""
        assert self._server is not None
        return StartReport(
            address=str(self._server.address),
            sessions=list(self.sessions),
            notes=self._retention.words + self._starter.notes + self._sleep_note(),
        )

    def _sleep_note(self) -> list[str]:
        refusal = self._awake.refusal
        if refusal is None:
            return []
        return [f"the machine may go to sleep while it monitors ({refusal})"]

    def run(self) -> int:
        """Monitor until told to stop; return the exit code. Call it once `begun` was told."""
        self.store.told()
        while self._reason is None and not self._restart:
            self._take_inbox(POLL_S)
            self._watch.look()
            self._greet_new()
            self._look_at_signal()
            for session in self.sessions.values():
                while session.step():
                    self._steps += 1
                    self._take_inbox(0.0)
            self._steps += 1
            self._look_at_health()
        return self._end()

    def terminate(self) -> None:
        """SIGTERM: end, unless a supervisor lives that did not ask; for a signal handler."""
        self._terminated_s = self._clock.monotonic()

    # ------------------------------------------------------------ this thread

    def _stop(self, reason: str) -> None:
        self._reason = "terminated" if reason == "stopped by supervisor" else reason

    def _supervised(self) -> bool:
        return "supervisor" in self._clients.values()

    def _look_at_signal(self) -> None:
        """A signal alone ends a core that nobody supervises; else only its supervisor does.

        The supervisor of a core that has just begun may not have come to the link yet.
        """
        if self._terminated_s is None:
            return
        if not self._supervised():
            if not self._watch.alive:
                self._stop("terminated")
        elif self._clock.monotonic() - self._terminated_s > TERMINATED_S:
            self._restart = "a signal ended the core, and nobody had asked for it"

    def _take_inbox(self, wait_s: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._inbox.get(timeout=wait_s)() if wait_s else self._inbox.get_nowait()()
            for _ in range(INBOX_TURN):
                self._inbox.get_nowait()()

    def _look_at_health(self) -> None:
        old = self._clock.monotonic() - self._began_s > RESTART_AFTER_S
        failed = any(session.capture.failed for session in self.sessions.values())
        if failed and old and self._supervised():
            self._restart = "the core restarts: the audio library hangs"
        assert self._outward is not None
        for line in self._outward.troubles():
            self._note_all("outward", line)
        for line in self._retention.turn():
            self._note_all("retention", line)
        if self.store.damaged != self._damaged:
            self._damaged = self.store.damaged
            assert self._damaged is not None
            kept = self._damaged.name
            self._note_all(
                "store", f"the store was damaged and is kept as {kept}; a new one is used"
            )

    def _note_all(self, kind: str, words: str) -> None:
        for session in self.sessions.values():
            self._note(session, kind, words)

    def _tell_all(self, condition: ev.Condition) -> None:
        """A condition of the whole machine is one of every session."""
        for name in self._greeted:
            self.sessions[name].feed(condition)

    def _greet_new(self) -> None:
        for name in self.sessions.keys() - self._greeted:
            self._greeted.add(name)
            for condition in self._watch.present:
                self.sessions[name].feed(condition)

    def _end(self) -> int:
        assert self._server is not None
        assert self._outward is not None
        self._awake.release()
        self._requests.close()
        self._presence.close()
        if self._restart:
            self._server.close(self._restart, asked=False)
            self._outward.close(0.5)
            self.store.close()
            return EXIT_RESTART
        self._server.ending()
        end_s = self._clock.monotonic() + END_S
        for session in self.sessions.values():
            session.end(self._reason or "stopped", end_s=end_s)
        self._reporter.ended()
        self._outward.close()
        written = self.store.close()
        self._server.close(self._reason or "stopped")
        return 0 if written else 6

    def _attach(self, client: int, attach: Attach) -> None:
        assert self._server is not None
        self._clients[client] = attach.client
        hello = Hello(
            link=LINK_VERSION,
            software=f"apexbeat {version()}",
            pid=os.getpid(),
            sessions=list(self.sessions),
            supervised=self._supervised() and self._watch.alive,
        )
        snapshots = [session.snapshot() for session in self.sessions.values()]
        self._server.admit(client, [hello, *snapshots], attach.waves)

    def _leave(self, client: int) -> None:
        self._requests.leave(client)
        if self._clients.pop(client, "") == "supervisor" and self._reason is None:
            self._note_all("supervisor_gone", GONE)
            if not self._supervised():
                self._watch.gone()

    def _hear(self, client: int, beat: Beat) -> None:
        """The supervisor lives, and says what was heard."""
        if self._clients.get(client) != "supervisor":
            return
        self._watch.beat(beat.unheard)
        for sounded in beat.sounded:
            body = msgspec.json.encode(sounded).decode()
            for session in self.sessions.values():
                row = CommandRow(
                    session.pipeline.index, sounded.wall, "supervisor", "sounded", body
                )
                self.store.command(session.id, row, lambda: None)

    def _ask(self, client: int, request: AnyRequest) -> None:
        self._requests.ask(client, self._clients.get(client, "unknown"), request)

    def _note(self, session: LiveSession, kind: str, words: str) -> None:
        row = CommandRow(session.pipeline.index, self._clock.wall(), "core", kind, words)
        self.store.command(session.id, row, lambda: None)

    # ------------------------------------------------------------ other threads

    def _publish(self, message: FromCore) -> None:
        if self._server is not None:
            self._server.broadcast(message)
        self._reporter.take(message)

    def _send(self, client: int, message: FromCore) -> None:
        if self._server is not None:
            self._server.send(client, message)

    def _message(self, client: int, message: FromScreen) -> None:
        if isinstance(message, Attach):
            self._inbox.put(lambda: self._attach(client, message))
        elif isinstance(message, Beat):
            self._inbox.put(lambda: self._hear(client, message))
        else:
            self._inbox.put(lambda: self._ask(client, message))

    def _gone(self, client: int) -> None:
        self._inbox.put(lambda: self._leave(client))

    def _beat(self) -> int:
        return self._steps


def main() -> int:
    """Read a job, say how it began, monitor."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    os.umask(0o077)
    threading.current_thread().name = "analysis"
    try:
        log_stderr(Path(job.store) / LOG)  # what it was stays open: nobody's pipe breaks by it
    except OSError:
        unfailing_stderr()
    log_lines("core")
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        core = Core(job, SystemClock())
    except ApexbeatError as error:
        _say(StartReport(error=str(error), code=error.exit_code))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - told to the supervisor, whatever it was
        _log.exception("the core failed")
        _say(StartReport(error=f"the core failed: {error!r}", code=1))
        return 1
    signal.signal(signal.SIGTERM, lambda *_: core.terminate())
    _say(core.begun)
    gc.collect()
    gc.freeze()
    return core.run()


def _say(begun: StartReport) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(begun) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # an abandoned call into the audio library must not keep us
